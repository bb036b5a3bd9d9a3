"""The schema goes up and down on both databases, and is the one that the code declares."""

import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from access.adapters.tables import access_tables
from access.app import MIGRATIONS
from runtime.relational import Database


def tables_in(url: str) -> set[str]:
    engine = sqlalchemy.create_engine(url)
    try:
        return set(sqlalchemy.inspect(engine).get_table_names())
    finally:
        engine.dispose()


def test_up_down_and_up_again(database_url: str) -> None:
    database = Database.open(database_url)
    declared = set(access_tables().metadata.tables)
    database.migrate(MIGRATIONS)
    assert tables_in(database_url) >= declared
    database.downgrade(MIGRATIONS, "base")
    assert tables_in(database_url) & declared == set()
    database.migrate(MIGRATIONS)
    assert tables_in(database_url) >= declared
    database.close()


def test_the_migrated_schema_is_the_declared_one(database_url: str) -> None:
    database = Database.open(database_url)
    database.migrate(MIGRATIONS)
    database.close()
    engine = sqlalchemy.create_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": lambda name, kind, _: (kind, name) != ("table", "alembic_version")}
        )
        assert compare_metadata(context, access_tables().metadata) == []
    engine.dispose()
