"""The methods about readings over a real channel, on both stores."""

from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import numpy as np
import pytest
from joserfc.jwk import KeySet

from metering.adapters.memory_series_store import MemorySeriesStore
from metering.adapters.series_store.store import EmbeddedSeriesStore
from metering.app import opened
from metering.domain.series.arrival import Limits
from metering.domain.series.columns import Columns, ReadingKind, SeriesName, columns_of
from metering.domain.series.ports import SeriesStore
from metering.reading_tools import ReadingTools
from metering.series_servicer import SeriesMethods
from metering.settings import MeteringSettings
from metering.wire.readings import columns_to_proto, integers_from_proto
from multiflux.metering.v1 import metering_service_pb2 as pb
from multiflux.metering.v1 import metering_service_pb2_grpc as pb_grpc
from multiflux.metering.v1 import reading_pb2
from multiflux.type.v1 import quality_pb2
from runtime.call import Call, Caller, Grant
from runtime.clock import Clock
from runtime.limits import RateLimits
from runtime.permissions import PermissionCheck
from runtime.server import Endpoint, Service, serving
from runtime.settings import ServiceSettings
from runtime.statuses import failure_details
from runtime.tokens import TokenVerifier
from vocabulary.failure import Failure
from vocabulary.flux import BaseUnit
from vocabulary.names import PlaceId, TerritoryId
from vocabulary.role import Role

NOON = int(datetime(2026, 1, 15, 9, tzinfo=UTC).timestamp())
HOUR = 3600
TOKEN = (("authorization", "Bearer any"),)
BURST = 1_000


class Registry:
    """Meters `a` and `b` count energy; `late` is unknown until it is let in."""

    def __init__(self) -> None:
        self.meters = {"a", "b"}

    def limits(self, names: Sequence[SeriesName]) -> Sequence[Limits | None]:
        return [self._limits(name) if name.meter in self.meters else None for name in names]

    def revision(self) -> int:
        return len(self.meters)

    def _limits(self, name: SeriesName) -> Limits:
        interval = name.kind is ReadingKind.INTERVAL
        return Limits(
            kind=name.kind,
            unit=BaseUnit.JOULE,
            lowest=0,
            highest=10_000 if interval else 10**13,
            per_second=interval,
            shortest_s=600 if interval else 0,
            longest_s=86_400 if interval else 0,
        )


class _Settings(ServiceSettings, env_prefix="MULTIFLUX_READINGSTEST_"):
    port: int = 0


class _NoKeys:
    def key_set(self) -> KeySet:
        return KeySet([])

    async def refresh(self) -> None: ...


class _Administrator(TokenVerifier):
    async def verify(self, token: str) -> Caller:
        del token
        return Caller(
            subject="people/jo",
            territory=TerritoryId("town"),
            grants=tuple(Grant(role=role, place=None) for role in (Role.ADMINISTRATOR, Role.SERVICE)),
        )


class _NoRefusals:
    async def refused(self, call: Call, failure: Failure, resource: str) -> None: ...


class _Everywhere:
    async def covers(self, territory: TerritoryId, granted: PlaceId, resource: str, at: datetime) -> bool:
        del territory, granted, resource, at
        return True


class _Servicer(SeriesMethods, pb_grpc.MeteringServiceServicer):
    pass


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture(params=["memory", "embedded"])
async def stub(request: pytest.FixtureRequest, registry: Registry, clock: Clock, tmp_path: Path) -> AsyncIterator[Any]:
    store: SeriesStore = MemorySeriesStore() if request.param == "memory" else EmbeddedSeriesStore(tmp_path / "series.db")
    with ThreadPoolExecutor(2) as executor:
        kept = opened(MeteringSettings(data_directory=tmp_path), clock)
        quotas = RateLimits(per_minute=60, burst=BURST, clock=clock, counted="readings")
        tools = ReadingTools(store=store, known=registry, clock=clock, executor=executor, changes=kept.changes, quotas=quotas)
        endpoint = Endpoint(
            name="multiflux.metering.v1.MeteringService",
            add=pb_grpc.add_MeteringServiceServicer_to_server,
            servicer=_Servicer(tools),  # pyright: ignore[reportAbstractUsage]  # the other methods are another's
        )
        service = Service(
            name="metering",
            settings=_Settings(drain_s=0.1, data_directory=tmp_path),
            clock=clock,
            endpoints=(endpoint,),
            verifier=_Administrator(_NoKeys(), clock),
            permissions=PermissionCheck(_Everywhere()),
            refusals=_NoRefusals(),
            closers=(kept.database.close, store.close),
        )
        async with serving(service) as port, grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield pb_grpc.MeteringServiceStub(channel)


def sent_series(meter: str, unit: reading_pb2.ReadingUnit.ValueType = reading_pb2.READING_UNIT_JOULE) -> reading_pb2.SentSeries:
    return reading_pb2.SentSeries(channel=f"meters/{meter}/channels/import", kind=reading_pb2.READING_KIND_INTERVAL, unit=unit)


def hours(values: Sequence[int], *, series: int = 0, start: int = NOON - 100 * HOUR) -> Columns:
    return columns_of([(series, start + at * HOUR, HOUR, value, 2) for at, value in enumerate(values)])


def opening(stream: str = "s") -> pb.StreamReadingsRequest:
    return pb.StreamReadingsRequest(open=pb.OpenReadingStream(stream_id=stream))


def batch(number: int, columns: Columns, *new: reading_pb2.SentSeries) -> pb.StreamReadingsRequest:
    return pb.StreamReadingsRequest(batch=pb.ReadingBatch(batch_number=number, new_series=new, readings=columns_to_proto(columns)))


async def sent(stub: Any, *requests: pb.StreamReadingsRequest) -> list[pb.StreamReadingsResponse]:
    async def each() -> AsyncIterator[pb.StreamReadingsRequest]:
        for request in requests:
            yield request

    return [response async for response in stub.StreamReadings(each(), metadata=TOKEN, timeout=20)]


async def stored(stub: Any, meter: str = "a") -> list[int]:
    request = pb.StreamSeriesRequest(metering_point=f"meters/{meter}", channel_id="import", kind=reading_pb2.READING_KIND_INTERVAL)
    request.interval.start_time.seconds, request.interval.end_time.seconds = NOON - 9999 * HOUR, NOON + 9999 * HOUR
    blocks = [response.block async for response in stub.StreamSeries(request, metadata=TOKEN, timeout=20)]
    for block in blocks:
        assert len(integers_from_proto(block.times, block.reading_count)) == block.reading_count
        assert set(integers_from_proto(block.durations, block.reading_count).tolist()) <= {HOUR}
    return [value for block in blocks for value in np.frombuffer(block.values, "<i8").tolist()]


async def reason(call: Any) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return failure_details(caught.value).reason


async def test_batches_are_acknowledged_in_order_and_read_back(stub: Any) -> None:
    responses = await sent(
        stub,
        opening(),
        batch(1, hours([1, 2]), sent_series("a")),
        batch(2, hours([3], series=1), sent_series("b")),
        batch(3, hours([1, 2, 4])),
    )
    assert responses[0].opened.last_batch_number == 0
    acks = [response.acknowledgement for response in responses[1:]]
    assert [(ack.batch_number, ack.stored_count, ack.duplicate_count) for ack in acks] == [(1, 2, 0), (2, 1, 0), (3, 1, 2)]
    # Batches that waited together share a commit, and its sequence.
    sequences = [ack.sequence for ack in acks]
    assert sequences[0] == 1
    assert sequences == sorted(sequences)
    assert await stored(stub, "a") == [1, 2, 4]
    assert await stored(stub, "b") == [3]


async def test_a_stream_that_broke_goes_on_where_it_was(stub: Any) -> None:
    await sent(stub, opening(), batch(1, hours([1]), sent_series("a")))
    responses = await sent(stub, opening(), batch(1, hours([1]), sent_series("a")), batch(2, hours([1, 2])))
    assert responses[0].opened.last_batch_number == 1
    assert [(one.acknowledgement.replayed, one.acknowledgement.stored_count) for one in responses[1:]] == [(True, 0), (False, 1)]
    assert await stored(stub) == [1, 2]


async def test_refused_rows_are_told_with_reasons_and_their_neighbours_stored(stub: Any) -> None:
    wrong = columns_of(
        [(0, NOON, HOUR, 5, 2), (0, NOON, HOUR, -5, 2), (1, NOON, HOUR, 5, 2), (2, NOON, HOUR, 5, 2), (0, NOON + 9 * HOUR, HOUR, 5, 2)]
    )
    series = [sent_series("a"), sent_series("ghost"), sent_series("b", reading_pb2.READING_UNIT_WATT)]
    ack = (await sent(stub, opening(), batch(1, wrong, *series)))[1].acknowledgement
    assert ack.stored_count == 1
    assert {reading_pb2.RefusalReason.Name(one.reason): list(one.rows) for one in ack.refusals} == {
        "REFUSAL_REASON_UNKNOWN_SERIES": [2],
        "REFUSAL_REASON_UNIT_MISMATCH": [3],
        "REFUSAL_REASON_IN_THE_FUTURE": [4],
        "REFUSAL_REASON_VALUE_IMPOSSIBLE": [1],
    }
    assert await stored(stub) == [5]


async def test_refused_readings_are_paged_corrected_and_replayed(stub: Any, registry: Registry) -> None:
    rows = [(0, NOON - at * HOUR, HOUR, -at, 2) for at in (1, 2)] + [(1, NOON, HOUR, 7, 2)]
    await sent(stub, opening(), batch(1, columns_of(rows), sent_series("a"), sent_series("late")))
    page = await stub.ListRefusedReadings(pb.ListRefusedReadingsRequest(page_size=2), metadata=TOKEN)
    rest = await stub.ListRefusedReadings(pb.ListRefusedReadingsRequest(page_size=2, page_token=page.next_page_token), metadata=TOKEN)
    first, second, third = (*page.refused_readings, *rest.refused_readings)
    assert rest.next_page_token == ""
    assert (first.value, first.channel, third.channel) == (-1, "meters/a/channels/import", "meters/late/channels/import")
    registry.meters.add("late")
    replays = [
        pb.RefusedReplay(refusal_number=first.refusal_number, corrected_value=10),
        pb.RefusedReplay(refusal_number=second.refusal_number),
        pb.RefusedReplay(refusal_number=third.refusal_number),
    ]
    done = await stub.ReplayRefusedReadings(pb.ReplayRefusedReadingsRequest(replays=replays, request_id=str(uuid4())), metadata=TOKEN)
    assert done.acknowledgement.stored_count == 2
    assert (await stored(stub, "a"), await stored(stub, "late")) == ([10], [7])
    left = await stub.ListRefusedReadings(pb.ListRefusedReadingsRequest(), metadata=TOKEN)
    assert [one.refusal_number for one in left.refused_readings] == [second.refusal_number]


async def test_a_few_readings_are_recorded_by_one_call(stub: Any) -> None:
    register = reading_pb2.RegisterReading(channel="meters/a/channels/import", energy_joules=10**9, quality=quality_pb2.QUALITY_MEASURED)
    register.sample_time.seconds = NOON
    interval = reading_pb2.IntervalReading(channel="meters/a/channels/import", energy_joules=42, quality=quality_pb2.QUALITY_CORRECTED)
    interval.start_time.seconds, interval.duration.seconds = NOON - HOUR, HOUR
    request = pb.RecordReadingsRequest(register_readings=[register], interval_readings=[interval], request_id=str(uuid4()))
    assert (await stub.RecordReadings(request, metadata=TOKEN)).acknowledgement.stored_count == 2
    request.request_id = str(uuid4())
    assert (await stub.RecordReadings(request, metadata=TOKEN)).acknowledgement.duplicate_count == 2
    assert await stored(stub) == [42]


async def test_a_repeated_request_gets_its_first_answer_and_another_under_its_id_none(stub: Any) -> None:
    interval = reading_pb2.IntervalReading(channel="meters/a/channels/import", energy_joules=42, quality=quality_pb2.QUALITY_MEASURED)
    interval.start_time.seconds, interval.duration.seconds = NOON - HOUR, HOUR
    request = pb.RecordReadingsRequest(interval_readings=[interval], request_id=str(uuid4()))
    first = await stub.RecordReadings(request, metadata=TOKEN)
    assert await stub.RecordReadings(request, metadata=TOKEN) == first
    request.interval_readings[0].energy_joules = 43
    assert await reason(stub.RecordReadings(request, metadata=TOKEN)) == "REQUEST_ID_REUSED"
    assert await stored(stub) == [42]


async def test_a_sender_beyond_its_quota_is_told_when_to_go_on_and_nothing_of_that_batch_is_stored(stub: Any) -> None:
    earlier = NOON - 2 * BURST * HOUR
    allowed = batch(1, hours([1] * BURST, start=earlier), sent_series("a"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await sent(stub, opening(), allowed, batch(2, hours([2], start=earlier + BURST * HOUR)))
    told = failure_details(caught.value)
    assert (told.code, told.reason, told.retry_delay_s) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED", 1.0)
    assert await stored(stub) == [1] * BURST


async def test_forgotten_readings_are_gone_and_refused_when_they_come_again(stub: Any) -> None:
    await sent(stub, opening(), batch(1, hours([1, 2, 3]), sent_series("a")))
    request = pb.ForgetReadingsRequest(channel="meters/a/channels/import", request_id=str(uuid4()))
    request.interval.start_time.seconds, request.interval.end_time.seconds = NOON - 99 * HOUR, NOON
    receipts = (await stub.ForgetReadings(request, metadata=TOKEN)).receipts
    assert [one.erased_count for one in receipts] == [2]
    ack = (await sent(stub, opening(), batch(2, hours([1, 2, 3]), sent_series("a"))))[1].acknowledgement
    assert [(one.reason, list(one.rows)) for one in ack.refusals] == [(reading_pb2.REFUSAL_REASON_FORGOTTEN, [1, 2])]
    assert await stored(stub) == [1]


async def test_malformed_streams_fail_by_name(stub: Any) -> None:
    assert await reason(sent(stub, batch(1, hours([1]), sent_series("a")))) == "INVALID_REQUEST"
    assert await reason(sent(stub, opening("Not an id"))) == "INVALID_NAME"
    assert await reason(sent(stub, opening(), batch(1, hours([1], series=3), sent_series("a")))) == "INVALID_REQUEST"
    assert await reason(sent(stub, opening(), batch(2, hours([1]), sent_series("a")))) == "BATCH_OUT_OF_ORDER"
    broken = batch(1, hours([1, 2]), sent_series("a"))
    broken.batch.readings.times.deltas = b"\0\0\0"
    assert await reason(sent(stub, opening(), broken)) == "MALFORMED_COLUMN"
    huge = batch(1, hours([1]), sent_series("a"))
    huge.batch.readings.reading_count = 2**30
    assert await reason(sent(stub, opening(), huge)) == "BATCH_TOO_LARGE"


@pytest.mark.parametrize(("counts", "lengths"), [((4, 2), [3, 2]), ((4, 2), [2**62, -(2**62) + 4]), ((4, 5), [1] * 5), ((-1, 0), [])])
async def test_runs_that_do_not_add_up_are_refused(stub: Any, counts: tuple[int, int], lengths: list[int]) -> None:
    request = batch(1, hours([1, 2, 3, 4]), sent_series("a"))
    readings = request.batch.readings
    readings.reading_count, readings.run_count = counts
    readings.run_lengths.first = lengths[0] if lengths else 0
    readings.run_lengths.width = 8 if len(lengths) > 1 else 0
    readings.run_lengths.deltas = np.diff(np.array(lengths, np.int64)).astype("<i8").tobytes()
    assert await reason(sent(stub, opening(), request)) == "MALFORMED_COLUMN"


async def test_a_series_without_readings_is_named_as_unknown(stub: Any) -> None:
    assert await reason(stored(stub, "b")) == "SERIES_UNKNOWN"
