"""A checked batch on its way into the store, and what the store answers."""

from dataclasses import dataclass

import numpy as np

from metering.domain.series.arrival import NO_REFUSALS, Refusal, Refusals
from metering.domain.series.columns import Columns, Int32, SeriesName
from vocabulary.failure import Failure, Kind
from vocabulary.names import TerritoryId

ROWS_PER_BATCH = 131_072
"""The largest batch: one that is larger would hold up everybody else's acknowledgements."""


class BatchTooLarge(Failure):
    """A batch holds more readings than one commit may take."""

    reason, kind = "BATCH_TOO_LARGE", Kind.INVALID

    def __init__(self, rows: int) -> None:
        """Name both numbers."""
        super().__init__(f"a batch holds at most {ROWS_PER_BATCH} readings, not {rows}", rows=str(rows), most=str(ROWS_PER_BATCH))


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where a batch stands in its sender's stream: batches of a stream are numbered from 1, each is stored once."""

    stream: str
    number: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Batch:
    """Readings of one territory with the outcome of the checks at arrival.

    A row of an unknown series has the number `-1 - i`, where `unknown[i]` is the name that was sent.
    `settles` are refused readings that this batch takes up again: they leave the quarantine in the same commit.
    """

    territory: TerritoryId
    columns: Columns
    refusals: Refusals = NO_REFUSALS
    unknown: tuple[str, ...] = ()
    origin: Origin | None = None
    settles: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what one commit cannot take."""
        if len(self.columns) > ROWS_PER_BATCH:
            raise BatchTooLarge(len(self.columns))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stored:
    """What became of a batch, said once it is durable.

    `sequence` is its receive sequence, 0 when nothing of it was new; batches that became durable in one commit share it. `stored` and
    `duplicates` count readings; `refusals` names the others, row by row.
    `replayed` tells that the stream had brought this batch before, so that nothing was counted.
    """

    sequence: int
    stored: int
    duplicates: int
    refusals: Refusals
    replayed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedReading:
    """A reading in quarantine."""

    number: int
    territory: TerritoryId
    series: SeriesName | None
    sent_name: str
    time: int
    duration: int
    value: int
    quality: int
    reason: Refusal
    sequence: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """Proof that readings were erased; it says how many, never which values."""

    number: int
    series: int
    start: int
    end: int
    sequence: int
    erased: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SeriesEvent:
    """Something happened to series within `[start, end)`: recorded, corrected by a person, or forgotten. It names no values.

    All series are of one territory. occurred: the UTC second of the change.
    """

    sequence: int
    forgotten: bool
    start: int
    end: int
    series: Int32
    corrected: bool = False
    occurred: int = 0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class MonthTotals:
    """Per series of a UTC month: readings, usable readings, and the sum of the usable values (meaningful for intervals)."""

    series: Int32
    count: np.ndarray[tuple[int], np.dtype[np.int64]]
    used: np.ndarray[tuple[int], np.dtype[np.int64]]
    total: np.ndarray[tuple[int], np.dtype[np.int64]]
