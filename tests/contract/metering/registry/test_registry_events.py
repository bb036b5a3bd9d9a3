"""Registry events over a real channel."""

from typing import Any
from uuid import uuid4

import grpc
import pytest

from multiflux.metering.v1 import metering_point_pb2, place_pb2
from multiflux.metering.v1 import registry_service_pb2 as pb
from multiflux.type.v1.place_level_pb2 import PLACE_LEVEL_COMMUNE
from runtime.statuses import failure_details
from vocabulary.role import Role


async def watched(town: Any, count: int, *, cursor: str = "", territory: str | None = "brioude") -> list[pb.WatchRegistryEventsResponse]:
    watcher = town.caller(Role.SERVICE, territory=territory)
    call = town.stub.WatchRegistryEvents(pb.WatchRegistryEventsRequest(cursor=cursor), metadata=watcher.metadata, timeout=20)
    found: list[pb.WatchRegistryEventsResponse] = []
    async for response in call:
        found.append(response)
        if len(found) == count:
            break
    call.cancel()
    return found


async def test_every_change_is_told_in_order_and_from_any_cursor_on(town: Any) -> None:
    speak = town.administrator
    await speak.create_place("north", PLACE_LEVEL_COMMUNE, "brioude", display_name="Nord")
    await speak.create_point("m", "north")
    await speak("DeleteMeteringPoint", pb.DeleteMeteringPointRequest(name="meters/m", request_id=str(uuid4())))
    await speak("DeletePlace", pb.DeletePlaceRequest(name="places/north", request_id=str(uuid4())))
    events = await watched(town, 6)
    changes = [response.event.WhichOneof("change") for response in events]
    assert changes == ["territory_changed", "places_changed", "places_changed", "points_changed", "point_deleted", "place_deleted"]
    assert {response.event.territory for response in events} == {"territories/brioude"}
    assert len({response.event.event_id for response in events}) == 6
    assert (events[2].event.places_changed.places[0].display_name, events[4].event.point_deleted) == ("Nord", "meters/m")
    assert await watched(town, 2, cursor=events[3].cursor) == events[4:]


async def test_events_of_points_carry_nothing_personal(town: Any) -> None:
    contract = metering_point_pb2.Contract(reference="C-1", subscribed_power_va=1)
    identifier = place_pb2.Identifier(scheme="water-contract", value="77")
    device = metering_point_pb2.Device(serial="S-9", digits=5)
    made = await town.administrator.create_point(
        "m", "brioude", display_name="chez Jo", contracts=[contract], identifiers=[identifier], devices=[device]
    )
    told = (await watched(town, 3))[2].event.points_changed.points[0]
    assert (told.name, told.etag, told.devices[0].digits, told.contracts[0].subscribed_power_va) == (made.name, made.etag, 5, 1)
    assert not any(secret in str(told) for secret in ("Jo", "C-1", "77", "S-9"))


async def test_a_watcher_of_one_territory_hears_of_no_other_and_one_of_none_of_all(town: Any) -> None:
    await town.found("allier")
    assert [r.event.territory for r in await watched(town, 2, territory="allier")] == ["territories/allier"] * 2
    everything = await watched(town, 4, territory=None)
    assert {response.event.territory for response in everything} == {"territories/allier", "territories/brioude"}


async def test_a_foreign_cursor_is_refused_and_so_is_who_is_no_service(town: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await watched(town, 1, cursor="nonsense")
    assert failure_details(refused.value).reason == "CURSOR_INVALID"
    call = town.stub.WatchRegistryEvents(pb.WatchRegistryEventsRequest(), metadata=town.administrator.metadata, timeout=20)
    with pytest.raises(grpc.aio.AioRpcError) as denied:
        await call.read()
    assert denied.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_a_refused_change_tells_nothing(town: Any) -> None:
    asked = pb.CreatePlaceRequest(place=place_pb2.Place(level=PLACE_LEVEL_COMMUNE), request_id=str(uuid4()))
    await town.administrator.refusal("CreatePlace", asked)
    await town.administrator.create_place("north", PLACE_LEVEL_COMMUNE, "brioude")
    assert (await watched(town, 3))[2].event.places_changed.places[0].name == "places/north"
