"""Questions about consumption from the contract, and answers to it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from metering.domain.figures.consumption import ConsumptionAnswer, ConsumptionQuestion, PointShare
from metering.domain.figures.files import FileFormat
from multiflux.metering.v1 import consumption_pb2
from multiflux.metering.v1 import metering_service_pb2 as pb
from multiflux.type.v1 import quality_pb2
from vocabulary.failure import invalid
from vocabulary.flux import Direction
from vocabulary.names import PointId, TerritoryId, place_id, point_id
from wire.instants import MissingField, instant_to_proto
from wire.intervals import interval_from_proto
from wire.words import (
    direction_from_proto,
    direction_to_proto,
    flux_from_proto,
    flux_to_proto,
    granularity_from_proto,
    granularity_to_proto,
    quantity_from_proto,
    quantity_to_proto,
)

SLOTS_IN_PART = 30_000
"""Slots in one message of a stream: 26 bytes each."""


def question_from_proto(message: pb.QueryConsumptionRequest, territory: TerritoryId) -> ConsumptionQuestion:
    """Return the question; every wrong field is named."""
    if message.known_sequence < 0:
        raise invalid("known_sequence", "must not be negative")
    _check_resource(message.resource)
    return ConsumptionQuestion(
        territory=territory,
        resource=message.resource,
        flux=flux_from_proto(message.flux, "flux") if message.flux else None,
        quantity=quantity_from_proto(message.quantity, "quantity") if message.quantity else None,
        direction=direction_from_proto(message.direction, "direction") if message.direction else Direction.IMPORT,
        during=interval_from_proto(message),
        granularity=granularity_from_proto(message.granularity, "granularity"),
        profile_allowed=message.profile_allowed,
        known_sequence=message.known_sequence,
        register_set=message.register_set,
        tariff_slot=message.tariff_slot,
    )


def export_from_proto(message: pb.ExportConsumptionRequest, territory: TerritoryId) -> tuple[ConsumptionQuestion, FileFormat]:
    """Return the question and how to write its answer; every wrong field is named."""
    if not message.HasField("query"):
        raise MissingField("query")
    if message.format not in (FileFormat.CSV.value, FileFormat.PARQUET.value):
        raise invalid("format", "must be CSV or PARQUET")
    return question_from_proto(message.query, territory), FileFormat(message.format)


def listing_from_proto(message: pb.StreamConsumptionRequest, territory: TerritoryId) -> ConsumptionQuestion:
    """Return the question about every point of a place; every wrong field is named."""
    place_id(message.place)
    return ConsumptionQuestion(
        territory=territory,
        resource=message.place,
        flux=flux_from_proto(message.flux, "flux"),
        quantity=None,
        direction=Direction.IMPORT,
        during=interval_from_proto(message),
        granularity=granularity_from_proto(message.granularity, "granularity"),
    )


def parts_to_proto(
    question: ConsumptionQuestion, point: PointId, answer: ConsumptionAnswer, *, time_zone: str, known_sequence: int
) -> Iterator[consumption_pb2.ConsumptionSeries]:
    """Yield a point's figures in parts that a message has room for, each with the slots after those of the part before."""
    asked = replace(question, resource=f"meters/{point}")
    for start in range(0, len(answer.slots), SLOTS_IN_PART):
        part = replace(answer, slots=answer.slots.part(start, start + SLOTS_IN_PART))
        yield answer_to_proto(asked, part, time_zone=time_zone, known_sequence=known_sequence)


def _check_resource(resource: str) -> None:
    if resource.startswith("places/"):
        place_id(resource)
    else:
        point_id(resource)


def answer_to_proto(
    question: ConsumptionQuestion, answer: ConsumptionAnswer, *, time_zone: str, known_sequence: int
) -> consumption_pb2.ConsumptionSeries:
    """Return the figures as the contract writes them: raw little-endian columns."""
    slots = answer.slots
    return consumption_pb2.ConsumptionSeries(
        resource=question.resource,
        flux=flux_to_proto(answer.kind.flux),
        direction=direction_to_proto(answer.kind.direction),
        quantity=quantity_to_proto(answer.kind.quantity),
        granularity=granularity_to_proto(question.granularity),
        time_zone=time_zone,
        start_seconds=slots.start.astype("<i8").tobytes(),
        end_seconds=slots.end.astype("<i8").tobytes(),
        amounts=np.where(slots.known, slots.value, 0).astype("<i8").tobytes(),
        qualities=np.where(slots.known, slots.quality, 0).astype(np.uint8).tobytes(),
        coverage_percents=slots.whole_percents().tobytes(),
        points=[_share_to_proto(share) for share in answer.points],
        profile=slots.profile,
        simulated=answer.simulated,
        known_sequence=known_sequence,
    )


def _share_to_proto(share: PointShare) -> consumption_pb2.PointCoverage:
    return consumption_pb2.PointCoverage(
        metering_point=f"meters/{share.point}",
        coverage_percent=share.coverage * 100,
        quality=quality_pb2.Quality.ValueType(share.quality),
        latest_time=instant_to_proto(datetime.fromtimestamp(share.latest, UTC)) if share.latest else None,
        suspect_count=share.suspect,
    )
