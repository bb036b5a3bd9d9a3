"""RabbitMQ: which exchange and queues there are, publishing with confirms, and the messages that nobody could handle.

Only the extra `rabbitmq` brings what this needs. kombu is untyped: what it gives is annotated where it enters.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

import asyncio
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from itertools import groupby
from typing import Any

from amqp.exceptions import AMQPError
from kombu.connection import Connection
from kombu.entity import Exchange, Queue, binding
from kombu.exceptions import KombuError
from kombu.messaging import Producer

from runtime.events import BatchUnreadable, BrokerAddress, Event, batch_from_bytes, batch_to_proto
from runtime.poisoned import Poisoned, Retries
from vocabulary.failure import Failure, Kind
from vocabulary.names import TerritoryId

EXCHANGE = Exchange("multiflux.events", type="topic", durable=True)
FAILURES, REASON, FAILED = "failures", "reason", "failed"
"""Headers of a message with one event that has failed: how often, why last, and when (ISO 8601)."""

AWAY = (OSError, AMQPError, KombuError)
"""How the broker fails when trying again later may help."""
_CONNECT_S = 5
_CONFIRM_S = 30.0
_PERSISTENT = 2
_MESSAGE_BYTES = 1 << 20


class BrokerAway(Failure):
    """The broker cannot be reached, or did not confirm: nothing is lost, it is tried again."""

    reason, kind = "BROKER_AWAY", Kind.BUSY


class QueueMissing(Failure):
    """No queue takes these events: none of the workers that would handle them has ever run."""

    reason, kind = "QUEUE_MISSING", Kind.BUSY


def connection_to(uri: str, tls: Mapping[str, Any] | None) -> Connection:
    """Return a connection, not yet made, that waits for confirms."""
    given: Any = False if tls is None else tls
    return Connection(uri, ssl=given, connect_timeout=_CONNECT_S, transport_options={"confirm_publish": True})


def queue_of(name: str, type_names: Sequence[str]) -> Queue:
    """Return the queue of a kind of worker, which takes events of some types."""
    return Queue(name, bindings=[binding(EXCHANGE, routing_key=one) for one in type_names], durable=True)


def declare(connection: Connection, name: str, type_names: Sequence[str], retries: Retries) -> None:
    """Make the queue, those in which failed events wait, and the one of those that failed too often."""
    channel: Any = connection.channel()
    EXCHANGE(channel).declare()
    for queue in (queue_of(name, type_names), Queue(_dead(name), durable=True), *_waiting(name, retries)):
        queue(channel).declare()
    channel.close()


def set_aside(producer: Producer, name: str, body: bytes, failed: Mapping[str, Any], pause_ms: int | None) -> None:
    """Send one event that failed to where it waits for its next try, or to where it stays; returns once the broker has it."""
    _send(producer, body, "", _dead(name) if pause_ms is None else _waiting_name(name, pause_ms), failed)


class RabbitmqPublisher:
    """Publishes events, in a thread of its own: whatever the broker does, nothing else waits for it."""

    def __init__(self, address: BrokerAddress) -> None:
        """Connect when there is something to publish."""
        self._address = address
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="broker")
        self._connection: Connection | None = None
        self._returned = list[str]()

    async def publish(self, events: Sequence[Event]) -> None:
        """Return once the broker keeps all of them; BrokerAway, QueueMissing."""
        await asyncio.get_running_loop().run_in_executor(self._executor, self._publish, list(events))

    def close(self) -> None:
        """Finish what is under way, and end the connection."""
        self._executor.submit(self._drop)
        self._executor.shutdown()

    def _publish(self, events: list[Event]) -> None:
        try:
            producer = self._producer()
            for type_name, same in groupby(events, key=lambda event: event.type_name):
                for batch in _bounded(same):
                    _send(producer, batch_to_proto(batch).SerializeToString(), EXCHANGE.name, type_name, {})
        except AWAY as error:
            self._drop()
            raise BrokerAway("the broker cannot be reached, or did not confirm") from error
        if self._returned:
            type_name = self._returned[0]
            self._drop()
            raise QueueMissing(f"no queue takes {type_name}", type_name=type_name)

    def _producer(self) -> Producer:
        if self._connection is None:
            self._connection = connection_to(self._address.uri, self._address.tls)
            self._connection.ensure_connection(max_retries=1, timeout=_CONNECT_S)
            EXCHANGE(self._channel_of(self._connection)).declare()
        return Producer(self._channel_of(self._connection), on_return=self._on_return, auto_declare=False)

    @staticmethod
    def _channel_of(connection: Connection) -> Any:
        return connection.default_channel

    def _on_return(self, _error: object, _exchange: str, routing_key: str, _message: object) -> None:
        self._returned.append(routing_key)

    def _drop(self) -> None:
        self._returned.clear()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.collect()


class DeadQueue:
    """The events of one queue that failed too often."""

    def __init__(self, address: BrokerAddress, queue: str) -> None:
        """Look at the broker when asked."""
        self._address = address
        self._queue = queue

    async def poisoned(self) -> list[Poisoned]:
        """Return them, in the order in which they were given up; BrokerAway."""
        return await asyncio.to_thread(self._poisoned)

    async def replay(self, event_ids: Sequence[str] | None = None) -> int:
        """Send all or some of them to their queue again, as if they were new; return how many. BrokerAway."""
        return await asyncio.to_thread(self._replay, event_ids)

    def _poisoned(self) -> list[Poisoned]:
        with self._opened() as channel:
            # None is acknowledged: when the channel closes, all of them are back in their place.
            return [_poisoned(self._queue, message) for message in _all_of(channel, _dead(self._queue))]

    def _replay(self, event_ids: Sequence[str] | None) -> int:
        chosen, replayed = None if event_ids is None else frozenset(event_ids), 0
        with self._opened() as channel:
            producer = Producer(channel, auto_declare=False)
            for message in _all_of(channel, _dead(self._queue)):
                if chosen is None or _poisoned(self._queue, message).event.event_id in chosen:
                    _send(producer, message.body, "", self._queue, {})
                    message.ack()
                    replayed += 1
        return replayed

    @contextmanager
    def _opened(self) -> Generator[Any]:
        try:
            with connection_to(self._address.uri, self._address.tls) as connection:
                connection.ensure_connection(max_retries=1, timeout=_CONNECT_S)
                channel: Any = connection.channel()
                Queue(_dead(self._queue), durable=True)(channel).declare()
                yield channel
        except AWAY as error:
            raise BrokerAway("the broker cannot be reached") from error


def _bounded(events: Iterable[Event]) -> Iterator[list[Event]]:
    """Yield the events in batches of which none is large, unless one event alone is."""
    batch, size = list[Event](), 0
    for event in events:
        if batch and size + len(event.payload) > _MESSAGE_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += len(event.payload)
    yield batch


def _dead(name: str) -> str:
    return f"{name}.dead"


def _waiting_name(name: str, pause_ms: int) -> str:
    return f"{name}.retry.{pause_ms}ms"


def _waiting(name: str, retries: Retries) -> Iterator[Queue]:
    """Yield a queue for each pause: what has been in it for so long goes back to the queue of the workers."""
    for pause_ms in retries.pauses_ms:
        back = {"x-message-ttl": pause_ms, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": name}
        yield Queue(_waiting_name(name, pause_ms), durable=True, queue_arguments=back)


def _send(producer: Producer, body: bytes, exchange: str, routing_key: str, headers: Mapping[str, Any]) -> None:
    producer.publish(
        body,
        exchange=exchange,
        routing_key=routing_key,
        headers=dict(headers),
        content_type="application/data",
        content_encoding="binary",
        delivery_mode=_PERSISTENT,
        mandatory=True,
        confirm_timeout=_CONFIRM_S,
    )


def _all_of(channel: Any, queue: str) -> Iterator[Any]:
    """Yield the messages that are in a queue now."""
    bound = Queue(queue, durable=True)(channel)
    for _ in range(channel.queue_declare(queue, passive=True).message_count):
        message = bound.get(accept=["application/data"])
        if message is None:
            return
        yield message


def _poisoned(queue: str, message: Any) -> Poisoned:
    headers: dict[str, Any] = message.headers
    try:
        (event,) = batch_from_bytes(message.body)
    except (BatchUnreadable, ValueError):
        event = Event(
            event_id=f"unreadable-{sha256(message.body).hexdigest()[:16]}",
            territory=TerritoryId(""),
            type_name="",
            payload=message.body,
            occurred=datetime.fromisoformat(headers[FAILED]).astimezone(UTC),
        )
    return Poisoned(queue=queue, event=event, reason=str(headers.get(REASON, "")), failures=int(headers.get(FAILURES, 0)))
