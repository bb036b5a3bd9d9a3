"""Answers what the weather was, or was expected to be, at a station or in a place."""

from dataclasses import dataclass
from datetime import datetime

from metering.domain.weather.daily import DayDegrees, DegreeDayQuestion, check_span, civil_days, degree_days_by_day
from metering.domain.weather.failures import NoStationAbove, StationMissing
from metering.domain.weather.hours import HourlyTemperatures, no_hours
from metering.domain.weather.ports import Stations, WeatherRecords
from metering.domain.weather.stations import Location
from vocabulary.interval import Interval
from vocabulary.names import TerritoryId, WeatherStationId


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Weather:
    """Known hours of a station: observations, or those of the forecast issued at `issued`."""

    station: WeatherStationId
    hours: HourlyTemperatures
    issued: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DailyDegrees:
    """The degree days of civil days, in order, and the station that they come from."""

    station: WeatherStationId
    days: tuple[DayDegrees, ...]


def station_at(records: Stations, territory: TerritoryId, location: Location, at: datetime) -> WeatherStationId:
    """Return the station whose weather a location has, places lying as they do at the instant; StationMissing, NoStationAbove."""
    if location.place is not None:
        nearest = records.nearest_station(territory, location.place, at)
        if nearest is None:
            raise NoStationAbove(f"no weather station serves {location.place}", place=location.place)
        return nearest
    if location.station is None or records.station(territory, location.station) is None:
        raise StationMissing(f"there is no weather station {location.station}", weather_station=location.station or "")
    return location.station


def observed(records: WeatherRecords, territory: TerritoryId, station: WeatherStationId, during: Interval) -> Weather:
    """Return the hours that were observed; IntervalTooLong."""
    check_span(during)
    return Weather(station=station, hours=records.observations(territory, station, during))


def expected(records: WeatherRecords, territory: TerritoryId, station: WeatherStationId, during: Interval, at: datetime) -> Weather:
    """Return the hours of the forecast that was the latest at the instant; none when there was no forecast yet; IntervalTooLong."""
    check_span(during)
    forecast = records.latest_forecast(territory, station, at)
    if forecast is None:
        return Weather(station=station, hours=no_hours())
    return Weather(station=station, hours=forecast.hours.during(during), issued=forecast.issued)


def degree_days(records: WeatherRecords, territory: TerritoryId, station: WeatherStationId, question: DegreeDayQuestion) -> DailyDegrees:
    """Return the degree days of what was observed; IntervalTooLong, NotWholeDays."""
    zone = records.zone(territory)
    days = civil_days(question.during, zone)
    hours = records.observations(territory, station, question.during)
    return DailyDegrees(station=station, days=tuple(degree_days_by_day(question, days, hours, zone)))
