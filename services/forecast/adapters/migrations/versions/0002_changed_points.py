"""When readings of a point changed or were forgotten, so that each of its forecasts is judged by itself.

Revision ID: 0002
"""

from alembic import op
from sqlalchemy import Column, MetaData, PrimaryKeyConstraint, String, Table

from runtime.tables import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; forecasts of points that were stale are made anew by the next refresh."""
    op.drop_table("stale_point")
    _changed().create(op.get_bind())


def downgrade() -> None:
    """Go back to points that are stale or not."""
    _changed().drop(op.get_bind())
    op.create_table(
        "stale_point",
        Column("territory", String(63), nullable=False),
        Column("resource", String(127), nullable=False),
        PrimaryKeyConstraint("territory", "resource"),
        sqlite_with_rowid=False,
    )


def _changed() -> Table:
    return Table(
        "changed_point",
        MetaData(),
        Column("territory", String(63), nullable=False),
        Column("resource", String(127), nullable=False),
        Column("changed", Instant, nullable=False),
        Column("forgotten", Instant),
        PrimaryKeyConstraint("territory", "resource"),
        sqlite_with_rowid=False,
    )
