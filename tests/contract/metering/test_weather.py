"""The methods about weather over a real channel, on either database, called as an integrator does."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import grpc
import numpy as np
import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from joserfc.jwk import KeySet, OKPKey

from metering.adapters.weather_sql import SqlWeather
from metering.adapters.weather_tables import WEATHER_OBSERVATION
from metering.app import MIGRATIONS, Access, Measuring, assembled, opened
from metering.settings import MeteringSettings
from metering.weather_methods import WeatherMethods, WeatherTools
from multiflux.metering.v1 import metering_service_pb2 as pb
from multiflux.metering.v1 import metering_service_pb2_grpc, weather_pb2
from multiflux_client.channel import Connection
from multiflux_client.failures import RemoteFailure
from multiflux_client.places import Place, PlaceParent, Position, Territory
from multiflux_client.registry import RegistryClient
from multiflux_client.weather import MISSING_CENTIDEGREES, DegreeDay, DegreeDayMethod, HourlyWeather, WeatherClient, WeatherStation
from runtime.call import Caller, Grant
from runtime.relational import Database
from runtime.server import Endpoint, serving
from runtime.tokens import sign_token
from vocabulary.civil import civil_day, local_midnight
from vocabulary.interval import Interval, Validity
from vocabulary.names import PlaceId, TerritoryId, WeatherStationId
from vocabulary.place import PlaceLevel
from vocabulary.role import Role

PARIS = ZoneInfo("Europe/Paris")
AIRPORT, HALL = WeatherStationId("airport"), WeatherStationId("hall")
NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
HOUR = 3_600


class _Keys:
    def __init__(self, key: OKPKey) -> None:
        self._key = key

    def key_set(self) -> KeySet:
        return KeySet([self._key])

    async def refresh(self) -> None: ...


class _Servicer(WeatherMethods, metering_service_pb2_grpc.MeteringServiceServicer):
    pass


@dataclass
class _Signed:
    who: Caller
    key: OKPKey
    clock: Any

    async def token(self) -> str:
        return sign_token(self.who, key=self.key, lifetime_s=300, now=self.clock.now())


@dataclass
class Town:
    """A running service, and everybody who calls it."""

    connection: Connection
    key: OKPKey
    clock: Any
    database_url: str

    def caller(self, role: Role | None, territory: str | None = "brioude") -> Connection:
        town = TerritoryId(territory) if territory else None
        grants = (Grant(role=role, place=None),) if role else ()
        return self.connection.with_tokens(_Signed(Caller(subject="people/jo", territory=town, grants=grants), self.key, self.clock))

    def registry(self, role: Role = Role.ADMINISTRATOR, territory: str | None = "brioude") -> RegistryClient:
        return RegistryClient(self.caller(role, territory))

    def weather(self, role: Role | None = Role.ADMINISTRATOR, territory: str = "brioude") -> WeatherClient:
        return WeatherClient(self.caller(role, territory))

    async def found(self, territory: str) -> None:
        await self.registry(Role.PLATFORM_OPERATOR, None).create_territory(Territory(display_name="A town"), TerritoryId(territory))

    async def place(self, own_id: str, level: PlaceLevel, *parents: PlaceParent) -> None:
        place = Place(level=level, display_name=own_id, parents=parents)
        await self.registry().create_place(place, place_id=own_id)


@pytest.fixture
async def town(database_url: str, clock: Any, tmp_path: Path) -> AsyncIterator[Town]:
    """A territory with two communes, a building in one of them and a station for neither."""
    settings = MeteringSettings(port=0, metrics_port=0, database_url=database_url, data_directory=tmp_path, drain_s=0, call_burst=100_000)
    store, key = opened(settings, clock), OKPKey.generate_key("Ed25519", {"kid": "test"})
    tools = WeatherTools(database=store.database, changes=store.changes, records=SqlWeather)
    servicer = _Servicer(tools)  # pyright: ignore[reportAbstractUsage] - the other methods are tested elsewhere
    endpoint = Endpoint(
        name="multiflux.metering.v1.MeteringService",
        add=metering_service_pb2_grpc.add_MeteringServiceServicer_to_server,
        servicer=servicer,
    )
    service = await assembled(settings, store, Access(keys=_Keys(key)), Measuring(endpoints=(endpoint,)))
    async with serving(service) as port, grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        town = Town(connection=Connection(channel=channel), key=key, clock=clock, database_url=database_url)
        await town.found("brioude")
        for commune in ("east", "west"):
            await town.place(commune, PlaceLevel.COMMUNE, PlaceParent(parent=PlaceId("brioude")))
        await town.place("school", PlaceLevel.BUILDING, PlaceParent(parent=PlaceId("east")))
        yield town


def station(own_id: WeatherStationId = AIRPORT, *places: str, name: str = "The airport") -> WeatherStation:
    return WeatherStation(
        id=own_id,
        display_name=name,
        position=Position(latitude_degrees=45.2947, longitude_degrees=3.3842),
        altitude_metres=434,
        places=tuple(PlaceId(place) for place in places),
        simulated=True,
        source="Made up",
    )


def hourly(start: datetime, *centidegrees: int, own_id: WeatherStationId = AIRPORT, issued: datetime | None = None) -> HourlyWeather:
    starts = int(start.timestamp()) + np.arange(len(centidegrees), dtype=np.int64) * HOUR
    return HourlyWeather(station=own_id, starts=starts, centidegrees=np.array(centidegrees, np.int32), issue_time=issued)


def hours_of(start: datetime, count: int) -> Interval:
    return Interval(start=start, end=start + timedelta(hours=count))


async def refusal(call: Any) -> RemoteFailure:
    with pytest.raises(RemoteFailure) as refused:
        await call
    return refused.value


MORNING = NOW - timedelta(hours=6)
BY_STATION = "weatherStations/airport"


async def test_a_station_is_kept_as_it_was_put_and_its_places_are_replaced(town: Town) -> None:
    weather = town.weather()
    assert await weather.put_station(station(AIRPORT, "west", "east")) == station(AIRPORT, "east", "west")
    changed = replace(station(AIRPORT, "school"), altitude_metres=-3, position=Position(latitude_degrees=-45.5, longitude_degrees=-3.25))
    await weather.put_station(changed)
    assert [each async for each in town.weather(None).stations()] == [changed]


async def test_stations_are_listed_by_name_page_after_page(town: Town) -> None:
    weather = town.weather()
    names = ["b", "a-1", "a", "c", "a1"]
    for name in names:
        await weather.put_station(station(WeatherStationId(name)))
    first = await weather.stations().page(size=2)
    second = await weather.stations().page(size=2, token=first.next_page_token)
    last = await weather.stations().page(size=2, token=second.next_page_token)
    assert [each.id for page in (first, second, last) for each in page.items] == sorted(names)
    assert last.next_page_token == ""


async def test_unknown_places_and_those_of_another_station_are_refused(town: Town) -> None:
    weather = town.weather()
    await weather.put_station(station(AIRPORT, "east"))
    unknown = await refusal(weather.put_station(station(HALL, "nowhere")))
    assert (unknown.reason, unknown.metadata["place"]) == ("UNKNOWN_PLACE", "nowhere")
    taken = await refusal(weather.put_station(station(HALL, "east")))
    assert (taken.reason, taken.metadata["weather_station"]) == ("PLACE_HAS_WEATHER_STATION", "airport")
    assert [each.id async for each in weather.stations()] == ["airport"]


async def test_a_place_has_the_weather_of_the_nearest_place_above_it_that_has_a_station(town: Town) -> None:
    weather, during = town.weather(), hours_of(MORNING, 1)
    await weather.put_station(station(AIRPORT, "brioude"))
    assert (await weather.weather("places/school", during)).station == AIRPORT
    await weather.put_station(station(HALL, "east"))
    assert (await weather.weather("places/school", during)).station == HALL
    assert (await weather.weather("places/west", during)).station == AIRPORT
    await weather.put_station(station(WeatherStationId("roof"), "school"))
    assert (await weather.weather("places/school", during)).station == "roof"
    assert (await weather.degree_days("places/east", _days(date(2026, 1, 1)), DegreeDayMethod.METEO)).station == HALL


async def test_a_place_that_moved_has_the_weather_of_where_it_lies_now(town: Town) -> None:
    weather, moved = town.weather(), NOW - timedelta(days=30)
    await weather.put_station(station(AIRPORT, "east"))
    await weather.put_station(station(HALL, "west"))
    parents = (
        PlaceParent(parent=PlaceId("east"), validity=Validity(end=moved)),
        PlaceParent(parent=PlaceId("west"), validity=Validity(start=moved)),
    )
    await town.place("market", PlaceLevel.BUILDING, *parents)
    assert (await weather.weather("places/market", hours_of(MORNING, 1))).station == HALL


async def test_a_deleted_place_leaves_its_station(town: Town) -> None:
    weather = town.weather()
    await weather.put_station(station(AIRPORT, "school", "west"))
    await town.registry().delete_place(PlaceId("school"))
    assert [each.places async for each in weather.stations()] == [("west",)]


async def test_no_station_and_no_such_place_are_told_alike(town: Town) -> None:
    weather, during = town.weather(None), hours_of(MORNING, 1)
    for place in ("school", "nowhere"):
        assert (await refusal(weather.weather(f"places/{place}", during))).reason == "NO_WEATHER_STATION"
    assert (await refusal(weather.weather(BY_STATION, during))).reason == "WEATHER_STATION_NOT_FOUND"
    assert (await refusal(weather.weather("meters/x", during))).reason == "INVALID_NAME"
    assert (await refusal(weather.weather("", during))).reason == "MISSING_FIELD"


async def test_observations_come_back_and_known_hours_are_replaced(town: Town) -> None:
    weather = town.weather()
    await weather.put_station(station())
    assert await weather.record(hourly(MORNING, 100, -250, 6_000, -9_000)) == 4
    again = hourly(MORNING, 100, -300, MISSING_CENTIDEGREES, -9_000, MISSING_CENTIDEGREES, 1)
    assert await weather.record(again) == 3
    known = await weather.weather(BY_STATION, hours_of(MORNING, 10))
    assert known.issue_time is None
    assert ((known.starts - int(MORNING.timestamp())) // HOUR).tolist() == [0, 1, 3, 5]
    assert known.centidegrees.tolist() == [100, -300, -9_000, 1]
    inner = await weather.weather(BY_STATION, hours_of(MORNING + timedelta(hours=1), 2))
    assert inner.centidegrees.tolist() == [-300]


async def test_a_repeated_call_records_once_and_answers_the_same(town: Town) -> None:
    weather, request_id = town.weather(), str(uuid4())
    await weather.put_station(station())
    assert [await weather.record(hourly(MORNING, 1, 2), request_id=request_id) for _ in range(2)] == [2, 2]
    assert (await refusal(weather.record(hourly(MORNING, 1, 3), request_id=request_id))).reason == "REQUEST_ID_REUSED"


async def test_refused_weather_leaves_nothing_behind(town: Town) -> None:
    weather = town.weather()
    await weather.put_station(station())
    refused = await refusal(weather.record(hourly(MORNING, 100, 6_001)))
    assert (refused.reason, refused.metadata["value"]) == ("OUT_OF_RANGE", "6001")
    assert [violation.field for violation in refused.violations] == ["weather.temperature_centidegrees"]
    unordered = hourly(MORNING, 1, 2)
    assert (await refusal(weather.record(replace(unordered, starts=unordered.starts[::-1])))).reason == "UNORDERED_COLUMNS"
    assert (await refusal(weather.record(replace(unordered, starts=unordered.starts[:1])))).reason == "INVALID_REQUEST"
    assert (await refusal(weather.record(hourly(MORNING, 1, own_id=HALL)))).reason == "WEATHER_STATION_NOT_FOUND"
    assert len((await weather.weather(BY_STATION, hours_of(MORNING, 5))).starts) == 0


async def test_bytes_that_are_no_column_are_refused(town: Town) -> None:
    await town.weather().put_station(station())
    columns = weather_pb2.WeatherColumns(station=BY_STATION, start_seconds=b"1234567", temperature_centidegrees=b"1234")
    stub = metering_service_pb2_grpc.MeteringServiceStub(town.connection.channel)
    request = pb.RecordWeatherRequest(weather=columns, request_id=str(uuid4()))
    refused = await refusal(town.caller(Role.COLLECTOR).call(stub.RecordWeather, request))
    assert [violation.field for violation in refused.violations] == ["weather.start_seconds"]


async def test_a_forecast_is_kept_beside_those_issued_before(town: Town) -> None:
    weather, later = town.weather(Role.COLLECTOR), NOW - timedelta(hours=1)
    await town.weather().put_station(station())
    await weather.record(hourly(MORNING, 7))
    assert await weather.record(hourly(NOW, 100, 200, 300, issued=MORNING)) == 3
    assert await weather.record(hourly(NOW, 150, 250, issued=later)) == 2
    assert await weather.record(hourly(NOW, 151, 250, MISSING_CENTIDEGREES, 450, issued=later)) == 2

    asking = town.weather()
    for at, issued, expected in [
        (MORNING - timedelta(seconds=1), None, []),
        (MORNING, MORNING, [100, 200, 300]),
        (later - timedelta(microseconds=1), MORNING, [100, 200, 300]),
        (later, later, [151, 250, 450]),
        (NOW + timedelta(days=9), later, [151, 250, 450]),
    ]:
        known = await asking.weather(BY_STATION, hours_of(NOW, 24), forecast_time=at)
        assert (known.issue_time, known.centidegrees.tolist()) == (issued, expected)
    assert (await asking.weather(BY_STATION, hours_of(NOW, 1), forecast_time=later)).centidegrees.tolist() == [151]
    assert (await asking.weather(BY_STATION, hours_of(MORNING, 24))).centidegrees.tolist() == [7]


async def test_degree_days_follow_the_civil_days_of_the_territory(town: Town) -> None:
    weather = town.weather()
    await weather.put_station(station(AIRPORT, "brioude"))
    # 25 October 2025 has 24 hours, the next day 25, and of the third the last hour is missing.
    await weather.record(hourly(local_midnight(date(2025, 10, 25), PARIS), *[1_000] * 24, *[1_200] * 25, *[2_400] * 23))
    answer = await town.weather(None).degree_days("places/school", _days(date(2025, 10, 25), 3), DegreeDayMethod.METEO)
    assert answer.station == AIRPORT
    assert answer.days == (
        DegreeDay(date=date(2025, 10, 25), heating_degree_days=8.0, cooling_degree_days=0.0),
        DegreeDay(date=date(2025, 10, 26), heating_degree_days=6.0, cooling_degree_days=0.0),
        DegreeDay(date=date(2025, 10, 27), heating_degree_days=None, cooling_degree_days=None),
    )
    based = await weather.degree_days(
        BY_STATION, _days(date(2025, 10, 26)), DegreeDayMethod.PROFESSIONAL, heating_base_celsius=12.5, cooling_base_celsius=10
    )
    assert based.days == (DegreeDay(date=date(2025, 10, 26), heating_degree_days=0.5, cooling_degree_days=2.0),)


async def test_questions_that_cannot_be_answered_are_refused_by_name(town: Town) -> None:
    weather = town.weather()
    await weather.put_station(station())
    utc_day = hours_of(datetime(2026, 1, 1, tzinfo=UTC), 24)
    parts = await refusal(weather.degree_days(BY_STATION, utc_day, DegreeDayMethod.METEO))
    assert (parts.reason, parts.metadata["time_zone"]) == ("NOT_WHOLE_DAYS", "Europe/Paris")
    long = await refusal(weather.weather(BY_STATION, hours_of(MORNING, 1_201 * 24)))
    assert (long.reason, long.metadata["most_days"]) == ("INTERVAL_TOO_LONG", "1200")
    stub = metering_service_pb2_grpc.MeteringServiceStub(town.connection.channel)
    unsaid = pb.QueryDegreeDaysRequest(location=BY_STATION)
    assert (await refusal(town.caller(None).call(stub.QueryDegreeDays, unsaid))).violations[0].field == "method"
    unset = pb.PutWeatherStationRequest(station=weather_pb2.WeatherStation(name="airport"), request_id=str(uuid4()))
    fields = (await refusal(town.caller(Role.ADMINISTRATOR).call(stub.PutWeatherStation, unset))).violations
    assert [violation.field for violation in fields] == ["station.name", "station.position"]


async def test_who_may_ask_may_not_record(town: Town) -> None:
    await town.weather().put_station(station())
    for role in (None, Role.HOUSEHOLD, Role.TERRITORY_ANALYST):
        assert (await refusal(town.weather(role).put_station(station()))).reason == "NOT_PERMITTED"
        assert (await refusal(town.weather(role).record(hourly(MORNING, 1)))).reason == "NOT_PERMITTED"
    assert (await refusal(town.weather(Role.COLLECTOR).put_station(station()))).reason == "NOT_PERMITTED"


async def test_another_territory_has_its_own_weather(town: Town) -> None:
    await town.found("issoire")
    here, there = town.weather(), town.weather(territory="issoire")
    await here.put_station(station(AIRPORT, "east"))
    await here.record(hourly(MORNING, 1))
    await here.record(hourly(NOW, 2, issued=MORNING))
    assert [each async for each in there.stations()] == []
    assert (await refusal(there.put_station(station(AIRPORT, "east")))).reason == "UNKNOWN_PLACE"
    await there.put_station(station(AIRPORT, name="Theirs"))
    assert len((await there.weather(BY_STATION, hours_of(MORNING, 1))).starts) == 0
    assert (await there.weather(BY_STATION, hours_of(NOW, 1), forecast_time=NOW)).issue_time is None
    assert [each.display_name async for each in here.stations()] == ["The airport"]


async def test_three_years_of_hours_are_recorded_in_parts_and_read_as_one(town: Town) -> None:
    weather, start = town.weather(), NOW - timedelta(days=1_200)
    await weather.put_station(station())
    centidegrees = (np.arange(28_800) * 37 % 4_000 - 1_000).tolist()
    for part in range(0, 28_800, 10_000):
        recorded = await weather.record(hourly(start + timedelta(hours=part), *centidegrees[part : part + 10_000]))
        assert recorded == min(10_000, 28_800 - part)
    known = await weather.weather(BY_STATION, Interval(start=start, end=NOW))
    assert known.centidegrees.tolist() == centidegrees


def test_the_tables_go_up_and_down_and_are_the_declared_ones(database_url: str) -> None:
    database = Database.open(database_url)
    database.migrate(MIGRATIONS)
    assert _weather_tables(database_url) == {"weather_station", "weather_station_place", "weather_observation", "weather_forecast"}
    assert _differences(database_url) == []
    database.downgrade(MIGRATIONS, "0001")
    assert _weather_tables(database_url) == set()
    database.migrate(MIGRATIONS)
    assert _differences(database_url) == []
    database.close()


def _days(first: date, count: int = 1) -> Interval:
    return Interval(start=civil_day(first, PARIS).start, end=local_midnight(first + timedelta(days=count), PARIS))


def _weather_tables(url: str) -> set[str]:
    engine = sqlalchemy.create_engine(url)
    try:
        return {name for name in sqlalchemy.inspect(engine).get_table_names() if name.startswith("weather")}
    finally:
        engine.dispose()


def _differences(url: str) -> list[Any]:
    engine = sqlalchemy.create_engine(url)
    try:
        with engine.connect() as connection:
            options = {"include_name": lambda name, kind, _: kind != "table" or name.startswith("weather")}
            context = MigrationContext.configure(connection, opts=options)
            return [each for each in compare_metadata(context, WEATHER_OBSERVATION.metadata) if "weather" in str(each)]
    finally:
        engine.dispose()
