"""How events leave a service and reach handlers, as its settings say: through RabbitMQ and workers, or through an inbox of its own."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

from runtime.clock import Clock
from runtime.events import Event
from runtime.handling import Handlers
from runtime.inbox import Inbox
from runtime.outbox import Outbox
from runtime.poisoned import PoisonedEvents
from runtime.relational import Database
from runtime.relay import relay, stored_events
from runtime.settings import ServiceSettings
from runtime.tables import DeliveryTables, RuntimeTables
from runtime.worker import Worker, Working
from vocabulary.failure import Failure, Kind


class ExtraMissing(Failure):
    """The settings ask for what is not installed."""

    reason, kind = "EXTRA_MISSING", Kind.CONFLICT


class NoBroker(Failure):
    """A worker without a broker has nothing to do: the service itself handles its events."""

    reason, kind = "NO_BROKER", Kind.CONFLICT


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivering:
    """What a service runs beside its server, and closes at its end, so that events are delivered."""

    tasks: tuple[Callable[[], Coroutine[Any, Any, None]], ...] = ()
    closers: tuple[Callable[[], Awaitable[None] | None], ...] = ()


def published(
    settings: ServiceSettings,
    source: str,
    database: Database,
    tables: RuntimeTables,
    clock: Clock,
    open_stream: Callable[[str], AsyncIterator[tuple[str, Event]]],
    *,
    missed_matter: bool = True,
) -> Delivering:
    """Publish a stream as `source` for workers; where there is no broker, nobody needs that. ExtraMissing.

    `missed_matter`: whether those who handle the events are to know where some were missed.
    """
    if settings.broker is None:
        return Delivering()
    _check_installed()
    from runtime.broker import RabbitmqPublisher  # noqa: PLC0415 - installed for the scaled-out form alone

    publisher = RabbitmqPublisher(settings.broker)
    publishing = relay(source, database, tables, publisher, clock, open_stream=open_stream, missed_matter=missed_matter)
    return Delivering(tasks=(publishing.run,), closers=(publisher.close,))


def own_work(
    settings: ServiceSettings,
    handlers: Handlers,
    database: Database,
    tables: RuntimeTables,
    delivery: DeliveryTables,
    outbox: Outbox,
    clock: Clock,
) -> Delivering:
    """Have what a service publishes for itself handled: by its workers, or in an inbox where there is no broker. ExtraMissing."""
    stream = partial(stored_events, outbox)
    if settings.broker is not None:
        return published(settings, handlers.queue, database, tables, clock, stream, missed_matter=False)
    inbox = Inbox(handlers.queue, database, delivery, clock, settings.retries)
    return Delivering(tasks=(partial(inbox.run, handlers, tables, open_stream=stream, on_expired=_from_the_oldest),))


def worker(settings: ServiceSettings, handlers: Sequence[Handlers]) -> Worker:
    """Return a worker for the queues of `handlers`; NoBroker, ExtraMissing."""
    if settings.broker is None:
        raise NoBroker("a worker needs a broker: set MULTIFLUX_BROKER_URL; without one the service handles its events itself")
    _check_installed()
    working = Working(
        address=settings.broker,
        max_workers=settings.broker_messages,
        drain_s=settings.drain_s,
        retries=settings.retries,
        log_level=settings.log_level,
    )
    return Worker(settings.service_name(), handlers, working)


def poisoned_events(settings: ServiceSettings, queue: str, database: Database, delivery: DeliveryTables, clock: Clock) -> PoisonedEvents:
    """Return where the events of a queue are that failed too often; ExtraMissing."""
    if settings.broker is None:
        return Inbox(queue, database, delivery, clock, settings.retries)
    _check_installed()
    from runtime.broker import DeadQueue  # noqa: PLC0415 - as above

    return DeadQueue(settings.broker, queue)


def _check_installed() -> None:
    for needed in ("kombu", "nameko"):
        # What is imported need not be looked for; kombu then has no spec any more.
        if needed not in sys.modules and find_spec(needed) is None:
            raise ExtraMissing(f"a broker is set, but {needed} is not installed: install multiflux[rabbitmq]", package=needed)


async def _from_the_oldest() -> str:
    return ""
