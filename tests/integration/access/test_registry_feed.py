"""Access follows a registry over a real channel: places, points and moves, missed events, and a registry that is away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from access_world import World, access_world, timestamp

from multiflux.metering.v1 import metering_point_pb2, place_pb2, registry_event_pb2
from multiflux.metering.v1 import registry_service_pb2 as pb
from multiflux.type.v1 import flux_pb2, place_level_pb2
from multiflux_client.access import AccessClient
from multiflux_client.failures import RemoteFailure
from multiflux_client.people import Person
from runtime.outbox import CursorExpired
from runtime.statuses import status_of
from vocabulary.names import PlaceId, TerritoryId

FED = TerritoryId("fed")
FLAT = PlaceId("flat")


@dataclass
class Registry:
    """A registry that tells what the test says, and remembers who asked."""

    events: list[registry_event_pb2.RegistryEvent] = field(default_factory=list[registry_event_pb2.RegistryEvent])
    asked: list[str] = field(default_factory=list[str])
    expired: bool = False
    listed: list[place_pb2.Place] = field(default_factory=lambda: PLACES)
    more: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, **change: Any) -> None:
        number = str(len(self.events) + 1)
        self.events.append(
            registry_event_pb2.RegistryEvent(event_id=number, territory=f"territories/{FED}", occur_time=new_year(), **change)
        )
        self.more.set()

    async def watch(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self.asked.append(request.cursor)
        if self.expired:
            self.expired = False
            await context.abort_with_status(status_of(CursorExpired("gone"), area="metering", request_id="x"))
        number = int(request.cursor or 0)
        while True:
            while number < len(self.events):
                number += 1
                yield pb.WatchRegistryEventsResponse(event=self.events[number - 1], cursor=str(number))
            self.more.clear()
            await self.more.wait()

    async def territories(self, _request: Any, _context: Any) -> Any:
        return pb.ListTerritoriesResponse(territories=[TERRITORY])

    async def places(self, _request: Any, _context: Any) -> Any:
        return pb.ListPlacesResponse(places=self.listed)

    async def points(self, _request: Any, _context: Any) -> Any:
        return pb.ListMeteringPointsResponse(metering_points=POINTS)


TERRITORY = place_pb2.Territory(name="territories/fed", display_name="Fed", time_zone="Europe/Paris", currency_code="EUR")
PLACES = [
    place_pb2.Place(name="places/all", level=place_level_pb2.PLACE_LEVEL_TERRITORY),
    place_pb2.Place(name="places/flat", level=place_level_pb2.PLACE_LEVEL_PREMISE, parents=[place_pb2.PlaceParent(parent="places/all")]),
]
POINTS = [
    metering_point_pb2.MeteringPoint(name="meters/m", flux=flux_pb2.FLUX_WATER, places=[metering_point_pb2.PointPlace(place="places/flat")])
]


def handlers(registry: Registry) -> grpc.GenericRpcHandler:
    """Return the methods of RegistryService that access calls."""
    methods = {
        "WatchRegistryEvents": grpc.unary_stream_rpc_method_handler(registry.watch, **codecs("WatchRegistryEvents")),
        "ListTerritories": grpc.unary_unary_rpc_method_handler(registry.territories, **codecs("ListTerritories")),
        "ListPlaces": grpc.unary_unary_rpc_method_handler(registry.places, **codecs("ListPlaces")),
        "ListMeteringPoints": grpc.unary_unary_rpc_method_handler(registry.points, **codecs("ListMeteringPoints")),
    }
    return grpc.method_handlers_generic_handler("multiflux.metering.v1.RegistryService", methods)


def codecs(method: str) -> Any:
    return {
        "request_deserializer": getattr(pb, f"{method}Request").FromString,
        "response_serializer": getattr(pb, f"{method}Response").SerializeToString,
    }


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await condition():  # noqa: ASYNC110 - what another process hears has no event here
            await asyncio.sleep(0.05)


def new_year() -> Any:
    return timestamp(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def registry(request: pytest.FixtureRequest) -> Registry:
    param = getattr(request, "param", "")
    # Without a list, what is known is known from events alone.
    return Registry(expired=param == "expired", listed=[] if param == "unlisted" else PLACES)


@pytest_asyncio.fixture
async def world(registry: Registry, tmp_path: Path, clock: Any, free_port: int) -> AsyncIterator[World]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handlers(registry),))
    server.add_insecure_port(f"127.0.0.1:{free_port}")
    await server.start()
    settings = {"registry_target": f"127.0.0.1:{free_port}"}
    async with access_world(f"sqlite:///{tmp_path}/access.sqlite", tmp_path, clock, settings=settings) as world:
        yield world
    await server.stop(0)


async def until_known(administrator: AccessClient, world: World) -> str:
    """Return a code for the flat, once access has heard of it."""
    codes: list[str] = []

    async def known() -> bool:
        with suppress(RemoteFailure):
            codes.append((await administrator.issue_occupancy_code(FLAT, world.clock.now() - timedelta(days=9))).code)
        return bool(codes)

    await until(known)
    return codes[0]


async def test_places_that_the_registry_tells_of_are_known_and_moves_end_occupancies(world: World, registry: Registry) -> None:
    registry.tell(territory_changed=TERRITORY)
    registry.tell(places_changed=registry_event_pb2.PlacesChanged(places=PLACES))
    registry.tell(points_changed=registry_event_pb2.PointsChanged(points=POINTS))
    administrator = world.administrator(FED)
    code = await until_known(administrator, world)
    await administrator.create_person(Person(display_name="Zoé"), person_id="zoe")
    await world.client(world.token("people/zoe", territory=FED)).claim_occupancy(code)
    moved = world.clock.now() - timedelta(days=1)
    registry.tell(household_moved=registry_event_pb2.HouseholdMoved(premise="places/flat", move_out_time=timestamp(moved)))

    async def ended() -> bool:
        return [one.validity.end async for one in administrator.occupancies()] == [moved]

    await until(ended)
    entries = [entry async for entry in administrator.audit_entries(subject="people/zoe")]
    assert ("services/metering", "RecordMove") in {(entry.actor, entry.method.rpartition("/")[2]) for entry in entries}


@pytest.mark.parametrize("registry", ["expired"], indirect=True)
async def test_events_that_were_missed_are_made_up_by_listing_everything(world: World, registry: Registry) -> None:
    async def asked_again() -> bool:
        return len(registry.asked) > 1

    await until(asked_again)
    assert registry.asked == ["", ""]
    assert not registry.expired
    await until_known(world.administrator(FED), world)


@pytest.mark.parametrize("registry", ["unlisted"], indirect=True)
async def test_a_restart_goes_on_where_it_was(world: World, registry: Registry, tmp_path: Path) -> None:
    registry.tell(territory_changed=TERRITORY)
    registry.tell(places_changed=registry_event_pb2.PlacesChanged(places=PLACES))
    await until_known(world.administrator(FED), world)
    url = f"sqlite:///{tmp_path}/access.sqlite"
    settings = {"registry_target": world.settings.registry_target}
    async with access_world(url, tmp_path, world.clock, settings=settings):

        async def asked_again() -> bool:
            return len(registry.asked) > 1

        await until(asked_again)
    assert registry.asked == ["", "2"]
