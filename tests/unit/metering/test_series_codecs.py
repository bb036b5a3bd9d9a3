import numpy as np
import pytest

from metering.adapters.series_store import chunk, frame, ragged
from metering.domain.series.columns import columns_of
from metering.domain.series.failures import CorruptChunk, CorruptJournal
from vocabulary.deltas import DeltaColumn, MalformedColumn, packed, unpacked

LEAST, MOST = -(2**63), 2**63 - 1


@pytest.mark.parametrize(
    "values",
    [
        [],
        [5],
        [5, 5, 5],
        [0, 3600, 7200, 10_800],
        [7, 7, 14, -21],
        [LEAST, MOST, 0, LEAST],
        [MOST, LEAST],
        [0, 2**40, 1],
        [100] * 40 + [150, 175],
    ],
)
def test_columns_of_integers_come_back_exactly(values: list[int]) -> None:
    given = np.array(values, np.int64)
    assert unpacked(packed(given), len(given)).tolist() == values


def test_a_common_divisor_makes_a_column_narrow() -> None:
    column = packed(np.array([360_000, 720_000, 36_000_000], np.int64))
    assert (column.scale, column.width) == (360_000, 1)


@pytest.mark.parametrize(
    ("column", "count"),
    [
        (DeltaColumn(first=0, scale=1, width=3, deltas=b"\0\0\0"), 2),
        (DeltaColumn(first=0, scale=0, width=1, deltas=b"\0"), 2),
        (DeltaColumn(first=0, scale=1, width=2, deltas=b"\0"), 2),
        (DeltaColumn(first=0, scale=1, width=0, deltas=b"\0"), 2),
    ],
)
def test_a_column_whose_bytes_do_not_fit_is_refused(column: DeltaColumn, count: int) -> None:
    with pytest.raises(MalformedColumn):
        unpacked(column, count)


@pytest.mark.parametrize("scales", [(1, 1, 1), (360_000, 360_000, 360_000), (10, 15, 7), (360_000, 1, 720_000)])
def test_every_part_of_a_ragged_column_has_its_own_divisor(scales: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    lengths = np.array([40, 1, 300])
    values = np.concatenate([rng.integers(-90, 90, length) * scale for length, scale in zip(lengths, scales, strict=True)])
    parts = ragged.parts_of(lengths)
    coded = ragged.encode(values, parts, sloped=False)
    assert coded.scale[2] % scales[2] == 0
    zigzag = np.zeros((len(values), 8), np.uint8)
    zigzag[:, : len(coded.planes)] = coded.planes.T
    assert ragged.decode(coded, parts, zigzag).tolist() == values.tolist()


def test_chunks_of_all_shapes_come_back_exactly() -> None:
    rng = np.random.default_rng(11)
    parts: list[chunk.Rows] = []
    for series, count in enumerate((1, 2, 700, 30)):
        time = (
            86_400 * 20_000 + np.sort(rng.choice(600_000, count, replace=False))
            if count != 700
            else 86_400 * 20_000 + 900 * np.arange(count)
        )
        parts.append(
            chunk.Rows(
                key=chunk.keys_of(np.full(count, series, np.int32), time),
                time=time,
                value=rng.integers(LEAST, MOST, count) if series == 1 else rng.integers(0, 1000, count) * 360_000,
                tag=rng.integers(0, 90_000, count) << 3 | rng.integers(1, 5, count),
                sequence=np.sort(rng.integers(1, 9, count)),
            )
        )
    rows = chunk.joined_rows(parts)
    for open_from in (0, 10**6):
        chunks, summaries = chunk.encode(rows, open_from=open_from)
        back = chunk.decode(chunks)
        for name in ("key", "time", "value", "tag", "sequence"):
            assert getattr(back, name).tolist() == getattr(rows, name).tolist()
        assert sum(summary[1] for summary in summaries) == len(rows)


def test_any_changed_byte_of_a_chunk_is_found_and_the_chunk_named() -> None:
    time = 86_400 * 20_000 + 3600 * np.arange(100)
    column = np.arange(100) ** 2 % 97
    rows = chunk.Rows(
        key=chunk.keys_of(np.full(100, 7, np.int32), time), time=time, value=column, tag=column * 0 + 2, sequence=column * 0 + 1
    )
    ((key, crc, body),), _ = chunk.encode(rows, open_from=10**6)
    for at in range(len(body)):
        changed = body[:at] + bytes([body[at] ^ 0x10]) + body[at + 1 :]
        with pytest.raises(CorruptChunk) as caught:
            chunk.decode([(key, crc, changed)])
        assert caught.value.metadata == {"series": "7", "month": "2024-10"}
    with pytest.raises(CorruptChunk):
        chunk.decode([(key + 1, crc, body)])


def test_any_changed_byte_of_a_journal_entry_is_found_and_the_entry_named() -> None:
    rows = frame.runs_of(columns_of([(series, 10**9 + at, 0, at * at, 2) for series in (3, 1) for at in range(9)]))
    body = frame.encode(rows)
    assert frame.columns_of_runs(frame.decode(4, body)).value.tolist() == rows.value.tolist()
    for at in range(len(body)):
        with pytest.raises(CorruptJournal) as caught:
            frame.decode(4, body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])
        assert caught.value.metadata == {"sequence": "4"}
    with pytest.raises(CorruptJournal):
        frame.decode(4, b"")
