"""Weather: stations, hourly temperatures observed and forecast, and degree days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from multiflux.metering.v1 import metering_service_pb2 as pb
from multiflux.metering.v1 import weather_pb2
from multiflux.metering.v1.metering_service_pb2_grpc import MeteringServiceStub
from multiflux_client.channel import Connection, new_request_id
from multiflux_client.failures import UnexpectedAnswer
from multiflux_client.listing import Listing, listing
from multiflux_client.places import Position
from multiflux_client.records import fill_interval, record_from_proto, record_to_proto, timestamp
from vocabulary.interval import Interval
from vocabulary.names import PlaceId, WeatherStationId, weather_station_id

if TYPE_CHECKING:
    from multiflux.metering.v1.metering_service_pb2_grpc import MeteringServiceAsyncStub

MISSING_CENTIDEGREES = -32_768
"""Takes the temperature of an hour back when it is recorded; never answered."""
MOST_HOURS = 10_000
"""What one call records at most."""


class DegreeDayMethod(Enum):
    """How degree days are counted."""

    METEO = 1
    """From the day's mean of minimum and maximum ("méthode météo")."""
    PROFESSIONAL = 2
    """The finer form of French energy professionals (COSTIC)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherStation:
    """A weather station, real or a grid point; `places` are those whose weather it is."""

    id: WeatherStationId
    display_name: str
    position: Position
    altitude_metres: int
    places: tuple[PlaceId, ...] = ()
    simulated: bool = False
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HourlyWeather:
    """Weather at a station, one element an hour: `starts` Unix seconds, strictly increasing; `centidegrees` hundredths of a degree Celsius.

    `issue_time` is when the forecast was issued, None for observations.
    """

    station: WeatherStationId
    starts: NDArray[np.int64]
    centidegrees: NDArray[np.int32]
    issue_time: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DegreeDay:
    """The degree days (°C·d) of one civil day, both None when hours of it are missing."""

    date: date
    heating_degree_days: float | None
    cooling_degree_days: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DegreeDays:
    """Degree days by civil day, in order, and the station that they come from."""

    station: WeatherStationId
    days: tuple[DegreeDay, ...]


class WeatherClient:
    """Calls about weather of `multiflux.metering.v1.MeteringService`; failures are RemoteFailure.

    A location is a station, `weatherStations/{station}`, or a place, `places/{place}`: then it is the nearest station's above it.
    Changes take the caller's `request_id` (a UUID) and make one where none is given.
    """

    def __init__(self, connection: Connection) -> None:
        """Call over `connection`."""
        self._connection = connection
        self._stub: MeteringServiceAsyncStub = MeteringServiceStub(connection.channel)

    async def put_station(self, station: WeatherStation, *, request_id: str = "") -> WeatherStation:
        """Make a station, or change it: the places that it serves are replaced."""
        message = record_to_proto(station, weather_pb2.WeatherStation())
        request = pb.PutWeatherStationRequest(station=message, request_id=request_id or new_request_id())
        response = await self._connection.call(self._stub.PutWeatherStation, request)
        return record_from_proto(WeatherStation, response.station)

    def stations(self) -> Listing[WeatherStation]:
        """List the stations of the territory by name."""
        request = pb.ListWeatherStationsRequest()
        return listing(self._connection, self._stub.ListWeatherStations, request, lambda page: page.stations, WeatherStation)

    async def record(self, weather: HourlyWeather, *, request_id: str = "") -> int:
        """Record observations, or with an issue time a forecast, 10,000 hours at most; return how many hours were new or changed."""
        columns = weather_pb2.WeatherColumns(
            station=f"weatherStations/{weather.station}",
            issue_time=timestamp(weather.issue_time) if weather.issue_time else None,
            start_seconds=weather.starts.astype("<i8").tobytes(),
            temperature_centidegrees=weather.centidegrees.astype("<i4").tobytes(),
        )
        request = pb.RecordWeatherRequest(weather=columns, request_id=request_id or new_request_id())
        return (await self._connection.call(self._stub.RecordWeather, request)).recorded_count

    async def weather(self, location: str, during: Interval, *, forecast_time: datetime | None = None) -> HourlyWeather:
        """Return what was observed, or with a forecast time what the latest forecast of then expects; unknown hours are left out."""
        request = pb.QueryWeatherRequest(location=location, forecast_time=timestamp(forecast_time) if forecast_time else None)
        fill_interval(request.interval, during)
        return _weather((await self._connection.call(self._stub.QueryWeather, request)).weather)

    async def degree_days(
        self,
        location: str,
        during: Interval,
        method: DegreeDayMethod,
        *,
        heating_base_celsius: float | None = None,
        cooling_base_celsius: float | None = None,
    ) -> DegreeDays:
        """Return the degree days of whole civil days of the territory; bases that are not given are 18 and 22 °C."""
        request = pb.QueryDegreeDaysRequest(
            location=location,
            method=weather_pb2.DegreeDayMethod.ValueType(method.value),
            heating_base_celsius=heating_base_celsius,
            cooling_base_celsius=cooling_base_celsius,
        )
        fill_interval(request.interval, during)
        response = await self._connection.call(self._stub.QueryDegreeDays, request)
        return DegreeDays(station=weather_station_id(response.station), days=_days(response.days))


def _weather(message: weather_pb2.WeatherColumns) -> HourlyWeather:
    starts, centidegrees = np.frombuffer(message.start_seconds, "<i8"), np.frombuffer(message.temperature_centidegrees, "<i4")
    if len(starts) != len(centidegrees):
        raise UnexpectedAnswer("the columns of weather differ in length")
    at: Any = message.issue_time
    return HourlyWeather(
        station=weather_station_id(message.station),
        starts=starts,
        centidegrees=centidegrees,
        issue_time=at.ToDatetime(UTC) if message.HasField("issue_time") else None,
    )


def _days(messages: Sequence[weather_pb2.DegreeDay]) -> tuple[DegreeDay, ...]:
    return tuple(
        DegreeDay(
            date=date.fromisoformat(message.date),
            heating_degree_days=message.heating_degree_days if message.HasField("heating_degree_days") else None,
            cooling_degree_days=message.cooling_degree_days if message.HasField("cooling_degree_days") else None,
        )
        for message in messages
    )
