"""How the use of a site follows the weather: a line through weeks (ISO 50006), the sum of deviations from it, and progress in like weather.

Sources: ISO 50006:2023 and ISO 50001 for the baseline (10 points or more, R² of 0.75 or better) and CUSUM; the French decree 2019-771 for
40 % less final energy in 2030 than in a reference year, and its adjustment of the heating part by the ratio of degree days. The official
platform counts with its own stations and sub-sectors: what is computed here is indicative.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from metering.domain.consumption.columns import Bools, Floats, Int64s
from metering.domain.consumption.degree_days import DegreeDayMethod, daily_degree_days
from metering.domain.sites.uses import YEAR_DAYS, DailyUse

BASELINE_WEEKS = 52
TARGET = 0.60
"""What may be used in 2030, as a share of the reference."""

_BASES_CELSIUS = tuple(float(base) for base in range(12, 21))
_LEAST_WEEKS = 10
_LEAST_R_SQUARED = 0.75
_LEAST_KNOWN = 0.90
_WEEK = 7


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DailyWeather:
    """The lowest and the highest temperature, °C, of every civil day from `first` on; without meaning where it is not known."""

    first: date
    lowest: Floats
    highest: Floats
    known: Bools

    def degree_days(self, base_celsius: float) -> Floats:
        """Return the heating degree days of each day."""
        return daily_degree_days(self.lowest, self.highest, base_celsius, DegreeDayMethod.METEO)


@dataclass(frozen=True, kw_only=True, slots=True)
class Week:
    """A whole week: its heating degree days (°C·d), its use, and what was saved until its end (all uses in base units)."""

    monday: date
    heating: float
    amount: int
    saved: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """The line: `per_day` without heating, and `per_degree_day`; the first `baseline_weeks` of the weeks made it."""

    base_celsius: float
    per_day: int
    per_degree_day: int
    r_squared: float
    baseline_weeks: int
    weeks: tuple[Week, ...]

    @property
    def reliable(self) -> bool:
        """Whether it is good enough to judge by."""
        return self.r_squared >= _LEAST_R_SQUARED and self.per_degree_day > 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """The last 365 days of final energy beside the first that are known, in joules."""

    reference_start: date
    reference: int
    latest: int
    adjusted: int
    shared_days: int

    @property
    def target(self) -> int:
        """What may be used in 2030."""
        return round(self.reference * TARGET)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Line:
    base: float
    per_day: float
    per_degree_day: float
    r_squared: float


def signature(use: DailyUse, weather: DailyWeather) -> Signature | None:
    """Return the line through the first 52 whole weeks, and all weeks beside it; None with fewer than 10. Both have the same days."""
    first, rows = _whole_weeks(use, use.known & weather.known)
    if len(rows) < _LEAST_WEEKS:
        return None
    amounts = use.value[rows].sum(axis=1)
    heating = {base: weather.degree_days(base)[rows].sum(axis=1) for base in _BASES_CELSIUS}
    baseline = min(len(rows), BASELINE_WEEKS)
    lines = [_fitted(base, amounts[:baseline], degrees[:baseline]) for base, degrees in heating.items()]
    line = max(lines, key=lambda one: one.r_squared)
    expected = _WEEK * line.per_day + line.per_degree_day * heating[line.base]
    saved = np.rint(np.cumsum(expected - amounts)).astype(np.int64)
    weeks = zip(first, heating[line.base].tolist(), amounts.tolist(), saved.tolist(), strict=True)
    return Signature(
        base_celsius=line.base,
        per_day=round(line.per_day),
        per_degree_day=round(line.per_degree_day),
        r_squared=line.r_squared,
        baseline_weeks=baseline,
        weeks=tuple(Week(monday=monday, heating=degrees, amount=amount, saved=done) for monday, degrees, amount, done in weeks),
    )


def progress(uses: Sequence[tuple[DailyUse, Signature | None]], weather: DailyWeather | None) -> Progress | None:
    """Return how far a site is, from the uses of its energy fluxes and their signatures; None where a year of any is known too little.

    All uses and the weather have the same days. The reference begins when all fluxes are known for the first time.
    """
    begins = max((int(np.argmax(use.known)) for use, _ in uses if use.known.any()), default=None)
    if begins is None or any(not use.known.any() for use, _ in uses):
        return None
    length = len(uses[0][0].value)
    first, last = slice(begins, begins + YEAR_DAYS), slice(length - YEAR_DAYS, length)
    if length - begins < YEAR_DAYS or any(use.known[part].mean() < _LEAST_KNOWN for use, _ in uses for part in (first, last)):
        return None
    reference, latest = (sum(int(use.value[part][use.known[part]].sum()) for use, _ in uses) for part in (first, last))
    colder = sum(_weather_difference(line, weather, first, last) for _, line in uses if line is not None and weather is not None)
    return Progress(
        reference_start=uses[0][0].first + timedelta(days=begins),
        reference=reference,
        latest=latest,
        adjusted=round(latest + colder),
        shared_days=max(begins + YEAR_DAYS - (length - YEAR_DAYS), 0),
    )


def _weather_difference(line: Signature, weather: DailyWeather, first: slice, last: slice) -> float:
    """Return what the last year would have used more in the first year's weather."""
    if not line.reliable or not (weather.known[first].all() and weather.known[last].all()):
        return 0.0
    degrees = weather.degree_days(line.base_celsius)
    return line.per_degree_day * float(degrees[first].sum() - degrees[last].sum())


def _whole_weeks(use: DailyUse, known: Bools) -> tuple[list[date], Int64s]:
    """Return the Mondays of the weeks of which every day is known, and the rows of their days."""
    until_monday = (_WEEK - use.first.weekday()) % _WEEK
    starts: Iterable[int] = range(until_monday, len(use.value) - _WEEK + 1, _WEEK)
    whole = [start for start in starts if known[start : start + _WEEK].all()]
    rows = np.array(whole, np.int64).reshape(-1, 1) + np.arange(_WEEK)
    return [use.first + timedelta(days=start) for start in whole], rows


def _fitted(base: float, amounts: Int64s, degrees: Floats) -> _Line:
    """Return the least squares line; a constant use is explained by nothing."""
    spread, mean = degrees - degrees.mean(), float(amounts.mean())
    variance, scatter = float(spread @ spread), float(((amounts - mean) ** 2).sum())
    slope = float(spread @ (amounts - mean)) / variance if variance > 0 else 0.0
    explained = slope * slope * variance / scatter if scatter > 0 else 0.0
    return _Line(base=base, per_day=(mean - slope * float(degrees.mean())) / _WEEK, per_degree_day=slope, r_squared=explained)
