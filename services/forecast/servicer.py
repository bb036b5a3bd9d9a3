"""Answers ForecastService."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import grpc

from forecast.domain.disclosure import check_place, known_since
from forecast.domain.kept import Forecast, Subject
from forecast.making import Making
from forecast.wire import forecasts as wire
from multiflux.forecast.v1 import forecast_service_pb2 as pb
from multiflux.forecast.v1.forecast_service_pb2_grpc import ForecastServiceServicer
from multiflux.type.v1 import granularity_pb2
from multiflux_client.places import Territory
from multiflux_client.registry import RegistryClient
from runtime.call import Call, current_call
from runtime.changes import Changes
from runtime.place_replica import PlaceReplica
from vocabulary.failure import invalid
from vocabulary.names import PlaceId, PointId, TerritoryId, place_id, point_id
from vocabulary.role import Role

_Context = grpc.aio.ServicerContext[Any, Any]
_OF_HOUSEHOLDS = frozenset({Role.HOUSEHOLD, Role.DELEGATE})


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """What the methods work with; `registry` asks it for one territory."""

    making: Making
    changes: Changes
    replica: PlaceReplica
    registry: Callable[[TerritoryId], RegistryClient]
    fresh: timedelta = timedelta(hours=6)
    """How old the forecast of a place may be; those of points are made anew by themselves."""


class ForecastServicer(ForecastServiceServicer):
    """Gives forecasts, and makes those that are not there."""

    def __init__(self, tools: Tools) -> None:
        """Work with `tools`."""
        self._tools = tools

    async def GetForecast(self, request: pb.GetForecastRequest, context: _Context) -> pb.GetForecastResponse:
        """Return the forecast of a point or place."""
        del context
        call, count = current_call(), wire.slot_count_from_proto(request)
        by = wire.instant_of(request.issued_by_time) if request.HasField("issued_by_time") else None
        territory = await self._registry(call).territory()
        if request.resource.startswith("places/"):
            found = await self._of_place(call, territory, place_id(request.resource), request, by)
        else:
            found = await self._of_point(call, territory, point_id(request.resource), request, by)
        message = wire.forecast_to_proto(found.first(count), time_zone=territory.time_zone, simulated=territory.simulated)
        return pb.GetForecastResponse(forecast=message)

    async def ForecastMonthEnd(self, request: pb.ForecastMonthEndRequest, context: _Context) -> pb.ForecastMonthEndResponse:
        """Return what a point will have consumed, and cost, at the end of its month."""
        del context
        call, point = current_call(), point_id(request.metering_point)
        if request.budget_micros < 0:
            raise invalid("budget_micros", "cannot be negative")
        territory = await self._registry(call).territory()
        by_day = pb.GetForecastRequest(resource=request.metering_point, granularity=granularity_pb2.GRANULARITY_DAY)
        days = await self._of_point(call, territory, point, by_day, None)
        since = await self._since(call, request.metering_point)
        found = await self._tools.making.month_end(territory, point, days, since, request.budget_micros)
        message = wire.month_end_to_proto(found.end, found.missing, days, found.prices, simulated=territory.simulated)
        return pb.ForecastMonthEndResponse(month_end=message)

    async def StreamForecasts(self, request: pb.StreamForecastsRequest, context: _Context) -> AsyncGenerator[pb.StreamForecastsResponse]:
        """Stream the latest forecasts of all points in a place."""
        del context
        call, flux = current_call(), wire.flux_from_proto(request.flux)
        granularity = wire.granularity_from_proto(request.granularity, flux)
        territory = await self._registry(call).territory()
        points = [point.id async for point in self._registry(call).metering_points(within=place_id(request.place), flux=flux)]
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
            territory = await self._registry(call).territory()
            done = await self._tools.making.points(territory, place, flux, granularity)
            return pb.RefreshForecastsResponse(forecast_count=done.forecasts, insufficient_count=done.insufficient)

        return await self._tools.changes.elsewhere(request, refresh, pb.RefreshForecastsResponse, resource=request.place)

    async def _of_place(
        self, call: Call, territory: Territory, place: PlaceId, request: pb.GetForecastRequest, by: datetime | None
    ) -> Forecast:
        flux = wire.flux_from_proto(request.flux)
        granularity = wire.granularity_from_proto(request.granularity, flux)
        known = await self._registry(call).place(place)
        check_place(known.level, for_service=_is_service(call), simulated=territory.simulated)
        since = await self._since(call, f"places/{place}")
        if since is not None:
            # A home's forecast for its household is that of its one point of the flux, from what it has read itself.
            points = [point.id async for point in self._registry(call).metering_points(within=place, flux=flux)]
            if len(points) == 1:
                return await self._tools.making.point(territory, points[0], flux, granularity, since=since)
        kept = await self._kept(wire.subject_of(call.territory, f"places/{place}", flux, granularity), by)
        if kept is not None and (by is not None or call.at - kept.issued < self._tools.fresh):
            return kept
        return await self._tools.making.place(territory, place, flux, granularity)

    async def _of_point(
        self, call: Call, territory: Territory, point: PointId, request: pb.GetForecastRequest, by: datetime | None
    ) -> Forecast:
        flux = wire.flux_from_proto(request.flux) if request.flux else (await self._registry(call).metering_point(point)).flux
        granularity = wire.granularity_from_proto(request.granularity, flux)
        since = await self._since(call, f"meters/{point}")
        if since is not None:
            return await self._tools.making.point(territory, point, flux, granularity, since=since)
        subject = wire.subject_of(call.territory, f"meters/{point}", flux, granularity)
        kept = await self._kept(subject, by)
        if by is None and await self._tools.making.read(lambda forecasts: forecasts.is_stale(subject)):
            kept = None
        return kept or await self._tools.making.point(territory, point, flux, granularity)

    async def _since(self, call: Call, resource: str) -> datetime | None:
        """Return since when the caller may know readings; None: since ever. Raises OccupancyEnded."""
        if any(grant.role not in _OF_HOUSEHOLDS for grant in call.caller.grants):
            return None
        above = {*await self._tools.replica.ancestors(call.territory, resource, call.at), resource.removeprefix("places/")}
        return known_since([grant.validity for grant in call.caller.grants if grant.place in above], call.at)

    async def _kept(self, subject: Subject, by: datetime | None) -> Forecast | None:
        return await self._tools.making.read(lambda forecasts: forecasts.latest(subject, by))

    def _registry(self, call: Call) -> RegistryClient:
        return self._tools.registry(call.territory)


def _is_service(call: Call) -> bool:
    return any(grant.role is Role.SERVICE for grant in call.caller.grants)
