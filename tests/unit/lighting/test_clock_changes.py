"""The two nights on which clocks change, spelled out."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from lighting.domain.nights import instant_of, night_of

PARIS, REUNION = ZoneInfo("Europe/Paris"), ZoneInfo("Indian/Reunion")
SPRING, AUTUMN = date(2026, 3, 28), date(2026, 10, 24)


def at(day: date, minute: int, zone: ZoneInfo = PARIS) -> datetime:
    return datetime.fromtimestamp(instant_of(day, minute, zone), UTC)


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25), (date(2026, 6, 1), 24)])
def test_a_night_has_23_hours_in_spring_25_in_autumn_and_24_else(day: date, hours: int) -> None:
    assert at(day + timedelta(days=1), 720) - at(day, 720) == timedelta(hours=hours)


@pytest.mark.parametrize("minute", [120, 121, 150, 179])
def test_a_time_that_no_clock_shows_happens_when_the_clocks_are_moved(minute: int) -> None:
    assert at(SPRING, minute) == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_times_around_the_missing_hour_keep_their_order() -> None:
    instants = [instant_of(SPRING, minute, PARIS) for minute in (119, 120, 150, 180, 181)]
    assert instants == sorted(instants)
    assert at(SPRING, 180) == datetime(2026, 3, 29, 1, tzinfo=UTC)


@pytest.mark.parametrize("minute", [120, 150, 179])
def test_a_time_that_clocks_show_twice_happens_the_first_time(minute: int) -> None:
    assert at(AUTUMN, minute) == datetime(2026, 10, 25, 0, tzinfo=UTC) + timedelta(minutes=minute - 120)


def test_after_the_repeated_hour_time_goes_on_in_winter_time() -> None:
    assert at(AUTUMN, 180) == datetime(2026, 10, 25, 2, tzinfo=UTC)


def test_without_clock_changes_nothing_moves() -> None:
    assert at(SPRING, 150, REUNION) == datetime(2026, 3, 28, 22, 30, tzinfo=UTC)


def test_a_night_is_named_by_its_evening() -> None:
    assert night_of(datetime(2026, 3, 29, 9, 59, tzinfo=UTC), PARIS) == SPRING
    assert night_of(datetime(2026, 3, 29, 10, tzinfo=UTC), PARIS) == SPRING + timedelta(days=1)
