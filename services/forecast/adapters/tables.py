"""The tables of the forecast service."""

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, PrimaryKeyConstraint, String, Table

from runtime.tables import DeliveryTables, Instant, RuntimeTables, delivery_tables, runtime_tables

METADATA = MetaData()
RUNTIME: RuntimeTables = runtime_tables(METADATA)
DELIVERY: DeliveryTables = delivery_tables(METADATA)

CHANGED = Table(
    # When readings of a point's past last changed, and when some were last forgotten: older forecasts of it are stale, or must not be kept.
    "changed_point",
    METADATA,
    Column("territory", String(63), nullable=False),
    Column("resource", String(127), nullable=False),
    Column("changed", Instant, nullable=False),
    Column("forgotten", Instant),
    PrimaryKeyConstraint("territory", "resource"),
    sqlite_with_rowid=False,
)

FORECAST = Table(
    "forecast",
    METADATA,
    Column("territory", String(63), nullable=False),
    Column("resource", String(127), nullable=False),
    Column("flux", Integer, nullable=False),
    Column("granularity", Integer, nullable=False),
    Column("issued", Instant, nullable=False),
    # How many quantiles are kept: fewer once the forecast is older.
    Column("levels", Integer, nullable=False),
    # Read as a whole: see adapters/forecast_bodies.py.
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("territory", "resource", "flux", "granularity", "issued"),
    Index("forecast_by_issue", "issued"),
    sqlite_with_rowid=False,
)
