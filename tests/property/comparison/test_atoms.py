"""Atoms partition homes by place alone, and everything published is of whole ones."""

from itertools import combinations
from random import Random

import pytest
from comparison_world import Town, building, homes_in, town
from hypothesis import given, settings
from hypothesis import strategies as st

from comparison.domain.atoms import FORMED, Reach, cohorts_of, formed

towns = st.builds(town, st.integers(1, 4), st.integers(1, 5), seed=st.integers(0, 10_000))


@given(towns)
@settings(max_examples=60, deadline=None)
def test_every_home_is_in_exactly_one_atom_of_twenty_or_more_or_nobody_is(made: Town) -> None:
    everybody = made.contributors()
    atoms = formed(list(made.homes), everybody)
    members = [one.premise for atom in atoms for one in atom.members]
    assert len(members) == len(set(members))
    assert set(members) == ({one.premise for one in everybody} if len(everybody) >= FORMED else set())
    assert all(atom.count >= FORMED for atom in atoms)


@given(towns)
@settings(max_examples=60, deadline=None)
def test_areas_are_whole_buildings_apart_from_each_other_and_hold_all_of_them(made: Town) -> None:
    atoms = formed(list(made.homes), made.contributors())
    areas = [building for atom in atoms for building in atom.area]
    assert len(areas) == len(set(areas))
    if atoms:
        assert set(areas) == {one.id for one in made.homes}
        assert all(one.building in atom.area for atom in atoms for one in atom.members)


@given(towns, st.randoms())
@settings(max_examples=40, deadline=None)
def test_the_order_in_which_homes_come_changes_nothing(made: Town, random: Random) -> None:
    everybody, buildings = made.contributors(), list(made.homes)
    before = [(atom.area, {one.premise for one in atom.members}) for atom in formed(buildings, everybody)]
    random.shuffle(everybody)
    random.shuffle(buildings)
    assert [(atom.area, {one.premise for one in atom.members}) for atom in formed(buildings, everybody)] == before


@given(towns)
@settings(max_examples=40, deadline=None)
def test_differences_and_intersections_of_cohorts_are_whole_atoms_or_empty(made: Town) -> None:
    atoms = formed(list(made.homes), made.contributors())
    cohorts = cohorts_of(atoms, list(made.homes))
    homes = [frozenset(one.premise for number in cohort.atoms for one in atoms[number].members) for cohort in cohorts]
    for one, other in combinations(homes, 2):
        for found in (one - other, other - one, one & other):
            assert not found or len(found) >= FORMED
    assert len({cohort.atoms for cohort in cohorts}) == len(cohorts)


def test_a_large_building_stands_alone_and_the_rest_of_its_street_together() -> None:
    tower, *small = [building(1, number) for number in range(1, 8)]
    homes = [*homes_in(tower, 30), *(home for one in small for home in homes_in(one, 4))]
    atoms = formed([tower, *small], homes)
    assert [(atom.count, len(atom.area)) for atom in atoms] == [(30, 1), (24, 6)]
    assert [cohort.reach for cohort in cohorts_of(atoms, [tower, *small])] == [Reach.BUILDING, Reach.STREET, Reach.NEIGHBOURHOOD]


def test_small_streets_join_the_next_ones_and_the_last_rest_joins_the_atom_before() -> None:
    streets = [building(street, 1) for street in range(1, 6)]
    atoms = formed(streets, [home for one in streets for home in homes_in(one, 8)])
    assert [(atom.count, len(atom.area)) for atom in atoms] == [(40, 5)]
    streets = [building(street, 1) for street in range(1, 8)]
    atoms = formed(streets, [home for one in streets for home in homes_in(one, 8)])
    assert [(atom.count, len(atom.area)) for atom in atoms] == [(24, 3), (32, 4)]


def test_a_small_neighbourhood_joins_the_next_one() -> None:
    small, large = building(1, 1, neighbourhood=1), building(1, 1, neighbourhood=2)
    atoms = formed([small, large], [*homes_in(small, 5), *homes_in(large, 19)])
    assert [(atom.count, atom.area) for atom in atoms] == [(24, {small.id, large.id})]


def test_a_holder_of_many_homes_counts_once() -> None:
    one = building(1, 1)
    homes = list(homes_in(one, 40))
    landlord = [home.__class__(premise=home.premise, holder=homes[0].holder, building=one.id) for home in homes]
    assert formed([one], landlord) == []
    assert formed([one], homes)[0].count == 40


@pytest.mark.parametrize("count", [0, 19])
def test_too_few_homes_in_all_form_nothing(count: int) -> None:
    one = building(1, 1)
    assert formed([one], list(homes_in(one, count))) == []
