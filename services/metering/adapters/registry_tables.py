"""The registry's tables. What others look for stands in columns and links of its own; the rest of a place or point is one document."""

from datetime import UTC, datetime

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine

from runtime.tables import Instant, runtime_tables

SINCE_EVER = datetime(1, 1, 1, tzinfo=UTC)
FOR_EVER = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
"""Open ends of validities in links, so that a time is always compared the same way."""

metadata = MetaData()
"""Links are indexed by what tells most first: without statistics, SQLite takes any index whose first column is asked for."""

RUNTIME = runtime_tables(metadata)


def _name(length: int = 63) -> TypeEngine[str]:
    # In PostgreSQL, a database's collation may sort ids otherwise than by their bytes; pages need one order everywhere.
    return String(length).with_variant(String(length, collation="C"), "postgresql")


TERRITORY = Table(
    "territory",
    metadata,
    Column("territory", _name(), primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("currency_code", String(3), nullable=False),
    Column("school_holiday_zone", Text, nullable=False),
    Column("public_holiday_subdivision", Text, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("root_place", _name(), nullable=False),
    Column("version", Integer, nullable=False),
    Column("created", Instant, nullable=False),
    Column("updated", Instant, nullable=False),
)

PLACE = Table(
    "place",
    metadata,
    Column("territory", _name(), nullable=False),
    Column("place", _name(), nullable=False),
    Column("level", Integer, nullable=False),
    Column("search_name", Text, nullable=False),
    Column("is_home", Boolean, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created", Instant, nullable=False),
    Column("updated", Instant, nullable=False),
    PrimaryKeyConstraint("territory", "place"),
    ForeignKeyConstraint(["territory"], ["territory.territory"]),
    Index("place_by_level", "territory", "level", "place"),
    sqlite_with_rowid=False,
)

PLACE_IDENTIFIER = Table(
    "place_identifier",
    metadata,
    Column("territory", _name(), nullable=False),
    Column("scheme", _name(32), nullable=False),
    Column("value", Text, nullable=False),
    Column("place", _name(), nullable=False),
    PrimaryKeyConstraint("territory", "scheme", "value"),
    sqlite_with_rowid=False,
)

PLACE_PARENT = Table(
    "place_parent",
    metadata,
    Column("territory", _name(), nullable=False),
    Column("place", _name(), nullable=False),
    Column("start", Instant, nullable=False),
    Column("end", Instant, nullable=False),
    Column("parent", _name(), nullable=False),
    PrimaryKeyConstraint("territory", "place", "start"),
    ForeignKeyConstraint(["territory", "place"], ["place.territory", "place.place"]),
    ForeignKeyConstraint(["territory", "parent"], ["place.territory", "place.place"]),
    Index("place_parent_by_parent", "parent", "territory"),
    sqlite_with_rowid=False,
)

PLACE_ABOVE = Table(
    "place_above",
    metadata,
    # Each place lies in itself and in all that lie above it, for as long as every link between holds.
    Column("territory", _name(), nullable=False),
    Column("above", _name(), nullable=False),
    Column("place", _name(), nullable=False),
    Column("start", Instant, nullable=False),
    Column("end", Instant, nullable=False),
    Column("level", Integer, nullable=False),
    PrimaryKeyConstraint("above", "territory", "place", "start"),
    Index("place_above_by_place", "place", "territory"),
    sqlite_with_rowid=False,
)

POINT = Table(
    "point",
    metadata,
    Column("territory", _name(), nullable=False),
    Column("point", _name(), nullable=False),
    Column("flux", Integer, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created", Instant, nullable=False),
    Column("updated", Instant, nullable=False),
    PrimaryKeyConstraint("territory", "point"),
    ForeignKeyConstraint(["territory"], ["territory.territory"]),
    Index("point_by_flux", "territory", "flux", "point"),
    sqlite_with_rowid=False,
)

POINT_IDENTIFIER = Table(
    "point_identifier",
    metadata,
    Column("territory", _name(), nullable=False),
    Column("scheme", _name(32), nullable=False),
    Column("value", Text, nullable=False),
    Column("point", _name(), nullable=False),
    PrimaryKeyConstraint("territory", "scheme", "value"),
    sqlite_with_rowid=False,
)

POINT_PLACE = Table(
    "point_place",
    metadata,
    Column("territory", _name(), nullable=False),
    Column("point", _name(), nullable=False),
    Column("start", Instant, nullable=False),
    Column("end", Instant, nullable=False),
    Column("place", _name(), nullable=False),
    PrimaryKeyConstraint("territory", "point", "start"),
    ForeignKeyConstraint(["territory", "point"], ["point.territory", "point.point"]),
    ForeignKeyConstraint(["territory", "place"], ["place.territory", "place.place"]),
    Index("point_place_by_place", "place", "territory"),
    sqlite_with_rowid=False,
)

POINT_PARENT = Table(
    "point_parent",
    metadata,
    Column("territory", _name(), nullable=False),
    Column("point", _name(), nullable=False),
    Column("start", Instant, nullable=False),
    Column("end", Instant, nullable=False),
    Column("parent", _name(), nullable=False),
    PrimaryKeyConstraint("territory", "point", "start"),
    ForeignKeyConstraint(["territory", "point"], ["point.territory", "point.point"]),
    ForeignKeyConstraint(["territory", "parent"], ["point.territory", "point.point"]),
    Index("point_parent_by_parent", "parent", "territory"),
    sqlite_with_rowid=False,
)

POINT_ABOVE = Table(
    "point_above",
    metadata,
    # Each point measures in its place and in all that lie above it: what a page of the points of a place is read from, in their order.
    Column("territory", _name(), nullable=False),
    Column("above", _name(), nullable=False),
    Column("point", _name(), nullable=False),
    Column("start", Instant, nullable=False),
    Column("end", Instant, nullable=False),
    Column("flux", Integer, nullable=False),
    PrimaryKeyConstraint("above", "territory", "point", "start"),
    sqlite_with_rowid=False,
)

REFERENCE_ROW = Table(
    "reference_row",
    metadata,
    # Starter rows have an empty territory.
    Column("territory", _name(), nullable=False),
    Column("reference_table", Integer, nullable=False),
    Column("key", Text, nullable=False),
    # An open beginning is the year 1.
    Column("first", Date, nullable=False),
    Column("end", Date),
    Column("content", Text, nullable=False),
    Column("source", Text, nullable=False),
    PrimaryKeyConstraint("territory", "reference_table", "key", "first"),
)

STARTER_SET = Table(
    "starter_set",
    metadata,
    Column("version", Text, primary_key=True),
)
