"""An access service on a real port, at a clock that is set, with a small town: what the tests of access stand on."""

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from access.adapters.audit_trail import AuditTrail
from access.adapters.digests import Digests
from access.adapters.registry_feed import RegistryFeed
from access.adapters.tables import AccessTables, access_tables
from access.app import assembled
from access.settings import AccessSettings
from multiflux.access.v1 import access_service_pb2 as pb
from multiflux.access.v1 import person_pb2
from multiflux.access.v1.access_service_pb2_grpc import AccessServiceStub
from multiflux_client.access import AccessClient, InternalToken, SubjectToken
from multiflux_client.channel import Connection, Target
from multiflux_client.credentials import FixedToken
from multiflux_client.places import Place, PlaceParent, Territory
from multiflux_client.points import Channel, MeteringPoint, PointPlace
from multiflux_client.registry import HouseholdMoved, PlacesChanged, PointsChanged, RegistryEvent
from runtime.call import Caller, Grant
from runtime.outbox import Outbox
from runtime.relational import Database
from runtime.server import Service, serving
from runtime.statuses import FailureDetails, failure_details
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.interval import Validity
from vocabulary.names import PersonId, PlaceId, PointId, TerritoryId
from vocabulary.place import PlaceLevel
from vocabulary.role import Role

T = TypeVar("T")

DEMO = TerritoryId("demo")
OTHER = TerritoryId("other")
HOME, NEXT_DOOR, AWAY = PlaceId("home"), PlaceId("next-door"), PlaceId("away")
POINT, POINT_AWAY = PointId("linky"), PointId("far")
TOWN, QUARTER, FAR_QUARTER = PlaceId("town"), PlaceId("quarter"), PlaceId("far-quarter")

_LEVELS = {
    TOWN: (PlaceLevel.TERRITORY, None),
    QUARTER: (PlaceLevel.NEIGHBOURHOOD, TOWN),
    FAR_QUARTER: (PlaceLevel.NEIGHBOURHOOD, TOWN),
    HOME: (PlaceLevel.PREMISE, QUARTER),
    NEXT_DOOR: (PlaceLevel.PREMISE, QUARTER),
    AWAY: (PlaceLevel.PREMISE, FAR_QUARTER),
}


@dataclass
class World:
    """The service, and ways to call it and to tell it what the registry would."""

    service: Service
    clock: Any
    settings: AccessSettings
    connection: Connection
    database: Database
    tables: AccessTables
    feed: RegistryFeed

    @property
    def stub(self) -> Any:
        return AccessServiceStub(self.connection.channel)

    def token(self, subject: str, *grants: Grant, territory: TerritoryId | None = DEMO) -> str:
        """Return an internal token such as the service signs, for whomever a test needs."""
        caller = Caller(subject=subject, territory=territory, grants=grants)
        keys: Any = self.service.verifier._keys
        return keys.sign(caller, self.clock.now())[0]

    def client(self, token: str = "") -> AccessClient:
        return AccessClient(self.connection.with_tokens(FixedToken(token) if token else None))

    def administrator(self, territory: TerritoryId = DEMO) -> AccessClient:
        return self.client(self.token("people/administrator", Grant(role=Role.ADMINISTRATOR, place=None), territory=territory))

    def for_services(self, territory: TerritoryId | None = DEMO) -> AccessClient:
        return self.client(self.token("services/metering", Grant(role=Role.SERVICE, place=None), territory=territory))

    async def sign_in(self, person: str, territory: TerritoryId = DEMO, *, home: TerritoryId = DEMO) -> InternalToken:
        """Sign in with the local issuer and exchange the token."""
        subject: SubjectToken = await self.client().sign_in_locally(PersonId(person), home)
        return await self.client().exchange_token(subject, territory=territory)

    async def signed_in(self, person: str) -> AccessClient:
        return self.client((await self.sign_in(person)).token)

    async def call(self, method: str, request: Message, token: str = "") -> Any:
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        return await getattr(self.stub, method)(request, metadata=metadata, timeout=10)

    async def refused(self, method: str, request: Message, token: str = "") -> FailureDetails:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await self.call(method, request, token)
        return failure_details(raised.value)

    async def resident(self, person: str, since: datetime, premise: PlaceId = HOME) -> AccessClient:
        """Let a person move in with a posted code, and return it signed in."""
        code = await self.administrator().issue_occupancy_code(premise, since)
        await (await self.signed_in(person)).claim_occupancy(code.code)
        return await self.signed_in(person)

    async def tell(self, **change: Any) -> None:
        """Let the registry tell of a change, once."""
        territory = change.pop("territory", DEMO)
        event = RegistryEvent(event_id=str(uuid4()), territory=territory, occur_time=self.clock.now(), **change)
        await self.database.write(lambda connection: self.feed.apply(connection, event))

    async def move_out(self, at: datetime, premise: PlaceId = HOME) -> None:
        await self.tell(household_moved=HouseholdMoved(premise=premise, move_out_time=at))

    async def sweep(self) -> int:
        """Do what is done every minute to the audit log."""
        digests = Digests((self.settings.secrets_directory / "digests.key").read_text().encode())
        return await AuditTrail(self.database, self.tables, digests, self.clock).sweep()

    async def build_town(self, territory: TerritoryId = DEMO) -> None:
        root = Territory(id=territory, display_name="Ville", time_zone="Europe/Paris", currency_code="EUR", root_place=TOWN)
        await self.tell(territory=territory, territory_changed=root)
        places = tuple(
            Place(id=place, level=level, parents=() if parent is None else (PlaceParent(parent=parent),))
            for place, (level, parent) in _LEVELS.items()
        )
        await self.tell(territory=territory, places_changed=PlacesChanged(places=places))
        points = (metering_point(POINT, HOME), metering_point(POINT_AWAY, AWAY))
        await self.tell(territory=territory, points_changed=PointsChanged(points=points))


@asynccontextmanager
async def access_world(
    database_url: str,
    folder: Path,
    clock: Any,
    *,
    extend: Callable[[Service], Service] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> AsyncGenerator[World]:
    """Serve access, and what `extend` adds, on a free port over an empty database, with the town in it."""
    defaults: dict[str, Any] = {"registry_target": "", "calls_per_minute": 100_000, "call_burst": 100_000}
    configured = AccessSettings(
        port=0, metrics_port=0, data_directory=folder, database_url=database_url, **{**defaults, **(settings or {})}
    )
    service = await assembled(configured, clock)
    if extend is not None:
        service = extend(service)
    database, tables = Database.open(database_url), access_tables()
    digests = Digests((folder / "secrets" / "digests.key").read_text().encode())
    feed = RegistryFeed(database, tables, digests, Outbox(database, tables.runtime, clock), clock)
    async with serving(service) as port, Connection.open(Target(address=f"127.0.0.1:{port}")) as connection:
        world = World(service, clock, configured, connection, database, tables, feed)
        await world.build_town()
        yield world
    database.close()


def metering_point(point: PointId, place: PlaceId, validity: Validity = Validity()) -> MeteringPoint:
    channel = Channel(channel_id="import", quantity=Quantity.ENERGY, direction=Direction.IMPORT, register_set="total")
    return MeteringPoint(id=point, flux=Flux.ELECTRICITY, places=(PointPlace(place=place, validity=validity),), channels=(channel,))


async def first(items: AsyncIterable[T]) -> T:
    return await anext(aiter(items))


def request_id() -> str:
    return str(uuid4())


def timestamp(at: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


def new_person(name: str, **fields: Any) -> pb.CreatePersonRequest:
    return pb.CreatePersonRequest(person=person_pb2.Person(display_name=name, **fields), request_id=request_id())
