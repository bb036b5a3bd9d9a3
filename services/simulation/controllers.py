"""A cabinet's controllers as they are in the field: they store orders, follow them, fall back when they must, and break when told to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from simulation.sun import HORIZON_DEGREES, Spot, elevation_degrees

_FULL = 100.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Lamp:
    """A lamp as it hangs there: its power in watts at full level, what dimming does not lower, and in standby."""

    id: str
    circuit: int = 1
    full_power_w: float
    fixed_power_w: float
    standby_power_w: float
    minimum_level: int = 10

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
    lamp_faults: dict[str, LampFault] = field(default_factory=dict[str, LampFault])
    cabinet_faults: set[CabinetFault] = field(default_factory=set[CabinetFault])

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
        """Tell whether the sun is down at a UTC second."""
        return float(elevation_degrees(self.spot, np.array([int(at)]))[0]) < HORIZON_DEGREES

    def levels(self, at: float) -> Mapping[str, float]:
        """Return the level in per cent that each lamp is driven to: the order, then the cabinet's clock, then lit."""
        if CabinetFault.NO_CLOCK in self.cabinet_faults:
            return dict.fromkeys(self.lamps, _FULL)
        order = self.order
        if order is None or not order.start <= at < order.end:
            found = dict.fromkeys(self.lamps, _FULL if self.is_night(at) else 0.0)
        else:
            found = dict.fromkeys(self.lamps, 0.0)
            for course in order.courses:
                found |= dict.fromkeys(course.lamps, _level(course, at, order.end))
        for hold in order.holds if order is not None else ():
            if hold.start <= at and (hold.end is None or at < hold.end):
                found |= dict.fromkeys(hold.lamps, hold.level)
        return found


def _level(course: Course, at: float, end: float) -> float:
    number = int(np.searchsorted(np.asarray(course.start), at, side="right")) - 1
    if number < 0:
        return 0.0
    start, until = course.start[number], course.start[number + 1] if number + 1 < len(course.start) else end
    return course.start_level[number] + (course.level[number] - course.start_level[number]) * (at - start) / (until - start)
