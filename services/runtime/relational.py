"""The relational store: one writer in SQLite, serialisable transactions in PostgreSQL, the same promises in both."""

import asyncio
import random
import sqlite3
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Any, Self, TypeVar, cast

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, Engine, NullPool, QueuePool, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError

from runtime.settings import is_loopback
from vocabulary.failure import Failure, Kind

T = TypeVar("T")

_MAX_WAITING = 1_000
"""Calls that may wait for one lane; the next is told to come back, rather than to wait beyond its deadline."""

_MAX_ATTEMPTS = 10
_FIRST_PAUSE_S = 0.005
_SERIALISATION_FAILURES = frozenset({"40001", "40P01"})
_DISK_FULL = "53100"
_LOCK_BUSY_TIMEOUT_S = 5.0
_MIGRATION_LOCK = 0x6D66_6C75_7801
"""Any constant: replicas of a service that start together migrate one after the other."""


class StoreBusy(Failure):
    """The database is locked, overloaded or away."""

    reason, kind = "STORE_BUSY", Kind.BUSY


class StoreFull(Failure):
    """The disk is full: nothing was written."""

    reason, kind = "STORE_FULL", Kind.BUSY


class Overtaken(Exception):
    """Raised by work that found another transaction ahead of it: run it again from the start."""


class Database:
    """A service's own database.

    Work is a function of a connection. It runs in a thread, inside one transaction, with the caller's context variables.
    Written work may run more than once (another transaction was faster): it touches nothing but its connection.
    """

    def __init__(self, url: URL, *, read_threads: int) -> None:
        """Use `Database.open`."""
        self.dialect: str = url.get_backend_name()
        self._url = url
        # One writer: SQLite has no more, and waiting in line is cheaper than waiting for a lock.
        write_threads = 1 if self.dialect == "sqlite" else read_threads
        self._reading = _engine(url, threads=read_threads + 1, writes=False)
        self._writing = _engine(url, threads=write_threads, writes=True)
        self._reads, self._asides, self._writes = _Lane("read", read_threads), _Lane("aside", 1), _Lane("write", write_threads)

    @classmethod
    def open(cls, url: str, *, read_threads: int = 4) -> Self:
        """Open `sqlite:///path` (made when missing) or `postgresql+pg8000://…`, with so many threads for reading.

        A server beyond this machine is spoken to over TLS: `?tls_authority=FILE` names the certificates to trust, otherwise the system's.
        """
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        return cls(parsed, read_threads=read_threads)

    def migrate(self, migrations: Path, revision: str = "head") -> None:
        """Bring the schema up to `revision`, in one transaction; the folder holds `versions/*.py`. Blocks: call it before serving."""
        self._migrate(migrations, command.upgrade, revision)

    def downgrade(self, migrations: Path, revision: str) -> None:
        """Take the schema down to `revision` (`base`: nothing left), in one transaction."""
        self._migrate(migrations, command.downgrade, revision)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on a read-only snapshot; StoreBusy."""
        return await self._reads.run(lambda: _once(self._reading, work))

    async def read_aside(self, work: Callable[[Connection], T]) -> T:
        """The same in a thread of its own: for watchers, so that they never starve calls."""
        return await self._asides.run(lambda: _once(self._reading, work))

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction that is in effect alone, and durable when this returns; StoreBusy, StoreFull: nothing was written."""
        return await self._writes.run(lambda: _until_done(self._writing, work))

    def close(self) -> None:
        """Finish running work, then close all connections."""
        for lane in (self._reads, self._asides, self._writes):
            lane.close()
        for engine in (self._reading, self._writing):
            engine.dispose()

    def _migrate(self, migrations: Path, change: Callable[[Config, str], None], revision: str) -> None:
        config = Config()
        for option, path in (("script_location", Path(__file__).parent / "migrations"), ("version_locations", migrations / "versions")):
            config.set_main_option(option, str(path).replace("%", "%%"))
        config.set_main_option("path_separator", "newline")
        # Without foreign keys: SQLite changes a table by copying it, and dropping the old one must not empty its children.
        engine = unpooled(self._url)
        with engine.begin() as connection:
            if self.dialect == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            config.attributes["connection"] = connection
            change(config, revision)
        engine.dispose()


class _Lane:
    """Threads for one kind of work, and a bounded line in front of them."""

    def __init__(self, name: str, threads: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=f"database-{name}")
        self._waiting = 0

    async def run(self, work: Callable[[], T]) -> T:
        if self._waiting >= _MAX_WAITING:
            raise StoreBusy("too many calls wait for the database")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, copy_context().run, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        self._executor.shutdown()


def _once(engine: Engine, work: Callable[[Connection], T]) -> T:
    try:
        with engine.begin() as connection:
            return work(connection)
    except DBAPIError as error:
        failure = _failure_of(error)
        if failure is None:
            raise
        raise failure from error


def _until_done(engine: Engine, work: Callable[[Connection], T]) -> T:
    for attempt in range(_MAX_ATTEMPTS):
        try:
            return _once(engine, work)
        except Overtaken:
            pass
        except DBAPIError as error:
            if _sqlstate(error) not in _SERIALISATION_FAILURES:
                raise
        # This thread is one of the lane's own; the random part keeps two losers from meeting again.
        time.sleep(random.uniform(0, _FIRST_PAUSE_S * 2**attempt))  # noqa: S311 - no secret
    raise StoreBusy(f"other transactions were faster {_MAX_ATTEMPTS} times", attempts=str(_MAX_ATTEMPTS))


def _failure_of(error: DBAPIError) -> Failure | None:
    """Return the failure that a caller can wait for, None when the error is a bug."""
    if isinstance(error.orig, sqlite3.Error):
        match getattr(error.orig, "sqlite_errorcode", 0) & 0xFF:
            case sqlite3.SQLITE_FULL:
                return StoreFull("the disk is full")
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_IOERR | sqlite3.SQLITE_CANTOPEN:
                return StoreBusy("the database cannot be used now")
            case _:
                return None
    state = _sqlstate(error)
    if state == _DISK_FULL:
        return StoreFull("the disk is full")
    # 08: no connection; 53: too many of them, or no memory; 57: the server stops.
    if state[:2] in {"08", "53", "57"} or isinstance(error, InterfaceError):
        return StoreBusy("the database cannot be reached now")
    return None


def _sqlstate(error: DBAPIError) -> str:
    """Return PostgreSQL's five-letter code, empty when the error did not come from the server."""
    fields: object = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return cast("dict[str, str]", fields).get("C", "") if isinstance(fields, dict) else ""


def _engine(url: URL, *, threads: int, writes: bool) -> Engine:
    if url.get_backend_name() == "sqlite":
        pragmas = ("foreign_keys=ON",) if writes else ("query_only=ON",)
        return _sqlite(url, "BEGIN IMMEDIATE" if writes else "BEGIN", pragmas, pool_size=threads)
    level = "SERIALIZABLE" if writes else "REPEATABLE READ"
    engine = _server(url, isolation_level=level, pool_size=threads, max_overflow=0, pool_pre_ping=True)
    if not writes:
        event.listen(engine, "connect", _read_only)
    return engine


def unpooled(url: URL) -> Engine:
    """Return an engine for work on the whole database, without foreign keys in SQLite; its connections end with their use in a server."""
    return _sqlite(url, "BEGIN IMMEDIATE", ()) if url.get_backend_name() == "sqlite" else _server(url, poolclass=NullPool)


def _server(url: URL, **options: Any) -> Engine:
    authority = url.query.get("tls_authority")
    local = url.host is None or is_loopback(url.host)
    context = None if local else ssl.create_default_context(cafile=cast("str | None", authority))
    return create_engine(url.difference_update_query(["tls_authority"]), connect_args={"ssl_context": context}, **options)


def _read_only(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    cursor.execute("COMMIT")
    cursor.close()


def _sqlite(url: URL, begin: str, pragmas: tuple[str, ...], *, pool_size: int = 1) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        connect_args={"check_same_thread": False, "timeout": _LOCK_BUSY_TIMEOUT_S},
    )

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        # Python's driver would begin transactions when it sees fit; here they begin where SQLAlchemy says so.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", *pragmas):
            connection.execute(f"PRAGMA {pragma}")

    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", start)
    return engine
