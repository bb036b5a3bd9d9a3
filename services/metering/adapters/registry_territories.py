"""Territories in the relational store."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from metering.adapters.registry_places import SqlPlaces
from metering.adapters.registry_tables import TERRITORY
from metering.domain.registry.places import Place
from metering.domain.registry.ports import Kept, Written
from metering.domain.registry.territories import Territory
from metering.wire.places import place_document
from vocabulary.names import PlaceId, TerritoryId
from vocabulary.place import PlaceLevel


class SqlTerritories:
    """The tenants, as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        """Work on the connection's transaction."""
        self._connection = connection

    def get(self, territory: TerritoryId) -> Kept[Territory] | None:
        """Return the territory, None when there is none of this id."""
        row = self._connection.execute(select(TERRITORY).where(TERRITORY.c.territory == territory)).one_or_none()
        return None if row is None else _kept(row)

    def page(self, after: str, limit: int) -> list[Kept[Territory]]:
        """Return up to `limit` territories whose ids come after `after`, by id."""
        rows = self._connection.execute(select(TERRITORY).where(TERRITORY.c.territory > after).order_by(TERRITORY.c.territory).limit(limit))
        return [_kept(row) for row in rows]

    def add(self, territory: Territory, at: datetime) -> Kept[Territory]:
        """Keep a new territory, and its root place."""
        self._connection.execute(
            TERRITORY.insert(), {**_columns(territory), "territory": territory.territory_id, "version": 1, "created": at, "updated": at}
        )
        root = Place(
            place_id=territory.root_place,
            level=PlaceLevel.TERRITORY,
            display_name=territory.display_name,
            simulated=territory.simulated,
        )
        SqlPlaces(self._connection).save(territory.territory_id, [Written(value=root, document=place_document(root))], at)
        return Kept(value=territory, version=1, created=at, updated=at)

    def change(self, kept: Kept[Territory], territory: Territory, at: datetime) -> Kept[Territory]:
        """Keep the territory as it is now."""
        self._connection.execute(
            update(TERRITORY)
            .where(TERRITORY.c.territory == territory.territory_id)
            .values(**_columns(territory), version=kept.version + 1, updated=at)
        )
        return Kept(value=territory, version=kept.version + 1, created=kept.created, updated=at)


def _columns(territory: Territory) -> dict[str, Any]:
    return {
        "display_name": territory.display_name,
        "time_zone": territory.time_zone,
        "currency_code": territory.currency_code,
        "school_holiday_zone": territory.school_holiday_zone,
        "public_holiday_subdivision": territory.public_holiday_subdivision,
        "simulated": territory.simulated,
        "root_place": territory.root_place,
    }


def _kept(row: Row[Any]) -> Kept[Territory]:
    territory = Territory(
        territory_id=TerritoryId(row.territory),
        display_name=row.display_name,
        time_zone=row.time_zone,
        currency_code=row.currency_code,
        root_place=PlaceId(row.root_place),
        school_holiday_zone=row.school_holiday_zone,
        public_holiday_subdivision=row.public_holiday_subdivision,
        simulated=row.simulated,
    )
    return Kept(value=territory, version=row.version, created=row.created, updated=row.updated)
