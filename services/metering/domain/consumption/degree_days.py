"""Degree days by the two methods used in France, for heating and cooling, with the base as a parameter.

Sources: Météo-France's plain mean of the day's extremes; «professionnels de l'énergie» (COSTIC) for days that cross the base temperature.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum

import numpy as np

from metering.domain.consumption.columns import Floats, require_same_length

HEATING_BASE_CELSIUS = 18.0
COOLING_BASE_CELSIUS = 22.0
"""The usual bases; some series use others, so the base is stored with every result."""


class DegreeDayMethod(Enum):
    """How a day's two extremes become degree days."""

    METEO = "meteo"
    """The base against the mean of minimum and maximum, never below zero."""
    ENERGY_PROFESSIONALS = "energy-professionals"
    """The same, except on days that cross the base, where A·B·(0.08 + 0.42·B) counts the part of the day beyond it."""


class Need(Enum):
    """What the degrees stand for."""

    HEATING = "heating"
    COOLING = "cooling"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DailyExtremes:
    """The lowest and highest air temperature of days, °C; days that were not observed are left out. days: strictly increasing."""

    days: tuple[date, ...]
    lowest: Floats
    highest: Floats

    def __post_init__(self) -> None:
        """Refuse columns of unequal length."""
        require_same_length(np.empty(len(self.days)), self.lowest, self.highest)


@dataclass(frozen=True, kw_only=True, slots=True)
class DegreeDays:
    """A sum of degree days (°C·d), with all that it depends on.

    Days_counted below days_expected: the sum is too low by the days not observed.
    """

    total: float
    days_counted: int
    days_expected: int
    base_celsius: float
    method: DegreeDayMethod
    need: Need


def daily_degree_days(lowest: Floats, highest: Floats, base_celsius: float, method: DegreeDayMethod, need: Need = Need.HEATING) -> Floats:
    """Return the degree days of each day from its extremes, °C; a lowest above the highest is taken the other way round."""
    low, high = np.minimum(lowest, highest), np.maximum(lowest, highest)
    # Cooling is heating upside down: mirrored temperatures against a mirrored base.
    if need is Need.COOLING:
        low, high, base_celsius = -high, -low, -base_celsius
    plain = np.maximum(base_celsius - (low + high) / 2, 0.0)
    if method is DegreeDayMethod.METEO:
        return plain
    span = high - low
    share = np.divide(base_celsius - low, span, out=np.zeros(len(span)), where=span > 0)
    crossing = span * share * (0.08 + 0.42 * share)
    return np.where(base_celsius >= high, plain, np.where(base_celsius <= low, 0.0, crossing))


def degree_days(
    extremes: DailyExtremes, first: date, last: date, base_celsius: float, method: DegreeDayMethod, need: Need = Need.HEATING
) -> DegreeDays:
    """Sum the degree days from `first` to `last`, both inclusive, and count the days that were observed."""
    inside = np.array([first <= day <= last for day in extremes.days], dtype=np.bool_)
    each = daily_degree_days(extremes.lowest[inside], extremes.highest[inside], base_celsius, method, need)
    return DegreeDays(
        total=float(each.sum()),
        days_counted=int(inside.sum()),
        days_expected=max((last - first).days + 1, 0),
        base_celsius=base_celsius,
        method=method,
        need=need,
    )


def daily_extremes(days: Sequence[date], lowest: Sequence[float], highest: Sequence[float]) -> DailyExtremes:
    """Return extremes from any sequences."""
    return DailyExtremes(days=tuple(days), lowest=np.asarray(lowest, dtype=np.float64), highest=np.asarray(highest, dtype=np.float64))
