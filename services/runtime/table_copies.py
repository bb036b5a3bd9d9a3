"""Copies all rows of one relational database into another that the same migrations made, whichever engine either of them is."""

from collections.abc import Mapping

from sqlalchemy import Connection, Engine, MetaData, Table, func, inspect, select, text

from vocabulary.failure import Failure, Kind

REVISIONS = "alembic_version"
"""Alembic's own table: which migrations a database has had."""

_PARAMETERS = 10_000
"""Values in one statement: PostgreSQL takes 32,767, SQLite 32,766."""


class TablesDiffer(Failure):
    """The two databases do not have the same tables: they had different migrations."""

    reason, kind = "TABLES_DIFFER", Kind.CONFLICT


def revision(engine: Engine) -> str:
    """Return which migration the database had last; empty when it has had none."""
    with engine.connect() as connection:
        if not inspect(connection).has_table(REVISIONS):
            return ""
        return connection.execute(text(f"SELECT version_num FROM {REVISIONS}")).scalar() or ""  # noqa: S608 - a constant


def copy_tables(source: Engine, target: Engine) -> int:
    """Make the rows of `target` those of `source` as they are at one instant; return how many. All or nothing; TablesDiffer."""
    with source.begin() as reading, target.begin() as writing:
        kept, filled = _tables(reading), _tables(writing)
        if kept.keys() != filled.keys():
            raise TablesDiffer(f"only one of the databases has {', '.join(sorted(kept.keys() ^ filled.keys()))}")
        for table in reversed(list(filled.values())):
            writing.execute(table.delete())
        # In the order of references, which the target checks.
        rows = sum(_copied(reading, kept[name], writing, table) for name, table in filled.items())
        _count_on(writing, filled, _counted(reading, kept))
        return rows


def rows(engine: Engine) -> dict[str, int]:
    """Return the number of rows of each table."""
    with engine.begin() as connection:
        tables = _tables(connection)
        return {name: connection.execute(select(func.count()).select_from(table)).scalar_one() for name, table in tables.items()}


def drop_tables(engine: Engine) -> None:
    """Remove every table, with all they hold."""
    with engine.begin() as connection:
        metadata = MetaData()
        metadata.reflect(connection)
        metadata.drop_all(connection)


def _tables(connection: Connection) -> Mapping[str, Table]:
    metadata = MetaData()
    metadata.reflect(connection)
    return {table.name: table for table in metadata.sorted_tables if table.name != REVISIONS}


def _copied(reading: Connection, kept: Table, writing: Connection, filled: Table) -> int:
    names = [column.name for column in kept.columns]
    at_once = max(1, _PARAMETERS // len(names))
    count = 0
    for part in reading.execution_options(yield_per=at_once).execute(select(kept)).partitions():
        writing.execute(filled.insert().values([dict(zip(names, row, strict=True)) for row in part]))
        count += len(part)
    return count


def _counted(connection: Connection, tables: Mapping[str, Table]) -> dict[str, int]:
    """Return the last number that each table gave by itself; one whose row is gone is never given again."""
    if connection.dialect.name == "sqlite":
        if not connection.execute(text("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'")).first():
            return {}
        return {row.name: row.seq for row in connection.execute(text("SELECT name, seq FROM sqlite_sequence"))}
    last: dict[str, int] = {}
    for name, (sequence, _) in _sequences(connection, tables).items():
        given = connection.execute(text(f"SELECT last_value, is_called FROM {sequence}")).one()  # noqa: S608 - the server's own name
        if given.is_called:
            last[name] = given.last_value
    return last


def _count_on(connection: Connection, tables: Mapping[str, Table], last: Mapping[str, int]) -> None:
    if connection.dialect.name == "sqlite":
        for name in last.keys() & _autoincrementing(connection):
            connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": name})
            told = {"name": name, "number": last[name]}
            connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :number)"), told)
        return
    for name, (sequence, column) in _sequences(connection, tables).items():
        highest = connection.execute(select(func.max(tables[name].c[column]))).scalar()
        number = max(highest or 0, last.get(name, 0))
        if number:
            connection.execute(text("SELECT setval(:sequence, :number)"), {"sequence": sequence, "number": number})


def _autoincrementing(connection: Connection) -> set[str]:
    made = connection.execute(text("SELECT name, sql FROM sqlite_schema WHERE type = 'table'"))
    return {row.name for row in made if "AUTOINCREMENT" in (row.sql or "")}


def _sequences(connection: Connection, tables: Mapping[str, Table]) -> dict[str, tuple[str, str]]:
    """Return the sequence of each table of PostgreSQL that counts, and the column that it counts in."""
    found: dict[str, tuple[str, str]] = {}
    for name, table in tables.items():
        for column in table.primary_key.columns:
            sequence = connection.execute(
                text("SELECT pg_get_serial_sequence(:name, :column)"), {"name": f'"{name}"', "column": column.name}
            ).scalar()
            if sequence:
                found[name] = (sequence, column.name)
    return found
