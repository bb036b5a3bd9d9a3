"""Closing months: who is in, what is formed, and what never changes."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from comparison_world import JANUARY, MONTH_DAYS, Town, building, town

from comparison.domain.closing import Closing, HomeMonths, Living, closed, contributors, members_of
from comparison.domain.homes import Attributes
from comparison.domain.months import after, days_of, interval_of, is_closable, latest_closable
from comparison.domain.similarity import shipped
from vocabulary.names import PlaceId

PARIS = ZoneInfo("Europe/Paris")


def close(made: Town, month: date = JANUARY, living: tuple[Living, ...] = (), **changes: Any) -> Closing:
    survey = replace(made.survey(), **changes)
    return closed(month, survey, made.readings(), living, shipped(made.flux))


def living_of(closing: Closing) -> Living:
    assert closing.formation is not None
    return Living(formation=closing.formation, members=members_of(closing.atoms))


def test_a_first_month_forms_groups_and_publishes_them() -> None:
    found = close(town())
    assert found.formation is not None
    assert found.formation.end_month == date(2027, 1, 1)
    assert len(found.releases) == len(found.formation.cohorts)
    assert {first for first, _ in found.releases} == {JANUARY}


def test_months_between_quarters_add_nobody() -> None:
    made = town()
    first = living_of(close(made))
    for month in (date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1)):
        again = close(made, month, (first,))
        assert again.formation is None
        assert {first for first, _ in again.releases} == {JANUARY}


def test_a_quarter_forms_groups_of_homes_that_are_in_none_and_changes_no_other() -> None:
    made = town(2)
    grown = Town({**made.homes, building(1, 1, neighbourhood=9): 25})
    first = living_of(close(made))
    assert close(grown, date(2026, 3, 1), (first,)).formation is None
    found = close(grown, date(2026, 4, 1), (first,))
    assert found.formation is not None
    assert (found.formation.first_month, found.formation.counts) == (date(2026, 4, 1), (25,))


def test_after_twelve_months_groups_are_formed_anew() -> None:
    first = living_of(close(town()))
    assert first.formation.lives(date(2026, 12, 1))
    assert not first.formation.lives(date(2027, 1, 1))


def test_who_withdraws_or_moves_is_out_of_later_months_and_fifteen_must_stay() -> None:
    made = Town({building(1, 1): 24})
    first = living_of(close(made))
    holders = dict(made.survey().holders)
    gone = sorted(holders)
    moved = {premise: (holder + "-new" if premise in gone[:9] else holder) for premise, holder in holders.items()}
    assert close(made, after(JANUARY), (first,), holders=moved).releases != {}
    without = {premise: holder for premise, holder in holders.items() if premise not in gone[:10]}
    assert close(made, after(JANUARY), (first,), holders=without).releases == {}


def test_a_home_without_ninety_days_or_vacant_or_left_out_does_not_contribute() -> None:
    made = Town({building(1, 1): 30})
    survey, first = made.survey(), made.contributors()[0].premise
    enough = dict.fromkeys(survey.holders, 90)
    assert len(contributors(survey, enough)) == 30
    assert len(contributors(survey, {**enough, first: 89})) == 29
    assert len(contributors(replace(survey, vacant=frozenset({first})), enough)) == 29
    shared = {**survey.attributes, first: Attributes(hot_water_collective=True)}
    assert len(contributors(replace(survey, attributes=shared), enough)) == 29


def test_a_month_is_valid_when_nearly_all_of_it_is_measured_and_somebody_lives_there() -> None:
    amounts = np.full((4, 100), 10.0)
    amounts[1, -3:] = np.nan
    amounts[2, -4:] = np.nan
    amounts[3, -26:] = 0
    made = HomeMonths(premises=tuple(PlaceId(name) for name in ("whole", "gap", "gaps", "idle")), amounts=amounts, month_days=MONTH_DAYS)
    assert made.totals() == {"whole": 310.0, "gap": pytest.approx(310.0)}


def test_one_outlier_moves_a_median_by_one_rank_at_most() -> None:
    made = Town({building(1, 1): 25})
    readings = made.readings()
    extreme = replace(readings, amounts=np.where(np.arange(25)[:, None] == 3, 1e6, 1) * readings.amounts)
    before, after_it = (closed(JANUARY, made.survey(), one, (), shipped(made.flux)).releases for one in (readings, extreme))
    ((key, one),) = before.items()
    assert abs(after_it[key].median - one.median) <= 1


def test_months_are_civil_and_wait_ten_days() -> None:
    march = interval_of(date(2026, 3, 1), PARIS)
    assert (march.start, days_of(march, PARIS)) == (datetime(2026, 2, 28, 23, tzinfo=UTC), 31)
    assert not is_closable(date(2026, 3, 1), datetime(2026, 4, 10, 21, tzinfo=UTC), PARIS)
    assert is_closable(date(2026, 3, 1), datetime(2026, 4, 10, 22, tzinfo=UTC), PARIS)
    assert latest_closable(datetime(2026, 4, 5, tzinfo=UTC), PARIS) == date(2026, 2, 1)
    assert after(date(2026, 12, 1), 2) == date(2027, 2, 1)
    assert after(date(2026, 1, 1), -13) == date(2024, 12, 1)
