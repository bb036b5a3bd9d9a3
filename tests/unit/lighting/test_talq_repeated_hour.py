"""What becomes of an order in the hour that clocks show twice, for which TALQ has no words."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from talq_world import PARIS, bounds, controller, course_level, handed_over, order

from lighting.domain.orders import Order, Stretch

FIRST = date(2026, 10, 19)
PUT_BACK = datetime(2026, 10, 25, 1, tzinfo=UTC)
"""03:00 in summer becomes 02:00 in winter."""


def town_order(*changes: tuple[datetime, float]) -> Order:
    start, _ = bounds(FIRST, PARIS)
    stretches = [Stretch(start=at, start_level=level, level=level) for at, level in ((start, 100.0), *changes)]
    return order(FIRST, {("l-1",): stretches})


def wrong_minutes(asked: Order, *, first_time: bool) -> Sequence[int]:
    """Return the minutes, counted from when clocks are put back, at which a lamp does not what the order says."""
    lamps = handed_over(asked, controller("l-1"), PARIS, first_time=first_time).controllers[0]
    minutes = int((asked.end - asked.start).total_seconds() / 60)
    moments = (asked.start + timedelta(minutes=number) for number in range(minutes))
    course = asked.courses[0]
    wrong = [at for at in moments if lamps.levels(at.timestamp())["l-1"] != course_level(asked, course, at)[0]]
    return [int((at - PUT_BACK).total_seconds() / 60) for at in wrong]


@pytest.mark.parametrize("after_two", [0, 20, 59])
def test_what_is_due_the_first_time_happens_then(after_two: int) -> None:
    asked = town_order((PUT_BACK - timedelta(minutes=60 - after_two), 30.0), (PUT_BACK + timedelta(hours=3), 80.0))
    assert wrong_minutes(asked, first_time=True) == []


@pytest.mark.parametrize("after_two", [0, 20, 59])
def test_what_is_due_the_second_time_waits_for_the_end_of_the_hour(after_two: int) -> None:
    asked = town_order((PUT_BACK + timedelta(minutes=after_two), 30.0), (PUT_BACK + timedelta(hours=3), 80.0))
    assert wrong_minutes(asked, first_time=True) == list(range(after_two, 60))
    assert wrong_minutes(asked, first_time=False) == list(range(after_two, 60))


@pytest.mark.parametrize("after_two", [0, 20, 59])
def test_a_gateway_that_only_looks_at_its_clock_takes_changes_of_that_hour_back_until_they_come_again(after_two: int) -> None:
    asked = town_order((PUT_BACK - timedelta(minutes=60 - after_two), 30.0), (PUT_BACK + timedelta(hours=3), 80.0))
    assert wrong_minutes(asked, first_time=False) == list(range(after_two))


def test_the_night_that_is_an_hour_short_is_told_exactly() -> None:
    start, _ = bounds(date(2026, 3, 23), PARIS)
    forward = datetime(2026, 3, 29, 1, tzinfo=UTC)
    some = [(start, 100.0), (forward - timedelta(minutes=30), 60.0), (forward, 30.0), (forward + timedelta(minutes=30), 80.0)]
    asked = order(date(2026, 3, 23), {("l-1",): [Stretch(start=at, start_level=level, level=level) for at, level in some]})
    assert wrong_minutes(asked, first_time=True) == []
    assert wrong_minutes(asked, first_time=False) == []
