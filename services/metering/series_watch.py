"""Watching what happens to readings: the series store's events, in commit order and at least once."""

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Protocol

import grpc

from metering.domain.series.batch import SeriesEvent
from metering.domain.series.columns import SeriesName
from metering.domain.series.failures import CursorExpired
from metering.domain.series.ports import SeriesNumbers, SeriesOutbox
from metering.wire.series_events import event_to_proto
from multiflux.metering.v1 import metering_service_pb2 as pb
from runtime.call import current_call
from runtime.events import Event
from runtime.outbox import CursorInvalid, ServiceStopping
from vocabulary.names import PointId, TerritoryId

_LOOK_S = 0.25
_EVENTS = 20
_CURSOR_BYTES = 24
_ID_BYTES = 16

MOST_POINTS = 10_000
"""A change of more points is told in several events: one would be too large for a message."""

_Context = grpc.aio.ServicerContext[Any, Any]


class Happenings(SeriesNumbers, SeriesOutbox, Protocol):
    """What the watch needs of the store."""

    def sequence(self) -> int:
        """Return the receive sequence of the last durable batch; asked four times a second by each watcher, so from memory."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A change, or a part of one: of which points, the event's place in the store, and where to go on after it."""

    event: SeriesEvent
    territory: TerritoryId
    points: Sequence[PointId]
    name: str
    cursor: str


class SeriesWatch:
    """Tells watchers what happened; looks in a thread of its own, so that watchers take none from calls."""

    def __init__(self, store: Happenings) -> None:
        """Tell of `store`."""
        self._store = store
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="series-watch")
        self._stopped = asyncio.Event()

    async def watch(self, cursor: str, territory: TerritoryId | None) -> AsyncGenerator[Told]:
        """Yield what happened after `cursor` (empty: all that is kept), in one territory or in all, without end.

        Raises CursorInvalid, CursorExpired, and ServiceStopping when the service stops.
        """
        position = await self._run(self._begin, cursor)
        while True:
            durable = self._store.sequence()
            told, position = await self._run(self._look, position, durable)
            for one in told:
                if territory in (None, one.territory):
                    yield one
            while not told and self._store.sequence() == durable:
                await self._pause()
            if self._stopped.is_set():
                raise ServiceStopping("the service is stopping: watch again soon")

    def stop(self) -> None:
        """End every watcher, now and later."""
        self._stopped.set()

    def close(self) -> None:
        """Finish the look under way."""
        self._executor.shutdown()

    async def _run(self, work: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, *arguments)

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_S):
                await self._stopped.wait()
        if self._stopped.is_set():
            raise ServiceStopping("the service is stopping: watch again soon")

    def _begin(self, cursor: str) -> int:
        """Return the sequence after which to go on."""
        if cursor:
            position = _sequence(cursor, self._store.store_id())
            # From the future: the store came back from a backup, and gives the same sequences to other events.
            if position > self._store.sequence():
                raise CursorExpired("events after the cursor are gone: read everything anew", after=str(position))
            return position
        try:
            self._store.events(after=0, limit=1)
        except CursorExpired as expired:
            return int(expired.metadata["oldest"])
        return 0

    def _look(self, position: int, durable: int) -> tuple[list[Told], int]:
        events = [one for one in self._store.events(after=position, limit=_EVENTS) if one.sequence <= durable]
        store_id = self._store.store_id()
        told = list[Told]()
        for event in events:
            told += _parts(event, self._store.names(event.series), store_id, position)
            position = event.sequence
        return told, position


def _parts(event: SeriesEvent, names: Sequence[SeriesName], store_id: str, before: int) -> list[Told]:
    """Return the event in parts; the cursor of all but the last goes on before it, so that nobody misses the rest."""
    points = sorted({name.meter for name in names})
    parts = [points[start : start + MOST_POINTS] for start in range(0, len(points), MOST_POINTS)]
    return [
        Told(
            event=event,
            territory=names[0].territory,
            points=part,
            name=f"{store_id}/{event.sequence}/{at}",
            cursor=_cursor(store_id, event.sequence if at == len(parts) - 1 else before),
        )
        for at, part in enumerate(parts)
    ]


def _cursor(store_id: str, sequence: int) -> str:
    return urlsafe_b64encode(bytes.fromhex(store_id) + sequence.to_bytes(8)).decode()


def _sequence(cursor: str, store_id: str) -> int:
    try:
        decoded = urlsafe_b64decode(cursor)
    except ValueError:
        decoded = b""
    if len(decoded) != _CURSOR_BYTES or decoded[:_ID_BYTES].hex() != store_id:
        raise CursorInvalid("the cursor was not given by this store")
    return int.from_bytes(decoded[_ID_BYTES:])


async def relayed(watch: SeriesWatch, cursor: str) -> AsyncGenerator[tuple[str, Event]]:
    """Yield what happened in all territories as a relay publishes it, each event with the cursor after it."""
    async with aclosing(watch.watch(cursor, None)) as told:
        async for one in told:
            message = event_to_proto(one.event, territory=one.territory, points=one.points, name=one.name)
            yield (
                one.cursor,
                Event(
                    event_id=message.event_id,
                    territory=one.territory,
                    type_name=message.DESCRIPTOR.full_name,
                    payload=message.SerializeToString(),
                    occurred=message.occur_time.ToDatetime(UTC),
                ),
            )


class WatchMethods:
    """The method that tells of readings; a servicer takes it over."""

    def __init__(self, watch: SeriesWatch) -> None:
        """Tell what `watch` sees."""
        self._watch = watch

    async def WatchSeriesEvents(  # noqa: N802  # gRPC names methods
        self, request: pb.WatchSeriesEventsRequest, context: _Context
    ) -> AsyncGenerator[pb.WatchSeriesEventsResponse]:
        """Stream events: of the territory of the caller's token, or of all where it names none."""
        del context
        async with aclosing(self._watch.watch(request.cursor, current_call().caller.territory)) as told:
            async for one in told:
                event = event_to_proto(one.event, territory=one.territory, points=one.points, name=one.name)
                yield pb.WatchSeriesEventsResponse(event=event, cursor=one.cursor)
