"""The methods of the metering service about weather."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from sqlalchemy import Connection

from metering.domain.weather.answering import DailyDegrees, Weather, degree_days, expected, observed, station_at
from metering.domain.weather.keeping import put_station, record_weather
from metering.domain.weather.ports import WeatherRecords
from metering.wire import weather as wire
from multiflux.metering.v1 import metering_service_pb2 as pb
from runtime.call import current_call
from runtime.changes import Changes, Transaction
from runtime.pages import page
from runtime.relational import Database
from vocabulary.names import TerritoryId, weather_station_id
from wire.instants import optional_instant
from wire.intervals import interval_from_proto

T = TypeVar("T")

_DEFAULT_PAGE = 50

_Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherTools:
    """What the methods work with."""

    database: Database
    changes: Changes
    records: Callable[[Connection], WeatherRecords]


class WeatherMethods:
    """Weather in, weather and degree days out; a servicer takes these methods over."""

    def __init__(self, tools: WeatherTools) -> None:
        """Work with `tools`."""
        self._weather = tools

    async def PutWeatherStation(self, request: pb.PutWeatherStationRequest, context: _Context) -> pb.PutWeatherStationResponse:  # noqa: N802
        """Make a station, or change it."""
        del context
        station = wire.station_from_proto(request.station)

        def put(transaction: Transaction) -> pb.PutWeatherStationResponse:
            put_station(self._weather.records(transaction.connection), transaction.call.territory, station)
            transaction.audit(resource=request.station.name)
            return pb.PutWeatherStationResponse(station=wire.station_to_proto(station))

        return await self._weather.changes(request, put, pb.PutWeatherStationResponse)

    async def ListWeatherStations(self, request: pb.ListWeatherStationsRequest, context: _Context) -> pb.ListWeatherStationsResponse:  # noqa: N802
        """Return a page of stations."""
        del context
        wanted = page(request, default_size=_DEFAULT_PAGE)
        after = wanted.after[0] if wanted.after else ""
        found = await self._read(lambda records, territory: records.stations(territory, after, wanted.size + 1))
        shown, token = wanted.cut(found, lambda station: (station.station_id,))
        return pb.ListWeatherStationsResponse(stations=[wire.station_to_proto(station) for station in shown], next_page_token=token)

    async def RecordWeather(self, request: pb.RecordWeatherRequest, context: _Context) -> pb.RecordWeatherResponse:  # noqa: N802
        """Keep observations or a forecast."""
        del context
        station = weather_station_id(request.weather.station)
        hours, issued = wire.hours_from_proto(request.weather), wire.issue_time_from_proto(request.weather)

        def record(transaction: Transaction) -> pb.RecordWeatherResponse:
            records, territory = self._weather.records(transaction.connection), transaction.call.territory
            count = record_weather(records, territory, station, hours, issued=issued, now=transaction.at)
            transaction.audit(resource=request.weather.station, recorded=str(count))
            return pb.RecordWeatherResponse(recorded_count=count)

        return await self._weather.changes(request, record, pb.RecordWeatherResponse)

    async def QueryWeather(self, request: pb.QueryWeatherRequest, context: _Context) -> pb.QueryWeatherResponse:  # noqa: N802
        """Return observations, or a forecast."""
        del context
        location, during, at = wire.location_from_proto(request.location), interval_from_proto(request), current_call().at
        forecast_time = optional_instant(request, "forecast_time")

        def ask(records: WeatherRecords, territory: TerritoryId) -> Weather:
            station = station_at(records, territory, location, at)
            if forecast_time is None:
                return observed(records, territory, station, during)
            return expected(records, territory, station, during, forecast_time)

        return pb.QueryWeatherResponse(weather=wire.weather_to_proto(await self._read(ask)))

    async def QueryDegreeDays(self, request: pb.QueryDegreeDaysRequest, context: _Context) -> pb.QueryDegreeDaysResponse:  # noqa: N802
        """Return degree days by civil day."""
        del context
        location, at = wire.location_from_proto(request.location), current_call().at
        question = wire.degree_day_question_from_proto(request)

        def ask(records: WeatherRecords, territory: TerritoryId) -> DailyDegrees:
            return degree_days(records, territory, station_at(records, territory, location, at), question)

        answer = await self._read(ask)
        days = [wire.degree_day_to_proto(day) for day in answer.days]
        return pb.QueryDegreeDaysResponse(days=days, station=f"weatherStations/{answer.station}")

    async def _read(self, question: Callable[[WeatherRecords, TerritoryId], T]) -> T:
        territory = current_call().territory
        return await self._weather.database.read(lambda connection: question(self._weather.records(connection), territory))
