"""Degree days of civil days: whole days only, 23 and 25 hours included."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from metering.domain.consumption.degree_days import DegreeDayMethod
from metering.domain.figures.consumption import IntervalTooLong
from metering.domain.registry.failures import OutOfRange
from metering.domain.weather.daily import DayDegrees, DegreeDayQuestion, civil_days, degree_days_by_day
from metering.domain.weather.failures import NotWholeDays
from metering.domain.weather.hours import HourlyTemperatures
from vocabulary.civil import local_midnight
from vocabulary.interval import Interval

PARIS = ZoneInfo("Europe/Paris")


def days(first: date, last: date, zone: ZoneInfo = PARIS) -> Interval:
    return Interval(start=local_midnight(first, zone), end=local_midnight(last + timedelta(days=1), zone))


def constant(during: Interval, centidegrees: int) -> HourlyTemperatures:
    start = -(-int(during.start.timestamp()) // 3_600) * 3_600
    starts = np.arange(start, int(during.end.timestamp()), 3_600, dtype=np.int64)
    return HourlyTemperatures(starts=starts, centidegrees=np.full(len(starts), centidegrees, np.int64))


def answered(during: Interval, hours: HourlyTemperatures, zone: ZoneInfo = PARIS, **asked: float) -> list[DayDegrees]:
    question = DegreeDayQuestion(during=during, method=DegreeDayMethod.METEO, **asked)
    return degree_days_by_day(question, civil_days(during, zone), hours, zone)


def test_a_day_counts_the_mean_of_its_extremes_against_each_base() -> None:
    during = days(date(2026, 1, 10), date(2026, 1, 10))
    hours = constant(during, 900)
    hours.centidegrees[5], hours.centidegrees[14] = 200, 1_000
    assert answered(during, hours) == [DayDegrees(day=date(2026, 1, 10), heating=12.0, cooling=0.0)]
    assert answered(during, hours, heating_base_celsius=15.0, cooling_base_celsius=4.0)[0] == DayDegrees(
        day=date(2026, 1, 10), heating=9.0, cooling=2.0
    )


def test_the_professional_method_counts_the_part_of_a_day_below_the_base() -> None:
    during = days(date(2026, 5, 10), date(2026, 5, 10))
    hours = constant(during, 1_500)
    hours.centidegrees[5], hours.centidegrees[14] = 1_000, 2_000
    question = DegreeDayQuestion(during=during, method=DegreeDayMethod.ENERGY_PROFESSIONALS)
    [day] = degree_days_by_day(question, civil_days(during, PARIS), hours, PARIS)
    # (Tx − Tn)·B·(0.08 + 0.42·B) with B = (18 − 10) / (20 − 10).
    assert day.heating == pytest.approx(10 * 0.8 * (0.08 + 0.42 * 0.8))
    assert day.cooling == 0.0


@pytest.mark.parametrize(("day", "count"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_days_of_clock_changes_need_all_their_hours(day: date, count: int) -> None:
    during = days(day, day)
    hours = constant(during, 1_000)
    assert len(hours) == count
    assert answered(during, hours)[0].heating == pytest.approx(8.0)
    assert answered(during, hours.where(np.arange(count) != count - 1)) == [DayDegrees(day=day)]


def test_a_day_with_a_missing_hour_has_no_degree_days_and_its_neighbours_do() -> None:
    during = days(date(2026, 1, 1), date(2026, 1, 3))
    hours = constant(during, 800)
    found = answered(during, hours.where(np.arange(len(hours)) != 30))
    assert [day.heating for day in found] == [10.0, None, 10.0]
    assert [day.cooling for day in found] == [0.0, None, 0.0]


def test_without_any_hour_every_day_is_there_without_degree_days() -> None:
    during = days(date(2026, 1, 1), date(2026, 1, 2))
    nothing = constant(during, 0).where(np.zeros(48, np.bool_))
    assert answered(during, nothing) == [DayDegrees(day=date(2026, 1, 1)), DayDegrees(day=date(2026, 1, 2))]


def test_hours_follow_utc_where_the_zone_is_half_an_hour_off() -> None:
    zone = ZoneInfo("Asia/Kolkata")
    during = days(date(2026, 1, 1), date(2026, 1, 2), zone)
    assert [day.heating for day in answered(during, constant(during, 1_000), zone)] == [8.0, 8.0]


def test_parts_of_days_are_refused() -> None:
    with pytest.raises(NotWholeDays):
        civil_days(Interval(start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 1, 2, tzinfo=UTC)), PARIS)


def test_1200_days_are_answered_and_1201_are_not() -> None:
    # From winter to summer time 1,200 civil days are an hour short, the other way round an hour long.
    for first in (date(2024, 1, 1), date(2023, 7, 1)):
        assert len(civil_days(days(first, first + timedelta(days=1_199)), PARIS)) == 1_200
        with pytest.raises(IntervalTooLong):
            civil_days(days(first, first + timedelta(days=1_201)), PARIS)


def test_1201_days_are_refused_even_when_an_hour_short() -> None:
    first = date(2024, 1, 1)
    with pytest.raises(IntervalTooLong):
        civil_days(days(first, first + timedelta(days=1_200)), PARIS)


@pytest.mark.parametrize("base", [float("nan"), float("inf"), 61.0, -51.0])
def test_bases_that_no_air_has_are_refused(base: float) -> None:
    with pytest.raises(OutOfRange):
        DegreeDayQuestion(during=days(date(2026, 1, 1), date(2026, 1, 1)), method=DegreeDayMethod.METEO, heating_base_celsius=base)
