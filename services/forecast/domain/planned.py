"""Lighting points: what their published plan will draw, in the proportion in which they have drawn what was planned."""

from dataclasses import dataclass

import numpy as np

from forecast.domain.columns import Bools, Floats
from forecast.domain.kept import ModelScore
from forecast.domain.rules import QUANTILES

MODEL = "lighting plan"
_LEARNT_DAYS, _LEAST_DAYS = 28, 14
_FOLLOWED = 0.25
"""A plan that was off by a larger share of what was drawn is not what the lamps follow."""
_FULL = 0.95
_LEAST_SPREAD = 0.01
"""Of the largest planned slot: meters are read in steps, lamps are not all alike."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PlannedForecast:
    """As one row of PanelForecast: mean (steps,), quantiles (steps, 7), sums (steps, 7); and how the plan did over the last weeks."""

    mean: Floats
    quantiles: Floats
    sums: Floats
    score: ModelScore


def planned_forecast(amounts: Floats, planned: Floats, slots_per_day: int) -> PlannedForecast | None:
    """Return the forecast of a point that follows its plan; None where it has not done so over the last four weeks.

    amounts: (slots,) up to the origin, NaN where missing. planned: the plan's amounts of the same slots and of those ahead.
    """
    count = len(amounts)
    recent = slice(max(count - _LEARNT_DAYS * slots_per_day, 0), count)
    happened, meant = amounts[recent], planned[:count][recent]
    known = np.isfinite(happened) & np.isfinite(meant)
    ahead = planned[count:]
    if known.sum() < _LEAST_DAYS * slots_per_day or meant[known].sum() <= 0 or not np.isfinite(ahead).all():
        return None
    ratio = float(happened[known].sum() / meant[known].sum())
    errors = happened[known] - ratio * meant[known]
    wape = float(np.abs(errors).sum() / max(happened[known].sum(), 1e-9))
    if wape > _FOLLOWED:
        return None
    most = float(planned[np.isfinite(planned)].max())
    of_errors = _error_quantiles(errors, _kinds(meant[known], most), _kinds(ahead, most), _LEAST_SPREAD * ratio * most)
    mean = ratio * ahead
    summed = np.cumsum(mean)[:, None] + np.quantile(errors, QUANTILES) * np.sqrt(np.arange(1, len(ahead) + 1))[:, None]
    return PlannedForecast(
        mean=mean,
        quantiles=np.maximum(mean[:, None] + of_errors, 0),
        sums=np.maximum(summed, 0),
        score=ModelScore(model=MODEL, wape=wape, origins=1),
    )


def _kinds(planned: Floats, most: float) -> Floats:
    """Return 0 for dark slots, 2 for fully lit ones, 1 for those in between: errors are alike within."""
    lit: Bools = planned > 0
    return lit.astype(np.float64) + (planned >= _FULL * most)


def _error_quantiles(errors: Floats, kinds: Floats, ahead: Floats, least: float) -> Floats:
    """Return quantiles of the errors of each slot's kind, (steps, 7), a small spread at least where something is lit."""
    found = np.zeros((len(ahead), len(QUANTILES)))
    floor = least * np.array((-2.0, -1.3, -0.7, 0.0, 0.7, 1.3, 2.0))
    for kind in np.unique(ahead):
        same = errors[kinds == kind]
        own = np.quantile(same if len(same) else errors, QUANTILES)
        found[ahead == kind] = np.where(floor < 0, np.minimum(own, floor), np.maximum(own, floor)) if kind else own
    return found
