"""What a plan would use, cost and cause over a range of dates, and where it contradicts itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from lighting.domain.conflicts import Conflict, conflicts
from lighting.domain.energy import energy_joules, powered_steps
from lighting.domain.estate import Estate
from lighting.domain.levels import LuminaireId
from lighting.domain.nights import dates_between
from lighting.domain.rates import Rates
from lighting.domain.resolve import Block, Resolution, resolved
from lighting.domain.steps import Floats, rows_of

_KILOWATT_HOUR_J = 3.6e6


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """What luminaires do in a range of nights.

    Energy in joules if no sensor sees anybody, and at most, if sensors are triggered all night; lamp-seconds lit; cost without VAT in
    millionths, gas in
    grams of CO2 equivalent: None where a price or factor is missing, which `missing` names.
    """

    luminaires: int
    energy_joules: float
    most_energy_joules: float
    burning_s: float
    cost_micros: float | None
    emission_grams: float | None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Rehearsal:
    """The figures of a draft beside those of what is published, and the draft's conflicts."""

    first: date
    last: date
    draft: Figures
    current: Figures
    conflicts: tuple[Conflict, ...]


def rehearsed(estate: Estate, luminaires: Sequence[LuminaireId], first: date, last: date, rates: Rates) -> Rehearsal:
    """Return what would change if every draft were published from the first night on, both dates included."""
    drafted = estate.with_drafts(first)
    resolution = resolved(drafted, luminaires, first, last)
    most = _most(drafted, luminaires, first, last, resolution)
    now = resolved(estate, luminaires, first, last)
    return Rehearsal(
        first=first,
        last=last,
        draft=figures(drafted, resolution, most, (first, last), rates),
        current=figures(estate, now, _most(estate, luminaires, first, last, now), (first, last), rates),
        conflicts=tuple(conflicts(drafted, resolution, first)),
    )


def _most(estate: Estate, luminaires: Sequence[LuminaireId], first: date, last: date, plain: Resolution) -> Resolution:
    """Return the nights with all sensors triggered; the plain ones where no programme listens to any."""
    contents = [plan.content for plans in estate.plans.values() for plan in plans]
    listens = any(programme.effects for content in contents for programme in content.programmes)
    return resolved(estate, luminaires, first, last, triggered=True) if listens else plain


def figures(estate: Estate, resolution: Resolution, most: Resolution, nights: tuple[date, date], rates: Rates) -> Figures:
    """Return the figures of resolved nights."""
    days = dates_between(*nights)
    energy, burning = _by_tariff_and_day(estate, resolution, days)
    costs = [_weighted(energy[tariff], rates.price(tariff, days)) for tariff in energy]
    emission = _weighted(np.sum(list(energy.values()), axis=0) if energy else np.zeros(len(days)), rates.grams(days))
    missing = [f"price of {tariff or 'a cabinet without tariff'}" for tariff, cost in zip(energy, costs, strict=True) if cost is None]
    return Figures(
        luminaires=len({one for members in resolution.members for one in members}),
        energy_joules=float(sum(values.sum() for values in energy.values())),
        most_energy_joules=float(sum(values.sum() for values in _by_tariff_and_day(estate, most, days)[0].values())),
        burning_s=burning,
        cost_micros=None if any(cost is None for cost in costs) else sum(cost for cost in costs if cost is not None),
        emission_grams=emission,
        missing=(*missing, *(("emission factor",) if emission is None else ())),
    )


def _weighted(energy: Floats, per_kwh: Floats) -> float | None:
    """Return energy times rate; None where energy has no rate."""
    used = energy > 0
    if np.isnan(per_kwh[used]).any():
        return None
    return float((energy[used] / _KILOWATT_HOUR_J * per_kwh[used]).sum())


def _by_tariff_and_day(estate: Estate, resolution: Resolution, days: Sequence[date]) -> tuple[dict[str, Floats], float]:
    """Return joules by tariff and night, and lamp-seconds lit."""
    place = {day: number for number, day in enumerate(days)}
    count = np.array([len(members) for members in resolution.members], dtype=np.float64)
    energy: dict[str, Floats] = {}
    burning = 0.0
    for block in resolution.blocks:
        joules = row_energy(estate, resolution, block)
        lit = (block.steps.seconds * block.steps.lit).sum(axis=1)
        weight = count[block.pattern]
        burning += float((lit * weight).sum())
        at = np.array([place[day] for day in block.nights.days])[block.nights.day]
        numbers: list[int] = block.pattern.tolist()
        tariffs = [estate.cabinets[resolution.patterns[number].kind.cabinet].tariff for number in numbers]
        for tariff in dict.fromkeys(tariffs):
            chosen = np.array([one == tariff for one in tariffs])
            np.add.at(energy.setdefault(tariff, np.zeros(len(days))), at[chosen], (joules * weight)[chosen])
    return energy, burning


def row_energy(estate: Estate, resolution: Resolution, block: Block) -> Floats:
    """Return the joules of one luminaire in each resolved night of a block."""
    joules = np.zeros(len(block.pattern))
    numbers: list[int] = block.pattern.tolist()
    kinds = [resolution.patterns[number].kind for number in numbers]
    for lamp in dict.fromkeys(kind.lamp for kind in kinds):
        for by_day in (True, False):
            rows = np.flatnonzero([kind.lamp == lamp and estate.cabinets[kind.cabinet].powered_by_day is by_day for kind in kinds])
            if len(rows):
                steps = rows_of(block.steps, rows)
                powered = powered_steps(steps, block.nights.sunset[rows], block.nights.sunrise[rows], by_day=by_day)
                joules[rows] = energy_joules(lamp, steps, powered).sum(axis=1)
    return joules
