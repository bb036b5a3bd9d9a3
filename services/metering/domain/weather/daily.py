"""Degree days of civil days, from the lowest and the highest hourly mean of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from metering.domain.consumption.columns import Bools, Floats
from metering.domain.consumption.degree_days import COOLING_BASE_CELSIUS, HEATING_BASE_CELSIUS, DegreeDayMethod, Need, daily_degree_days
from metering.domain.figures.consumption import IntervalTooLong
from metering.domain.registry.failures import refuse
from metering.domain.registry.identifiers import check_number
from metering.domain.weather.failures import NotWholeDays
from metering.domain.weather.hours import HOUR_S, HourlyTemperatures
from vocabulary.civil import Granularity, slots
from vocabulary.interval import Interval

MOST_DAYS = 1_200

_LOWEST_BASE_CELSIUS, _HIGHEST_BASE_CELSIUS = -50.0, 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class DegreeDayQuestion:
    """Which civil days, counted how; bases in °C."""

    during: Interval
    method: DegreeDayMethod
    heating_base_celsius: float = HEATING_BASE_CELSIUS
    cooling_base_celsius: float = COOLING_BASE_CELSIUS

    def __post_init__(self) -> None:
        """Refuse bases that no air has."""
        refuse(
            check_number("heating_base_celsius", self.heating_base_celsius, _LOWEST_BASE_CELSIUS, _HIGHEST_BASE_CELSIUS),
            check_number("cooling_base_celsius", self.cooling_base_celsius, _LOWEST_BASE_CELSIUS, _HIGHEST_BASE_CELSIUS),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class DayDegrees:
    """The degree days (°C·d) of one civil day; both None when an hour of it is not known."""

    day: date
    heating: float | None = None
    cooling: float | None = None


def check_span(during: Interval) -> None:
    """Refuse more than 1,200 days; IntervalTooLong."""
    # 1,200 civil days may be an hour longer.
    if during.duration > timedelta(days=MOST_DAYS, hours=1):
        raise IntervalTooLong(f"at most {MOST_DAYS} days", most_days=str(MOST_DAYS))


def civil_days(during: Interval, zone: ZoneInfo) -> list[Interval]:
    """Return the civil days that tile the interval; IntervalTooLong, NotWholeDays."""
    check_span(during)
    days = list(slots(during, Granularity.DAY, zone))
    if days[0].start != during.start or days[-1].end != during.end:
        message = f"the interval does not start and end at midnight in {zone.key}"
        raise NotWholeDays(message, time_zone=zone.key, start=during.start.isoformat(), end=during.end.isoformat())
    return days


def degree_days_by_day(
    question: DegreeDayQuestion, days: Sequence[Interval], hours: HourlyTemperatures, zone: ZoneInfo
) -> list[DayDegrees]:
    """Return the degree days of every one of the civil `days`, which tile the question's interval; `hours` are the known ones."""
    complete, low, high = day_extremes(days, hours)
    heating = iter(daily_degree_days(low, high, question.heating_base_celsius, question.method).tolist())
    cooling = iter(daily_degree_days(low, high, question.cooling_base_celsius, question.method, Need.COOLING).tolist())
    dates = (day.start.astimezone(zone).date() for day in days)
    return [
        DayDegrees(day=day, heating=next(heating), cooling=next(cooling)) if whole else DayDegrees(day=day)
        for day, whole in zip(dates, complete.tolist(), strict=True)
    ]


def day_extremes(days: Sequence[Interval], hours: HourlyTemperatures) -> tuple[Bools, Floats, Floats]:
    """Return which of the days are known whole, and the lowest and highest hourly mean of those, °C."""
    edges = np.array([int(day.start.timestamp()) for day in days] + [int(days[-1].end.timestamp())], np.int64)
    rows = np.searchsorted(hours.starts, edges)
    # How many hours start in each day: 23, 24 or 25. Hours follow UTC, also where a zone's offset is no whole hour.
    complete = np.diff(rows) == np.diff(-(-edges // HOUR_S))
    extremes = [_extremes(hours, first, last) for first, last, whole in zip(rows[:-1], rows[1:], complete, strict=True) if whole]
    low, high = np.array(extremes, np.float64).reshape(-1, 2).T / 100
    return complete, low, high


def _extremes(hours: HourlyTemperatures, first: int, last: int) -> tuple[int, int]:
    day = hours.centidegrees[first:last]
    return int(day.min()), int(day.max())
