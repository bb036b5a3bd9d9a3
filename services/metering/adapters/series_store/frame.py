"""Journal frames: the rows of one durable batch as a few narrow columns, cheap to write and to read back."""

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metering.adapters.series_store.chunk import QUALITY_BITS, QUALITY_MASK
from metering.adapters.series_store.ragged import Int64
from metering.domain.series.columns import Columns, Int32
from metering.domain.series.failures import CorruptJournal
from vocabulary.deltas import DeltaColumn, MalformedColumn, packed, unpacked
from vocabulary.quality import Quality

_COLUMN = struct.Struct("<qqB")
_HEAD = struct.Struct("<III")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RunRows:
    """Readings in runs of one series each: run i has `run_lengths[i]` rows of `run_series[i]`; `tag` is `duration << 3 | quality`."""

    run_series: Int32
    run_lengths: Int64
    time: Int64
    value: Int64
    tag: Int64

    def __len__(self) -> int:
        """The number of readings."""
        return len(self.time)

    @property
    def run_starts(self) -> Int64:
        """The first row of each run."""
        return np.cumsum(self.run_lengths) - self.run_lengths

    def series(self) -> Int32:
        """Return the series of each row."""
        return np.repeat(self.run_series, self.run_lengths)


def runs_of(columns: Columns) -> RunRows:
    """Return a batch's readings as runs, in the order in which they came."""
    changes = np.ones(len(columns), np.bool_)
    np.not_equal(columns.series[1:], columns.series[:-1], out=changes[1:])
    starts = np.flatnonzero(changes)
    return RunRows(
        run_series=columns.series[starts],
        run_lengths=np.diff(np.append(starts, len(columns))).astype(np.int64),
        time=columns.time,
        value=columns.value,
        tag=columns.duration.astype(np.int64) << QUALITY_BITS | columns.quality,
    )


def columns_of_runs(rows: RunRows) -> Columns:
    """Return runs as the columns that they came from."""
    duration, quality = untagged(rows.tag)
    return Columns(series=rows.series(), time=rows.time, duration=duration, value=rows.value, quality=quality)


def untagged(tag: Int64) -> tuple[Int32, NDArray[np.int8]]:
    """Return the durations and qualities of tags; what stands in for contradicting versions is suspect."""
    quality = np.minimum(tag & QUALITY_MASK, np.int64(Quality.SUSPECT))
    return (tag >> QUALITY_BITS).astype(np.int32), quality.astype(np.int8)


def encode(rows: RunRows) -> bytes:
    """Return the frame of these rows."""
    parts = [_HEAD.pack(0, len(rows), len(rows.run_series))[4:]]
    for values in (rows.run_series.astype(np.int64), rows.run_lengths, rows.time, rows.value, rows.tag):
        column = packed(values)
        parts += (_COLUMN.pack(column.first, column.scale, column.width), column.deltas)
    body = b"".join(parts)
    return zlib.crc32(body).to_bytes(4, "little") + body


def decode(sequence: int, frame: bytes) -> RunRows:
    """Return the rows of a frame; one that fails its checksum is named by its receive sequence."""
    view = memoryview(frame)
    if len(view) < _HEAD.size or zlib.crc32(view[4:]) != int.from_bytes(view[:4], "little"):
        raise CorruptJournal(sequence)
    _, rows, runs = _HEAD.unpack_from(view)
    offset = _HEAD.size
    columns: list[Int64] = []
    try:
        for count in (runs, runs, rows, rows, rows):
            first, scale, width = _COLUMN.unpack_from(view, offset)
            offset += _COLUMN.size
            end = offset + width * max(count - 1, 0)
            columns.append(unpacked(DeltaColumn(first=first, scale=scale, width=width, deltas=bytes(view[offset:end])), count))
            offset = end
    except (MalformedColumn, struct.error):
        raise CorruptJournal(sequence) from None
    run_series, run_lengths, time, value, tag = columns
    return RunRows(run_series=run_series.astype(np.int32), run_lengths=run_lengths, time=time, value=value, tag=tag)
