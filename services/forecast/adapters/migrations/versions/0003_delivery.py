"""Which events have taken effect, and those that wait.

Revision ID: 0003
"""

from alembic import op
from alembic.operations import Operations

from runtime.tables import create_delivery_tables, drop_delivery_tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    create_delivery_tables(Operations(op.get_context()))


def downgrade() -> None:
    """Remove them: what waits is asked for again."""
    drop_delivery_tables(Operations(op.get_context()))
