"""The relay from an outbox to the broker: reads on from its cursor, publishes, and keeps the cursor once the broker has confirmed."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import uuid4

from sqlalchemy import Connection

from multiflux.runtime.v1 import delivery_pb2 as pb
from runtime.clock import Clock
from runtime.consumer import Consumer
from runtime.events import EVENTS_MISSED, Event
from runtime.outbox import Outbox, Stored
from runtime.relational import Database
from runtime.tables import RuntimeTables
from vocabulary.names import TerritoryId


class Publisher(Protocol):
    """What events are published with."""

    async def publish(self, events: Sequence[Event]) -> None:
        """Return once all of them are kept by others; a Failure: some or none are, so publish them again."""
        ...


def relay(
    source: str,
    database: Database,
    tables: RuntimeTables,
    publisher: Publisher,
    clock: Clock,
    *,
    open_stream: Callable[[str], AsyncIterator[tuple[str, Event]]],
    missed_matter: bool,
) -> Consumer[Event]:
    """Return what publishes the events of a stream: at least once, in order, beside all calls and in nobody's way.

    Where events were missed, and at the first start, that is published in their place, as `runtime.events.EVENTS_MISSED` of `source`, if it
    matters to those who handle them.
    """

    async def missed() -> str:
        if missed_matter:
            await publisher.publish([_missed(source, clock.now())])
        return ""

    def nothing(connection: Connection, event: Event) -> None:
        del connection, event

    return Consumer(f"relay/{source}", database, tables, open_stream=open_stream, apply=nothing, on_expired=missed, first=publisher.publish)


async def stored_events(outbox: Outbox, cursor: str) -> AsyncIterator[tuple[str, Event]]:
    """Yield the events of an outbox of this process, each with the cursor after it."""
    async for stored in outbox.watch(cursor, None):
        yield stored.cursor, _event(stored)


def is_missed_from(event: Event, source: str) -> bool:
    """Tell whether an event says that some of `source` were missed."""
    return event.type_name == EVENTS_MISSED and pb.EventsMissed.FromString(event.payload).source == source


def _missed(source: str, at: datetime) -> Event:
    return Event(
        event_id=str(uuid4()),
        territory=TerritoryId(""),
        type_name=EVENTS_MISSED,
        payload=pb.EventsMissed(source=source).SerializeToString(),
        occurred=at,
    )


def _event(stored: Stored) -> Event:
    return Event(
        event_id=stored.event_id,
        territory=stored.territory,
        type_name=stored.type_name,
        payload=stored.payload,
        occurred=stored.occurred,
    )
