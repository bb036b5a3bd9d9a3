"""Rows of a service's database, copied from one engine to the other and back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, make_url, text

from metering.app import MIGRATIONS
from runtime.relational import Database, unpooled
from runtime.table_copies import TablesDiffer, copy_tables, drop_tables, revision, rows

pytestmark = pytest.mark.server

INSERT = "INSERT INTO outbox (event_id, territory, type_name, payload, occurred) VALUES (:id, 'demo', 't', :payload, 1)"

Made = Callable[[str], Engine]


@pytest.fixture
def made(tmp_path: Path, request: pytest.FixtureRequest) -> Made:
    def of(kind: str) -> Engine:
        url = f"sqlite:///{tmp_path / kind}.sqlite" if kind != "server" else request.getfixturevalue("postgresql_database")
        database = Database.open(url)
        database.migrate(MIGRATIONS)
        database.close()
        return unpooled(make_url(url))

    return of


def fill(engine: Engine) -> None:
    with engine.begin() as connection:
        for number in range(3):
            connection.execute(text(INSERT), {"id": f"e{number}", "payload": bytes([0, 255, number])})
        connection.execute(text("DELETE FROM outbox WHERE event_id = 'e2'"))


def content(engine: Engine) -> list[Any]:
    with engine.begin() as connection:
        events = connection.execute(text("SELECT * FROM outbox ORDER BY sequence"))
        return [(event.sequence, event.event_id, bytes(event.payload)) for event in events]


@pytest.mark.parametrize(("source", "target"), [("file", "server"), ("server", "file"), ("file", "other")])
def test_all_rows_are_there_and_no_number_is_given_again(made: Made, source: str, target: str) -> None:
    kept, filled = made(source), made(target)
    fill(kept)
    copied = copy_tables(kept, filled)
    assert copied == sum(rows(kept).values())
    assert rows(filled) == rows(kept)
    assert content(filled) == content(kept) == [(1, "e0", b"\x00\xff\x00"), (2, "e1", b"\x00\xff\x01")]
    with filled.begin() as connection:
        assert connection.execute(text(f"{INSERT} RETURNING sequence"), {"id": "new", "payload": b""}).scalar_one() == 4


def test_what_was_there_before_is_replaced(made: Made) -> None:
    kept, filled = made("file"), made("server")
    fill(kept)
    fill(filled)
    copy_tables(kept, filled)
    copy_tables(kept, filled)
    assert content(filled) == content(kept)


def test_databases_of_other_migrations_are_refused_and_left_as_they_are(made: Made) -> None:
    kept, filled = made("file"), made("other")
    fill(filled)
    before = content(filled)
    with kept.begin() as connection:
        connection.execute(text("CREATE TABLE newer (name TEXT)"))
    with pytest.raises(TablesDiffer, match="newer"):
        copy_tables(kept, filled)
    assert content(filled) == before


def test_a_database_without_tables_has_no_revision(made: Made) -> None:
    engine = made("server")
    assert revision(engine)
    drop_tables(engine)
    assert revision(engine) == ""
    assert rows(engine) == {}
