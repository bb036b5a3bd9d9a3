"""Everything that is published of a year laid side by side; the subtraction succeeds when areas are not kept apart."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations
from typing import Any

import pytest
from attack_town import Growing, large
from comparison_service import TOWN, World
from comparison_world import JANUARY, Town

from comparison.domain import task
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


async def year(world: World) -> dict[date, Sums]:
    world.clock.advance(timedelta(days=330))
    await world.close(*YEAR)
    return {month: await sums(world, month) for month in YEAR}


async def test_no_sum_of_a_year_can_be_taken_from_another(serve: Serve, many_homes: Town) -> None:
    async with serve(Growing(town=many_homes, asking=frozenset())) as world:
        told = await year(world)
        assert all(len(some) >= 60 for some in told.values())
        assert [differences(some) for some in told.values()] == [[]] * 12


async def test_every_published_set_is_a_union_of_disjoint_atoms(serve: Serve, many_homes: Town) -> None:
    """What the service summed and ranked, told by its own books: a sum that could be had from others is one over whole disjoint sets."""
    async with serve(Growing(town=many_homes, asking=frozenset())) as world:
        await year(world)
        for month in YEAR:
            of_groups = await world.closer.read(TOWN, Flux.WATER, lambda records, month=month: records.living(month))
            of_areas = await world.closer.read_areas(TOWN, Flux.WATER, lambda records, month=month: records.living(month))
            for members in ([one.members for one in of_groups], [one.members for one in of_areas]):
                everybody = [home for some in members for home in some]
                assert len(everybody) == len(set(everybody))
                for some in members:
                    numbers = [atom for _, atom in some.values()]
                    assert min(numbers.count(atom) for atom in set(numbers)) >= 20
            released = await world.closer.read(TOWN, Flux.WATER, lambda records, month=month: records.releases([month]))
            formations = {one.formation.first_month: one.formation for one in of_groups}
            for one in released:
                cohort = formations[one.first_month].cohorts[one.cohort]
                assert cohort.atoms <= set(range(len(formations[one.first_month].areas)))


async def test_areas_that_overlap_tell_what_a_newcomer_uses(serve: Serve, many_homes: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def overlapping(real: Callable[..., AreaClosing]) -> Callable[..., AreaClosing]:
        def closed(month: date, survey: Any, readings: Any, living: Any) -> AreaClosing:
            frozen, anew = real(month, survey, readings, living), real(month, survey, readings, ())
            return replace(anew, totals={**frozen.totals, **anew.totals})

        return closed

    monkeypatch.setattr(task, "closed_areas", overlapping(task.closed_areas))
    async with serve(Growing(town=many_homes, asking=frozenset())) as world:
        await world.close(JANUARY, date(2026, 2, 1))
        told = await sums(world, date(2026, 2, 1))
        used = Growing(town=many_homes).month(2)[0]
        newcomer = used.amounts[-1, -used.month_days :].sum()
        assert sum(abs(one - newcomer) < 40 for one in differences(told)) > 0.7 * len(large(many_homes))
