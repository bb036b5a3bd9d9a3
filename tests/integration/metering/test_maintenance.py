"""`python -m metering backup`, `verify` and `restore`, run in this process."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from metering_stores import Maintain, fill
from sqlalchemy import NullPool, create_engine, text

from metering.adapters.series_store.chunk import month_name
from metering.adapters.series_store.store import EmbeddedSeriesStore


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_port: int) -> Path:
    """A data directory with a hundred readings in chunks."""
    folder = tmp_path / "var"
    monkeypatch.setenv("MULTIFLUX_DATA_DIRECTORY", str(folder))
    monkeypatch.setenv("MULTIFLUX_METERING_PORT", str(free_port))
    fill(folder)
    return folder


def flip_a_byte(store: Path) -> int:
    with closing(sqlite3.connect(store)) as connection:
        key, body = connection.execute("SELECT id, body FROM chunk LIMIT 1").fetchone()
        changed = bytearray(body)
        changed[len(changed) // 2] ^= 1
        connection.execute("UPDATE chunk SET body = ? WHERE id = ?", (bytes(changed), key))
        connection.commit()
    return key


def test_a_sound_store_is_counted_and_a_flipped_byte_is_named(data: Path, asked: Maintain) -> None:
    code, said, _ = asked("verify")
    assert (code, [one["faults"] for one in said]) == (0, [[], []])
    assert said[1]["readings"] == 100
    key = flip_a_byte(data / "series.sqlite")
    code, said, _ = asked("verify")
    assert (code, len(said[1]["faults"]), said[0]["faults"]) == (1, 1, [])
    assert month_name(key) in said[1]["faults"][0]


def test_copies_come_back_whole_and_damaged_ones_do_not(data: Path, tmp_path: Path, asked: Maintain) -> None:
    copy = tmp_path / "copy"
    assert asked("backup", str(copy))[0] == 0
    assert asked("backup", str(copy))[::2] == (1, "FILE_EXISTS")
    assert asked("restore", str(copy))[::2] == (1, "FILE_EXISTS")
    flip_a_byte(data / "series.sqlite")
    assert asked("restore", str(copy), "--force")[0] == 0
    assert asked("verify")[1][1]["readings"] == 100
    flip_a_byte(copy / "series.sqlite")
    assert asked("restore", str(copy), "--force")[::2] == (1, "COPY_DAMAGED")
    assert asked("verify")[0] == 0


def test_a_store_that_is_open_is_copied_and_not_replaced(data: Path, tmp_path: Path, asked: Maintain) -> None:
    store = EmbeddedSeriesStore(data / "series.sqlite")
    try:
        assert asked("backup", str(tmp_path / "copy"))[0] == 0
        assert asked("restore", str(tmp_path / "copy"), "--force")[::2] == (1, "STORE_IN_USE")
    finally:
        store.close()


@pytest.mark.server
def test_a_database_on_a_server_takes_what_a_file_held_and_gives_it_back(
    data: Path, tmp_path: Path, asked: Maintain, monkeypatch: pytest.MonkeyPatch, postgresql_database: str
) -> None:
    assert data.is_dir()
    assert asked("backup", str(tmp_path / "of-file"))[0] == 0
    monkeypatch.setenv("MULTIFLUX_METERING_DATABASE_URL", postgresql_database)
    assert asked("verify")[::2] == (1, "FILE_MISSING")
    assert asked("restore", str(tmp_path / "of-file"), "--force")[0] == 0
    assert asked("restore", str(tmp_path / "of-file"))[::2] == (1, "FILE_EXISTS")
    code, said, _ = asked("verify")
    assert (code, said[0]["faults"]) == (0, [])
    with create_engine(postgresql_database, poolclass=NullPool).connect() as used:
        used.execute(text("SELECT 1"))
        assert asked("restore", str(tmp_path / "of-file"), "--force")[::2] == (1, "DATABASE_IN_USE")
        assert asked("backup", str(tmp_path / "of-server"))[0] == 0
    assert tables(tmp_path / "of-server" / "metering.sqlite") == tables(tmp_path / "of-file" / "metering.sqlite")


def tables(file: Path) -> dict[str, list[Any]]:
    """Return all rows of a database file."""
    with closing(sqlite3.connect(file)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {name: sorted(connection.execute(f'SELECT * FROM "{name}"'), key=repr) for name in names}  # noqa: S608  # its own names
