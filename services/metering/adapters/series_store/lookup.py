"""Queries over chunks and tail together."""

import json
import sqlite3

import numpy as np

from metering.adapters.series_store import chunk
from metering.adapters.series_store.chunk import QUALITY_MASK, STANDS_IN, ChunkRow, Rows
from metering.adapters.series_store.frame import untagged
from metering.adapters.series_store.merge import SupersededRow, superseded_versions
from metering.adapters.series_store.ragged import Int64
from metering.adapters.series_store.tail import Tail
from metering.domain.series.columns import Columns, Flags, Int32, Versions, joined_versions
from metering.domain.series.failures import CorruptChunk
from vocabulary.quality import Quality

_FEW = 64


def versions(connection: sqlite3.Connection, tail: Tail, series: Int32, start: Int64, end: Int64, *, for_writer: bool = False) -> Versions:
    """Return every version of each series (distinct, ascending) with times in its `[start, end)`, in no order; a few may be there twice.

    The writer also sees what is about to be durable, and passes over damaged chunks: they must not keep new readings out.
    """
    # The tail first: what is filed in between is then seen twice, which resolving mends, and never not at all.
    recent = tail.versions(series, start, end, unpublished=for_writer)
    filed, stands_in = _filed(connection, series, start, end, pass_damaged=for_writer)
    beside = _superseded(connection, series, start, end)
    return joined_versions([filed.take(~stands_in), beside, recent])


def kept_or_versions(connection: sqlite3.Connection, tail: Tail, series: int, start: int, end: int) -> tuple[Versions, bool]:
    """Return what is filed and in the tail for one series, ordered by time, and whether it holds as it is.

    Where not, all versions are needed.
    """
    one, first, until = np.array([series], np.int32), np.array([start], np.int64), np.array([end], np.int64)
    recent = tail.versions(one, first, until)
    filed, _ = _filed(connection, one, first, until, pass_damaged=False)
    if not len(recent):
        return filed, True
    both = joined_versions([filed, recent])
    order = np.argsort(both.columns.time, kind="stable")
    both = both.take(order)
    sent_suspect = int(recent.columns.quality.max()) >= Quality.SUSPECT
    return both, bool((np.diff(both.columns.time) > 0).all()) and not sent_suspect


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
