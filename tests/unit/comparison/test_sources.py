"""Whose homes contribute: verified, consenting, and since the month began."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from comparison.adapters.sources import Sources
from comparison.domain.homes import Attributes, HomeType, Source
from comparison.domain.months import interval_of
from multiflux_client.people import Consent, Occupancy, Purpose
from multiflux_client.places import Dwelling, DwellingType, EnergySource, Place, PlaceParent
from multiflux_client.points import MeteringPoint, PointPlace
from vocabulary.civil import Granularity
from vocabulary.flux import Flux
from vocabulary.interval import Interval, Validity
from vocabulary.names import PersonId, PlaceId, PointId, TerritoryId
from vocabulary.place import PlaceLevel

TOWN = TerritoryId("town")
MONTH, NOW = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 15, tzinfo=UTC)
LONG_AGO, LATER = datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 1, 10, tzinfo=UTC)
JO = PersonId("jo")


def place(name: str, level: PlaceLevel, parent: str, **more: Any) -> Place:
    return Place(id=PlaceId(name), level=level, parents=(PlaceParent(parent=PlaceId(parent)),) if parent else (), **more)


PLACES = (
    place("commune", PlaceLevel.COMMUNE, "", position_in_parent=2),
    place("quarter", PlaceLevel.NEIGHBOURHOOD, "commune", position_in_parent=3),
    place("street", PlaceLevel.STREET, "quarter", position_in_parent=4),
    place("house", PlaceLevel.BUILDING, "street", position_in_parent=5),
    place("flat", PlaceLevel.PREMISE, "house", dwelling=Dwelling(type=DwellingType.FLAT, occupants=3, heating=EnergySource.WOOD)),
)
METER = MeteringPoint(id=PointId("flat-water"), flux=Flux.WATER, places=(PointPlace(place=PlaceId("flat"), validity=Validity()),))


def sources(occupancies: list[Occupancy], consents: list[Consent], **more: Any) -> Sources:
    async def listed(items: Any) -> AsyncIterator[Any]:
        for item in items:
            yield item

    async def place_of(name: PlaceId) -> Place:
        return next(one for one in PLACES if one.id == name)

    registry = SimpleNamespace(places=lambda **_: listed(PLACES), metering_points=lambda **_: listed([METER]), place=place_of)
    access = SimpleNamespace(occupancies=lambda: listed(occupancies), consents=lambda **_: listed(consents))
    clients: Any = SimpleNamespace(registry=registry, access=access, **more)
    return Sources(lambda _: clients)


def occupancy(start: datetime = LONG_AGO, verified: datetime | None = LONG_AGO, end: datetime | None = None) -> Occupancy:
    return Occupancy(person=JO, premise=PlaceId("flat"), validity=Validity(start=start, end=end), verify_time=verified)


def consent(start: datetime = LONG_AGO, person: PersonId = JO) -> Consent:
    return Consent(
        person=person,
        metering_point=METER.id,
        purpose=Purpose.PEER_COMPARISON,
        granularity=Granularity.MONTH,
        validity=Validity(start=start),
        proof_text="yes",
    )


@pytest.mark.parametrize(
    ("occupancies", "consents", "contributes"),
    [
        ([occupancy()], [consent()], True),
        ([occupancy()], [], False),
        ([], [consent()], False),
        ([occupancy(verified=None)], [consent()], False),
        ([occupancy(start=LATER)], [consent()], False),
        ([occupancy()], [consent(start=LATER)], False),
        ([occupancy(end=LATER)], [consent()], False),
        ([occupancy()], [consent(person=PersonId("the-one-before"))], False),
    ],
)
async def test_who_contributes_lives_there_and_consents_since_the_month_began(
    occupancies: list[Occupancy], consents: list[Consent], *, contributes: bool
) -> None:
    survey = await sources(occupancies, consents).survey(TOWN, Flux.WATER, NOW, MONTH)
    assert survey.holders == ({PlaceId("flat"): JO} if contributes else {})


async def test_homes_are_found_in_their_streets_with_what_was_declared() -> None:
    survey = await sources([], []).survey(TOWN, Flux.WATER, NOW, MONTH)
    (building,) = survey.buildings
    assert (building.id, building.street, building.neighbourhood, building.commune) == ("house", "street", "quarter", "commune")
    assert building.order == (3, 4, 5)
    assert survey.attributes == {PlaceId("flat"): Attributes(type=HomeType.FLAT, occupants=3, heating=Source.OTHER)}


async def test_a_home_is_known_by_its_months_and_their_degree_days_where_nearly_all_of_them_is() -> None:
    paris, december, january = ZoneInfo("Europe/Paris"), date(2025, 12, 1), date(2026, 1, 1)
    during = Interval(start=interval_of(december, paris).start, end=interval_of(january, paris).end)

    async def consumption(*_: Any, **__: Any) -> Any:
        starts = [int(interval_of(month, paris).start.timestamp()) for month in (december, january)]
        return SimpleNamespace(
            starts=np.array(starts),
            amounts=np.array([9_000, 5_000]),
            qualities=np.array([2, 2], np.uint8),
            coverage_percents=np.array([90, 79], np.uint8),
            time_zone="Europe/Paris",
        )

    asked_for = list[str]()

    async def degree_days(location: str, *_: Any) -> Any:
        asked_for.append(location)
        days = [december + timedelta(days=at) for at in range(62)]
        return SimpleNamespace(
            days=[
                SimpleNamespace(
                    date=day, heating_degree_days=None if (day.month == 12 and day.day > 25) or (day.month == 1 and day.day > 24) else 10.0
                )
                for day in days
            ]
        )

    async def stations() -> AsyncIterator[Any]:
        yield SimpleNamespace(id="far", places=(PlaceId("commune"),))
        yield SimpleNamespace(id="near", places=(PlaceId("street"),))

    weather = SimpleNamespace(degree_days=degree_days, stations=stations)
    asked = sources([], [consent()], metering=SimpleNamespace(consumption=consumption), weather=weather)
    above = tuple(PlaceId(name) for name in ("house", "street", "quarter", "commune"))
    await asked.own(TOWN, PlaceId("flat"), above, Flux.GAS, during, NOW)
    found = await asked.own(TOWN, PlaceId("flat"), above, Flux.GAS, during, NOW)
    assert asked_for == ["weatherStations/near"]
    assert found.amounts == {december: 10_000}
    assert found.degrees == {december: 310.0}
    assert (await asked.own(TOWN, PlaceId("flat"), above, Flux.WATER, during, NOW)).degrees == {}
