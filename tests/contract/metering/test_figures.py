"""Figures over a real channel: a service with its registry and its store of readings, and everybody who may ask."""

import asyncio
import csv
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import grpc
import numpy as np
import pytest
from joserfc.jwk import KeySet, OKPKey

from metering.app import Access, _measuring, assembled, opened
from metering.settings import MeteringSettings
from multiflux.metering.v1 import (
    consumption_pb2,
    metering_point_pb2,
    place_pb2,
    reading_pb2,
    reference_table_pb2,
    series_event_pb2,
    site_pb2,
)
from multiflux.metering.v1 import metering_service_pb2 as pb
from multiflux.metering.v1 import registry_service_pb2 as registry
from multiflux.metering.v1.metering_service_pb2_grpc import MeteringServiceStub
from multiflux.metering.v1.registry_service_pb2_grpc import RegistryServiceStub
from multiflux.type.v1 import flux_pb2, granularity_pb2, interval_pb2, place_level_pb2, quality_pb2, quantity_pb2
from runtime.call import Caller, Grant
from runtime.server import serving
from runtime.statuses import FailureDetails, failure_details
from runtime.tokens import sign_token
from vocabulary.interval import Validity
from vocabulary.names import PlaceId, TerritoryId
from vocabulary.role import Role
from wire.instants import instant_to_proto

PARIS = ZoneInfo("Europe/Paris")
FIRST = datetime(2026, 3, 2, tzinfo=PARIS).astimezone(UTC)
DAY = timedelta(days=1)
KWH = 3_600_000
HOURLY_J = 360_000
NOW = datetime(2026, 4, 1, tzinfo=UTC)
DWELLING = place_pb2.Dwelling(type=place_pb2.DWELLING_TYPE_FLAT)
ENERGY_OF_TWO_DAYS = 48 * HOURLY_J


class StaticKeys:
    """One key, known from the start."""

    def __init__(self, key: OKPKey) -> None:
        self.keys = KeySet([key])

    def key_set(self) -> KeySet:
        return self.keys

    async def refresh(self) -> None:
        """Know no more than before."""


@dataclass
class World:
    """A running service and ways to call it."""

    channel: grpc.aio.Channel
    clock: Any
    key: OKPKey
    service: Any

    def metadata(self, *grants: Grant, territory: str | None = "town") -> Any:
        caller = Caller(subject="people/ann", territory=TerritoryId(territory) if territory else None, grants=grants)
        return (("authorization", f"Bearer {sign_token(caller, key=self.key, lifetime_s=300, now=self.clock.now())}"),)

    def as_role(self, role: Role, place: str | None = None, validity: Validity | None = None, territory: str | None = "town") -> Any:
        grant = Grant(role=role, place=PlaceId(place) if place else None, validity=validity or Validity())
        return self.metadata(grant, territory=territory)

    async def keep(self, method: str, request: Any, role: Role = Role.ADMINISTRATOR, territory: str | None = "town") -> Any:
        request.request_id = str(uuid4())
        stub: Any = RegistryServiceStub(self.channel)
        return await getattr(stub, method)(request, metadata=self.as_role(role, territory=territory), timeout=30)

    @property
    def metering(self) -> Any:
        return MeteringServiceStub(self.channel)

    async def make(self, territory: str, *, simulated: bool = False) -> None:
        made = place_pb2.Territory(display_name="Town", time_zone="Europe/Paris", currency_code="EUR", simulated=simulated)
        await self.keep(
            "CreateTerritory", registry.CreateTerritoryRequest(territory=made, territory_id=territory), Role.PLATFORM_OPERATOR, None
        )
        await self.place(territory, "house", place_level_pb2.PLACE_LEVEL_BUILDING, territory)
        for home, flat in (("flat-1", "a"), ("flat-2", "b")):
            await self.place(territory, home, place_level_pb2.PLACE_LEVEL_PREMISE, "house", dwelling=DWELLING)
            await self.point(territory, f"meter-{flat}", home)

    async def place(self, territory: str, own_id: str, level: Any, parent: str, **fields: Any) -> None:
        place = place_pb2.Place(level=level, parents=[place_pb2.PlaceParent(parent=f"places/{parent}")], **fields)
        await self.keep("CreatePlace", registry.CreatePlaceRequest(place=place, place_id=own_id), territory=territory)

    async def point(
        self, territory: str, own_id: str, home: str, *channels: metering_point_pb2.Channel, tariff: str = "", **windows: Any
    ) -> None:
        contract = metering_point_pb2.Contract(tariff=tariff, **windows)
        point = metering_point_pb2.MeteringPoint(
            flux=flux_pb2.FLUX_ELECTRICITY,
            channels=channels or [channel()],
            places=[metering_point_pb2.PointPlace(place=f"places/{home}")],
            contracts=[contract],
        )
        await self.keep(
            "CreateMeteringPoint", registry.CreateMeteringPointRequest(metering_point=point, metering_point_id=own_id), territory=territory
        )

    async def record(
        self,
        meter: str,
        *,
        days: int = 2,
        territory: str = "town",
        minutes: int = 60,
        channel_id: str = "import",
        quality: Any = quality_pb2.QUALITY_MEASURED,
        start: datetime = FIRST,
    ) -> None:
        readings = [
            reading_pb2.IntervalReading(
                channel=f"meters/{meter}/channels/{channel_id}",
                start_time=instant_to_proto(start + timedelta(minutes=at)),
                energy_joules=HOURLY_J * minutes // 60,
                quality=quality,
            )
            for at in range(0, days * 1_440, minutes)
        ]
        for reading in readings:
            reading.duration.seconds = 60 * minutes
        request = pb.RecordReadingsRequest(interval_readings=readings, request_id=str(uuid4()))
        metadata = self.as_role(Role.COLLECTOR, territory=territory)
        answer = await self.metering.RecordReadings(request, metadata=metadata, timeout=30)
        assert answer.acknowledgement.stored_count == len(readings), answer

    async def consumption(self, resource: str, metadata: Any, **fields: Any) -> consumption_pb2.ConsumptionSeries:
        return (await self.metering.QueryConsumption(query(resource, **fields), metadata=metadata, timeout=30)).consumption

    async def statement(self, meter: str, metadata: Any, days: int = 2) -> consumption_pb2.CostStatement:
        request = pb.QueryCostRequest(metering_point=f"meters/{meter}", interval=interval(days=days))
        return (await self.metering.QueryCost(request, metadata=metadata, timeout=30)).statement

    async def exported(self, written_as: Any, **fields: Any) -> list[bytes]:
        request = pb.ExportConsumptionRequest(query=query("meters/meter-a", **fields), format=written_as)
        call = self.metering.ExportConsumption(request, metadata=self.as_role(Role.SERVICE), timeout=60)
        return [response.block for response in await all_of(call)]


def channel(channel_id: str = "import", register_set: str = "total", tariff_slot: str = "") -> metering_point_pb2.Channel:
    return metering_point_pb2.Channel(
        channel_id=channel_id,
        quantity=quantity_pb2.QUANTITY_ENERGY,
        direction=quantity_pb2.DIRECTION_IMPORT,
        register_set=register_set,
        tariff_slot=tariff_slot,
    )


def interval(start: datetime = FIRST, days: float = 2) -> interval_pb2.Interval:
    return interval_pb2.Interval(start_time=instant_to_proto(start), end_time=instant_to_proto(start + timedelta(days=days)))


def query(resource: str, *, days: int = 2, by: Any = granularity_pb2.GRANULARITY_DAY, **fields: Any) -> pb.QueryConsumptionRequest:
    return pb.QueryConsumptionRequest(resource=resource, interval=interval(days=days), granularity=by, **fields)


def amounts(series: consumption_pb2.ConsumptionSeries) -> list[int | None]:
    values, qualities = np.frombuffer(series.amounts, "<i8"), np.frombuffer(series.qualities, np.uint8)
    return [value if quality else None for value, quality in zip(values.tolist(), qualities.tolist(), strict=True)]


async def refusal(call: Any) -> FailureDetails:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return failure_details(refused.value)


async def all_of(call: Any) -> list[Any]:
    found = []
    while (response := await call.read()) is not grpc.aio.EOF:
        found.append(response)
    return found


@pytest.fixture
async def world(clock: Any, tmp_path: Path) -> AsyncIterator[World]:
    """A town with a house of two flats, each with a meter of its own."""
    clock.at = NOW
    settings = MeteringSettings(port=0, metrics_port=0, data_directory=tmp_path, drain_s=0.2, call_burst=100_000)
    key = OKPKey.generate_key("Ed25519", {"kid": "test"})
    store = opened(settings, clock)
    service = await assembled(settings, store, Access(keys=StaticKeys(key)), _measuring(settings, store))
    async with serving(service) as port, grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        world = World(channel=channel, clock=clock, key=key, service=service)
        await world.make("town")
        yield world


async def test_a_point_and_a_place_have_the_sums_of_their_readings(world: World) -> None:
    await world.record("meter-a")
    await world.record("meter-b", days=1)
    service = world.as_role(Role.SERVICE)
    assert amounts(await world.consumption("meters/meter-a", service)) == [24 * HOURLY_J] * 2
    house = await world.consumption("places/house", service, flux=flux_pb2.FLUX_ELECTRICITY)
    assert amounts(house) == [48 * HOURLY_J, 24 * HOURLY_J]
    assert list(house.coverage_percents) == [100, 50]
    assert [share.metering_point for share in house.points] == ["meters/meter-a", "meters/meter-b"]


async def test_a_household_is_told_of_its_occupancy_only(world: World) -> None:
    await world.record("meter-a")
    tenant = world.as_role(Role.HOUSEHOLD, "flat-1", Validity(start=FIRST + DAY))
    assert amounts(await world.consumption("meters/meter-a", tenant)) == [None, 24 * HOURLY_J]
    request = pb.ExportConsumptionRequest(query=query("meters/meter-a"), format=pb.CONSUMPTION_FILE_FORMAT_CSV)
    (block,) = await all_of(world.metering.ExportConsumption(request, metadata=tenant, timeout=30))
    assert [row["amount"] for row in csv.DictReader(StringIO(block.block.decode()))] == ["", str(24 * HOURLY_J)]


async def test_another_home_is_refused(world: World) -> None:
    await world.record("meter-b")
    tenant = world.as_role(Role.HOUSEHOLD, "flat-1")
    assert (await refusal(world.consumption("meters/meter-b", tenant))).code is grpc.StatusCode.PERMISSION_DENIED
    assert (await refusal(world.statement("meter-b", tenant))).code is grpc.StatusCode.PERMISSION_DENIED


async def test_the_sum_of_several_households_is_for_services_only(world: World) -> None:
    await world.record("meter-a")
    asked = world.consumption("places/house", world.as_role(Role.ADMINISTRATOR), flux=flux_pb2.FLUX_ELECTRICITY)
    assert (await refusal(asked)).reason == "SEVERAL_HOUSEHOLDS"


async def test_a_simulated_territory_shows_several_households_and_says_that_it_is_simulated(world: World) -> None:
    await world.make("model", simulated=True)
    await world.record("meter-a", territory="model")
    administrator = world.as_role(Role.ADMINISTRATOR, territory="model")
    shown = await world.consumption("places/house", administrator, flux=flux_pb2.FLUX_ELECTRICITY)
    assert shown.simulated
    assert amounts(shown) == [24 * HOURLY_J] * 2


async def test_slots_finer_than_the_readings_need_a_profile(world: World) -> None:
    await world.record("meter-a", minutes=1_440)
    service = world.as_role(Role.SERVICE)
    hourly = granularity_pb2.GRANULARITY_HOUR
    assert (await refusal(world.consumption("meters/meter-a", service, by=hourly))).reason == "FINER_THAN_DATA"
    asked = world.consumption("places/flat-1", service, by=hourly, flux=flux_pb2.FLUX_ELECTRICITY)
    assert (await refusal(asked)).reason == "FINER_THAN_DATA"
    point = await world.consumption("meters/meter-a", service, by=hourly, profile_allowed=True)
    place = await world.consumption("places/flat-1", service, by=hourly, profile_allowed=True, flux=flux_pb2.FLUX_ELECTRICITY)
    assert (point.profile, place.profile) == (True, True)
    assert amounts(point) == amounts(place) == [HOURLY_J] * 48


async def import_prices(world: World, *rows: str) -> None:
    head = "tariff,flux,component,tariff_slot,price_micros,currency_code,unit,vat_percent,valid_from,valid_until,source"
    description = registry.ImportDescription(
        content=registry.REGISTRY_CONTENT_REFERENCE_ROWS,
        format=registry.REGISTRY_FORMAT_CSV,
        table=reference_table_pb2.REFERENCE_TABLE_TARIFF_PRICES,
        request_id=str(uuid4()),
    )

    async def requests() -> AsyncIterator[registry.ImportRegistryRequest]:
        yield registry.ImportRegistryRequest(description=description)
        yield registry.ImportRegistryRequest(block="\n".join([head, *rows, ""]).encode())

    stub: Any = RegistryServiceStub(world.channel)
    answers = await all_of(stub.ImportRegistry(requests(), metadata=world.as_role(Role.ADMINISTRATOR), timeout=60))
    assert (answers[-1].done, answers[-1].created_count) == (True, len(rows)), answers


def lines(statement: consumption_pb2.CostStatement) -> list[tuple[str, str, float, int, int]]:
    name = reference_table_pb2.PriceComponent.Name
    return [
        (
            name(line.component).removeprefix("PRICE_COMPONENT_"),
            line.tariff_slot,
            round(line.unit_count, 9),
            line.net_micros,
            line.gross_micros,
        )
        for line in statement.lines
    ]


async def test_a_bill_has_a_line_for_each_price_with_its_own_vat(world: World) -> None:
    await import_prices(
        world,
        "local,electricity,commodity,,200000,EUR,kilowatt_hour,20,2026-01-01,,council",
        "local,electricity,tax,,30000,EUR,kilowatt_hour,5.5,2026-01-01,,law",
        "local,electricity,tax,,365000000,EUR,year,20,2026-03-03,,law",
        "local,electricity,standing,,31000000,EUR,month,10,2026-01-01,,council",
    )
    await world.point("town", "meter-c", "flat-1", tariff="local")
    await world.record("meter-c")
    statement = await world.statement("meter-c", world.as_role(Role.HOUSEHOLD, "flat-1"))
    assert lines(statement) == [
        ("STANDING", "", round(2 / 31, 9), 2_000_000, 2_200_000),
        ("COMMODITY", "", 4.8, 960_000, 1_152_000),
        ("TAX", "", round(1 / 365, 9), 1_000_000, 1_200_000),
        ("TAX", "", 4.8, 144_000, 151_920),
    ]
    assert statement.total_micros == 2_200_000 + 1_152_000 + 1_200_000 + 151_920
    assert (statement.currency_code, statement.coverage_percent, len(statement.missing_prices)) == ("EUR", 100, 0)
    (emission,) = statement.emissions
    assert (emission.factor.method, emission.grams) == ("life-cycle", pytest.approx(4.8 * 52))


async def test_a_bill_is_cut_to_the_occupancy_and_missing_prices_are_named(world: World) -> None:
    await import_prices(world, "local,electricity,commodity,,200000,EUR,kilowatt_hour,20,2026-01-01,,council")
    await world.point("town", "meter-c", "flat-1", tariff="local")
    await world.record("meter-c")
    statement = await world.statement("meter-c", world.as_role(Role.HOUSEHOLD, "flat-1", Validity(start=FIRST + DAY)))
    assert lines(statement) == [("COMMODITY", "", 2.4, 480_000, 576_000)]
    assert statement.coverage_percent == 50
    (missing,) = statement.missing_prices
    assert (missing.component, missing.tariff) == (reference_table_pb2.PRICE_COMPONENT_STANDING, "local")
    assert missing.interval == interval(FIRST + DAY, 1)


async def test_a_point_without_tariff_has_no_total_but_names_what_is_missing(world: World) -> None:
    await world.record("meter-a")
    statement = await world.statement("meter-a", world.as_role(Role.SERVICE))
    assert (len(statement.lines), statement.total_micros) == (0, 0)
    assert [(one.component, one.tariff) for one in statement.missing_prices] == [
        (reference_table_pb2.PRICE_COMPONENT_STANDING, ""),
        (reference_table_pb2.PRICE_COMPONENT_COMMODITY, ""),
    ]


TWO_SLOTS = (
    "dual,electricity,commodity,hp,300000,EUR,kilowatt_hour,0,2026-01-01,,council",
    "dual,electricity,commodity,hc,100000,EUR,kilowatt_hour,0,2026-01-01,,council",
    "dual,electricity,standing,,0,EUR,year,0,2026-01-01,,council",
)


async def test_off_peak_windows_divide_a_load_curve(world: World) -> None:
    await import_prices(world, *TWO_SLOTS)
    window = metering_point_pb2.OffPeakWindow(start_minute=22 * 60, end_minute=6 * 60)
    await world.point("town", "meter-c", "flat-1", tariff="dual", off_peak_windows=[window])
    await world.record("meter-c")
    statement = await world.statement("meter-c", world.as_role(Role.SERVICE))
    assert lines(statement)[1:] == [("COMMODITY", "hp", 3.2, 960_000, 960_000), ("COMMODITY", "hc", 1.6, 160_000, 160_000)]


async def test_registers_by_slot_go_before_windows(world: World) -> None:
    await import_prices(world, *TWO_SLOTS)
    await world.point("town", "meter-c", "flat-1", channel("hp", "supplier", "hp"), channel("hc", "supplier", "hc"), tariff="dual")
    await world.record("meter-c", channel_id="hp")
    await world.record("meter-c", channel_id="hc", days=2)
    statement = await world.statement("meter-c", world.as_role(Role.SERVICE))
    assert lines(statement)[1:] == [("COMMODITY", "hc", 4.8, 480_000, 480_000), ("COMMODITY", "hp", 4.8, 1_440_000, 1_440_000)]


async def test_a_bill_goes_by_whole_civil_days(world: World) -> None:
    request = pb.QueryCostRequest(metering_point="meters/meter-a", interval=interval(FIRST + timedelta(hours=1)))
    asked = world.metering.QueryCost(request, metadata=world.as_role(Role.ADMINISTRATOR), timeout=30)
    assert (await refusal(asked)).reason == "NOT_WHOLE_DAYS"


async def test_a_csv_file_has_local_times_and_tells_gaps_from_zero(world: World) -> None:
    await world.record("meter-a", days=1)
    (block,) = await world.exported(pb.CONSUMPTION_FILE_FORMAT_CSV)
    assert block.decode().splitlines() == [
        "start,end,amount,unit,quality,coverage_percent",
        f"2026-03-02T00:00:00+01:00,2026-03-03T00:00:00+01:00,{24 * HOURLY_J},J,measured,100",
        "2026-03-03T00:00:00+01:00,2026-03-04T00:00:00+01:00,,J,,0",
    ]


async def test_large_files_come_in_blocks_of_a_mebibyte(world: World) -> None:
    await world.record("meter-a")
    blocks = await world.exported(
        pb.CONSUMPTION_FILE_FORMAT_CSV, days=300, by=granularity_pb2.GRANULARITY_TEN_MINUTES, profile_allowed=True
    )
    assert len(blocks) > 1
    assert max(map(len, blocks)) <= 1 << 20
    assert len(b"".join(blocks).splitlines()) == 300 * 144 + 1


async def test_parquet_has_the_same_rows(world: World) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: the extra `parquet`")
    await world.record("meter-a", days=1)
    table = parquet.read_table(BytesIO(b"".join(await world.exported(pb.CONSUMPTION_FILE_FORMAT_PARQUET))))
    assert table.column_names == ["start", "end", "amount", "unit", "quality", "coverage_percent"]
    assert table.column("amount").to_pylist() == [24 * HOURLY_J, None]
    assert table.column("start").to_pylist()[0] == FIRST


async def test_parquet_without_its_library_says_what_to_install(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.record("meter-a", days=1)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    refused = await refusal(world.exported(pb.CONSUMPTION_FILE_FORMAT_PARQUET))
    assert (refused.reason, refused.metadata["install"]) == ("PARQUET_UNAVAILABLE", "multiflux[parquet]")


async def streamed(world: World, by: Any, days: float = 2) -> list[pb.StreamConsumptionResponse]:
    request = pb.StreamConsumptionRequest(
        place="places/house", flux=flux_pb2.FLUX_ELECTRICITY, interval=interval(days=days), granularity=by
    )
    return await all_of(world.metering.StreamConsumption(request, metadata=world.as_role(Role.SERVICE), timeout=60))


async def test_all_points_of_a_place_are_streamed_and_coarser_ones_named(world: World) -> None:
    await world.record("meter-b")
    await world.record("meter-a", minutes=1_440)
    (response,) = await streamed(world, granularity_pb2.GRANULARITY_HOUR)
    assert [series.resource for series in response.consumptions] == ["meters/meter-b"]
    assert sum(value or 0 for value in amounts(response.consumptions[0])) == ENERGY_OF_TWO_DAYS
    assert list(response.coarser_points) == ["meters/meter-a"]
    (daily,) = await streamed(world, granularity_pb2.GRANULARITY_DAY)
    assert [series.resource for series in daily.consumptions] == ["meters/meter-a", "meters/meter-b"]


async def test_long_series_are_streamed_in_parts_of_a_mebibyte(world: World) -> None:
    await world.record("meter-a", minutes=10)
    responses = await streamed(world, granularity_pb2.GRANULARITY_TEN_MINUTES, days=300)
    assert max(response.ByteSize() for response in responses) <= 1 << 20
    parts = [part for response in responses for part in response.consumptions if part.resource == "meters/meter-a"]
    starts = np.concatenate([np.frombuffer(part.start_seconds, "<i8") for part in parts])
    assert len(starts) == 300 * 144
    assert (np.diff(starts) == 600).all()


async def test_people_may_neither_stream_a_place_nor_watch_readings_nor_read_series(world: World) -> None:
    metadata = world.as_role(Role.ADMINISTRATOR)
    stream = world.metering.StreamConsumption(pb.StreamConsumptionRequest(place="places/house"), metadata=metadata, timeout=30)
    watch = world.metering.WatchSeriesEvents(pb.WatchSeriesEventsRequest(), metadata=metadata, timeout=30)
    series = world.metering.StreamSeries(pb.StreamSeriesRequest(metering_point="meters/meter-a"), metadata=metadata, timeout=30)
    assert [(await refusal(all_of(call))).reason for call in (stream, watch, series)] == ["NOT_PERMITTED"] * 3


def watching(world: World, cursor: str = "", territory: str | None = "town") -> Any:
    metadata = world.as_role(Role.SERVICE, territory=territory)
    return world.metering.WatchSeriesEvents(pb.WatchSeriesEventsRequest(cursor=cursor), metadata=metadata, timeout=60)


async def test_events_name_points_and_ranges_and_arrive_while_one_watches(world: World) -> None:
    await world.record("meter-a")
    watch = watching(world)
    first = await watch.read()
    assert (first.event.territory, list(first.event.metering_points)) == ("territories/town", ["meters/meter-a"])
    assert first.event.change == series_event_pb2.SERIES_CHANGE_RECORDED
    assert first.event.interval.start_time.ToDatetime(UTC) == FIRST
    assert first.event.HasField("occur_time")
    following = asyncio.ensure_future(watch.read())
    await world.record("meter-b")
    second = await asyncio.wait_for(following, 5)
    assert list(second.event.metering_points) == ["meters/meter-b"]
    assert second.event.event_id != first.event.event_id
    watch.cancel()
    again = watching(world, first.cursor)
    assert await again.read() == second
    again.cancel()


async def test_readings_that_a_person_corrected_are_told_as_corrected(world: World) -> None:
    await world.record("meter-a", quality=quality_pb2.QUALITY_CORRECTED)
    watch = watching(world)
    assert (await watch.read()).event.change == series_event_pb2.SERIES_CHANGE_CORRECTED
    watch.cancel()


async def test_forgotten_readings_are_an_event(world: World) -> None:
    await world.record("meter-a")
    forget = pb.ForgetReadingsRequest(channel="meters/meter-a/channels/import", interval=interval(), request_id=str(uuid4()))
    await world.metering.ForgetReadings(forget, metadata=world.as_role(Role.ADMINISTRATOR), timeout=30)
    watch = watching(world)
    assert (await watch.read()).event.change == series_event_pb2.SERIES_CHANGE_FORGOTTEN
    watch.cancel()


async def test_a_token_of_one_territory_sees_its_events_and_one_of_none_sees_all(world: World) -> None:
    await world.make("model", simulated=True)
    await world.record("meter-a", territory="model")
    await world.record("meter-b")
    own, whole = watching(world), watching(world, territory=None)
    assert list((await own.read()).event.metering_points) == ["meters/meter-b"]
    assert [(await whole.read()).event.territory for _ in range(2)] == ["territories/model", "territories/town"]
    own.cancel()
    whole.cancel()


async def test_a_cursor_from_the_future_is_expired_and_garbage_is_invalid(world: World) -> None:
    await world.record("meter-a")
    watch = watching(world)
    cursor = (await watch.read()).cursor
    watch.cancel()
    future = urlsafe_b64encode(urlsafe_b64decode(cursor)[:16] + (10**6).to_bytes(8)).decode()
    assert (await refusal(all_of(watching(world, future)))).reason == "CURSOR_EXPIRED"
    assert (await refusal(all_of(watching(world, "nonsense")))).reason == "CURSOR_INVALID"


async def test_many_watchers_take_no_turn_from_calls_and_end_at_drain(world: World) -> None:
    await world.record("meter-a")
    watches = [watching(world) for _ in range(50)]
    assert all([(await watch.read()).event.event_id for watch in watches])
    assert amounts(await world.consumption("meters/meter-a", world.as_role(Role.SERVICE))) == [24 * HOURLY_J] * 2
    for stop in world.service.on_drain:
        stop()
    assert {(await refusal(all_of(watch))).reason for watch in watches} == {"SERVICE_STOPPING"}


async def site(world: World, own_id: str, building: str, **declared: Any) -> None:
    await world.place("town", building, place_level_pb2.PLACE_LEVEL_BUILDING, "town")
    declared_site = place_pb2.PublicSite(use=place_pb2.SITE_USE_SCHOOL, **declared)
    await world.place(
        "town", own_id, place_level_pb2.PLACE_LEVEL_PREMISE, building, public_site=declared_site, display_name=own_id.capitalize()
    )
    await world.point("town", f"meter-{own_id}", own_id)


async def portfolio(world: World, metadata: Any) -> site_pb2.SitePortfolio:
    return (await world.metering.GetSitePortfolio(pb.GetSitePortfolioRequest(), metadata=metadata, timeout=30)).portfolio


async def analysis(world: World, own_id: str, metadata: Any) -> site_pb2.SiteAnalysis:
    return (await world.metering.AnalyseSite(pb.AnalyseSiteRequest(site=f"places/{own_id}"), metadata=metadata, timeout=30)).analysis


async def test_a_manager_is_told_of_the_public_sites_that_its_grants_cover_and_of_no_home(world: World) -> None:
    await site(world, "school", "block-1", area_square_metres=100)
    await site(world, "hall", "block-2")
    await world.record("meter-school", days=10)
    everywhere = await portfolio(world, world.as_role(Role.BUILDING_MANAGER))
    assert [(one.display_name, one.HasField("area_square_metres")) for one in everywhere.sites] == [("Hall", False), ("School", True)]
    (year,) = everywhere.sites[1].fluxes
    assert (year.amount, year.amount_per_square_metre) == (240 * HOURLY_J, 240 * HOURLY_J // 100)
    assert (year.missing_day_count, year.HasField("change"), year.compared_day_count) == (355, False, 0)
    assert not everywhere.sites[0].fluxes[0].HasField("amount_per_square_metre")
    assert [(total.amount, total.site_count) for total in everywhere.totals] == [(240 * HOURLY_J, 2)]
    assert (everywhere.attentions[0].site, everywhere.attentions[0].concern) == ("places/school", site_pb2.SITE_CONCERN_SILENT)
    own = await portfolio(world, world.as_role(Role.BUILDING_MANAGER, "block-2"))
    assert [one.site for one in own.sites] == ["places/hall"]
    for role in (Role.HOUSEHOLD, Role.LIGHTING_OPERATOR, Role.TERRITORY_ANALYST):
        assert (await refusal(portfolio(world, world.as_role(role)))).code is grpc.StatusCode.PERMISSION_DENIED


async def test_a_site_is_analysed_as_far_as_its_readings_go(world: World) -> None:
    hours = [place_pb2.OpeningHours(weekday=day, start_minute=480, end_minute=1_080) for day in range(1, 6)]
    await site(world, "school", "block-1", area_square_metres=100, opening_hours=hours)
    await world.record("meter-school", days=14, start=NOW - 14 * DAY)
    found = await analysis(world, "school", world.as_role(Role.BUILDING_MANAGER, "school"))
    (flux,) = found.fluxes
    assert flux.base_load.night_amount_per_hour == flux.base_load.working_amount_per_hour == HOURLY_J
    assert flux.base_load.closed_share == pytest.approx(118 / 168, abs=0.01)
    assert (flux.HasField("signature"), found.HasField("progress"), found.site.display_name) == (False, False, "School")


async def test_what_is_no_site_or_lies_elsewhere_is_not_analysed(world: World) -> None:
    await site(world, "school", "block-1")
    service = world.as_role(Role.SERVICE)
    assert (await refusal(analysis(world, "flat-1", service))).reason == "NOT_A_SITE"
    assert (await refusal(analysis(world, "nowhere", service))).reason == "NOT_A_SITE"
    elsewhere = world.as_role(Role.BUILDING_MANAGER, "block-2")
    assert (await refusal(analysis(world, "school", elsewhere))).code is grpc.StatusCode.PERMISSION_DENIED
    assert (await refusal(analysis(world, "School!", service))).code is grpc.StatusCode.INVALID_ARGUMENT
