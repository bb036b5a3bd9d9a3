"""The plan as a known future series: mean power by step of time, for whoever forecasts consumption."""

from collections.abc import Sequence

import numpy as np

from lighting.domain.energy import energy_joules, powered_steps
from lighting.domain.estate import Estate
from lighting.domain.levels import LuminaireId
from lighting.domain.nights import night_of
from lighting.domain.resolve import Resolution, resolved
from lighting.domain.steps import Flags, Floats, Ints, cut, rows_of
from vocabulary.interval import Interval


def mean_power_by_step(estate: Estate, luminaires: Sequence[LuminaireId], during: Interval, step_s: int) -> Floats:
    """Return the mean power of luminaires together, in watts, in each whole step of the interval from its start."""
    count = round(during.duration.total_seconds()) // step_s
    energy = np.zeros(count)
    if luminaires:
        resolution = resolved(estate, luminaires, night_of(during.start, estate.zone), night_of(during.end, estate.zone))
        edges: Floats = np.float64(during.start.timestamp()) + step_s * np.arange(count + 1, dtype=np.float64)
        _add(estate, resolution, edges, energy)
    return energy / step_s


def _add(estate: Estate, resolution: Resolution, edges: Floats, energy: Floats) -> None:
    members = np.array([len(some) for some in resolution.members], dtype=np.float64)
    for block in resolution.blocks:
        numbers: list[int] = block.pattern.tolist()
        for row, pattern in enumerate(numbers):
            one, kind = np.array([row]), resolution.patterns[pattern].kind
            start, end = block.nights.start[row], block.nights.end[row]
            inside = edges[(edges > start) & (edges < end)]
            steps = cut(rows_of(block.steps, one), inside[None, :])
            by_day = estate.cabinets[kind.cabinet].powered_by_day
            powered = powered_steps(steps, block.nights.sunset[one], block.nights.sunrise[one], by_day=by_day)
            joules = energy_joules(kind.lamp, steps, powered)[0] * members[pattern]
            middle: Floats = steps.middle[0]
            slot: Ints = np.searchsorted(edges, middle, side="right") - 1
            wanted: Flags = (slot >= 0) & (slot < len(energy))
            np.add.at(energy, slot[wanted], joules[wanted])
