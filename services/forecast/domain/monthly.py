"""Months ahead: of several models, the one that did best at the point's own past origins."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from forecast.domain.columns import Bools, Floats, Int64s
from forecast.domain.failures import InsufficientHistory
from forecast.domain.kept import ModelScore

HORIZON = 12
LEAST_MONTHS = 12
"""Known months that a point needs: a model that has not seen a winter cannot foresee one."""

_ORIGINS = 5
_BETWEEN_ORIGINS = 2
_YEAR = 12
_HEATING_BELOW_CELSIUS = 15.5
_TYPICAL_ERROR = 0.25
_TYPICAL_COUNT = 6.0
"""Months of a backtest that the typical error, as a share of the usual month, counts as: a short past is not believed alone."""
_STUDENT_5 = (-2.571, -1.476, -0.727, 0.0, 0.727, 1.476, 2.571)
"""Quantiles of Student's t with 5 degrees of freedom, at the levels of `QUANTILES`."""
_MOSTLY = 0.8
_TINY = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Months:
    """Consecutive months, the ones ahead included.

    numbers: the civil month, 1 to 12. days: how long each is. heating: degrees by which its mean temperature lies below 15.5 °C; ahead,
    what is usual; 0 throughout where the temperature is unknown.
    """

    numbers: Int64s
    days: Floats
    heating: Floats

    @staticmethod
    def of(numbers: Int64s, days: Floats, temperature: Floats) -> "Months":
        """Return months of which the temperature, in Celsius, may be NaN: it is then the mean of such months."""
        heating = np.maximum(_HEATING_BELOW_CELSIUS - temperature, 0)
        for number in range(1, _YEAR + 1):
            same = numbers == number
            known = same & np.isfinite(heating)
            heating[same & ~np.isfinite(heating)] = heating[known].mean() if known.any() else np.nan
        return Months(numbers=numbers, days=days, heating=heating if np.isfinite(heating).all() else np.zeros(len(heating)))

    def up_to(self, end: int) -> "Months":
        """Return the months before one."""
        return Months(numbers=self.numbers[:end], days=self.days[:end], heating=self.heating[:end])


class MonthModel(Protocol):
    """A model of months."""

    @property
    def name(self) -> str:
        """Return what it is called."""
        ...

    def ahead(self, rates: Floats, months: Months) -> Floats:
        """Return the rates a day of all months after the first ones, whose rates, complete and not negative, are given."""
        ...


@dataclass(frozen=True, slots=True)
class SeasonalNaive:
    """Each month as it was a year before."""

    name: str = "seasonal naive"

    def ahead(self, rates: Floats, months: Months) -> Floats:
        """Repeat the last year; months that lie less than a year back are not repeated."""
        steps = len(months.numbers) - len(rates)
        return rates[len(rates) - _YEAR + np.arange(steps) % _YEAR]


@dataclass(frozen=True, slots=True)
class DegreeDays:
    """A ridge regression on heating degrees and the time of year, and the level of the last months beyond it."""

    name: str = "degree days"

    def ahead(self, rates: Floats, months: Months) -> Floats:
        """Extrapolate the regression; older months weigh less."""
        return np.maximum(self.parts(rates, months).sum(axis=0), 0)

    def parts(self, rates: Floats, months: Months) -> Floats:
        """Return what calendar, heating and the last months make of the months ahead, (3, steps)."""
        count = len(rates)
        phase = 2 * np.pi * months.numbers / _YEAR
        waves = [wave(order * phase) for order in (1, 2) for wave in (np.cos, np.sin)]
        columns = np.stack([np.ones(len(phase)), months.heating / 4, *waves], axis=1)
        usual = max(float(rates.mean()), _TINY)
        weights = 0.5 ** (np.arange(count)[::-1] / _YEAR)
        weighted = columns[:count] * weights[:, None]
        coefficients = np.linalg.solve(weighted.T @ columns[:count] + np.diag([1e-3, 0.3, 3, 3, 3, 3]), weighted.T @ (rates / usual))
        residual = rates / usual - columns[:count] @ coefficients
        lately = 0.5 ** (np.arange(count)[::-1] / 3)
        recent = float((residual * lately).sum() / lately.sum())
        ahead = columns[count:] * coefficients
        heating = ahead[:, 1]
        return usual * np.stack([ahead.sum(axis=1) - heating, heating, np.full(len(heating), recent)])


OWN_MODELS: tuple[MonthModel, ...] = (SeasonalNaive(), DegreeDays())


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class MonthlyForecast:
    """Amounts of the months ahead.

    mean: (points, steps). quantiles: (points, steps, 7). parts: as PanelForecast. scores: of all models, the chosen one first; of a sum
    none.
    """

    mean: Floats
    quantiles: Floats
    parts: Floats
    scores: tuple[tuple[ModelScore, ...], ...]


def forecast(amounts: Floats, months: Months, models: Sequence[MonthModel]) -> MonthlyForecast:
    """Return the forecast of each point from amounts (points, months), NaN where missing; InsufficientHistory."""
    return _with_intervals([_chosen(row, months, models) for row in amounts])


def place_forecast(amounts: Floats, months: Months, models: Sequence[MonthModel]) -> MonthlyForecast:
    """Return the forecast of what points use together, as one row: the sum of theirs, its errors those of the sum at the same origins."""
    found = [_chosen(row, months, models) for row in amounts]
    together = _Chosen(
        mean=np.sum([one.mean for one in found], axis=0),
        errors=np.sum([one.errors for one in found], axis=0),
        # Where most are unknown, the sum says nothing of the errors; one that is not known is taken to have done as forecast.
        known=np.mean([one.known for one in found], axis=0) > _MOSTLY,
        usual=sum(one.usual for one in found),
        parts=np.sum([one.parts for one in found], axis=0),
        scores=(),
    )
    return _with_intervals([together])


def known_months(amounts: Floats) -> Int64s:
    """Return how many months each point knows."""
    return np.isfinite(amounts).sum(axis=1)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Chosen:
    """What the chosen model says: mean (steps,); errors and known, (origins, steps), of a usual month of `usual`; parts (3,)."""

    mean: Floats
    errors: Floats
    known: Bools
    usual: float
    parts: Floats
    scores: tuple[ModelScore, ...]


def _chosen(amounts: Floats, months: Months, models: Sequence[MonthModel]) -> _Chosen:
    count = len(amounts)
    known = np.isfinite(amounts)
    if known.sum() < LEAST_MONTHS:
        raise InsufficientHistory(
            f"{LEAST_MONTHS} months of readings are needed, {known.sum()} are there",
            days_required=str(LEAST_MONTHS * 30),
            days_available=str(int(known.sum()) * 30),
        )
    rates = _completed(amounts / months.days[:count], months.numbers[:count])
    origins = [at for at in range(count - _ORIGINS * _BETWEEN_ORIGINS, count, _BETWEEN_ORIGINS) if at >= LEAST_MONTHS]
    errors, seen = _backtest(rates, known, months, origins, models)
    off = np.abs(np.where(seen, errors, 0)).sum(axis=(1, 2))
    best = int(np.argmin(off)) if seen.any() else 0
    happened = float(sum((rates * months.days[:count])[at:count][known[at:]].sum() for at in origins))
    scores = [ModelScore(model=model.name, wape=_share(off[at], happened), origins=len(origins)) for at, model in enumerate(models)]
    ahead = months.days[count:]
    parts = (DegreeDays().parts(rates, months) * ahead).sum(axis=1)
    mean = models[best].ahead(rates, months) * ahead
    # What the chosen model says beyond calendar and heating is what it made of the last months.
    parts[2] = mean.sum() - parts[:2].sum()
    return _Chosen(
        mean=mean,
        errors=errors[best],
        known=seen,
        usual=float((rates * months.days[:count]).mean()),
        parts=parts,
        scores=(scores[best], *(score for at, score in enumerate(scores) if at != best)) if origins else (),
    )


def _backtest(rates: Floats, known: Bools, months: Months, origins: Sequence[int], models: Sequence[MonthModel]) -> tuple[Floats, Bools]:
    """Return the errors of each model, (models, origins, months ahead), and where something was known to compare with."""
    count = len(rates)
    errors = np.zeros((len(models), _ORIGINS, HORIZON))
    seen = np.zeros((_ORIGINS, HORIZON), np.bool_)
    for at, origin in enumerate(origins):
        steps = min(count - origin, HORIZON)
        then = months.up_to(origin + steps)
        seen[at, :steps] = known[origin : origin + steps]
        for number, model in enumerate(models):
            off = rates[origin : origin + steps] - model.ahead(rates[:origin], then)
            errors[number, at, :steps] = np.where(seen[at, :steps], off * then.days[origin:], 0)
    return errors, seen


def _completed(rates: Floats, numbers: Int64s) -> Floats:
    """Return rates whose missing months are the mean of the same months of other years, or of all."""
    filled = rates.copy()
    for at in np.flatnonzero(~np.isfinite(rates)):
        same = rates[numbers == numbers[at]]
        filled[at] = np.nanmean(same) if np.isfinite(same).any() else np.nanmean(rates)
    return filled


def _share(off: float, happened: float) -> float:
    return float(off / happened) if happened > 0 else 0.0


def _with_intervals(found: list[_Chosen]) -> MonthlyForecast:
    quantiles = list[Floats]()
    for one in found:
        squares = float((one.errors[one.known] ** 2).sum()) + _TYPICAL_COUNT * (_TYPICAL_ERROR * one.usual) ** 2
        spread = np.sqrt(squares / (one.known.sum() + _TYPICAL_COUNT))
        # Errors grow with the month: in proportion to what is expected, but never to nothing.
        wide = spread * np.sqrt(np.maximum(one.mean, 0.1 * one.usual) / max(one.usual, _TINY))
        quantiles.append(np.maximum(one.mean[:, None] + wide[:, None] * np.array(_STUDENT_5), 0))
    return MonthlyForecast(
        mean=np.stack([one.mean for one in found]),
        quantiles=np.stack(quantiles),
        parts=np.stack([one.parts for one in found]),
        scores=tuple(one.scores for one in found),
    )
