"""What readers ask: one series, the totals of a month, the last of all, events."""

import sqlite3
from collections.abc import Sequence
from datetime import date

import numpy as np

from metering.adapters.series_store import chunk, lookup
from metering.adapters.series_store.filed import Filed
from metering.adapters.series_store.intake import decode_series
from metering.adapters.series_store.tail import Tail
from metering.domain.series.batch import MonthTotals, SeriesEvent
from metering.domain.series.columns import Columns, Int32, Int64, Versions, joined
from metering.domain.series.failures import CursorExpired
from metering.domain.series.resolve import Resolution, resolve
from vocabulary.interval import Interval
from vocabulary.quality import Quality


def read(filed: Filed, connection: sqlite3.Connection, tail: Tail, series: int, during: Interval, *, known_at: int | None) -> Versions:
    """Return what holds for a series, now or when `known_at` was the last receive sequence."""
    start, end = int(during.start.timestamp()), _ceiled(during.end.timestamp())
    if known_at is None:
        found, holds = lookup.kept_or_versions(filed, connection, tail, series, start, end)
        if holds:
            return found
    return resolve(_versions(filed, connection, tail, series, start, end), known_at=known_at).kept


def revisions(filed: Filed, connection: sqlite3.Connection, tail: Tail, series: int, during: Interval) -> Resolution:
    """Return what holds for a series, and every version beside it."""
    return resolve(_versions(filed, connection, tail, series, int(during.start.timestamp()), _ceiled(during.end.timestamp())))


def _versions(filed: Filed, connection: sqlite3.Connection, tail: Tail, series: int, start: int, end: int) -> Versions:
    one, first, until = np.array([series], np.int32), np.array([start], np.int64), np.array([end], np.int64)
    found = lookup.versions(filed, connection, tail, one, first, until)
    return found.take(np.argsort(found.columns.time, kind="stable"))


def _ceiled(seconds: float) -> int:
    return -int(-seconds // 1)


def totals(filed: Filed, connection: sqlite3.Connection, tail: Tail, month: date) -> MonthTotals:
    """Return the totals of every series with readings in a UTC month: kept sums, with the tail on top."""
    number = (month.year - 1970) * 12 + month.month - 1
    start, end = chunk.month_start(number), chunk.month_start(number + 1)
    # The tail first, as everywhere: what is filed in between is seen twice, and told by its time.
    owners = tail.series_between(start, end)
    recent = tail.versions(owners, np.full(len(owners), start), np.full(len(owners), end))
    kept, last_filed = filed.totals(connection, number)
    if not len(recent):
        return kept
    last = np.full(max(int(kept.series.max(initial=-1)), int(owners.max())) + 1, -1, np.int64)
    last[kept.series] = last_filed
    return _with_recent(filed, connection, tail, kept, recent, last, (start, end))


def _with_recent(
    filed: Filed, connection: sqlite3.Connection, tail: Tail, kept: MonthTotals, recent: Versions, last: Int64, span: tuple[int, int]
) -> MonthTotals:
    columns = recent.columns
    order = np.lexsort((columns.time, columns.series))
    columns = columns.take(order)
    # Whatever is not plainly one trusted reading after the last that is filed is looked up and resolved whole.
    odd = (columns.time <= last[columns.series]) | (columns.quality >= Quality.SUSPECT)
    odd[1:] |= (columns.series[1:] == columns.series[:-1]) & (columns.time[1:] == columns.time[:-1])
    whole = np.unique(columns.series[odd])
    plain = columns.take(~np.isin(columns.series, whole))
    parts = [_kept_of_others(kept, whole), _summed(plain)]
    if len(whole):
        found = lookup.versions(filed, connection, tail, whole, np.full(len(whole), span[0]), np.full(len(whole), span[1]))
        parts.append(_summed(resolve(_ordered(found)).kept.columns))
    return _added(parts)


def _ordered(versions: Versions) -> Versions:
    return versions.take(np.lexsort((versions.columns.time, versions.columns.series)))


def _kept_of_others(kept: MonthTotals, whole: Int32) -> MonthTotals:
    others = ~np.isin(kept.series, whole)
    return MonthTotals(series=kept.series[others], count=kept.count[others], used=kept.used[others], total=kept.total[others])


def _summed(columns: Columns) -> MonthTotals:
    usable = columns.quality < Quality.SUSPECT
    ones = np.ones(len(columns), np.int64)
    return _added([MonthTotals(series=columns.series, count=ones, used=usable.astype(np.int64), total=np.where(usable, columns.value, 0))])


def _added(parts: list[MonthTotals]) -> MonthTotals:
    """Return the sums per series of all rows, in order of series."""
    owners, at = np.unique(np.concatenate([part.series for part in parts]), return_inverse=True)
    sums = np.zeros((3, len(owners)), np.int64)
    for row, name in enumerate(("count", "used", "total")):
        np.add.at(sums[row], at, np.concatenate([getattr(part, name) for part in parts]))
    return MonthTotals(series=owners, count=sums[0], used=sums[1], total=sums[2])


def latest(filed: Filed, connection: sqlite3.Connection, tail: Tail, last: Int64) -> Columns:
    """Return the last reading of every series; `last[i]` is the last time of series i, -1 for one without readings."""
    series = np.flatnonzero(last >= 0).astype(np.int32)
    time = last[series]
    recent = tail.versions(series, time, time + 1)
    in_tail = np.isin(series, recent.columns.series)
    last_filed = filed.latest(connection, series, time)
    again = np.isin(series, last_filed.series) & in_tail | _several(recent.columns, series) | _suspect(recent.columns, series)
    parts = [
        last_filed.take(~np.isin(last_filed.series, series[again])),
        recent.columns.take(~np.isin(recent.columns.series, series[again])),
    ]
    if again.any():
        found = lookup.versions(filed, connection, tail, series[again], time[again], time[again] + 1)
        parts.append(resolve(_ordered(found)).kept.columns)
    whole = joined(parts)
    return whole.take(np.argsort(whole.series, kind="stable"))


def _several(columns: Columns, series: Int32) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    owners, counts = np.unique(columns.series, return_counts=True)
    return np.isin(series, owners[counts > 1])


def _suspect(columns: Columns, series: Int32) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.isin(series, columns.series[columns.quality >= Quality.SUSPECT])


def events(connection: sqlite3.Connection, *, after: int, limit: int) -> Sequence[SeriesEvent]:
    """Return the events of greater sequence than `after`."""
    oldest = connection.execute("SELECT oldest_event FROM mark").fetchone()[0]
    if after < oldest:
        raise CursorExpired(f"events up to {oldest} are gone", after=str(after), oldest=str(oldest))
    query = "SELECT seq, forgotten, start, until, series, corrected, occurred FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
    return [
        SeriesEvent(
            sequence=sequence,
            forgotten=bool(forgotten),
            start=start,
            end=end,
            series=decode_series(series),
            corrected=bool(corrected),
            occurred=occurred,
        )
        for sequence, forgotten, start, end, series, corrected, occurred in connection.execute(query, (after, limit))
    ]


def store_id(connection: sqlite3.Connection) -> str:
    """Return what tells this store from all others."""
    return connection.execute("SELECT store FROM mark").fetchone()[0].hex()
