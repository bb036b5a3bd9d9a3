"""Forecasts as messages, and as what is kept of them."""

from datetime import UTC, datetime
from math import isfinite
from typing import Any

import numpy as np

from forecast.domain.accuracy import Accuracy
from forecast.domain.explanation import sentences
from forecast.domain.failures import HorizonTooLong
from forecast.domain.kept import Forecast, Subject
from forecast.domain.month_end import MonthEnd, Prices
from multiflux.forecast.v1 import forecast_pb2
from multiflux.forecast.v1 import forecast_service_pb2 as pb
from multiflux.type.v1 import flux_pb2, granularity_pb2, quantity_pb2
from vocabulary.civil import Granularity
from vocabulary.failure import invalid
from vocabulary.flux import Flux
from vocabulary.names import TerritoryId
from wire.intervals import interval_to_proto

_BLOCK_BYTES = 1 << 20
_PER_MILLE = 1_000


def flux_from_proto(number: int) -> Flux:
    """Return the flux; InvalidRequest when none is said."""
    try:
        return Flux(number)
    except ValueError:
        raise invalid("flux", "is required") from None


def granularity_from_proto(number: int, flux: Flux) -> Granularity:
    """Return hours, days, which for gas are gas days, or months; InvalidRequest for anything else."""
    if number == granularity_pb2.GRANULARITY_HOUR:
        return Granularity.HOUR
    if number in (granularity_pb2.GRANULARITY_DAY, granularity_pb2.GRANULARITY_GAS_DAY):
        return Granularity.GAS_DAY if flux is Flux.GAS else Granularity.DAY
    if number == granularity_pb2.GRANULARITY_MONTH:
        return Granularity.MONTH
    raise invalid("granularity", "must be hours, days or months")


def check_hours_or_days(number: int) -> None:
    """Refuse months where forecasts are compared with the week before; InvalidRequest."""
    if number == granularity_pb2.GRANULARITY_MONTH:
        raise invalid("granularity", "must be hours or days: a forecast of months tells its scores itself")


def slot_count_from_proto(request: pb.GetForecastRequest) -> int:
    """Return how many slots are asked for; HorizonTooLong."""
    if request.slot_count < 0:
        raise HorizonTooLong("slot_count cannot be negative", most_slots="168")
    return request.slot_count


def subject_of(territory: TerritoryId, resource: str, flux: Flux, granularity: Granularity) -> Subject:
    """Return what a forecast is about."""
    return Subject(territory=territory, resource=resource, flux=flux, granularity=granularity)


def forecast_to_proto(forecast: Forecast, *, time_zone: str, simulated: bool) -> forecast_pb2.Forecast:
    """Return the message of a forecast."""
    calendar, weather, recent = forecast.parts
    words = sentences(forecast.parts)
    message = forecast_pb2.Forecast(
        resource=forecast.subject.resource,
        flux=flux_pb2.Flux.ValueType(forecast.subject.flux.value),
        quantity=quantity_pb2.Quantity.ValueType(forecast.quantity.value),
        granularity=granularity_pb2.Granularity.ValueType(forecast.subject.granularity.value),
        time_zone=time_zone,
        model=forecast.model,
        weather_basis=forecast_pb2.WeatherBasis.ValueType(forecast.basis.value),
        start_seconds=forecast.starts.astype("<i8").tobytes(),
        end_seconds=forecast.ends.astype("<i8").tobytes(),
        means=b"" if forecast.mean is None else _whole(forecast.mean),
        quantiles=[
            forecast_pb2.Quantile(per_mille=round(level * _PER_MILLE), amounts=_whole(forecast.quantiles[:, at]))
            for at, level in enumerate(forecast.levels)
        ],
        sum_quantiles=[]
        if forecast.sums is None
        else [
            forecast_pb2.Quantile(per_mille=round(level * _PER_MILLE), amounts=_whole(forecast.sums[:, at]))
            for at, level in enumerate(forecast.levels)
        ],
        explanation=forecast_pb2.Explanation(
            calendar_percent=calendar,
            weather_percent=weather,
            recent_percent=recent,
            sentence_fr=words.french,
            sentence_en=words.english,
        ),
        simulated=simulated,
        model_scores=[
            forecast_pb2.ModelScore(model=score.model, wape_percent=100 * score.wape, origin_count=score.origins)
            for score in forecast.scores
        ],
    )
    _fill(message.issue_time, forecast.issued)
    _fill(message.latest_time, forecast.latest)
    return message


def accuracy_to_proto(accuracy: Accuracy) -> forecast_pb2.Accuracy:
    """Return the message of an accuracy."""
    return forecast_pb2.Accuracy(
        first_slot=accuracy.first_slot,
        slot_count=accuracy.slots,
        mase=_told(accuracy.mase),
        naive_mase=_told(accuracy.naive_mase),
        wape_percent=_told(100 * accuracy.wape),
        naive_wape_percent=_told(100 * accuracy.naive_wape),
        coverage_percent=_told(100 * accuracy.coverage),
        sample_count=accuracy.samples,
    )


def _told(figure: float) -> float | None:
    return figure if isfinite(figure) else None


def month_end_to_proto(
    end: MonthEnd, missing: tuple[str, ...], days: Forecast, prices: Prices | None, *, simulated: bool
) -> forecast_pb2.MonthEnd:
    """Return the message of a month's end."""
    message = forecast_pb2.MonthEnd(
        metering_point=days.subject.resource,
        flux=flux_pb2.Flux.ValueType(days.subject.flux.value),
        quantity=quantity_pb2.Quantity.ValueType(days.quantity.value),
        month=interval_to_proto(end.month),
        known_amount=end.known,
        mean_amount=round(end.mean),
        quantiles=_amounts(end.levels, end.quantiles),
        currency_code="" if prices is None else prices.currency,
        mean_micros=0 if end.mean_bill is None else round(end.mean_bill),
        bill_quantiles=_amounts(end.levels, end.bills) if end.bills else [],
        missing_prices=missing,
        over_budget_percent=None if end.over_budget is None else 100 * end.over_budget,
        simulated=simulated,
    )
    _fill(message.known_time, end.known_until)
    _fill(message.issue_time, days.issued)
    return message


def _amounts(levels: tuple[float, ...], amounts: tuple[float, ...]) -> list[forecast_pb2.AmountQuantile]:
    pairs = zip(levels, amounts, strict=True)
    return [forecast_pb2.AmountQuantile(per_mille=round(level * _PER_MILLE), amount=round(amount)) for level, amount in pairs]


def blocks_to_proto(messages: list[forecast_pb2.Forecast]) -> list[pb.StreamForecastsResponse]:
    """Return the messages in responses of 1 MiB at most."""
    responses, size = [pb.StreamForecastsResponse()], 0
    for message in messages:
        if size and size + message.ByteSize() > _BLOCK_BYTES:
            responses.append(pb.StreamForecastsResponse())
            size = 0
        responses[-1].forecasts.append(message)
        size += message.ByteSize()
    return responses if size else []


def instant_of(timestamp: Any) -> datetime:
    """Return an instant in UTC."""
    return timestamp.ToDatetime(UTC)


def _whole(amounts: Any) -> bytes:
    return np.rint(amounts.astype(np.float64)).astype("<i8").tobytes()


def _fill(timestamp: Any, at: datetime) -> None:
    timestamp.FromDatetime(at)
