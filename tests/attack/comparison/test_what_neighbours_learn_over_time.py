"""Who moves in, hides among few, counts twice, or sends readings late; each attack succeeds when the defence that it names is gone."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import numpy as np
import pytest
from attack_town import Growing, large
from comparison_service import HOME, TOWN, TownSources, World
from comparison_world import JANUARY, Town, building

from comparison.adapters.tables import CLOSED, RELEASE, TOTAL
from comparison.domain import atoms, releases, task
from comparison.domain.closing import Survey
from comparison.domain.releases import RATIO
from vocabulary.flux import Flux
from vocabulary.names import PersonId, PlaceId, TerritoryId
from vocabulary.role import Role

FEBRUARY = date(2026, 2, 1)
Serve = Any
Told = tuple[list[int], dict[tuple[PlaceId, ...], int]]


async def told(world: World, month: date) -> Told:
    """Return what anybody is told of a month: medians, and totals by the buildings of their areas."""
    service = world.with_role(Role.SERVICE)
    medians = [one.median_amount for one in await service.releases(Flux.WATER, month)]
    areas = {one.name: one.buildings async for one in service.areas(Flux.WATER, month)}
    return medians, {areas[one.area]: one.amount async for one in service.totals(Flux.WATER, month)}


async def told_of_february(serve: Serve, sources: TownSources) -> Told:
    async with serve(sources) as world:
        await world.close(JANUARY, FEBRUARY)
        return await told(world, FEBRUARY)


async def test_who_moves_in_changes_nothing_that_is_told(serve: Serve, many_homes: Town) -> None:
    without = await told_of_february(serve, TownSources(town=many_homes))
    assert len(without[0]) > len(without[1]) >= 80
    assert await told_of_february(serve, Growing(town=many_homes)) == without


async def test_without_frozen_members_every_total_tells_what_a_newcomer_uses(
    serve: Serve, many_homes: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = task.closed_areas
    monkeypatch.setattr(task, "closed_areas", lambda month, survey, readings, _: frozen(month, survey, readings, ()))
    without = await told_of_february(serve, TownSources(town=many_homes))
    grown = await told_of_february(serve, Growing(town=many_homes))
    used = Growing(town=many_homes).month(2)[0]
    newcomer = used.amounts[-1, -used.month_days :].sum()
    found = [grown[1][one.id,] - without[1][one.id,] for one in large(many_homes) if {(one.id,)} <= grown[1].keys() & without[1].keys()]
    assert len(found) > 60
    assert found == pytest.approx([newcomer] * len(found), rel=1e-6)


@pytest.mark.parametrize("homes", [1, 10, 14, 19])
async def test_of_a_town_of_too_few_homes_nothing_is_told(serve: Serve, homes: int) -> None:
    async with serve(TownSources(town=Town({building(1, 1): homes}))) as world:
        await world.close(JANUARY)
        assert (await world.refusal(world.household().mine(Flux.WATER, JANUARY))).reason == "NOT_AVAILABLE"
        assert await told(world, JANUARY) == ([], {})


async def test_without_a_least_number_something_is_told_of_a_town_of_nineteen_homes(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atoms.formed, "__defaults__", (1,))
    async with serve(TownSources(town=Town({building(1, 1): 19}))) as world:
        await world.close(JANUARY)
        assert len((await told(world, JANUARY))[0]) == 1


class Deserted(TownSources):
    """A group of twenty of which all but one are the attacker's, who withdraws them in February."""

    async def survey(self, territory: TerritoryId, flux: Flux, at: datetime, since: datetime) -> Survey:
        survey = await super().survey(territory, flux, at, since)
        if since.month == 12:  # January begins in December's last hour, in UTC
            return survey
        left = {HOME: survey.holders[HOME]}
        return replace(survey, holders=left, occupants=left)


async def test_who_is_left_alone_in_a_group_is_not_told(serve: Serve) -> None:
    async with serve(Deserted(town=Town({building(1, 1): 20}))) as world:
        await world.close(JANUARY, FEBRUARY)
        assert len((await told(world, JANUARY))[0]) == 1
        assert await told(world, FEBRUARY) == ([], {})


async def test_without_a_least_number_that_stays_who_is_left_alone_is_told_as_they_are(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(releases, "PUBLISHED", 1)
    async with serve(Deserted(town=Town({building(1, 1): 20}))) as world:
        await world.close(JANUARY, FEBRUARY)
        ((median,), _) = await told(world, FEBRUARY)
        household = world.household()
        own, factor = (await household.mine(Flux.WATER, FEBRUARY)).own_amount, (await household.criteria(Flux.WATER)).own_factor
        assert RATIO**-0.5 <= median / (own / factor) <= RATIO**0.5


class Landlord(TownSources):
    """A building of 40 homes, of which one person holds all but fifteen."""

    async def survey(self, territory: TerritoryId, flux: Flux, at: datetime, since: datetime) -> Survey:
        survey = await super().survey(territory, flux, at, since)
        owned = {premise: (PersonId("landlord") if at >= 15 else holder) for at, (premise, holder) in enumerate(survey.holders.items())}
        return replace(survey, holders=owned, occupants=owned)


async def test_who_holds_many_homes_is_one_vote(serve: Serve) -> None:
    async with serve(Landlord(town=Town({building(1, 1): 40}))) as world:
        await world.close(JANUARY)
        assert await told(world, JANUARY) == ([], {})


async def test_without_one_vote_who_holds_all_others_makes_a_group_and_knows_its_sum(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    def each_home(contributors: Any) -> dict[PlaceId, list[Any]]:
        found = dict[PlaceId, list[Any]]()
        for one in contributors:
            found.setdefault(one.building, []).append(one)
        return found

    monkeypatch.setattr(atoms, "_by_building", each_home)
    async with serve(Landlord(town=Town({building(1, 1): 40}))) as world:
        await world.close(JANUARY)
        medians, totals = await told(world, JANUARY)
        assert len(medians) == len(totals) == 1


async def corrected(world: World, made: Town) -> None:
    """One home's January is sent again, ten times as much; then January is closed once more."""
    january = made.readings(1)
    amounts = np.where(np.arange(len(january.premises))[:, None] == 3, 10, 1) * january.amounts
    assert isinstance(world.sources, TownSources)
    world.sources.asked[1] = replace(january, amounts=amounts), {}
    await world.close(JANUARY)


async def test_readings_that_come_late_change_nothing_that_was_told(serve: Serve, many_homes: Town) -> None:
    async with serve(TownSources(town=many_homes)) as world:
        await world.close(JANUARY)
        before = await told(world, JANUARY)
        await corrected(world, many_homes)
        for _ in range(100):
            assert await told(world, JANUARY) == before


async def test_without_what_is_kept_a_late_reading_is_told_by_the_difference(serve: Serve, many_homes: Town) -> None:
    async with serve(TownSources(town=many_homes)) as world:
        await world.close(JANUARY)
        before = await told(world, JANUARY)
        # As if releases were computed when they are asked for.
        for table in (RELEASE, TOTAL, CLOSED):
            await world.database.write(lambda connection, table=table: connection.execute(table.delete().where(table.c.territory == TOWN)))
        await corrected(world, many_homes)
        after = await told(world, JANUARY)
        january = many_homes.readings(1)
        extra = 9 * january.amounts[3, -january.month_days :].sum()
        assert max(after[1][area] - amount for area, amount in before[1].items()) == pytest.approx(extra, rel=1e-6)
