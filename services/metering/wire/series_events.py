"""Events of readings as the contract writes them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import NAMESPACE_OID, uuid5

from metering.domain.series.batch import SeriesEvent
from multiflux.metering.v1 import series_event_pb2 as pb
from vocabulary.interval import Interval
from vocabulary.names import PointId, TerritoryId
from wire.instants import instant_to_proto
from wire.intervals import interval_to_proto


def event_to_proto(event: SeriesEvent, *, territory: TerritoryId, points: Sequence[PointId], name: str) -> pb.SeriesEvent:
    """Return the event; `name` tells it from all others, and gives it the same id whenever it is told."""
    return pb.SeriesEvent(
        event_id=str(uuid5(NAMESPACE_OID, name)),
        territory=f"territories/{territory}",
        occur_time=instant_to_proto(_instant(event.occurred)),
        change=_change(event),
        interval=interval_to_proto(Interval(start=_instant(event.start), end=_instant(event.end))),
        metering_points=[f"meters/{point}" for point in points],
    )


def _change(event: SeriesEvent) -> pb.SeriesChange.ValueType:
    if event.forgotten:
        return pb.SERIES_CHANGE_FORGOTTEN
    return pb.SERIES_CHANGE_CORRECTED if event.corrected else pb.SERIES_CHANGE_RECORDED


def _instant(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
