"""Orders to cabinets and how far they have come; what was seen last of lamps.

Revision ID: 0002
"""

from alembic import op
from sqlalchemy import BigInteger, Column, Float, Integer, LargeBinary, String, Text

from runtime.tables import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and number changes by item."""
    op.add_column("lighting_item", Column("revision", BigInteger, nullable=False, server_default="0"))
    op.create_table(
        "lighting_delivery",
        Column("territory", String(63), primary_key=True),
        Column("cabinet", String(80), primary_key=True),
        Column("version", BigInteger, nullable=False),
        Column("revision", BigInteger, nullable=False),
        Column("digest", String(64), nullable=False),
        Column("first_night", String(10), nullable=False),
        Column("made", Instant, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("next_attempt", Instant, index=True),
        Column("sent", Instant),
        Column("received", Instant),
        Column("followed", Instant),
        Column("refused", String(500), nullable=False),
        Column("confirmed_version", BigInteger, nullable=False),
        Column("confirmed_revision", BigInteger, nullable=False),
        Column("confirmed_through", String(10)),
        Column("heard", Instant),
        Column("document", LargeBinary, nullable=False),
    )
    op.create_table(
        "lighting_lamp_state",
        Column("territory", String(63), primary_key=True),
        Column("luminaire", String(80), primary_key=True),
        Column("heard", Instant, nullable=False),
        Column("level", Float),
        Column("power_w", Float),
        Column("burning_s", Float),
        Column("switch_count", BigInteger),
    )
    op.create_table(
        "lighting_fault",
        Column("territory", String(63), primary_key=True),
        Column("fault", String(20), primary_key=True),
        Column("cabinet", String(80), nullable=False),
        Column("kind", Integer, nullable=False),
        Column("luminaire", String(80)),
        Column("circuit", Integer),
        Column("start", Instant, nullable=False),
        Column("last_seen", Instant, nullable=False),
        Column("end", Instant, index=True),
        Column("evidence", Text, nullable=False),
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_table("lighting_fault")
    op.drop_table("lighting_lamp_state")
    op.drop_table("lighting_delivery")
    with op.batch_alter_table("lighting_item") as table:
        table.drop_column("revision")
