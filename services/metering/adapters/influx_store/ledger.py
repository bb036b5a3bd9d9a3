"""What InfluxDB must hold, as the store's file knows it: per series and UTC month the kept sums, and a digest of the readings.

Kept sums are the rows of `summary`, as for chunks. A digest is the sum, modulo 2^64, of one number made of each reading's time, value,
duration, quality and receive sequence: it does not depend on their order, and readings can be added to it.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metering.adapters.series_store import chunk
from metering.adapters.series_store.chunk import QUALITY_BITS, SummaryRow
from metering.domain.series.columns import Int64, Versions
from vocabulary.quality import Quality

TABLES = """
CREATE TABLE IF NOT EXISTS digest(id INTEGER PRIMARY KEY, digest INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS erasure(receipt INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS moved(id INTEGER PRIMARY KEY, crc INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS elsewhere(one INTEGER PRIMARY KEY CHECK(one = 1), server TEXT NOT NULL);
"""
"""Beside the tables of the store: digests, erasures that are due in InfluxDB, chunks that were copied to it, and where readings are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """The kept sums and the digest of one series and month."""

    summary: SummaryRow
    digest: int


def entries_of(versions: Versions) -> list[Entry]:
    """Return the entries of what holds, ordered by series and time, each series and month whole."""
    if not len(versions):
        return []
    columns = versions.columns
    keys = chunk.keys_of(columns.series, columns.time)
    changes = np.ones(len(keys), np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=changes[1:])
    starts = np.flatnonzero(changes)
    lengths = np.diff(np.append(starts, len(keys)))
    last = starts + lengths - 1
    usable = columns.quality < Quality.SUSPECT
    tag = columns.duration.astype(np.int64) << QUALITY_BITS | columns.quality
    parts = (
        keys[starts],
        lengths,
        np.add.reduceat(usable, starts, dtype=np.int64),
        np.add.reduceat(np.where(usable, columns.value, 0), starts),
        columns.time[last],
        columns.value[last],
        tag[last],
    )
    summaries: list[SummaryRow] = list(zip(*(part.tolist() for part in parts), strict=True))
    digests = np.add.reduceat(_numbers(columns.time, columns.value, tag, versions.sequence), starts).view(np.int64).tolist()
    return [Entry(summary=summary, digest=digest) for summary, digest in zip(summaries, digests, strict=True)]


def added(before: Entry, after: Entry) -> Entry:
    """Return the entry of the readings of both, where those of `after` are later."""
    key, readings, used, total, _, _, _ = before.summary
    _, more, more_used, more_total, time, value, tag = after.summary
    digest = (before.digest + after.digest) & _MASK
    return Entry(
        summary=(key, readings + more, used + more_used, total + more_total, time, value, tag), digest=digest - (digest >> 63 << 64)
    )


def entries(connection: sqlite3.Connection, keys: Sequence[int] | None = None) -> dict[int, Entry]:
    """Return the entries under some keys, or all."""
    if keys is None:
        rows = connection.execute("SELECT summary.*, coalesce(digest, 0) FROM summary LEFT JOIN digest USING(id)")
    else:
        wanted = (
            "SELECT summary.*, coalesce(digest, 0) FROM summary LEFT JOIN digest USING(id) WHERE id IN (SELECT value FROM json_each(?))"
        )
        rows = connection.execute(wanted, (json.dumps(keys),))
    return {row[0]: Entry(summary=row[:7], digest=row[7]) for row in rows}


def months_of(connection: sqlite3.Connection, series: Sequence[int], start: int, end: int) -> list[int]:
    """Return the UTC months, ascending, in which any of the series has filed readings that may lie in `[start, end)`."""
    bounds = connection.execute("SELECT min(id), max(id) FROM summary").fetchone()
    if bounds[0] is None or end <= start:
        return []
    low, high = np.clip(np.array([start, end - 1]), 0, chunk.LAST_TIME_S)
    first, last = chunk.month_of(np.array([low, high])).tolist()
    first, last = max(first, bounds[0] >> chunk.SERIES_BITS), min(last, bounds[1] >> chunk.SERIES_BITS)
    keys = [chunk.key_of(one, month) for month in range(first, last + 1) for one in series]
    query = "SELECT DISTINCT id >> ? FROM summary WHERE id IN (SELECT value FROM json_each(?)) ORDER BY 1"
    return [row[0] for row in connection.execute(query, (chunk.SERIES_BITS, json.dumps(keys)))]


_MASK = (1 << 64) - 1


def _numbers(time: Int64, value: Int64, tag: Int64, sequence: Int64) -> NDArray[np.uint64]:
    """Return one well-mixed number for each reading (the finaliser of SplitMix64, over each column in turn)."""
    mixed = np.zeros(len(time), np.uint64)
    for column in (time, value, tag, sequence):
        mixed = (mixed ^ column.view(np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return mixed
