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
from vocabulary.interval import Interval
from vocabulary.names import PlaceId, PointId, point_id

if TYPE_CHECKING:
    from multiflux.forecast.v1.forecast_service_pb2_grpc import ForecastServiceAsyncStub

_FORECAST_DEADLINE_S = 120.0
"""A forecast that is not kept yet is made, and that takes its time."""


class WeatherBasis(Enum):
    """What was known of the temperature ahead when a forecast was made."""

    FORECAST = 1
    CLIMATOLOGY = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelScore:
    """What a model was off by at past origins of a point, in per cent of what was consumed, and how many origins that were."""

    model: str
    wape_percent: float
    origin_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Accuracy:
    """How forecasts of some slots ahead did, beside repeating the week before; None where nothing can be compared yet.

    Errors are scaled by what repeating the week before is off by on the average (MASE), or per cent of what was consumed (WAPE). Coverage
    is per cent of slots inside the 80 % interval.
    """

    first_slot: int
    slot_count: int
    mase: float | None
    naive_mase: float | None
    wape_percent: float | None
    naive_wape_percent: float | None
    coverage_percent: float | None
    sample_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AccuracyReport:
    """How forecasts did by stretches of the horizon, days of hours or weeks of days, and overall."""

    horizons: tuple[Accuracy, ...]
    overall: Accuracy


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Forecast:
    """What a point or place is expected to consume; the arrays have one element a slot.

    `starts`, `ends`: Unix seconds. `means`: joules or millilitres, None where they are no longer kept. `quantiles`: amounts by per mille,
    500 being the median;
    `sum_quantiles`: the same of the sum up to each slot, of days alone. Shares of the sum are in per cent; sentences say the same.
    `model_scores`: of the models that months were chosen from, the chosen one first.
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
    sum_quantiles: dict[int, NDArray[np.int64]]
    calendar_percent: float
    weather_percent: float
    recent_percent: float
    sentence_fr: str
    sentence_en: str
    simulated: bool
    model_scores: tuple[ModelScore, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthEnd:
    """What a point is expected to have consumed at the end of its civil month, and what that will cost.

    Amounts are joules or millilitres, money millionths of the currency with VAT; quantiles by per mille. Without prices there is no bill,
    and `missing_prices` says which lack. `over_budget_percent` is the chance that the bill exceeds the budget, None without either.
    """

    metering_point: PointId
    flux: Flux
    quantity: Quantity
    month: Interval
    known_amount: int
    known_time: datetime
    mean_amount: int
    quantiles: dict[int, int]
    currency_code: str
    mean_micros: int
    bill_quantiles: dict[int, int]
    over_budget_percent: float | None
    missing_prices: tuple[str, ...]
    issue_time: datetime
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
        """Return the forecast of `meters/{meter}` or `places/{place}` by hours, days or months: the latest, or the latest at a time."""
        request = pb.GetForecastRequest(
            resource=resource,
            flux=flux_pb2.Flux.ValueType(flux.value if flux else 0),
            granularity=granularity_pb2.Granularity.ValueType(granularity.value),
            slot_count=slot_count,
            issued_by_time=timestamp(issued_by) if issued_by else None,
        )
        response = await self._connection.call(self._stub.GetForecast, request, deadline_s=_FORECAST_DEADLINE_S)
        return _forecast(response.forecast)

    async def month_end(self, point: PointId, *, budget_micros: int = 0) -> MonthEnd:
        """Return the end of the month in which a point's last readings lie, with the chance to exceed a budget where one is given."""
        request = pb.ForecastMonthEndRequest(metering_point=f"meters/{point}", budget_micros=budget_micros)
        response = await self._connection.call(self._stub.ForecastMonthEnd, request, deadline_s=_FORECAST_DEADLINE_S)
        return _month_end(response.month_end)

    async def backtest(self, resource: str, flux: Flux | None, granularity: Granularity, *, origin_count: int = 0) -> AccuracyReport:
        """Return how a point, or the points of a place, would have been forecast at past origins, by hours or days."""
        request = pb.GetBacktestRequest(
            resource=resource,
            flux=flux_pb2.Flux.ValueType(flux.value if flux else 0),
            granularity=granularity_pb2.Granularity.ValueType(granularity.value),
            origin_count=origin_count,
        )
        return _report(await self._connection.call(self._stub.GetBacktest, request, deadline_s=_FORECAST_DEADLINE_S))

    async def accuracy(
        self, resource: str, flux: Flux | None, granularity: Granularity, *, issued_since: datetime | None = None
    ) -> AccuracyReport:
        """Return how the forecasts that were issued since a time, by hours or days, have done so far."""
        request = pb.GetAccuracyRequest(
            resource=resource,
            flux=flux_pb2.Flux.ValueType(flux.value if flux else 0),
            granularity=granularity_pb2.Granularity.ValueType(granularity.value),
            issued_since_time=timestamp(issued_since) if issued_since else None,
        )
        return _report(await self._connection.call(self._stub.GetAccuracy, request, deadline_s=_FORECAST_DEADLINE_S))

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
    sums = {one.per_mille: _column(one.amounts) for one in message.sum_quantiles}
    columns = [ends, *quantiles.values(), *sums.values(), *([] if means is None else [means])]
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
        sum_quantiles=sums,
        calendar_percent=message.explanation.calendar_percent,
        weather_percent=message.explanation.weather_percent,
        recent_percent=message.explanation.recent_percent,
        sentence_fr=message.explanation.sentence_fr,
        sentence_en=message.explanation.sentence_en,
        model_scores=tuple(
            ModelScore(model=score.model, wape_percent=score.wape_percent, origin_count=score.origin_count)
            for score in message.model_scores
        ),
        simulated=message.simulated,
    )


def _report(response: pb.GetBacktestResponse | pb.GetAccuracyResponse) -> AccuracyReport:
    return AccuracyReport(horizons=tuple(_accuracy(one) for one in response.horizons), overall=_accuracy(response.overall))


def _accuracy(message: forecast_pb2.Accuracy) -> Accuracy:
    return Accuracy(
        first_slot=message.first_slot,
        slot_count=message.slot_count,
        mase=message.mase if message.HasField("mase") else None,
        naive_mase=message.naive_mase if message.HasField("naive_mase") else None,
        wape_percent=message.wape_percent if message.HasField("wape_percent") else None,
        naive_wape_percent=message.naive_wape_percent if message.HasField("naive_wape_percent") else None,
        coverage_percent=message.coverage_percent if message.HasField("coverage_percent") else None,
        sample_count=message.sample_count,
    )


def _month_end(message: forecast_pb2.MonthEnd) -> MonthEnd:
    return MonthEnd(
        metering_point=point_id(message.metering_point),
        flux=Flux(message.flux),
        quantity=Quantity(message.quantity),
        month=Interval(start=_instant(message.month.start_time), end=_instant(message.month.end_time)),
        known_amount=message.known_amount,
        known_time=_instant(message.known_time),
        mean_amount=message.mean_amount,
        quantiles={one.per_mille: one.amount for one in message.quantiles},
        currency_code=message.currency_code,
        mean_micros=message.mean_micros,
        bill_quantiles={one.per_mille: one.amount for one in message.bill_quantiles},
        over_budget_percent=message.over_budget_percent if message.HasField("over_budget_percent") else None,
        missing_prices=tuple(message.missing_prices),
        issue_time=_instant(message.issue_time),
        simulated=message.simulated,
    )


def _column(column: bytes) -> NDArray[np.int64]:
    return np.frombuffer(column, "<i8")


def _instant(at: Any) -> datetime:
    return at.ToDatetime(UTC)
