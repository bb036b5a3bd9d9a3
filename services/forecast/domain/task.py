"""What a worker is given to compute, and what it gives back: arrays and plain values, for they go to another process."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from forecast.domain.calendar import calendar_of
from forecast.domain.columns import Floats, Int64s
from forecast.domain.failures import InsufficientHistory
from forecast.domain.kept import WeatherBasis, shares
from forecast.domain.panel import PanelForecast, forecast, known_days, place_forecast
from forecast.domain.rules import DAILY, HOURLY, PanelRules
from forecast.domain.surroundings import Surroundings
from vocabulary.civil import Granularity

HISTORY = {Granularity.HOUR: timedelta(days=365), Granularity.DAY: timedelta(days=730), Granularity.GAS_DAY: timedelta(days=730)}
"""How far back a forecast looks."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ForecastTask:
    """Points that share weather and calendar.

    amounts: (points, slots) up to the origin, NaN where missing. starts: UTC seconds of all slots, the ones ahead included. temperature:
    Celsius per slot, NaN where unknown; ahead it is a forecast, off by `error_celsius` after a week. together: one forecast of their sum.
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
    """One row per forecast; `rows` are those of the task, one alone for a sum. mean, quantiles: as PanelForecast. parts: per cent."""

    rows: Int64s
    mean: NDArray[np.float32]
    quantiles: NDArray[np.float32]
    sums: NDArray[np.float32] | None
    parts: tuple[tuple[float, float, float], ...]


def rules_of(granularity: Granularity) -> PanelRules:
    """Return the rules of hours, or of days."""
    return HOURLY if granularity is Granularity.HOUR else DAILY


def carried_out(task: ForecastTask) -> Computed:
    """Compute a task; points that know too few days are left out. InsufficientHistory when all of them do."""
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
    around = Surroundings(
        calendar=calendar_of(task.starts, ZoneInfo(task.time_zone), task.public_holidays, task.school_holidays),
        temperature=task.temperature,
        error_celsius=task.error_celsius,
    )
    found = (place_forecast if task.together else forecast)(task.amounts[rows], around, rules)
    return Computed(
        rows=rows[:1] if task.together else rows,
        mean=found.mean,
        quantiles=found.quantiles,
        sums=found.sums,
        parts=tuple(shares(part) for part in _parts(found)),
    )


def _parts(found: PanelForecast) -> list[Floats]:
    return list(found.parts.astype(np.float64))
