"""Keeps weather stations, observations and forecasts."""

from datetime import UTC, datetime, timedelta

from metering.domain.weather.failures import StationMissing
from metering.domain.weather.hours import HOUR_S, Forecast, HourlyTemperatures, changed, check_hours, no_hours, replaced
from metering.domain.weather.ports import Stations, WeatherRecords
from metering.domain.weather.stations import WeatherStation, check_places
from vocabulary.interval import Interval
from vocabulary.names import TerritoryId, WeatherStationId


def put_station(records: Stations, territory: TerritoryId, station: WeatherStation) -> None:
    """Make a station, or put it in place of the one of the same id; UnknownPlace, PlaceHasStation."""
    check_places(station, records.known_places(territory, station.places), records.served(territory, station.places))
    records.save_station(territory, station)


def record_weather(
    records: WeatherRecords,
    territory: TerritoryId,
    station: WeatherStationId,
    hours: HourlyTemperatures,
    *,
    issued: datetime | None,
    now: datetime,
) -> int:
    """Keep observations, or the forecast issued at an instant; return how many hours were new or changed."""
    check_hours(hours, issued, now)
    if records.station(territory, station) is None:
        raise StationMissing(f"there is no weather station {station}", weather_station=station)
    if issued is not None:
        return _record_forecast(records, territory, station, Forecast(issued=issued, hours=hours))
    changes = changed(records.observations(territory, station, _span(hours)), hours)
    records.change_observations(territory, station, changes)
    return len(changes)


def _record_forecast(records: WeatherRecords, territory: TerritoryId, station: WeatherStationId, sent: Forecast) -> int:
    before = records.latest_forecast(territory, station, sent.issued)
    same_issue = before is not None and before.issued == sent.issued
    known = before.hours if before is not None and same_issue else no_hours()
    changes = changed(known, sent.hours)
    if len(changes) or not same_issue:
        records.save_forecast(territory, station, Forecast(issued=sent.issued, hours=replaced(known, changes)))
    return len(changes)


def _span(hours: HourlyTemperatures) -> Interval:
    start, end = (datetime.fromtimestamp(int(edge), UTC) for edge in hours.starts[[0, -1]])
    return Interval(start=start, end=end + timedelta(seconds=HOUR_S))
