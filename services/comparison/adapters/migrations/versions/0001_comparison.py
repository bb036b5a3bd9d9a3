"""The first schema of the comparison service.

Revision ID: 0001
"""

from alembic import op
from alembic.operations import Operations
from sqlalchemy import Column, Date, Index, Integer, MetaData, PrimaryKeyConstraint, String, Table, Text

from runtime.tables import Instant, create_runtime_tables, drop_runtime_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    create_runtime_tables(Operations(op.get_context()))
    _tables().create_all(op.get_bind())


def downgrade() -> None:
    """Remove every table, with all it holds."""
    _tables().drop_all(op.get_bind())
    drop_runtime_tables(Operations(op.get_context()))


def _tables() -> MetaData:
    metadata = MetaData()
    Table(
        "formation",
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
        "member",
        metadata,
        Column("territory", String(63), nullable=False),
        Column("flux", Integer, nullable=False),
        Column("first_month", Date, nullable=False),
        Column("premise", String(63), nullable=False),
        Column("holder", String(63), nullable=False),
        Column("atom", Integer, nullable=False),
        PrimaryKeyConstraint("territory", "flux", "first_month", "premise"),
        Index("member_by_holder", "territory", "holder"),
        sqlite_with_rowid=False,
    )
    Table(
        "release",
        metadata,
        Column("territory", String(63), nullable=False),
        Column("flux", Integer, nullable=False),
        Column("month", Date, nullable=False),
        Column("first_month", Date, nullable=False),
        Column("cohort", Integer, nullable=False),
        Column("median", Integer, nullable=False),
        Column("fifth", Integer),
        Column("four_fifths", Integer),
        Column("least_count", Integer, nullable=False),
        Column("most_count", Integer),
        Column("published", Instant, nullable=False),
        PrimaryKeyConstraint("territory", "flux", "month", "first_month", "cohort"),
        sqlite_with_rowid=False,
    )
    Table(
        "closed_month",
        metadata,
        Column("territory", String(63), nullable=False),
        Column("flux", Integer, nullable=False),
        Column("month", Date, nullable=False),
        Column("formed_groups", Integer, nullable=False),
        PrimaryKeyConstraint("territory", "flux", "month"),
        sqlite_with_rowid=False,
    )
    return metadata
