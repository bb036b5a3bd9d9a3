"""The temperature that buildings feel, and what is expected of it where nobody knows it."""

import numpy as np

from forecast.domain.columns import Floats, Int64s
from forecast.domain.rules import PanelRules

_REACH_H = 4
"""Smoothing starts over so many time constants before the first slot that matters."""


def climatology(temperature: Floats, phase: Floats, hour: Int64s) -> Floats:
    """Return the usual temperature of each slot, by time of year and of day, from those that are known (NaN elsewhere), in Celsius."""
    known = np.isfinite(temperature)
    if not known.any():
        return np.full(len(temperature), 12.0)
    angle = 2 * np.pi * hour / 24
    waves = [np.ones(len(phase)), np.cos(phase), np.sin(phase), np.cos(2 * phase), np.sin(2 * phase), np.cos(angle), np.sin(angle)]
    waves += [np.cos(phase) * np.cos(angle), np.cos(phase) * np.sin(angle), np.sin(phase) * np.cos(angle), np.sin(phase) * np.sin(angle)]
    columns = np.stack(waves, axis=1)
    of_known = columns[known]
    # Less than a year says little of the seasons: they are shrunk.
    gram = of_known.T @ of_known + np.diag([1e-3] + [200.0] * (len(waves) - 1))
    return columns @ np.linalg.solve(gram, of_known.T @ temperature[known])


def felt(temperature: Floats, rules: PanelRules, before: Floats | None = None) -> tuple[Floats, ...]:
    """Return the temperature smoothed with each time constant of the rules; along the last axis.

    before: the smoothed temperatures (smoothings, ...) just before the first slot; missing, the series starts with its own mean.
    """
    return tuple(
        _smoothed(temperature, 1 - np.exp(-24 / rules.slots_per_day / constant), None if before is None else before[at])
        for at, constant in enumerate(rules.smoothings_h)
    )


def _smoothed(temperature: Floats, share: float, before: Floats | None) -> Floats:
    result = np.empty_like(temperature)
    state = temperature[..., : int(_REACH_H / share) + 1].mean(axis=-1) if before is None else before
    for at in range(temperature.shape[-1]):
        state = state + share * (temperature[..., at] - state)
        result[..., at] = state
    return result
