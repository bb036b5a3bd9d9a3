"""A probe service, generated, on a real server; and databases with the runtime's tables."""

import importlib
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
import sqlalchemy
from grpc_tools import protoc
from joserfc.jwk import OKPKey

from runtime.call import Caller, Grant
from runtime.relational import Database
from runtime.server import serving
from runtime.tables import DeliveryTables, RuntimeTables, delivery_tables, runtime_tables
from runtime.tokens import sign_token
from vocabulary.names import TerritoryId

_HERE = Path(__file__).parent
_PROTOS = Path(__file__).parents[3] / "protos"

_MIGRATION = """
from alembic import op
from sqlalchemy import Column, Integer, Text
from runtime.tables import create_delivery_tables, create_runtime_tables, drop_delivery_tables, drop_runtime_tables

revision, down_revision = "0001", None

def upgrade():
    create_runtime_tables(op)
    create_delivery_tables(op)
    op.create_table("note", Column("id", Integer, primary_key=True, autoincrement=False), Column("text", Text, nullable=False))

def downgrade():
    op.drop_table("note")
    drop_delivery_tables(op)
    drop_runtime_tables(op)
"""


@pytest.fixture(scope="session")
def probe_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The folders from which the probe's generated code and its service can be imported."""
    folder = tmp_path_factory.mktemp("probe")
    target = folder / "protos" / "multiflux" / "probe" / "v1"
    target.mkdir(parents=True)
    (target / "probe.proto").write_text((_HERE / "probe.proto").read_text())
    well_known = Path(protoc.__file__).parent / "_proto"
    arguments = [f"-I{folder / 'protos'}", f"-I{_PROTOS}", f"-I{well_known}", f"--python_out={folder}", f"--grpc_python_out={folder}"]
    assert protoc.main(["protoc", *arguments, str(target / "probe.proto")]) == 0
    added = [str(folder), str(_HERE)]
    sys.path += added
    yield added
    for path in added:
        sys.path.remove(path)


@pytest.fixture(scope="session")
def probe(probe_path: list[str]) -> Any:
    """The module probe_service."""
    assert probe_path
    return importlib.import_module("probe_service")


@dataclass
class Town:
    """A running probe server, and tokens for it."""

    module: Any
    clock: Any
    channel: grpc.aio.Channel
    servicer: Any
    keys: Any
    refusals: Any
    stub: Any = field(init=False)

    def __post_init__(self) -> None:
        self.stub = self.module.probe_pb2_grpc.ProbeServiceStub(self.channel)

    def ask(self, behaviour: str = "", *, place: str = "", person: str = "") -> Any:
        pb2 = self.module.probe_pb2
        return pb2.ProbeRequest(behaviour=behaviour, place=place, person=pb2.Person(name=person) if person else None)

    def token(self, *grants: Grant, subject: str = "people/jo", lifetime_s: int = 300, key: OKPKey | None = None) -> tuple[tuple[str, str]]:
        caller = Caller(subject=subject, territory=TerritoryId("town"), grants=grants)
        token = sign_token(caller, key=key or self.keys.key, lifetime_s=lifetime_s, now=self.clock.now())
        return (("authorization", f"Bearer {token}"),)


@pytest.fixture
async def town(probe: Any, clock: Any, tmp_path: Path) -> AsyncIterator[Town]:
    servicer, keys, refusals = probe.Probe(), probe.Keys(), probe.KeptRefusals()
    settings = probe.ProbeSettings(port=0, data_directory=tmp_path, drain_s=0.1, call_burst=20, calls_per_minute=60)
    service = probe.service(settings, clock=clock, keys=keys, probe=servicer, refusals=refusals)
    async with serving(service) as port, grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Town(probe, clock, channel, servicer, keys, refusals)


@dataclass
class Store:
    """A migrated database with the runtime's tables and a table of notes."""

    database: Database
    tables: RuntimeTables
    delivery: DeliveryTables
    note: sqlalchemy.Table
    url: str
    migrations: Path

    async def notes(self) -> dict[int, str]:
        return await self.database.read(lambda connection: {row.id: row.text for row in connection.execute(sqlalchemy.select(self.note))})

    async def rows(self, table: sqlalchemy.Table) -> list[Any]:
        return await self.database.read(lambda connection: list(connection.execute(sqlalchemy.select(table))))


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[Callable[[str], Store]]:
    """Open and migrate the database at a url; all are closed after the test."""
    migrations = tmp_path / "migrations"
    (migrations / "versions").mkdir(parents=True)
    (migrations / "versions" / "v0001.py").write_text(_MIGRATION)
    opened: list[Database] = []

    def open_at(url: str) -> Store:
        metadata = sqlalchemy.MetaData()
        tables, delivery = runtime_tables(metadata), delivery_tables(metadata)
        note = sqlalchemy.Table(
            "note", metadata, sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True), sqlalchemy.Column("text", sqlalchemy.Text)
        )
        database = Database.open(url)
        opened.append(database)
        database.migrate(migrations)
        return Store(database, tables, delivery, note, url, migrations)

    yield open_at
    for database in opened:
        database.close()


@pytest.fixture
def store(open_store: Callable[[str], Store], database_url: str) -> Store:
    """A migrated database of each kind in turn."""
    return open_store(database_url)


@pytest.fixture
def long_ago() -> datetime:
    return datetime.fromisoformat("2020-01-01T00:00:00+00:00")
