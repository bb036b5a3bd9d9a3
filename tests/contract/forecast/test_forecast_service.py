"""ForecastService over a real channel: who is told what, and how it says no. Readings are made up; the model and the store are real."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forecast_world import WEEK, Days, Hours, month_starts, winter_months
from joserfc.jwk import KeySet, OKPKey

from forecast.adapters.forecasts_sql import SqlForecasts
from forecast.adapters.tables import RUNTIME
from forecast.app import MIGRATIONS
from forecast.domain.accuracy import Accuracy
from forecast.domain.failures import NoPoints, ResourceUnknown, SeveralHouseholds
from forecast.domain.kept import Due, WeatherBasis
from forecast.domain.month_end import Prices
from forecast.domain.task import Computed, ForecastTask, Prepared, backtested, carried_out
from forecast.making import Making
from forecast.refreshing import Refreshing, refresh
from forecast.servicer import ForecastServicer, Tools
from forecast.settings import ForecastSettings
from multiflux.forecast.v1 import forecast_service_pb2 as pb
from multiflux.forecast.v1 import forecast_service_pb2_grpc as pb_grpc
from multiflux.type.v1 import flux_pb2, granularity_pb2
from multiflux_client.channel import Connection, Target
from multiflux_client.failures import RemoteFailure
from multiflux_client.forecast import ForecastClient
from multiflux_client.places import Territory
from multiflux_client.records import timestamp
from runtime.audit import AuditLog
from runtime.call import Caller, Grant
from runtime.changes import Changes
from runtime.outbox import Outbox
from runtime.permissions import PermissionCheck
from runtime.place_replica import DatedParent, PlaceReplica
from runtime.relational import Database
from runtime.server import Endpoint, Service, serving
from runtime.tokens import TokenVerifier, sign_token
from vocabulary.civil import Granularity
from vocabulary.failure import Failure
from vocabulary.flux import Flux
from vocabulary.interval import Interval, Validity
from vocabulary.names import PlaceId, PointId, TerritoryId
from vocabulary.role import Role

TOWN = TerritoryId("town")
HOUR, ELECTRICITY = granularity_pb2.GRANULARITY_HOUR, flux_pb2.FLUX_ELECTRICITY
KEY = OKPKey.generate_key("Ed25519", parameters={"kid": "test"}, private=True)
POINTS = ("flat-1-meter", "flat-2-meter")


class Keys:
    """The key that signs the tokens of these tests."""

    def key_set(self) -> KeySet:
        return KeySet([KEY])

    async def refresh(self) -> None:
        pass


@dataclass
class Sources:
    """A house with two flats, each with a meter, and made-up readings of 100 days; a point may be younger."""

    world: Hours = field(default_factory=lambda: Hours(100))
    young: set[str] = field(default_factory=set[str])
    since: list[datetime | None] = field(default_factory=list[datetime | None])
    unread_hours: int = 0
    """How many of the last hours have not come yet."""
    empty: bool = False
    """Nothing has been read yet."""
    unpriced: bool = False
    simulated: bool = False
    refused: Failure | None = None
    """What metering says to people who ask for the readings."""
    asked_as: list[str] = field(default_factory=list[str])
    days: Days = field(default_factory=lambda: Days(300, datetime(2026, 1, 11, 23, tzinfo=UTC)))

    async def territory(self, territory: TerritoryId) -> Territory:
        return Territory(id=territory, display_name="Town", time_zone="Europe/Paris", simulated=self.simulated, root_place=PlaceId("town"))

    async def flux_of(self, territory: TerritoryId, point: PointId) -> Flux:
        del territory
        if point not in POINTS:
            raise ResourceUnknown("no such point", resource=point)
        return Flux.ELECTRICITY

    async def points_in(self, territory: TerritoryId, place: PlaceId, flux: Flux) -> list[PointId]:
        del territory
        return [PointId(name) for name in POINTS if flux is Flux.ELECTRICITY and (place == "house" or name.startswith(place))]

    async def check_told(self, token: str, resource: str, flux: Flux, now: datetime) -> None:
        del resource, flux, now
        self.asked_as.append(token)
        if self.refused is not None:
            raise self.refused

    async def of_place(
        self,
        territory: Territory,
        place: PlaceId,
        flux: Flux,
        granularity: Granularity,
        now: datetime,
        *,
        together: bool,
        since: datetime | None = None,
    ) -> Prepared:
        del territory, granularity, now
        self.since.append(since)
        if flux is not Flux.ELECTRICITY or self.empty:
            raise NoPoints("none", resource=place)
        return self._prepared(tuple(f"meters/{name}" for name in POINTS), together=together)

    async def of_point(
        self, territory: Territory, point: PointId, flux: Flux, granularity: Granularity, now: datetime, since: datetime | None
    ) -> Prepared:
        del territory, flux, now
        self.since.append(since)
        match granularity:
            case Granularity.DAY:
                return self._by_day(f"meters/{point}")
            case Granularity.MONTH:
                return self._by_month(f"meters/{point}")
            case _:
                return self._prepared((f"meters/{point}",), together=False)

    def _by_day(self, resource: str) -> Prepared:
        days = self.days
        task = ForecastTask(
            granularity=Granularity.DAY,
            amounts=3_600_000 * days.amounts[:1, : days.length],
            starts=days.starts,
            temperature=days.surroundings.temperature,
            error_celsius=0.0,
            time_zone="Europe/Paris",
            public_holidays=frozenset(),
            school_holidays=frozenset(),
        )
        ahead = days.starts[days.length :]
        latest = datetime.fromtimestamp(int(ahead[0]), UTC)
        return Prepared(
            task=task, resources=(resource,), ahead_starts=ahead, ahead_ends=ahead + 86_400, basis=WeatherBasis.FORECAST, latest=latest
        )

    def _by_month(self, resource: str) -> Prepared:
        starts = month_starts(36 + 12 + 1)
        task = ForecastTask(
            granularity=Granularity.MONTH,
            amounts=3_600_000 * winter_months(1, 36),
            starts=starts[:-1],
            temperature=np.full(48, np.nan),
            error_celsius=0.0,
            time_zone="Europe/Paris",
            public_holidays=frozenset(),
            school_holidays=frozenset(),
        )
        latest = datetime.fromtimestamp(int(starts[36]), UTC)
        basis = WeatherBasis.CLIMATOLOGY
        return Prepared(task=task, resources=(resource,), ahead_starts=starts[36:-1], ahead_ends=starts[37:], basis=basis, latest=latest)

    async def used(self, territory: Territory, point: PointId, flux: Flux, during: Interval) -> int:
        del territory, point, flux
        return int(during.duration / timedelta(days=1)) * 36_000_000

    async def prices(self, territory: Territory, point: PointId, flux: Flux, during: Interval) -> tuple[Prices | None, tuple[str, ...]]:
        del territory, point, flux
        assert during.duration >= timedelta(days=7)
        return (None, ("COMMODITY",)) if self.unpriced else (Prices(per_base_unit=0.05, per_day=400_000, currency="EUR"), ())

    def _prepared(self, resources: tuple[str, ...], *, together: bool) -> Prepared:
        world, known = self.world, self.world.length - self.unread_hours
        amounts = 3_600_000 * world.points(len(resources))[:, :known]
        for row, name in enumerate(resources):
            if name in self.young:
                amounts[row, : -3 * 24] = np.nan
        task = ForecastTask(
            granularity=Granularity.HOUR,
            amounts=amounts,
            starts=world.starts[: known + WEEK],
            temperature=world.temperature[: known + WEEK],
            error_celsius=0.0,
            time_zone="Europe/Paris",
            public_holidays=frozenset(),
            school_holidays=frozenset(),
            together=together,
        )
        ahead = world.starts[known : known + WEEK]
        latest = datetime.fromtimestamp(int(ahead[0]), UTC)
        return Prepared(
            task=task, resources=resources, ahead_starts=ahead, ahead_ends=ahead + 3_600, basis=WeatherBasis.FORECAST, latest=latest
        )


class Inline:
    """Computes here."""

    async def compute(self, task: ForecastTask) -> Computed:
        return carried_out(task)

    async def backtest(self, task: ForecastTask, origins: int) -> list[Accuracy]:
        return backtested(task, origins)


@dataclass
class World:
    connection: Connection
    sources: Sources
    clock: Any
    refreshing: Refreshing
    database: Database

    def acting_as(self, role: Role, place: str | None = None, validity: Validity = Validity(), territory: TerritoryId = TOWN) -> Connection:
        grant = Grant(role=role, place=PlaceId(place) if place else None, validity=validity)
        subject = "services/x" if role is Role.SERVICE else "people/jo"
        caller = Caller(subject=subject, territory=territory, grants=(grant,))
        return self.connection.with_tokens(_Signed(sign_token(caller, key=KEY, lifetime_s=300, now=self.clock.now())))

    def acting_with(self, *grants: Grant) -> Connection:
        caller = Caller(subject="people/jo", territory=TOWN, grants=grants)
        return self.connection.with_tokens(_Signed(sign_token(caller, key=KEY, lifetime_s=300, now=self.clock.now())))

    async def forecast(self, connection: Connection, resource: str = "meters/flat-1-meter", **changes: Any) -> pb.GetForecastResponse:
        fields: dict[str, Any] = {"flux": ELECTRICITY, "granularity": HOUR, **changes}
        request = pb.GetForecastRequest(resource=resource, **fields)
        return await connection.call(pb_grpc.ForecastServiceStub(connection.channel).GetForecast, request)

    async def readings_of_the_past_come(self) -> None:
        at = self.clock.now()
        await self.database.write(lambda connection: SqlForecasts(connection).mark_changed(TOWN, {"meters/flat-1-meter": at}))

    async def refusal(self, call: Any) -> RemoteFailure:
        with pytest.raises(RemoteFailure) as caught:
            await call
        return caught.value


@dataclass
class _Signed:
    signed: str

    async def token(self) -> str:
        return self.signed


@pytest.fixture
async def world(tmp_path: Path, clock: Any) -> AsyncIterator[World]:
    settings = ForecastSettings(port=0, metrics_port=0, data_directory=tmp_path)
    database = Database.open(settings.store_url)
    database.migrate(MIGRATIONS)
    replica, sources = PlaceReplica(database, RUNTIME), Sources()

    def link(connection: Any) -> None:
        for flat in ("flat-1", "flat-2"):
            replica.apply(connection, TOWN, f"places/{flat}", [DatedParent(parent=PlaceId("house"), validity=Validity())])
            replica.apply(connection, TOWN, f"meters/{flat}-meter", [DatedParent(parent=PlaceId(flat), validity=Validity())])

    await database.write(link)
    making = Making(sources=sources, workers=Inline(), database=database, records=SqlForecasts, clock=clock)
    changes = Changes(database, RUNTIME, Outbox(database, RUNTIME, clock), clock)
    tools = Tools(making=making, changes=changes, replica=replica)

    async def made(due: Sequence[Due]) -> None:
        for one in due:
            await refresh(making, one, clock.now())

    async def territories() -> AsyncIterator[Territory]:
        yield await sources.territory(TOWN)

    refreshing = Refreshing(making, territories, made, timedelta(hours=6))
    service = Service(
        name="forecast",
        settings=settings,
        clock=clock,
        endpoints=(
            Endpoint(
                name="multiflux.forecast.v1.ForecastService",
                add=pb_grpc.add_ForecastServiceServicer_to_server,
                servicer=ForecastServicer(tools),
            ),
        ),
        verifier=TokenVerifier(Keys(), clock),
        permissions=PermissionCheck(replica),
        refusals=AuditLog(database, RUNTIME),
        closers=(database.close,),
    )
    async with serving(service) as port, Connection.open(Target(address=f"127.0.0.1:{port}")) as connection:
        yield World(connection=connection, sources=sources, clock=clock, refreshing=refreshing, database=database)


async def test_a_manager_is_told_a_point_of_its_site_with_quantiles_and_reasons(world: World) -> None:
    manager = world.acting_as(Role.BUILDING_MANAGER, "flat-1")
    found = await ForecastClient(manager).forecast("meters/flat-1-meter", None, Granularity.HOUR)
    assert (len(found.starts), sorted(found.quantiles)) == (WEEK, [25, 100, 250, 500, 750, 900, 975])
    assert found.means is not None
    assert (found.quantiles[100] <= found.quantiles[900]).all()
    assert found.calendar_percent + found.weather_percent + found.recent_percent == pytest.approx(100, abs=0.1)
    assert found.sentence_fr
    assert found.sentence_en
    assert (found.issue_time, found.model) == (world.clock.now(), "panel/1")


async def test_a_forecast_is_kept_and_given_again(world: World) -> None:
    manager = world.acting_as(Role.BUILDING_MANAGER, "flat-1")
    first = await world.forecast(manager)
    world.clock.advance(timedelta(minutes=2))
    assert await world.forecast(world.acting_as(Role.BUILDING_MANAGER, "flat-1")) == first


async def test_the_first_slots_alone_can_be_asked_and_no_more_than_there_are(world: World) -> None:
    manager = world.acting_as(Role.BUILDING_MANAGER, "flat-1")
    assert len((await world.forecast(manager, slot_count=24)).forecast.means) == 24 * 8
    for count in (WEEK + 1, -1):
        assert (await world.refusal(world.forecast(manager, slot_count=count))).reason == "HORIZON_TOO_LONG"


async def test_a_place_expects_what_its_points_do_together(world: World) -> None:
    service = world.acting_as(Role.SERVICE)
    house = (await world.forecast(service, "places/house")).forecast
    await ForecastClient(service).refresh(PlaceId("house"), Flux.ELECTRICITY, Granularity.HOUR)
    flats = [(await world.forecast(service, f"meters/{name}")).forecast for name in POINTS]
    total = sum(np.frombuffer(flat.means, "<i8") for flat in flats)
    assert np.frombuffer(house.means, "<i8") == pytest.approx(total, rel=1e-3)


async def test_people_are_told_what_metering_would_tell_them_and_services_everything(world: World) -> None:
    world.sources.refused = SeveralHouseholds("several", resource="places/house")
    manager = world.acting_as(Role.BUILDING_MANAGER, "flat-1")
    for resource in ("places/flat-1", "meters/flat-1-meter"):
        assert (await world.refusal(world.forecast(manager, resource))).reason == "SEVERAL_HOUSEHOLDS"
    assert (await world.refusal(ForecastClient(manager).month_end(PointId("flat-1-meter")))).reason == "SEVERAL_HOUSEHOLDS"
    assert len(set(world.sources.asked_as)) == 1
    assert world.sources.asked_as[0].count(".") == 2
    assert (await world.forecast(world.acting_as(Role.SERVICE), "places/house")).forecast.resource == "places/house"
    world.sources.refused, world.sources.simulated = None, True
    assert (await world.forecast(manager, "places/flat-1")).forecast.simulated


async def test_a_household_is_told_from_its_own_readings_alone(world: World) -> None:
    moved_in = world.clock.now() - timedelta(days=60)
    tenant = world.acting_as(Role.HOUSEHOLD, "flat-1", Validity(start=moved_in))
    await world.forecast(world.acting_as(Role.SERVICE))
    world.sources.since.clear()
    await world.forecast(tenant)
    await world.forecast(tenant, "places/flat-1")
    assert world.sources.since == [moved_in, moved_in]
    former = world.acting_as(Role.HOUSEHOLD, "flat-1", Validity(end=moved_in))
    assert (await world.refusal(world.forecast(former))).reason == "OCCUPANCY_ENDED"
    assert (await world.refusal(world.forecast(tenant, "meters/flat-2-meter"))).reason == "NOT_PERMITTED"


async def test_another_role_elsewhere_or_here_opens_no_past_of_a_home(world: World) -> None:
    moved_in = world.clock.now() - timedelta(days=60)
    home = Grant(role=Role.HOUSEHOLD, place=PlaceId("flat-1"), validity=Validity(start=moved_in))
    for other in (Grant(role=Role.LIGHTING_OPERATOR, place=PlaceId("elsewhere")), Grant(role=Role.ADMINISTRATOR, place=None)):
        world.sources.since.clear()
        await world.forecast(world.acting_with(home, other))
        assert world.sources.since == [moved_in]


async def test_a_household_that_has_long_lived_there_is_given_the_kept_forecast(world: World) -> None:
    await world.forecast(world.acting_as(Role.SERVICE))
    world.sources.since.clear()
    await world.forecast(world.acting_as(Role.HOUSEHOLD, "flat-1", Validity(start=world.clock.now() - timedelta(days=800))))
    assert world.sources.since == []


async def test_only_what_had_been_issued_by_then_is_given_for_then(world: World) -> None:
    service = world.acting_as(Role.SERVICE)
    earlier = timestamp(world.clock.now() - timedelta(hours=1))
    assert (await world.refusal(world.forecast(service, issued_by_time=earlier))).reason == "NO_FORECAST"
    issued = (await world.forecast(service)).forecast.issue_time
    assert (await world.refusal(world.forecast(service, issued_by_time=earlier))).reason == "NO_FORECAST"
    assert (await world.forecast(service, issued_by_time=timestamp(world.clock.now()))).forecast.issue_time == issued


async def test_an_unknown_point_has_a_name_of_its_own(world: World) -> None:
    assert (await world.refusal(world.forecast(world.acting_as(Role.SERVICE), "meters/nowhere", flux=0))).reason == "RESOURCE_UNKNOWN"


async def test_a_territory_is_refreshed_when_it_is_full_and_again_when_that_is_old(world: World) -> None:
    await world.readings_of_the_past_come()
    await world.refreshing.tick()
    assert world.sources.since == []
    world.clock.advance(timedelta(minutes=2))
    await world.refreshing.tick()
    asked = len(world.sources.since)
    assert asked > 0
    world.clock.advance(timedelta(hours=1))
    await world.refreshing.tick()
    assert len(world.sources.since) == asked
    world.clock.advance(timedelta(hours=6))
    await world.refreshing.tick()
    assert len(world.sources.since) == 2 * asked


async def test_a_new_territory_is_looked_at_again_as_soon_as_readings_have_come_and_else_after_a_while(world: World) -> None:
    world.sources.empty = True
    await world.refreshing.tick()
    asked = len(world.sources.since)
    world.clock.advance(timedelta(minutes=2))
    await world.refreshing.tick()
    assert len(world.sources.since) == asked
    world.sources.empty = False
    await world.readings_of_the_past_come()
    world.clock.advance(timedelta(minutes=2))
    await world.refreshing.tick()
    assert len(world.sources.since) == 2 * asked
    service = world.acting_as(Role.SERVICE)
    before = len(world.sources.since)
    await world.forecast(service)
    assert len(world.sources.since) == before


async def test_too_little_history_and_no_points_have_names(world: World) -> None:
    service = world.acting_as(Role.SERVICE)
    world.sources.young.add("meters/flat-2-meter")
    failure = await world.refusal(world.forecast(service, "meters/flat-2-meter"))
    assert (failure.reason, failure.metadata) == ("INSUFFICIENT_HISTORY", {"days_required": "14", "days_available": "3"})
    assert (await world.refusal(world.forecast(service, "places/house", flux=flux_pb2.FLUX_GAS))).reason == "NO_POINTS"
    assert (await world.refusal(world.forecast(service, "places/house", flux=0))).reason == "INVALID_REQUEST"
    week = granularity_pb2.GRANULARITY_WEEK
    assert (await world.refusal(world.forecast(service, granularity=week))).reason == "INVALID_REQUEST"


async def test_a_year_of_months_says_which_model_was_chosen_and_how_it_did(world: World) -> None:
    client = ForecastClient(world.acting_as(Role.BUILDING_MANAGER, "flat-1"))
    found = await client.forecast("meters/flat-1-meter", None, Granularity.MONTH)
    assert (len(found.starts), found.model, sorted(found.sum_quantiles)) == (12, "months/1", [])
    assert [score.origin_count for score in found.model_scores] == [5, 5]
    assert found.model_scores[0].wape_percent <= found.model_scores[1].wape_percent
    winter, summer = (found.quantiles[500][at] for at in (0, 6))
    assert winter > 2 * summer
    assert (await client.forecast("meters/flat-1-meter", None, Granularity.MONTH)).model_scores == found.model_scores


async def test_a_backtest_tells_each_day_ahead_beside_repeating_the_week(world: World) -> None:
    client = ForecastClient(world.acting_as(Role.BUILDING_MANAGER, "flat-1"))
    report = await client.backtest("meters/flat-1-meter", None, Granularity.HOUR, origin_count=2)
    assert [(one.first_slot, one.slot_count, one.sample_count) for one in report.horizons] == [(24 * day, 24, 48) for day in range(7)]
    whole = report.overall
    assert (whole.first_slot, whole.slot_count, whole.sample_count) == (0, WEEK, 2 * WEEK)
    assert whole.mase is not None
    assert whole.naive_mase is not None
    assert whole.mase < whole.naive_mase
    house = await ForecastClient(world.acting_as(Role.SERVICE)).backtest("places/house", Flux.ELECTRICITY, Granularity.HOUR, origin_count=1)
    assert house.overall.sample_count == 2 * WEEK


async def test_forecasts_that_were_issued_are_judged_once_readings_have_come(world: World) -> None:
    service = ForecastClient(world.acting_as(Role.SERVICE))
    world.sources.unread_hours = 3 * 24
    await service.forecast("meters/flat-1-meter", None, Granularity.HOUR)
    nothing = await service.accuracy("meters/flat-1-meter", None, Granularity.HOUR)
    assert (nothing.overall.sample_count, nothing.overall.mase, nothing.overall.coverage_percent) == (0, None, None)
    world.sources.unread_hours = 0
    report = await service.accuracy("meters/flat-1-meter", None, Granularity.HOUR)
    assert [one.sample_count for one in report.horizons] == [24, 24, 24, 0, 0, 0, 0]
    assert report.overall.mase is not None
    assert 0 < report.overall.mase < 1
    later = await service.accuracy("meters/flat-1-meter", None, Granularity.HOUR, issued_since=world.clock.now() + timedelta(hours=1))
    assert later.overall.sample_count == 0


async def test_reports_are_for_who_may_know_the_readings_and_of_hours_or_days(world: World) -> None:
    for connection, reason in (
        (world.acting_as(Role.BUILDING_MANAGER, "flat-2"), "NOT_PERMITTED"),
        (world.acting_as(Role.COLLECTOR), "NOT_PERMITTED"),
    ):
        client = ForecastClient(connection)
        for report in (client.backtest, client.accuracy):
            assert (await world.refusal(report("meters/flat-1-meter", None, Granularity.HOUR))).reason == reason
    service = ForecastClient(world.acting_as(Role.SERVICE))
    for report in (service.backtest, service.accuracy):
        assert (await world.refusal(report("meters/flat-1-meter", None, Granularity.MONTH))).reason == "INVALID_REQUEST"
    many = service.backtest("meters/flat-1-meter", None, Granularity.HOUR, origin_count=13)
    assert (await world.refusal(many)).reason == "INVALID_REQUEST"
    world.sources.refused = SeveralHouseholds("several", resource="places/house")
    administrator = ForecastClient(world.acting_as(Role.ADMINISTRATOR))
    for report in (administrator.backtest, administrator.accuracy):
        assert (await world.refusal(report("places/house", Flux.ELECTRICITY, Granularity.HOUR))).reason == "SEVERAL_HOUSEHOLDS"


async def test_a_refresh_counts_and_is_done_once_per_request(world: World) -> None:
    world.sources.young.add("meters/flat-2-meter")
    client = ForecastClient(world.acting_as(Role.ADMINISTRATOR))
    request_id = "3b0f2a0e-5b39-4d1c-9a37-0d8a0a0a0a0a"
    first = await client.refresh(PlaceId("house"), Flux.ELECTRICITY, Granularity.HOUR, request_id=request_id)
    assert (first.forecast_count, first.insufficient_count) == (1, 1)
    world.sources.young.clear()
    assert await client.refresh(PlaceId("house"), Flux.ELECTRICITY, Granularity.HOUR, request_id=request_id) == first
    nothing = await client.refresh(PlaceId("house"), Flux.WATER, Granularity.HOUR)
    assert (nothing.forecast_count, nothing.insufficient_count) == (0, 0)


async def test_services_read_all_points_of_a_place_in_blocks(world: World) -> None:
    service = world.acting_as(Role.SERVICE)
    await ForecastClient(service).refresh(PlaceId("house"), Flux.ELECTRICITY, Granularity.HOUR)
    stub = pb_grpc.ForecastServiceStub(service.channel)
    request = pb.StreamForecastsRequest(place="places/house", flux=ELECTRICITY, granularity=HOUR)
    found = [one.resource async for response in service.receive(stub.StreamForecasts, request) for one in response.forecasts]
    assert found == [f"meters/{name}" for name in POINTS]


@pytest.mark.parametrize("role", [Role.COLLECTOR, Role.PUBLIC, Role.PLATFORM_OPERATOR, Role.TERRITORY_ANALYST])
async def test_everybody_else_is_refused(world: World, role: Role) -> None:
    assert (await world.refusal(world.forecast(world.acting_as(role)))).reason == "NOT_PERMITTED"
    refresh = ForecastClient(world.acting_as(role)).refresh(PlaceId("house"), Flux.ELECTRICITY, Granularity.HOUR)
    assert (await world.refusal(refresh)).reason == "NOT_PERMITTED"


@pytest.mark.parametrize("role", [Role.HOUSEHOLD, Role.BUILDING_MANAGER, Role.LIGHTING_OPERATOR, Role.TERRITORY_ANALYST])
async def test_people_do_not_refresh_nor_read_in_bulk(world: World, role: Role) -> None:
    person = world.acting_as(role)
    refresh = ForecastClient(person).refresh(PlaceId("house"), Flux.ELECTRICITY, Granularity.HOUR)
    assert (await world.refusal(refresh)).reason == "NOT_PERMITTED"
    request = pb.StreamForecastsRequest(place="places/house", flux=ELECTRICITY, granularity=HOUR)
    with pytest.raises(RemoteFailure) as caught:
        async for _ in person.receive(pb_grpc.ForecastServiceStub(person.channel).StreamForecasts, request):
            pass
    assert caught.value.reason == "NOT_PERMITTED"


async def test_another_territory_and_nobody_are_refused(world: World) -> None:
    stranger = world.acting_as(Role.BUILDING_MANAGER, "flat-1", territory=TerritoryId("elsewhere"))
    assert (await world.refusal(world.forecast(stranger))).reason == "NOT_PERMITTED"
    assert (await world.refusal(world.forecast(world.connection))).reason == "TOKEN_MISSING"


async def test_the_month_ends_in_ranges_of_quantity_and_money(world: World) -> None:
    client = ForecastClient(world.acting_as(Role.BUILDING_MANAGER, "flat-1"))
    end = await client.month_end(PointId("flat-1-meter"))
    assert (end.month.start, end.month.end) == (datetime(2025, 12, 31, 23, tzinfo=UTC), datetime(2026, 1, 31, 23, tzinfo=UTC))
    assert end.known_amount == 11 * 36_000_000
    days = await client.forecast("meters/flat-1-meter", None, Granularity.DAY)
    assert days.means is not None
    assert end.mean_amount == pytest.approx(end.known_amount + days.means[:20].sum(), rel=1e-3)
    assert end.quantiles[100] < end.mean_amount < end.quantiles[900]
    assert end.mean_micros == pytest.approx(0.05 * end.mean_amount + 31 * 400_000, rel=1e-3)
    assert (end.currency_code, end.over_budget_percent, end.missing_prices) == ("EUR", None, ())
    for budget, least, most in ((end.bill_quantiles[500], 45, 55), (1, 100, 100), (10**12, 0, 0)):
        chance = (await client.month_end(PointId("flat-1-meter"), budget_micros=budget)).over_budget_percent
        assert chance is not None
        assert least <= chance <= most


async def test_without_prices_there_is_no_bill_and_the_missing_ones_are_named(world: World) -> None:
    world.sources.unpriced = True
    end = await ForecastClient(world.acting_as(Role.SERVICE)).month_end(PointId("flat-1-meter"), budget_micros=5)
    assert (end.currency_code, end.bill_quantiles, end.over_budget_percent, end.missing_prices) == ("", {}, None, ("COMMODITY",))
    assert end.mean_amount > 0
