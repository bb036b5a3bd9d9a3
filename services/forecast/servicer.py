"""Answers ForecastService."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import grpc

from forecast.domain.disclosure import known_since
from forecast.domain.failures import NoForecast
from forecast.domain.kept import Forecast, Subject
from forecast.domain.task import HISTORY
from forecast.making import Making
from forecast.wire import forecasts as wire
from multiflux.forecast.v1 import forecast_service_pb2 as pb
from multiflux.forecast.v1.forecast_service_pb2_grpc import ForecastServiceServicer
from multiflux.type.v1 import granularity_pb2
from multiflux_client.places import Territory
from runtime.call import Call, current_call
from runtime.changes import Changes
from runtime.place_replica import PlaceReplica
from vocabulary.civil import Granularity
from vocabulary.failure import invalid
from vocabulary.names import place_id, point_id
from vocabulary.role import Role

_Context = grpc.aio.ServicerContext[Any, Any]
_ORIGINS, _MOST_ORIGINS = 4, 12
_LOOKED_BACK = timedelta(days=28)
_OF_HOUSEHOLDS = frozenset({Role.HOUSEHOLD, Role.DELEGATE})


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """What the methods work with."""

    making: Making
    changes: Changes
    replica: PlaceReplica
    fresh: timedelta = timedelta(hours=6)
    """How old the forecast of a place may be; those of points are made anew by themselves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """A question: by which call, of which subject, and since when the caller may know what was read; None: since ever."""

    call: Call
    territory: Territory
    subject: Subject
    since: datetime | None


class ForecastServicer(ForecastServiceServicer):
    """Gives forecasts, and makes those that are not there."""

    def __init__(self, tools: Tools) -> None:
        """Work with `tools`."""
        self._tools = tools

    async def GetForecast(self, request: pb.GetForecastRequest, context: _Context) -> pb.GetForecastResponse:
        """Return the forecast of a point or place."""
        count = wire.slot_count_from_proto(request)
        by = wire.instant_of(request.issued_by_time) if request.HasField("issued_by_time") else None
        asked = await self._asked(request.resource, request.flux, request.granularity, context)
        found = (await self._told(asked, by)).first(count)
        message = wire.forecast_to_proto(found, time_zone=asked.territory.time_zone, simulated=asked.territory.simulated)
        return pb.GetForecastResponse(forecast=message)

    async def ForecastMonthEnd(self, request: pb.ForecastMonthEndRequest, context: _Context) -> pb.ForecastMonthEndResponse:
        """Return what a point will have consumed, and cost, at the end of its month."""
        if request.budget_micros < 0:
            raise invalid("budget_micros", "cannot be negative")
        point = point_id(request.metering_point)
        asked = await self._asked(request.metering_point, 0, granularity_pb2.GRANULARITY_DAY, context)
        days = await self._told(asked, None)
        found = await self._tools.making.month_end(asked.territory, point, days, asked.since, request.budget_micros)
        message = wire.month_end_to_proto(found.end, found.missing, days, found.prices, simulated=asked.territory.simulated)
        return pb.ForecastMonthEndResponse(month_end=message)

    async def GetBacktest(self, request: pb.GetBacktestRequest, context: _Context) -> pb.GetBacktestResponse:
        """Tell how a point, or the points of a place, would have been forecast."""
        if not 0 <= request.origin_count <= _MOST_ORIGINS:
            raise invalid("origin_count", f"must be 1 to {_MOST_ORIGINS}, or 0 for {_ORIGINS}")
        wire.check_hours_or_days(request.granularity)
        asked = await self._asked(request.resource, request.flux, request.granularity, context)
        found = await self._tools.making.backtest(asked.territory, asked.subject, asked.since, request.origin_count or _ORIGINS)
        *horizons, overall = (wire.accuracy_to_proto(one) for one in found)
        return pb.GetBacktestResponse(horizons=horizons, overall=overall)

    async def GetAccuracy(self, request: pb.GetAccuracyRequest, context: _Context) -> pb.GetAccuracyResponse:
        """Tell how the forecasts that were issued did."""
        wire.check_hours_or_days(request.granularity)
        asked = await self._asked(request.resource, request.flux, request.granularity, context)
        told = request.HasField("issued_since_time")
        issued_since = wire.instant_of(request.issued_since_time) if told else asked.call.at - _LOOKED_BACK
        found = await self._tools.making.accuracy(asked.territory, asked.subject, asked.since, issued_since)
        *horizons, overall = (wire.accuracy_to_proto(one) for one in found)
        return pb.GetAccuracyResponse(horizons=horizons, overall=overall)

    async def StreamForecasts(self, request: pb.StreamForecastsRequest, context: _Context) -> AsyncGenerator[pb.StreamForecastsResponse]:
        """Stream the latest forecasts of all points in a place."""
        del context
        call, flux = current_call(), wire.flux_from_proto(request.flux)
        granularity = wire.granularity_from_proto(request.granularity, flux)
        territory = await self._tools.making.sources.territory(call.territory)
        points = await self._tools.making.sources.points_in(call.territory, place_id(request.place), flux)
        subjects = [wire.subject_of(call.territory, f"meters/{point}", flux, granularity) for point in points]
        found = await self._tools.making.read(lambda forecasts: forecasts.of(subjects))
        messages = [wire.forecast_to_proto(one, time_zone=territory.time_zone, simulated=territory.simulated) for one in found]
        for response in wire.blocks_to_proto(messages):
            yield response

    async def RefreshForecasts(self, request: pb.RefreshForecastsRequest, context: _Context) -> pb.RefreshForecastsResponse:
        """Make the forecasts of all points in a place anew."""
        del context
        call, flux = current_call(), wire.flux_from_proto(request.flux)
        granularity, place = wire.granularity_from_proto(request.granularity, flux), place_id(request.place)

        async def refresh() -> pb.RefreshForecastsResponse:
            territory = await self._tools.making.sources.territory(call.territory)
            done = await self._tools.making.points(territory, place, flux, granularity)
            return pb.RefreshForecastsResponse(forecast_count=done.forecasts, insufficient_count=done.insufficient)

        return await self._tools.changes.elsewhere(request, refresh, pb.RefreshForecastsResponse, resource=request.place)

    async def _asked(self, resource: str, flux_number: int, granularity_number: int, context: _Context) -> _Asked:
        """Return what is asked, and since when the caller may be told; refuse whom metering would not tell the readings."""
        call, sources = current_call(), self._tools.making.sources
        if resource.startswith("places/"):
            place_id(resource)
            flux = wire.flux_from_proto(flux_number)
        else:
            point = point_id(resource)
            flux = wire.flux_from_proto(flux_number) if flux_number else await sources.flux_of(call.territory, point)
        granularity = wire.granularity_from_proto(granularity_number, flux)
        since = None
        if not _is_service(call):
            await sources.check_told(_token_of(context), resource, flux, call.at)
            since = await self._since(call, resource)
            if since is not None and since <= call.at - HISTORY[granularity]:
                since = None
        territory = await sources.territory(call.territory)
        return _Asked(call=call, territory=territory, subject=wire.subject_of(call.territory, resource, flux, granularity), since=since)

    async def _told(self, asked: _Asked, by: datetime | None) -> Forecast:
        """Return the kept forecast where the caller may know all that it was made from, else one made from what it may know."""
        if by is not None:
            kept = None if asked.since else await self._kept(asked.subject, by)
            if kept is None:
                raise NoForecast("no forecast that may be told had been issued by then", resource=asked.subject.resource)
            return kept
        if asked.since is None and (kept := await self._kept(asked.subject, None)) and await self._holds(asked, kept):
            return kept
        making, subject = self._tools.making, asked.subject
        if subject.resource.startswith("places/"):
            return await making.place(asked.territory, place_id(subject.resource), subject.flux, subject.granularity, since=asked.since)
        return await making.point(asked.territory, point_id(subject.resource), subject.flux, subject.granularity, since=asked.since)

    async def _holds(self, asked: _Asked, kept: Forecast) -> bool:
        """Tell whether a kept forecast is still the one to give: only hours and days of points are made anew by themselves."""
        if asked.subject.resource.startswith("places/"):
            return asked.call.at - kept.issued < self._tools.fresh
        if asked.subject.granularity is Granularity.MONTH and asked.call.at.timestamp() >= kept.ends[0]:
            return asked.call.at - kept.issued < self._tools.fresh
        return not await self._tools.making.read(lambda forecasts: forecasts.is_stale(asked.subject))

    async def _since(self, call: Call, resource: str) -> datetime | None:
        """Return since when the caller may know readings of a home that it lives in; None: since ever, or it is no home of its own.

        Raises OccupancyEnded where the caller has been there as a household only.
        """
        above = {*await self._tools.replica.ancestors(call.territory, resource, call.at), resource.removeprefix("places/")}
        covering = [grant for grant in call.caller.grants if grant.place is None or grant.place in above]
        homes = [grant.validity for grant in covering if grant.role in _OF_HOUSEHOLDS]
        if not homes or (len(homes) < len(covering) and not any(home.contains(call.at) for home in homes)):
            return None
        return known_since(homes, call.at)

    async def _kept(self, subject: Subject, by: datetime | None) -> Forecast | None:
        return await self._tools.making.read(lambda forecasts: forecasts.latest(subject, by))


def _token_of(context: _Context) -> str:
    """Return the token that the caller sent, which the runtime has verified."""
    sent = dict(context.invocation_metadata() or ())
    return str(sent.get("authorization", "")).removeprefix("Bearer ")


def _is_service(call: Call) -> bool:
    return any(grant.role is Role.SERVICE for grant in call.caller.grants)
