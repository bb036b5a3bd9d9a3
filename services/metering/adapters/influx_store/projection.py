"""The projection: journal entries become lines in InfluxDB, piece by piece, in order of receive sequence.

Everything may be written twice, or written and repeated after a crash. A reading later than all of its series' is written as it is;
whatever is not is judged with all versions of its month, read back first. Versions that do not hold are written before what holds, so that
none of them is ever nowhere.
"""

import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import lru_cache

import numpy as np

from metering.adapters.influx_store import ledger
from metering.adapters.influx_store.filed import InfluxFiled
from metering.adapters.influx_store.ledger import Entry
from metering.adapters.influx_store.lines import reading_lines, superseded_lines, tags_of
from metering.adapters.influx_store.server import InfluxServer
from metering.adapters.series_store import chunk, frame
from metering.adapters.series_store.frame import columns_of_runs
from metering.adapters.series_store.merge import Step
from metering.adapters.series_store.numbering import Numbering
from metering.domain.series.columns import Flags, Int32, Int64, Versions, joined_versions
from metering.domain.series.resolve import resolve
from vocabulary.names import TerritoryId
from vocabulary.quality import Quality

_PIECE_ROWS = 131_072
_TAGS_KEPT = 200_000
_WRITES_AT_ONCE = 2
_WEEK_S = 7 * 86_400


class Projection:
    """Writes readings to one server; the ledger's new entries come back as steps for the writer."""

    def __init__(self, server: InfluxServer, filed: InfluxFiled, numbering: Numbering, *, now_s: Callable[[], float]) -> None:
        """Readings older than the server's retention at `now_s` are not written."""
        self._server = server
        self._filed = filed
        self._numbering = numbering
        self._now_s = now_s
        self._writers = ThreadPoolExecutor(_WRITES_AT_ONCE, thread_name_prefix="series-lines")
        self.tags = lru_cache(_TAGS_KEPT)(self._tags)

    def steps(self, connection: sqlite3.Connection, *, after: int, upto: int) -> Iterator[Step]:
        """Write the journal entries with receive sequences in `(after, upto]`; yield a step after each piece."""
        known: dict[int, Entry] = {}
        last = _last_times(connection)
        for piece in _pieces(connection, after, upto):
            written = self._written(connection, self._kept(piece), last, known)
            yield Step(
                chunks=[],
                summaries=[entry.summary for entry in written],
                superseded=[],
                damaged=[],
                rows=len(piece),
                digests=[(entry.summary[0], entry.digest) for entry in written],
            )

    def write(self, kept: Versions, others: Versions, *, judged: bool) -> None:
        """Write what holds, and before it the versions beside it."""
        for territory, of in self._by_territory(_by_weeks(others)):
            self._write_all(territory, superseded_lines(of, self.tags))
        for territory, of in self._by_territory(_by_weeks(kept)):
            self._write_all(territory, reading_lines(of, self.tags, judged=judged))

    def close(self) -> None:
        """Wait for what is being written."""
        self._writers.shutdown()

    def _write_all(self, territory: TerritoryId, texts: Iterator[bytes]) -> None:
        """Write texts that may come in any order, a few at a time: the server takes them on more than one core."""
        under_way: deque[Future[None]] = deque()
        try:
            for text in texts:
                if len(under_way) == _WRITES_AT_ONCE:
                    under_way.popleft().result()
                under_way.append(self._writers.submit(self._server.write, territory, text))
            while under_way:
                under_way.popleft().result()
        finally:
            # After a failure, nothing may arrive behind what is done next, such as an erasure.
            wait(under_way)

    def _written(self, connection: sqlite3.Connection, versions: Versions, last: dict[int, int], known: dict[int, Entry]) -> list[Entry]:
        """Write a piece; return the entries that changed."""
        versions = versions.take(np.lexsort((versions.columns.time, versions.columns.series)))
        columns = versions.columns
        keys = chunk.keys_of(columns.series, columns.time)
        plain = ~np.isin(keys, keys[_doubtful(versions, last)])
        fresh = versions.take(plain)
        self.write(fresh, joined_versions([]), judged=False)
        added = ledger.entries_of(fresh)
        before = ledger.entries(connection, [key for entry in added if (key := entry.summary[0]) not in known]) | known
        changed = [
            ledger.added(before[entry.summary[0]], entry) if entry.summary[0] in before else entry for entry in added
        ] + self._judged(versions.take(~plain), keys[~plain])
        for entry in changed:
            key, *_, time, _, _ = entry.summary
            known[key] = entry
            series = key & chunk.MOST_SERIES - 1
            last[series] = max(last.get(series, -1), time)
        return changed

    def _judged(self, new: Versions, keys: Int64) -> list[Entry]:
        """Judge readings with all that is there of their months, and write what came of it."""
        changed: list[Entry] = []
        months = keys >> chunk.SERIES_BITS
        for month in np.unique(months).tolist():
            part = new.take(months == month)
            series = np.unique(part.columns.series)
            span = (chunk.month_start(month), chunk.month_start(month + 1))
            kept, others = self._filed.whole(series, span)
            there = [kept.take(kept.columns.quality != Quality.SUSPECT), others]
            resolution = resolve(joined_versions([*there, part]))
            place = _places(part)
            self.write(_at(resolution.kept, place), _at(resolution.others, place), judged=True)
            changed += ledger.entries_of(resolution.kept)
        return changed

    def _kept(self, versions: Versions) -> Versions:
        days = self._server.address.retention_days
        return versions.take(versions.columns.time >= self._now_s() - days * 86_400) if days else versions

    def _by_territory(self, versions: Versions) -> Iterator[tuple[TerritoryId, Versions]]:
        if not len(versions):
            return
        owners = np.unique(versions.columns.series)
        territories = [name.territory for name in self._numbering.names(owners)]
        if len(set(territories)) == 1:
            yield territories[0], versions
            return
        for territory in sorted(set(territories)):
            of = owners[[one == territory for one in territories]]
            yield territory, versions.take(np.isin(versions.columns.series, of))

    def _tags(self, series: int) -> str:
        return tags_of(self._numbering.names(np.array([series], np.int32))[0])


def _by_weeks(versions: Versions) -> Versions:
    """Order readings so that neighbours fall into the same of the files that the server keeps for each week: each costs a write."""
    columns = versions.columns
    return versions.take(np.lexsort((columns.time, columns.series, columns.time // _WEEK_S)))


def _last_times(connection: sqlite3.Connection) -> dict[int, int]:
    """Return the last filed time of every series."""
    return dict(connection.execute("SELECT id & ? AS series, max(last_time) FROM summary GROUP BY series", (chunk.MOST_SERIES - 1,)))


def _pieces(connection: sqlite3.Connection, after: int, upto: int) -> Iterator[Versions]:
    """Yield journal entries together until they are many enough."""
    query = "SELECT seq, frame FROM journal WHERE seq > ? AND seq <= ? AND readings > 0 ORDER BY seq"
    waiting: list[Versions] = []
    rows = 0
    for sequence, body in connection.execute(query, (after, upto)):
        columns = columns_of_runs(frame.decode(sequence, body))
        waiting.append(Versions(columns=columns, sequence=np.full(len(columns), sequence, np.int64)))
        rows += len(columns)
        if rows >= _PIECE_ROWS:
            yield joined_versions(waiting)
            waiting, rows = [], 0
    if waiting:
        yield joined_versions(waiting)


def _doubtful(versions: Versions, last: dict[int, int]) -> Flags:
    """Tell which rows, ordered by series and time, may not simply be added."""
    columns = versions.columns
    doubtful = columns.quality >= Quality.SUSPECT
    again = (columns.series[1:] == columns.series[:-1]) & (columns.time[1:] == columns.time[:-1])
    doubtful[1:] |= again
    starts = np.flatnonzero(np.diff(columns.series, prepend=-1))
    owners: list[int] = columns.series[starts].tolist()
    filed = np.array([last.get(series, -1) for series in owners], np.int64)
    return doubtful | (columns.time <= np.repeat(filed, np.diff(np.append(starts, len(versions)))))


def _places(versions: Versions) -> Int64:
    return _place(versions.columns.series, versions.columns.time)


def _place(series: Int32, time: Int64) -> Int64:
    # 24 bits of series and 35 of time fit one integer.
    return series.astype(np.int64) << 36 | time


def _at(versions: Versions, places: Int64) -> Versions:
    return versions.take(np.isin(_places(versions), places))
