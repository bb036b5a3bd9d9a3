"""Backup, restore and verification of a service's stores: `python -m SERVICE backup FOLDER`, `verify [FOLDER]`, `restore FOLDER`.

Answers are JSON, one object a file on standard output; a failure is one object on standard error.
"""

import argparse
import json
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import URL, NullPool, create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from runtime.relational import Database, unpooled
from runtime.server import EXIT_FAILED, EXIT_MISCONFIGURED, refuse_taken_port
from runtime.settings import ServiceSettings, load
from runtime.table_copies import copy_tables, drop_tables, revision, rows
from vocabulary.failure import Failure, Kind

S = TypeVar("S", bound=ServiceSettings)

_PAGES_PER_STEP = 1024
_BESIDE = ("-wal", "-shm", "-journal")
"""Files that SQLite keeps beside a database; with another database they would be applied to it."""
_OTHER_SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


class FileExists(Failure):
    """Something stands where a file should go."""

    reason, kind = "FILE_EXISTS", Kind.EXISTS


class FileMissing(Failure):
    """A file that should be there is not."""

    reason, kind = "FILE_MISSING", Kind.MISSING


class DatabaseInUse(Failure):
    """Somebody is connected to the database that is to be replaced."""

    reason, kind = "DATABASE_IN_USE", Kind.CONFLICT


class CopyDamaged(Failure):
    """The copy fails its own checks and is not put in place."""

    reason, kind = "COPY_DAMAGED", Kind.CONFLICT


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What verification of a file found: counts of what was read, and what is wrong, one sentence each."""

    counts: Mapping[str, int]
    faults: tuple[str, ...] = ()


class EmbeddedStore(Protocol):
    """A store in one file."""

    @property
    def path(self) -> Path:
        """The file."""
        ...

    def copy(self, source: Path, target: Path) -> None:
        """Copy a store, open or not, to a file that does not exist."""
        ...

    def check(self, path: Path) -> Checked:
        """Read all of it and compare it with its checksums."""
        ...

    def release(self) -> None:
        """Raise a Failure when a process has the store open."""
        ...


@dataclass(frozen=True, slots=True)
class SqliteDatabase:
    """A relational database in one SQLite file."""

    path: Path

    def copy(self, source: Path, target: Path) -> None:
        """Copy the database, open or not, to a new file."""
        with closing(_reading(source)) as from_, closing(sqlite3.connect(target)) as to:
            from_.backup(to, pages=_PAGES_PER_STEP)
            to.execute("PRAGMA journal_mode = DELETE")

    def check(self, path: Path) -> Checked:
        """Check pages, indexes and references, and count the rows."""
        try:
            with closing(_reading(path)) as connection:
                faults = [str(row[0]) for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
                faults += [
                    f"a row of {row[0]} refers to a row of {row[2]} that is not there"
                    for row in connection.execute("PRAGMA foreign_key_check")
                ]
                tables = [
                    row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
                ]
                rows = sum(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables)  # noqa: S608 - its own names
        except sqlite3.DatabaseError as error:
            return Checked(counts={}, faults=(f"the database cannot be read: {error}",))
        return Checked(counts={"tables": len(tables), "rows": rows}, faults=tuple(faults))

    def release(self) -> None:
        """Do nothing: SQLite has no word for who has it open; the service's port tells."""


@dataclass(frozen=True, slots=True)
class ServerDatabase:
    """A relational database on a server. Its copy is a SQLite file with the same tables, which either kind of installation takes."""

    url: URL
    name: str
    """Of the file that is its copy."""
    migrations: Path

    def is_there(self) -> bool:
        """Tell whether migrations made it."""
        return bool(revision(unpooled(self.url)))

    def release(self) -> None:
        """Raise DatabaseInUse when a process is connected to it, on whichever machine."""
        with unpooled(self.url).connect() as connection:
            others = connection.execute(text(_OTHER_SESSIONS)).scalar_one()
        if others:
            raise DatabaseInUse(f"{others} connections use the database of {self.url.database}: stop its service first", count=str(others))

    def copy_to(self, target: Path) -> None:
        """Copy the database as it is at one instant, while it is used or not, to a file that does not exist."""
        server, url = unpooled(self.url), make_url(f"sqlite:///{target}")
        self._migrate(url, revision(server))
        copied = unpooled(url)
        copy_tables(server.execution_options(isolation_level="REPEATABLE READ"), copied)
        copied.dispose()
        with closing(sqlite3.connect(target)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")

    def take(self, copy: Path) -> None:
        """Make it what a file holds, which was copied from a server or is the database of an embedded service."""
        kept, server = create_engine(f"sqlite:///{copy.resolve().as_uri()}?mode=ro&uri=true", poolclass=NullPool), unpooled(self.url)
        drop_tables(server)
        self._migrate(self.url, revision(kept))
        copy_tables(kept, server)

    def check(self) -> Checked:
        """Read every row: the server compares pages with checksums of its own."""
        try:
            counts = rows(unpooled(self.url))
        except SQLAlchemyError as error:
            return Checked(counts={}, faults=(f"the database cannot be read: {error}",))
        return Checked(counts={"tables": len(counts), "rows": sum(counts.values())})

    def _migrate(self, url: URL, to: str) -> None:
        database = Database(url, read_threads=1)
        database.migrate(self.migrations, to)
        database.close()


def relational_store(settings: ServiceSettings, migrations: Path) -> "SqliteDatabase | ServerDatabase":
    """Return the database of a service."""
    url = make_url(settings.store_url)
    if url.get_backend_name() == "sqlite" and url.database:
        return SqliteDatabase(Path(url.database))
    return ServerDatabase(url, f"{settings.service_name()}.sqlite", migrations)


Store = EmbeddedStore | ServerDatabase
Stores = Callable[[S], Sequence[Store]]
Work = Callable[[S], Iterator[dict[str, object]]]
"""A work of one service alone; it yields answers as it goes."""


def maintain(words: Sequence[str], settings: type[S], stores: Stores[S], own: Mapping[str, Work[S]] | None = None) -> int:
    """Do what the words say with the stores of a service; return the exit code, which is 0 when all is well."""
    own = own or {}
    asked = _parser(settings.service_name(), own).parse_args(words)
    try:
        loaded = load(settings)
    except Failure as failure:
        return _failed(failure, EXIT_MISCONFIGURED)
    try:
        match asked.work:
            case "backup":
                answers = _backup(stores(loaded), asked.folder)
            case "restore":
                refuse_taken_port(loaded.host, loaded.port)
                answers = _restore(stores(loaded), asked.folder, force=asked.force)
            case "verify":
                answers = (_answer(_name(one), _checked(one, path)) for one, path in list(_present(stores(loaded), asked.folder)))
            case work:
                answers = own[work](loaded)
        faulty = [_said_faults(answer) for answer in answers]
    except (Failure, OSError, sqlite3.Error, SQLAlchemyError) as failure:
        return _failed(failure, EXIT_FAILED)
    return EXIT_FAILED if any(faulty) else 0


def _said_faults(answer: Mapping[str, object]) -> bool:
    """Print an answer; tell whether it names faults."""
    sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    sys.stdout.flush()
    return bool(answer.get("faults"))


def _parser(service: str, own: Mapping[str, object]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {service}")
    works = parser.add_subparsers(dest="work", required=True)
    works.add_parser("backup", help="copy the stores into a folder").add_argument("folder", type=Path)
    works.add_parser("verify", help="check the stores, or their copies in a folder").add_argument("folder", type=Path, nargs="?")
    restore = works.add_parser("restore", help="put the copies in a folder in the place of the stores")
    restore.add_argument("folder", type=Path)
    restore.add_argument("--force", action="store_true", help="replace the stores that are there")
    for work in own:
        works.add_parser(work)
    return parser


def _backup(stores: Sequence[Store], folder: Path) -> Iterator[dict[str, object]]:
    folder.mkdir(parents=True, exist_ok=True)
    for store in stores:
        target = folder / _name(store)
        if target.exists():
            raise FileExists(f"{target} exists", path=str(target))
        if not _is_there(store):
            raise FileMissing(f"there is no {_said(store)}", path=_said(store))
        if isinstance(store, ServerDatabase):
            store.copy_to(target)
        else:
            store.copy(store.path, target)
        _to_disk(target)
        yield {"file": target.name, "bytes": target.stat().st_size}


def _restore(stores: Sequence[Store], folder: Path, *, force: bool) -> Iterator[dict[str, object]]:
    """Check all the copies before the first one is put in place."""
    pairs = [(store, copy) for store, copy in _present(stores, folder) if copy is not None]
    for store, copy in pairs:
        if _is_there(store) and not force:
            raise FileExists(f"{_said(store)} exists", path=_said(store))
        store.release()
        if faults := _checked(store, copy).faults:
            raise CopyDamaged(f"{copy.name} is damaged: {faults[0]}", path=str(copy), faults=str(len(faults)))
    for store, copy in pairs:
        if isinstance(store, ServerDatabase):
            store.take(copy)
            yield {"file": store.name, "bytes": copy.stat().st_size}
            continue
        fresh = store.path.with_name(store.path.name + ".restoring")
        fresh.unlink(missing_ok=True)
        store.path.parent.mkdir(parents=True, exist_ok=True)
        store.copy(copy, fresh)
        for ending in _BESIDE:
            store.path.with_name(store.path.name + ending).unlink(missing_ok=True)
        fresh.replace(store.path)
        _to_disk(store.path)
        yield {"file": store.path.name, "bytes": store.path.stat().st_size}


def _present(stores: Sequence[Store], folder: Path | None) -> Iterator[tuple[Store, Path | None]]:
    """Yield each store with the copy in a folder, None without a folder; FileMissing."""
    for store in stores:
        copy = None if folder is None else folder / _name(store)
        if not (_is_there(store) if copy is None else copy.is_file()):
            missing = _said(store) if copy is None else str(copy)
            raise FileMissing(f"there is no {missing}", path=missing)
        yield store, copy


def _is_there(store: Store) -> bool:
    return store.is_there() if isinstance(store, ServerDatabase) else store.path.is_file()


def _name(store: Store) -> str:
    """Return the name of the store's copy."""
    return store.name if isinstance(store, ServerDatabase) else store.path.name


def _said(store: Store) -> str:
    """Return how messages call the store: by its file, or by its URL without the password."""
    return repr(store.url) if isinstance(store, ServerDatabase) else str(store.path)


def _checked(store: Store, copy: Path | None) -> Checked:
    """Check a store, or its copy in a file."""
    if isinstance(store, ServerDatabase):
        return store.check() if copy is None else SqliteDatabase(copy).check(copy)
    return store.check(store.path if copy is None else copy)


def _answer(file: str, checked: Checked) -> dict[str, object]:
    return {"file": file, **checked.counts, "faults": list(checked.faults)}


def _failed(failure: Exception, code: int) -> int:
    reason = failure.reason if isinstance(failure, Failure) else "FILE_FAILURE"
    sys.stderr.write(json.dumps({"error": {"reason": reason, "message": str(failure)}}, ensure_ascii=False) + "\n")
    return code


def _reading(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    connection.execute("PRAGMA busy_timeout = 10000")
    return connection


def _to_disk(path: Path) -> None:
    for one, flags in ((path, os.O_RDWR), (path.parent, os.O_RDONLY)):
        handle = os.open(one, flags)
        try:
            # Some file systems cannot do this for folders.
            with suppress(OSError):
                os.fsync(handle)
        finally:
            os.close(handle)
