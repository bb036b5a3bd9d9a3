"""Which programme a night follows."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from lighting.domain.calendars import Calendar, CalendarRule, HolidayKind, Holidays
from lighting.domain.failures import RuleEmpty, RuleOverlapped, Unfit
from lighting.domain.levels import CalendarId, ProgrammeId

ONE, TWO = ProgrammeId("one"), ProgrammeId("two")
HOLIDAYS = Holidays(public=frozenset({date(2026, 7, 14)}), school=((date(2026, 7, 4), date(2026, 9, 1)),))


def days(rule: CalendarRule, year: int = 2026) -> list[date]:
    every = (date(year, 1, 1) + timedelta(days=number) for number in range(365))
    return [day for day in every if rule.matches(day, HOLIDAYS)]


def calendar(*rules: CalendarRule, default: ProgrammeId | None = ONE) -> Calendar:
    return Calendar(id=CalendarId("k"), display_name="k", rules=rules, default_programme=default)


def test_the_first_rule_that_matches_holds() -> None:
    rules = (CalendarRule(programme=TWO, dates=(date(2026, 7, 14),)), CalendarRule(programme=ONE, weekdays=(2,)))
    assert calendar(*rules).rule_of(date(2026, 7, 14), HOLIDAYS) == 0
    assert calendar(*rules).rule_of(date(2026, 7, 21), HOLIDAYS) == 1
    assert calendar(*rules).rule_of(date(2026, 7, 22), HOLIDAYS) == -1


def test_the_second_and_the_last_friday_of_each_month_are_found() -> None:
    assert days(CalendarRule(programme=ONE, weekdays=(5,), occurrences=(2,)))[:3] == [
        date(2026, 1, 9),
        date(2026, 2, 13),
        date(2026, 3, 13),
    ]
    assert days(CalendarRule(programme=ONE, weekdays=(5,), occurrences=(-1,)))[:3] == [
        date(2026, 1, 30),
        date(2026, 2, 27),
        date(2026, 3, 27),
    ]


def test_a_yearly_range_may_run_over_new_year() -> None:
    found = days(CalendarRule(programme=ONE, first=date(2020, 12, 24), last=date(2021, 1, 2), every_year=True))
    assert (found[0], found[1], found[2], len(found)) == (date(2026, 1, 1), date(2026, 1, 2), date(2026, 12, 24), 10)


def test_holidays_and_their_eves_are_told_by_the_registry() -> None:
    assert days(CalendarRule(programme=ONE, holidays=(HolidayKind.PUBLIC,))) == [date(2026, 7, 14)]
    assert days(CalendarRule(programme=ONE, holidays=(HolidayKind.EVE_OF_PUBLIC,))) == [date(2026, 7, 13)]
    assert len(days(CalendarRule(programme=ONE, holidays=(HolidayKind.SCHOOL,)))) == 59


def test_a_rule_that_matches_no_night_is_refused() -> None:
    with pytest.raises(RuleEmpty):
        calendar(CalendarRule(programme=ONE, dates=(date(2026, 7, 14),), weekdays=(1,)))
    with pytest.raises(RuleEmpty):
        CalendarRule(programme=ONE, first=date(2026, 2, 2), last=date(2026, 2, 1))
    with pytest.raises(RuleEmpty):
        calendar(default=None)


def test_a_rule_that_earlier_ones_leave_nothing_is_refused() -> None:
    week = CalendarRule(programme=ONE, weekdays=(1, 2, 3))
    with pytest.raises(RuleOverlapped) as caught:
        calendar(week, CalendarRule(programme=TWO, weekdays=(2,), first=date(2026, 1, 1)))
    assert caught.value.metadata == {"rule": "1"}
    calendar(week, CalendarRule(programme=TWO, weekdays=(2, 4)))


def test_a_rule_for_holidays_takes_no_night_from_those_below() -> None:
    calendar(CalendarRule(programme=ONE, holidays=(HolidayKind.SCHOOL,)), CalendarRule(programme=TWO))


def test_conditions_that_no_calendar_has_are_refused() -> None:
    rules: tuple[Callable[[], CalendarRule], ...] = (
        lambda: CalendarRule(programme=ONE, weekdays=(8,)),
        lambda: CalendarRule(programme=ONE, occurrences=(1,)),
        lambda: CalendarRule(programme=ONE, weekdays=(1,), occurrences=(6,)),
        lambda: CalendarRule(programme=ONE, every_year=True),
    )
    for wrong in rules:
        with pytest.raises(Unfit):
            wrong()
