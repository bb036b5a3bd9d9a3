"""Totals of dwellings.

Revision ID: 0002
"""

from alembic import op
from sqlalchemy import BigInteger, Column, Date, Index, Integer, MetaData, PrimaryKeyConstraint, String, Table, Text

from runtime.tables import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of totals."""
    _tables().create_all(op.get_bind())


def downgrade() -> None:
    """Remove them, with all they hold."""
    _tables().drop_all(op.get_bind())


def _tables() -> MetaData:
    metadata = MetaData()
    Table(
        "dwelling_areas",
        metadata,
        Column("territory", String(63), nullable=False),
        Column("flux", Integer, nullable=False),
        Column("first_month", Date, nullable=False),
        Column("end_month", Date, nullable=False),
        Column("body", Text, nullable=False),
        PrimaryKeyConstraint("territory", "flux", "first_month"),
        sqlite_with_rowid=False,
    )
    Table(
        "dwelling_area_member",
        metadata,
        Column("territory", String(63), nullable=False),
        Column("flux", Integer, nullable=False),
        Column("first_month", Date, nullable=False),
        Column("premise", String(63), nullable=False),
        Column("holder", String(63), nullable=False),
        Column("area", Integer, nullable=False),
        PrimaryKeyConstraint("territory", "flux", "first_month", "premise"),
        Index("dwelling_area_member_by_holder", "territory", "holder"),
        sqlite_with_rowid=False,
    )
    Table(
        "dwelling_total",
        metadata,
        Column("territory", String(63), nullable=False),
        Column("flux", Integer, nullable=False),
        Column("month", Date, nullable=False),
        Column("first_month", Date, nullable=False),
        Column("area", Integer, nullable=False),
        Column("amount", BigInteger, nullable=False),
        Column("coverage_percent", Integer, nullable=False),
        Column("days", Text, nullable=False),
        Column("published", Instant, nullable=False),
        PrimaryKeyConstraint("territory", "flux", "month", "first_month", "area"),
        sqlite_with_rowid=False,
    )
    return metadata
