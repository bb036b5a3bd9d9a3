"""The tables of the lighting service."""

from sqlalchemy import BigInteger, Column, Float, Integer, LargeBinary, MetaData, String, Table, Text

from runtime.tables import Instant, RuntimeTables, runtime_tables

METADATA = MetaData()
RUNTIME: RuntimeTables = runtime_tables(METADATA)

ITEM = Table(
    "lighting_item",
    METADATA,
    Column("territory", String(63), primary_key=True),
    Column("shelf", String(16), primary_key=True),
    Column("item", String(80), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("created", Instant, nullable=False),
    Column("updated", Instant, nullable=False),
    Column("revision", BigInteger, nullable=False, server_default="0"),
)
"""Everything kept, as messages of the contract; `revision` is the territory's when the item was changed last."""
REVISION = Table(
    "lighting_revision",
    METADATA,
    Column("territory", String(63), primary_key=True),
    Column("revision", BigInteger, nullable=False),
)
"""How often a territory's lighting changed: whoever remembers it sees whether that still holds."""
DELIVERY = Table(
    "lighting_delivery",
    METADATA,
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
"""The latest order of each cabinet, and how far it has come; columns are the fields of a Delivery."""
LAMP_STATE = Table(
    "lighting_lamp_state",
    METADATA,
    Column("territory", String(63), primary_key=True),
    Column("luminaire", String(80), primary_key=True),
    Column("heard", Instant, nullable=False),
    Column("level", Float),
    Column("power_w", Float),
    Column("burning_s", Float),
    Column("switch_count", BigInteger),
)
"""What was seen last of each lamp."""
FAULT = Table(
    "lighting_fault",
    METADATA,
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
"""Faults, open ones without an end; the evidence as JSON."""
