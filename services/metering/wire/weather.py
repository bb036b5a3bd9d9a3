"""Weather to and from the contract."""

from datetime import datetime

import numpy as np

from metering.domain.consumption.columns import Int64s
from metering.domain.consumption.degree_days import COOLING_BASE_CELSIUS, HEATING_BASE_CELSIUS, DegreeDayMethod
from metering.domain.registry.failures import Faults
from metering.domain.registry.geometry import Position
from metering.domain.weather.answering import Weather
from metering.domain.weather.daily import DayDegrees, DegreeDayQuestion
from metering.domain.weather.hours import HourlyTemperatures
from metering.domain.weather.stations import Location, WeatherStation
from multiflux.metering.v1 import metering_service_pb2 as pb
from multiflux.metering.v1 import place_pb2, weather_pb2
from vocabulary.failure import invalid
from vocabulary.names import place_id, weather_station_id
from wire.instants import MissingField, optional_instant, optional_instant_to_proto
from wire.intervals import interval_from_proto

_METHODS = {
    weather_pb2.DEGREE_DAY_METHOD_METEO: DegreeDayMethod.METEO,
    weather_pb2.DEGREE_DAY_METHOD_PROFESSIONAL: DegreeDayMethod.ENERGY_PROFESSIONALS,
}


def station_from_proto(message: weather_pb2.WeatherStation) -> WeatherStation:
    """Return the station; what is wrong is gathered, and names its fields below `station`."""
    faults = Faults()
    own_id = faults.one("station.name", weather_station_id, message.name)
    position = faults.one("station", _position_from_proto, message)
    places = faults.each("station.places", place_id, message.places)
    faults.refuse()
    if own_id is None or position is None:
        raise AssertionError("refused above")

    def convert(message: weather_pb2.WeatherStation) -> WeatherStation:
        return WeatherStation(
            station_id=own_id,
            display_name=message.display_name,
            position=position,
            altitude_metres=message.altitude_metres,
            places=places,
            simulated=message.simulated,
            source=message.source,
        )

    station = faults.one("station", convert, message)
    faults.refuse()
    if station is None:
        raise AssertionError("refused above")
    return station


def _position_from_proto(message: weather_pb2.WeatherStation) -> Position:
    if not message.HasField("position"):
        raise invalid("position", "is required")
    return Position(latitude=message.position.latitude_degrees, longitude=message.position.longitude_degrees)


def station_to_proto(station: WeatherStation) -> weather_pb2.WeatherStation:
    """Return the station as the contract writes it."""
    return weather_pb2.WeatherStation(
        name=f"weatherStations/{station.station_id}",
        display_name=station.display_name,
        position=place_pb2.Position(latitude_degrees=station.position.latitude, longitude_degrees=station.position.longitude),
        altitude_metres=station.altitude_metres,
        places=[f"places/{place}" for place in station.places],
        simulated=station.simulated,
        source=station.source,
    )


def hours_from_proto(message: weather_pb2.WeatherColumns) -> HourlyTemperatures:
    """Return the columns; InvalidRequest when they are no columns of equal length, UnorderedColumns."""
    starts = _column(message.start_seconds, "<i8", "weather.start_seconds")
    centidegrees = _column(message.temperature_centidegrees, "<i4", "weather.temperature_centidegrees")
    if len(starts) != len(centidegrees):
        raise invalid("weather.temperature_centidegrees", f"has {len(centidegrees)} elements beside {len(starts)} hours")
    return HourlyTemperatures(starts=starts, centidegrees=centidegrees)


def _column(content: bytes, element: str, field: str) -> Int64s:
    kind = np.dtype(element)
    if len(content) % kind.itemsize:
        raise invalid(field, f"{len(content)} bytes are no column of {kind.itemsize}-byte integers")
    return np.frombuffer(content, kind).astype(np.int64)


def issue_time_from_proto(message: weather_pb2.WeatherColumns) -> datetime | None:
    """Return when the forecast was issued, None for observations."""
    return optional_instant(message, "issue_time", within="weather")


def weather_to_proto(weather: Weather) -> weather_pb2.WeatherColumns:
    """Return the weather as the contract writes it: raw little-endian columns."""
    return weather_pb2.WeatherColumns(
        station=f"weatherStations/{weather.station}",
        issue_time=optional_instant_to_proto(weather.issued),
        start_seconds=weather.hours.starts.astype("<i8").tobytes(),
        temperature_centidegrees=weather.hours.centidegrees.astype("<i4").tobytes(),
    )


def location_from_proto(name: str) -> Location:
    """Return where weather is asked for, `weatherStations/{station}` or `places/{place}`; MissingField, InvalidName."""
    if not name:
        raise MissingField("location")
    if name.startswith("places/"):
        return Location(place=place_id(name))
    return Location(station=weather_station_id(name))


def degree_day_question_from_proto(message: pb.QueryDegreeDaysRequest) -> DegreeDayQuestion:
    """Return the question; every wrong field is named."""
    method = _METHODS.get(message.method)
    if method is None:
        raise invalid("method", "is required" if not message.method else f"{message.method} is unknown here")
    return DegreeDayQuestion(
        during=interval_from_proto(message),
        method=method,
        heating_base_celsius=message.heating_base_celsius if message.HasField("heating_base_celsius") else HEATING_BASE_CELSIUS,
        cooling_base_celsius=message.cooling_base_celsius if message.HasField("cooling_base_celsius") else COOLING_BASE_CELSIUS,
    )


def degree_day_to_proto(day: DayDegrees) -> weather_pb2.DegreeDay:
    """Return a day as the contract writes it."""
    return weather_pb2.DegreeDay(date=day.day.isoformat(), heating_degree_days=day.heating, cooling_degree_days=day.cooling)
