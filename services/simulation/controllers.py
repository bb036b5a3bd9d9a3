"""A cabinet's controllers as they are in the field: they store orders, follow them, fall back when they must, and break when told to."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

import numpy as np

from simulation.sun import Spot, sunrise_and_sunset

_FULL = 100.0
_DAY_S = 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnDimming:
    """What a driver does by its own reckoning: a level from some seconds before the middle of its night until some after."""

    before_s: float
    after_s: float
    level: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Meters:
    """What is measured of a lamp. Where power is, its level is the one that it is driven to; else the one that its driver says it has."""

    power: bool = True
    level: bool = True
    switching: bool = True
    """Burning hours and switch counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lamp:
    """A lamp as it hangs there: its power in watts at full level, what dimming does not lower, and in standby."""

    id: str
    circuit: int = 1
    full_power_w: float
    fixed_power_w: float
    standby_power_w: float
    minimum_level: int = 10
    own_dimming: OwnDimming | None = None
    meters: Meters | None = Meters()
    """None: it has no controller that could answer."""
    contactor: bool = False
    """Whether it hangs behind a contactor, so that its controller has power only while it should be lit."""

    def power_w(self, level: float) -> float:
        """Return the power at a level in per cent."""
        if level <= 0:
            return self.standby_power_w
        return self.fixed_power_w + (self.full_power_w - self.fixed_power_w) * max(level, self.minimum_level) / _FULL


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """What some lamps do alike: at `start` (UTC seconds, rising) begins a stretch that runs from `start_level` to `level` in per cent."""

    lamps: tuple[str, ...]
    start: Sequence[float]
    start_level: Sequence[float]
    level: Sequence[float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """A command's level from `start` up to `end` (UTC seconds); None: until an order holds it no more."""

    lamps: tuple[str, ...]
    start: float
    end: float | None
    level: float


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredOrder:
    """An order as a controller stores it."""

    version: int
    start: float
    end: float
    courses: tuple[Course, ...]
    holds: tuple[Hold, ...]


class LampFault(Enum):
    """What may be wrong with a lamp, to order."""

    DEAD = "dead"
    """It gives no light and draws no power."""
    STUCK_FULL = "stuck-full"
    """It is lit and cannot dim."""
    ALWAYS_ON = "always-on"
    """Its relay sticks: it burns whatever it is told."""
    POWER_HIGH = "power-high"
    """It draws a third more than it should."""
    POWER_LOW = "power-low"
    """A third of its diodes are dead."""
    CYCLING = "cycling"
    """It goes out and comes back every few minutes."""
    MUTE = "mute"
    """It does not answer the gateway, and follows what it stored."""


class CabinetFault(Enum):
    """What may be wrong with a cabinet, to order."""

    NO_SUPPLY = "no-supply"
    """The lines have no voltage; the gateway has a battery and says so."""
    TRIPPED = "tripped"
    """The breaker of circuit 1 tripped."""
    CONTACTOR_STUCK = "contactor-stuck"
    """All its lamps burn, by day too."""
    DOOR_OPEN = "door-open"
    MUTE = "mute"
    """The gateway says nothing."""
    NO_CLOCK = "no-clock"
    """It does not know what time it is: lamps are lit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """What a lamp's controller has counted up to a UTC second."""

    until: float
    lit: bool = False
    burning_s: float = 0.0
    switch_count: int = 0


@dataclass(slots=True)
class Controller:
    """A cabinet's gateway and the controllers of its lamps.

    `applied` lists the versions in the order in which they were applied: each once.
    """

    cabinet: str
    lamps: Mapping[str, Lamp]
    spot: Spot
    powered_by_day: bool = True
    order: StoredOrder | None = None
    applied: list[int] = field(default_factory=list[int])
    after_sunset_s: float = 0.0
    """What its clock adds to sunset."""
    before_sunrise_s: float = 0.0
    late_s: float = 0.0
    """How much its clock has lost."""
    seed: int = 0
    """Of what its meters err."""
    lamp_faults: dict[str, LampFault] = field(default_factory=dict[str, LampFault])
    cabinet_faults: set[CabinetFault] = field(default_factory=set[CabinetFault])
    tallies: dict[str, Tally] = field(default_factory=dict[str, Tally])
    """What the lamps' controllers have counted."""

    def take(self, order: StoredOrder) -> bool:
        """Store an order; False when it is not newer than the one that is followed, which stays."""
        if self.order is not None and order.version <= self.order.version:
            return False
        self.order = order
        self.applied.append(order.version)
        return True

    def is_powered(self, at: float) -> bool:
        """Tell whether its lines carry power at a UTC second, supply faults aside."""
        return self.powered_by_day or self.is_night(at)

    def is_night(self, at: float) -> bool:
        """Tell whether it is night by the cabinet's clock at a UTC second."""
        return self._night(at - self.late_s) is not None

    def levels(self, at: float) -> Mapping[str, float]:
        """Return the level in per cent that each lamp is driven to: the order, then the cabinet's clock, then lit."""
        if CabinetFault.NO_CLOCK in self.cabinet_faults:
            return dict.fromkeys(self.lamps, _FULL)
        order, now = self.order, at - self.late_s
        found = self._by_clock(now)
        if self.followed(at):
            for course in order.courses if order is not None else ():
                found |= dict.fromkeys(course.lamps, _level(course, now, order.end if order is not None else now))
        for hold in order.holds if order is not None else ():
            if hold.start <= at and (hold.end is None or at < hold.end):
                found |= dict.fromkeys(hold.lamps, hold.level)
        return found

    def followed(self, at: float) -> int:
        """Return the version of the order that it follows at a UTC second; 0: none, its clock holds."""
        order = self.order
        lost = CabinetFault.NO_CLOCK in self.cabinet_faults
        return 0 if lost or order is None or not order.start <= at < order.end else order.version

    def _by_clock(self, now: float) -> dict[str, float]:
        night = self._night(now)
        if night is None:
            return dict.fromkeys(self.lamps, 0.0)
        middle, found = (night[0] + night[1]) / 2, dict.fromkeys(self.lamps, _FULL)
        for lamp in self.lamps.values():
            own = lamp.own_dimming
            if own is not None and middle - own.before_s <= now < middle + own.after_s:
                found[lamp.id] = own.level
        return found

    def _night(self, now: float) -> tuple[float, float] | None:
        """Return when the night began and when it ends by the cabinet's clock; None by day."""
        for day in (int(now // _DAY_S), int(now // _DAY_S) - 1):
            start = _sun(self.spot, day)[1] + self.after_sunset_s
            end = _sun(self.spot, day + 1)[0] - self.before_sunrise_s
            if start <= now < end:
                return start, end
        return None


@lru_cache(maxsize=100_000)
def _sun(spot: Spot, day: int) -> tuple[float, float]:
    """Return the UTC seconds of sunrise and sunset of a day since 1970."""
    rise, fall = sunrise_and_sunset(spot, np.array([day * _DAY_S]))
    return float(rise[0]), float(fall[0])


def _level(course: Course, at: float, end: float) -> float:
    number = bisect_right(course.start, at) - 1
    if number < 0:
        return 0.0
    start, until = course.start[number], course.start[number + 1] if number + 1 < len(course.start) else end
    return course.start_level[number] + (course.level[number] - course.start_level[number]) * (at - start) / (until - start)
