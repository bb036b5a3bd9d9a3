"""The first schema of access.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op
from alembic.operations import Operations

from runtime.tables import Instant, create_runtime_tables, drop_runtime_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    create_runtime_tables(Operations(op.get_context()))
    op.create_index("place_link_by_parent", "place_link", ["territory", "parent"])
    _create_people()
    _create_homes()
    _create_sign_ins()
    op.create_table("known_place", _territory(), _key("place"), sa.Column("level", sa.Integer, nullable=False))
    op.create_table("known_territory", _territory())


def downgrade() -> None:
    """Remove every table."""
    for table in (
        "known_territory",
        "known_place",
        "signing_key",
        "spent_token",
        "refresh_token",
        "sign_in",
        "consent",
        "delegation",
        "household_move",
        "code_try",
        "occupancy_code",
        "occupancy",
        "erasure",
        "role_grant",
        "identity",
        "person",
    ):
        op.drop_table(table)
    drop_runtime_tables(Operations(op.get_context()))


def _create_people() -> None:
    op.create_table(
        "person",
        _territory(),
        _key("id"),
        _text("display_name"),
        _text("email"),
        sa.Column("language_code", sa.String(35), nullable=False),
        _text("search_text"),
        sa.Column("version", sa.Integer, nullable=False),
        _instant("created"),
        _instant("updated"),
    )
    op.create_table(
        "identity",
        _territory(),
        _key("issuer", 500),
        _key("subject", 255),
        _reference("person"),
        sa.Index("identity_by_person", "territory", "person"),
    )
    op.create_table(
        "role_grant",
        _territory(),
        _key("id"),
        _reference("person"),
        sa.Column("role", sa.String(32), nullable=False),
        _reference("place", nullable=True),
        _instant("start", nullable=True),
        _instant("end", nullable=True),
        _instant("created"),
        sa.Index("role_grant_by_person", "territory", "person"),
        sa.Index("role_grant_by_role", "territory", "role"),
    )
    op.create_table(
        "erasure",
        _territory(),
        sa.Column("person_digest", sa.LargeBinary, primary_key=True),
        sa.Column("receipt", sa.String(36), nullable=False),
        _instant("erased"),
        sa.Index("erasure_by_time", "erased"),
    )


def _create_homes() -> None:
    op.create_table(
        "occupancy",
        _territory(),
        _key("id"),
        _reference("person"),
        _reference("premise"),
        _instant("start"),
        _instant("end", nullable=True),
        _instant("verified"),
        sa.Index("occupancy_by_person", "territory", "person"),
        sa.Index("occupancy_by_premise", "territory", "premise"),
    )
    op.create_table(
        "occupancy_code",
        _territory(),
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        _reference("premise"),
        _instant("start"),
        _instant("issued"),
        _instant("expires"),
        _instant("used", nullable=True),
        sa.Index("occupancy_code_by_premise", "territory", "premise"),
    )
    op.create_table(
        "code_try",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        _reference("territory"),
        _reference("person"),
        _instant("at"),
        sa.Index("code_try_by_person", "territory", "person", "at"),
    )
    op.create_table("household_move", _territory(), _key("premise"), sa.Column("moved", Instant, primary_key=True))
    _create_delegations_and_consents()


def _create_delegations_and_consents() -> None:
    op.create_table(
        "delegation",
        _territory(),
        _key("id"),
        _reference("giver"),
        _reference("receiver"),
        _reference("occupancy"),
        _instant("start", nullable=True),
        _instant("end"),
        sa.Index("delegation_by_giver", "territory", "giver"),
        sa.Index("delegation_by_receiver", "territory", "receiver"),
        sa.Index("delegation_by_occupancy", "territory", "occupancy"),
    )
    op.create_table(
        "consent",
        _territory(),
        _key("id"),
        _reference("person"),
        _reference("point"),
        _reference("occupancy"),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("granularity", sa.String(32), nullable=False),
        _instant("start", nullable=True),
        _instant("end", nullable=True),
        _text("proof_text"),
        _instant("given"),
        _instant("withdrawn", nullable=True),
        sa.Index("consent_by_person", "territory", "person"),
        sa.Index("consent_by_point", "territory", "point"),
        sa.Index("consent_by_occupancy", "territory", "occupancy"),
    )


def _create_sign_ins() -> None:
    op.create_table(
        "sign_in",
        sa.Column("id", sa.String(36), primary_key=True),
        _reference("home"),
        _reference("person"),
        _text("issuer"),
        _text("purpose"),
        _instant("opened"),
        _instant("expires"),
        _instant("ended", nullable=True),
        sa.Index("sign_in_by_person", "home", "person"),
        sa.Index("sign_in_by_expiry", "expires"),
    )
    op.create_table(
        "refresh_token",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("sign_in", sa.String(36), nullable=False, index=True),
        _instant("expires"),
        _instant("used", nullable=True),
    )
    op.create_table(
        "spent_token",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("expires", Instant, nullable=False, index=True),
    )
    op.create_table(
        "signing_key",
        sa.Column("kid", sa.String(64), primary_key=True),
        _text("public_jwk"),
        _instant("created"),
        _instant("verifies_until", nullable=True),
    )


def _territory() -> sa.Column[str]:
    return _key("territory")


def _key(name: str, length: int = 63) -> sa.Column[str]:
    return sa.Column(name, _sorted_text(length), primary_key=True)


def _reference(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, _sorted_text(63), nullable=nullable)


def _sorted_text(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, Instant, nullable=nullable)
