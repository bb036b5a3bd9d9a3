"""Moves the chunks of an embedded store to InfluxDB, and compares what the two hold.

Moving remembers each chunk with its checksum once it is written: it goes on where it stopped, and takes up what was changed since.
The chunks stay until everything was compared; from then on, the file is the journal of a store in InfluxDB.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from metering.adapters.influx_store import ledger
from metering.adapters.influx_store.filed import InfluxFiled
from metering.adapters.influx_store.ledger import Entry
from metering.adapters.influx_store.projection import Projection
from metering.adapters.influx_store.server import InfluxAddress, InfluxServer
from metering.adapters.series_store import chunk, upkeep
from metering.adapters.series_store.chunk import MOST_SERIES, SERIES_BITS, ChunkRow
from metering.adapters.series_store.frame import untagged
from metering.adapters.series_store.journalled import locked
from metering.adapters.series_store.merge import SupersededRow, superseded_versions
from metering.adapters.series_store.numbering import Numbering
from metering.adapters.series_store.schema import open_for_reading, open_for_writing
from metering.domain.series.columns import Columns, Versions
from vocabulary.failure import Failure, Kind
from vocabulary.quality import Quality

_CHUNKS_PER_PART = 400
_SERIES_PER_PART = 100
_DAY_S = 86_400


class MoveIncomplete(Failure):
    """InfluxDB does not hold what was moved to it: the chunks stay."""

    reason, kind = "MOVE_INCOMPLETE", Kind.CONFLICT


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a move has got."""

    chunks: int
    of_chunks: int
    readings: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What was compared: months of series and their readings in the file's ledger, readings in InfluxDB, and what differs.

    Beside them readings that wait in the journal, and erasures that are due.
    """

    ledger_readings: int
    months: int
    influx_readings: int
    waiting_readings: int
    due_erasures: int
    faults: tuple[str, ...]


def move(path: Path, address: InfluxAddress, said: Callable[[Progress], None]) -> Comparison:
    """Move a store that no process has open; StoreInUse, MoveIncomplete, ReadingsAway. Run again, it goes on."""
    lock = locked(path)
    try:
        report = upkeep.verify(path)
        if not report.sound:
            raise MoveIncomplete(f"the store is damaged: {report.faults[0]}; nothing was moved", faults=str(len(report.faults)))
        with closing(open_for_writing(path)) as connection, closing(_Move(connection, address)) as moving:
            moving.copy(said)
            comparison = moving.compare()
            if comparison.faults:
                raise MoveIncomplete(f"{comparison.faults[0]}; the chunks stay", faults=str(len(comparison.faults)))
            moving.leave()
        return comparison
    finally:
        os.close(lock)


def compare(path: Path, address: InfluxAddress) -> Comparison:
    """Compare the ledger of a store, open or not, with what InfluxDB holds."""
    with closing(open_for_reading(path)) as connection, closing(_Move(connection, address)) as moving:
        return moving.compare()


class _Move:
    def __init__(self, connection: sqlite3.Connection, address: InfluxAddress) -> None:
        self._connection = connection
        self._address = address
        self._server = InfluxServer(address)
        numbering = Numbering(connection)
        self._filed = InfluxFiled(self._server, numbering)
        self._projection = Projection(self._server, self._filed, numbering, now_s=time.time)

    def close(self) -> None:
        self._projection.close()
        self._server.close()

    def copy(self, said: Callable[[Progress], None]) -> None:
        self._connection.executescript(ledger.TABLES)
        self._drop_gone()
        left = "SELECT count(*) FROM chunk LEFT JOIN moved USING(id) WHERE moved.crc IS NOT chunk.crc"
        total: int = self._connection.execute("SELECT count(*) FROM chunk").fetchone()[0]
        done, readings = total - self._connection.execute(left).fetchone()[0], 0
        said(Progress(chunks=done, of_chunks=total, readings=0))
        for part in self._parts():
            readings += self._copy_part(part)
            done += len(part)
            said(Progress(chunks=done, of_chunks=total, readings=readings))

    def _parts(self) -> Iterator[list[ChunkRow]]:
        query = """
SELECT chunk.id, chunk.crc, body FROM chunk LEFT JOIN moved USING(id) WHERE moved.crc IS NOT chunk.crc ORDER BY chunk.id LIMIT ?
"""
        while part := self._connection.execute(query, (_CHUNKS_PER_PART,)).fetchall():
            yield part

    def _copy_part(self, part: Sequence[ChunkRow]) -> int:
        for key, *_ in part:
            # What was copied before it changed must not stay beside what it is now.
            if self._connection.execute("SELECT 1 FROM moved WHERE id = ?", (key,)).fetchone():
                self._erase(key)
        rows = chunk.decode(part)
        duration, quality = untagged(rows.tag)
        series = (rows.key & MOST_SERIES - 1).astype(np.int32)
        columns = Columns(series=series, time=rows.time, duration=duration, value=rows.value, quality=quality)
        kept = Versions(columns=columns, sequence=rows.sequence)
        self._projection.write(kept, self._beside(part), judged=bool((quality >= Quality.SUSPECT).any()))
        entries = ledger.entries_of(kept)
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT OR REPLACE INTO digest VALUES(?, ?)", [(one.summary[0], one.digest) for one in entries])
        self._connection.executemany("INSERT OR REPLACE INTO moved VALUES(?, ?)", [(key, crc) for key, crc, _ in part])
        self._connection.execute("COMMIT")
        return len(kept)

    def _beside(self, part: Sequence[ChunkRow]) -> Versions:
        found: list[SupersededRow] = []
        query = "SELECT series, time, tag, value, seq FROM superseded WHERE series = ? AND time >= ? AND time < ?"
        for key, *_ in part:
            month = key >> SERIES_BITS
            found += self._connection.execute(query, (key & MOST_SERIES - 1, chunk.month_start(month), chunk.month_start(month + 1)))
        return superseded_versions(found)

    def _drop_gone(self) -> None:
        """Erase in InfluxDB what was copied and then left the chunks, such as what was forgotten between two runs."""
        for (key,) in self._connection.execute("SELECT id FROM moved WHERE id NOT IN (SELECT id FROM chunk)").fetchall():
            self._erase(key)
            self._connection.execute("DELETE FROM moved WHERE id = ?", (key,))
            self._connection.execute("DELETE FROM digest WHERE id = ?", (key,))

    def _erase(self, key: int) -> None:
        month = key >> SERIES_BITS
        self._filed.erase(key & MOST_SERIES - 1, (chunk.month_start(month), chunk.month_start(month + 1)))

    def compare(self) -> Comparison:
        """Read everything that InfluxDB holds, and compare it with the ledger: readings, sums and digest of each series and month."""
        expected = ledger.entries(self._connection)
        days = self._address.retention_days
        oldest = time.time() - days * _DAY_S if days else 0.0
        # A month that the retention reaches into is being deleted: it cannot be held against anybody.
        expected = {key: entry for key, entry in expected.items() if chunk.month_start(key >> SERIES_BITS) >= oldest}
        faults: list[str] = []
        held = 0
        for month, series in _groups(expected):
            found = {entry.summary[0]: entry for entry in self._held(month, series)}
            held += sum(entry.summary[1] for entry in found.values())
            for one in series:
                key = chunk.key_of(one, month)
                faults += _differences(expected[key], found.get(key))
        waiting = "SELECT coalesce(sum(readings), 0) FROM journal WHERE seq > (SELECT applied FROM mark)"
        due = "SELECT count(*) FROM erasure"
        return Comparison(
            ledger_readings=sum(entry.summary[1] for entry in expected.values()),
            months=len(expected),
            influx_readings=held,
            waiting_readings=self._connection.execute(waiting).fetchone()[0],
            due_erasures=self._connection.execute(due).fetchone()[0],
            faults=tuple(faults),
        )

    def _held(self, month: int, series: Sequence[int]) -> list[Entry]:
        span = (chunk.month_start(month), chunk.month_start(month + 1))
        return ledger.entries_of(self._filed.whole(np.array(series, np.int32), span)[0])

    def leave(self) -> None:
        """From now on the readings are in InfluxDB: let go of the chunks."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("INSERT OR REPLACE INTO elsewhere VALUES(1, ?)", (self._address.url,))
        for table in ("chunk", "superseded", "moved"):
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own
        self._connection.execute("COMMIT")
        self._connection.executescript("PRAGMA incremental_vacuum")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _groups(expected: dict[int, Entry]) -> Iterator[tuple[int, list[int]]]:
    """Yield each month with some of its series."""
    waiting: list[int] = []
    for key in sorted(expected):
        if waiting and (waiting[0] >> SERIES_BITS != key >> SERIES_BITS or len(waiting) == _SERIES_PER_PART):
            yield waiting[0] >> SERIES_BITS, [one & MOST_SERIES - 1 for one in waiting]
            waiting = []
        waiting.append(key)
    if waiting:
        yield waiting[0] >> SERIES_BITS, [one & MOST_SERIES - 1 for one in waiting]


def _differences(expected: Entry, found: Entry | None) -> list[str]:
    key = expected.summary[0]
    name = f"series {key & MOST_SERIES - 1} in {chunk.month_name(key)}"
    if found is None:
        return [f"InfluxDB holds nothing of {name}, not {expected.summary[1]} readings"]
    if found.summary[1] != expected.summary[1]:
        return [f"InfluxDB holds {found.summary[1]} readings of {name}, not {expected.summary[1]}"]
    if found.digest != expected.digest or found.summary[2:4] != expected.summary[2:4]:
        return [f"the readings of {name} in InfluxDB are not those that were filed"]
    return []
