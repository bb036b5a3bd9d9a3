"""The first schema of the forecast service.

Revision ID: 0001
"""

from alembic import op
from alembic.operations import Operations
from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, PrimaryKeyConstraint, String, Table

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
        "stale_point",
        metadata,
        Column("territory", String(63), nullable=False),
        Column("resource", String(127), nullable=False),
        PrimaryKeyConstraint("territory", "resource"),
        sqlite_with_rowid=False,
    )
    Table(
        "forecast",
        metadata,
        Column("territory", String(63), nullable=False),
        Column("resource", String(127), nullable=False),
        Column("flux", Integer, nullable=False),
        Column("granularity", Integer, nullable=False),
        Column("issued", Instant, nullable=False),
        Column("levels", Integer, nullable=False),
        Column("body", LargeBinary, nullable=False),
        PrimaryKeyConstraint("territory", "resource", "flux", "granularity", "issued"),
        Index("forecast_by_issue", "issued"),
        sqlite_with_rowid=False,
    )
    return metadata
