"""What a worker is given to compute, and what it gives back: arrays and plain values, for they go to another process."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from forecast.domain import monthly
from forecast.domain.accuracy import Accuracy, backtest
from forecast.domain.calendar import calendar_of
from forecast.domain.columns import Floats, Int64s
from forecast.domain.failures import InsufficientHistory
from forecast.domain.kept import ModelScore, WeatherBasis, shares
from forecast.domain.panel import PanelForecast, forecast, known_days, place_forecast
from forecast.domain.planned import PlannedForecast, planned_forecast
from forecast.domain.rules import DAILY, HOURLY, QUANTILES, PanelRules
from forecast.domain.surroundings import Surroundings
from vocabulary.civil import Granularity

HISTORY = {
    Granularity.HOUR: timedelta(days=365),
    Granularity.DAY: timedelta(days=730),
    Granularity.GAS_DAY: timedelta(days=730),
    Granularity.MONTH: timedelta(days=3 * 365 + 1),
}
"""How far back a forecast looks."""
_ALL_CALENDAR = (100.0, 0.0, 0.0)
_MANY_POINTS = 64
"""So many months are forecast by the quick models alone: those of statsmodels take a tenth of a second a point."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ForecastTask:
    """Points that share weather and calendar.

    amounts: (points, slots) up to the origin, NaN where missing. starts: UTC seconds of all slots, the ones ahead included. temperature:
    Celsius per slot, NaN where unknown; ahead it is a forecast, off by `error_celsius` after a week. together: one forecast of their sum.
    planned: by row, what the lighting plan of a point draws in all slots, the ones ahead included.
    """

    granularity: Granularity
    amounts: Floats
    starts: Int64s
    temperature: Floats
    error_celsius: float
    time_zone: str
    public_holidays: frozenset[date]
    school_holidays: frozenset[date]
    together: bool = False
    planned: dict[int, Floats] = field(default_factory=dict[int, Floats])


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Prepared:
    """A task, whose rows are the resources, and the slots ahead that its results are of."""

    task: ForecastTask
    resources: tuple[str, ...]
    ahead_starts: Int64s
    ahead_ends: Int64s
    basis: WeatherBasis
    latest: datetime


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Computed:
    """One row per forecast; `rows` are those of the task, one alone for a sum. mean, quantiles: as PanelForecast. parts: per cent.

    scores: per row, as of a forecast; empty where there was no choice of models.
    """

    rows: Int64s
    mean: NDArray[np.float32]
    quantiles: NDArray[np.float32]
    sums: NDArray[np.float32] | None
    parts: tuple[tuple[float, float, float], ...]
    scores: tuple[tuple[ModelScore, ...], ...] = ()


def rules_of(granularity: Granularity) -> PanelRules:
    """Return the rules of hours, or of days."""
    return HOURLY if granularity is Granularity.HOUR else DAILY


def horizon_of(granularity: Granularity) -> int:
    """Return how many slots ahead are forecast."""
    return monthly.HORIZON if granularity is Granularity.MONTH else rules_of(granularity).horizon


def least_days_of(granularity: Granularity) -> int:
    """Return how many days of readings a point needs."""
    return 30 * monthly.LEAST_MONTHS if granularity is Granularity.MONTH else rules_of(granularity).least_days


def carried_out(task: ForecastTask, month_models: Sequence[monthly.MonthModel] = monthly.OWN_MODELS) -> Computed:
    """Compute a task; points that know too few days are left out. InsufficientHistory when all of them do."""
    return _months(task, month_models) if task.granularity is Granularity.MONTH else _panel(task)


def backtested(task: ForecastTask, origins: int) -> list[Accuracy]:
    """Return how a task's points would have been forecast at so many past origins; of hours and days. InsufficientHistory."""
    return backtest(_enough(task)[1], surroundings_of(task), rules_of(task.granularity), origins)


def surroundings_of(task: ForecastTask) -> Surroundings:
    """Return the calendar and the weather of a task."""
    return Surroundings(
        calendar=calendar_of(task.starts, ZoneInfo(task.time_zone), task.public_holidays, task.school_holidays),
        temperature=task.temperature,
        error_celsius=task.error_celsius,
    )


def _enough(task: ForecastTask) -> tuple[Int64s, Floats]:
    """Return the rows that know enough days, and their amounts; InsufficientHistory when none does."""
    rules = rules_of(task.granularity)
    days = known_days(task.amounts, rules)
    rows = np.flatnonzero(days >= rules.least_days)
    if not len(rows):
        most = float(days.max()) if len(days) else 0.0
        raise InsufficientHistory(
            f"{rules.least_days} days of readings are needed, {most:.0f} are there",
            days_required=str(rules.least_days),
            days_available=f"{most:.0f}",
        )
    return rows, task.amounts[rows]


def _months(task: ForecastTask, models: Sequence[monthly.MonthModel]) -> Computed:
    known = monthly.known_months(task.amounts)
    rows = np.flatnonzero(known >= monthly.LEAST_MONTHS)
    # All know too little: the model says what it needs.
    chosen = rows if len(rows) else np.argsort(known)[-1:]
    usable = models if len(chosen) <= _MANY_POINTS else monthly.OWN_MODELS
    forecast_months = monthly.place_forecast if task.together else monthly.forecast
    found = forecast_months(task.amounts[chosen], _months_of(task), usable)
    return Computed(
        rows=chosen[:1] if task.together else chosen,
        mean=found.mean.astype(np.float32),
        quantiles=found.quantiles.astype(np.float32),
        sums=None,
        parts=tuple(shares(part) for part in found.parts),
        scores=found.scores,
    )


def _months_of(task: ForecastTask) -> monthly.Months:
    zone = ZoneInfo(task.time_zone)
    first = [datetime.fromtimestamp(start, zone).date() for start in task.starts.tolist()]
    days = np.array([monthrange(day.year, day.month)[1] for day in first], np.float64)
    return monthly.Months.of(np.array([day.month for day in first], np.int64), days, task.temperature)


def _panel(task: ForecastTask) -> Computed:
    rows, amounts = _enough(task)
    rules, around = rules_of(task.granularity), surroundings_of(task)
    planned = dict[int, PlannedForecast]()
    for at, row in enumerate(rows.tolist()):
        plan = task.planned.get(row)
        one = None if plan is None else planned_forecast(amounts[at], plan, rules.slots_per_day)
        if one is not None:
            planned[at] = one
    if task.together:
        others = np.delete(amounts, list(planned), axis=0)
        found = place_forecast(others, around, rules) if len(others) else None
        return _together(found, list(planned.values()), rows)
    found = forecast(amounts, around, rules)
    parts = [shares(part) for part in _parts(found)]
    for at, one in planned.items():
        found.mean[at], found.quantiles[at], parts[at] = one.mean, one.quantiles, _ALL_CALENDAR
        if found.sums is not None:
            found.sums[at] = one.sums
    scores = tuple((planned[at].score,) if at in planned else () for at in range(len(rows)))
    return Computed(rows=rows, mean=found.mean, quantiles=found.quantiles, sums=found.sums, parts=tuple(parts), scores=scores)


def _together(found: PanelForecast | None, plans: Sequence[PlannedForecast], rows: Int64s) -> Computed:
    """Return the forecast of a place's points as one row: means add up, and plans are taken to err independently of all else."""
    means = [one.mean for one in plans] + ([found.mean[0].astype(np.float64)] if found else [])
    quantiles = [one.quantiles for one in plans] + ([found.quantiles[0].astype(np.float64)] if found else [])
    sums = [] if found is None or found.sums is None else [*(one.sums for one in plans), found.sums[0].astype(np.float64)]
    mean: Floats = np.sum(means, axis=0)
    by_plan = np.array([sum(float(one.mean.sum()) for one in plans), 0.0, 0.0])
    return Computed(
        rows=rows[:1],
        mean=mean[None].astype(np.float32),
        quantiles=_apart(means, quantiles)[None],
        sums=_apart([np.cumsum(one) for one in means], sums)[None] if sums else None,
        parts=(shares(by_plan if found is None else by_plan + _parts(found)[0]),),
    )


def _apart(means: Sequence[Floats], quantiles: Sequence[Floats]) -> NDArray[np.float32]:
    """Return the quantiles (steps, 7) of a sum of what errs independently; of one alone, its own."""
    if len(quantiles) == 1:
        return quantiles[0].astype(np.float32)
    off = np.sqrt(np.sum([(one - mean[:, None]) ** 2 for mean, one in zip(means, quantiles, strict=True)], axis=0))
    side = np.sign(np.array(QUANTILES) - QUANTILES[len(QUANTILES) // 2])
    return np.maximum(np.sum(means, axis=0)[:, None] + side * off, 0).astype(np.float32)


def _parts(found: PanelForecast) -> list[Floats]:
    return list(found.parts.astype(np.float64))
