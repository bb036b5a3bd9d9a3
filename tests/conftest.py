"""What tests of every area stand on: a clock that is set, free ports, and databases of both kinds."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy
from rabbitmq_server import PROGRAM, RabbitmqServer, rabbitmq_server


@dataclass
class SettableClock:
    """A clock that stands still until it is told."""

    at: datetime = datetime(2026, 1, 15, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on; somebody may take it before the test does, which no test has met yet."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def shared_files() -> Path:
    """The folder of real files beside the project."""
    folder = Path(os.environ.get("MULTIFLUX_SHARED", Path(__file__).parents[2] / "shared"))
    if not folder.is_dir():
        pytest.skip(f"real files are not at {folder}: set MULTIFLUX_SHARED")
    return folder


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A real PostgreSQL server of its own, without fsync, gone after the session."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    if not programs:
        pytest.skip("PostgreSQL is missing: install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="multiflux-postgresql-"))
    server = _PostgresqlServer(programs=programs[-1], folder=folder)
    try:
        yield server.start()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgresql_database(postgresql_url: str) -> Iterator[str]:
    """An empty database of the test's own."""
    name = f"test_{uuid4().hex}"
    _execute(postgresql_url, f"CREATE DATABASE {name}")
    yield sqlalchemy.make_url(postgresql_url).set(database=name).render_as_string(hide_password=False)
    _execute(postgresql_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def rabbitmq_node() -> Iterator[RabbitmqServer]:
    """A real RabbitMQ node of its own, gone after the session."""
    if not PROGRAM.exists():
        pytest.skip("RabbitMQ is missing: install rabbitmq-server")
    with rabbitmq_server() as server:
        yield server


@pytest.fixture
def rabbitmq(rabbitmq_node: RabbitmqServer) -> RabbitmqServer:
    """The node, started again where the test before stopped it."""
    rabbitmq_node.start()
    return rabbitmq_node


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/test.sqlite"
    return request.getfixturevalue("postgresql_database")


def _execute(url: str, statement: str) -> None:
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(statement))


@dataclass(frozen=True)
class _PostgresqlServer:
    programs: Path
    folder: Path

    def start(self) -> str:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port: int = listener.getsockname()[1]
        data = self.folder / "data"
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self._run("initdb", "--pgdata", data, "--username=test", "--auth=trust", "--encoding=UTF8", "--no-sync")
        # `fsync=off`: what survives a power cut is PostgreSQL's promise, not what these tests are about.
        options = f"-c listen_addresses=127.0.0.1 -p {port} -c unix_socket_directories={self.folder} -c fsync=off"
        self._run("pg_ctl", "start", "--wait", "--pgdata", data, "--log", self.folder / "log", "--options", options)
        return f"postgresql+pg8000://test@127.0.0.1:{port}/postgres"

    def stop(self) -> None:
        if (self.folder / "data" / "postmaster.pid").exists():
            self._run("pg_ctl", "stop", "--wait", "--mode=immediate", "--pgdata", self.folder / "data")

    def _run(self, program: str, *arguments: str | Path) -> None:
        # PostgreSQL refuses to run as root.
        prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        # The server outlives pg_ctl and would hold a pipe open: its output goes to a file.
        with (self.folder / f"{program}.out").open("w") as output:
            done = subprocess.run(
                [*prefix, self.programs / program, *arguments], stdout=output, stderr=subprocess.STDOUT, cwd=self.folder, check=False
            )
        if done.returncode != 0:
            sys.stderr.write((self.folder / f"{program}.out").read_text())
            done.check_returncode()
