"""Puts the forecast service together: the only module that names adapters."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

from forecast.adapters.forecasts_sql import SqlForecasts
from forecast.adapters.readings_feed import ReadingsFeed
from forecast.adapters.registry_feed import RegistryFeed
from forecast.adapters.sources import Clients, Sources
from forecast.adapters.tables import DELIVERY, RUNTIME
from forecast.adapters.workers import Workers
from forecast.domain.kept import Due
from forecast.making import Making
from forecast.refreshing import Refreshing, refresh
from forecast.servicer import ForecastServicer, Tools
from forecast.settings import ForecastSettings
from forecast.wire.refresh_due import REFRESH_DUE, refresh_due_from_bytes, refresh_due_to_proto
from multiflux.forecast.v1 import forecast_service_pb2, forecast_service_pb2_grpc
from multiflux_client.access import AccessClient
from multiflux_client.audit_sink import AccessAudit, ServiceSignIn
from multiflux_client.channel import Connection, Target
from multiflux_client.costs import CostClient
from multiflux_client.credentials import FixedToken, SigningKeys
from multiflux_client.failures import RemoteFailure, UnexpectedAnswer
from multiflux_client.lighting import LightingClient
from multiflux_client.metering import SERIES_EVENT, MeteringClient, SeriesEvent
from multiflux_client.places import Territory
from multiflux_client.registry import RegistryClient, RegistryEvent
from multiflux_client.weather import WeatherClient
from runtime.audit import AuditForwarder, AuditLog
from runtime.call import current_call
from runtime.changes import Changes
from runtime.clock import Clock, SystemClock
from runtime.consumer import Consumer
from runtime.delivering import own_work, worker
from runtime.events import EVENTS_MISSED, Event
from runtime.handling import Handlers
from runtime.outbox import Outbox, Pending
from runtime.permissions import NoPlaces, PermissionCheck
from runtime.place_replica import PlaceReplica
from runtime.relational import Database
from runtime.server import Endpoint, Service, periodically
from runtime.tokens import TokenVerifier
from vocabulary.names import TerritoryId

MIGRATIONS = Path(__file__).parent / "adapters" / "migrations"
_SERVICE = forecast_service_pb2.DESCRIPTOR.services_by_name["ForecastService"].full_name
READINGS_QUEUE, REFRESH_QUEUE = "forecast.readings", "forecast.refresh"
_AWAY = (RemoteFailure, UnexpectedAnswer, OSError)
_HANDLED_KEPT = timedelta(days=30)
"""How long it is known that an event was handled: longer than any broker or outbox delivers it again."""
_KEYS_INTERVAL_S = 60.0
_TRIM_INTERVAL_S = 3_600.0
_REFRESH_LOOK_S = 30.0
_METERING_DEADLINE_S = 120.0


async def build(settings: ForecastSettings) -> Service:
    """Return the service, ready to serve."""
    return await assembled(settings, SystemClock())


async def assembled(settings: ForecastSettings, clock: Clock) -> Service:
    """Return the service at the time of `clock`, with its database migrated."""
    base = _base(settings, clock)
    database, calls, making = base.database, base.calls, base.making
    outbox = Outbox(database, RUNTIME, clock, retention=timedelta(days=settings.event_retention_days))
    changes = Changes(database, RUNTIME, outbox, clock, retention=timedelta(days=settings.request_retention_days))
    replica = PlaceReplica(database, RUNTIME)
    feed = RegistryFeed(database, replica, calls.registry)
    consumer = Consumer("registry", database, RUNTIME, open_stream=calls.events, apply=feed.apply, on_expired=feed.resync, away=_AWAY)
    refreshing = Refreshing(making, calls.territories, partial(_ask, database, outbox), timedelta(hours=settings.refresh_hours))
    work = own_work(settings, base.refreshing, database, RUNTIME, DELIVERY, outbox, clock)
    tools = Tools(making=making, changes=changes, replica=replica, fresh=timedelta(hours=settings.refresh_hours))
    return Service(
        name="forecast",
        settings=settings,
        clock=clock,
        endpoints=(
            Endpoint(name=_SERVICE, add=forecast_service_pb2_grpc.add_ForecastServiceServicer_to_server, servicer=ForecastServicer(tools)),
        ),
        verifier=TokenVerifier(base.keys, clock),
        permissions=PermissionCheck(replica),
        refusals=AuditLog(database, RUNTIME),
        tasks=(
            partial(periodically, _KEYS_INTERVAL_S, base.keys.refresh),
            partial(periodically, _TRIM_INTERVAL_S, changes.trim),
            partial(periodically, _TRIM_INTERVAL_S, outbox.trim),
            partial(periodically, _TRIM_INTERVAL_S, partial(making.trim, settings.whole_days, settings.kept_days)),
            *(partial(periodically, _TRIM_INTERVAL_S, partial(one.trim, _HANDLED_KEPT)) for one in (base.refreshing, base.readings)),
            partial(periodically, _REFRESH_LOOK_S, refreshing.tick),
            consumer.run,
            *(() if settings.broker else (_following(base).run,)),
            *work.tasks,
            AuditForwarder(database, RUNTIME, AccessAudit(calls.signed_in.access)).run,
        ),
        on_drain=(outbox.stop,),
        closers=(*work.closers, *base.closers),
    )


async def working(settings: ForecastSettings) -> Service:
    """Return a worker: it answers health checks alone, and handles what comes through the broker; NoBroker, ExtraMissing."""
    clock = SystemClock()
    base = _base(settings, clock)
    return Service(
        name="forecast-worker",
        settings=settings,
        clock=clock,
        endpoints=(),
        verifier=TokenVerifier(base.keys, clock),
        permissions=PermissionCheck(NoPlaces()),
        refusals=AuditLog(base.database, RUNTIME),
        tasks=(worker(settings, (base.readings, base.refreshing)).run,),
        closers=base.closers,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Base:
    """What the service and its workers stand on."""

    database: Database
    calls: "_Calls"
    keys: SigningKeys
    making: Making
    readings: Handlers
    refreshing: Handlers
    closers: tuple[Callable[[], Awaitable[None] | None], ...]


def _base(settings: ForecastSettings, clock: Clock) -> _Base:
    database = Database.open(settings.store_url, read_threads=settings.read_threads)
    database.migrate(MIGRATIONS)
    access, metering, lighting = (
        _dialled(settings, address) for address in (settings.access_target, settings.metering_target, settings.lighting_target)
    )
    calls = _Calls(metering, lighting, ServiceSignIn("forecast", access, settings.secret_file))
    workers = Workers(settings.worker_processes)
    sources = Sources(calls.of, calls.metering_as, settings.weather_error_celsius)
    making = Making(sources=sources, workers=workers, database=database, records=SqlForecasts, clock=clock)
    feed = ReadingsFeed(database)

    async def make(event: Event) -> None:
        await refresh(making, refresh_due_from_bytes(event.payload), event.occurred)

    return _Base(
        database=database,
        calls=calls,
        keys=SigningKeys(AccessClient(access)),
        making=making,
        readings=Handlers(READINGS_QUEUE, database, DELIVERY, clock, effects={SERIES_EVENT: feed.take, EVENTS_MISSED: feed.missed}),
        refreshing=Handlers(REFRESH_QUEUE, database, DELIVERY, clock, jobs={REFRESH_DUE: make}),
        closers=(access.close, metering.close, lighting.close, workers.close, database.close),
    )


def _following(base: _Base) -> "Consumer[SeriesEvent]":
    """Return what follows readings where no broker brings them: the same effects, each in the transaction of its cursor."""
    feed = ReadingsFeed(base.database)
    return Consumer(
        "readings",
        base.database,
        RUNTIME,
        open_stream=base.calls.reading_events,
        apply=feed.apply,
        on_expired=feed.resync,
        away=_AWAY,
    )


async def _ask(database: Database, outbox: Outbox, due: Sequence[Due]) -> None:
    pending = [Pending(event=refresh_due_to_proto(one), territory=one.territory) for one in due]
    await database.write(lambda connection: outbox.append(connection, pending))
    outbox.wake()


class _Calls:
    """Metering and lighting as this service calls them: as itself, for one territory or for all."""

    def __init__(self, connection: Connection, lighting: Connection, signed_in: ServiceSignIn) -> None:
        self._connection = connection
        self._lighting = lighting
        self.signed_in = signed_in

    def of(self, territory: TerritoryId) -> Clients:
        """Return the clients for one territory; OSError when there is no secret yet."""
        signed_in = self._as_itself(territory)
        return Clients(
            registry=RegistryClient(signed_in),
            metering=MeteringClient(signed_in),
            weather=WeatherClient(signed_in),
            costs=CostClient(signed_in),
            lighting=LightingClient(self._lighting.with_tokens(self.signed_in.identity().tokens(territory))),
        )

    def metering_as(self, token: str) -> MeteringClient:
        """Return metering as whoever a token speaks for."""
        return MeteringClient(self._connection.with_tokens(FixedToken(token)))

    def registry(self, territory: TerritoryId | None) -> RegistryClient:
        """Return the registry for one territory, or for all."""
        return RegistryClient(self._as_itself(territory))

    async def territories(self) -> AsyncIterator[Territory]:
        """Yield every territory."""
        async for territory in self.registry(None).territories():
            yield territory

    async def events(self, cursor: str) -> AsyncIterator[tuple[str, RegistryEvent]]:
        """Yield the registry's events."""
        async for cursor_after, event in self.registry(None).watch_events(cursor):
            yield cursor_after, event

    async def reading_events(self, cursor: str) -> AsyncIterator[tuple[str, SeriesEvent]]:
        """Yield metering's events about readings of all territories."""
        async for cursor_after, event in MeteringClient(self._as_itself(None)).watch_events(cursor):
            yield cursor_after, event

    def _as_itself(self, territory: TerritoryId | None) -> Connection:
        return self._connection.with_tokens(self.signed_in.identity().tokens(territory))


def _dialled(settings: ForecastSettings, address: str) -> Connection:
    target = Target(address=address, authority=settings.tls_authority, tls=settings.tls_certificate is not None)
    return Connection.open(target, correlation=_correlation, deadline_s=_METERING_DEADLINE_S)


def _correlation() -> str:
    try:
        return current_call().request_id
    except LookupError:
        return str(uuid4())
