"""Backup, restore and verification of a series store's file."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from metering.adapters.series_store import chunk, frame
from metering.adapters.series_store.chunk import SERIES_BITS, SummaryRow
from metering.adapters.series_store.schema import elsewhere, failure_of, open_for_reading, require_format
from metering.domain.series.failures import CorruptChunk, CorruptJournal
from vocabulary.failure import Failure, Kind

_PAGES_PER_STEP = 1024


class BackupExists(Failure):
    """Something stands where the copy should go."""

    reason, kind = "BACKUP_EXISTS", Kind.EXISTS


class StoreDamaged(Failure):
    """The copy fails its own checks and is not put in place."""

    reason, kind = "STORE_DAMAGED", Kind.CONFLICT


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What verification found: how much was read, and what is wrong with it, one sentence each."""

    readings: int
    chunks: int
    journal_entries: int
    faults: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def backup(source: Path, target: Path) -> None:
    """Copy a store, open or not, to a new file; a reading that was acknowledged before the call is in it, and it is on disk at the end."""
    if target.exists():
        raise BackupExists(f"{target} exists", path=str(target))
    unfinished = target.with_name(target.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        with closing(open_for_reading(source)) as from_, closing(sqlite3.connect(unfinished)) as to:
            require_format(from_, source)
            from_.backup(to, pages=_PAGES_PER_STEP)
            to.execute("PRAGMA journal_mode = DELETE")
        _into_place(unfinished, target)
    except sqlite3.Error as error:
        raise failure_of(error) from error


def restore(source: Path, target: Path) -> Report:
    """Put a backup in the place of a store that does not exist (any more), after checking it whole."""
    report = verify(source)
    if not report.sound:
        raise StoreDamaged(f"{source} is damaged: {report.faults[0]}", path=str(source), faults=str(len(report.faults)))
    backup(source, target)
    return report


def verify(path: Path) -> Report:
    """Read everything that a store keeps, and compare it with its checksums and kept sums."""
    with closing(open_for_reading(path)) as connection:
        require_format(connection, path)
        connection.execute("BEGIN")
        faults = [str(row[0]) for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
        faults += [f"chunk {row[0]} was set aside as damaged" for row in connection.execute("SELECT id FROM damaged")]
        readings, chunks = 0, 0
        # What a server keeps is compared with the server.
        summaries = {} if elsewhere(connection) else {row[0]: row for row in connection.execute("SELECT * FROM summary")}
        for row in connection.execute("SELECT id, crc, body FROM chunk"):
            chunks += 1
            count, wrong = _chunk_faults(row, summaries.pop(row[0], None))
            readings += count
            faults += wrong
        faults += [f"chunk {key} is missing" for key in summaries]
        entries = list(_journal_faults(connection))
        faults += [fault for fault in entries if fault]
    return Report(readings=readings, chunks=chunks, journal_entries=len(entries), faults=tuple(faults))


def _chunk_faults(row: chunk.ChunkRow, kept: SummaryRow | None) -> tuple[int, list[str]]:
    name = f"series {row[0] & chunk.MOST_SERIES - 1} in {chunk.month_name(row[0])}"
    try:
        rows = chunk.decode([row])
    except CorruptChunk as failure:
        return 0, [failure.message]
    faults: list[str] = []
    _, (expected,) = chunk.encode(rows, open_from=0)
    if not (np.diff(rows.time) > 0).all() or (chunk.month_of(rows.time) != row[0] >> SERIES_BITS).any():
        faults.append(f"the readings of {name} are out of order")
    if kept != expected:
        faults.append(f"the kept sums of {name} are not those of its readings")
    return len(rows), faults


def _journal_faults(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield one text per journal entry, empty where it is sound."""
    for sequence, readings, body in connection.execute("SELECT seq, readings, frame FROM journal"):
        if not readings:
            yield ""
            continue
        try:
            rows = frame.decode(sequence, body)
        except CorruptJournal as failure:
            yield failure.message
        else:
            yield "" if len(rows) == readings else f"journal entry {sequence} holds {len(rows)} readings, not {readings}"


def _into_place(unfinished: Path, target: Path) -> None:
    """Make a finished file appear under its name, durably."""
    _sync(unfinished)
    unfinished.rename(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
