"""Weather in the relational store."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection, Row, Select, and_, delete, select, update

from metering.adapters.registry_bulk import chunks, insert_rows
from metering.adapters.registry_links import holds
from metering.adapters.registry_tables import PLACE, PLACE_ABOVE
from metering.adapters.registry_territories import SqlTerritories
from metering.adapters.weather_tables import WEATHER_FORECAST, WEATHER_OBSERVATION, WEATHER_STATION, WEATHER_STATION_PLACE
from metering.domain.registry.failures import TerritoryMissing
from metering.domain.registry.geometry import Position
from metering.domain.weather.hours import MISSING, Forecast, HourlyTemperatures
from metering.domain.weather.stations import WeatherStation
from vocabulary.interval import Interval
from vocabulary.names import PlaceId, TerritoryId, WeatherStationId


class SqlWeather:
    """Stations and temperatures, as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        """Work on the connection's transaction."""
        self._connection = connection

    def station(self, territory: TerritoryId, station: WeatherStationId) -> WeatherStation | None:
        """Return the station, None when there is none of this id."""
        found = self._stations(territory, _of(territory).where(WEATHER_STATION.c.station == station))
        return found[0] if found else None

    def stations(self, territory: TerritoryId, after: str, limit: int) -> list[WeatherStation]:
        """Return up to `limit` stations whose ids come after `after`, by id."""
        some = _of(territory).where(WEATHER_STATION.c.station > after).order_by(WEATHER_STATION.c.station).limit(limit)
        return self._stations(territory, some)

    def save_station(self, territory: TerritoryId, station: WeatherStation) -> None:
        """Keep the station as it is now; the places that it serves are replaced."""
        links, own = WEATHER_STATION_PLACE.c, WEATHER_STATION.c
        row = _station_row(territory, station)
        known = update(WEATHER_STATION).where(own.territory == territory, own.station == station.station_id)
        if not self._connection.execute(known.values(row)).rowcount:
            self._connection.execute(WEATHER_STATION.insert(), row)
        self._connection.execute(delete(WEATHER_STATION_PLACE).where(links.territory == territory, links.station == station.station_id))
        rows = [{"territory": territory, "place": place, "station": station.station_id} for place in station.places]
        insert_rows(self._connection, WEATHER_STATION_PLACE, rows)

    def known_places(self, territory: TerritoryId, places: Collection[PlaceId]) -> set[PlaceId]:
        """Return those of the places that exist."""
        found: set[PlaceId] = set()
        for some in chunks(places):
            query = select(PLACE.c.place).where(PLACE.c.territory == territory, PLACE.c.place.in_(some))
            found.update(PlaceId(name) for name in self._connection.execute(query).scalars())
        return found

    def served(self, territory: TerritoryId, places: Collection[PlaceId]) -> dict[PlaceId, WeatherStationId]:
        """Return the stations of those of the places that have one of their own."""
        links = WEATHER_STATION_PLACE.c
        served: dict[PlaceId, WeatherStationId] = {}
        for some in chunks(places):
            query = select(links.place, links.station).where(links.territory == territory, links.place.in_(some))
            served.update((PlaceId(place), WeatherStationId(station)) for place, station in self._connection.execute(query))
        return served

    def nearest_station(self, territory: TerritoryId, place: PlaceId, at: datetime) -> WeatherStationId | None:
        """Return the station of the place, or of the nearest place that it lies in at the instant; None when there is none."""
        links = WEATHER_STATION_PLACE.c
        serves_above = and_(links.territory == PLACE_ABOVE.c.territory, links.place == PLACE_ABOVE.c.above)
        above = and_(PLACE.c.territory == PLACE_ABOVE.c.territory, PLACE.c.place == PLACE_ABOVE.c.above)
        query = (
            select(links.station)
            .select_from(PLACE_ABOVE.join(WEATHER_STATION_PLACE, serves_above).join(PLACE, above))
            .where(PLACE_ABOVE.c.territory == territory, PLACE_ABOVE.c.place == place, holds(PLACE_ABOVE, at))
            # A link carries the level of the lower place; of those above, the smallest is the nearest.
            .order_by(PLACE.c.level.desc(), links.place)
            .limit(1)
        )
        found = self._connection.execute(query).scalar_one_or_none()
        return None if found is None else WeatherStationId(found)

    def zone(self, territory: TerritoryId) -> ZoneInfo:
        """Return the zone in which the territory counts days; TerritoryMissing."""
        kept = SqlTerritories(self._connection).get(territory)
        if kept is None:
            raise TerritoryMissing(f"there is no territory {territory}", territory=territory)
        return ZoneInfo(kept.value.time_zone)

    def observations(self, territory: TerritoryId, station: WeatherStationId, during: Interval) -> HourlyTemperatures:
        """Return the known hours that start in the interval."""
        hours = WEATHER_OBSERVATION.c
        query = (
            select(hours.start, hours.centidegrees)
            .where(hours.territory == territory, hours.station == station)
            .where(hours.start >= during.start.timestamp(), hours.start < during.end.timestamp())
            .order_by(hours.start)
        )
        rows = self._connection.execute(query).all()
        starts, centidegrees = np.fromiter(chain.from_iterable(rows), np.int64, 2 * len(rows)).reshape(-1, 2).T
        return HourlyTemperatures(starts=starts, centidegrees=centidegrees)

    def change_observations(self, territory: TerritoryId, station: WeatherStationId, changes: HourlyTemperatures) -> None:
        """Put hours in place of those known; missing ones take them away."""
        hours = WEATHER_OBSERVATION.c
        gone = changes.where(changes.centidegrees == MISSING)
        for some in chunks(gone.starts.tolist()):
            self._connection.execute(
                delete(WEATHER_OBSERVATION).where(hours.territory == territory, hours.station == station, hours.start.in_(some))
            )
        known = changes.known()
        rows = [
            {"territory": territory, "station": station, "start": start, "centidegrees": centidegrees}
            for start, centidegrees in zip(known.starts.tolist(), known.centidegrees.tolist(), strict=True)
        ]
        insert_rows(self._connection, WEATHER_OBSERVATION, rows, replace=True)

    def latest_forecast(self, territory: TerritoryId, station: WeatherStationId, at: datetime) -> Forecast | None:
        """Return the forecast that was the latest at the instant, None when there was none."""
        kept = WEATHER_FORECAST.c
        query = (
            select(kept.issued, kept.starts, kept.centidegrees)
            .where(kept.territory == territory, kept.station == station, kept.issued <= at)
            .order_by(kept.issued.desc())
            .limit(1)
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else Forecast(issued=row.issued, hours=_unpacked(row.starts, row.centidegrees))

    def save_forecast(self, territory: TerritoryId, station: WeatherStationId, forecast: Forecast) -> None:
        """Keep the forecast in place of the one issued at the same instant."""
        row = {
            "territory": territory,
            "station": station,
            "issued": forecast.issued,
            "starts": forecast.hours.starts.astype("<i8").tobytes(),
            "centidegrees": forecast.hours.centidegrees.astype("<i2").tobytes(),
        }
        insert_rows(self._connection, WEATHER_FORECAST, [row], replace=True)

    def _stations(self, territory: TerritoryId, query: Select[Any]) -> list[WeatherStation]:
        rows = self._connection.execute(query).all()
        places = self._places_of(territory, [row.station for row in rows])
        return [_station(row, places[row.station]) for row in rows]

    def _places_of(self, territory: TerritoryId, stations: Iterable[str]) -> defaultdict[str, list[PlaceId]]:
        links = WEATHER_STATION_PLACE.c
        places: defaultdict[str, list[PlaceId]] = defaultdict(list)
        query = select(links.station, links.place).where(links.territory == territory, links.station.in_(list(stations)))
        for station, place in self._connection.execute(query):
            places[station].append(PlaceId(place))
        return places


def _of(territory: TerritoryId) -> Select[Any]:
    return select(WEATHER_STATION).where(WEATHER_STATION.c.territory == territory)


def _station_row(territory: TerritoryId, station: WeatherStation) -> dict[str, Any]:
    return {
        "territory": territory,
        "station": station.station_id,
        "display_name": station.display_name,
        "latitude": station.position.latitude,
        "longitude": station.position.longitude,
        "altitude_metres": station.altitude_metres,
        "simulated": station.simulated,
        "source": station.source,
    }


def _station(row: Row[Any], places: Iterable[PlaceId]) -> WeatherStation:
    return WeatherStation(
        station_id=WeatherStationId(row.station),
        display_name=row.display_name,
        position=Position(latitude=row.latitude, longitude=row.longitude),
        altitude_metres=row.altitude_metres,
        places=tuple(places),
        simulated=row.simulated,
        source=row.source,
    )


def _unpacked(starts: bytes, centidegrees: bytes) -> HourlyTemperatures:
    return HourlyTemperatures(
        starts=np.frombuffer(starts, "<i8").astype(np.int64), centidegrees=np.frombuffer(centidegrees, "<i2").astype(np.int64)
    )
