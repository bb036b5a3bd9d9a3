"""Merging: journal entries become chunks, a bounded piece at a time, without writing anything.

The outcome of every step can be applied twice, or applied and repeated after a crash: rows that are filed already are found to be the same
versions.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from metering.adapters.series_store import chunk, frame, ragged
from metering.adapters.series_store.chunk import QUALITY_BITS, QUALITY_MASK, STANDS_IN, ChunkRow, Rows, SummaryRow
from metering.adapters.series_store.frame import untagged
from metering.adapters.series_store.ragged import Int64
from metering.domain.series.columns import Columns, Int32, Versions, joined_versions
from metering.domain.series.resolve import resolve
from vocabulary.quality import Quality

PIECE_ROWS = 131_072
"""New rows per piece: small enough to stay in the processor's cache."""

STEP_CHUNKS = 400
"""Chunks per step: small enough not to hold up the commit that carries them."""

SupersededRow = tuple[int, int, int, int, int]
"""What is kept of a version that does not hold: series, time, tag, value, receive sequence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What one commit applies: chunks with their summaries, versions beside them, damaged chunks to set aside first.

    `rows` of the journal are then filed. `digests` are those of chunks that are kept elsewhere.
    """

    chunks: list[ChunkRow]
    summaries: list[SummaryRow]
    superseded: list[SupersededRow]
    damaged: list[int]
    rows: int
    digests: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Journal:
    """All rows to merge, and their runs ordered by series and arrival."""

    time: Int64
    value: Int64
    tag: Int64
    run_series: Int32
    run_starts: Int64
    run_lengths: Int64
    run_sequence: Int64


def merge(connection: sqlite3.Connection, *, after: int, upto: int) -> Iterator[Step]:
    """Yield the steps that file the journal entries with receive sequences in `(after, upto]`."""
    journal = _read(connection, after, upto)
    if journal is None:
        return
    latest_month = int(chunk.month_of(journal.time.max(keepdims=True))[0])
    for first, last in _pieces(journal):
        yield from _merge_piece(connection, journal, first, last, open_from=latest_month)


def _read(connection: sqlite3.Connection, after: int, upto: int) -> _Journal | None:
    entries = connection.execute(
        "SELECT seq, frame FROM journal WHERE seq > ? AND seq <= ? AND readings > 0 ORDER BY seq", (after, upto)
    ).fetchall()
    if not entries:
        return None
    decoded = [frame.decode(sequence, body) for sequence, body in entries]
    offsets = np.cumsum([0] + [len(rows) for rows in decoded[:-1]])
    run_series = np.concatenate([rows.run_series for rows in decoded])
    order = np.argsort(run_series, kind="stable")
    starts = np.concatenate([rows.run_starts + offset for rows, offset in zip(decoded, offsets, strict=True)])
    sequence = np.repeat(np.array([entry[0] for entry in entries], np.int64), [len(rows.run_series) for rows in decoded])
    return _Journal(
        np.concatenate([rows.time for rows in decoded]),
        np.concatenate([rows.value for rows in decoded]),
        np.concatenate([rows.tag for rows in decoded]),
        run_series[order],
        starts[order],
        np.concatenate([rows.run_lengths for rows in decoded])[order],
        sequence[order],
    )


def _pieces(journal: _Journal) -> Iterator[tuple[int, int]]:
    """Yield ranges of runs of about `PIECE_ROWS` rows that share no series."""
    ends = np.cumsum(journal.run_lengths)
    last_of_series = np.append(np.flatnonzero(np.diff(journal.run_series)), len(ends) - 1)
    first = 0
    while first < len(ends):
        done = int(ends[first - 1]) if first else 0
        within = int(np.searchsorted(ends, done + PIECE_ROWS, side="right"))
        at = int(np.searchsorted(last_of_series, max(within - 1, first), side="right")) - 1
        stop = int(last_of_series[at]) + 1 if at >= 0 else 0
        if stop <= first:  # One series alone exceeds the piece.
            stop = int(last_of_series[np.searchsorted(last_of_series, first)]) + 1
        yield first, stop
        first = stop


def _merge_piece(connection: sqlite3.Connection, journal: _Journal, first: int, last: int, *, open_from: int) -> Iterator[Step]:
    runs = slice(first, last)
    lengths = journal.run_lengths[runs]
    at = ragged.gather_rows(journal.run_starts[runs], lengths)
    time = journal.time[at]
    new = Rows(
        key=chunk.keys_of(np.repeat(journal.run_series[runs], lengths), time),
        time=time,
        value=journal.value[at],
        tag=journal.tag[at],
        sequence=np.repeat(journal.run_sequence[runs], lengths),
    )
    filed, damaged = _filed(connection, _keys(new))
    rows, superseded = _judged(connection, _ordered(new if filed is None else _interleaved(filed, new)))
    chunks, summaries = chunk.encode(rows, open_from=open_from)
    for step in range(0, len(chunks), STEP_CHUNKS):
        # Everything beside the chunks goes with the first step, and the rows count as filed with the last.
        yield Step(
            chunks=chunks[step : step + STEP_CHUNKS],
            summaries=summaries[step : step + STEP_CHUNKS],
            superseded=superseded if step == 0 else [],
            damaged=damaged if step == 0 else [],
            rows=len(new) if step + STEP_CHUNKS >= len(chunks) else 0,
        )


def _interleaved(filed: Rows, new: Rows) -> Rows:
    """Return, series after series, what is filed and then what is new.

    Both come in order of series, and every filed series has something new.
    """
    filed_series, new_series = filed.key & chunk.MOST_SERIES - 1, new.key & chunk.MOST_SERIES - 1
    starts = np.flatnonzero(np.diff(new_series, prepend=-1))
    owners = new_series[starts]
    new_counts = np.diff(np.append(starts, len(new)))
    filed_counts = np.searchsorted(filed_series, owners, side="right") - np.searchsorted(filed_series, owners)
    place = _by_stretches if len(new) > _STRETCH_ROWS * len(owners) else _by_rows
    placed = place(filed_counts, new_counts)
    return Rows(
        key=placed(filed.key, new.key),
        time=placed(filed.time, new.time),
        value=placed(filed.value, new.value),
        tag=placed(filed.tag, new.tag),
        sequence=placed(filed.sequence, new.sequence),
    )


_STRETCH_ROWS = 24
"""From so many new rows per series on, copying stretch by stretch is quicker than row by row."""

_Place = Callable[[Int64, Int64], Int64]


def _by_stretches(filed_counts: Int64, new_counts: Int64) -> _Place:
    filed_ends, new_ends = np.cumsum(filed_counts).tolist(), np.cumsum(new_counts).tolist()
    bounds = list(zip([0, *filed_ends], filed_ends, [0, *new_ends], new_ends, strict=False))

    def placed(filed: Int64, new: Int64) -> Int64:
        return np.concatenate([part for a, b, c, d in bounds for part in (filed[a:b], new[c:d])])

    return placed


def _by_rows(filed_counts: Int64, new_counts: Int64) -> _Place:
    starts = np.cumsum(new_counts) - new_counts
    filed_at = np.arange(int(filed_counts.sum())) + np.repeat(starts, filed_counts)
    new_at = np.arange(int(new_counts.sum())) + np.repeat(np.cumsum(filed_counts), new_counts)

    def placed(filed: Int64, new: Int64) -> Int64:
        result = np.empty(len(filed) + len(new), np.int64)
        result[filed_at] = filed
        result[new_at] = new
        return result

    return placed


def _keys(rows: Rows) -> Int64:
    """Return the chunks that rows belong to."""
    changes = np.ones(len(rows), np.bool_)
    np.not_equal(rows.key[1:], rows.key[:-1], out=changes[1:])
    keys = np.sort(rows.key[changes])
    # Not np.unique: it imports masked arrays, which nobody else in this process needs.
    return keys[np.append(True, keys[1:] != keys[:-1])]


def _filed(connection: sqlite3.Connection, keys: Int64) -> tuple[Rows | None, list[int]]:
    """Return what is filed under these keys, and the keys whose chunks are damaged."""
    query = "SELECT id, crc, body FROM chunk WHERE id IN (SELECT value FROM json_each(?))"
    found: list[ChunkRow] = connection.execute(query, (json.dumps(keys.tolist()),)).fetchall()
    damaged = [row[0] for row in found if chunk.checksum(row[0], row[2]) != row[1]]
    sound = [row for row in found if row[0] not in damaged] if damaged else found
    # Keys order chunks by month; rows are wanted by series.
    sound.sort(key=lambda row: (row[0] & chunk.MOST_SERIES - 1, row[0]))
    return (chunk.decode(sound) if sound else None), damaged


def _ordered(rows: Rows) -> Rows:
    """Order rows by series, time and sequence, cheaply where they nearly are."""
    # 24 bits of series and 35 of time fit one integer; within a series, months follow from time.
    place = (rows.key & chunk.MOST_SERIES - 1) << 36 | rows.time
    if (place[1:] > place[:-1]).all():
        return rows
    return rows.take(np.argsort(place, kind="stable"))


def _judged(connection: sqlite3.Connection, rows: Rows) -> tuple[Rows, list[SupersededRow]]:
    """Leave one row per series and time, and return the versions that do not hold."""
    again = (rows.time[1:] == rows.time[:-1]) & (rows.key[1:] == rows.key[:-1])
    doubtful = (rows.tag & QUALITY_MASK) == Quality.SUSPECT
    if not again.any() and not doubtful.any():
        return rows, []
    doubtful[1:] |= again
    doubtful[:-1] |= again
    resolution = resolve(_with_superseded(connection, rows.take(doubtful)))
    settled = chunk.joined_rows([rows.take(~doubtful), _kept_rows(resolution.kept)])
    others = _rows(resolution.others)
    series = (others.key & chunk.MOST_SERIES - 1).tolist()
    columns = (others.time.tolist(), others.tag.tolist(), others.value.tolist(), others.sequence.tolist())
    return _ordered(settled), list(zip(series, *columns, strict=True))


def _with_superseded(connection: sqlite3.Connection, rows: Rows) -> Versions:
    """Return rows as versions; a filed row that only stands for versions is replaced by them."""
    stands_in = (rows.tag & QUALITY_MASK) == STANDS_IN
    filed = rows.take(stands_in)
    beside: list[SupersededRow] = []
    for place in zip((filed.key & chunk.MOST_SERIES - 1).tolist(), filed.time.tolist(), strict=True):
        beside += connection.execute("SELECT series, time, tag, value, seq FROM superseded WHERE series = ? AND time = ?", place)
    return joined_versions([_versions(rows.take(~stands_in)), superseded_versions(beside)])


def superseded_versions(found: Sequence[SupersededRow]) -> Versions:
    """Return rows of the table of superseded versions as versions."""
    series, time, tag, value, sequence = np.array(found, np.int64).reshape(-1, 5).T
    duration, quality = untagged(tag)
    columns = Columns(series=series.astype(np.int32), time=time.copy(), duration=duration, value=value.copy(), quality=quality)
    return Versions(columns=columns, sequence=sequence.copy())


def _versions(rows: Rows) -> Versions:
    duration, quality = untagged(rows.tag)
    series = (rows.key & chunk.MOST_SERIES - 1).astype(np.int32)
    return Versions(
        columns=Columns(series=series, time=rows.time, duration=duration, value=rows.value, quality=quality), sequence=rows.sequence
    )


def _kept_rows(versions: Versions) -> Rows:
    rows = _rows(versions)
    suspect = (rows.tag & QUALITY_MASK) == Quality.SUSPECT
    tag = np.where(suspect, rows.tag - Quality.SUSPECT + STANDS_IN, rows.tag)
    return Rows(key=rows.key, time=rows.time, value=rows.value, tag=tag, sequence=rows.sequence)


def _rows(versions: Versions) -> Rows:
    columns = versions.columns
    return Rows(
        key=chunk.keys_of(columns.series, columns.time),
        time=columns.time,
        value=columns.value,
        tag=columns.duration.astype(np.int64) << QUALITY_BITS | columns.quality,
        sequence=versions.sequence,
    )
