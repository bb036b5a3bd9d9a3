"""Civil days, holidays and the sun of the simulated town."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from simulation.draws import Draws, Stream
from simulation.french_days import easter, is_school_holiday, public_holidays, school_holidays
from simulation.scene import scene
from simulation.sun import Spot, elevation_degrees, sunrise_and_sunset

PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("year", "day"), [(2024, date(2024, 3, 31)), (2025, date(2025, 4, 20)), (2026, date(2026, 4, 5)), (2038, date(2038, 4, 25))]
)
def test_easter_falls_where_almanacs_say(year: int, day: date) -> None:
    assert easter(year) == day


def test_a_year_has_eleven_public_holidays_ascension_and_whit_monday_included() -> None:
    days = public_holidays(2026)
    assert len(days) == 11
    assert {date(2026, 5, 14), date(2026, 5, 25), date(2026, 7, 14)} <= days


@pytest.mark.parametrize("year", range(2020, 2034))
def test_every_school_year_has_five_holidays_in_order_that_begin_on_saturdays(year: int) -> None:
    stretches = school_holidays(year)
    assert [first.weekday() for first, _ in stretches] == [5] * 5
    days = [day for stretch in stretches for day in stretch]
    assert days == sorted(days)
    assert is_school_holiday(date(year, 12, 28))
    assert is_school_holiday(date(year, 8, 10))
    assert not is_school_holiday(date(year, 12, 3))


LILLE = Spot(latitude_degrees=50.6292, longitude_degrees=3.0573)
MARSEILLE = Spot(latitude_degrees=43.2965, longitude_degrees=5.3698)


@pytest.mark.parametrize(
    ("spot", "rises", "sets"),
    [
        (LILLE, "2025-03-20T05:50:28+00:00", "2025-03-20T18:00:46+00:00"),
        (LILLE, "2025-06-21T03:35:33+00:00", "2025-06-21T20:03:44+00:00"),
        (LILLE, "2025-12-21T07:47:07+00:00", "2025-12-21T15:44:48+00:00"),
        (MARSEILLE, "2025-03-20T05:41:49+00:00", "2025-03-20T17:50:42+00:00"),
        (MARSEILLE, "2025-06-21T03:58:41+00:00", "2025-06-21T19:22:06+00:00"),
        (MARSEILLE, "2025-12-21T07:07:54+00:00", "2025-12-21T16:05:31+00:00"),
    ],
)
def test_the_sun_rises_and_sets_within_half_a_minute_of_what_the_astral_library_says(spot: Spot, rises: str, sets: str) -> None:
    first = datetime.fromisoformat(rises).replace(hour=0, minute=0, second=0)
    computed = sunrise_and_sunset(spot, np.array([int(first.timestamp())]))
    for at, expected in zip(computed, (rises, sets), strict=True):
        assert abs(float(at[0]) - datetime.fromisoformat(expected).timestamp()) <= 30


def test_the_sun_stands_just_below_the_horizon_at_sunset() -> None:
    spot = Spot(latitude_degrees=48.0, longitude_degrees=2.0)
    midnights = np.array([int(datetime(2025, month, 15, tzinfo=UTC).timestamp()) for month in range(1, 13)])
    for at in sunrise_and_sunset(spot, midnights):
        assert np.abs(elevation_degrees(spot, np.rint(at).astype(np.int64)) + 0.833).max() < 0.02


@pytest.mark.parametrize(("day", "half_hours"), [(date(2025, 3, 30), 46), (date(2025, 10, 26), 50), (date(2025, 7, 1), 48)])
def test_clock_change_days_have_46_and_50_half_hours(day: date, half_hours: int) -> None:
    one = scene(Draws(seed=1), day, date.fromordinal(day.toordinal() + 1))
    assert len(one) == half_hours
    clock = [datetime.fromtimestamp(int(at), UTC).astimezone(PARIS) for at in one.start]
    assert one.minute.tolist() == [at.hour * 60 + at.minute for at in clock]


def test_a_scene_says_the_same_of_a_day_whatever_days_stand_beside_it() -> None:
    long = scene(Draws(seed=5), date(2025, 10, 1), date(2025, 11, 20))
    short = scene(Draws(seed=5), date(2025, 10, 25), date(2025, 10, 28))
    inside = (long.start >= short.start[0]) & (long.start <= short.start[-1])
    for column in ("start", "minute", "celsius", "felt_celsius", "clearness", "darkness"):
        assert np.array_equal(getattr(long, column)[inside], getattr(short, column))
    assert np.array_equal(long.days.gas_celsius[25:28], short.days.gas_celsius[1:])


def test_numbers_depend_on_seed_stream_entity_and_counter_alone() -> None:
    draws, entities, counters = Draws(seed=3), np.arange(50), np.arange(1_000, 1_400)
    table = draws.uniform(Stream.LATE, entities, counters)
    assert np.array_equal(table[7:9, 30:60], draws.uniform(Stream.LATE, entities[7:9], counters[30:60]))
    assert abs(table.mean() - 0.5) < 0.01
    assert abs(table.var() - 1 / 12) < 0.005
    assert abs(np.corrcoef(table[:, :-1].ravel(), table[:, 1:].ravel())[0, 1]) < 0.03
    for other in (Draws(seed=4).uniform(Stream.LATE, entities, counters), draws.uniform(Stream.LAUNDRY, entities, counters)):
        assert abs(np.corrcoef(table.ravel(), other.ravel())[0, 1]) < 0.03


def test_a_year_has_seasons_a_cold_snap_and_a_heatwave() -> None:
    for seed in (1, 2, 3):
        year = scene(Draws(seed=seed), date(2025, 1, 1), date(2026, 1, 1))
        assert 10 < year.celsius.mean() < 13.5
        assert -16 < year.celsius.min() < -4
        assert 33 < year.celsius.max() < 43
        assert 1_800 < np.clip(18 - np.array([year.celsius[year.day == day].mean() for day in range(1, 366)]), 0, None).sum() < 3_200
