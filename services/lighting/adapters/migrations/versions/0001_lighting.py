"""The first schema of lighting.

Revision ID: 0001
"""

from alembic import op
from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String

from runtime.tables import Instant, create_runtime_tables, drop_runtime_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    create_runtime_tables(Operations(op.get_context()))
    op.create_table(
        "lighting_item",
        Column("territory", String(63), primary_key=True),
        Column("shelf", String(16), primary_key=True),
        Column("item", String(80), primary_key=True),
        Column("version", Integer, nullable=False),
        Column("document", LargeBinary, nullable=False),
        Column("created", Instant, nullable=False),
        Column("updated", Instant, nullable=False),
    )
    op.create_table("lighting_revision", Column("territory", String(63), primary_key=True), Column("revision", BigInteger, nullable=False))


def downgrade() -> None:
    """Remove every table."""
    op.drop_table("lighting_revision")
    op.drop_table("lighting_item")
    drop_runtime_tables(Operations(op.get_context()))
