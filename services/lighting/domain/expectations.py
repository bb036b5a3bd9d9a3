"""What a cabinet's lamps are expected to do around an instant: the plan's levels, as far as clocks in the field may differ from ours."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import numpy as np

from lighting.domain.energy import power_w
from lighting.domain.estate import Estate
from lighting.domain.failures import UnknownCabinet
from lighting.domain.inventory import LampType, Luminaire
from lighting.domain.levels import CabinetId, Control, LuminaireId, Rank, Segment
from lighting.domain.nights import dates_between, nights_at
from lighting.domain.resolve import patterns_by_luminaire, resolved
from lighting.domain.segments import segments_by_pattern

CLOCK_MARGIN = timedelta(minutes=10)
"""How far a clock in the field, and the way of a report, may differ from ours.

A choice: a clock that loses 2.5 s a day and is set right twice a year is 7 minutes late.
"""
_ALWAYS = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Alike:
    """Lamps of one circuit that are to do the same around an instant."""

    luminaires: tuple[LuminaireId, ...]
    circuit: int
    lamp: LampType
    low: float
    """The lowest level, in per cent, that the plan has around the instant; sensors may or may not see somebody."""
    high: float
    low_w: float
    """The power at the lowest level."""
    high_w: float
    switch_ons: int | None
    """How often the plan switched them on since the report before; None: sensors switch them."""
    answers: bool
    """Whether they have controllers that have power, and should answer the gateway."""
    switched: bool = False
    """Whether they hang behind a contactor: their controllers have power while they should be lit, and are silent while dark."""
    locked: bool = False
    """Works: nothing is expected."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What is expected of a cabinet around an instant."""

    cabinet: CabinetId
    at: datetime
    powered_since: datetime | None
    """Since when its lines have power for certain; None: perhaps they have none."""
    version: int | None = None
    """The order that holds this; None: it takes no orders, or nobody knows."""
    alike: tuple[Alike, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Line:
    """The levels of some luminaires over the plan's time, in columns: segment k runs from `start[k]` up to the next one's start."""

    start: Sequence[float]
    start_level: Sequence[float]
    level: Sequence[float]
    locked: Sequence[bool]
    ons: Sequence[float]
    """When they are switched on."""

    def between(self, low: float, high: float) -> tuple[float, float, bool]:
        """Return the lowest and highest level between two instants, and whether works lock them then."""
        first = max(bisect_right(self.start, low) - 1, 0)
        last = max(bisect_left(self.start, high), first + 1)
        if first + 1 == last and self.start_level[first] == self.level[first]:
            return self.level[first], self.level[first], self.locked[first]
        levels = [at for number in range(first, last) for at in self._ends(number, low, high)]
        return min(levels), max(levels), any(self.locked[first:last])

    def _ends(self, number: int, low: float, high: float) -> tuple[float, float]:
        """Return the levels at both ends of a segment's part between two instants."""
        before, after = self.start_level[number], self.level[number]
        if before == after or number + 1 == len(self.start):
            return before, after
        start, end = self.start[number], self.start[number + 1]
        slope = (after - before) / (end - start)
        return before + slope * (max(start, low) - start), before + slope * (min(end, high) - start)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Course:
    luminaires: tuple[LuminaireId, ...]
    circuit: int
    lamp: LampType
    control: Control
    heard: bool
    line: _Line
    triggered: _Line
    """With every sensor seeing somebody; the same line where there are none."""
    powers: dict[tuple[float, float], list[float]] = field(default_factory=dict[tuple[float, float], list[float]])
    """The powers at levels that were asked for before."""

    def powers_w(self, low: float, high: float) -> list[float]:
        """Return the powers in watts at two levels."""
        found = self.powers.get((low, high))
        if found is None:
            found = self.powers[low, high] = power_w(self.lamp, np.array([low, high])).tolist()
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class CabinetPlan:
    """What a cabinet's lamps are to do in some nights, worked out once for all reports of them."""

    cabinet: CabinetId
    first: date
    last: date
    powered_by_day: bool
    sunset: Sequence[float]
    sunrise: Sequence[float]
    courses: tuple[_Course, ...]


def cabinet_plan(estate: Estate, cabinet: CabinetId, first: date, last: date) -> CabinetPlan:
    """Return the plan of a cabinet for reports of the nights from first to last, both included. UnknownCabinet."""
    found = estate.cabinets.get(cabinet)
    if found is None:
        raise UnknownCabinet(f"there is no cabinet {cabinet}", cabinet=cabinet)
    # What comes just before and after is asked about too.
    around = first - timedelta(days=1), last + timedelta(days=1)
    lamps = [one for one in estate.luminaires.values() if one.cabinet == cabinet]
    nights = nights_at([found.clock], dates_between(*around), estate.zone)
    lines = _lines(estate, lamps, around, triggered=False)
    listens = any(programme.effects for plans in estate.plans.values() for plan in plans for programme in plan.content.programmes)
    triggered = _lines(estate, lamps, around, triggered=True) if listens else lines
    groups: defaultdict[tuple[int, int, int, LampType, Control, bool], list[Luminaire]] = defaultdict(list)
    for one in lamps:
        heard = one.control is Control.INDIVIDUAL or bool(one.controller)
        groups[id(lines[one.id]), id(triggered[one.id]), one.circuit, one.lamp, one.control, heard].append(one)
    return CabinetPlan(
        cabinet=cabinet,
        first=first,
        last=last,
        powered_by_day=found.powered_by_day,
        sunset=nights.sunset.tolist(),
        sunrise=nights.sunrise.tolist(),
        courses=tuple(
            _Course(
                luminaires=tuple(one.id for one in some),
                circuit=circuit,
                lamp=lamp,
                control=control,
                heard=heard,
                line=lines[some[0].id],
                triggered=triggered[some[0].id],
            )
            for (_, _, circuit, lamp, control, heard), some in groups.items()
        ),
    )


def _lines(estate: Estate, lamps: Sequence[Luminaire], around: tuple[date, date], *, triggered: bool) -> Mapping[LuminaireId, _Line]:
    """Return the line of every lamp; lamps that do the same share one."""
    resolution = resolved(estate, [one.id for one in lamps], *around, triggered=triggered)
    segments = segments_by_pattern(resolution)
    made: dict[tuple[int, ...], _Line] = {}
    found: dict[LuminaireId, _Line] = {}
    for luminaire, patterns in patterns_by_luminaire(resolution).items():
        key = tuple(patterns)
        if key not in made:
            made[key] = _line(sorted((one for number in key for one in segments[number]), key=lambda one: one.start))
        found[luminaire] = made[key]
    return found


def _line(segments: Sequence[Segment]) -> _Line:
    lit = [max(one.start_level, one.level) > 0 for one in segments]
    start = [one.start.timestamp() for one in segments]
    return _Line(
        start=start,
        start_level=[one.start_level for one in segments],
        level=[one.level for one in segments],
        locked=[one.source.rank is Rank.LOCK_OUT for one in segments],
        ons=[at for number, at in enumerate(start) if lit[number] and not (number and lit[number - 1])],
    )


def expected(plan: CabinetPlan, at: datetime, since: datetime | None, *, version: int | None = None) -> Expected:
    """Return what is expected of a cabinet around an instant of the plan's nights; `since` is when the report before came."""
    margin, now = CLOCK_MARGIN.total_seconds(), at.timestamp()
    powered_since = _powered_since(plan, now, margin)
    before = now if since is None else since.timestamp()
    return Expected(
        cabinet=plan.cabinet,
        at=at,
        powered_since=powered_since,
        version=version,
        alike=tuple(_alike(course, (before, now), margin, powered=powered_since is not None) for course in plan.courses),
    )


def _powered_since(plan: CabinetPlan, now: float, margin: float) -> datetime | None:
    if plan.powered_by_day:
        return _ALWAYS
    night = bisect_right(plan.sunset, now) - 1
    if night >= 0 and plan.sunset[night] + margin <= now < plan.sunrise[night] - margin:
        return datetime.fromtimestamp(plan.sunset[night] + margin, UTC)
    return None


def _alike(course: _Course, time: tuple[float, float], margin: float, *, powered: bool) -> Alike:
    before, now = time
    low, high, locked = course.line.between(now - margin, now + margin)
    ons = course.line.ons
    switch_ons: int | None = bisect_right(ons, now + margin) - bisect_left(ons, before - margin)
    if course.triggered is not course.line:
        least, most, _ = course.triggered.between(now - margin, now + margin)
        low, high = min(low, least), max(high, most)
        switch_ons = switch_ons if low > 0 or high == 0 else None
    low_w, high_w = course.powers_w(low, high)
    return Alike(
        luminaires=course.luminaires,
        circuit=course.circuit,
        lamp=course.lamp,
        low=low,
        high=high,
        low_w=low_w,
        high_w=high_w,
        switch_ons=switch_ons,
        answers=powered and course.heard and (course.control is Control.INDIVIDUAL or low > 0),
        switched=course.control in (Control.CIRCUIT, Control.NONE),
        locked=locked,
    )
