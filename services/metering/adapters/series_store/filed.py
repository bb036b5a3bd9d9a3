"""Where readings are once they left the journal: a port of the store's own, and the chunks of its file behind it."""

import json
import sqlite3
from collections.abc import Iterable
from itertools import chain
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from metering.adapters.series_store import chunk
from metering.adapters.series_store.chunk import QUALITY_MASK, STANDS_IN, ChunkRow, Rows
from metering.adapters.series_store.frame import untagged
from metering.adapters.series_store.merge import SupersededRow, superseded_versions
from metering.adapters.series_store.ragged import Int64
from metering.domain.series.batch import MonthTotals
from metering.domain.series.columns import Columns, Flags, Int32, Versions, joined_versions
from metering.domain.series.failures import CorruptChunk

_FEW = 64


class Filed(Protocol):
    """Filed readings; `connection` is the caller's own to the store's file."""

    def versions(self, connection: sqlite3.Connection, series: Int32, start: Int64, end: Int64, *, for_writer: bool) -> Versions:
        """Return every version of each series (distinct, ascending) with times in its `[start, end)`, in no order.

        The writer is not stopped by what cannot be read now: it must not keep new readings out.
        """
        ...

    def kept(self, connection: sqlite3.Connection, series: int, start: int, end: int) -> Versions:
        """Return what holds among the filed readings of a series, ordered by time."""
        ...

    def totals(self, connection: sqlite3.Connection, month: int) -> tuple[MonthTotals, Int64]:
        """Return the totals of every series with filed readings in a UTC month, counted from January 1970.

        Beside them the time of each series after which its totals hold nothing.
        """
        ...

    def latest(self, connection: sqlite3.Connection, series: Int32, time: Int64) -> Columns:
        """Return, of the series whose reading at `time` is filed, that reading."""
        ...


class ChunkFile:
    """Filed readings as chunks beside the journal; implements `Filed`."""

    def versions(self, connection: sqlite3.Connection, series: Int32, start: Int64, end: Int64, *, for_writer: bool) -> Versions:
        """Return every version, those beside the chunks too; the writer passes over damaged chunks."""
        filed, stands_in = _filed(connection, series, start, end, pass_damaged=for_writer)
        return joined_versions([filed.take(~stands_in), _superseded(connection, series, start, end)])

    def kept(self, connection: sqlite3.Connection, series: int, start: int, end: int) -> Versions:
        """Return the rows of the chunks."""
        one, first, until = np.array([series], np.int32), np.array([start], np.int64), np.array([end], np.int64)
        return _filed(connection, one, first, until, pass_damaged=False)[0]

    def totals(self, connection: sqlite3.Connection, month: int) -> tuple[MonthTotals, Int64]:
        """Return the kept sums."""
        keys = (chunk.key_of(0, month), chunk.key_of(0, month + 1))
        query = "SELECT id, readings, used, total, last_time FROM summary WHERE id >= ? AND id < ? ORDER BY id"
        found = table(connection.execute(query, keys), 5)
        series = (found[:, 0] & chunk.MOST_SERIES - 1).astype(np.int32)
        return MonthTotals(series=series, count=found[:, 1], used=found[:, 2], total=found[:, 3]), found[:, 4]

    def latest(self, connection: sqlite3.Connection, series: Int32, time: Int64) -> Columns:
        """Return the last rows that are kept beside the sums."""
        keys = chunk.keys_of(series, time)
        months = np.unique(keys >> chunk.SERIES_BITS).tolist()
        query = "SELECT id, last_time, last_value, last_tag FROM summary WHERE id >= ? AND id < ?"
        parts = [table(connection.execute(query, (chunk.key_of(0, month), chunk.key_of(0, month + 1))), 4) for month in months]
        found = np.concatenate([np.empty((0, 4), np.int64), *parts])
        order = np.argsort(keys)
        at = np.searchsorted(keys[order], found[:, 0])
        at = np.minimum(at, len(keys) - 1)
        wanted = (keys[order][at] == found[:, 0]) & (time[order][at] == found[:, 1]) if len(keys) else np.zeros(len(found), np.bool_)
        found = found[wanted]
        duration, quality = untagged(found[:, 3])
        of = (found[:, 0] & chunk.MOST_SERIES - 1).astype(np.int32)
        return Columns(series=of, time=found[:, 1].copy(), duration=duration, value=found[:, 2].copy(), quality=quality)


def table(rows: Iterable[tuple[int, ...]], width: int) -> NDArray[np.int64]:
    """Return rows of whole numbers as an array; numpy is several times slower over a list of tuples."""
    return np.fromiter(chain.from_iterable(rows), np.int64).reshape(-1, width)


def _filed(connection: sqlite3.Connection, series: Int32, start: Int64, end: Int64, *, pass_damaged: bool) -> tuple[Versions, Flags]:
    """Return the filed rows, and which of them only stand in for versions beside the chunk."""
    # Times beyond the calendar of chunks hold nothing: bounds are clipped to it.
    low, high = np.clip(start, 0, chunk.LAST_TIME_S), np.clip(end - 1, 0, chunk.LAST_TIME_S)
    months = list(zip(series.tolist(), chunk.month_of(low).tolist(), chunk.month_of(high).tolist(), strict=True))
    query = "SELECT id, crc, body FROM chunk WHERE id IN (SELECT value FROM json_each(?))"
    found: list[ChunkRow] = connection.execute(query, (json.dumps(_keys(connection, months)),)).fetchall()
    if pass_damaged:
        found = [row for row in found if chunk.checksum(row[0], row[2]) == row[1]]
    else:
        _refuse_damaged(connection, months)
    if not found:
        return superseded_versions(()), np.zeros(0, np.bool_)
    return _inside(chunk.decode(found), series, start, end)


def _inside(rows: Rows, series: Int32, start: Int64, end: Int64) -> tuple[Versions, Flags]:
    of = (rows.key & chunk.MOST_SERIES - 1).astype(np.int32)
    at = np.searchsorted(series, of)
    inside = (rows.time >= start[at]) & (rows.time < end[at])
    if not inside.all():
        rows, of = rows.take(inside), of[inside]
    duration, quality = untagged(rows.tag)
    columns = Columns(series=of, time=rows.time, duration=duration, value=rows.value, quality=quality)
    return Versions(columns=columns, sequence=rows.sequence), (rows.tag & QUALITY_MASK) == STANDS_IN


def _keys(connection: sqlite3.Connection, months: list[tuple[int, int, int]]) -> list[int]:
    """Return the keys of chunks that may exist; for wide intervals the months that the store knows bound them."""
    if any(last - first > _FEW for _, first, last in months):
        ends = connection.execute("SELECT min(id), max(id) FROM chunk").fetchone()
        if ends[0] is None:
            return []
        oldest, newest = ends[0] >> chunk.SERIES_BITS, ends[1] >> chunk.SERIES_BITS
        months = [(series, max(first, oldest), min(last, newest)) for series, first, last in months]
    return [chunk.key_of(series, month) for series, first, last in months for month in range(first, last + 1)]


def _refuse_damaged(connection: sqlite3.Connection, months: list[tuple[int, int, int]]) -> None:
    damaged = {row[0] for row in connection.execute("SELECT id FROM damaged")}
    for key in damaged:
        of, month = key & chunk.MOST_SERIES - 1, key >> chunk.SERIES_BITS
        if any(series == of and first <= month <= last for series, first, last in months):
            raise CorruptChunk(of, chunk.month_name(key))


def _superseded(connection: sqlite3.Connection, series: Int32, start: Int64, end: Int64) -> Versions:
    found: list[SupersededRow] = []
    for row in zip(series.tolist(), start.tolist(), end.tolist(), strict=True):
        found += connection.execute("SELECT series, time, tag, value, seq FROM superseded WHERE series = ? AND time >= ? AND time < ?", row)
    return superseded_versions(found)
