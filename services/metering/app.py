"""Puts the metering service together: the only module that names adapters."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection as DatabaseConnection

from metering.adapters.consumption_files import CsvConsumption, ParquetConsumption
from metering.adapters.known_series import RegistrySeries
from metering.adapters.registry_csv import CsvFiles
from metering.adapters.registry_geojson import GeojsonFiles
from metering.adapters.registry_records import sql_records
from metering.adapters.registry_scopes import RegistryScopes
from metering.adapters.registry_starter import starter_rows, starter_version
from metering.adapters.registry_tables import RUNTIME
from metering.adapters.scenes import SqlScenes
from metering.adapters.series_store.store import EmbeddedSeriesStore
from metering.adapters.stored_readings import StoredReadings
from metering.adapters.weather_sql import SqlWeather
from metering.desk import Desk
from metering.domain.figures.files import FileFormat
from metering.domain.registry.ports import ReadingsKept
from metering.domain.registry.reference_rows import ReferenceTable
from metering.domain.registry.territories import Territory
from metering.domain.series.ports import SeriesStore
from metering.metering_servicer import MeteringServicer
from metering.reading_tools import ReadingTools
from metering.registry_servicer import RegistryServicer
from metering.registry_servicer.desk import Tools
from metering.series_watch import SeriesWatch, relayed
from metering.settings import MeteringSettings
from metering.warming import Warming
from metering.weather_methods import WeatherTools
from metering.wire.registry_events import table_changed
from metering.wire.registry_files import Format
from multiflux.metering.v1 import metering_service_pb2, metering_service_pb2_grpc, registry_service_pb2, registry_service_pb2_grpc
from multiflux_client.access import AccessClient
from multiflux_client.audit_sink import AccessAudit, ServiceSignIn
from multiflux_client.channel import Connection, Target
from multiflux_client.credentials import SigningKeys
from runtime.audit import AuditForwarder, AuditLog
from runtime.call import Call, Caller, acting_as, current_call
from runtime.changes import Changes, Transaction
from runtime.clock import Clock, SystemClock
from runtime.delivering import published
from runtime.limits import RateLimits
from runtime.outbox import Outbox
from runtime.permissions import PermissionCheck
from runtime.relational import Database
from runtime.server import Endpoint, Service, periodically
from runtime.tokens import KeySource, TokenVerifier
from vocabulary.names import PointId, TerritoryId

MIGRATIONS = Path(__file__).parent / "adapters" / "migrations"

_METERING = metering_service_pb2.DESCRIPTOR.services_by_name["MeteringService"].full_name
_REGISTRY = registry_service_pb2.DESCRIPTOR.services_by_name["RegistryService"].full_name
_FIRST_START = "/multiflux.metering/FirstStart"
_TRIM_INTERVAL_S = 3_600.0
_KEYS_INTERVAL_S = 60.0
_WARM_INTERVAL_S = 10.0
_MOST_WARMED = 20
"""Territories whose figures are computed ahead; memory holds the days of all their points."""
_MIB = 1 << 20
_OBJECTS_BETWEEN_COLLECTIONS = 200_000

Task = Callable[[], Coroutine[Any, Any, None]]
Closer = Callable[[], Awaitable[None] | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """The relational store of the process, which its services share."""

    database: Database
    outbox: Outbox
    changes: Changes
    clock: Clock


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """The way to the access service."""

    keys: KeySource
    tasks: tuple[Task, ...] = ()
    closers: tuple[Closer, ...] = ()


def _new_id(clock: Clock) -> str:
    # By time first: what is made together stands together in every index.
    return f"{int(clock.now().timestamp() * 1_000):012x}{token_hex(8)}"


class _NoReadings:
    """A process without the series: nothing is measured at any point."""

    async def any_of(self, territory: TerritoryId, point: PointId) -> bool:
        """Return False."""
        del territory, point
        return False


@dataclass(frozen=True, kw_only=True, slots=True)
class Measuring:
    """The readings of the process: whether a point has any, and the service about them."""

    readings: ReadingsKept = field(default_factory=_NoReadings)
    endpoints: tuple[Endpoint, ...] = ()
    tasks: tuple[Task, ...] = ()
    on_drain: tuple[Callable[[], None], ...] = ()
    closers: tuple[Closer, ...] = ()


async def build(settings: MeteringSettings) -> Service:
    """Return the service, ready to serve."""
    store = opened(settings, SystemClock())
    return await assembled(settings, store, _access(settings, store), _measuring(settings, store))


def opened(settings: MeteringSettings, clock: Clock) -> Store:
    """Open the store, and bring its schema up to date."""
    database = Database.open(settings.store_url, read_threads=settings.read_threads)
    database.migrate(MIGRATIONS)
    outbox = Outbox(database, RUNTIME, clock, retention=timedelta(days=settings.event_retention_days))
    changes = Changes(database, RUNTIME, outbox, clock, retention=timedelta(days=settings.request_retention_days))
    return Store(database=database, outbox=outbox, changes=changes, clock=clock)


async def assembled(settings: MeteringSettings, store: Store, access: Access, measuring: Measuring | None = None) -> Service:
    """Return the service: its endpoints, its starter set in place."""
    measuring = measuring or Measuring()
    # Imports and readings make many objects that live long and refer to none that made them: looking for cycles less often saves a tenth.
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    await _keep_starter_set(store)
    return Service(
        name="metering",
        settings=settings,
        clock=store.clock,
        endpoints=(_registry(settings, store, measuring.readings), *measuring.endpoints),
        verifier=TokenVerifier(access.keys, store.clock),
        permissions=PermissionCheck(RegistryScopes(store.database)),
        refusals=AuditLog(store.database, RUNTIME),
        tasks=(
            partial(periodically, _TRIM_INTERVAL_S, store.outbox.trim),
            partial(periodically, _TRIM_INTERVAL_S, store.changes.trim),
            *access.tasks,
            *measuring.tasks,
        ),
        on_drain=(store.outbox.stop, *measuring.on_drain),
        closers=(*access.closers, *measuring.closers, store.database.close),
    )


def _registry(settings: MeteringSettings, store: Store, readings: ReadingsKept) -> Endpoint:
    tools = Tools(
        database=store.database,
        changes=store.changes,
        outbox=store.outbox,
        records=sql_records,
        readings=readings,
        files={Format.CSV: CsvFiles(), Format.GEOJSON: GeojsonFiles()},
        new_id=partial(_new_id, store.clock),
        largest_file_bytes=settings.import_file_mib * _MIB,
    )
    return Endpoint(name=_REGISTRY, add=registry_service_pb2_grpc.add_RegistryServiceServicer_to_server, servicer=RegistryServicer(tools))


def _measuring(settings: MeteringSettings, store: Store) -> Measuring:
    settings.data_directory.mkdir(parents=True, exist_ok=True)
    series = series_store(settings)
    files = {FileFormat.CSV: CsvConsumption(), FileFormat.PARQUET: ParquetConsumption()}
    desk = Desk(SqlScenes(store.database), series, files, settings.figure_threads)
    watch = SeriesWatch(series)
    executor = ThreadPoolExecutor(settings.reading_threads, thread_name_prefix="readings")
    known = RegistrySeries(store.database, asyncio.get_running_loop())
    warming = Warming(desk, partial(_territories, store), series.sequence, store.clock)
    weather = WeatherTools(database=store.database, changes=store.changes, records=SqlWeather)
    quotas = RateLimits(
        per_minute=settings.sender_readings_per_minute, burst=settings.sender_burst_readings, clock=store.clock, counted="readings"
    )
    relay = published(settings, "metering.readings", store.database, RUNTIME, store.clock, partial(relayed, watch))
    readings = ReadingTools(store=series, known=known, clock=store.clock, executor=executor, changes=store.changes, quotas=quotas)
    servicer = MeteringServicer(readings=readings, watch=watch, desk=desk, weather=weather)
    return Measuring(
        readings=StoredReadings(series, store.database),
        endpoints=(Endpoint(name=_METERING, add=metering_service_pb2_grpc.add_MeteringServiceServicer_to_server, servicer=servicer),),
        on_drain=(watch.stop,),
        tasks=(partial(periodically, _WARM_INTERVAL_S, warming.tick), *relay.tasks),
        # In a thread: the threads that are waited for may still be asking the event loop.
        closers=(*relay.closers, watch.close, desk.close, partial(asyncio.to_thread, executor.shutdown), series.close),
    )


def series_store(settings: MeteringSettings) -> SeriesStore:
    """Open the store of readings that the settings name."""
    if not settings.influx_url:
        return EmbeddedSeriesStore(settings.series_file)
    # Only the scaled-out form has the client installed.
    from metering.scaled import influx_store  # noqa: PLC0415

    return influx_store(settings)


async def _territories(store: Store) -> list[Territory]:
    page = await store.database.read(lambda connection: sql_records(connection).territories.page("", _MOST_WARMED))
    return [kept.value for kept in page]


async def _keep_starter_set(store: Store) -> None:
    """Bring the starter set up to date, and tell every territory when it changed."""
    first_start = Call(
        caller=Caller(subject="services/metering", territory=None), request_id=str(uuid4()), method=_FIRST_START, at=store.clock.now()
    )

    def unknown(connection: DatabaseConnection) -> bool:
        return not sql_records(connection).rows.has_starter(starter_version())

    def keep(transaction: Transaction) -> None:
        records = sql_records(transaction.connection)
        if records.rows.has_starter(starter_version()):
            # Another replica of this service started at the same time.
            return
        records.rows.replace_starter(starter_rows(), starter_version())
        transaction.audit(resource="", detail="starter set")
        after = ""
        while territories := records.territories.page(after, 1_000):
            for kept in territories:
                for table in ReferenceTable:
                    transaction.publish(table_changed(table), territory=kept.value.territory_id)
            after = territories[-1].value.territory_id

    if await store.database.read(unknown):
        with acting_as(first_start):
            await store.changes.unasked(keep)


def _access(settings: MeteringSettings, store: Store) -> Access:
    target = Target(address=settings.access_target, authority=settings.tls_authority, tls=settings.tls_certificate is not None)
    connection = Connection.open(target, correlation=_correlation)
    keys = SigningKeys(AccessClient(connection))
    forwarder = AuditForwarder(store.database, RUNTIME, AccessAudit(ServiceSignIn("metering", connection, settings.secret_file).access))
    return Access(keys=keys, tasks=(partial(periodically, _KEYS_INTERVAL_S, keys.refresh), forwarder.run), closers=(connection.close,))


def _correlation() -> str:
    try:
        return current_call().request_id
    except LookupError:
        return str(uuid4())
