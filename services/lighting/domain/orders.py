"""What cabinets are ordered to follow, compiled from the plan: courses of levels, and holds of commands above them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from lighting.domain.estate import Estate
from lighting.domain.inventory import Gateway
from lighting.domain.levels import CabinetId, CommandId, Control, LuminaireId, Segment
from lighting.domain.nights import NOON, instant_of
from lighting.domain.resolve import Resolution, patterns_by_luminaire, resolved
from lighting.domain.segments import segments_by_pattern

NIGHTS_AHEAD = 14
"""How many nights an order holds: how long a cabinet follows the plan after its link is lost."""
RENEWED_AFTER = 7
"""Nights after which an order begins anew, so that a cabinet never holds fewer than the rest of them."""
_HEARING = (Control.INDIVIDUAL, Control.CIRCUIT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """From `start` on, until the next stretch: the level runs straight from `start_level` to `level`, in per cent."""

    start: datetime
    start_level: float
    level: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """What some luminaires do alike, commands aside: stretches that tile the order's time."""

    luminaires: tuple[LuminaireId, ...]
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """A command's level, within the limits of the luminaires, from `start` up to `end`; None: until a later order holds it no more."""

    luminaires: tuple[LuminaireId, ...]
    start: datetime
    end: datetime | None
    level: float
    command: CommandId


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What a cabinet follows from `start` up to `end`; of the holds in force, the last wins."""

    cabinet: CabinetId
    gateway: Gateway
    start: datetime
    end: datetime
    courses: tuple[Course, ...]
    holds: tuple[Hold, ...]


def orders(estate: Estate, first_nights: Mapping[CabinetId, date]) -> Mapping[CabinetId, Order]:
    """Return the order of every cabinet that is named with its first night and has a gateway; others follow their clocks.

    Luminaires that hear no command are in no order.
    """
    found: dict[CabinetId, Order] = {}
    by_first: defaultdict[date, list[CabinetId]] = defaultdict(list)
    for cabinet, first in first_nights.items():
        by_first[first].append(cabinet)
    for first, cabinets in by_first.items():
        found |= _orders_from(estate, first, frozenset(cabinets))
    return found


def _orders_from(estate: Estate, first: date, cabinets: frozenset[CabinetId]) -> Mapping[CabinetId, Order]:
    last = first + timedelta(days=NIGHTS_AHEAD - 1)
    hearing = [one.id for one in estate.luminaires.values() if one.cabinet in cabinets and one.control in _HEARING]
    start, end = (datetime.fromtimestamp(instant_of(day, NOON, estate.zone), UTC) for day in (first, last + timedelta(days=1)))
    courses, holds = defaultdict[CabinetId, list[Course]](list), defaultdict[CabinetId, list[Hold]](list)
    for luminaires, segments in _alike(resolved(replace(estate, commands=()), hearing, first, last)):
        courses[estate.luminaires[luminaires[0]].cabinet].append(Course(luminaires=luminaires, stretches=tuple(_stretches(segments))))
    if estate.commands:
        for luminaires, segments in _alike(resolved(estate, hearing, first, last)):
            holds[estate.luminaires[luminaires[0]].cabinet].extend(_holds(luminaires, segments, end))
    return {
        cabinet: Order(
            cabinet=cabinet,
            gateway=gateway,
            start=start,
            end=end,
            courses=tuple(sorted(courses[cabinet], key=lambda one: one.luminaires)),
            holds=tuple(sorted(holds[cabinet], key=lambda one: (one.start, one.luminaires))),
        )
        for cabinet in sorted(cabinets)
        if (gateway := estate.cabinets[cabinet].gateway) is not None
    }


def _alike(resolution: Resolution) -> Iterable[tuple[tuple[LuminaireId, ...], tuple[Segment, ...]]]:
    """Yield luminaires of one cabinet that do the same over the whole time, and their segments in order."""
    segments, groups = segments_by_pattern(resolution), defaultdict[tuple[int, ...], list[LuminaireId]](list)
    for luminaire, patterns in patterns_by_luminaire(resolution).items():
        groups[tuple(patterns)].append(luminaire)
    for patterns, luminaires in groups.items():
        together = sorted((one for pattern in patterns for one in segments[pattern]), key=lambda one: one.start)
        yield tuple(sorted(luminaires)), tuple(together)


def _stretches(segments: Iterable[Segment]) -> Iterable[Stretch]:
    """Yield what controllers need of segments: one stretch for neighbours of one level, whichever rule gave them."""
    at: float | None = None
    for segment in segments:
        if segment.is_ramp or segment.level != at:
            yield Stretch(start=segment.start, start_level=segment.start_level, level=segment.level)
        # A ramp ends where the next stretch begins, so that what follows it is always one.
        at = None if segment.is_ramp else segment.level


def _holds(luminaires: tuple[LuminaireId, ...], segments: Iterable[Segment], end: datetime) -> Iterable[Hold]:
    for segment in segments:
        if segment.source.command is not None:
            # What still holds at the order's end has no end of its own there.
            until = segment.end if segment.end < end else None
            yield Hold(luminaires=luminaires, start=segment.start, end=until, level=segment.level, command=segment.source.command)
