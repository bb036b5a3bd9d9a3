"""Weather stations, the places that they serve, observations and forecasts."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKeyConstraint, Integer, LargeBinary, PrimaryKeyConstraint, String, Text
from sqlalchemy.types import TypeEngine

from runtime.tables import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_STATION = ["weather_station.territory", "weather_station.station"]


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "weather_station",
        *_names("territory", "station"),
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
    op.create_table(
        "weather_station_place",
        *_names("territory", "place", "station"),
        PrimaryKeyConstraint("territory", "place"),
        ForeignKeyConstraint(["territory", "station"], _STATION),
        ForeignKeyConstraint(["territory", "place"], ["place.territory", "place.place"], ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_index("weather_station_place_by_station", "weather_station_place", ["station", "territory"])
    _make_temperatures()


def downgrade() -> None:
    """Remove the tables, with all they hold."""
    for table in ("weather_forecast", "weather_observation", "weather_station_place", "weather_station"):
        op.drop_table(table)


def _make_temperatures() -> None:
    op.create_table(
        "weather_observation",
        *_names("territory", "station"),
        Column("start", BigInteger, nullable=False),
        Column("centidegrees", Integer, nullable=False),
        PrimaryKeyConstraint("territory", "station", "start"),
        ForeignKeyConstraint(["territory", "station"], _STATION),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "weather_forecast",
        *_names("territory", "station"),
        Column("issued", Instant, nullable=False),
        Column("starts", LargeBinary, nullable=False),
        Column("centidegrees", LargeBinary, nullable=False),
        PrimaryKeyConstraint("territory", "station", "issued"),
        ForeignKeyConstraint(["territory", "station"], _STATION),
        sqlite_with_rowid=False,
    )


def _names(*columns: str) -> list[Column[str]]:
    return [Column(column, _name(), nullable=False) for column in columns]


def _name() -> TypeEngine[str]:
    return String(63).with_variant(String(63, collation="C"), "postgresql")
