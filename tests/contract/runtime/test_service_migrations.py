"""Schemas of the services that have no migration tests of their own: up, down and up again on both databases, and as the code declares."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from comparison.adapters.tables import METADATA as COMPARISON
from comparison.app import MIGRATIONS as COMPARISON_MIGRATIONS
from forecast.adapters.tables import METADATA as FORECAST
from forecast.app import MIGRATIONS as FORECAST_MIGRATIONS
from lighting.adapters.tables import METADATA as LIGHTING
from lighting.app import MIGRATIONS as LIGHTING_MIGRATIONS
from runtime.relational import Database


def inspected(url: str, question: Callable[[sqlalchemy.Connection], Any]) -> Any:
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        return question(connection)


def differences(connection: sqlalchemy.Connection, declared: sqlalchemy.MetaData) -> list[Any]:
    options = {"include_name": lambda name, kind, _: (kind, name) != ("table", "alembic_version")}
    return compare_metadata(MigrationContext.configure(connection, opts=options), declared)


@pytest.mark.parametrize(
    ("migrations", "declared"),
    [
        pytest.param(FORECAST_MIGRATIONS, FORECAST, id="forecast"),
        pytest.param(COMPARISON_MIGRATIONS, COMPARISON, id="comparison"),
        pytest.param(LIGHTING_MIGRATIONS, LIGHTING, id="lighting"),
    ],
)
def test_up_down_and_up_again_to_the_declared_schema(migrations: Path, declared: sqlalchemy.MetaData, database_url: str) -> None:
    database = Database.open(database_url)
    try:
        for _ in range(2):
            database.migrate(migrations)
            assert inspected(database_url, lambda connection: differences(connection, declared)) == []
            database.downgrade(migrations, "base")
            assert inspected(database_url, lambda connection: sqlalchemy.inspect(connection).get_table_names()) == ["alembic_version"]
    finally:
        database.close()
