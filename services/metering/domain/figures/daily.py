"""Figures of single points by day, kept in memory: what the days, weeks, months and years of a large place are added up from."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from metering.domain.consumption.columns import Int8s, Int64s
from metering.domain.consumption.gaps import MARGIN_S
from metering.domain.consumption.places import UseKind
from metering.domain.registry.points import MeteringPoint
from vocabulary.civil import Granularity
from vocabulary.names import PointId, TerritoryId

PointKey: TypeAlias = tuple[TerritoryId, PointId, UseKind, Granularity]
"""A point's use of one kind, by civil days or by gas days."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DayFigures:
    """One row for a day.

    value: base units. measured, estimated: seconds of the day. quality, method: worst of the day, 0 where nothing is known.
    """

    value: Int64s
    measured: Int64s
    estimated: Int64s
    quality: Int8s
    method: Int8s
    latest: int
    suspect: int


Month: TypeAlias = tuple[int, int]
"""The UTC seconds at which the first day of a month starts and its last day ends."""

Compute: TypeAlias = Callable[[Sequence[Month]], Sequence[DayFigures]]
"""Computes the days of some months of a point."""


@dataclass(slots=True)
class _Kept:
    point: MeteringPoint
    months: dict[Month, DayFigures] = field(default_factory=dict[Month, DayFigures])
    generation: int = 0
    """Counts the readings that bore on the point."""


class DailyFigures:
    """Day figures of points, month by month, until a reading that bears on them comes, or the point changes; for several threads."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._kept: dict[PointKey, _Kept] = {}
        self._lock = threading.Lock()

    def of(self, key: PointKey, point: MeteringPoint, months: Sequence[Month], compute: Compute) -> list[DayFigures]:
        """Return the days of the months, computing those that are not kept."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept.point != point:
                kept = self._kept[key] = _Kept(point=point)
            missing = [month for month in months if month not in kept.months]
            found = {month: kept.months[month] for month in months if month in kept.months}
            generation = kept.generation
        if missing:
            computed = dict(zip(missing, compute(missing), strict=True))
            found |= computed
            with self._lock:
                # Readings may have come meanwhile: then what was computed serves this answer, and is not kept.
                if generation == kept.generation and self._kept.get(key) is kept:
                    kept.months |= computed
        return [found[month] for month in months]

    def forget(self, territory: TerritoryId, points: Iterable[PointId], start: int, end: int) -> None:
        """Forget the months that readings of the points between two UTC seconds bear on, estimates around them included."""
        touched = set(points)
        with self._lock:
            for (owner, point, *_), kept in self._kept.items():
                if owner == territory and point in touched:
                    kept.generation += 1
                    stale = [month for month in kept.months if month[0] < end + MARGIN_S and start - MARGIN_S < month[1]]
                    for month in stale:
                        del kept.months[month]

    @property
    def empty(self) -> bool:
        """Whether nothing is kept."""
        return not self._kept

    def forget_all(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()


def joined_days(parts: Sequence[DayFigures]) -> DayFigures:
    """Return the days of several months, in order."""
    return DayFigures(
        value=np.concatenate([part.value for part in parts]),
        measured=np.concatenate([part.measured for part in parts]),
        estimated=np.concatenate([part.estimated for part in parts]),
        quality=np.concatenate([part.quality for part in parts]),
        method=np.concatenate([part.method for part in parts]),
        latest=max(part.latest for part in parts),
        suspect=sum(part.suspect for part in parts),
    )
