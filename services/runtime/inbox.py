"""Delivery without a broker: events wait in the consuming service's own database until their handler has taken them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, select, update

from runtime.clock import Clock
from runtime.consumer import Consumer
from runtime.events import Event
from runtime.handling import Handlers, Unhandled
from runtime.poisoned import Poisoned, Retries
from runtime.relational import Database, StoreBusy, StoreFull
from runtime.tables import DeliveryTables, RuntimeTables
from vocabulary.names import TerritoryId

_log = logging.getLogger(__name__)

_AT_ONCE = 256
_LOOK_S = 0.5


class Inbox:
    """The events of one queue in a database: kept when they come, handled when they are due."""

    def __init__(self, queue: str, database: Database, tables: DeliveryTables, clock: Clock, retries: Retries) -> None:
        """Keep events under `queue`."""
        self.queue = queue
        self._database = database
        self._table = tables.inbox_event
        self._clock = clock
        self._retries = retries
        self._arrived = asyncio.Event()

    async def run(
        self,
        handlers: Handlers,
        runtime: RuntimeTables,
        *,
        open_stream: Callable[[str], AsyncIterator[tuple[str, Event]]],
        on_expired: Callable[[], Awaitable[str]],
        away: tuple[type[Exception], ...] = (),
    ) -> None:
        """Take what the stream tells, and have it handled, until cancelled; the arguments are those of a Consumer."""

        def take(connection: Connection, event: Event) -> None:
            self.take(connection, event)
            self._arrived.set()

        consumer = Consumer(
            self.queue, self._database, runtime, open_stream=open_stream, apply=take, on_expired=on_expired, away=(OSError, *away)
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(consumer.run())
            tasks.create_task(self._work(handlers))

    def take(self, connection: Connection, event: Event) -> None:
        """Keep an event until it is handled; one that waits already waits on."""
        if connection.execute(select(self._table.c.event_id).where(*self._is(event.event_id))).first() is not None:
            return
        row: dict[str, object] = {
            "queue": self.queue,
            "event_id": event.event_id,
            "territory": event.territory,
            "type_name": event.type_name,
            "payload": event.payload,
            "occurred": event.occurred,
            "failures": 0,
            "due": self._clock.now(),
            "reason": "",
        }
        connection.execute(self._table.insert(), row)

    async def handle_due(self, handlers: Handlers) -> int:
        """Have what is due handled; return how many events that was."""
        rows = await self._database.read(self._due)
        if rows:
            unhandled = await handlers.handle([_event(row) for row in rows])
            await self._database.write(lambda connection: self._settle(connection, rows, unhandled))
        return len(rows)

    async def poisoned(self) -> list[Poisoned]:
        """Return the events that failed too often, in the order of their ids."""
        query = select(self._table).where(self._table.c.queue == self.queue, self._table.c.due.is_(None)).order_by(self._table.c.event_id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [Poisoned(queue=self.queue, event=_event(row), reason=row.reason, failures=row.failures) for row in rows]

    async def replay(self, event_ids: Sequence[str] | None = None) -> int:
        """Try poisoned events again as if they were new, all or some; return how many."""
        again = update(self._table).where(self._table.c.queue == self.queue, self._table.c.due.is_(None))
        if event_ids is not None:
            again = again.where(self._table.c.event_id.in_(event_ids))
        values = {"due": self._clock.now(), "failures": 0}
        return await self._database.write(lambda connection: connection.execute(again.values(values)).rowcount)

    async def _work(self, handlers: Handlers) -> None:
        while True:
            self._arrived.clear()
            try:
                found = await self.handle_due(handlers)
            except (StoreBusy, StoreFull) as failure:
                _log.warning("inbox waits", extra={"queue": self.queue, "reason": failure.reason})
                found = 0
            if not found:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_S):
                        await self._arrived.wait()

    def _due(self, connection: Connection) -> Sequence[Row[Any]]:
        due = self._table.c.due
        query = select(self._table).where(self._table.c.queue == self.queue, due <= self._clock.now()).order_by(due).limit(_AT_ONCE)
        return connection.execute(query).all()

    def _settle(self, connection: Connection, rows: Sequence[Row[Any]], unhandled: Sequence[Unhandled]) -> None:
        failed = {one.event.event_id: one for one in unhandled}
        done = [row.event_id for row in rows if row.event_id not in failed]
        connection.execute(delete(self._table).where(self._table.c.queue == self.queue, self._table.c.event_id.in_(done)))
        for row in rows:
            one = failed.get(row.event_id)
            if one is not None:
                failures = row.failures if one.transient else row.failures + 1
                after = self._retries.pause(failures, transient=one.transient)
                values = {"failures": failures, "reason": one.reason, "due": None if after is None else self._clock.now() + after}
                connection.execute(update(self._table).where(*self._is(row.event_id)).values(values))

    def _is(self, event_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return self._table.c.queue == self.queue, self._table.c.event_id == event_id


def _event(row: Row[Any]) -> Event:
    return Event(
        event_id=row.event_id,
        territory=TerritoryId(row.territory),
        type_name=row.type_name,
        payload=row.payload,
        occurred=row.occurred,
    )
