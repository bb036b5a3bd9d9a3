"""The registry's schema, up and down, on either database."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from metering.adapters.registry_tables import metadata
from metering.app import MIGRATIONS
from runtime.relational import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database.open(database_url)
    yield opened
    opened.close()


def inspected(url: str, look: Any) -> Any:
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        return look(connection)


def test_migrating_makes_the_tables_that_the_code_declares(database: Database, database_url: str) -> None:
    database.migrate(MIGRATIONS)
    assert inspected(database_url, lambda connection: compare_metadata(MigrationContext.configure(connection), metadata)) == []


def test_migrating_down_leaves_nothing_and_up_again_works(database: Database, database_url: str) -> None:
    database.migrate(MIGRATIONS)
    database.downgrade(MIGRATIONS, "base")
    assert inspected(database_url, lambda connection: sqlalchemy.inspect(connection).get_table_names()) == ["alembic_version"]
    database.migrate(MIGRATIONS)
    database.migrate(MIGRATIONS)
    assert "point_above" in inspected(database_url, lambda connection: sqlalchemy.inspect(connection).get_table_names())
