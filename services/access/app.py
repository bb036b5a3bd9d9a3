"""Puts the access service together: the only module that names adapters."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from access.adapters.audit_trail import AuditTrail
from access.adapters.books import SqlBooks
from access.adapters.code_tries import CodeTries
from access.adapters.digests import Digests
from access.adapters.exchange import Door, TokenExchange
from access.adapters.first_people import FirstPeople
from access.adapters.local_issuer import LocalIssuer
from access.adapters.news import TransactionNews
from access.adapters.oidc_keys import OidcKeys
from access.adapters.registry_feed import OwnTokens, Registry, RegistryFeed
from access.adapters.secret_files import key_in, secret_in
from access.adapters.sessions import SqlSessions
from access.adapters.signing_keys import SigningKeys
from access.adapters.subject_tokens import SubjectTokens
from access.adapters.tables import AccessTables, access_tables
from access.domain.entry import Lifetimes
from access.domain.subject_claims import TrustedIssuer
from access.servicer import AccessServicer
from access.servicer.desk import Tools
from access.settings import AccessSettings
from multiflux.access.v1 import access_service_pb2, access_service_pb2_grpc
from multiflux_client.channel import Connection, Target
from multiflux_client.failures import RemoteFailure, UnexpectedAnswer
from multiflux_client.registry import RegistryClient
from runtime.audit import AuditLog
from runtime.changes import Changes
from runtime.clock import Clock, SystemClock
from runtime.consumer import Consumer
from runtime.outbox import Outbox
from runtime.permissions import PermissionCheck
from runtime.place_replica import PlaceReplica
from runtime.relational import Database
from runtime.server import Endpoint, Service, periodically
from runtime.tokens import TokenVerifier
from vocabulary.names import TerritoryId

MIGRATIONS = Path(__file__).parent / "adapters" / "migrations"
_ISSUER_DEADLINE_S = 5.0
_TIDY_INTERVAL_S = 60.0
_TRIM_INTERVAL_S = 3_600.0

Task = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Store:
    """What is kept, and how it changes."""

    database: Database
    tables: AccessTables
    outbox: Outbox
    changes: Changes
    digests: Digests
    clock: Clock


async def build(settings: AccessSettings) -> Service:
    """Return the service, ready to serve."""
    return await assembled(settings, SystemClock())


async def assembled(settings: AccessSettings, clock: Clock) -> Service:
    """Return the service at the time of `clock`: with its database migrated, its keys and its first people made."""
    store = _store(settings, clock)
    keys = SigningKeys(store.database, store.tables, settings.secrets_directory / "signing", clock)
    await keys.start()
    client = httpx.AsyncClient(timeout=_ISSUER_DEADLINE_S, follow_redirects=False)
    door = _door(settings, clock, client)
    await _first_people(settings, store, door)
    registry = _registry(settings, store, keys)
    return Service(
        name="access",
        settings=settings,
        clock=clock,
        endpoints=(_endpoint(AccessServicer(_tools(settings, store, keys, door))),),
        verifier=TokenVerifier(keys, clock),
        permissions=PermissionCheck(PlaceReplica(store.database, store.tables.runtime)),
        refusals=AuditLog(store.database, store.tables.runtime),
        tasks=(*_housekeeping(store, keys), *registry.tasks),
        on_drain=(store.outbox.stop,),
        closers=(*registry.closers, client.aclose, store.database.close),
    )


def _store(settings: AccessSettings, clock: Clock) -> _Store:
    database, tables = Database.open(settings.store_url, read_threads=settings.read_threads), access_tables()
    database.migrate(MIGRATIONS)
    outbox = Outbox(database, tables.runtime, clock, retention=timedelta(days=settings.event_retention_days))
    changes = Changes(database, tables.runtime, outbox, clock, retention=timedelta(days=settings.request_retention_days))
    digests = Digests(secret_in(settings.secrets_directory / "digests.key").encode())
    return _Store(database=database, tables=tables, outbox=outbox, changes=changes, digests=digests, clock=clock)


def _door(settings: AccessSettings, clock: Clock, client: httpx.AsyncClient) -> Door:
    if settings.issuer:
        local = None
        trusted = TrustedIssuer(issuer=settings.issuer, audience=settings.audience)
        subjects = SubjectTokens(trusted, OidcKeys(settings.issuer, settings.jwks_url, client, clock), clock)
    else:
        local = LocalIssuer(key_in(settings.secrets_directory / "local-issuer.key"), clock)
        subjects = SubjectTokens(local.trusted, local, clock)
    return Door(
        subjects=subjects,
        local=local,
        services={service: secret_in(settings.service_secrets_directory / service) for service in settings.service_ids},
        lifetimes=Lifetimes(refresh=timedelta(hours=settings.refresh_hours), session=timedelta(days=settings.session_days)),
        admit_unknown=settings.admit_unknown,
    )


async def _first_people(settings: AccessSettings, store: _Store, door: Door) -> None:
    people = FirstPeople(store.database, store.tables, store.digests, store.outbox, store.clock)
    await people.operators(door.subjects.issuer, settings.operator_subjects)
    if door.local is not None and settings.demo_territory:
        await people.demo(TerritoryId(settings.demo_territory))


def _tools(settings: AccessSettings, store: _Store, keys: SigningKeys, door: Door) -> Tools:
    return Tools(
        database=store.database,
        changes=store.changes,
        outbox=store.outbox,
        books=lambda connection, territory: SqlBooks(connection, store.tables, store.digests, territory),
        news=TransactionNews,
        exchange=TokenExchange(store.database, store.changes, store.tables, store.digests, keys, door),
        keys=keys,
        tries=CodeTries(store.database, store.tables),
        trail=_trail(store),
        code_digest=store.digests.occupancy_code,
        code_lifetime=settings.occupancy_code_lifetime,
    )


def _trail(store: _Store) -> AuditTrail:
    return AuditTrail(store.database, store.tables, store.digests, store.clock)


def _endpoint(servicer: AccessServicer) -> Endpoint:
    name = access_service_pb2.DESCRIPTOR.services_by_name["AccessService"].full_name
    return Endpoint(name=name, add=access_service_pb2_grpc.add_AccessServiceServicer_to_server, servicer=servicer)


def _housekeeping(store: _Store, keys: SigningKeys) -> tuple[Task, ...]:
    async def trim_sessions() -> None:
        now = store.clock.now()
        await store.database.write(lambda connection: SqlSessions(connection, store.tables).trim(now))
        await CodeTries(store.database, store.tables).trim(now)

    every_minute = (keys.refresh, _trail(store).sweep)
    every_hour = (store.outbox.trim, store.changes.trim, trim_sessions)
    return (
        *(partial(periodically, _TIDY_INTERVAL_S, work) for work in every_minute),
        *(partial(periodically, _TRIM_INTERVAL_S, work) for work in every_hour),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Following:
    """What follows the registry."""

    tasks: tuple[Task, ...] = ()
    closers: tuple[Callable[[], Awaitable[None]], ...] = ()


def _registry(settings: AccessSettings, store: _Store, keys: SigningKeys) -> _Following:
    if not settings.registry_target:
        return _Following()
    target = Target(address=settings.registry_target, authority=settings.tls_authority, tls=settings.tls_certificate is not None)
    connection = Connection.open(target)
    registry = Registry(
        client=lambda tokens: RegistryClient(connection.with_tokens(tokens)),
        tokens=lambda territory: OwnTokens(keys, store.clock, territory),
    )
    feed = RegistryFeed(store.database, store.tables, store.digests, store.outbox, store.clock)
    consumer = Consumer(
        "registry",
        store.database,
        store.tables.runtime,
        open_stream=registry.of(None).watch_events,
        apply=feed.apply,
        on_expired=partial(feed.resync, registry),
        away=(RemoteFailure, UnexpectedAnswer),
    )
    return _Following(tasks=(consumer.run,), closers=(connection.close,))
