"""The tables of weather, in the store of the registry."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine

from metering.adapters.registry_tables import metadata
from runtime.tables import Instant


def _name() -> TypeEngine[str]:
    # Sorted by bytes everywhere, as the registry's ids.
    return String(63).with_variant(String(63, collation="C"), "postgresql")


_STATION = ["weather_station.territory", "weather_station.station"]

WEATHER_STATION = Table(
    "weather_station",
    metadata,
    Column("territory", _name(), nullable=False),
    Column("station", _name(), nullable=False),
    Column("display_name", Text, nullable=False),
    Column("latitude", Double, nullable=False),
    Column("longitude", Double, nullable=False),
    Column("altitude_metres", Integer, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    PrimaryKeyConstraint("territory", "station"),
    ForeignKeyConstraint(["territory"], ["territory.territory"]),
    sqlite_with_rowid=False,
)

WEATHER_STATION_PLACE = Table(
    "weather_station_place",
    metadata,
    Column("territory", _name(), nullable=False),
    Column("place", _name(), nullable=False),
    Column("station", _name(), nullable=False),
    PrimaryKeyConstraint("territory", "place"),
    ForeignKeyConstraint(["territory", "station"], _STATION),
    # A place that is deleted is no reason to keep it.
    ForeignKeyConstraint(["territory", "place"], ["place.territory", "place.place"], ondelete="CASCADE"),
    Index("weather_station_place_by_station", "station", "territory"),
    sqlite_with_rowid=False,
)

WEATHER_OBSERVATION = Table(
    "weather_observation",
    metadata,
    Column("territory", _name(), nullable=False),
    Column("station", _name(), nullable=False),
    # The start of the hour, Unix seconds.
    Column("start", BigInteger, nullable=False),
    Column("centidegrees", Integer, nullable=False),
    PrimaryKeyConstraint("territory", "station", "start"),
    ForeignKeyConstraint(["territory", "station"], _STATION),
    sqlite_with_rowid=False,
)

WEATHER_FORECAST = Table(
    "weather_forecast",
    metadata,
    Column("territory", _name(), nullable=False),
    Column("station", _name(), nullable=False),
    Column("issued", Instant, nullable=False),
    # A forecast is read as a whole: little-endian columns, 64-bit Unix seconds and 16-bit hundredths of a degree.
    Column("starts", LargeBinary, nullable=False),
    Column("centidegrees", LargeBinary, nullable=False),
    PrimaryKeyConstraint("territory", "station", "issued"),
    ForeignKeyConstraint(["territory", "station"], _STATION),
    sqlite_with_rowid=False,
)
