"""Where a plan contradicts itself, the place, or good practice: told before it is published."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum

import numpy as np

from lighting.domain.estate import Estate
from lighting.domain.levels import Clamp, Control, LuminaireId, Rank
from lighting.domain.resolve import Block, Resolution, levels_at
from lighting.domain.steps import Flags

_DUSK_S = 1_800.0
"""Light half an hour before sunset and after sunrise is dusk, not day."""
_DAY_LIGHT_S = 600.0
_HOURS_AFTER_SUNSET = (1, 3, 5, 7)
_FEWEST_CHANGES = 3


class ConflictKind(Enum):
    """What is odd."""

    UNASSIGNED = 1
    """No plan names the luminaire: it burns by its cabinet's clock."""
    SWITCHED_OFF = 2
    """Dark by decision of the municipality: no fault, and said so that nobody takes it for one."""
    BURNING_BY_DAY = 3
    ALTERNATE_LAMPS = 4
    """Every other lamp of a street is dark: uniformity is lost, which EN 13201 asks for at every level."""
    CLAMPED = 5
    """A limit changes what was asked."""
    CIRCUIT_DISAGREES = 6
    """Luminaires of one contactor are asked different things."""
    HEARS_NOTHING = 7
    """The luminaire hears no command, and is in a plan, or has a limit that its driver may break."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Conflict:
    """Something odd: which luminaires, and facts for the sentence that people read."""

    kind: ConflictKind
    luminaires: tuple[LuminaireId, ...]
    subject: str = ""
    """The decision, street, limit or circuit that it is about."""


def conflicts(estate: Estate, resolution: Resolution, first: date) -> Iterator[Conflict]:
    """Yield what is odd about the resolved nights, whose plans are those of the first night."""
    yield from _unplanned(estate, resolution, first)
    yield from _by_day(resolution)
    yield from _clamped(resolution)
    lit = _lit(resolution)
    yield from _alternate(estate, lit)
    yield from _circuits(estate, lit)


def _unplanned(estate: Estate, resolution: Resolution, first: date) -> Iterator[Conflict]:
    contents = estate.contents_on(first)
    unassigned: list[LuminaireId] = []
    deaf: list[LuminaireId] = []
    dark: defaultdict[str, list[LuminaireId]] = defaultdict(list)
    for pattern, members in zip(resolution.patterns, resolution.members, strict=True):
        content = contents.get(pattern.group) if pattern.group else None
        if content is not None and content.switch_off is not None:
            dark[content.switch_off.decision].extend(members)
        if pattern.kind.traits.control in (Control.SELF_DIMMING, Control.NONE):
            if content is not None or pattern.kind.traits.limits.never_dimmed:
                deaf.extend(members)
        elif content is None or (content.calendar is None and content.switch_off is None):
            unassigned.extend(members)
    if unassigned:
        yield Conflict(kind=ConflictKind.UNASSIGNED, luminaires=_once(unassigned))
    for decision, members in dark.items():
        yield Conflict(kind=ConflictKind.SWITCHED_OFF, luminaires=_once(members), subject=decision)
    if deaf:
        yield Conflict(kind=ConflictKind.HEARS_NOTHING, luminaires=_once(deaf))


def _by_day(resolution: Resolution) -> Iterator[Conflict]:
    found: set[int] = set()
    for block in resolution.blocks:
        middle = block.steps.middle
        day = (middle < block.nights.sunset[:, None] - _DUSK_S) | (middle > block.nights.sunrise[:, None] + _DUSK_S)
        burned = (block.steps.seconds * (day & block.steps.lit)).sum(axis=1)
        found.update(block.pattern[burned > _DAY_LIGHT_S].tolist())
    if found:
        yield Conflict(kind=ConflictKind.BURNING_BY_DAY, luminaires=_members(resolution, found))


def _clamped(resolution: Resolution) -> Iterator[Conflict]:
    planned = np.array([source.rank in (Rank.CALENDAR, Rank.SWITCHED_OFF) for source in resolution.sources], dtype=np.bool_)
    found: defaultdict[Clamp, set[int]] = defaultdict(set)
    for block in resolution.blocks:
        counted = (block.steps.seconds > 0) & planned[block.steps.source]
        for clamp in (Clamp.NEVER_OFF, Clamp.NEVER_DIMMED, Clamp.NOT_BELOW, Clamp.DRIVER_MINIMUM, Clamp.ON_OFF_ONLY):
            # A ramp that starts at the driver's minimum instead of 0 is no news.
            bound = counted & (block.steps.clamp == clamp.value) & (block.steps.start_level == block.steps.level)
            found[clamp].update(block.pattern[bound.any(axis=1)].tolist())
    for clamp, patterns in found.items():
        if patterns:
            yield Conflict(kind=ConflictKind.CLAMPED, luminaires=_members(resolution, patterns), subject=clamp.name.lower())


def _lit(resolution: Resolution) -> Mapping[LuminaireId, Flags]:
    """Return for each luminaire whether it is lit some hours after each sunset."""
    days = sorted({day for block in resolution.blocks for day in block.nights.days})
    place = {day: number for number, day in enumerate(days)}
    lit = np.zeros((len(resolution.patterns), len(days), len(_HOURS_AFTER_SUNSET)), dtype=np.bool_)
    for block in resolution.blocks:
        at = np.array([place[day] for day in block.nights.days])[block.nights.day]
        for number, hours in enumerate(_HOURS_AFTER_SUNSET):
            lit[block.pattern, at, number] = _lit_after(block, 3_600.0 * hours)
    found: dict[LuminaireId, Flags] = {}
    for pattern, members in enumerate(resolution.members):
        seen = lit[pattern].ravel()
        for luminaire in members:
            found[luminaire] = found[luminaire] | seen if luminaire in found else seen
    return found


def _lit_after(block: Block, seconds: float) -> Flags:
    time = block.nights.sunset + seconds
    return (levels_at(block.steps, np.minimum(time, block.nights.end - 1)) > 0) & (time < block.nights.sunrise)


def _alternate(estate: Estate, lit: Mapping[LuminaireId, Flags]) -> Iterator[Conflict]:
    streets: defaultdict[tuple[str, str], list[LuminaireId]] = defaultdict(list)
    for one in sorted(lit, key=lambda luminaire: estate.luminaires[luminaire].number):
        luminaire = estate.luminaires[one]
        streets[luminaire.street or "", luminaire.cabinet].append(one)
    for (street, _), members in streets.items():
        rows = [lit[one] for one in members]
        if all(row is rows[0] for row in rows):
            continue
        changes = (np.diff(np.stack(rows).astype(np.int8), axis=0) != 0).sum(axis=0)
        if changes.max() >= max(_FEWEST_CHANGES, (len(rows) - 1) / 2):
            yield Conflict(kind=ConflictKind.ALTERNATE_LAMPS, luminaires=tuple(members), subject=street)


def _circuits(estate: Estate, lit: Mapping[LuminaireId, Flags]) -> Iterator[Conflict]:
    circuits: defaultdict[tuple[str, int], list[LuminaireId]] = defaultdict(list)
    for one in lit:
        luminaire = estate.luminaires[one]
        if luminaire.control is Control.CIRCUIT:
            circuits[luminaire.cabinet, luminaire.circuit].append(one)
    for (cabinet, circuit), members in circuits.items():
        if any((lit[one] != lit[members[0]]).any() for one in members if lit[one] is not lit[members[0]]):
            yield Conflict(kind=ConflictKind.CIRCUIT_DISAGREES, luminaires=tuple(members), subject=f"{cabinet}/{circuit}")


def _members(resolution: Resolution, patterns: Iterable[int]) -> tuple[LuminaireId, ...]:
    return _once(luminaire for pattern in sorted(patterns) for luminaire in resolution.members[pattern])


def _once(luminaires: Iterable[LuminaireId]) -> tuple[LuminaireId, ...]:
    return tuple(dict.fromkeys(luminaires))
