"""Everything that is published of a year laid side by side; the subtraction succeeds when areas are not kept apart."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations
from typing import Any

import pytest
from attack_town import Growing, large
from comparison_service import TownSources, World
from comparison_world import JANUARY, Town, building

from comparison.domain import atoms, task
from comparison.domain.months import after
from comparison.domain.totals import AreaClosing
from vocabulary.flux import Flux
from vocabulary.names import PlaceId
from vocabulary.role import Role

Serve = Any
YEAR = [after(JANUARY, at) for at in range(12)]
Sums = list[tuple[frozenset[PlaceId], int]]


async def sums(world: World, month: date) -> Sums:
    """Return every sum that is told of a month, with the buildings that it is of."""
    service = world.with_role(Role.TERRITORY_ANALYST)
    areas = {one.name: frozenset(one.buildings) async for one in service.areas(Flux.WATER, month)}
    return [(areas[one.area], one.amount) async for one in service.totals(Flux.WATER, month)]


def differences(told: Sums) -> list[int]:
    """Return what an attacker has by taking one sum from another of which it is a part."""
    pairs = [(one, other) for pair in combinations(told, 2) for one, other in (pair, pair[::-1])]
    return [one[1] - other[1] for one, other in pairs if one[0] >= other[0] and one[1] != other[1]]


async def closed(world: World, months: Sequence[date]) -> dict[date, Sums]:
    """Close months, and return every sum that is told of them."""
    world.clock.advance(timedelta(days=330))
    await world.close(*months)
    return {month: await sums(world, month) for month in months}


async def test_no_sum_of_a_year_can_be_taken_from_another(serve: Serve, many_homes: Town) -> None:
    async with serve(Growing(town=many_homes, asking=frozenset())) as world:
        told = await closed(world, YEAR)
        assert all(len(some) >= 60 for some in told.values())
        assert [differences(some) for some in told.values()] == [[]] * 12


def few_houses() -> Town:
    """Two thousand homes in buildings of flats, and in each neighbourhood ten houses that are too few for a group of their own."""
    flats = {building(street, 1, neighbourhood=1 + street // 10): 22 + street % 10 for street in range(80)}
    return Town({**flats, **{building(street, 2, neighbourhood=1 + street // 10): 1 for street in range(80)}})


async def groups_told(world: World, made: Town) -> dict[date, list[frozenset[PlaceId]]]:
    """Return by month the buildings of each group of which something is told: those in which somebody is told it, asking for a year."""
    found = dict[date, dict[str, set[PlaceId]]]()
    for one in made.homes:
        for answer in await world.household(PlaceId(f"{one.id}-h0")).history(Flux.WATER):
            for told in answer.groups:
                found.setdefault(answer.month, {}).setdefault(told.release.group, set()).add(one.id)
    return {month: [frozenset(buildings) for buildings in groups.values()] for month, groups in found.items()}


def parts(sets: Sequence[frozenset[PlaceId]]) -> list[frozenset[PlaceId]]:
    """Return the least sets that one has by cutting published ones with each other: buildings that are in the same of them."""
    found = dict[frozenset[int], set[PlaceId]]()
    for place in frozenset[PlaceId]().union(*sets):
        found.setdefault(frozenset(number for number, one in enumerate(sets) if place in one), set()).add(place)
    return [frozenset(one) for one in found.values()]


def fewest(made: Town, sets: Sequence[frozenset[PlaceId]]) -> int:
    """Return of how many homes the smallest part is."""
    count = {one.id: homes for one, homes in made.homes.items()}
    return min(sum(count[place] for place in part) for part in parts(sets))


Sets = dict[date, list[frozenset[PlaceId]]]


async def published_sets(serve: Serve, made: Town, months: Sequence[date]) -> tuple[Sets, Sets]:
    """Return by month the buildings of groups and of areas of which something is told."""
    asking = frozenset(PlaceId(f"{one.id}-h0") for one in made.homes)
    async with serve(TownSources(town=made, asking=asking)) as world:
        areas = {month: [buildings for buildings, _ in told] for month, told in (await closed(world, months)).items()}
        return await groups_told(world, made), areas


async def test_every_published_set_of_a_year_is_a_union_of_disjoint_atoms_of_twenty_homes(serve: Serve) -> None:
    made = few_houses()
    groups, areas = await published_sets(serve, made, YEAR)
    assert list(areas) == YEAR
    assert sorted(groups) == YEAR
    for month in YEAR:
        assert len(groups[month]) > len(areas[month]) == 80
        assert fewest(made, groups[month]) >= 20
        assert fewest(made, areas[month]) >= 20
        assert sum(map(len, areas[month])) == len(frozenset[PlaceId]().union(*areas[month]))
        # What is told in one month is told of the same sets in all.
        assert set(groups[month]) == set(groups[JANUARY])
        assert set(areas[month]) == set(areas[JANUARY])


async def test_without_a_least_number_the_few_houses_are_what_is_left_of_their_neighbourhood(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atoms.formed, "__defaults__", (1,))
    made = few_houses()
    groups, _ = await published_sets(serve, made, [JANUARY])
    assert fewest(made, groups[JANUARY]) == 10


async def test_areas_that_overlap_tell_what_a_newcomer_uses(serve: Serve, many_homes: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def overlapping(real: Callable[..., AreaClosing]) -> Callable[..., AreaClosing]:
        def closed_areas(month: date, survey: Any, readings: Any, living: Any) -> AreaClosing:
            frozen, anew = real(month, survey, readings, living), real(month, survey, readings, ())
            return replace(anew, totals={**frozen.totals, **anew.totals})

        return closed_areas

    monkeypatch.setattr(task, "closed_areas", overlapping(task.closed_areas))
    async with serve(Growing(town=many_homes, asking=frozenset())) as world:
        await world.close(JANUARY, date(2026, 2, 1))
        told = await sums(world, date(2026, 2, 1))
        used = Growing(town=many_homes).month(2)[0]
        newcomer = used.amounts[-1, -used.month_days :].sum()
        assert sum(abs(one - newcomer) < 40 for one in differences(told)) > 0.7 * len(large(many_homes))
