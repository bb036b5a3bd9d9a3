"""The relational store: the same promises on SQLite and on PostgreSQL."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from runtime import relational
from runtime.relational import Database, Overtaken, StoreBusy, StoreFull


async def test_what_was_written_is_read(store: Any) -> None:
    await store.database.write(lambda connection: connection.execute(store.note.insert().values(id=1, text="é")))
    assert await store.notes() == {1: "é"}


async def test_an_exception_leaves_nothing_behind(store: Any) -> None:
    def work(connection: Connection) -> None:
        connection.execute(store.note.insert().values(id=1, text="one"))
        raise KeyError

    with pytest.raises(KeyError):
        await store.database.write(work)
    assert await store.notes() == {}


async def test_reading_cannot_write(store: Any) -> None:
    with pytest.raises(DBAPIError):
        await store.database.read(lambda connection: connection.execute(store.note.insert().values(id=1, text="one")))
    assert await store.notes() == {}


async def test_a_reader_sees_one_state_while_another_is_written(store: Any) -> None:
    loop = asyncio.get_running_loop()

    def work(connection: Connection) -> tuple[int, int]:
        count = text("SELECT count(*) FROM note")
        before = connection.execute(count).scalar_one()
        write = store.database.write(lambda writing: writing.execute(store.note.insert().values(id=1, text="one")))
        asyncio.run_coroutine_threadsafe(write, loop).result(timeout=30)
        return before, connection.execute(count).scalar_one()

    assert await store.database.read(work) == (0, 0)
    assert await store.notes() == {1: "one"}


async def test_concurrent_changes_of_one_row_all_count(store: Any, open_store: Callable[[str], Any]) -> None:
    other = open_store(store.url)
    await store.database.write(lambda connection: connection.execute(store.note.insert().values(id=1, text="0")))

    def add_one(connection: Connection) -> None:
        value = int(connection.execute(text("SELECT text FROM note WHERE id = 1")).scalar_one())
        connection.execute(text("UPDATE note SET text = :value WHERE id = 1"), {"value": str(value + 1)})

    await asyncio.gather(*(database.write(add_one) for _ in range(6) for database in (store.database, other.database)))
    assert await store.notes() == {1: "12"}


async def test_work_that_was_overtaken_is_done_again(store: Any) -> None:
    attempts: list[int] = []

    def work(connection: Connection) -> int:
        connection.execute(store.note.insert().values(id=1, text="one"))
        attempts.append(1)
        if len(attempts) < 3:
            raise Overtaken
        return len(attempts)

    assert await store.database.write(work) == 3
    assert await store.notes() == {1: "one"}


async def test_work_that_is_always_overtaken_ends_as_busy(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relational, "_FIRST_PAUSE_S", 0)

    def work(_connection: Connection) -> None:
        raise Overtaken

    with pytest.raises(StoreBusy):
        await store.database.write(work)


async def test_work_sees_the_callers_context(store: Any) -> None:
    variable: ContextVar[str] = ContextVar("variable")
    variable.set("here")
    assert await store.database.read(lambda _: variable.get()) == "here"
    assert await store.database.write(lambda _: variable.get()) == "here"


async def test_instants_come_back_as_they_went_in(store: Any) -> None:
    at = datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    entry = {"consumer": "c", "cursor": ""}
    await store.database.write(lambda connection: connection.execute(store.tables.consumer_cursor.insert(), entry))
    row = {"request_id": "r", "fingerprint": b"f", "response": b"", "answered": at}
    await store.database.write(lambda connection: connection.execute(store.tables.answered_request.insert(), row))
    [kept] = await store.rows(store.tables.answered_request)
    assert (kept.answered, kept.answered.tzinfo) == (at, UTC)


async def test_migrations_go_up_and_down_and_up(store: Any) -> None:
    def names(connection: Connection) -> set[str]:
        return set(inspect(connection).get_table_names())

    there = await store.database.read(names)
    assert {"note", "outbox", "outbox_store", "answered_request", "audit_entry", "consumer_cursor", "place_link"} < there
    store.database.downgrade(store.migrations, "base")
    assert await store.database.read(names) == {"alembic_version"}
    store.database.migrate(store.migrations)
    store.database.migrate(store.migrations)
    assert await store.database.read(names) == there


async def test_the_migrated_schema_is_the_declared_one(store: Any) -> None:
    def columns(connection: Connection) -> dict[str, set[str]]:
        return {name: {column["name"] for column in inspect(connection).get_columns(name)} for name in declared}

    declared = {table.name: {column.name for column in table.columns} for table in store.note.metadata.sorted_tables}
    assert await store.database.read(columns) == declared


async def test_too_many_waiting_calls_are_told_to_come_back(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relational, "_MAX_WAITING", 2)
    results = await asyncio.gather(*(store.database.read(lambda _: "read") for _ in range(3)), return_exceptions=True)
    assert [result if isinstance(result, str) else type(result) for result in results] == ["read", "read", StoreBusy]


async def test_a_full_disk_is_a_named_failure_and_writes_nothing(open_store: Callable[[str], Any], tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/full.sqlite")
    await store.database.write(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count = 1").all())
    with pytest.raises(StoreFull):
        await store.database.write(lambda connection: connection.execute(store.note.insert().values(id=1, text="x" * 100_000)))
    assert await store.notes() == {}


async def test_a_locked_database_is_a_named_failure(
    open_store: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relational, "_LOCK_BUSY_TIMEOUT_S", 0.05)
    store = open_store(f"sqlite:///{tmp_path}/locked.sqlite")
    other = sqlite3.connect(tmp_path / "locked.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        await store.database.write(lambda connection: connection.execute(store.note.insert().values(id=1, text="one")))
    other.close()


async def test_a_server_that_is_away_is_a_named_failure(free_port: int) -> None:
    database = Database.open(f"postgresql+pg8000://nobody@127.0.0.1:{free_port}/nothing")
    with pytest.raises(StoreBusy):
        await database.read(lambda connection: connection.execute(text("SELECT 1")))
    database.close()


async def test_sqlite_syncs_every_commit_and_checks_foreign_keys(open_store: Callable[[str], Any], tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/pragmas.sqlite")

    def pragmas(connection: Connection) -> list[Any]:
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("journal_mode", "synchronous", "foreign_keys")]

    assert await store.database.write(pragmas) == ["wal", 2, 1]
