"""Known quantities over disjoint stretches of time; what no piece covers is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

import numpy as np

from metering.domain.consumption.columns import (
    Bools,
    Int8s,
    Int64s,
    UnorderedColumns,
    cumulative,
    int8s,
    int64s,
    proportion,
    require_same_length,
)
from vocabulary.interval import Interval
from vocabulary.quality import Quality

SHORT_S = 2 * 3600
"""Up to two hours, a straight line between two readings is as good as measured (the rule of California's DASMMD, and of most others)."""


class Method(IntEnum):
    """How a piece came by its value; a greater number is further from the meter."""

    METERED = 0
    """A device measured it, or a person corrected it."""
    LINEAR = 1
    """A straight line between what was measured before and after."""
    PROFILE = 2
    """The mean of days of the same type, or a profile that the asker chose."""
    SINCE_RESET = 3
    """What a register shows that restarted at zero at an unknown time: the least that was used."""
    COEFFICIENT = 4
    """Gas energy from volume and a dated coefficient."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Pieces:
    """Quantities over `[start, end)`, oldest first, never overlapping.

    start, end: UTC seconds. value: joules or millilitres, whole. quality: `Quality` numbers, never suspect. method: `Method` numbers.
    """

    start: Int64s
    end: Int64s
    value: Int64s
    quality: Int8s
    method: Int8s

    def __post_init__(self) -> None:
        """Refuse columns of unequal length, empty pieces and pieces that overlap or are out of order."""
        require_same_length(self.start, self.end, self.value, self.quality, self.method)
        if bool((self.start >= self.end).any()) or bool((self.start[1:] < self.end[:-1]).any()):
            raise UnorderedColumns("pieces are empty, overlap or are out of order", rows=str(len(self.start)))

    def __len__(self) -> int:
        """Return how many pieces there are."""
        return len(self.start)

    @property
    def duration(self) -> Int64s:
        """Seconds that each piece lasts."""
        return self.end - self.start

    @property
    def total(self) -> int:
        """The exact sum of all pieces."""
        return int(self.value.sum())

    def span(self) -> Interval:
        """Return the time from the first start to the last end; of nothing there is none, and EmptyInterval is raised."""
        ends = (int(self.start[0]), int(self.end[-1])) if len(self) else (0, 0)
        return Interval(start=datetime.fromtimestamp(ends[0], UTC), end=datetime.fromtimestamp(ends[1], UTC))

    def where(self, chosen: Bools) -> "Pieces":
        """Return the chosen pieces."""
        return Pieces(
            start=self.start[chosen],
            end=self.end[chosen],
            value=self.value[chosen],
            quality=self.quality[chosen],
            method=self.method[chosen],
        )


def pieces(
    start: Sequence[int] | Int64s,
    end: Sequence[int] | Int64s,
    value: Sequence[int] | Int64s,
    quality: Quality | Sequence[int] | Int8s = Quality.MEASURED,
    method: Method | Sequence[int] | Int8s = Method.METERED,
) -> Pieces:
    """Return pieces from any sequences; one quality and one method may serve all."""
    starts = int64s(start)
    return Pieces(
        start=starts,
        end=int64s(end),
        value=int64s(value),
        quality=np.broadcast_to(int8s(quality), starts.shape),
        method=np.broadcast_to(int8s(method), starts.shape),
    )


NOTHING = pieces([], [], [])
"""No piece: everything is missing."""


def joined(parts: Sequence[Pieces]) -> Pieces:
    """Return all pieces of the parts in order of time; the parts may not overlap each other."""
    order = np.argsort(np.concatenate([part.start for part in parts]), kind="stable") if parts else np.zeros(0, dtype=np.int64)
    if not len(order):
        return NOTHING
    return Pieces(
        start=np.concatenate([part.start for part in parts])[order],
        end=np.concatenate([part.end for part in parts])[order],
        value=np.concatenate([part.value for part in parts])[order],
        quality=np.concatenate([part.quality for part in parts])[order],
        method=np.concatenate([part.method for part in parts])[order],
    )


def amount_before(known: Pieces, at: Int64s) -> Int64s:
    """Return how much was used before each instant: whole pieces, and the straight-line part, rounded down, of the piece that is cut.

    Differences of it are exact: whatever the instants, they add up to the pieces.
    """
    if not len(known):
        return np.zeros(len(at), dtype=np.int64)
    inside = np.maximum(np.searchsorted(known.start, at, "right") - 1, 0)
    duration = known.duration[inside]
    elapsed = np.clip(at - known.start[inside], 0, duration)
    return cumulative(known.value)[inside] + proportion(elapsed, duration, known.value[inside])


def clipped(known: Pieces, start: int, end: int) -> Pieces:
    """Return what lies inside `[start, end)`; a piece that is cut is divided by a straight line, and estimated if longer than `SHORT_S`."""
    first = int(np.searchsorted(known.end, start, "right"))
    last = int(np.searchsorted(known.start, end, "left"))
    if last <= first:
        return NOTHING
    part = slice(first, last)
    starts, ends = np.maximum(known.start[part], start), np.minimum(known.end[part], end)
    cut = (starts > known.start[part]) | (ends < known.end[part])
    guessed = cut & (known.duration[part] > SHORT_S)
    inner = Pieces(
        start=known.start[part], end=known.end[part], value=known.value[part], quality=known.quality[part], method=known.method[part]
    )
    return Pieces(
        start=starts,
        end=ends,
        value=amount_before(inner, ends) - amount_before(inner, starts),
        quality=np.where(guessed, np.maximum(known.quality[part], Quality.ESTIMATED), known.quality[part]).astype(np.int8),
        method=np.where(guessed, np.maximum(known.method[part], Method.LINEAR), known.method[part]).astype(np.int8),
    )
