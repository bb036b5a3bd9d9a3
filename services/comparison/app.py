"""Puts the comparison service together: the only module that names adapters."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection as SqlConnection

from comparison.adapters.area_store import AreaStore
from comparison.adapters.places_feed import PlacesFeed
from comparison.adapters.private_figures import draws
from comparison.adapters.sources import Clients, Sources
from comparison.adapters.store import Store, erase
from comparison.adapters.tables import DELIVERY, RUNTIME
from comparison.adapters.workers import Workers
from comparison.closing import AutomaticClosing, Closer, close_due
from comparison.domain.closing import Due
from comparison.servicer import ComparisonServicer, Tools
from comparison.settings import ComparisonSettings
from comparison.wire.closing_due import CLOSING_DUE, closing_due_from_bytes, closing_due_to_proto
from multiflux.comparison.v1 import comparison_service_pb2, comparison_service_pb2_grpc
from multiflux_client.access import AccessClient
from multiflux_client.audit_sink import AccessAudit, ServiceSignIn
from multiflux_client.channel import Connection, Target
from multiflux_client.credentials import SigningKeys
from multiflux_client.failures import RemoteFailure, UnexpectedAnswer
from multiflux_client.metering import MeteringClient
from multiflux_client.people import AccessEvent
from multiflux_client.places import Territory
from multiflux_client.registry import RegistryClient, RegistryEvent
from multiflux_client.weather import WeatherClient
from runtime.audit import AuditForwarder, AuditLog
from runtime.call import current_call
from runtime.changes import Changes
from runtime.clock import Clock, SystemClock
from runtime.consumer import Consumer
from runtime.delivering import own_work, worker
from runtime.events import Event
from runtime.handling import Handlers
from runtime.limits import RateLimits
from runtime.outbox import Outbox, Pending
from runtime.permissions import NoPlaces, PermissionCheck
from runtime.place_replica import PlaceReplica
from runtime.relational import Database
from runtime.server import Endpoint, Service, periodically
from runtime.tokens import TokenVerifier
from vocabulary.names import TerritoryId

MIGRATIONS = Path(__file__).parent / "adapters" / "migrations"
_SERVICE = comparison_service_pb2.DESCRIPTOR.services_by_name["ComparisonService"].full_name
CLOSING_QUEUE = "comparison.closing"
_HANDLED_KEPT = timedelta(days=30)
"""How long it is known that an event was handled: longer than any broker or outbox delivers it again."""
_KEYS_INTERVAL_S = 60.0
_TRIM_INTERVAL_S = 3_600.0
_CLOSING_LOOK_S = 60.0
_METERING_DEADLINE_S = 120.0
_AWAY = (RemoteFailure, UnexpectedAnswer, OSError)


async def build(settings: ComparisonSettings) -> Service:
    """Return the service, ready to serve."""
    return await assembled(settings, SystemClock())


async def assembled(settings: ComparisonSettings, clock: Clock) -> Service:
    """Return the service at the time of `clock`, with its database migrated."""
    base = _base(settings, clock)
    database, calls, closer = base.database, base.calls, base.closer
    outbox = Outbox(database, RUNTIME, clock, retention=timedelta(days=settings.event_retention_days))
    changes = Changes(database, RUNTIME, outbox, clock, retention=timedelta(days=settings.request_retention_days))
    replica = PlaceReplica(database, RUNTIME)
    closing = AutomaticClosing(closer, calls.territories, partial(_ask, database, outbox), settings.months_back)
    work = own_work(settings, base.closing, database, RUNTIME, DELIVERY, outbox, clock)
    feed = PlacesFeed(database, replica, calls.registry)
    places = Consumer(
        "registry", database, RUNTIME, open_stream=calls.registry_events, apply=feed.apply, on_expired=feed.resync, away=_AWAY
    )
    people = Consumer("access", database, RUNTIME, open_stream=calls.access_events, apply=_forget, on_expired=_from_the_oldest, away=_AWAY)
    refusals = AuditLog(database, RUNTIME)
    limits = RateLimits(per_minute=settings.answers_per_minute, burst=settings.answers_at_once, clock=clock)
    tools = Tools(closer=closer, sources=base.sources, changes=changes, replica=replica, refusals=refusals, limits=limits)
    servicer = ComparisonServicer(tools)
    return Service(
        name="comparison",
        settings=settings,
        clock=clock,
        endpoints=(Endpoint(name=_SERVICE, add=comparison_service_pb2_grpc.add_ComparisonServiceServicer_to_server, servicer=servicer),),
        verifier=TokenVerifier(base.keys, clock),
        permissions=PermissionCheck(replica),
        refusals=refusals,
        tasks=(
            partial(periodically, _KEYS_INTERVAL_S, base.keys.refresh),
            partial(periodically, _TRIM_INTERVAL_S, changes.trim),
            partial(periodically, _TRIM_INTERVAL_S, outbox.trim),
            partial(periodically, _TRIM_INTERVAL_S, partial(base.closing.trim, _HANDLED_KEPT)),
            partial(periodically, _CLOSING_LOOK_S, closing.tick),
            places.run,
            people.run,
            *work.tasks,
            AuditForwarder(database, RUNTIME, AccessAudit(calls.signed_in.access)).run,
        ),
        on_drain=(outbox.stop,),
        closers=(*work.closers, *base.closers),
    )


async def working(settings: ComparisonSettings) -> Service:
    """Return a worker: it answers health checks alone, and closes the months that the broker brings; NoBroker, ExtraMissing."""
    clock = SystemClock()
    base = _base(settings, clock)
    return Service(
        name="comparison-worker",
        settings=settings,
        clock=clock,
        endpoints=(),
        verifier=TokenVerifier(base.keys, clock),
        permissions=PermissionCheck(NoPlaces()),
        refusals=AuditLog(base.database, RUNTIME),
        tasks=(worker(settings, (base.closing,)).run,),
        closers=base.closers,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Base:
    """What the service and its workers stand on."""

    database: Database
    calls: "_Calls"
    keys: SigningKeys
    sources: Sources
    closer: Closer
    closing: Handlers
    closers: tuple[Callable[[], Awaitable[None] | None], ...]


def _base(settings: ComparisonSettings, clock: Clock) -> _Base:
    database = Database.open(settings.store_url, read_threads=settings.read_threads)
    database.migrate(MIGRATIONS)
    access, metering = (_dialled(settings, address) for address in (settings.access_target, settings.metering_target))
    calls = _Calls(metering, access, ServiceSignIn("comparison", access, settings.secret_file))
    sources = Sources(calls.of)
    workers = Workers(settings.worker_processes)
    closer = Closer(
        sources=sources, database=database, records=Store, area_records=AreaStore, compute=workers.compute, clock=clock, draw=draws()
    )

    async def close(event: Event) -> None:
        await close_due(closer, closing_due_from_bytes(event.payload))

    return _Base(
        database=database,
        calls=calls,
        keys=SigningKeys(AccessClient(access)),
        sources=sources,
        closer=closer,
        closing=Handlers(CLOSING_QUEUE, database, DELIVERY, clock, jobs={CLOSING_DUE: close}),
        closers=(access.close, metering.close, workers.close, database.close),
    )


async def _ask(database: Database, outbox: Outbox, due: Due) -> None:
    pending = [Pending(event=closing_due_to_proto(due), territory=due.territory)]
    await database.write(lambda connection: outbox.append(connection, pending))
    outbox.wake()


def _forget(connection: SqlConnection, event: AccessEvent) -> None:
    if event.person_erased is not None:
        erase(connection, event.territory, event.person_erased)


async def _from_the_oldest() -> str:
    return ""


class _Calls:
    """The other services as this one calls them: as itself, for one territory or for all."""

    def __init__(self, metering: Connection, access: Connection, signed_in: ServiceSignIn) -> None:
        self._metering = metering
        self._access = access
        self.signed_in = signed_in
        self._clients = dict[TerritoryId, Clients]()

    def of(self, territory: TerritoryId) -> Clients:
        """Return the clients for one territory; OSError when there is no secret yet."""
        if territory not in self._clients:
            self._clients[territory] = self._made(territory)
        return self._clients[territory]

    def _made(self, territory: TerritoryId) -> Clients:
        metering = self._as_itself(self._metering, territory)
        access = self._as_itself(self._access, territory)
        return Clients(
            registry=RegistryClient(metering),
            metering=MeteringClient(metering),
            weather=WeatherClient(metering),
            access=AccessClient(access),
        )

    def registry(self, territory: TerritoryId | None) -> RegistryClient:
        """Return the registry for one territory, or for all."""
        return RegistryClient(self._as_itself(self._metering, territory))

    async def territories(self) -> AsyncIterator[Territory]:
        """Yield every territory."""
        async for territory in self.registry(None).territories():
            yield territory

    async def registry_events(self, cursor: str) -> AsyncIterator[tuple[str, RegistryEvent]]:
        """Yield the registry's events."""
        async for cursor_after, event in self.registry(None).watch_events(cursor):
            yield cursor_after, event

    async def access_events(self, cursor: str) -> AsyncIterator[tuple[str, AccessEvent]]:
        """Yield what happens to people, of all territories."""
        async for cursor_after, event in AccessClient(self._as_itself(self._access, None)).watch_events(cursor):
            yield cursor_after, event

    def _as_itself(self, connection: Connection, territory: TerritoryId | None) -> Connection:
        return connection.with_tokens(self.signed_in.identity().tokens(territory))


def _dialled(settings: ComparisonSettings, address: str) -> Connection:
    target = Target(address=address, authority=settings.tls_authority, tls=settings.tls_certificate is not None)
    return Connection.open(target, correlation=_correlation, deadline_s=_METERING_DEADLINE_S)


def _correlation() -> str:
    try:
        return current_call().request_id
    except LookupError:
        return str(uuid4())
