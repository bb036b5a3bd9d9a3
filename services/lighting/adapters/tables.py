"""The tables of the lighting service."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, String, Table

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
)
"""Everything kept, as messages of the contract."""
REVISION = Table(
    "lighting_revision",
    METADATA,
    Column("territory", String(63), primary_key=True),
    Column("revision", BigInteger, nullable=False),
)
"""How often a territory's lighting changed: whoever remembers it sees whether that still holds."""
