"""What the weather's rules need of a store, as one transaction sees it."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from metering.domain.weather.hours import Forecast, HourlyTemperatures
from metering.domain.weather.stations import WeatherStation
from vocabulary.interval import Interval
from vocabulary.names import PlaceId, TerritoryId, WeatherStationId


class Stations(Protocol):
    """The weather stations, and the places around them."""

    def station(self, territory: TerritoryId, station: WeatherStationId) -> WeatherStation | None:
        """Return the station, None when there is none of this id."""
        ...

    def stations(self, territory: TerritoryId, after: str, limit: int) -> list[WeatherStation]:
        """Return up to `limit` stations whose ids come after `after`, by id."""
        ...

    def save_station(self, territory: TerritoryId, station: WeatherStation) -> None:
        """Keep the station as it is now; the places that it serves are replaced."""
        ...

    def known_places(self, territory: TerritoryId, places: Collection[PlaceId]) -> set[PlaceId]:
        """Return those of the places that exist."""
        ...

    def served(self, territory: TerritoryId, places: Collection[PlaceId]) -> Mapping[PlaceId, WeatherStationId]:
        """Return the stations of those of the places that have one of their own."""
        ...

    def nearest_station(self, territory: TerritoryId, place: PlaceId, at: datetime) -> WeatherStationId | None:
        """Return the station of the place, or of the nearest place that it lies in at the instant; None when there is none."""
        ...

    def zone(self, territory: TerritoryId) -> ZoneInfo:
        """Return the zone in which the territory counts days; TerritoryMissing."""
        ...


class Temperatures(Protocol):
    """What the stations observed, and what was forecast for them. Missing temperatures are not kept."""

    def observations(self, territory: TerritoryId, station: WeatherStationId, during: Interval) -> HourlyTemperatures:
        """Return the known hours that start in the interval."""
        ...

    def change_observations(self, territory: TerritoryId, station: WeatherStationId, changes: HourlyTemperatures) -> None:
        """Put hours in place of those known; missing ones take them away."""
        ...

    def latest_forecast(self, territory: TerritoryId, station: WeatherStationId, at: datetime) -> Forecast | None:
        """Return the forecast that was the latest at the instant, None when there was none."""
        ...

    def save_forecast(self, territory: TerritoryId, station: WeatherStationId, forecast: Forecast) -> None:
        """Keep the forecast in place of the one issued at the same instant."""
        ...


class WeatherRecords(Stations, Temperatures, Protocol):
    """All of it."""
