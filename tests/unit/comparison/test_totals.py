"""Totals of dwellings: which areas are formed, and what is published of them."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from comparison_world import JANUARY, MONTH_DAYS, Town, building, town

from comparison.domain.closing import HomeMonths
from comparison.domain.totals import AreaClosing, LivingAreas, closed_areas, safe, totalled
from vocabulary.names import PersonId, PlaceId

FEBRUARY, APRIL = date(2026, 2, 1), date(2026, 4, 1)


def using(made: Town, **homes: float) -> HomeMonths:
    """Return readings in which every home uses 10 a day but those named, by the number of the home."""
    readings = made.readings()
    amounts = np.full_like(readings.amounts, 10.0)
    for number, daily in homes.items():
        amounts[int(number.removeprefix("h"))] = daily
    return replace(readings, amounts=amounts)


def living_of(closing: AreaClosing) -> LivingAreas:
    assert closing.formed is not None
    return closing.formed


def test_areas_are_disjoint_whole_buildings_of_twenty_holders_and_every_building_lies_in_one() -> None:
    made = town(4)
    areas = living_of(closed_areas(JANUARY, made.survey(), made.readings(), ())).areas
    assert min(areas.counts) >= 20
    assert sum(len(one) for one in areas.buildings) == len(frozenset().union(*areas.buildings)) == len(made.homes)
    assert sum(areas.counts) == len(made.contributors())


def test_dwellings_are_summed_whether_their_households_consent_to_be_compared_or_not() -> None:
    made = Town({building(1, 1): 25})
    nobody = replace(made.survey(), holders={})
    ((_, total),) = closed_areas(JANUARY, nobody, using(made), ()).totals.items()
    assert (total.amount, total.coverage_percent, total.days) == (25 * MONTH_DAYS * 10, 100, ())


def test_a_landlord_of_many_dwellings_makes_no_area() -> None:
    made = Town({building(1, 1): 40})
    occupants = {one.premise: (PersonId("landlord") if at < 21 else one.holder) for at, one in enumerate(made.contributors())}
    assert closed_areas(JANUARY, replace(made.survey(), occupants=occupants), made.readings(), ()).formed is not None
    occupants = {one.premise: (PersonId("landlord") if at < 22 else one.holder) for at, one in enumerate(made.contributors())}
    assert closed_areas(JANUARY, replace(made.survey(), occupants=occupants), made.readings(), ()).formed is None


@pytest.mark.parametrize(
    ("amounts", "fits"),
    [
        ([1.0] * 20, True),
        ([6.3] + [1.0] * 19, True),
        ([6.4] + [1.0] * 19, False),
        ([0.0] * 20, False),
        # The three largest hold nearly everything: two of them know the third.
        ([100.0] * 4 + [0.1] * 40, True),
        ([100.0] * 3 + [95.0] + [0.0] * 40, False),
        ([25.0, 25.0, 25.0] + [0.2] * 24, False),
        ([25.0, 25.0, 25.0] + [1.0] * 25, True),
        ([], False),
    ],
)
def test_no_home_weighs_too_much_and_two_others_cannot_tell_the_largest(amounts: list[float], *, fits: bool) -> None:
    assert safe(np.array(amounts)) is fits


def test_an_area_that_one_home_dominates_joins_the_next_when_it_is_formed() -> None:
    made = Town({building(1, 1): 20, building(1, 2): 30})
    areas = living_of(closed_areas(JANUARY, made.survey(), using(made), ())).areas
    assert areas.counts == (20, 30)
    areas = living_of(closed_areas(JANUARY, made.survey(), using(made, h3=100), ())).areas
    assert areas.counts == (50,)
    assert closed_areas(JANUARY, made.survey(), using(made, h3=1_000), ()).formed is None


def test_an_area_is_left_out_in_a_month_in_which_one_home_dominates_or_few_are_measured() -> None:
    made = Town({building(1, 1): 20})
    first = living_of(closed_areas(JANUARY, made.survey(), using(made), ()))
    assert closed_areas(FEBRUARY, made.survey(), using(made), (first,)).totals != {}
    assert closed_areas(FEBRUARY, made.survey(), using(made, h3=100), (first,)).totals == {}
    gaps = {f"h{number}": float("nan") for number in range(6)}
    assert closed_areas(FEBRUARY, made.survey(), using(made, **dict(list(gaps.items())[:5])), (first,)).totals != {}
    assert closed_areas(FEBRUARY, made.survey(), using(made, **gaps), (first,)).totals == {}


def test_who_moves_in_is_summed_only_once_areas_are_formed_anew() -> None:
    made = Town({building(1, 1): 24})
    first = living_of(closed_areas(JANUARY, made.survey(), using(made), ()))
    moved = {one.premise: (PersonId("new") if at == 0 else one.holder) for at, one in enumerate(made.contributors())}
    joined = Town({building(1, 1): 25})
    for month in (FEBRUARY, APRIL):
        after = closed_areas(month, joined.survey(), using(joined), (first,))
        assert (after.formed, [one.amount for one in after.totals.values()]) == (None, [24 * MONTH_DAYS * 10])
    after = closed_areas(FEBRUARY, replace(made.survey(), occupants=moved), using(made), (first,))
    assert [(one.amount, one.coverage_percent) for one in after.totals.values()] == [(23 * MONTH_DAYS * 10, 90)]


def test_new_buildings_form_areas_of_their_own_at_the_quarter() -> None:
    made = Town({building(1, 1): 24})
    first = living_of(closed_areas(JANUARY, made.survey(), made.readings(), ()))
    grown = Town({building(1, 1): 24, building(1, 2): 22})
    assert closed_areas(FEBRUARY, grown.survey(), grown.readings(), (first,)).formed is None
    assert living_of(closed_areas(APRIL, grown.survey(), grown.readings(), (first,))).areas.counts == (22,)


def test_days_are_published_of_a_hundred_homes_and_are_the_month_together() -> None:
    days = np.full((100, 31), 10.0)
    total = totalled(days, 100)
    assert total is not None
    assert sum(day or 0 for day in total.days) == total.amount == 31_000
    fewer = totalled(days[:99], 99)
    assert fewer is not None
    assert fewer.days == ()


def test_days_on_which_one_home_dominates_are_left_out_and_cannot_be_had_from_the_month() -> None:
    days = np.full((100, 31), 10.0)
    days[0, 4] = 2_000
    total = totalled(days, 100)
    assert total is not None
    # That day is the month less the others.
    assert total.days == ()
    days = np.full((100, 31), 10.0)
    days[(0, 1, 2, 3, 4), (4, 8, 12, 16, 20)] = 400
    total = totalled(days, 100)
    assert total is not None
    assert [at for at, day in enumerate(total.days) if day is None] == [4, 8, 12, 16, 20]


def test_what_was_not_measured_counts_as_the_mean_day_so_that_days_and_month_agree() -> None:
    amounts = np.full((100, 31), 10.0)
    amounts[0, 5] = np.nan
    readings = HomeMonths(premises=tuple(PlaceId(f"h{at}") for at in range(100)), amounts=amounts, month_days=31)
    total = totalled(np.array(list(readings.days().values())), 100)
    assert total is not None
    assert (sum(day or 0 for day in total.days), total.days[5]) == (total.amount, total.days[6])
