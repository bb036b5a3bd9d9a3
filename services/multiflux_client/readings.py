"""Readings on their way in: columns of one series each, packed into numbered batches, sent until every batch is acknowledged."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

import grpc
import numpy as np
from numpy.typing import NDArray

from multiflux.metering.v1 import metering_service_pb2 as pb
from multiflux.metering.v1 import reading_pb2
from multiflux_client.channel import Connection
from multiflux_client.failures import RemoteFailure, UnexpectedAnswer
from vocabulary.deltas import packed
from vocabulary.flux import BaseUnit
from vocabulary.names import PointId

if TYPE_CHECKING:
    from multiflux.metering.v1.metering_service_pb2_grpc import MeteringServiceAsyncStub

BATCH_READINGS = 20_000
"""Readings in a batch: enough that a message is worth its costs, few enough that the answer comes soon."""

_MOST_UNANSWERED = 8
_MOST_BREAKS = 10
_PAUSE_S = 0.5

_UNITS = {
    BaseUnit.JOULE: reading_pb2.READING_UNIT_JOULE,
    BaseUnit.MILLILITRE: reading_pb2.READING_UNIT_MILLILITRE,
    BaseUnit.WATT: reading_pb2.READING_UNIT_WATT,
    BaseUnit.VOLT_AMPERE_REACTIVE: reading_pb2.READING_UNIT_VOLT_AMPERE_REACTIVE,
    BaseUnit.VOLT_AMPERE: reading_pb2.READING_UNIT_VOLT_AMPERE,
}


class ReadingKind(Enum):
    """What a series' values are: indexes that a register showed, or quantities over intervals."""

    REGISTER = 1
    INTERVAL = 2


class RefusalReason(Enum):
    """Why a reading was refused at arrival."""

    UNKNOWN_SERIES = 1
    UNIT_MISMATCH = 2
    TIME_OUT_OF_RANGE = 3
    IN_THE_FUTURE = 4
    DURATION_NOT_ALLOWED = 5
    VALUE_IMPOSSIBLE = 6
    QUALITY_INVALID = 7
    FORGOTTEN = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """One kind of readings of one channel, and the unit in which they are sent."""

    metering_point: PointId
    channel_id: str
    kind: ReadingKind
    unit: BaseUnit


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SeriesReadings:
    """Readings of one series, best in order of time.

    time: UTC seconds, int64, the instant of a register or the start of an interval. duration: seconds, int64, 0 for registers.
    value: int64, in the series' unit. quality: int64, numbers of `Quality`.
    """

    series: Series
    time: NDArray[np.int64]
    duration: NDArray[np.int64]
    value: NDArray[np.int64]
    quality: NDArray[np.int64]

    def __len__(self) -> int:
        """Return how many readings there are."""
        return len(self.time)

    def part(self, start: int, end: int) -> "SeriesReadings":
        """Return the readings from row `start` up to row `end`."""
        rows = slice(start, end)
        return SeriesReadings(
            series=self.series, time=self.time[rows], duration=self.duration[rows], value=self.value[rows], quality=self.quality[rows]
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A refused reading: its series, its time (UTC seconds), its value and why."""

    series: Series
    time: int
    value: int
    reason: RefusalReason


@dataclass(frozen=True, kw_only=True, slots=True)
class Acknowledged:
    """What became of a batch that is on disk."""

    readings: int
    stored: int
    duplicates: int
    refused: tuple[Refused, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Batch:
    number: int
    parts: tuple[SeriesReadings, ...]

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)


@dataclass(slots=True)
class _Announced:
    """The series announced on one call, each with its place."""

    places: dict[Series, int] = field(default_factory=dict[Series, int])

    def new(self, batch: _Batch) -> list[reading_pb2.SentSeries]:
        """Return the series of a batch that this call does not know yet, and know them."""
        unknown = [series for series in dict.fromkeys(part.series for part in batch.parts) if series not in self.places]
        for series in unknown:
            self.places[series] = len(self.places)
        return [
            reading_pb2.SentSeries(
                channel=f"meters/{series.metering_point}/channels/{series.channel_id}",
                kind=reading_pb2.ReadingKind.ValueType(series.kind.value),
                unit=_UNITS[series.unit],
            )
            for series in unknown
        ]


@dataclass(slots=True)
class _Call:
    """One connection's life: whether the stream is open, whether it is over, and what was announced on it."""

    announced: _Announced = field(default_factory=_Announced)
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    over: bool = False


def batches(readings: Iterable[SeriesReadings], size: int = BATCH_READINGS) -> Iterator[tuple[SeriesReadings, ...]]:
    """Yield groups of at most `size` readings, in order; long series are cut."""
    group: list[SeriesReadings] = []
    room = size
    for one in readings:
        at = 0
        while at < len(one):
            part = one.part(at, min(at + room, len(one)))
            group.append(part)
            at += len(part)
            room -= len(part)
            if not room:
                yield tuple(group)
                group, room = [], size
    if group:
        yield tuple(group)


class ReadingSender:
    """Sends one stream of readings. A connection that breaks is opened again; what was not acknowledged is sent again, and stored once."""

    def __init__(self, connection: Connection, stub: "MeteringServiceAsyncStub", stream_id: str) -> None:
        """Send over `connection` under a stream id that nobody else uses."""
        self._connection = connection
        self._stub = stub
        self._stream_id = stream_id
        self._unanswered: deque[_Batch] = deque()
        self._room = asyncio.Semaphore(_MOST_UNANSWERED)
        self._source: Iterator[tuple[SeriesReadings, ...]] = iter(())
        self._next_number = 1
        self._drained = False

    async def send(self, readings: Iterable[SeriesReadings]) -> AsyncIterator[Acknowledged]:
        """Send all readings; yield what became of each batch. RemoteFailure when the service refuses, or stays away.

        When all are answered, more readings can be sent on the same stream.
        """
        self._source, self._drained = batches(readings), False
        breaks = 0
        while not self._drained or self._unanswered:
            try:
                async for answer in self._one_call():
                    breaks = 0
                    yield answer
            except RemoteFailure as failure:
                breaks += 1
                if failure.code is not grpc.StatusCode.UNAVAILABLE or breaks > _MOST_BREAKS:
                    raise
                await asyncio.sleep(max(failure.retry_delay_s or 0.0, _PAUSE_S * breaks))

    async def _one_call(self) -> AsyncIterator[Acknowledged]:
        call = _Call()
        try:
            async for response in self._connection.exchange(self._stub.StreamReadings, self._requests(call)):
                if response.HasField("opened"):
                    for answer in self._catch_up(response.opened.last_batch_number):
                        yield answer
                    call.opened.set()
                else:
                    yield self._answered(response.acknowledgement)
        finally:
            call.over = True

    def _catch_up(self, last_stored: int) -> Iterator[Acknowledged]:
        """Yield the batches whose acknowledgement was lost with the former connection: all that is known is that they are on disk."""
        while self._unanswered and self._unanswered[0].number <= last_stored:
            batch = self._unanswered.popleft()
            self._room.release()
            yield Acknowledged(readings=len(batch), stored=len(batch), duplicates=0, refused=())

    async def _requests(self, call: _Call) -> AsyncIterator[pb.StreamReadingsRequest]:
        yield pb.StreamReadingsRequest(open=pb.OpenReadingStream(stream_id=self._stream_id))
        await call.opened.wait()
        for batch in tuple(self._unanswered):
            yield _request(batch, call.announced)
        while not self._drained:
            await self._room.acquire()
            # The call may have broken while this waited: then the batch is the next call's to take.
            batch = None if call.over else self._next_batch()
            if batch is None:
                self._room.release()
                return
            yield _request(batch, call.announced)

    def _next_batch(self) -> _Batch | None:
        parts = next(self._source, None)
        if parts is None:
            self._drained = True
            return None
        batch = _Batch(number=self._next_number, parts=parts)
        self._next_number += 1
        self._unanswered.append(batch)
        return batch

    def _answered(self, acknowledgement: reading_pb2.Acknowledgement) -> Acknowledged:
        if not self._unanswered or self._unanswered[0].number != acknowledgement.batch_number:
            raise UnexpectedAnswer(f"batch {acknowledgement.batch_number} was acknowledged out of turn")
        batch = self._unanswered.popleft()
        self._room.release()
        return Acknowledged(
            readings=len(batch),
            stored=len(batch) if acknowledgement.replayed else acknowledgement.stored_count,
            duplicates=acknowledgement.duplicate_count,
            refused=tuple(_refused(batch, row, RefusalReason(group.reason)) for group in acknowledgement.refusals for row in group.rows),
        )


def _refused(batch: _Batch, row: int, reason: RefusalReason) -> Refused:
    for part in batch.parts:
        if row < len(part):
            return Refused(series=part.series, time=int(part.time[row]), value=int(part.value[row]), reason=reason)
        row -= len(part)
    raise UnexpectedAnswer(f"a reading beyond the end of batch {batch.number} was refused")


def _request(batch: _Batch, announced: _Announced) -> pb.StreamReadingsRequest:
    new_series = announced.new(batch)
    parts = batch.parts
    readings = reading_pb2.ReadingColumns(
        reading_count=len(batch),
        run_count=len(parts),
        run_series=_column(np.array([announced.places[part.series] for part in parts], np.int64)),
        run_lengths=_column(np.array([len(part) for part in parts], np.int64)),
        times=_column(np.concatenate([part.time for part in parts])),
        durations=_column(np.concatenate([part.duration for part in parts])),
        values=_column(np.concatenate([part.value for part in parts])),
        qualities=_column(np.concatenate([part.quality for part in parts])),
    )
    return pb.StreamReadingsRequest(batch=pb.ReadingBatch(batch_number=batch.number, new_series=new_series, readings=readings))


def _column(values: NDArray[np.int64]) -> reading_pb2.IntegerColumn:
    column = packed(values)
    return reading_pb2.IntegerColumn(first=column.first, scale=column.scale, width=column.width, deltas=column.deltas)
