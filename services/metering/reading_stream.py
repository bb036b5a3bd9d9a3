"""One sender's stream: batches are read, checked and queued while earlier ones are made durable; acknowledgements go out in order."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

from metering.domain.series.batch import Origin, Stored
from metering.domain.series.ingest import NOTHING_ANNOUNCED, Announced, announce, checked
from metering.reading_tools import ReadingTools, sender_of
from metering.wire import readings as wire
from multiflux.metering.v1 import metering_service_pb2 as pb
from multiflux.metering.v1 import reading_pb2
from runtime.call import Call
from vocabulary.failure import invalid
from vocabulary.names import checked_id

BATCHES_IN_FLIGHT, ROWS_IN_FLIGHT = 64, 200_000
"""What may wait for the disk in one stream.

Beyond either, the next batch is not read before one is acknowledged, which holds the sender back.
"""

ROWS_TAKEN_AT_ONCE = 32_768
"""Readings that are checked in the event loop itself: about half a millisecond."""

REGISTRY_ASKED_EVERY_S = 0.25
"""How long a stream goes by the limits that the registry gave it; series that it announces are always asked for."""

A = TypeVar("A")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    number: int
    rows: int
    stored: Future[Stored]


_Pending = asyncio.Queue[_Waiting | None]


class ReadingStream:
    """The state of one call of StreamReadings."""

    def __init__(self, tools: ReadingTools, call: Call) -> None:
        """Take the readings of one call."""
        self._tools = tools
        self._territory = call.territory
        self._sender = sender_of(call)
        self._announced = NOTHING_ANNOUNCED
        self._ask_again_s = 0.0
        self._name = ""
        self._rows = 0
        self._room = asyncio.Event()

    async def responses(self, requests: AsyncIterator[pb.StreamReadingsRequest]) -> AsyncGenerator[pb.StreamReadingsResponse]:
        """Yield the answer to the opening, then one acknowledgement per batch."""
        requests = aiter(requests)
        first = await anext(requests, None)
        if first is None:
            return
        if first.WhichOneof("part") != "open":
            raise invalid("open", "must be the first message")
        self._name = f"{self._territory}/{checked_id(first.open.stream_id)}"
        position = await self._in_executor(self._tools.store.position, self._name)
        yield pb.StreamReadingsResponse(opened=pb.OpenedReadingStream(last_batch_number=position))
        pending = _Pending(BATCHES_IN_FLIGHT)
        reading = asyncio.create_task(self._read(requests, pending))
        try:
            while (one := await pending.get()) is not None:
                # One commit settles many batches: only the first of them is waited for.
                stored = one.stored.result() if one.stored.done() else await asyncio.wrap_future(one.stored)
                self._rows -= one.rows
                self._room.set()
                acknowledgement = wire.stored_to_proto(stored, batch_number=one.number)
                yield pb.StreamReadingsResponse(acknowledgement=acknowledgement)
            await reading
        finally:
            reading.cancel()

    async def _read(self, requests: AsyncIterator[pb.StreamReadingsRequest], pending: _Pending) -> None:
        try:
            async for request in requests:
                if request.WhichOneof("part") != "batch":
                    raise invalid("batch", "is required in every message but the first")
                rows = request.batch.readings.reading_count
                await self._has_room()
                self._rows += rows
                await pending.put(_Waiting(request.batch.batch_number, rows, await self._taken(request.batch)))
        finally:
            await pending.put(None)

    async def _taken(self, batch: pb.ReadingBatch) -> Future[Stored]:
        if batch.batch_number < 1:
            raise invalid("batch.batch_number", "starts at 1")
        now_s = asyncio.get_running_loop().time()
        if batch.new_series or now_s >= self._ask_again_s:
            self._ask_again_s = now_s + REGISTRY_ASKED_EVERY_S
            self._announced = await self._in_executor(self._announce, batch.new_series)
        if batch.readings.reading_count > ROWS_TAKEN_AT_ONCE:
            return await self._in_executor(self._take, batch)
        # So few rows are checked sooner than another thread would be woken.
        return self._take(batch)

    def _announce(self, new_series: Iterable[reading_pb2.SentSeries]) -> Announced:
        """Ask the registry about new series, and about all when it has changed; runs in the executor."""
        new = [wire.series_from_proto(one, self._territory) for one in new_series]
        return announce(self._tools.known, self._tools.store, self._announced, new)

    async def _has_room(self) -> None:
        while self._rows >= ROWS_IN_FLIGHT:
            self._room.clear()
            await self._room.wait()

    async def _in_executor(self, work: Callable[[A], R], argument: A) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._tools.executor, work, argument)

    def _take(self, message: pb.ReadingBatch) -> Future[Stored]:
        """Check a batch and queue it; one batch of the stream at a time."""
        columns = wire.columns_from_proto(message.readings)
        self._tools.quotas.take(self._sender, len(columns))
        origin = Origin(stream=self._name, number=message.batch_number)
        now_s = int(self._tools.clock.now().timestamp())
        return self._tools.store.submit(checked(self._announced, self._territory, columns, now_s=now_s, origin=origin))
