"""Puts the lighting service together: the only module that names adapters."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from lighting.adapters import inventory_cells as cells
from lighting.adapters import inventory_files as files
from lighting.adapters.deliveries import DeliveryStore
from lighting.adapters.estates import Estates
from lighting.adapters.faults import SqlFaults
from lighting.adapters.field_talq import Desk, GatewayName, Habits, TalqLink
from lighting.adapters.meters import MeteringMeters
from lighting.adapters.records import Documents, SqlRecords
from lighting.adapters.registry_facts import EmissionChoice, RegistryFacts
from lighting.adapters.registry_feed import RegistryFeed
from lighting.adapters.tables import RUNTIME
from lighting.adapters.talq_cms import cms_application
from lighting.adapters.talq_gateway import Peer
from lighting.domain.delivery import Patience
from lighting.domain.inventory import GatewayProtocol
from lighting.domain.ports import Facts, FieldLink, Meters, Shelf
from lighting.servicer import LightingServicer
from lighting.servicer.desk import InventoryFiles, Tools
from lighting.settings import LightingSettings
from lighting.wire.documents import document, from_document
from lighting.wire.field import order_document, order_from_document
from lighting.workers import courier
from lighting.workers.watchman import Watchman
from multiflux.lighting.v1 import lighting_service_pb2 as pb
from multiflux.lighting.v1 import lighting_service_pb2_grpc
from multiflux_client.access import AccessClient
from multiflux_client.audit_sink import AccessAudit, ServiceSignIn
from multiflux_client.channel import Connection, Target
from multiflux_client.credentials import SigningKeys
from multiflux_client.failures import RemoteFailure, UnexpectedAnswer
from multiflux_client.metering import MeteringClient
from multiflux_client.registry import RegistryClient
from runtime.audit import AuditForwarder, AuditLog
from runtime.changes import Changes
from runtime.clock import Clock, SystemClock
from runtime.consumer import Consumer
from runtime.outbox import Outbox
from runtime.permissions import PermissionCheck
from runtime.place_replica import PlaceReplica
from runtime.relational import Database
from runtime.server import Endpoint, Service, periodically
from runtime.settings import SettingsInvalid
from runtime.tokens import KeySource, TokenVerifier
from runtime.web import Door, web_served
from vocabulary.names import TerritoryId

MIGRATIONS = Path(__file__).parent / "adapters" / "migrations"

_LIGHTING = pb.DESCRIPTOR.services_by_name["LightingService"].full_name
_TRIM_INTERVAL_S = 3_600.0
_KEYS_INTERVAL_S = 60.0
_MIB = 1 << 20

Task = Callable[[], Coroutine[Any, Any, None]]
Closer = Callable[[], Awaitable[None] | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """The relational store of the process."""

    database: Database
    outbox: Outbox
    changes: Changes
    clock: Clock


@dataclass(frozen=True, kw_only=True, slots=True)
class Others:
    """The way to the other services: keys that verify tokens, and the registry."""

    keys: KeySource
    facts: Facts
    meters: Meters
    tasks: tuple[Task, ...] = ()
    closers: tuple[Closer, ...] = ()


async def build(settings: LightingSettings) -> Service:
    """Return the service, ready to serve."""
    store = opened(settings, SystemClock())
    others = _others(settings, store)
    return assembled(settings, store, others, links_of(settings, store.clock, others.facts))


def opened(settings: LightingSettings, clock: Clock) -> Store:
    """Open the store, and bring its schema up to date."""
    database = Database.open(settings.store_url, read_threads=settings.read_threads)
    database.migrate(MIGRATIONS)
    outbox = Outbox(database, RUNTIME, clock, retention=timedelta(days=settings.event_retention_days))
    changes = Changes(database, RUNTIME, outbox, clock, retention=timedelta(days=settings.request_retention_days))
    return Store(database=database, outbox=outbox, changes=changes, clock=clock)


def links_of(settings: LightingSettings, clock: Clock, facts: Facts) -> Mapping[GatewayProtocol, FieldLink]:
    """Return the ways to gateways that the settings name; SettingsInvalid."""
    links: dict[GatewayProtocol, FieldLink] = {}
    if settings.mqtt_host:
        links[GatewayProtocol.MQTT] = _mqtt_link(settings, clock)
    if settings.talq_gateways:
        links[GatewayProtocol.TALQ] = _talq_link(settings, clock, facts)
    return links


def _mqtt_link(settings: LightingSettings, clock: Clock) -> FieldLink:
    if find_spec("aiomqtt") is None:
        raise SettingsInvalid("MULTIFLUX_LIGHTING_MQTT_HOST is set, but aiomqtt is not installed: install multiflux[mqtt]")
    from lighting.adapters.field_mqtt import Broker, MqttLink  # noqa: PLC0415 - installed where gateways speak MQTT alone

    broker = Broker(
        host=settings.mqtt_host,
        port=settings.mqtt_port,
        username=settings.mqtt_username,
        password=settings.mqtt_password,
        authority=settings.mqtt_authority,
    )
    return MqttLink(broker=broker, now=clock.now)


def _talq_link(settings: LightingSettings, clock: Clock, facts: Facts) -> TalqLink:
    def token(file: Path | None) -> str:
        found = file.read_text("utf-8").strip() if file is not None else ""
        if file is not None and not found:
            raise SettingsInvalid(f"{file} holds no token")
        return found

    peers: dict[GatewayName, Peer] = {}
    for name, gateway in settings.talq_gateways.items():
        territory, address = name.split("/")
        peers[TerritoryId(territory), address] = Peer(
            url=str(gateway.url),
            token=token(gateway.token_file),
            push_token=token(gateway.push_token_file),
            authority=gateway.authority,
        )
    pushing = [peer.push_token for peer in peers.values() if peer.push_token]
    if len(set(pushing)) < len(pushing):
        raise SettingsInvalid("two gateways that speak TALQ would show the same token")

    async def door(desks: Mapping[GatewayName, Desk]) -> None:
        application = cms_application(desks, settings.talq_body_mib * _MIB)
        listens = Door(host=settings.host, port=settings.talq_port, certificate=settings.tls_certificate, key=settings.tls_key)
        async with web_served(application, listens):
            await asyncio.Event().wait()

    async def zone_of(territory: TerritoryId) -> ZoneInfo:
        return (await facts.of(territory)).zone

    habits = Habits(owner=str(settings.talq_address), reading_s=settings.talq_reading_s, reads_back=settings.talq_reads_back)
    return TalqLink(peers, habits, zone_of=zone_of, now=clock.now, door=door if settings.talq_port else None)


def assembled(settings: LightingSettings, store: Store, others: Others, links: Mapping[GatewayProtocol, FieldLink]) -> Service:
    """Return the service over a store, with links to the field."""
    executor = ThreadPoolExecutor(settings.plan_threads, thread_name_prefix="plans")
    scopes = PlaceReplica(store.database, RUNTIME)
    estates, deliveries = Estates(store.database, DOCUMENTS), DeliveryStore(ORDERS)
    patience = Patience(first=timedelta(seconds=settings.order_first_wait_s), longest=timedelta(seconds=settings.order_longest_wait_s))
    field = courier.Courier(
        tools=courier.Tools(
            database=store.database,
            store=deliveries,
            outbox=store.outbox,
            estates=estates,
            facts=others.facts,
            links=links,
            clock=store.clock,
            executor=executor,
            patience=patience,
            watchman=Watchman(database=store.database, faults=SqlFaults, outbox=store.outbox, clock=store.clock, executor=executor),
        )
    )
    tools = Tools(
        database=store.database,
        changes=store.changes,
        outbox=store.outbox,
        records=partial(SqlRecords, documents=DOCUMENTS),
        deliveries=deliveries.deliveries,
        faults=SqlFaults,
        patience=patience,
        estates=estates,
        facts=others.facts,
        meters=others.meters,
        scopes=scopes,
        files=_files(),
        executor=executor,
        largest_file_bytes=settings.import_file_mib * _MIB,
    )
    servicer = LightingServicer(tools)
    return Service(
        name="lighting",
        settings=settings,
        clock=store.clock,
        endpoints=(Endpoint(name=_LIGHTING, add=lighting_service_pb2_grpc.add_LightingServiceServicer_to_server, servicer=servicer),),
        verifier=TokenVerifier(others.keys, store.clock),
        permissions=PermissionCheck(scopes),
        refusals=AuditLog(store.database, RUNTIME),
        tasks=(
            partial(periodically, _TRIM_INTERVAL_S, store.outbox.trim),
            partial(periodically, _TRIM_INTERVAL_S, store.changes.trim),
            field.run,
            *others.tasks,
        ),
        on_drain=(store.outbox.stop,),
        closers=(*others.closers, partial(asyncio.to_thread, executor.shutdown), store.database.close),
    )


ORDERS = Documents(write=order_document, read=order_from_document)
DOCUMENTS = {shelf: Documents(write=partial(document, shelf), read=partial(from_document, shelf)) for shelf in Shelf}


def _files() -> dict[Shelf, InventoryFiles]:
    def of(columns: tuple[str, ...], value: Callable[[Any], Any], row: Callable[[Any], dict[str, str]]) -> InventoryFiles:
        return InventoryFiles(
            rows={
                pb.FILE_FORMAT_CSV: partial(files.csv_rows, columns=columns),
                pb.FILE_FORMAT_GEOJSON: partial(files.geojson_rows, columns=columns),
            },
            written={
                pb.FILE_FORMAT_CSV: lambda values: files.csv_file(map(row, values), columns),
                pb.FILE_FORMAT_GEOJSON: lambda values: files.geojson_file(map(row, values)),
            },
            value=value,
        )

    return {
        Shelf.LUMINAIRE: of(cells.LUMINAIRE_COLUMNS, cells.luminaire_of, cells.luminaire_cells),
        Shelf.CABINET: of(cells.CABINET_COLUMNS, cells.cabinet_of, cells.cabinet_cells),
    }


def _others(settings: LightingSettings, store: Store) -> Others:
    access, metering = (_connection(settings, address) for address in (settings.access_target, settings.metering_target))
    keys, signed_in = SigningKeys(AccessClient(access)), ServiceSignIn("lighting", access, settings.secret_file)

    def registry(territory: TerritoryId | None) -> RegistryClient:
        return RegistryClient(metering.with_tokens(signed_in.identity().tokens(territory)))

    def measured(territory: TerritoryId) -> MeteringClient:
        return MeteringClient(metering.with_tokens(signed_in.identity().tokens(territory)))

    feed = RegistryFeed(store.database, PlaceReplica(store.database, RUNTIME))
    consumer = Consumer(
        "registry",
        store.database,
        RUNTIME,
        open_stream=lambda cursor: registry(None).watch_events(cursor),
        apply=feed.apply,
        on_expired=lambda: feed.resync(registry),
        away=(RemoteFailure, UnexpectedAnswer, OSError),
    )
    forwarder = AuditForwarder(store.database, RUNTIME, AccessAudit(signed_in.access))
    choice = EmissionChoice(method=settings.emission_method, usage=settings.emission_usage)
    return Others(
        keys=keys,
        facts=RegistryFacts(registry, store.clock, choice),
        meters=MeteringMeters(measured),
        tasks=(partial(periodically, _KEYS_INTERVAL_S, keys.refresh), forwarder.run, consumer.run),
        closers=(access.close, metering.close),
    )


def _connection(settings: LightingSettings, address: str) -> Connection:
    return Connection.open(Target(address=address, authority=settings.tls_authority, tls=settings.tls_certificate is not None))
