"""How far a forecast may be off: the errors of past origins, by kind of slot and horizon, in proportion to what is forecast."""

import numpy as np
from numpy.typing import NDArray

from forecast.domain.calendar import Calendar
from forecast.domain.columns import Bools, Floats, Int64s, Singles
from forecast.domain.correction import bucket_edges
from forecast.domain.rules import QUANTILES, PanelRules

_SATURDAY = 5
_POWERS = (0.0, 0.5, 1.0)
_FLOOR = 0.15
"""The part of a point's usual amount that keeps a proportion meaningful where little is forecast."""
_EVERYBODY = 4_000
"""Errors of all points together of which as many are looked at as give quantiles."""
_BORROWED = 12.0
"""Errors of everybody count as so many of a point's own."""
_UNTRIED = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0)
"""Errors where no past origin can be looked at, in their unit: wide."""


def kind_of_slot(calendar: Calendar) -> Int64s:
    """Return a number for the hour and whether it is a working day: errors are alike within."""
    return calendar.hour * 2 + (calendar.weekday >= _SATURDAY)


def spread(forecast: Singles, scale: Singles, power: float) -> Singles:
    """Return the unit in which errors of a forecast (points, slots) are measured."""
    unit = (_FLOOR * scale[:, None] + np.maximum(forecast, 0)) ** power * scale[:, None] ** (1 - power)
    return unit.astype(np.float32, copy=False)


def best_power(forecasts: Singles, errors: Singles, known: Bools, scale: Singles) -> float:
    """Return the power of the forecast to which errors are most evenly proportional (likelihood of a Laplace distribution)."""
    scores = list[float]()
    for power in _POWERS:
        unit = spread(forecasts, scale, power)
        ratio, logs = _known_mean(np.abs(errors) / unit, known), _known_mean(np.log(unit), known)
        scores.append(float(np.mean(logs + np.log(np.maximum(ratio, 1e-9 * scale)))))
    return _POWERS[int(np.argmin(scores))]


def _known_mean(values: NDArray[np.floating], known: Bools) -> Floats:
    total: Floats = np.asarray(np.where(known, values, 0).sum(axis=1), np.float64)
    return total / np.maximum(known.sum(axis=1), 1)


def error_quantiles(relative: Singles, known: Bools, kinds: Int64s, wanted: Int64s) -> Singles:
    """Return quantiles of errors per slot: (points, wanted slots, quantiles).

    relative: errors in their unit, (points, samples). kinds: the kind of slot of each sample. wanted: the kinds to answer for.
    """
    result = np.empty((len(relative), len(wanted), len(QUANTILES)), np.float32)
    if not len(kinds):
        result[:] = _UNTRIED
        return result
    for kind in np.unique(wanted):
        # Neighbouring hours err alike: they count too, so that the tails have samples enough.
        near = np.isin(kinds, [kind, (kind - 2) % 48, (kind + 2) % 48]) if kinds.max() > 1 else kinds == kind
        some = near if near.any() else np.ones(len(kinds), np.bool_)
        result[:, wanted == kind] = _quantiles(relative[:, some], known[:, some])[:, None]
    return result


def _quantiles(relative: Singles, known: Bools) -> Singles:
    whole = bool(known.all())
    counts = np.full(len(known), known.shape[1]) if whole else known.sum(axis=1)
    ordered = np.sort(relative if whole else np.where(known, relative, np.inf), axis=1)
    some = relative[known]
    some = some[:: max(len(some) // _EVERYBODY, 1)]
    everybody = np.quantile(some, QUANTILES) if len(some) else np.array(_UNTRIED)
    own = np.empty((len(relative), len(QUANTILES)), np.float32)
    for at, level in enumerate(QUANTILES):
        place = level * (counts + 1) - 1
        below = np.clip(np.floor(place).astype(np.int64), 0, np.maximum(counts - 1, 0))
        above = np.clip(below + 1, 0, np.maximum(counts - 1, 0))
        part = np.clip(place - below, 0, 1)
        rows = np.arange(len(relative))
        low, high = ordered[rows, below], ordered[rows, above]
        own[:, at] = np.where(counts > 0, low + part * (high - low), everybody[at])
    share = (counts / (counts + _BORROWED)).astype(np.float32)[:, None]
    return (share * own + (1 - share) * everybody).astype(np.float32)


def spread_of_sums(sums: Singles, scale: Singles, counts: Singles) -> Singles:
    """Return the unit in which errors of sums of so many slots are measured: in proportion to them, with a floor."""
    return (np.maximum(sums, 0) + _FLOOR * scale * counts).astype(np.float32)


def quantiles_by_step(relative: Singles, known: Bools) -> Singles:
    """Return quantiles of errors (points, origins, steps) over the origins; (points, steps, quantiles)."""
    points, origins, steps = relative.shape
    if not origins:
        return np.broadcast_to((np.array(_UNTRIED) / 2).astype(np.float32), (points, steps, len(QUANTILES)))
    return np.stack([_quantiles(relative[:, :, step], known[:, :, step]) for step in range(steps)], axis=1)


def horizon_growth(relative: Singles, known: Bools, rules: PanelRules) -> Singles:
    """Return how much wider errors are in each horizon bucket than on the average, per step; (points, origins, horizon) in."""
    size = np.where(known, np.abs(relative), 0)
    growth = np.ones(rules.horizon, np.float32)
    whole = size.sum() / max(int(known.sum()), 1)
    for first, last in bucket_edges(rules):
        inside = size[:, :, first:last].sum() / max(int(known[:, :, first:last].sum()), 1)
        if whole > 0:
            growth[first:last] = inside / whole
    return growth


def recent_growth(relative: Singles, known: Bools, recent: int) -> Singles:
    """Return how much wider each point's errors were at the last `recent` origins than before, held within bounds; (points,)."""
    size = np.where(known, np.abs(relative), 0)
    late = size[:, -recent:].sum(axis=(1, 2)) / np.maximum(known[:, -recent:].sum(axis=(1, 2)), 1)
    whole = size.sum(axis=(1, 2)) / np.maximum(known.sum(axis=(1, 2)), 1)
    ratio = np.where((late > 0) & (whole > 0), late / np.maximum(whole, 1e-9), 1)
    return np.clip(np.sqrt(ratio), 0.6, 1.6).astype(np.float32)


def youth_growth(missing: Bools, rules: PanelRules) -> Singles:
    """Return how much wider the errors of points with a short past are than those of its few origins, which saw it filled; (points,).

    missing: (slots, points).
    """
    known = (~missing).sum(axis=0) / rules.slots_per_day
    return (1 + rules.youth * np.maximum(1 - known / rules.grown_days, 0)).astype(np.float32)


def scale_of(amounts: Singles, missing: Bools) -> Singles:
    """Return each point's usual amount, the mean of what is known of it; (points,) from (slots, points)."""
    usual = np.where(missing, 0, np.abs(amounts)).sum(axis=0) / np.maximum((~missing).sum(axis=0), 1)
    return np.maximum(usual, 1e-6).astype(np.float32)
