"""Made-up stretches of hours, days and months for tests of forecasting: a calendar, a temperature, and points that follow both."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from forecast.domain.calendar import Calendar, calendar_of
from forecast.domain.columns import Floats, Int64s
from forecast.domain.surroundings import Surroundings

PARIS = ZoneInfo("Europe/Paris")
WEEK = 168


def hours(start: datetime, count: int) -> Int64s:
    return int(start.timestamp()) + 3_600 * np.arange(count, dtype=np.int64)


def temperature_of(calendar: Calendar, seed: int = 0) -> Floats:
    weather = np.random.default_rng(seed).normal(size=len(calendar)).cumsum() * 0.1
    return 12 - 8 * np.cos(calendar.phase) + 3 * np.cos(2 * np.pi * (calendar.hour - 15) / 24) + (weather - weather.mean())


class Hours:
    """So many days of hours before an origin, and a week after it."""

    def __init__(self, days: int, origin: datetime = datetime(2026, 2, 2, tzinfo=UTC)) -> None:
        self.length = days * 24
        self.starts = hours(origin - timedelta(days=days), self.length + WEEK)
        self.calendar = calendar_of(self.starts, PARIS, frozenset(), frozenset())
        self.temperature = temperature_of(self.calendar)

    def surroundings(self, horizon: int = WEEK) -> Surroundings:
        end = self.length + horizon
        return Surroundings(calendar=self.calendar.part(0, end), temperature=self.temperature[:end])

    def points(self, count: int, *, noise: float = 0.1, seed: int = 1) -> Floats:
        """Return (count, all hours): more on working days and when it is cold, and some noise."""
        rng = np.random.default_rng(seed)
        rhythm = 1 + 0.5 * (self.calendar.weekday < 5) * ((self.calendar.hour > 7) & (self.calendar.hour < 19))
        heating = np.maximum(15 - self.temperature, 0) / 10
        size = rng.uniform(0.5, 5, (count, 1))
        return size * (rhythm + heating + noise * np.abs(rng.normal(size=(count, len(rhythm)))))


class Days:
    """So many civil days of twenty points before an origin, and a month after it, each day apart from the others."""

    def __init__(self, days: int, origin: datetime = datetime(2026, 2, 2, tzinfo=UTC)) -> None:
        self.length = days
        self.starts = int(origin.timestamp()) + 86_400 * np.arange(-days, 31, dtype=np.int64)
        calendar = calendar_of(self.starts, ZoneInfo("UTC"), frozenset(), frozenset())
        temperature = 12 - 8 * np.cos(calendar.phase)
        rng = np.random.default_rng(4)
        rhythm = 10 + 2 * (calendar.weekday >= 5) + np.maximum(15 - temperature, 0)
        self.amounts = rng.uniform(0.5, 5, (20, 1)) * rhythm * rng.normal(1, 0.15, (20, len(rhythm)))
        self.surroundings = Surroundings(calendar=calendar, temperature=temperature)


def month_starts(count: int, first_year: int = 2023, zone: ZoneInfo = PARIS) -> Int64s:
    """Return where so many civil months start, from a January on."""
    starts = [datetime(first_year + at // 12, at % 12 + 1, 1, tzinfo=zone) for at in range(count)]
    return np.array([int(start.timestamp()) for start in starts], np.int64)


def winter_months(points: int, count: int, *, noise: float = 0.05, seed: int = 1) -> Floats:
    """Return (points, months) from a January on: more in winter, and some noise; each point of another size."""
    rng = np.random.default_rng(seed)
    rhythm = 1 + 0.6 * np.cos(2 * np.pi * np.arange(count) / 12)
    return rng.uniform(50, 500, (points, 1)) * rhythm * rng.normal(1, noise, (points, count))
