"""Areas of dwellings and their totals over a real channel, on both databases."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from comparison_service import HOME, NOW, TOWER, TOWN, Sources, World, served
from comparison_world import Town, building

from comparison.adapters.store import erase
from multiflux.comparison.v1 import comparison_service_pb2 as pb
from multiflux.comparison.v1 import comparison_service_pb2_grpc as pb_grpc
from multiflux.type.v1 import flux_pb2
from multiflux_client.comparison import ComparisonClient, Reach
from runtime.call import Grant
from vocabulary.flux import Flux, Quantity
from vocabulary.names import TerritoryId
from vocabulary.role import Role

JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
LARGE = building(2, 1)


@pytest.fixture
async def world(database_url: str, tmp_path: Path, clock: Any) -> AsyncIterator[World]:
    clock.advance(NOW - clock.now())
    town = Town({**Sources().town.homes, LARGE: 120})
    async with served(database_url, tmp_path, clock, Sources(town=town)) as world:
        yield world


async def test_areas_and_what_their_dwellings_used_are_listed(world: World) -> None:
    await world.close(JANUARY)
    service = world.with_role(Role.SERVICE)
    areas = [one async for one in service.areas(Flux.WATER, JANUARY)]
    assert [(one.reach, one.least_count, one.most_count) for one in areas] == [
        (Reach.BUILDING, 40, 99),
        (Reach.BUILDING, 100, 499),
        (Reach.STREET, 20, 39),
    ]
    assert (areas[0].places, areas[0].buildings, areas[2].places) == ((TOWER.id,), (TOWER.id,), (TOWER.street,))
    assert (areas[0].first_month, areas[0].end_month) == (JANUARY, date(2027, 1, 1))
    totals = [one async for one in service.totals(Flux.WATER, JANUARY)]
    assert [one.area for one in totals] == [one.name for one in areas] == [f"areas/water-2026-01-{number}" for number in range(3)]
    used = world.sources.town.readings(1)
    month = used.amounts[:, -used.month_days :].sum(axis=1)
    tower = [premise.startswith(f"{TOWER.id}-") for premise in used.premises]
    assert totals[0].amount == pytest.approx(month[tower].sum(), abs=31)
    assert (totals[0].quantity, totals[0].coverage_percent, totals[0].days) == (Quantity.VOLUME, 100, {})
    assert sum(totals[1].days.values()) == totals[1].amount
    assert list(totals[1].days) == list(range(1, 32))


async def test_a_total_never_changes_whatever_comes_later(world: World) -> None:
    await world.close(JANUARY)
    service = world.with_role(Role.SERVICE)
    before = [one async for one in service.totals(Flux.WATER, JANUARY)]
    world.sources.town = replace(world.sources.town, seed=9)
    await service.close_month(Flux.WATER, JANUARY)
    await world.close(FEBRUARY)
    assert [one async for one in service.totals(Flux.WATER, JANUARY)] == before
    assert [one.area async for one in service.totals(Flux.WATER, FEBRUARY)] == [one.area for one in before]


async def test_who_is_erased_is_in_no_later_total(world: World) -> None:
    await world.close(JANUARY)
    living = await world.closer.read_areas(TOWN, Flux.WATER, lambda records: records.living(FEBRUARY))
    await world.database.write(lambda connection: erase(connection, TOWN, living[0].members[HOME][0]))
    await world.close(FEBRUARY)
    used = world.sources.town.readings(2)
    month = dict(zip(used.premises, used.amounts[:, -used.month_days :].sum(axis=1), strict=True))
    total = (await world.with_role(Role.SERVICE).totals(Flux.WATER, FEBRUARY).page()).items[0]
    others = sum(amount for premise, amount in month.items() if premise.startswith(f"{TOWER.id}-") and premise != HOME)
    assert total.amount == pytest.approx(others, abs=31)
    assert total.coverage_percent == 90


async def test_long_lists_come_in_pages_and_a_token_is_for_its_own_question(world: World) -> None:
    await world.close(JANUARY, FEBRUARY)
    service = world.with_role(Role.SERVICE)
    first = await service.totals(Flux.WATER, JANUARY).page(size=2)
    rest = await service.totals(Flux.WATER, JANUARY).page(size=2, token=first.next_page_token)
    assert (len(first.items), len(rest.items), rest.next_page_token) == (2, 1, "")
    assert (await service.areas(Flux.WATER, JANUARY).page(size=2)).next_page_token
    wrong = service.totals(Flux.WATER, FEBRUARY).page(size=2, token=first.next_page_token)
    assert (await world.refusal(wrong)).reason == "PAGE_TOKEN_MISMATCH"
    assert (await world.refusal(service.areas(Flux.WATER, JANUARY).page(size=-1))).reason == "INVALID_REQUEST"


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.PLATFORM_OPERATOR, Role.COLLECTOR)])
async def test_what_is_published_is_for_everybody_who_is_signed_in(world: World, role: Role) -> None:
    await world.close(JANUARY)
    client = world.with_role(role, HOME if role is Role.HOUSEHOLD else None)
    assert [one async for one in client.totals(Flux.WATER, JANUARY)]
    assert [one async for one in client.areas(Flux.WATER, JANUARY)]


async def test_others_and_other_territories_see_nothing_and_wrong_questions_are_refused(world: World) -> None:
    await world.close(JANUARY)
    assert (await world.refusal(ComparisonClient(world.connection).totals(Flux.WATER, JANUARY).page())).reason == "TOKEN_MISSING"
    stranger = ComparisonClient(world.acting_as(Grant(role=Role.TERRITORY_ANALYST, place=None), territory=TerritoryId("elsewhere")))
    assert [one async for one in stranger.totals(Flux.WATER, JANUARY)] == []
    stub = pb_grpc.ComparisonServiceStub(world.connection.channel)
    service = world.acting_as(Grant(role=Role.SERVICE, place=None), subject="services/x")
    without_month = service.call(stub.ListTotals, pb.ListTotalsRequest(flux=flux_pb2.FLUX_WATER))
    of_heat = service.call(stub.ListAreas, pb.ListAreasRequest(flux=flux_pb2.FLUX_HEAT))
    assert {(await world.refusal(call)).reason for call in (without_month, of_heat)} == {"INVALID_REQUEST"}
