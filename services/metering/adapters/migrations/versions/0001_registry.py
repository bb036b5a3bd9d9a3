"""Territories, places, metering points and reference rows, and the runtime's own tables."""

from typing import cast

from alembic import op
from alembic.operations import Operations
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

from runtime.tables import Instant, create_runtime_tables, drop_runtime_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    create_runtime_tables(cast("Operations", op))
    _tables().create_all(op.get_bind())


def downgrade() -> None:
    """Remove the tables, with all they hold."""
    _tables().drop_all(op.get_bind())
    drop_runtime_tables(cast("Operations", op))


def _name(length: int = 63) -> TypeEngine[str]:
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def _tables() -> MetaData:
    """Return the tables as they were at this revision; later ones are for later revisions to make."""
    metadata = MetaData()
    Table(
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
    Table(
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
    Table(
        "place_identifier",
        metadata,
        Column("territory", _name(), nullable=False),
        Column("scheme", _name(32), nullable=False),
        Column("value", Text, nullable=False),
        Column("place", _name(), nullable=False),
        PrimaryKeyConstraint("territory", "scheme", "value"),
        sqlite_with_rowid=False,
    )
    Table(
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
    Table(
        "place_above",
        metadata,
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
    Table(
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
    Table(
        "point_identifier",
        metadata,
        Column("territory", _name(), nullable=False),
        Column("scheme", _name(32), nullable=False),
        Column("value", Text, nullable=False),
        Column("point", _name(), nullable=False),
        PrimaryKeyConstraint("territory", "scheme", "value"),
        sqlite_with_rowid=False,
    )
    Table(
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
    Table(
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
    Table(
        "point_above",
        metadata,
        Column("territory", _name(), nullable=False),
        Column("above", _name(), nullable=False),
        Column("point", _name(), nullable=False),
        Column("start", Instant, nullable=False),
        Column("end", Instant, nullable=False),
        Column("flux", Integer, nullable=False),
        PrimaryKeyConstraint("above", "territory", "point", "start"),
        sqlite_with_rowid=False,
    )
    Table(
        "reference_row",
        metadata,
        Column("territory", _name(), nullable=False),
        Column("reference_table", Integer, nullable=False),
        Column("key", Text, nullable=False),
        Column("first", Date, nullable=False),
        Column("end", Date),
        Column("content", Text, nullable=False),
        Column("source", Text, nullable=False),
        PrimaryKeyConstraint("territory", "reference_table", "key", "first"),
    )
    Table(
        "starter_set",
        metadata,
        Column("version", Text, primary_key=True),
    )
    return metadata
