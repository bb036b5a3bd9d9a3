"""Events from an outbox to the handlers of another service: the same promises without a broker and through RabbitMQ."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Protocol
from uuid import uuid4

import psutil
import pytest
from google.protobuf.wrappers_pb2 import BytesValue, Int64Value, StringValue
from kombu.messaging import Producer
from sqlalchemy import Connection, func, select

from runtime.broker import BrokerAway, DeadQueue, QueueMissing, RabbitmqPublisher, connection_to
from runtime.clock import SystemClock
from runtime.events import BrokerAddress, Event
from runtime.handling import Handlers
from runtime.inbox import Inbox
from runtime.outbox import Outbox, Pending
from runtime.poisoned import Poisoned, Retries
from runtime.relational import StoreBusy
from runtime.relay import relay, stored_events
from runtime.worker import Worker, Working
from vocabulary.names import TerritoryId

TOWN = TerritoryId("town")
EFFECT, JOB = StringValue.DESCRIPTOR.full_name, BytesValue.DESCRIPTOR.full_name
RETRIES = Retries(pauses=(timedelta(milliseconds=200), timedelta(milliseconds=300)))


@dataclass
class Consuming:
    """A service that handles events: texts become notes in its database; what it is told to fail at fails."""

    store: Any
    queue: str
    failing: set[str] = field(default_factory=set[str])
    away: set[str] = field(default_factory=set[str])
    tries: list[str] = field(default_factory=list[str])
    jobs: list[str] = field(default_factory=list[str])
    hang: asyncio.Event = field(default_factory=asyncio.Event)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)

    def handlers(self) -> Handlers:
        return Handlers(
            self.queue, self.store.database, self.store.delivery, SystemClock(), effects={EFFECT: self._effect}, jobs={JOB: self._job}
        )

    async def notes(self) -> list[str]:
        return sorted((await self.store.notes()).values())

    def _effect(self, connection: Connection, events: Sequence[Event]) -> None:
        note = self.store.note
        number = connection.execute(select(func.coalesce(func.max(note.c.id), 0))).scalar_one()
        for at, event in enumerate(events, start=number + 1):
            said = StringValue.FromString(event.payload).value
            self._try(said)
            connection.execute(note.insert().values(id=at, text=said))

    async def _job(self, event: Event) -> None:
        said = BytesValue.FromString(event.payload).value.decode()
        self._try(said)
        if said == "hang":
            self.hanging.set()
            await self.hang.wait()
        self.jobs.append(said)

    def _try(self, said: str) -> None:
        self.tries.append(said)
        if said in self.failing:
            raise ValueError(said)
        if said in self.away:
            raise StoreBusy("away")


class Delivery(Protocol):
    """A way from an outbox to the handlers of a service."""

    def running(self) -> Any:
        """Deliver inside the block."""
        ...

    async def repeat(self) -> None:
        """Deliver again what was delivered, as after a crash at a bad moment."""
        ...

    async def poisoned(self) -> list[Poisoned]: ...

    async def replay(self, event_ids: Sequence[str] | None = None) -> int: ...


@dataclass
class Embedded:
    outbox: Outbox
    consuming: Consuming

    @property
    def inbox(self) -> Inbox:
        return Inbox(self.consuming.queue, self.consuming.store.database, self.consuming.store.delivery, SystemClock(), RETRIES)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        run = self.inbox.run(
            self.consuming.handlers(),
            self.consuming.store.tables,
            open_stream=partial(stored_events, self.outbox),
            on_expired=_from_the_oldest,
        )
        async with _running(run):
            yield

    async def repeat(self) -> None:
        table = self.consuming.store.tables.consumer_cursor
        await self.consuming.store.database.write(lambda connection: connection.execute(table.delete()))

    async def poisoned(self) -> list[Poisoned]:
        return await self.inbox.poisoned()

    async def replay(self, event_ids: Sequence[str] | None = None) -> int:
        return await self.inbox.replay(event_ids)


@dataclass
class Brokered:
    outbox: Outbox
    source: Any
    consuming: Consuming
    address: BrokerAddress
    workers: int = 1

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            for _ in range(self.workers):
                worker = Worker("probe", [self.consuming.handlers()], working(self.address))
                await stack.enter_async_context(_running(worker.run()))
            await stack.enter_async_context(self.relaying())
            yield

    @asynccontextmanager
    async def relaying(self) -> AsyncGenerator[None]:
        publisher = RabbitmqPublisher(self.address)
        relaying = relay(
            self.consuming.queue,
            self.source.database,
            self.source.tables,
            publisher,
            SystemClock(),
            open_stream=partial(stored_events, self.outbox),
            missed_matter=False,
        )
        async with _running(relaying.run()):
            yield
        publisher.close()

    async def repeat(self) -> None:
        table = self.source.tables.consumer_cursor
        await self.source.database.write(lambda connection: connection.execute(table.update().values(cursor="")))

    async def poisoned(self) -> list[Poisoned]:
        return await DeadQueue(self.address, self.consuming.queue).poisoned()

    async def replay(self, event_ids: Sequence[str] | None = None) -> int:
        return await DeadQueue(self.address, self.consuming.queue).replay(event_ids)


def working(address: BrokerAddress) -> Working:
    return Working(address=address, max_workers=2, drain_s=10, retries=RETRIES)


@asynccontextmanager
async def _running(work: Awaitable[None]) -> AsyncGenerator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _from_the_oldest() -> str:
    return ""


@pytest.fixture
def source(open_store: Callable[[str], Any], tmp_path: Any) -> Any:
    """The database of the service that publishes."""
    return open_store(f"sqlite:///{tmp_path}/source.sqlite")


@pytest.fixture
def outbox(source: Any) -> Outbox:
    return Outbox(source.database, source.tables, SystemClock())


@pytest.fixture
def consuming(store: Any) -> Consuming:
    return Consuming(store, f"probe-{uuid4().hex}")


@pytest.fixture(params=["embedded", pytest.param("rabbitmq", marks=pytest.mark.server)])
def delivery(request: pytest.FixtureRequest, outbox: Outbox, consuming: Consuming) -> Delivery:
    return Embedded(outbox, consuming) if request.param == "embedded" else request.getfixturevalue("brokered")


@pytest.fixture
def brokered(outbox: Outbox, source: Any, consuming: Consuming, rabbitmq: Any) -> Iterator[Brokered]:
    yield Brokered(outbox, source, consuming, BrokerAddress(url=rabbitmq.url))
    with connection_to(rabbitmq.url, None) as connection:
        # Otherwise it would take the events of the next test before that one's own queue is there.
        connection.default_channel.queue_delete(consuming.queue)


async def publish(source: Any, outbox: Outbox, *texts: str, job: bool = False) -> None:
    pending = [Pending(event=BytesValue(value=each.encode()) if job else StringValue(value=each), territory=TOWN) for each in texts]
    await source.database.write(lambda connection: outbox.append(connection, pending))
    outbox.wake()


async def until(said: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await said():  # noqa: ASYNC110 - databases and brokers tell
            await asyncio.sleep(0.05)


async def notes_are(consuming: Consuming, *expected: str) -> None:
    async def there() -> bool:
        return len(await consuming.notes()) >= len(expected)

    await until(there)
    assert await consuming.notes() == sorted(expected)


async def test_every_event_takes_effect_once(delivery: Delivery, consuming: Consuming, source: Any, outbox: Outbox) -> None:
    texts = [f"{number:04}" for number in range(700)]
    async with delivery.running():
        await publish(source, outbox, *texts[:500])
        await publish(source, outbox, *texts[500:])
        await notes_are(consuming, *texts)
    assert await delivery.poisoned() == []


async def test_events_wait_for_handlers_that_are_away(delivery: Delivery, consuming: Consuming, source: Any, outbox: Outbox) -> None:
    async with delivery.running():
        await publish(source, outbox, "before")
        await notes_are(consuming, "before")
    await publish(source, outbox, "while away")
    async with delivery.running():
        await notes_are(consuming, "before", "while away")


async def test_what_is_delivered_again_has_no_further_effect(delivery: Delivery, consuming: Consuming, source: Any, outbox: Outbox) -> None:
    async with delivery.running():
        await publish(source, outbox, "one", "two")
        await publish(source, outbox, "work", job=True)
        await notes_are(consuming, "one", "two")
        await until(partial(_done, consuming, "work"))
    await delivery.repeat()
    async with delivery.running():
        await publish(source, outbox, "three")
        await notes_are(consuming, "one", "three", "two")
    assert consuming.jobs == ["work"]


async def test_an_event_that_fails_holds_up_no_other_and_is_poisoned_after_some_tries(
    delivery: Delivery, consuming: Consuming, source: Any, outbox: Outbox
) -> None:
    consuming.failing |= {"bad", "bad work"}
    async with delivery.running():
        await publish(source, outbox, "one", "bad", "two")
        await publish(source, outbox, "bad work", "good work", job=True)
        await notes_are(consuming, "one", "two")
        await until(partial(_poisoned, delivery, 2))
    found = await delivery.poisoned()
    assert sorted((one.event.type_name, one.event.territory, one.reason, one.failures) for one in found) == [
        (JOB, TOWN, "ValueError", 3),
        (EFFECT, TOWN, "ValueError", 3),
    ]
    assert consuming.tries.count("bad work") == 3
    assert consuming.jobs == ["good work"]


async def test_poisoned_events_are_replayed_one_or_all(delivery: Delivery, consuming: Consuming, source: Any, outbox: Outbox) -> None:
    consuming.failing |= {"first", "second", "third"}
    async with delivery.running():
        await publish(source, outbox, "first", "second", "third", "well")
        await until(partial(_poisoned, delivery, 3))
        consuming.failing.clear()
        chosen = next(one.event for one in await delivery.poisoned() if StringValue.FromString(one.event.payload).value == "second")
        assert await delivery.replay([chosen.event_id, "nobody"]) == 1
        await notes_are(consuming, "second", "well")
        assert len(await delivery.poisoned()) == 2
        assert await delivery.replay() == 2
        await notes_are(consuming, "first", "second", "third", "well")
    assert await delivery.poisoned() == []
    assert await delivery.replay() == 0


async def test_an_event_whose_handler_lacks_something_is_never_poisoned(
    delivery: Delivery, consuming: Consuming, source: Any, outbox: Outbox
) -> None:
    consuming.away.add("patient")

    async def tried_often() -> bool:
        return consuming.tries.count("patient") > 2 * len(RETRIES.pauses)

    async with delivery.running():
        await publish(source, outbox, "patient")
        await until(tried_often)
        consuming.away.clear()
        await notes_are(consuming, "patient")
    assert await delivery.poisoned() == []


async def test_work_that_was_cut_off_is_done_again(delivery: Delivery, consuming: Consuming, source: Any, outbox: Outbox) -> None:
    async with delivery.running():
        await publish(source, outbox, "hang", job=True)
        await asyncio.wait_for(consuming.hanging.wait(), 60)
        for child in psutil.Process().children():
            if "runtime.nameko_worker" in child.cmdline():
                child.kill()
    assert consuming.jobs == []
    consuming.hang.set()
    async with delivery.running():
        await until(partial(_done, consuming, "hang"))
    assert consuming.jobs == ["hang"]


async def test_an_event_of_an_unknown_type_is_poisoned(delivery: Delivery, consuming: Consuming, source: Any, outbox: Outbox) -> None:
    handlers = consuming.handlers()
    strange = Event(event_id="strange", territory=TOWN, type_name="strange", payload=b"", occurred=SystemClock().now())
    assert [(one.reason, one.transient) for one in await handlers.handle([strange])] == [("NO_HANDLER", False)]
    del delivery, source, outbox


async def test_handled_ids_are_forgotten_after_a_while(consuming: Consuming) -> None:
    handlers = consuming.handlers()
    event = Event(
        event_id="one", territory=TOWN, type_name=EFFECT, payload=StringValue(value="x").SerializeToString(), occurred=SystemClock().now()
    )
    await handlers.handle([event, event])
    assert await consuming.notes() == ["x"]
    assert await handlers.trim(timedelta(days=1)) == 0
    assert await handlers.trim(timedelta()) == 1


@pytest.mark.server
async def test_workers_share_a_queue(brokered: Brokered, consuming: Consuming, source: Any, outbox: Outbox) -> None:
    brokered.workers = 2
    texts = [f"{number:04}" for number in range(2_000)]
    async with brokered.running():
        for start in range(0, len(texts), 100):
            await publish(source, outbox, *texts[start : start + 100])
        await notes_are(consuming, *texts)


@pytest.mark.server
async def test_publishing_a_change_waits_for_no_broker_and_nothing_is_lost_while_it_is_away(
    brokered: Brokered, consuming: Consuming, source: Any, outbox: Outbox, rabbitmq: Any
) -> None:
    async with brokered.running():
        await publish(source, outbox, "before")
        await notes_are(consuming, "before")
        rabbitmq.kill()
        async with asyncio.timeout(5):
            await publish(source, outbox, "away 1", "away 2")
        await asyncio.to_thread(rabbitmq.start)
        await notes_are(consuming, "away 1", "away 2", "before")


@pytest.mark.server
async def test_events_that_no_queue_takes_are_not_let_go(brokered: Brokered) -> None:
    publisher = RabbitmqPublisher(brokered.address)
    lonely = Event(event_id="lonely", territory=TOWN, type_name=Int64Value.DESCRIPTOR.full_name, payload=b"", occurred=SystemClock().now())
    for _ in range(2):
        with pytest.raises(QueueMissing):
            await publisher.publish([lonely])
    publisher.close()


async def test_a_broker_that_is_away_is_a_named_failure(free_port: int) -> None:
    away = BrokerAddress(url=f"amqp://guest@127.0.0.1:{free_port}//")
    publisher = RabbitmqPublisher(away)
    event = Event(event_id="one", territory=TOWN, type_name=EFFECT, payload=b"", occurred=SystemClock().now())
    for asked in (publisher.publish([event]), DeadQueue(away, "probe").poisoned(), DeadQueue(away, "probe").replay()):
        with pytest.raises(BrokerAway) as caught:
            await asked
        assert caught.value.reason == "BROKER_AWAY"
    publisher.close()


@pytest.mark.server
async def test_a_message_that_is_no_batch_is_poisoned_and_said_to_be(brokered: Brokered, consuming: Consuming) -> None:
    async with brokered.running():
        with connection_to(brokered.address.uri, None) as connection:

            async def taken() -> bool:
                producer = Producer(connection.channel(), auto_declare=False)
                sent: dict[str, Any] = {"content_type": "application/data", "content_encoding": "binary", "mandatory": True}
                with suppress(Exception):
                    producer.publish(b"\xff\xff", exchange="", routing_key=consuming.queue, **sent)
                    return True
                return False

            await until(taken)
        await until(partial(_poisoned, brokered, 1))
        [found] = await brokered.poisoned()
    assert (found.reason, found.event.payload) == ("BATCH_UNREADABLE", b"\xff\xff")
    assert found.event.event_id.startswith("unreadable-")


async def _poisoned(delivery: Any, count: int) -> bool:
    return len(await delivery.poisoned()) >= count


async def _done(consuming: Consuming, job: str) -> bool:
    return job in consuming.jobs
