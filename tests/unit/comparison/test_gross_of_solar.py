"""Electricity is gross of solar panels: two homes that use the same stand the same, whatever one of them makes itself."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from comparison.adapters.sources import Sources
from comparison.domain.months import interval_of
from comparison.domain.similarity import shipped
from multiflux_client.places import Dwelling, Place, PlaceParent, Territory
from multiflux_client.points import Channel, MeteringPoint, PointPlace
from vocabulary.civil import Granularity, slots
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.interval import Interval, Validity
from vocabulary.names import PlaceId, PointId, TerritoryId
from vocabulary.place import PlaceLevel

PARIS, JUNE, NOW = ZoneInfo("Europe/Paris"), date(2026, 6, 1), datetime(2026, 7, 15, tzinfo=UTC)
TOWN = Territory(id=TerritoryId("town"), display_name="Town", time_zone="Europe/Paris", simulated=True, root_place=PlaceId("town"))
LEVELS = (PlaceLevel.COMMUNE, PlaceLevel.NEIGHBOURHOOD, PlaceLevel.STREET, PlaceLevel.BUILDING)
ABOVE = tuple(
    Place(id=PlaceId(level.name), level=level, parents=(PlaceParent(parent=PlaceId(parent)),) if parent else ())
    for level, parent in zip(LEVELS, ("", *(one.name for one in LEVELS)), strict=False)
)


def home(name: str, *, panels: bool) -> Place:
    return Place(
        id=PlaceId(name),
        level=PlaceLevel.PREMISE,
        parents=(PlaceParent(parent=PlaceId("BUILDING")),),
        dwelling=Dwelling(occupants=3, area_square_metres=90, solar_panels=panels),
    )


def meter(of: str, *directions: Direction) -> MeteringPoint:
    return MeteringPoint(
        id=PointId(f"{of}-meter"),
        flux=Flux.ELECTRICITY,
        places=(PointPlace(place=PlaceId(of), validity=Validity()),),
        channels=tuple(Channel(channel_id=one.name, quantity=Quantity.ENERGY, direction=one) for one in directions),
    )


HOMES = (home("plain", panels=False), home("solar", panels=True), home("unmeasured", panels=True))
METERS = (meter("plain", Direction.IMPORT), meter("solar", *Direction), meter("unmeasured", Direction.IMPORT))


class Metering:
    """Each home uses 36 MJ a day; the solar one makes a part of it, and gives away what it makes too much."""

    def __init__(self, *, gap: Direction | None = None) -> None:
        self.gap = gap

    def series(self, home: str, during: Interval, granularity: Granularity, direction: Direction) -> Any:
        days = [slot for slot in slots(during, Granularity.DAY, PARIS) if slot.start >= during.start]
        used = np.full(len(days), 36_000_000)
        made = np.random.default_rng(1).integers(5_000_000, 60_000_000, len(days)) * (home == "solar")
        kept = np.minimum(used, made)
        amounts = {Direction.IMPORT: used - kept, Direction.PRODUCTION: made, Direction.INJECTION: made - kept}[direction]
        starts = np.array([int(slot.start.timestamp()) for slot in days])
        qualities = np.full(len(days), 2, np.uint8)
        qualities[-20:] *= self.gap is not direction
        if granularity is Granularity.MONTH:
            amounts, starts, qualities = amounts.sum(keepdims=True), starts[:1], qualities[-1:]
        return SimpleNamespace(
            resource=f"meters/{home}-meter",
            starts=starts,
            amounts=amounts,
            qualities=qualities,
            coverage_percents=np.full(len(starts), 100, np.uint8),
            time_zone="Europe/Paris",
        )

    async def consumptions(self, place: PlaceId, flux: Flux, during: Interval, granularity: Granularity) -> AsyncIterator[Any]:
        del place, flux
        for one in HOMES:
            yield self.series(one.id, during, granularity, Direction.IMPORT)

    async def consumption(
        self, resource: str, flux: Flux, during: Interval, granularity: Granularity, *, direction: Direction = Direction.IMPORT
    ) -> Any:
        del flux
        return self.series(resource.split("/")[1].removesuffix("-meter"), during, granularity, direction)


def sources(metering: Metering) -> Sources:
    async def listed(items: Any) -> AsyncIterator[Any]:
        for item in items:
            yield item

    async def place(name: PlaceId) -> Place:
        return next(one for one in HOMES if one.id == name)

    def points(*, within: PlaceId | None = None, **_: Any) -> AsyncIterator[Any]:
        return listed([one for one in METERS if within is None or one.places[0].place == within])

    registry = SimpleNamespace(places=lambda **_: listed((*ABOVE, *HOMES)), metering_points=points, place=place)
    access = SimpleNamespace(
        occupancies=lambda: listed([]), consents=lambda **asked: listed([object()] if "metering_point" in asked else [])
    )

    weather = SimpleNamespace(stations=lambda: listed([]))
    clients: Any = SimpleNamespace(registry=registry, access=access, metering=metering, weather=weather)
    return Sources(lambda _: clients)


async def test_homes_that_use_the_same_have_the_same_index_with_and_without_panels() -> None:
    asked, during = sources(Metering()), interval_of(JUNE, PARIS)
    used: dict[str, float] = {**(await asked.readings(TOWN, Flux.ELECTRICITY, JUNE)).totals()}
    assert used["plain"] == used["solar"] == 30 * 36_000_000
    assert used["unmeasured"] == used["plain"]
    survey = await asked.survey(TOWN.id, Flux.ELECTRICITY, NOW, during.start)
    factor = {name: shipped(Flux.ELECTRICITY).factor(survey.attributes[PlaceId(name)]) for name in ("plain", "solar", "unmeasured")}
    assert factor["plain"] == factor["solar"]
    assert factor["unmeasured"] is None


async def test_a_household_sees_its_own_gross_amount() -> None:
    asked, during = sources(Metering()), interval_of(JUNE, PARIS)
    plain, solar = [await asked.own(TOWN.id, PlaceId(name), (), Flux.ELECTRICITY, during, NOW) for name in ("plain", "solar")]
    assert plain.amounts == solar.amounts == {JUNE: 30 * 36_000_000}
    assert plain.attributes == solar.attributes
    assert plain.consents


@pytest.mark.parametrize("gap", [Direction.PRODUCTION, Direction.INJECTION])
async def test_days_on_which_what_is_made_is_not_known_are_not_known(gap: Direction) -> None:
    asked, during = sources(Metering(gap=gap)), interval_of(JUNE, PARIS)
    assert "solar" not in (await asked.readings(TOWN, Flux.ELECTRICITY, JUNE)).totals()
    assert (await asked.own(TOWN.id, PlaceId("solar"), (), Flux.ELECTRICITY, during, NOW)).amounts == {}
