"""The tables of the comparison service."""

from sqlalchemy import BigInteger, Column, Date, Index, Integer, MetaData, PrimaryKeyConstraint, String, Table, Text

from runtime.tables import DeliveryTables, Instant, RuntimeTables, delivery_tables, runtime_tables

METADATA = MetaData()
RUNTIME: RuntimeTables = runtime_tables(METADATA)
DELIVERY: DeliveryTables = delivery_tables(METADATA)

FORMATION = Table(
    # Groups that were formed together, and the coefficients that are frozen with them; never changed.
    "formation",
    METADATA,
    Column("territory", String(63), nullable=False),
    Column("flux", Integer, nullable=False),
    # The first month that the groups are published of, and the first that they are not any more.
    Column("first_month", Date, nullable=False),
    Column("end_month", Date, nullable=False),
    # Atoms' areas and counts, cohorts and coefficients, as JSON: see adapters/formation_bodies.py.
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("territory", "flux", "first_month"),
    sqlite_with_rowid=False,
)

MEMBER = Table(
    # Whose home an atom was formed of; rows go when a person is erased, none ever comes.
    "member",
    METADATA,
    Column("territory", String(63), nullable=False),
    Column("flux", Integer, nullable=False),
    Column("first_month", Date, nullable=False),
    Column("premise", String(63), nullable=False),
    Column("holder", String(63), nullable=False),
    Column("atom", Integer, nullable=False),
    PrimaryKeyConstraint("territory", "flux", "first_month", "premise"),
    Index("member_by_holder", "territory", "holder"),
    sqlite_with_rowid=False,
)

RELEASE = Table(
    # What was published; never changed.
    "release",
    METADATA,
    Column("territory", String(63), nullable=False),
    Column("flux", Integer, nullable=False),
    Column("month", Date, nullable=False),
    Column("first_month", Date, nullable=False),
    Column("cohort", Integer, nullable=False),
    Column("median", Integer, nullable=False),
    Column("fifth", Integer),
    Column("four_fifths", Integer),
    Column("least_count", Integer, nullable=False),
    Column("most_count", Integer),
    Column("published", Instant, nullable=False),
    # Of large communes: steps of the grid that were drawn, once, under differential privacy.
    Column("private_median", Integer),
    Column("private_fifth", Integer),
    PrimaryKeyConstraint("territory", "flux", "month", "first_month", "cohort"),
    sqlite_with_rowid=False,
)

LEDGER = Table(
    # In how many figures drawn of a year, of all fluxes, each household is; rows go when a person is erased.
    "privacy_ledger",
    METADATA,
    Column("territory", String(63), nullable=False),
    Column("holder", String(63), nullable=False),
    Column("year", Integer, nullable=False),
    Column("figures", Integer, nullable=False),
    PrimaryKeyConstraint("territory", "holder", "year"),
    sqlite_with_rowid=False,
)

AREAS = Table(
    # Areas that dwellings are summed over, formed together; never changed.
    "dwelling_areas",
    METADATA,
    Column("territory", String(63), nullable=False),
    Column("flux", Integer, nullable=False),
    # The first month that the areas are published of, and the first that they are not any more.
    Column("first_month", Date, nullable=False),
    Column("end_month", Date, nullable=False),
    # Buildings, names and counts, as JSON: see adapters/area_store.py.
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("territory", "flux", "first_month"),
    sqlite_with_rowid=False,
)

AREA_MEMBER = Table(
    # Whose home is summed in which area; rows go when a person is erased, none ever comes.
    "dwelling_area_member",
    METADATA,
    Column("territory", String(63), nullable=False),
    Column("flux", Integer, nullable=False),
    Column("first_month", Date, nullable=False),
    Column("premise", String(63), nullable=False),
    Column("holder", String(63), nullable=False),
    Column("area", Integer, nullable=False),
    PrimaryKeyConstraint("territory", "flux", "first_month", "premise"),
    Index("dwelling_area_member_by_holder", "territory", "holder"),
    sqlite_with_rowid=False,
)

TOTAL = Table(
    # What the dwellings of an area used; never changed.
    "dwelling_total",
    METADATA,
    Column("territory", String(63), nullable=False),
    Column("flux", Integer, nullable=False),
    Column("month", Date, nullable=False),
    Column("first_month", Date, nullable=False),
    Column("area", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("coverage_percent", Integer, nullable=False),
    # Each day's amount or null, as JSON; empty where days are not published.
    Column("days", Text, nullable=False),
    Column("published", Instant, nullable=False),
    PrimaryKeyConstraint("territory", "flux", "month", "first_month", "area"),
    sqlite_with_rowid=False,
)

CLOSED = Table(
    # Months that are closed, and how many groups were formed then.
    "closed_month",
    METADATA,
    Column("territory", String(63), nullable=False),
    Column("flux", Integer, nullable=False),
    Column("month", Date, nullable=False),
    Column("formed_groups", Integer, nullable=False),
    PrimaryKeyConstraint("territory", "flux", "month"),
    sqlite_with_rowid=False,
)
