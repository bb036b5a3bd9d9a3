"""The methods of the metering service that take, give and erase readings."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import grpc

from metering.domain.series.batch import Stored
from metering.domain.series.columns import ReadingKind, SeriesName
from metering.domain.series.ingest import NOTHING_ANNOUNCED, Replay, announce, checked, replayed
from metering.reading_stream import ReadingStream
from metering.reading_tools import ReadingTools, sender_of
from metering.wire import readings as wire
from multiflux.metering.v1 import metering_service_pb2 as pb
from multiflux.metering.v1 import reading_pb2
from runtime.call import current_call
from runtime.pages import page
from vocabulary.failure import Failure, Kind, invalid
from vocabulary.names import TerritoryId, point_id
from wire.intervals import interval_from_proto

T = TypeVar("T")

_MOST_SINGLE = 10_000
_MOST_REPLAYED = 1_000
_PAGE = 50

_Context = grpc.aio.ServicerContext[Any, Any]


class SeriesUnknown(Failure):
    """No readings of this kind were ever stored for the channel."""

    reason, kind = "SERIES_UNKNOWN", Kind.MISSING


class SeriesMethods:
    """Readings in and out; a servicer takes these methods over."""

    def __init__(self, tools: ReadingTools) -> None:
        """Work with `tools`."""
        self._tools = tools
        self._store = tools.store

    async def StreamReadings(  # noqa: N802  # gRPC names methods
        self, request_iterator: AsyncIterator[pb.StreamReadingsRequest], context: _Context
    ) -> AsyncGenerator[pb.StreamReadingsResponse]:
        """Store batches as they come; acknowledge each when it is durable."""
        del context
        stream = ReadingStream(self._tools, current_call())
        async for response in stream.responses(request_iterator):
            yield response

    async def RecordReadings(self, request: pb.RecordReadingsRequest, context: _Context) -> pb.RecordReadingsResponse:  # noqa: N802
        """Store a few readings."""
        del context
        count = len(request.register_readings) + len(request.interval_readings)
        if count > _MOST_SINGLE:
            raise invalid("register_readings", f"a call takes {_MOST_SINGLE} readings at most")

        async def record() -> pb.RecordReadingsResponse:
            self._tools.quotas.take(sender_of(current_call()), count)
            stored = await asyncio.wrap_future(await self._run(lambda territory: self._submit(request, territory)))
            return pb.RecordReadingsResponse(acknowledgement=wire.stored_to_proto(stored))

        return await self._tools.changes.elsewhere(request, record, pb.RecordReadingsResponse, readings=str(count))

    async def StreamSeries(  # noqa: N802
        self, request: pb.StreamSeriesRequest, context: _Context
    ) -> AsyncGenerator[pb.StreamSeriesResponse]:
        """Return what holds of one series."""
        del context
        for block in await self._run(lambda territory: self._blocks(request, territory)):
            yield pb.StreamSeriesResponse(block=block)

    async def ListRefusedReadings(  # noqa: N802
        self, request: pb.ListRefusedReadingsRequest, context: _Context
    ) -> pb.ListRefusedReadingsResponse:
        """Return a page of refused readings."""
        del context
        return await self._run(lambda territory: self._page(request, territory))

    async def ReplayRefusedReadings(  # noqa: N802
        self, request: pb.ReplayRefusedReadingsRequest, context: _Context
    ) -> pb.ReplayRefusedReadingsResponse:
        """Check refused readings again."""
        del context

        async def replay() -> pb.ReplayRefusedReadingsResponse:
            return pb.ReplayRefusedReadingsResponse(acknowledgement=await self._run(lambda territory: self._replay(request, territory)))

        readings = str(len(request.replays))
        return await self._tools.changes.elsewhere(request, replay, pb.ReplayRefusedReadingsResponse, readings=readings)

    async def ForgetReadings(self, request: pb.ForgetReadingsRequest, context: _Context) -> pb.ForgetReadingsResponse:  # noqa: N802
        """Erase readings."""
        del context

        async def forget() -> pb.ForgetReadingsResponse:
            return pb.ForgetReadingsResponse(receipts=await self._run(lambda territory: self._forget(request, territory)))

        during = interval_from_proto(request)
        return await self._tools.changes.elsewhere(
            request,
            forget,
            pb.ForgetReadingsResponse,
            resource=request.channel,
            start=during.start.isoformat(),
            end=during.end.isoformat(),
        )

    async def _run(self, work: Callable[[TerritoryId], T]) -> T:
        territory = current_call().territory
        return await asyncio.get_running_loop().run_in_executor(self._tools.executor, work, territory)

    def _now_s(self) -> int:
        return int(self._tools.clock.now().timestamp())

    def _submit(self, request: pb.RecordReadingsRequest, territory: TerritoryId) -> Future[Stored]:
        sent, columns = wire.readings_from_proto(request.register_readings, request.interval_readings, territory)
        announced = announce(self._tools.known, self._store, NOTHING_ANNOUNCED, sent)
        return self._store.submit(checked(announced, territory, columns, now_s=self._now_s()))

    def _blocks(self, request: pb.StreamSeriesRequest, territory: TerritoryId) -> list[reading_pb2.SeriesBlock]:
        name = SeriesName(
            territory=territory,
            meter=point_id(request.metering_point),
            channel=request.channel_id,
            kind=wire.kind_from_proto(request.kind, "kind"),
        )
        number = int(self._store.find([name])[0])
        if number < 0:
            raise SeriesUnknown(f"{request.metering_point} has no such series", meter=request.metering_point, channel=request.channel_id)
        versions = self._store.read(number, interval_from_proto(request), known_at=request.known_sequence or None)
        return wire.blocks_to_proto(versions)

    def _page(self, request: pb.ListRefusedReadingsRequest, territory: TerritoryId) -> pb.ListRefusedReadingsResponse:
        asked = page(request, default_size=_PAGE)
        after = int(asked.after[0]) if asked.after else 0
        found, token = asked.cut(self._store.refused(territory, after=after, limit=asked.size + 1), lambda one: (str(one.number),))
        return pb.ListRefusedReadingsResponse(refused_readings=[wire.refused_to_proto(one) for one in found], next_page_token=token)

    def _replay(self, request: pb.ReplayRefusedReadingsRequest, territory: TerritoryId) -> reading_pb2.Acknowledgement:
        if len(request.replays) > _MOST_REPLAYED:
            raise invalid("replays", f"a call takes {_MOST_REPLAYED} readings at most")
        wanted = {one.refusal_number: one.corrected_value if one.HasField("corrected_value") else None for one in request.replays}
        found = self._store.refused_among(territory, list(wanted))
        replays = [Replay(reading=one, corrected_value=wanted[one.number]) for one in found]
        batch = replayed(self._tools.known, self._store, territory, replays, now_s=self._now_s())
        return wire.stored_to_proto(self._store.record(batch))

    def _forget(self, request: pb.ForgetReadingsRequest, territory: TerritoryId) -> list[reading_pb2.ForgetReceipt]:
        meter, channel = wire.channel_from_proto(request.channel)
        during = interval_from_proto(request)
        names = [SeriesName(territory=territory, meter=meter, channel=channel, kind=kind) for kind in ReadingKind]
        numbers = [number for number in self._store.find(names).tolist() if number >= 0]
        return [wire.receipt_to_proto(self._store.forget(number, during)) for number in numbers]
