"""Writing and finding many rows at once, in SQLite and PostgreSQL alike."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Date,
    Integer,
    LargeBinary,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    func,
    select,
    text,
)
from sqlalchemy.types import TypeEngine

from runtime.tables import Instant

T = TypeVar("T")

Row = Mapping[str, Any]

MOST_AT_ONCE = 5_000
"""Values in one question, so that none takes long."""


def insert_rows(connection: Connection, table: Table, rows: Sequence[Row], *, replace: bool = False) -> None:
    """Insert rows that name the same columns, each all of the primary key; with `replace`, rows that are there are replaced."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        _insert_arrays(connection, table, rows, replace=replace)
        return
    quote = connection.dialect.identifier_preparer.quote
    names = list(rows[0])
    marks = ", ".join("?" * len(names))
    statement = f"INSERT INTO {quote(table.name)} ({', '.join(map(quote, names))}) VALUES ({marks})"  # noqa: S608 - names of our own tables
    if replace:
        statement += _on_conflict(connection, table, names)
    # Straight to the driver: SQLAlchemy takes several times as long over each row as SQLite does.
    columns = [_column_values(connection, table.c[name].type, name, rows) for name in names]
    connection.exec_driver_sql(statement, list(zip(*columns, strict=True)))


def _on_conflict(connection: Connection, table: Table, names: Sequence[str]) -> str:
    quote = connection.dialect.identifier_preparer.quote
    keys = [column.name for column in table.primary_key]
    changed = ", ".join(f"{quote(name)} = excluded.{quote(name)}" for name in names if name not in keys)
    return f" ON CONFLICT ({', '.join(map(quote, keys))}) DO UPDATE SET {changed}"


def _insert_arrays(connection: Connection, table: Table, rows: Sequence[Row], *, replace: bool) -> None:
    # pg8000 sends each row of an executemany by itself; one array per column makes it one round trip.
    quote = connection.dialect.identifier_preparer.quote
    columns = [table.c[name] for name in rows[0]]
    names = ", ".join(quote(column.name) for column in columns)
    arrays = ", ".join(f"CAST(:v{number} AS {_array_type(column.type)})" for number, column in enumerate(columns))
    statement = f"INSERT INTO {quote(table.name)} ({names}) SELECT * FROM unnest({arrays})"  # noqa: S608 - names of our own tables
    if replace:
        statement += _on_conflict(connection, table, list(rows[0]))
    values = {f"v{number}": _column_values(connection, column.type, column.name, rows) for number, column in enumerate(columns)}
    connection.execute(text(statement), values)


def _column_values(connection: Connection, kind: TypeEngine[Any], name: str, rows: Sequence[Row]) -> list[Any]:
    if isinstance(kind, Date) and connection.dialect.name == "sqlite":
        return [None if row[name] is None else row[name].isoformat() for row in rows]
    if isinstance(kind, Instant):
        # Thousands of rows share a few instants.
        known: dict[datetime | None, int | None] = {}
        for at in {row[name] for row in rows}:
            known[at] = kind.process_bind_param(at, connection.dialect)
        return [known[row[name]] for row in rows]
    return [row[name] for row in rows]


def _array_type(kind: TypeEngine[Any]) -> str:
    match kind:
        case Instant() | BigInteger():
            return "bigint[]"
        case Integer():
            return "integer[]"
        case Boolean():
            return "boolean[]"
        case LargeBinary():
            return "bytea[]"
        case Date():
            return "date[]"
        case _:
            return "text[]"


def among(connection: Connection, column: ColumnElement[str], values: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that the column is one of the values, however many: they travel as one parameter."""
    if connection.dialect.name == "postgresql":
        return column == any_(cast(bindparam(None, list(values), ARRAY(Text)), ARRAY(Text)))
    listed = func.json_each(json.dumps(list(values))).table_valued("value")
    return column.in_(select(listed.c.value))


def chunks(values: Collection[T], size: int = MOST_AT_ONCE) -> Iterator[list[T]]:
    """Yield the values in lists of at most `size`; none when there are none."""
    whole = list(values)
    for first in range(0, len(whole), size):
        yield whole[first : first + size]
