"""The chunk codec: the kept readings of one series and UTC month as one small blob, many chunks coded in one go.

A chunk's bytes are a header (one `_HEADER` record) and the byte planes of its columns, deflated unless the month is still open: a chunk
that will soon be written again is not worth the effort.
Columns: time (sloped), value, tag (duration and quality), and the receive sequence as runs (sequence, length).
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metering.adapters.series_store import ragged
from metering.adapters.series_store.ragged import Bytes, Int64, Parts, Ragged
from metering.domain.series.failures import CorruptChunk
from vocabulary.quality import Quality

SERIES_BITS = 24
MOST_SERIES = 1 << SERIES_BITS
LEVEL = 6
OPEN, PACKED = 0, 1
"""First byte of a body: its planes follow as they are, or deflated."""

QUALITY_BITS = 3
QUALITY_MASK = (1 << QUALITY_BITS) - 1
STANDS_IN = 5
"""In a tag, the quality of a suspect row that is no version itself: all versions of its reading are kept beside the chunk."""

_DAY_S = 86_400
_LAST_DAY = (1 << 35) // _DAY_S + 2
_MONTH_OF_DAY = np.arange(_LAST_DAY).astype("datetime64[D]").astype("datetime64[M]").astype(np.int32)
_COLUMNS = ("time", "value", "tag", "run", "length")
_HEADER = np.dtype(
    [("rows", "<u4"), ("runs", "<u4"), ("widths", "u1", (5,))]
    + [(f"{name}_{part}", "<i8") for name in _COLUMNS for part in ("first", "slope", "scale")],
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rows:
    """Readings ordered by chunk and time: `key` is the chunk of each, `tag` is `duration << 3 | quality`."""

    key: Int64
    time: Int64
    value: Int64
    tag: Int64
    sequence: Int64

    def __len__(self) -> int:
        """The number of readings."""
        return len(self.key)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> "Rows":
        """Return some of the readings."""
        return Rows(key=self.key[rows], time=self.time[rows], value=self.value[rows], tag=self.tag[rows], sequence=self.sequence[rows])


def joined_rows(parts: Sequence[Rows]) -> Rows:
    """Return the readings of all parts, in their order."""
    return Rows(
        key=np.concatenate([part.key for part in parts]),
        time=np.concatenate([part.time for part in parts]),
        value=np.concatenate([part.value for part in parts]),
        tag=np.concatenate([part.tag for part in parts]),
        sequence=np.concatenate([part.sequence for part in parts]),
    )


ChunkRow = tuple[int, int, bytes]
"""What a chunk is in the table: key, checksum, body."""

SummaryRow = tuple[int, int, int, int, int, int, int]
"""What is kept ready of a chunk: key, readings, usable readings, their sum, last time, last value, last tag."""


LAST_TIME_S = _LAST_DAY * _DAY_S - 1
"""No chunk lies beyond."""


def month_of(time: Int64) -> NDArray[np.int32]:
    """Return the UTC month of each time, counted from January 1970."""
    return _MONTH_OF_DAY[time // _DAY_S]


def month_start(month: int) -> int:
    """Return the first second of a UTC month."""
    return int(np.datetime64(month, "M").astype("datetime64[s]").astype(np.int64))


def month_name(key: int) -> str:
    """Return the month of a chunk, such as `2026-03`."""
    return str(np.datetime64(key >> SERIES_BITS, "M"))


def key_of(series: int, month: int) -> int:
    """Return the key of a chunk: months come first, so that whatever arrives lies close together."""
    return month << SERIES_BITS | series


def keys_of(series: NDArray[np.int32], time: Int64) -> Int64:
    """Return the chunk of each reading."""
    return month_of(time).astype(np.int64) << SERIES_BITS | series


def encode(rows: Rows, *, open_from: int) -> tuple[list[ChunkRow], list[SummaryRow]]:
    """Return the chunks of rows that are ordered by (key, time), each whole; those of month `open_from` and later stay unpacked."""
    changes = np.ones(len(rows), np.bool_)
    np.not_equal(rows.key[1:], rows.key[:-1], out=changes[1:])
    parts = ragged.parts_between(changes)
    run_changes = changes.copy()
    run_changes[1:] |= rows.sequence[1:] != rows.sequence[:-1]
    heads = ragged.parts_between(run_changes)
    first_runs = np.searchsorted(heads.starts, parts.starts)
    runs = Parts(starts=first_runs, lengths=np.diff(np.append(first_runs, len(heads.starts))))
    columns = [
        ragged.encode(rows.time, parts, sloped=True),
        ragged.encode(rows.value, parts, sloped=False),
        ragged.encode(rows.tag, parts, sloped=False),
        ragged.encode(rows.sequence[heads.starts], runs, sloped=True),
        ragged.encode(heads.lengths, runs, sloped=False),
    ]
    keys: list[int] = rows.key[parts.starts].tolist()
    bodies = _bodies(columns, parts, runs, packed=[key >> SERIES_BITS < open_from for key in keys])
    chunks = [(key, checksum(key, body), body) for key, body in zip(keys, bodies, strict=True)]
    return chunks, _summaries(rows, parts, keys)


def checksum(key: int, body: bytes) -> int:
    """Return what must be kept beside a body; it covers the key too, so that a chunk in another's place is found."""
    return zlib.crc32(body, zlib.crc32(key.to_bytes(8, "little")))


def _bodies(columns: list[Ragged], parts: Parts, runs: Parts, *, packed: list[bool]) -> list[bytes]:
    header = np.zeros(len(parts.starts), _HEADER)
    header["rows"], header["runs"] = parts.lengths, runs.lengths
    for at, (name, column) in enumerate(zip(_COLUMNS, columns, strict=True)):
        header["widths"][:, at] = column.width
        header[f"{name}_first"], header[f"{name}_slope"], header[f"{name}_scale"] = column.first, column.slope, column.scale
    headers, size = header.tobytes(), _HEADER.itemsize
    bodies = [headers[at : at + size] for at in range(0, len(headers), size)]
    for column, of in zip(columns, (parts, parts, parts, runs, runs), strict=True):
        if len(column.planes):
            spans = zip(of.starts.tolist(), (of.starts + of.lengths).tolist(), column.width.tolist(), strict=True)
            bodies = [
                body + column.planes[:width, start:end].tobytes() if width else body
                for body, (start, end, width) in zip(bodies, spans, strict=True)
            ]
    return [
        b"\x01" + zlib.compress(raw, LEVEL, wbits=-15) if deflated else b"\x00" + raw for raw, deflated in zip(bodies, packed, strict=True)
    ]


def _summaries(rows: Rows, parts: Parts, keys: list[int]) -> list[SummaryRow]:
    usable = (rows.tag & QUALITY_MASK) < Quality.SUSPECT
    every = bool(usable.all())
    used = parts.lengths if every else np.add.reduceat(usable, parts.starts, dtype=np.int64)
    total = np.add.reduceat(rows.value if every else np.where(usable, rows.value, 0), parts.starts)
    last = parts.starts + parts.lengths - 1
    columns = (parts.lengths, used, total, rows.time[last], rows.value[last], rows.tag[last])
    return list(zip(keys, *(column.tolist() for column in columns), strict=True))


def decode(chunks: Sequence[ChunkRow]) -> Rows:
    """Return the readings of chunks, one chunk after the other; a chunk that fails its checksum is named."""
    raws = [_raw(*chunk) for chunk in chunks]
    size = _HEADER.itemsize
    header = np.frombuffer(b"".join([raw[:size] for raw in raws]), _HEADER)
    parts, runs = ragged.parts_of(header["rows"].astype(np.int64)), ragged.parts_of(header["runs"].astype(np.int64))
    offsets = [size] * len(raws)
    decoded: list[Int64] = []
    for at, name in enumerate(_COLUMNS):
        of = parts if at < _COLUMNS.index("run") else runs
        coded = _column(header, name, at)
        decoded.append(ragged.decode(coded, of, _planes(raws, offsets, coded, of)) if coded.width.any() else ragged.decode_flat(coded, of))
    time, value, tag, run, length = decoded
    keys = np.array([chunk[0] for chunk in chunks], np.int64)
    return Rows(key=np.repeat(keys, parts.lengths), time=time, value=value, tag=tag, sequence=np.repeat(run, length))


def _raw(key: int, crc: int, body: bytes) -> bytes:
    if checksum(key, body) != crc or not body:
        raise CorruptChunk(key & MOST_SERIES - 1, month_name(key))
    return zlib.decompress(memoryview(body)[1:], wbits=-15) if body[0] == PACKED else body[1:]


def _column(header: NDArray[np.void], name: str, at: int) -> Ragged:
    return Ragged(
        first=header[f"{name}_first"].astype(np.int64),
        slope=header[f"{name}_slope"].astype(np.int64),
        scale=header[f"{name}_scale"].astype(np.int64),
        width=header["widths"][:, at],
        planes=np.empty((0, 0), np.uint8),
    )


def _planes(raws: list[bytes], offsets: list[int], coded: Ragged, of: Parts) -> Bytes:
    """Collect a column's difference bytes, and move each chunk's offset past them."""
    collected = np.zeros((of.rows, 8), np.uint8)
    starts, lengths, widths = of.starts.tolist(), of.lengths.tolist(), coded.width.tolist()
    for i, width in enumerate(widths):
        if width:
            start, rows, offset = starts[i], lengths[i], offsets[i]
            planes = np.frombuffer(raws[i], np.uint8, width * rows, offset).reshape(width, rows)
            collected[start : start + rows, :width] = planes.T
            offsets[i] = offset + width * rows
    return collected
