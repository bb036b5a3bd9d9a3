"""What was consumed, as arrays, and the records around it."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from multiflux.metering.v1 import consumption_pb2
from multiflux_client.failures import UnexpectedAnswer
from multiflux_client.records import record_from_proto
from vocabulary.civil import Granularity
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.names import PointId
from vocabulary.quality import Quality


@dataclass(frozen=True, kw_only=True, slots=True)
class PointCoverage:
    """How a metering point took part in a figure; `quality` and `latest_time` are None when it has no reading at all."""

    metering_point: PointId
    coverage_percent: float
    quality: Quality | None
    latest_time: datetime | None
    suspect_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsumptionSeries:
    """Consumption slot by slot; the arrays have one element a slot.

    `starts` and `ends` are Unix seconds, `amounts` joules or millilitres (without meaning where the quality is 0),
    `qualities` numbers of `Quality` or 0 for a gap, `coverage_percents` the measured share of the slot's time.
    """

    resource: str
    flux: Flux
    direction: Direction
    quantity: Quantity
    granularity: Granularity
    time_zone: str
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    amounts: NDArray[np.int64]
    qualities: NDArray[np.uint8]
    coverage_percents: NDArray[np.uint8]
    points: tuple[PointCoverage, ...]
    profile: bool
    simulated: bool
    known_sequence: int


def consumption_from_proto(message: consumption_pb2.ConsumptionSeries) -> ConsumptionSeries:
    """Return the message with its columns as arrays; UnexpectedAnswer when they differ in length."""
    starts, ends, amounts = (np.frombuffer(column, dtype="<i8") for column in (message.start_seconds, message.end_seconds, message.amounts))
    qualities, coverages = (np.frombuffer(column, dtype=np.uint8) for column in (message.qualities, message.coverage_percents))
    if len({len(column) for column in (starts, ends, amounts, qualities, coverages)}) != 1:
        raise UnexpectedAnswer("the columns of a consumption series differ in length")
    return ConsumptionSeries(
        resource=message.resource,
        flux=Flux(message.flux),
        direction=Direction(message.direction),
        quantity=Quantity(message.quantity),
        granularity=Granularity(message.granularity),
        time_zone=message.time_zone,
        starts=starts,
        ends=ends,
        amounts=amounts,
        qualities=qualities,
        coverage_percents=coverages,
        points=tuple(record_from_proto(PointCoverage, point) for point in message.points),
        profile=message.profile,
        simulated=message.simulated,
        known_sequence=message.known_sequence,
    )
