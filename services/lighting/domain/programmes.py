"""Programmes: when lamps are on in a night, at which level, and what sensors may do; in TALQ 2.7.1's terms.

Outside its active periods a programme is dark. Inside, the level is that of the last switch point that the night has passed, and 100 %
before the first.
Where an astronomical and a fixed switch point fall on one instant, the fixed one holds. A ramp begins at its switch point, from the
level reached
there (from 0 where the lamp was dark just before), and runs straight; the next switch point cuts it short.
No sensor is known beforehand: a plan takes a light sensor to switch at sunset and sunrise, and nobody to pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from lighting.domain.failures import PeriodEmpty, PeriodsOverlap, Unfit, check_level
from lighting.domain.levels import ProgrammeId

_DAY_MINUTES = 1_440
_NOON = 720
_MOST_OFFSET_MINUTES = 720
_LONGEST_RAMP_S = 7_200
_LONGEST_HOLD_S = 7_200
_MOST_POINTS = 50


class PeriodKind(Enum):
    """What bounds an active period."""

    ABSOLUTE = 1
    """Two times of the local clock."""
    ASTRO_CLOCK = 2
    """Sunset and sunrise, each with an offset."""
    SENSOR = 3
    """A light sensor; planned as sunset to sunrise."""
    ASTRO_CLOCK_AND_SENSOR = 4
    """Both must say night; planned as the astronomical clock."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ActivePeriod:
    """When lamps are on. Minutes are of the local day, offsets in minutes after the event (negative: before), thresholds in lux."""

    kind: PeriodKind
    start_minute: int = 0
    end_minute: int = 0
    sunset_offset_minutes: int = 0
    sunrise_offset_minutes: int = 0
    on_below_lux: int | None = None
    off_above_lux: int | None = None

    def __post_init__(self) -> None:
        """Refuse a period that cannot be; PeriodEmpty, Unfit."""
        _check_minute("start_minute", self.start_minute)
        _check_minute("end_minute", self.end_minute)
        _check_offset("sunset_offset_minutes", self.sunset_offset_minutes)
        _check_offset("sunrise_offset_minutes", self.sunrise_offset_minutes)
        if self.kind is PeriodKind.ABSOLUTE and since_noon(self.start_minute) >= (since_noon(self.end_minute) or _DAY_MINUTES):
            raise PeriodEmpty("end_minute", "must come after the start in a night that runs from noon to noon")
        if self.kind in (PeriodKind.SENSOR, PeriodKind.ASTRO_CLOCK_AND_SENSOR) and self.on_below_lux is None:
            raise Unfit("on_below_lux", "is required where a light sensor switches")


class Reference(Enum):
    """What a switch point's time counts from."""

    FIXED = 1
    """A time of the local clock."""
    SUNSET = 2
    SUNRISE = 3
    MIDDLE = 4
    """The middle between sunset and sunrise, by which self-dimming drivers reckon; no programme may use it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SwitchPoint:
    """From a time on, a level in per cent, reached in a straight ramp."""

    reference: Reference
    minute: int = 0
    """Of the local day; for FIXED."""
    offset_minutes: int = 0
    """After the event, negative before it; for all others."""
    level: int
    ramp_s: int = 0

    def __post_init__(self) -> None:
        """Refuse a switch point that cannot be; LevelOutOfRange, Unfit."""
        _check_minute("minute", self.minute)
        _check_offset("offset_minutes", self.offset_minutes)
        check_level("level", self.level)
        if not 0 <= self.ramp_s <= _LONGEST_RAMP_S:
            raise Unfit("ramp_s", f"must be 0 to {_LONGEST_RAMP_S} seconds")


class EffectSource(Enum):
    """What triggers an effect."""

    PRESENCE = 1
    LIGHT = 2


class EffectOperation(Enum):
    """What an effect does to the programme's level."""

    SET = 1
    MAX = 2
    MIN = 3
    ADD = 4
    SUBTRACT = 5
    MULTIPLY = 6
    """By `value` per cent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """What a sensor does while it is triggered, and `hold_s` seconds longer, inside active periods."""

    source: EffectSource
    operation: EffectOperation
    value: int
    hold_s: int = 0

    def __post_init__(self) -> None:
        """Refuse an effect that cannot be; LevelOutOfRange, Unfit."""
        if self.operation is not EffectOperation.MULTIPLY:
            check_level("value", self.value)
        elif not 0 <= self.value <= 10_000:  # noqa: PLR2004 - a hundredfold
            raise Unfit("value", "must be 0 to 10,000 per cent")
        if not 0 <= self.hold_s <= _LONGEST_HOLD_S:
            raise Unfit("hold_s", f"must be 0 to {_LONGEST_HOLD_S} seconds")


@dataclass(frozen=True, kw_only=True, slots=True)
class Programme:
    """What a night looks like. Effects apply in order, each to what the one before gave."""

    id: ProgrammeId
    display_name: str
    periods: tuple[ActivePeriod, ...] = ()
    switch_points: tuple[SwitchPoint, ...] = ()
    effects: tuple[Effect, ...] = ()
    etag: str = ""

    def __post_init__(self) -> None:
        """Refuse periods or points that contradict each other; PeriodEmpty, PeriodsOverlap, Unfit."""
        if not self.periods:
            raise PeriodEmpty("periods", "a programme needs an active period: one that is always dark is a decision to switch off")
        if len(self.periods) + len(self.switch_points) > _MOST_POINTS:
            raise Unfit("switch_points", f"at most {_MOST_POINTS} periods and switch points")
        _check_periods(self.periods)
        _check_points(self.switch_points)


def since_noon(minute: int) -> int:
    """Return the minutes from noon to a minute of the local day: the order of a night."""
    return (minute - _NOON) % _DAY_MINUTES


def _check_periods(periods: Sequence[ActivePeriod]) -> None:
    if sum(period.kind is not PeriodKind.ABSOLUTE for period in periods) > 1:
        raise PeriodsOverlap("periods", "two periods by sun or sensor overlap in every night")
    spans = [
        (since_noon(one.start_minute), since_noon(one.end_minute) or _DAY_MINUTES) for one in periods if one.kind is PeriodKind.ABSOLUTE
    ]
    for (_, end), (start, _) in pairwise(sorted(spans)):
        if start < end:
            raise PeriodsOverlap("periods", "two periods overlap")


def _check_points(points: Sequence[SwitchPoint]) -> None:
    seen: set[tuple[Reference, int]] = set()
    for number, point in enumerate(points):
        time = (point.reference, point.minute if point.reference is Reference.FIXED else point.offset_minutes)
        if point.reference is Reference.MIDDLE:
            raise Unfit(f"switch_points[{number}].reference", "is for drivers that dim by themselves")
        if time in seen:
            raise PeriodsOverlap(f"switch_points[{number}]", "another switch point has the same time")
        seen.add(time)


def _check_minute(field: str, minute: int) -> None:
    if not 0 <= minute < _DAY_MINUTES:
        raise Unfit(field, "must be a minute of the day: 0 to 1439")


def _check_offset(field: str, minutes: int) -> None:
    if abs(minutes) > _MOST_OFFSET_MINUTES:
        raise Unfit(field, f"must be within {_MOST_OFFSET_MINUTES} minutes")
