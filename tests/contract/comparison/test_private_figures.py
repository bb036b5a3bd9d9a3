"""Figures under differential privacy over a real channel, on both databases: drawn once, charged once, told as they are."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from comparison_service import NOW, TOWN, Sources, World, served
from comparison_world import Town, building

from comparison.adapters.private_figures import draws
from comparison.adapters.store import erase
from comparison.adapters.tables import LEDGER, METADATA, RELEASE
from comparison.app import MIGRATIONS
from multiflux_client.comparison import Reach
from runtime.relational import Database
from vocabulary.flux import Flux
from vocabulary.names import PersonId, PlaceId
from vocabulary.role import Role

pytestmark = pytest.mark.skipif(draws() is None, reason="OpenDP is missing: install the extra `privacy`")
JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
HOME, ELSEWHERE = PlaceId("n1-s1-b2-h0"), PlaceId("n3-s1-b2-h0")


def commune(homes: int, *, neighbourhood: int, name: str) -> dict[Any, int]:
    """Return buildings of 50 flats in two neighbourhoods of a commune."""
    return {building(1, at, neighbourhood=neighbourhood + at % 2, commune=name): 50 for at in range(1, 1 + homes // 50)}


@pytest.fixture
async def world(database_url: str, tmp_path: Path, clock: Any) -> AsyncIterator[World]:
    clock.advance(NOW - clock.now())
    town = Town({**commune(500, neighbourhood=1, name="c1"), **commune(450, neighbourhood=3, name="c2")})
    async with served(database_url, tmp_path, clock, Sources(town=town, asking=frozenset([HOME, ELSEWHERE]))) as world:
        yield world


async def test_a_household_of_a_large_commune_is_given_what_was_drawn_and_told_what_that_does_not_cover(world: World) -> None:
    await world.close(JANUARY)
    groups = (await world.household(HOME).mine(Flux.WATER, JANUARY)).groups
    drawn = {group.release.reach: group for group in groups if group.private_median_amount is not None}
    assert drawn.keys() == {Reach.COMMUNE}
    group = drawn[Reach.COMMUNE]
    assert group.private_median_amount == pytest.approx(group.median_amount, rel=0.6)
    assert group.private_fifth_amount is not None
    assert "ne couvre pas les autres valeurs publiées" in group.private_note_fr
    assert "does not cover the other values that are published" in group.private_note_en
    assert all(group.private_note_fr == "" for group in groups if group.release.reach is not Reach.COMMUNE)


async def test_a_commune_of_fewer_than_five_hundred_homes_has_none(world: World) -> None:
    await world.close(JANUARY)
    releases = await world.with_role(Role.SERVICE).releases(Flux.WATER, JANUARY)
    drawn = [one for one in releases if one.private_median_amount is not None]
    assert [(one.reach, one.places, one.least_count) for one in drawn] == [(Reach.COMMUNE, (PlaceId("c1"),), 500)]


async def test_closing_again_draws_nothing_anew_and_charges_nothing(world: World) -> None:
    await world.close(JANUARY)
    service = world.with_role(Role.SERVICE)
    before = await service.releases(Flux.WATER, JANUARY), await service.privacy_ledgers(Flux.WATER, 2026)
    for _ in range(5):
        await service.close_month(Flux.WATER, JANUARY)
        assert (await service.releases(Flux.WATER, JANUARY), await service.privacy_ledgers(Flux.WATER, 2026)) == before


async def test_each_household_is_charged_for_each_figure_of_the_year(world: World) -> None:
    await world.close(JANUARY, FEBRUARY)
    await world.close(JANUARY, flux=Flux.ELECTRICITY)
    (ledger,) = await world.with_role(Role.TERRITORY_ANALYST).privacy_ledgers(Flux.WATER, 2026)
    assert (ledger.year, ledger.figure_count, ledger.budget_epsilon, ledger.delta) == (2026, 4, 2.4, 1e-6)
    assert ledger.spent_epsilon == pytest.approx(0.0075 + 2 * (0.0075 * 13.8155) ** 0.5, rel=1e-4)
    rows = await world.database.read(lambda connection: connection.execute(LEDGER.select()).all())
    assert len(rows) == 500
    assert {(row.year, row.figures) for row in rows} == {(2026, 6)}
    own = await world.household(HOME).criteria(Flux.WATER)
    assert (own.private_figure_count, own.private_spent_epsilon) == (6, pytest.approx(ledger.spent_epsilon))
    other = await world.household(ELSEWHERE).criteria(Flux.WATER)
    assert (other.private_figure_count, other.private_spent_epsilon) == (0, 0)
    assert await world.with_role(Role.ADMINISTRATOR).privacy_ledgers(Flux.WATER, 2025) == []


async def test_nothing_is_kept_of_a_person_who_is_erased(world: World) -> None:
    await world.close(JANUARY)
    await world.database.write(lambda connection: erase(connection, TOWN, PersonId(f"p-{HOME}")))
    rows = await world.database.read(lambda connection: connection.execute(LEDGER.select()).all())
    assert len(rows) == 499


async def test_wrong_years_and_others_who_ask_are_refused(world: World) -> None:
    assert (await world.refusal(world.with_role(Role.SERVICE).privacy_ledgers(Flux.WATER, 0))).reason == "INVALID_REQUEST"
    allowed = (Role.ADMINISTRATOR, Role.TERRITORY_ANALYST, Role.SERVICE)
    for role in (role for role in Role if role not in allowed):
        assert (await world.refusal(world.with_role(role).privacy_ledgers(Flux.WATER, 2026))).reason == "NOT_PERMITTED"


def test_the_migration_goes_down_and_up_and_keeps_what_was_published(database_url: str) -> None:
    key = {"territory": "town", "flux": 1, "month": JANUARY, "first_month": JANUARY, "cohort": 0}
    database = Database.open(database_url)
    database.migrate(MIGRATIONS)
    with database._writing.begin() as connection:
        connection.execute(RELEASE.insert().values(**key, median=70, least_count=20, published=NOW))
    database.downgrade(MIGRATIONS, "0003")
    database.migrate(MIGRATIONS)
    with database._reading.begin() as connection:
        (row,) = connection.execute(RELEASE.select()).all()
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    database.close()
    assert (row.median, row.private_median, row.private_fifth) == (70, None, None)
