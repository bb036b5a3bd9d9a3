"""A move is one call."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from multiflux.metering.v1 import metering_point_pb2, place_pb2
from multiflux.metering.v1 import registry_service_pb2 as pb
from multiflux.type.v1.place_level_pb2 import PLACE_LEVEL_BUILDING, PLACE_LEVEL_PREMISE
from vocabulary.role import Role
from wire.instants import instant_to_proto

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
OUT = datetime(2025, 6, 30, 22, tzinfo=UTC)
INTO = datetime(2025, 8, 14, 22, tzinfo=UTC)


@pytest.fixture
async def home(town: Any) -> Any:
    """A home of two people, with water and a second water meter in the garden that has no contract."""
    dwelling = place_pb2.Dwelling(type=place_pb2.DWELLING_TYPE_HOUSE, area_square_metres=90, occupants=4)
    await town.administrator.create_place("house", PLACE_LEVEL_BUILDING, "brioude")
    await town.administrator.create_place("home", PLACE_LEVEL_PREMISE, "house", dwelling=dwelling)
    contract = metering_point_pb2.Contract(validity=town.during(LONG_AGO, None), tariff="water-example", reference="old")
    await town.administrator.create_point("water", "home", contracts=[contract])
    await town.administrator.create_point("garden", "home")
    return town


def move(out: datetime | None, into: datetime | None, **contracts: str) -> pb.RecordMoveRequest:
    return pb.RecordMoveRequest(
        premise="places/home",
        move_out_time=instant_to_proto(out) if out else None,
        move_in_time=instant_to_proto(into) if into else None,
        contracts=[
            pb.MoveInContract(metering_point=f"meters/{point}", contract=metering_point_pb2.Contract(reference=reference))
            for point, reference in contracts.items()
        ],
        request_id=str(uuid4()),
    )


async def contracts_of(town: Any, point: str) -> list[tuple[str, Any]]:
    return [(contract.reference, contract.validity) for contract in (await town.administrator.point(point)).contracts]


async def test_a_move_ends_contracts_notes_the_vacancy_forgets_the_people_and_begins_contracts(home: Any) -> None:
    place = (await home.administrator("RecordMove", move(OUT, INTO, water="new"))).place
    assert place == await home.administrator.place("home")
    assert (place.dwelling.HasField("occupants"), place.dwelling.area_square_metres) == (False, 90)
    assert list(place.dwelling.vacancies) == [home.during(OUT, INTO)]
    assert await contracts_of(home, "water") == [("old", home.during(LONG_AGO, OUT)), ("new", home.during(INTO, None))]
    assert await contracts_of(home, "garden") == []


async def test_a_home_stays_vacant_until_somebody_moves_in(home: Any) -> None:
    place = (await home.administrator("RecordMove", move(OUT, None))).place
    assert list(place.dwelling.vacancies) == [home.during(OUT, None)]
    assert await contracts_of(home, "water") == [("old", home.during(LONG_AGO, OUT))]
    place = (await home.administrator("RecordMove", move(None, INTO, water="new", garden="roses"))).place
    assert list(place.dwelling.vacancies) == [home.during(OUT, INTO)]
    assert await contracts_of(home, "garden") == [("roses", home.during(INTO, None))]


async def test_a_move_without_a_gap_leaves_no_vacancy(home: Any) -> None:
    place = (await home.administrator("RecordMove", move(OUT, OUT, water="new"))).place
    assert list(place.dwelling.vacancies) == []
    assert await contracts_of(home, "water") == [("old", home.during(LONG_AGO, OUT)), ("new", home.during(OUT, None))]


@pytest.mark.parametrize(
    ("out", "into", "contracts", "reason"),
    [
        (None, None, {}, "MISSING_VALUE"),
        (INTO, OUT, {}, "OUT_OF_RANGE"),
        (OUT, None, {"water": "x"}, "MISSING_VALUE"),
        (OUT, INTO, {"elsewhere": "x"}, "POINT_NOT_AT_PREMISE"),
    ],
)
async def test_a_move_that_cannot_be_changes_nothing(home: Any, out: Any, into: Any, contracts: dict[str, str], reason: str) -> None:
    await home.administrator.create_point("elsewhere", "house")
    assert (await home.administrator.refusal("RecordMove", move(out, into, **contracts))).reason == reason
    assert (await home.administrator.place("home")).etag == "v1"
    assert (await home.administrator.point("water")).etag == "v1"


async def test_nobody_moves_into_a_public_site(home: Any) -> None:
    await home.administrator.create_place("school", PLACE_LEVEL_PREMISE, "house", public_site=place_pb2.PublicSite())
    request = move(OUT, None)
    request.premise = "places/school"
    assert (await home.administrator.refusal("RecordMove", request)).reason == "NOT_A_DWELLING"


async def test_a_move_is_told_once_with_all_that_it_changed(home: Any) -> None:
    request = move(OUT, INTO, water="new")
    first = await home.administrator("RecordMove", request)
    assert await home.administrator("RecordMove", request) == first
    watcher = home.caller(Role.SERVICE)
    call = home.stub.WatchRegistryEvents(pb.WatchRegistryEventsRequest(), metadata=watcher.metadata, timeout=20)
    moved, changes = [], []
    async for response in call:
        changes.append(response.event.WhichOneof("change"))
        if changes[-1] == "household_moved":
            moved.append(response.event)
            break
    call.cancel()
    assert changes[-3:] == ["places_changed", "points_changed", "household_moved"]
    assert moved[0].household_moved.premise == "places/home"
    assert (moved[0].household_moved.move_out_time, moved[0].household_moved.move_in_time) == (
        instant_to_proto(OUT),
        instant_to_proto(INTO),
    )
