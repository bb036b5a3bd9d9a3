"""ComparisonService over a real channel, on both databases: who is told what, and the one answer to all else. Homes are made up."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from comparison_service import HOME, NOW, OWN, TOWER, TOWN, Sources, World, served
from comparison_world import Town

from comparison.adapters.store import erase
from comparison.adapters.tables import METADATA, RUNTIME
from comparison.closing import AutomaticClosing, close_due
from comparison.domain.homes import Attributes, HomeType
from comparison.domain.releases import value_of
from multiflux.comparison.v1 import comparison_pb2
from multiflux.comparison.v1 import comparison_service_pb2 as pb
from multiflux.comparison.v1 import comparison_service_pb2_grpc as pb_grpc
from multiflux.type.v1 import flux_pb2
from multiflux_client.comparison import ComparisonClient, Reach, Standing, WeatherCorrection
from multiflux_client.places import Territory
from runtime.call import Grant
from vocabulary.flux import Flux
from vocabulary.names import PlaceId, TerritoryId
from vocabulary.role import Role

JANUARY, FEBRUARY, MARCH = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
NEIGHBOUR = PlaceId("n1-s1-b1-h1")


@pytest.fixture
async def world(database_url: str, tmp_path: Path, clock: Any) -> AsyncIterator[World]:
    clock.advance(NOW - clock.now())
    async with served(database_url, tmp_path, clock, Sources()) as world:
        yield world


async def test_the_schema_is_that_of_the_tables(world: World) -> None:
    difference = await world.database.read(lambda connection: compare_metadata(MigrationContext.configure(connection), METADATA))
    assert difference == []


async def test_a_household_stands_in_its_building_and_its_neighbourhood_in_its_own_amounts(world: World) -> None:
    await world.close(JANUARY)
    found = await world.household().mine(Flux.WATER, JANUARY)
    assert (found.premise, found.month, found.own_amount, found.simulated) == (HOME, JANUARY, 3_000_000, True)
    assert [group.release.reach for group in found.groups] == [Reach.BUILDING, Reach.NEIGHBOURHOOD]
    building_group = found.groups[0]
    assert (building_group.release.least_count, building_group.release.most_count) == (40, 99)
    assert building_group.release.places == (TOWER.id,)
    assert building_group.fifth_standing is not None
    assert building_group.four_fifths_amount is None
    world.sources.own[HOME] = replace(OWN, amount=0.5 * building_group.median_amount)
    assert (await world.household().mine(Flux.WATER, JANUARY)).groups[0].median_standing is Standing.BELOW
    world.sources.own[HOME] = replace(OWN, amount=2.0 * building_group.median_amount)
    assert (await world.household().mine(Flux.WATER, JANUARY)).groups[0].median_standing is Standing.ABOVE
    for sentence in (building_group.sentence_fr, building_group.sentence_en, found.advice_fr, found.advice_en):
        assert sentence.endswith(".")
    assert "votre immeuble" in building_group.sentence_fr


async def test_an_edited_attribute_changes_what_the_household_sees_at_once(world: World) -> None:
    await world.close(JANUARY)
    before = (await world.household().mine(Flux.WATER, JANUARY)).groups[0]
    world.sources.own[HOME] = replace(OWN, attributes=Attributes(type=HomeType.FLAT, occupants=5))
    after_it = (await world.household().mine(Flux.WATER, JANUARY)).groups[0]
    assert after_it.release == before.release
    assert after_it.median_amount > 1.5 * before.median_amount


async def test_the_latest_month_is_told_when_none_is_named_and_the_history_of_all(world: World) -> None:
    await world.close(date(2025, 12, 1), JANUARY, FEBRUARY)
    assert (await world.household().mine(Flux.WATER)).month == FEBRUARY
    assert [one.month for one in await world.household().history(Flux.WATER)] == [FEBRUARY, JANUARY, date(2025, 12, 1)]


async def test_a_home_stands_beside_its_own_same_month_a_year_before(world: World) -> None:
    await world.close(JANUARY)
    before = (await world.household().mine(Flux.WATER, JANUARY)).year_on_year
    assert before is not None
    assert (before.month, before.amount, before.correction) == (date(2025, 1, 1), 3_000_000, WeatherCorrection.NOT_NEEDED)
    assert before.sentence_en == "You used about as much as in the same month a year earlier."
    moved_in = world.household(since=datetime(2025, 6, 1, tzinfo=UTC))
    assert (await moved_in.mine(Flux.WATER, JANUARY)).year_on_year is None


async def test_the_weather_of_a_year_before_is_corrected_for_where_it_is_known(world: World) -> None:
    await world.close(JANUARY, flux=Flux.GAS)
    cold = {date(2025, number, 1): 30.0 * max(0, abs(number - 7) * 2 - 3) for number in range(1, 13)}
    world.sources.used = {month: 1e9 + 2e7 * degrees for month, degrees in cold.items()} | {JANUARY: 4.5e9}
    unknown = (await world.household().mine(Flux.GAS, JANUARY)).year_on_year
    assert unknown is not None
    assert (unknown.correction, unknown.corrected_amount) == (WeatherCorrection.UNKNOWN, None)
    assert "not corrected for the weather, for want of data" in unknown.sentence_en
    assert "sans correction de la météo, faute de données" in unknown.sentence_fr
    world.sources.degrees = {**cold, JANUARY: cold[date(2025, 1, 1)] - 70}
    found = (await world.household().mine(Flux.GAS, JANUARY)).year_on_year
    assert found is not None
    assert (found.amount, found.corrected_amount) == (6_400_000_000, pytest.approx(5e9, rel=0.01))
    assert found.sentence_en == "With the same weather, you used 10% less than in the same month a year earlier."
    assert found.sentence_fr == "À météo égale, vous avez consommé 10 % de moins que le même mois un an plus tôt."


async def test_the_household_is_told_how_its_group_was_chosen(world: World) -> None:
    await world.close(JANUARY)
    found = await world.household().criteria(Flux.WATER)
    assert (found.end_month, found.fitted_home_count, found.own_factor) == (date(2027, 1, 1), 0, 1.0)
    assert set(found.terms) == {"occupants", "house", "garden"}
    assert "01/2027" in found.text_fr
    assert "01/2027" in found.text_en


async def test_there_is_one_answer_whatever_the_reason_is(world: World) -> None:
    await world.close(JANUARY)
    own = world.sources.own
    own[NEIGHBOUR] = replace(OWN, consents=False)
    own[PlaceId("n1-s1-b1-h2")] = replace(OWN, amount=None)
    own[PlaceId("n1-s1-b1-h3")] = replace(OWN, attributes=Attributes(hot_water_collective=True))
    reasons = [
        world.household().mine(Flux.WATER, FEBRUARY),
        world.household().mine(Flux.WATER, date(2030, 1, 1)),
        world.household().mine(Flux.GAS, JANUARY),
        world.household().mine(Flux.WATER, JANUARY, premise=NEIGHBOUR),
        world.household().mine(Flux.WATER, JANUARY, premise=PlaceId("nowhere")),
        world.household(NEIGHBOUR).mine(Flux.WATER, JANUARY),
        world.household(PlaceId("n1-s1-b1-h2")).mine(Flux.WATER, JANUARY),
        world.household(PlaceId("n1-s1-b1-h3")).mine(Flux.WATER, JANUARY),
        world.household(PlaceId("elsewhere")).mine(Flux.WATER, JANUARY),
        world.household(since=datetime(2026, 1, 20, tzinfo=UTC)).mine(Flux.WATER, JANUARY),
        world.household(PlaceId("elsewhere")).history(Flux.WATER),
        world.household(NEIGHBOUR).criteria(Flux.WATER),
    ]
    refusals = [await world.refusal(call) for call in reasons]
    assert len({(one.code, one.reason, one.message, tuple(one.metadata.items())) for one in refusals}) == 1
    assert refusals[0].reason == "NOT_AVAILABLE"


async def test_a_service_that_is_away_and_too_many_questions_get_the_same_answer(world: World) -> None:
    await world.close(JANUARY)
    world.sources.away = True
    assert (await world.refusal(world.household().mine(Flux.WATER, JANUARY))).reason == "NOT_AVAILABLE"
    world.sources.away = False
    for _ in range(19):
        await world.household().mine(Flux.WATER, JANUARY)
    assert (await world.refusal(world.household().mine(Flux.WATER, JANUARY))).reason == "NOT_AVAILABLE"
    world.clock.advance(timedelta(minutes=1))
    await world.household().mine(Flux.WATER, JANUARY)


async def test_prying_is_audited_and_never_looks_at_the_home_that_was_named(world: World) -> None:
    await world.close(JANUARY)
    await world.refusal(world.household().mine(Flux.WATER, JANUARY, premise=NEIGHBOUR))
    entries = await world.database.read(lambda connection: connection.execute(RUNTIME.audit_entry.select()).all())
    assert any(f"places/{NEIGHBOUR}" in str(entry) and "NOT_AVAILABLE" in str(entry) for entry in entries)
    assert NEIGHBOUR not in world.sources.looked_at


async def test_what_was_published_never_changes(world: World) -> None:
    await world.close(JANUARY)
    service = world.with_role(Role.SERVICE)
    before = await service.releases(Flux.WATER, JANUARY)
    world.sources.town = replace(world.sources.town, seed=9)
    closed = await service.close_month(Flux.WATER, JANUARY)
    assert (closed.release_count, closed.formed_group_count) == (len(before), 2)
    assert await service.releases(Flux.WATER, JANUARY) == before
    assert [one.median_amount for one in before] == [round(value_of(round_step(one.median_amount))) for one in before]


def round_step(amount: int) -> int:
    return next(step for step in range(200) if abs(value_of(step) - amount) < 1)


async def test_homes_contribute_only_what_their_own_households_used(world: World) -> None:
    await world.close(JANUARY)
    assert world.sources.since == [datetime(2025, 12, 31, 23, tzinfo=UTC)]


async def test_months_that_are_open_or_passed_are_refused_and_wrong_ones_too(world: World) -> None:
    administrator = world.with_role(Role.ADMINISTRATOR)
    assert (await world.refusal(administrator.close_month(Flux.WATER, MARCH))).reason == "MONTH_OPEN"
    await administrator.close_month(Flux.WATER, FEBRUARY)
    assert (await world.refusal(administrator.close_month(Flux.WATER, JANUARY))).reason == "MONTH_PASSED"
    assert (await world.refusal(administrator.close_month(Flux.HEAT, FEBRUARY))).reason == "INVALID_REQUEST"
    stub = pb_grpc.ComparisonServiceStub(world.connection.channel)
    service = world.acting_as(Grant(role=Role.SERVICE, place=None), subject="services/x")
    wrong = pb.ListReleasesRequest(flux=flux_pb2.FLUX_WATER)
    assert (await world.refusal(service.call(stub.ListReleases, wrong))).reason == "INVALID_REQUEST"


@pytest.mark.parametrize("year", [0, 1, 1969, 3_000, 9_999, -5])
async def test_years_that_no_calendar_of_ours_has_are_refused_as_such(world: World, year: int) -> None:
    stub = pb_grpc.ComparisonServiceStub(world.connection.channel)
    asking = world.acting_as(Grant(role=Role.HOUSEHOLD, place=HOME))
    request = pb.GetMyComparisonRequest(flux=flux_pb2.FLUX_WATER, month=comparison_pb2.Month(year=year, month=12))
    assert (await world.refusal(asking.call(stub.GetMyComparison, request))).reason == "INVALID_REQUEST"


async def test_who_is_erased_is_in_no_later_release(world: World) -> None:
    await world.close(JANUARY)
    living = await world.closer.read(TOWN, Flux.WATER, lambda records: records.living(FEBRUARY))
    holder = living[0].members[HOME][0]
    await world.database.write(lambda connection: erase(connection, TOWN, holder))
    living = await world.closer.read(TOWN, Flux.WATER, lambda records: records.living(FEBRUARY))
    assert HOME not in living[0].members
    assert len(living[0].members) == 68


async def test_a_new_territory_is_closed_once_its_people_are_all_there(world: World) -> None:
    async def territories() -> AsyncIterator[Territory]:
        yield await world.sources.territory(TOWN)

    closing = AutomaticClosing(world.closer, territories, partial(close_due, world.closer), months_back=2)
    service = world.with_role(Role.SERVICE)
    full = world.sources.town
    world.sources.town = Town({TOWER: 25})
    await closing.tick()
    world.sources.town = full
    await closing.tick()
    assert await service.releases(Flux.WATER, FEBRUARY) == []
    await closing.tick()
    for month in (date(2025, 12, 1), JANUARY, FEBRUARY):
        assert await service.releases(Flux.WATER, month)
    formed = await world.closer.read(TOWN, Flux.WATER, lambda records: records.formations())
    assert [sum(one.counts) for one in formed] == [69]


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.HOUSEHOLD, Role.DELEGATE)])
async def test_only_households_ask_for_their_own(world: World, role: Role) -> None:
    assert (await world.refusal(world.with_role(role).mine(Flux.WATER))).reason == "NOT_PERMITTED"
    assert (await world.refusal(world.with_role(role).history(Flux.WATER))).reason == "NOT_PERMITTED"
    assert (await world.refusal(world.with_role(role).criteria(Flux.WATER))).reason == "NOT_PERMITTED"


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.ADMINISTRATOR, Role.SERVICE)])
async def test_only_administrators_and_services_close_months(world: World, role: Role) -> None:
    assert (await world.refusal(world.with_role(role).close_month(Flux.WATER, JANUARY))).reason == "NOT_PERMITTED"
    if role is not Role.TERRITORY_ANALYST:
        assert (await world.refusal(world.with_role(role).releases(Flux.WATER, JANUARY))).reason == "NOT_PERMITTED"


async def test_another_territory_and_nobody_are_refused(world: World) -> None:
    await world.close(JANUARY)
    stranger = ComparisonClient(world.acting_as(Grant(role=Role.HOUSEHOLD, place=HOME), territory=TerritoryId("elsewhere")))
    assert (await world.refusal(stranger.mine(Flux.WATER, JANUARY))).reason == "NOT_AVAILABLE"
    assert (await world.refusal(ComparisonClient(world.connection).mine(Flux.WATER))).reason == "TOKEN_MISSING"
