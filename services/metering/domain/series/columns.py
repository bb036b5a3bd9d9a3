"""Readings as columns: what a batch and a stored series are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from vocabulary.failure import Failure, Kind
from vocabulary.flux import BaseUnit
from vocabulary.names import PointId, TerritoryId

Int8 = NDArray[np.int8]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Flags = NDArray[np.bool_]


class ReadingKind(IntEnum):
    """What a reading says: two things that are never mixed in one series."""

    REGISTER = 1
    """The index that a register shows at an instant."""
    INTERVAL = 2
    """A quantity over `[time, time + duration)`, or the mean power in it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesName:
    """What names a series: one kind of reading of one channel of one metering point."""

    territory: TerritoryId
    meter: PointId
    channel: str
    kind: ReadingKind


@dataclass(frozen=True, kw_only=True, slots=True)
class SentSeries:
    """A series as a sender names it, with the unit in which it sends."""

    name: SeriesName
    unit: BaseUnit


class RaggedColumns(Failure):
    """The columns of a batch differ in length or type."""

    reason, kind = "RAGGED_COLUMNS", Kind.INVALID


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Columns:
    """Readings, one per row.

    `series` int32, the store's number of the series; `time` int64, UTC seconds since 1970: the instant of a register, the start of an
    interval;
    `duration` int32 in seconds, 0 for a register; `value` int64 in the base unit of the series; `quality` int8, a `Quality`.
    """

    series: Int32
    time: Int64
    duration: Int32
    value: Int64
    quality: Int8

    def __post_init__(self) -> None:
        """Refuse columns of different lengths or types."""
        parts = (self.series, self.time, self.duration, self.value, self.quality)
        if len({len(part) for part in parts}) > 1 or tuple(part.dtype for part in parts) != _TYPES:
            lengths = ",".join(str(len(part)) for part in parts)
            raise RaggedColumns(f"columns of lengths {lengths} make no batch", lengths=lengths)

    def __len__(self) -> int:
        """The number of readings."""
        return len(self.series)

    def take(self, rows: NDArray[np.intp] | Flags | slice) -> "Columns":
        """Return the readings of some rows."""
        return Columns(
            series=self.series[rows], time=self.time[rows], duration=self.duration[rows], value=self.value[rows], quality=self.quality[rows]
        )


_TYPES = tuple(np.dtype(name) for name in ("int32", "int64", "int32", "int64", "int8"))


def columns_of(rows: Sequence[tuple[int, int, int, int, int]]) -> Columns:
    """Return rows of (series, time, duration, value, quality) as columns."""
    parts = [np.array([row[i] for row in rows], kind) for i, kind in enumerate(_TYPES)]
    return Columns(series=parts[0], time=parts[1], duration=parts[2], value=parts[3], quality=parts[4])


def joined(parts: Sequence[Columns]) -> Columns:
    """Return the readings of all parts, in their order."""
    if not parts:
        return columns_of(())
    return Columns(
        series=np.concatenate([part.series for part in parts]),
        time=np.concatenate([part.time for part in parts]),
        duration=np.concatenate([part.duration for part in parts]),
        value=np.concatenate([part.value for part in parts]),
        quality=np.concatenate([part.quality for part in parts]),
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Versions:
    """Readings with the receive sequence of each: the number of the batch that first brought it."""

    columns: Columns
    sequence: Int64

    def __len__(self) -> int:
        """The number of versions."""
        return len(self.sequence)

    def take(self, rows: NDArray[np.intp] | Flags | slice) -> "Versions":
        """Return the versions of some rows."""
        return Versions(columns=self.columns.take(rows), sequence=self.sequence[rows])


def joined_versions(parts: Sequence[Versions]) -> Versions:
    """Return the versions of all parts, in their order."""
    if not parts:
        return Versions(columns=columns_of(()), sequence=np.empty(0, np.int64))
    return Versions(columns=joined([part.columns for part in parts]), sequence=np.concatenate([part.sequence for part in parts]))
