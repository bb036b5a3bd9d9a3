"""Forecasts: what points and places will consume, how surely, and why."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from multiflux.forecast.v1 import forecast_pb2
from multiflux.forecast.v1 import forecast_service_pb2 as pb
from multiflux.forecast.v1.forecast_service_pb2_grpc import ForecastServiceStub
from multiflux.type.v1 import flux_pb2, granularity_pb2
from multiflux_client.channel import Connection, new_request_id
from multiflux_client.failures import UnexpectedAnswer
from multiflux_client.records import timestamp
from vocabulary.civil import Granularity
from vocabulary.flux import Flux, Quantity
from vocabulary.names import PlaceId

if TYPE_CHECKING:
    from multiflux.forecast.v1.forecast_service_pb2_grpc import ForecastServiceAsyncStub

_FORECAST_DEADLINE_S = 120.0
"""A forecast that is not kept yet is made, and that takes its time."""


class WeatherBasis(Enum):
    """What was known of the temperature ahead when a forecast was made."""

    FORECAST = 1
    CLIMATOLOGY = 2


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Forecast:
    """What a point or place is expected to consume; the arrays have one element a slot.

    `starts`, `ends`: Unix seconds. `means`: joules or millilitres, None where they are no longer kept. `quantiles`: amounts by per mille,
    500 being the median. Shares of the sum are in per cent; sentences say the same.
    """

    resource: str
    flux: Flux
    quantity: Quantity
    granularity: Granularity
    time_zone: str
    issue_time: datetime
    latest_time: datetime
    model: str
    weather_basis: WeatherBasis
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    means: NDArray[np.int64] | None
    quantiles: dict[int, NDArray[np.int64]]
    calendar_percent: float
    weather_percent: float
    recent_percent: float
    sentence_fr: str
    sentence_en: str
    simulated: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Refreshed:
    """How many points have a new forecast, and how many know too little."""

    forecast_count: int
    insufficient_count: int


class ForecastClient:
    """Calls of `multiflux.forecast.v1.ForecastService`; failures are RemoteFailure."""

    def __init__(self, connection: Connection) -> None:
        """Call over `connection`."""
        self._connection = connection
        self._stub: ForecastServiceAsyncStub = ForecastServiceStub(connection.channel)

    async def forecast(
        self, resource: str, flux: Flux | None, granularity: Granularity, *, slot_count: int = 0, issued_by: datetime | None = None
    ) -> Forecast:
        """Return the forecast of `meters/{meter}` or `places/{place}` by hours or days: the latest, or the one that was it at a time."""
        request = pb.GetForecastRequest(
            resource=resource,
            flux=flux_pb2.Flux.ValueType(flux.value if flux else 0),
            granularity=granularity_pb2.Granularity.ValueType(granularity.value),
            slot_count=slot_count,
            issued_by_time=timestamp(issued_by) if issued_by else None,
        )
        response = await self._connection.call(self._stub.GetForecast, request, deadline_s=_FORECAST_DEADLINE_S)
        return _forecast(response.forecast)

    async def refresh(self, place: PlaceId, flux: Flux, granularity: Granularity, *, request_id: str = "") -> Refreshed:
        """Make the forecasts of all points in a place anew."""
        request = pb.RefreshForecastsRequest(
            place=f"places/{place}",
            flux=flux_pb2.Flux.ValueType(flux.value),
            granularity=granularity_pb2.Granularity.ValueType(granularity.value),
            request_id=request_id or new_request_id(),
        )
        response = await self._connection.call(self._stub.RefreshForecasts, request, deadline_s=_FORECAST_DEADLINE_S)
        return Refreshed(forecast_count=response.forecast_count, insufficient_count=response.insufficient_count)


def _forecast(message: forecast_pb2.Forecast) -> Forecast:
    starts, ends = _column(message.start_seconds), _column(message.end_seconds)
    means = _column(message.means) if message.means else None
    quantiles = {one.per_mille: _column(one.amounts) for one in message.quantiles}
    columns = [ends, *quantiles.values(), *([] if means is None else [means])]
    if any(len(column) != len(starts) for column in columns):
        raise UnexpectedAnswer("the columns of a forecast differ in length")
    return Forecast(
        resource=message.resource,
        flux=Flux(message.flux),
        quantity=Quantity(message.quantity),
        granularity=Granularity(message.granularity),
        time_zone=message.time_zone,
        issue_time=_instant(message.issue_time),
        latest_time=_instant(message.latest_time),
        model=message.model,
        weather_basis=WeatherBasis(message.weather_basis),
        starts=starts,
        ends=ends,
        means=means,
        quantiles=quantiles,
        calendar_percent=message.explanation.calendar_percent,
        weather_percent=message.explanation.weather_percent,
        recent_percent=message.explanation.recent_percent,
        sentence_fr=message.explanation.sentence_fr,
        sentence_en=message.explanation.sentence_en,
        simulated=message.simulated,
    )


def _column(column: bytes) -> NDArray[np.int64]:
    return np.frombuffer(column, "<i8")


def _instant(at: Any) -> datetime:
    return at.ToDatetime(UTC)
