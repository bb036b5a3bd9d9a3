"""The tables of access. Every key starts with the territory, so that no query can cross it by mistake."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text
from sqlalchemy.types import TypeEngine

from runtime.tables import Instant, RuntimeTables, runtime_tables


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessTables:
    """All tables in the service's database."""

    metadata: MetaData
    runtime: RuntimeTables
    person: Table
    identity: Table
    """(issuer, subject) is unique in a territory."""
    role_grant: Table
    occupancy: Table
    occupancy_code: Table
    code_try: Table
    """When people tried codes: wrong ones stay for an hour."""
    household_move: Table
    delegation: Table
    consent: Table
    sign_in: Table
    """Sessions."""
    refresh_token: Table
    spent_token: Table
    """Subject tokens that were exchanged, until they expire."""
    signing_key: Table
    """Public halves; the private half of the newest one is in a file."""
    erasure: Table
    """Receipts: who was erased is there as a keyed digest only."""
    known_place: Table
    """Places that the registry told of."""
    known_territory: Table


def access_tables() -> AccessTables:
    """Declare the tables."""
    metadata = MetaData()
    runtime = runtime_tables(metadata)
    # The runtime climbs from a place up; administrators of a place also look down.
    Index("place_link_by_parent", runtime.place_link.c.territory, runtime.place_link.c.parent)
    return AccessTables(
        metadata=metadata,
        runtime=runtime,
        **_people(metadata),
        **_homes(metadata),
        **_sign_ins(metadata),
        known_place=Table("known_place", metadata, territory(), identifier("place"), Column("level", Integer, nullable=False)),
        known_territory=Table("known_territory", metadata, territory()),
    )


def sorted_text(length: int) -> TypeEngine[str]:
    """Return the type of ids: they sort byte by byte in both databases, whatever language the server speaks."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def territory() -> Column[str]:
    """Return the first column of every key."""
    return Column("territory", sorted_text(63), primary_key=True)


def identifier(name: str = "id") -> Column[str]:
    """Return a column that is the rest of a key."""
    return Column(name, sorted_text(63), primary_key=True)


def reference(name: str, *, nullable: bool = False) -> Column[str]:
    """Return a column that holds an id."""
    return Column(name, sorted_text(63), nullable=nullable)


def instant(name: str, *, nullable: bool = False) -> Column[Any]:
    """Return a column that holds a time."""
    return Column(name, Instant, nullable=nullable)


def row_number() -> Column[int]:
    """Return a key that counts."""
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


def _people(metadata: MetaData) -> dict[str, Table]:
    return {
        "person": Table(
            "person",
            metadata,
            territory(),
            identifier(),
            Column("display_name", Text, nullable=False),
            Column("email", Text, nullable=False),
            Column("language_code", String(35), nullable=False),
            Column("search_text", Text, nullable=False),
            Column("version", Integer, nullable=False),
            instant("created"),
            instant("updated"),
        ),
        "identity": Table(
            "identity",
            metadata,
            territory(),
            Column("issuer", sorted_text(500), primary_key=True),
            Column("subject", sorted_text(255), primary_key=True),
            reference("person"),
            Index("identity_by_person", "territory", "person"),
        ),
        "role_grant": Table(
            "role_grant",
            metadata,
            territory(),
            identifier(),
            reference("person"),
            Column("role", String(32), nullable=False),
            reference("place", nullable=True),
            instant("start", nullable=True),
            instant("end", nullable=True),
            instant("created"),
            Index("role_grant_by_person", "territory", "person"),
            Index("role_grant_by_role", "territory", "role"),
        ),
        "erasure": Table(
            "erasure",
            metadata,
            territory(),
            Column("person_digest", LargeBinary, primary_key=True),
            Column("receipt", String(36), nullable=False),
            instant("erased"),
            Index("erasure_by_time", "erased"),
        ),
    }


def _homes(metadata: MetaData) -> dict[str, Table]:
    return {
        "occupancy": Table(
            "occupancy",
            metadata,
            territory(),
            identifier(),
            reference("person"),
            reference("premise"),
            instant("start"),
            instant("end", nullable=True),
            instant("verified"),
            Index("occupancy_by_person", "territory", "person"),
            Index("occupancy_by_premise", "territory", "premise"),
        ),
        "occupancy_code": Table(
            "occupancy_code",
            metadata,
            territory(),
            Column("digest", LargeBinary, primary_key=True),
            reference("premise"),
            instant("start"),
            instant("issued"),
            instant("expires"),
            instant("used", nullable=True),
            Index("occupancy_code_by_premise", "territory", "premise"),
        ),
        "code_try": Table(
            "code_try",
            metadata,
            row_number(),
            Column("territory", sorted_text(63), nullable=False),
            reference("person"),
            instant("at"),
            Index("code_try_by_person", "territory", "person", "at"),
        ),
        "household_move": Table("household_move", metadata, territory(), identifier("premise"), Column("moved", Instant, primary_key=True)),
        "delegation": Table(
            "delegation",
            metadata,
            territory(),
            identifier(),
            reference("giver"),
            reference("receiver"),
            reference("occupancy"),
            instant("start", nullable=True),
            instant("end"),
            Index("delegation_by_giver", "territory", "giver"),
            Index("delegation_by_receiver", "territory", "receiver"),
            Index("delegation_by_occupancy", "territory", "occupancy"),
        ),
        "consent": Table(
            "consent",
            metadata,
            territory(),
            identifier(),
            reference("person"),
            reference("point"),
            reference("occupancy"),
            Column("purpose", String(32), nullable=False),
            Column("granularity", String(32), nullable=False),
            instant("start", nullable=True),
            instant("end", nullable=True),
            Column("proof_text", Text, nullable=False),
            instant("given"),
            instant("withdrawn", nullable=True),
            Index("consent_by_person", "territory", "person"),
            Index("consent_by_point", "territory", "point"),
            Index("consent_by_occupancy", "territory", "occupancy"),
        ),
    }


def _sign_ins(metadata: MetaData) -> dict[str, Table]:
    return {
        "sign_in": Table(
            "sign_in",
            metadata,
            Column("id", String(36), primary_key=True),
            Column("home", sorted_text(63), nullable=False),
            reference("person"),
            Column("issuer", Text, nullable=False),
            Column("purpose", Text, nullable=False),
            instant("opened"),
            instant("expires"),
            instant("ended", nullable=True),
            Index("sign_in_by_person", "home", "person"),
            Index("sign_in_by_expiry", "expires"),
        ),
        "refresh_token": Table(
            "refresh_token",
            metadata,
            Column("digest", LargeBinary, primary_key=True),
            Column("sign_in", String(36), nullable=False, index=True),
            instant("expires"),
            instant("used", nullable=True),
        ),
        "spent_token": Table(
            "spent_token",
            metadata,
            Column("digest", LargeBinary, primary_key=True),
            Column("expires", Instant, nullable=False, index=True),
        ),
        "signing_key": Table(
            "signing_key",
            metadata,
            Column("kid", String(64), primary_key=True),
            Column("public_jwk", Text, nullable=False),
            instant("created"),
            instant("verifies_until", nullable=True),
        ),
    }
