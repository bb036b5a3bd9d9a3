"""A lighting service on a real port, at a clock that is set, over an empty database: what the tests of lighting stand on."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from joserfc.jwk import KeySet, OKPKey

from lighting.adapters.registry_facts import RegistryAway
from lighting.adapters.tables import RUNTIME
from lighting.app import Others, assembled, links_of, opened
from lighting.domain.calendars import Holidays
from lighting.domain.ports import TerritoryFacts
from lighting.domain.rates import Rate, Rates, Tariff
from lighting.settings import LightingSettings
from multiflux.lighting.v1 import command_pb2, field_pb2, inventory_pb2, plan_pb2, programme_pb2
from multiflux.lighting.v1 import lighting_service_pb2 as pb
from multiflux.lighting.v1.lighting_service_pb2_grpc import LightingServiceStub
from multiflux.type.v1 import interval_pb2
from multiflux_client.channel import Connection, Target
from multiflux_client.credentials import FixedToken
from multiflux_client.failures import RemoteFailure
from runtime.call import Caller, Grant
from runtime.place_replica import DatedParent, PlaceReplica
from runtime.server import Service, serving
from runtime.tokens import sign_token
from vocabulary.interval import Interval, Validity
from vocabulary.names import PlaceId, PointId, TerritoryId
from vocabulary.role import Role

KEY = OKPKey.generate_key("Ed25519", parameters={"kid": "test"}, private=True)
TOWN, OTHER = TerritoryId("town"), TerritoryId("other")
PARIS = ZoneInfo("Europe/Paris")
FACTS = TerritoryFacts(
    zone=PARIS,
    holidays=Holidays(public=frozenset({date(2026, 7, 14)})),
    rates=Rates(tariffs=(Tariff(name="light", rates=(Rate(per_kwh=200_000),)),), emissions=(Rate(per_kwh=21.7),)),
)


class Keys:
    """The key that signs the tokens of these tests."""

    def key_set(self) -> KeySet:
        return KeySet([KEY])

    async def refresh(self) -> None:
        pass


class SameFacts:
    """A registry that says the same of two territories, and knows no other."""

    async def of(self, territory: TerritoryId) -> TerritoryFacts:
        if territory not in (TOWN, OTHER):
            raise RegistryAway("the registry does not answer: try again soon", territory=territory)
        return FACTS


class ConstantMeters:
    """Meters that measure the same power of everything, always."""

    power_w = 100.0

    async def joules(self, territory: TerritoryId, point: PointId, during: Interval) -> dict[float, float]:
        del territory, point
        start, end = during.start.timestamp(), during.end.timestamp()
        return {start + 1_800 * number: 1_800 * self.power_w for number in range(int((end - start) / 1_800))}


@dataclass
class Voice:
    """Ways to call a lighting service."""

    connection: Connection
    clock: Any

    def token(self, role: Role = Role.LIGHTING_OPERATOR, place: str | None = None, territory: TerritoryId = TOWN) -> str:
        grant = Grant(role=role, place=PlaceId(place) if place else None)
        caller = Caller(subject="people/ada", territory=territory, grants=(grant,))
        return sign_token(caller, key=KEY, lifetime_s=300, now=self.clock.now())

    async def call(self, method: str, request: Any, **caller: Any) -> Any:
        if "request_id" in request.DESCRIPTOR.fields_by_name and not request.request_id:
            request.request_id = str(uuid4())
        connection = self.connection.with_tokens(FixedToken(self.token(**caller)))
        return await connection.call(getattr(LightingServiceStub(connection.channel), method), request)

    async def refused(self, method: str, request: Any, **caller: Any) -> RemoteFailure:
        with pytest.raises(RemoteFailure) as caught:
            await self.call(method, request, **caller)
        return caught.value

    async def import_file(
        self,
        content: pb.InventoryContent.ValueType,
        data: bytes,
        *,
        format: pb.FileFormat.ValueType = pb.FILE_FORMAT_CSV,  # noqa: A002
        **caller: Any,
    ) -> Any:
        connection = self.connection.with_tokens(FixedToken(self.token(**caller)))
        stub = LightingServiceStub(connection.channel)

        def blocks() -> Any:
            yield pb.ImportInventoryRequest(content=content, format=format, request_id=str(uuid4()), block=data[:1000])
            yield pb.ImportInventoryRequest(block=data[1000:])

        answers = [answer async for answer in connection.exchange(stub.ImportInventory, blocks())]
        merged = pb.ImportInventoryResponse()
        merged.CopyFrom(answers[0])
        for answer in answers[1:]:
            merged.refused_rows.extend(answer.refused_rows)
        return merged

    async def export(self, content: pb.InventoryContent.ValueType, format: pb.FileFormat.ValueType = pb.FILE_FORMAT_CSV) -> bytes:  # noqa: A002
        connection = self.connection.with_tokens(FixedToken(self.token()))
        stub = LightingServiceStub(connection.channel)
        request = pb.ExportInventoryRequest(content=content, format=format)
        return b"".join([answer.block async for answer in connection.receive(stub.ExportInventory, request)])

    async def small_town(self, *, gateways: field_pb2.GatewayProtocol.ValueType | None = None) -> None:
        """Two cabinets with three luminaires each, one of them a crossing, and a programme that dims from 23:00 to 5:00.

        With gateways, `g1` and `g2`, the first has power by day too.
        """
        for number in (1, 2):
            made = cabinet(number)
            if gateways is not None:
                made.powered_by_day = number == 1
                made.gateway.CopyFrom(field_pb2.Gateway(protocol=gateways, address=f"g{number}"))
            await self.call("PutCabinet", pb.PutCabinetRequest(cabinet=made))
            for lamp in (1, 2, 3):
                await self.call("PutLuminaire", pb.PutLuminaireRequest(luminaire=luminaire(number, lamp)))
        await self.call("PutProgramme", pb.PutProgrammeRequest(programme=dimming()))
        calendar = programme_pb2.Calendar(name="calendars/all", display_name="All nights", default_programme="programmes/dim")
        await self.call("PutCalendar", pb.PutCalendarRequest(calendar=calendar))

    async def published(self, *luminaires: str, group: str = "g") -> Any:
        made = plan_pb2.Group(name=f"groups/{group}", display_name=group, luminaires=luminaires, calendar="calendars/all")
        await self.call("PutGroup", pb.PutGroupRequest(group=made))
        await self.rehearsed(group)
        return (
            await self.call("PublishPlan", pb.PublishPlanRequest(group=f"groups/{group}", etag=await self.etag(group), reason="test"))
        ).plan

    async def rehearsed(self, *groups: str) -> Any:
        request = pb.RehearsePlanRequest(groups=[f"groups/{one}" for one in groups], first_date="2026-01-15", last_date="2026-01-21")
        return (await self.call("RehearsePlan", request)).rehearsal

    async def etag(self, group: str) -> str:
        groups = (await self.call("ListGroups", pb.ListGroupsRequest())).groups
        return next(one.etag for one in groups if one.name == f"groups/{group}")

    async def segments(self, luminaire: str, start: datetime, end: datetime) -> list[Any]:
        request = pb.QueryPlanRequest(luminaires=[luminaire], interval=interval(start, end))
        return list((await self.call("QueryPlan", request)).plans[0].segments)


@dataclass
class World(Voice):
    """The service in this process, and ways to call it."""

    service: Service
    replica: PlaceReplica
    database: Any

    async def put_place(self, place: str, parent: str) -> None:
        link = DatedParent(parent=PlaceId(parent), validity=Validity())
        await self.database.write(lambda connection: self.replica.apply(connection, TOWN, f"places/{place}", [link]))


class RunningClock:
    """A clock that is set and runs on."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    @property
    def at(self) -> datetime:
        return self._set + timedelta(seconds=time.monotonic() - self._since)

    @at.setter
    def at(self, instant: datetime) -> None:
        self._set, self._since = instant, time.monotonic()

    def now(self) -> datetime:
        return self.at


async def until(what: Callable[[], Awaitable[Any]], within_s: float = 30.0) -> Any:
    """Wait for what happens in another process, or on the other side of a port."""
    async with asyncio.timeout(within_s):
        while not (found := await what()):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        return found


def cabinet(number: int) -> inventory_pb2.Cabinet:
    clock = inventory_pb2.Clock(latitude_degrees=48.85, longitude_degrees=2.35)
    return inventory_pb2.Cabinet(
        name=f"cabinets/c{number}", display_name=f"C{number}", clock=clock, tariff="light", place=f"places/p{number}"
    )


def luminaire(number: int, lamp: int) -> inventory_pb2.Luminaire:
    curve = [inventory_pb2.CurvePoint(level_percent=10, power_w=6), inventory_pb2.CurvePoint(level_percent=100, power_w=40)]
    return inventory_pb2.Luminaire(
        name=f"luminaires/l{number}-{lamp}",
        number=f"{number}-{lamp}",
        cabinet=f"cabinets/c{number}",
        circuit=1,
        street=f"places/p{number}",
        latitude_degrees=48.85,
        longitude_degrees=2.35,
        lamp=inventory_pb2.LampType(technology="led", standby_power_w=0.5, curve=curve),
        control=inventory_pb2.CONTROL_INDIVIDUAL,
        category="a",
        limits=inventory_pb2.Limits(never_off=lamp == 3, never_dimmed=lamp == 3),
    )


def dimming() -> programme_pb2.Programme:
    return programme_pb2.Programme(
        name="programmes/dim",
        display_name="Half from 23 to 5",
        periods=[programme_pb2.ActivePeriod(kind=programme_pb2.PERIOD_KIND_ASTRO_CLOCK)],
        switch_points=[
            programme_pb2.SwitchPoint(reference=programme_pb2.REFERENCE_FIXED, minute=1_380, level_percent=50),
            programme_pb2.SwitchPoint(reference=programme_pb2.REFERENCE_FIXED, minute=300, level_percent=100),
        ],
    )


def scope(*luminaires: str, **fields: Any) -> command_pb2.Scope:
    return command_pb2.Scope(luminaires=luminaires, **fields)


def interval(start: datetime, end: datetime) -> interval_pb2.Interval:
    return interval_pb2.Interval(start_time=timestamp(start), end_time=timestamp(end))


def timestamp(at: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@asynccontextmanager
async def lighting_world(database_url: str, folder: Path, clock: Any, *, port: int = 0, **more: Any) -> AsyncGenerator[World]:
    """Serve lighting, without a port on a free one; `more` are further settings."""
    settings = LightingSettings(
        port=port, metrics_port=0, data_directory=folder, database_url=database_url, calls_per_minute=1e6, call_burst=100_000, **more
    )
    store = opened(settings, clock)
    others = Others(keys=Keys(), facts=SameFacts(), meters=ConstantMeters())
    service = assembled(settings, store, others, links_of(settings, clock, others.facts))

    replica = PlaceReplica(store.database, RUNTIME)
    async with serving(service) as bound, Connection.open(Target(address=f"127.0.0.1:{bound}")) as connection:
        yield World(connection, clock, service, replica, store.database)


async def every(items: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in items]
