"""A registry on a real server, on either database, and tokens for everybody who may call it."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.protobuf.message import Message
from joserfc.jwk import KeySet, OKPKey

from metering.app import Access, Measuring, assembled, opened
from metering.settings import MeteringSettings
from multiflux.metering.v1 import metering_point_pb2, place_pb2
from multiflux.metering.v1 import registry_service_pb2 as pb
from multiflux.metering.v1.registry_service_pb2_grpc import RegistryServiceStub
from multiflux.type.v1 import flux_pb2, interval_pb2, quantity_pb2
from runtime.call import Caller, Grant
from runtime.server import serving
from runtime.statuses import FailureDetails, failure_details
from runtime.tokens import sign_token
from vocabulary.interval import Validity
from vocabulary.names import PlaceId, PointId, TerritoryId
from vocabulary.role import Role
from wire.instants import instant_to_proto


class StaticKeys:
    """One key, known from the start."""

    def __init__(self, key: OKPKey) -> None:
        self.keys = KeySet([key])

    def key_set(self) -> KeySet:
        return self.keys

    async def refresh(self) -> None:
        """Know no more than before."""


class KeptReadings:
    """Points that have readings, as the test says."""

    def __init__(self) -> None:
        self.points: set[str] = set()

    async def any_of(self, territory: TerritoryId, point: PointId) -> bool:
        del territory
        return point in self.points


@dataclass
class Town:
    """A running registry, its clock, and ways to call it."""

    channel: grpc.aio.Channel
    clock: Any
    key: OKPKey
    readings: KeptReadings
    stub: Any = field(init=False)

    def __post_init__(self) -> None:
        self.stub = RegistryServiceStub(self.channel)

    def caller(self, role: Role, place: str | None = None, validity: Validity | None = None, territory: str | None = "brioude") -> "Voice":
        grants = (Grant(role=role, place=PlaceId(place) if place else None, validity=validity or Validity()),)
        return self.with_grants(grants, territory)

    def with_grants(self, grants: Iterable[Grant], territory: str | None = "brioude") -> "Voice":
        town = TerritoryId(territory) if territory else None
        return Voice(self, Caller(subject="people/somebody", territory=town, grants=tuple(grants)))

    async def found(self, own_id: str) -> place_pb2.Territory:
        territory = place_pb2.Territory(
            display_name=own_id.capitalize(), time_zone="Europe/Paris", currency_code="EUR", school_holiday_zone="A"
        )
        request = pb.CreateTerritoryRequest(territory=territory, territory_id=own_id, request_id=str(uuid4()))
        return (await self.operator("CreateTerritory", request)).territory

    def water_point(self, *places: str, **fields: Any) -> metering_point_pb2.MeteringPoint:
        return water_point(*places, **fields)

    def during(self, start: datetime | None = None, end: datetime | None = None) -> interval_pb2.Validity:
        return during(start, end)

    @property
    def administrator(self) -> "Voice":
        return self.caller(Role.ADMINISTRATOR)

    @property
    def operator(self) -> "Voice":
        return self.caller(Role.PLATFORM_OPERATOR, territory=None)


@dataclass
class Voice:
    """Somebody who calls."""

    town: Town
    who: Caller

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        token = sign_token(self.who, key=self.town.key, lifetime_s=300, now=self.town.clock.now())
        return (("authorization", f"Bearer {token}"),)

    async def __call__(self, method: str, request: Message) -> Any:
        return await getattr(self.town.stub, method)(request, metadata=self.metadata, timeout=30)

    async def refusal(self, method: str, request: Message) -> FailureDetails:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await self(method, request)
        return failure_details(refused.value)

    async def create_place(self, own_id: str, level: Any, *parents: str, **fields: Any) -> place_pb2.Place:
        place = place_pb2.Place(level=level, parents=[place_pb2.PlaceParent(parent=f"places/{parent}") for parent in parents], **fields)
        response = await self("CreatePlace", pb.CreatePlaceRequest(place=place, place_id=own_id, request_id=str(uuid4())))
        return response.place

    async def create_point(self, own_id: str, *places: str, **fields: Any) -> metering_point_pb2.MeteringPoint:
        request = pb.CreateMeteringPointRequest(
            metering_point=water_point(*places, **fields), metering_point_id=own_id, request_id=str(uuid4())
        )
        return (await self("CreateMeteringPoint", request)).metering_point

    async def place(self, own_id: str) -> place_pb2.Place:
        return (await self("GetPlace", pb.GetPlaceRequest(name=f"places/{own_id}"))).place

    async def point(self, own_id: str) -> metering_point_pb2.MeteringPoint:
        return (await self("GetMeteringPoint", pb.GetMeteringPointRequest(name=f"meters/{own_id}"))).metering_point

    async def place_names(self, **asked: Any) -> list[str]:
        return [place.name.removeprefix("places/") for place in (await self("ListPlaces", pb.ListPlacesRequest(**asked))).places]

    async def point_names(self, **asked: Any) -> list[str]:
        listed = await self("ListMeteringPoints", pb.ListMeteringPointsRequest(**asked))
        return [point.name.removeprefix("meters/") for point in listed.metering_points]

    async def import_file(
        self, description: pb.ImportDescription, content: bytes, *, block: int = 1 << 20
    ) -> list[pb.ImportRegistryResponse]:
        if not description.request_id:
            description.request_id = str(uuid4())

        async def requests() -> AsyncIterator[pb.ImportRegistryRequest]:
            yield pb.ImportRegistryRequest(description=description)
            for start in range(0, len(content), block):
                yield pb.ImportRegistryRequest(block=content[start : start + block])

        call = self.town.stub.ImportRegistry(requests(), metadata=self.metadata, timeout=120)
        return [response async for response in call]

    async def export_file(self, request: pb.ExportRegistryRequest) -> bytes:
        call = self.town.stub.ExportRegistry(request, metadata=self.metadata, timeout=60)
        return b"".join([response.block async for response in call])


def water_point(*places: str, **fields: Any) -> metering_point_pb2.MeteringPoint:
    values: dict[str, Any] = {
        "flux": flux_pb2.FLUX_WATER,
        "channels": [
            metering_point_pb2.Channel(
                channel_id="import",
                quantity=quantity_pb2.QUANTITY_VOLUME,
                direction=quantity_pb2.DIRECTION_IMPORT,
                register_set="total",
            )
        ],
        "places": [metering_point_pb2.PointPlace(place=f"places/{place}") for place in places],
    }
    return metering_point_pb2.MeteringPoint(**(values | fields))


def during(start: datetime | None = None, end: datetime | None = None) -> interval_pb2.Validity:
    return interval_pb2.Validity(start_time=instant_to_proto(start) if start else None, end_time=instant_to_proto(end) if end else None)


@pytest.fixture
async def town(database_url: str, clock: Any, tmp_path: Path) -> AsyncIterator[Town]:
    """A registry with one territory, `brioude`, and nothing in it but its root."""
    async for each in started(database_url, clock, tmp_path):
        await each.found("brioude")
        yield each


async def started(database_url: str, clock: Any, folder: Path) -> AsyncIterator[Town]:
    settings = MeteringSettings(
        port=0,
        metrics_port=0,
        database_url=database_url,
        data_directory=folder,
        drain_s=0,
        call_burst=100_000,
        import_file_mib=1 if "too_large" in str(folder) else 64,
    )
    key, readings = OKPKey.generate_key("Ed25519", {"kid": "test"}), KeptReadings()
    service = await assembled(settings, opened(settings, clock), Access(keys=StaticKeys(key)), Measuring(readings=readings))
    async with serving(service) as port, grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Town(channel=channel, clock=clock, key=key, readings=readings)
