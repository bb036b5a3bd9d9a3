"""How forecasts did, once it is known what happened: against repeating the week before, horizon by horizon."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from forecast.domain import panel
from forecast.domain.columns import Bools, Floats
from forecast.domain.rules import QUANTILES, PanelRules
from forecast.domain.surroundings import Surroundings

_TINY = 1e-9
_LOW, _HIGH = QUANTILES.index(0.1), QUANTILES.index(0.9)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Issue:
    """What was forecast at one origin, a slot of the history: median and the 80 % interval, (points, steps)."""

    origin: int
    median: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class Accuracy:
    """How forecasts of some slots ahead did.

    mase: the mean over points of the mean absolute error, in units of what repeating the week before is off by on the average (Hyndman and
    Koehler, International Journal of Forecasting 22, 2006). wape: absolute errors as a share of what was consumed. coverage: the share of
    slots inside the 80 % interval. naive_: the same of repeating the week before the origin. samples: slots of points that were compared;
    without any, all figures are NaN.
    """

    first_slot: int
    slots: int
    mase: float
    naive_mase: float
    wape: float
    naive_wape: float
    coverage: float
    samples: int


def accuracies(amounts: Floats, issues: Sequence[Issue], rules: PanelRules) -> list[Accuracy]:
    """Return the accuracy of each stretch of the horizon, and last of all of it; amounts (points, slots), NaN where missing."""
    week = 7 * rules.slots_per_day
    scale = np.nanmean(np.abs(amounts[:, week:] - amounts[:, :-week]), axis=1) if amounts.shape[1] > week else np.full(len(amounts), np.nan)
    compared = [_compared(amounts, issue, week, rules.horizon) for issue in issues]
    return [_accuracy(compared, scale, first, last) for first, last in (*_stretches(rules), (0, rules.horizon))]


def backtest(amounts: Floats, surroundings: Surroundings, rules: PanelRules, origins: int) -> list[Accuracy]:
    """Return how the panel model would have done a horizon, two, ... before the end, the temperature ahead being the one that came."""
    return accuracies(amounts, list(_issues(amounts, surroundings, rules, origins)), rules)


def _issues(amounts: Floats, surroundings: Surroundings, rules: PanelRules, origins: int) -> Iterator[Issue]:
    least = rules.least_days * rules.slots_per_day
    for origin in range(amounts.shape[1] - rules.horizon, least, -rules.horizon):
        known = panel.known_days(amounts[:, :origin], rules) >= rules.least_days
        if not origins or not known.any():
            return
        origins -= 1
        end = origin + rules.horizon
        then = replace(surroundings, calendar=surroundings.calendar.part(0, end), temperature=surroundings.temperature[:end])
        found = panel.forecast(amounts[known, :origin], then, rules)
        median, low, high = (_spread(found.quantiles[:, :, at].astype(np.float64), known) for at in (QUANTILES.index(0.5), _LOW, _HIGH))
        yield Issue(origin=origin, median=median, low=low, high=high)


def _spread(found: Floats, known: Bools) -> Floats:
    """Return rows for all points, NaN for those that have no forecast."""
    rows = np.full((len(known), found.shape[1]), np.nan)
    rows[known] = found
    return rows


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    """What happened and what was expected after one origin, (points, horizon); NaN where one of them is missing."""

    actual: Floats
    off: Floats
    naive_off: Floats
    inside: Floats


def _compared(amounts: Floats, issue: Issue, week: int, horizon: int) -> _Compared:
    actual, naive = np.full((2, len(amounts), horizon), np.nan)
    after = amounts[:, issue.origin : issue.origin + horizon]
    before = amounts[:, max(issue.origin - week, 0) : issue.origin]
    actual[:, : after.shape[1]] = after
    if before.shape[1] == week:
        naive = before[:, np.arange(horizon) % week]
    steps = issue.median.shape[1]
    median, low, high = (np.full((len(amounts), horizon), np.nan) for _ in range(3))
    median[:, :steps], low[:, :steps], high[:, :steps] = issue.median, issue.low, issue.high
    off = np.abs(actual - median)
    inside = np.where(np.isfinite(off), (actual >= low) & (actual <= high), np.nan)
    return _Compared(np.where(np.isfinite(off), actual, np.nan), off, np.abs(actual - naive), inside)


def _accuracy(compared: Sequence[_Compared], scale: Floats, first: int, last: int) -> Accuracy:
    empty = np.zeros((len(scale), 0))
    actual, off, naive_off, inside = (
        np.concatenate([empty, *(getattr(one, name)[:, first:last] for one in compared)], axis=1)
        for name in ("actual", "off", "naive_off", "inside")
    )
    both = np.isfinite(naive_off) & np.isfinite(off)
    return Accuracy(
        first_slot=first,
        slots=last - first,
        mase=_scaled(off, scale),
        naive_mase=_scaled(np.where(both, naive_off, np.nan), scale),
        wape=_ratio(np.nansum(off), np.nansum(np.abs(actual))),
        naive_wape=_ratio(naive_off[both].sum(), np.abs(actual[both]).sum()),
        coverage=_ratio(np.nansum(inside), float(np.isfinite(inside).sum())),
        samples=int(np.isfinite(off).sum()),
    )


def _scaled(off: Floats, scale: Floats) -> float:
    """Return the mean over points of their mean error in units of their scale."""
    counts = np.isfinite(off).sum(axis=1)
    told = (counts > 0) & (scale > _TINY)
    return float((np.nansum(off[told], axis=1) / counts[told] / scale[told]).mean()) if told.any() else float("nan")


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")


def _stretches(rules: PanelRules) -> list[tuple[int, int]]:
    """Return the days of hours ahead, or the weeks of days ahead."""
    length = 24 if rules.slots_per_day > 1 else 7
    edges = [*range(0, rules.horizon - length + 1, length), rules.horizon]
    return list(pairwise(edges))
