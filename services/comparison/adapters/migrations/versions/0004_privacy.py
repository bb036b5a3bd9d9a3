"""Figures under differential privacy, and what they cost each household.

Revision ID: 0004
"""

from alembic import op
from sqlalchemy import Column, Integer, MetaData, PrimaryKeyConstraint, String, Table

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for figures beside releases, and the ledger."""
    for name in ("private_median", "private_fifth"):
        op.add_column("release", Column(name, Integer))
    _tables().create_all(op.get_bind())


def downgrade() -> None:
    """Remove them, with all they hold."""
    _tables().drop_all(op.get_bind())
    for name in ("private_fifth", "private_median"):
        op.drop_column("release", name)


def _tables() -> MetaData:
    metadata = MetaData()
    Table(
        "privacy_ledger",
        metadata,
        Column("territory", String(63), nullable=False),
        Column("holder", String(63), nullable=False),
        Column("year", Integer, nullable=False),
        Column("figures", Integer, nullable=False),
        PrimaryKeyConstraint("territory", "holder", "year"),
        sqlite_with_rowid=False,
    )
    return metadata
