"""Metering: readings in, figures out."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from multiflux.metering.v1 import metering_service_pb2 as pb
from multiflux.metering.v1 import series_event_pb2
from multiflux.metering.v1.metering_service_pb2_grpc import MeteringServiceStub
from multiflux.type.v1 import flux_pb2, granularity_pb2, quantity_pb2
from multiflux_client.channel import STREAM_DEADLINE_S, Connection
from multiflux_client.consumption import ConsumptionSeries, consumption_from_proto
from multiflux_client.events import watched
from multiflux_client.failures import UnexpectedAnswer
from multiflux_client.readings import ReadingSender
from multiflux_client.records import fill_interval, record_from_proto
from vocabulary.civil import Granularity
from vocabulary.flux import Direction, Flux
from vocabulary.interval import Interval
from vocabulary.names import PlaceId, PointId, TerritoryId

if TYPE_CHECKING:
    from multiflux.metering.v1.metering_service_pb2_grpc import MeteringServiceAsyncStub


class SeriesChange(Enum):
    """What was done to readings."""

    RECORDED = 1
    CORRECTED = 2
    FORGOTTEN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesEvent:
    """Readings of some points changed, all within an interval."""

    event_id: str
    territory: TerritoryId
    occur_time: datetime
    change: SeriesChange
    interval: Interval
    metering_points: tuple[PointId, ...]


SERIES_EVENT = series_event_pb2.SeriesEvent.DESCRIPTOR.full_name
"""The name of the message that tells of a SeriesEvent."""


def series_event(message: bytes) -> SeriesEvent:
    """Return the event that a message tells of, as it comes from a broker; UnexpectedAnswer, ValueError."""
    try:
        return record_from_proto(SeriesEvent, series_event_pb2.SeriesEvent.FromString(message))
    except DecodeError as error:
        raise UnexpectedAnswer("the message is no event of readings") from error


class MeteringClient:
    """Calls of `multiflux.metering.v1.MeteringService`; failures are RemoteFailure."""

    def __init__(self, connection: Connection) -> None:
        """Call over `connection`."""
        self._connection = connection
        self._stub: MeteringServiceAsyncStub = MeteringServiceStub(connection.channel)

    async def consumption(
        self,
        resource: str,
        flux: Flux,
        during: Interval,
        granularity: Granularity,
        *,
        direction: Direction = Direction.IMPORT,
        profile_allowed: bool = False,
        known_sequence: int = 0,
    ) -> ConsumptionSeries:
        """Return what was consumed at a point or place, `meters/{meter}` or `places/{place}`, slot by slot."""
        request = pb.QueryConsumptionRequest(
            resource=resource,
            flux=flux_pb2.Flux.ValueType(flux.value),
            direction=quantity_pb2.Direction.ValueType(direction.value),
            granularity=granularity_pb2.Granularity.ValueType(granularity.value),
            profile_allowed=profile_allowed,
            known_sequence=known_sequence,
        )
        fill_interval(request.interval, during)
        response = await self._connection.call(self._stub.QueryConsumption, request)
        return consumption_from_proto(response.consumption)

    async def consumptions(
        self, place: PlaceId, flux: Flux, during: Interval, granularity: Granularity, *, deadline_s: float = STREAM_DEADLINE_S
    ) -> AsyncIterator[ConsumptionSeries]:
        """Yield what every metering point in a place consumed, by point; a long series comes in parts, one after the other.

        Points whose readings are coarser than asked are left out.
        """
        request = pb.StreamConsumptionRequest(
            place=f"places/{place}",
            flux=flux_pb2.Flux.ValueType(flux.value),
            granularity=granularity_pb2.Granularity.ValueType(granularity.value),
        )
        fill_interval(request.interval, during)
        async for response in self._connection.receive(self._stub.StreamConsumption, request, deadline_s=deadline_s):
            for series in response.consumptions:
                yield consumption_from_proto(series)

    def watch_events(self, cursor: str = "") -> AsyncIterator[tuple[str, SeriesEvent]]:
        """Yield each event from `cursor` on (empty: from the oldest kept), with the cursor to store with its effects."""
        return watched(
            self._connection,
            self._stub.WatchSeriesEvents,
            lambda after: pb.WatchSeriesEventsRequest(cursor=after),
            cursor,
            SeriesEvent,
        )

    def sender(self, stream_id: str) -> ReadingSender:
        """Return what sends readings under a stream id (1 to 63 of a–z, 0–9 and hyphen) that nobody else uses."""
        return ReadingSender(self._connection, self._stub, stream_id)
