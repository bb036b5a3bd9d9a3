"""Both French methods of degree days."""

from datetime import date

import numpy as np
import pytest

from metering.domain.consumption.columns import UnorderedColumns
from metering.domain.consumption.degree_days import (
    HEATING_BASE_CELSIUS,
    DailyExtremes,
    DegreeDayMethod,
    Need,
    daily_degree_days,
    daily_extremes,
    degree_days,
)

METEO, PROFESSIONAL = DegreeDayMethod.METEO, DegreeDayMethod.ENERGY_PROFESSIONALS


def one_day(low: float, high: float, base: float, method: DegreeDayMethod, need: Need = Need.HEATING) -> float:
    return float(daily_degree_days(np.array([low]), np.array([high]), base, method, need)[0])


@pytest.mark.parametrize(
    ("low", "high", "method", "expected"),
    [
        (2.0, 10.0, METEO, 12.0),
        (2.0, 10.0, PROFESSIONAL, 12.0),
        (20.0, 30.0, METEO, 0.0),
        (20.0, 30.0, PROFESSIONAL, 0.0),
        (10.0, 22.0, METEO, 2.0),
        # A = 12, B = (18 − 10) / 12 = 2/3: 12 · 2/3 · (0.08 + 0.42 · 2/3) = 2.88
        (10.0, 22.0, PROFESSIONAL, 2.88),
        (16.0, 26.0, METEO, 0.0),
        # A = 10, B = 0.2: 10 · 0.2 · (0.08 + 0.084) = 0.328
        (16.0, 26.0, PROFESSIONAL, 0.328),
        (18.0, 18.0, PROFESSIONAL, 0.0),
    ],
)
def test_heating_degrees_of_a_day(low: float, high: float, method: DegreeDayMethod, expected: float) -> None:
    assert one_day(low, high, HEATING_BASE_CELSIUS, method) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("low", "high", "method", "expected"),
    [
        (24.0, 34.0, METEO, 7.0),
        (24.0, 34.0, PROFESSIONAL, 7.0),
        (10.0, 20.0, PROFESSIONAL, 0.0),
        (18.0, 30.0, METEO, 2.0),
        # A = 12, B = (30 − 22) / 12 = 2/3
        (18.0, 30.0, PROFESSIONAL, 2.88),
    ],
)
def test_cooling_degrees_of_a_day(low: float, high: float, method: DegreeDayMethod, expected: float) -> None:
    assert one_day(low, high, 22.0, method, Need.COOLING) == pytest.approx(expected)


def test_the_professional_method_counts_cool_nights_that_the_mean_hides() -> None:
    assert one_day(12.0, 26.0, 18.0, METEO) == 0.0
    assert one_day(12.0, 26.0, 18.0, PROFESSIONAL) > 1.0


def test_a_sum_tells_how_many_days_were_observed_and_with_what_it_was_made() -> None:
    days = [date(2025, 1, 1), date(2025, 1, 2), date(2025, 1, 4), date(2025, 2, 1)]
    answer = degree_days(daily_extremes(days, [0, 2, 4, 0], [8, 8, 8, 0]), date(2025, 1, 1), date(2025, 1, 31), 18.0, METEO)
    assert answer.total == pytest.approx(14 + 13 + 12)
    assert (answer.days_counted, answer.days_expected) == (3, 31)
    assert (answer.base_celsius, answer.method, answer.need) == (18.0, METEO, Need.HEATING)


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(UnorderedColumns):
        DailyExtremes(days=(date(2025, 1, 1),), lowest=np.array([1.0, 2.0]), highest=np.array([1.0]))
