"""Events, kept beside the data that they tell about, watched in commit order and at least once."""

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from google.protobuf.message import Message
from sqlalchemy import Connection, Row, delete, func, select, text, update

from runtime.clock import Clock
from runtime.relational import Database, StoreBusy
from runtime.tables import RuntimeTables
from vocabulary.failure import Failure, Kind
from vocabulary.names import TerritoryId

_BATCH = 500
_TRIM_BATCH = 5_000
_POLL_S = 0.5
_CURSOR_BYTES = 24
_THIRTY_DAYS = timedelta(days=30)
_APPEND_LOCK = 0x6D66_6C75_7802
"""Any constant: PostgreSQL transactions that append events commit one after the other, in the order of their sequences."""


class CursorExpired(Failure):
    """Events after the cursor are gone: list everything anew, then watch from the cursor taken before."""

    reason, kind = "CURSOR_EXPIRED", Kind.CONFLICT


class CursorInvalid(Failure):
    """The cursor was not given by this store."""

    reason, kind = "CURSOR_INVALID", Kind.INVALID


class ServiceStopping(Failure):
    """The service is about to stop: watch again elsewhere, or soon."""

    reason, kind = "SERVICE_STOPPING", Kind.BUSY


@dataclass(frozen=True, kw_only=True, slots=True)
class Pending:
    """An event that a transaction is about to publish."""

    event: Message
    territory: TerritoryId


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """A published event: `payload` is a message of type `type_name`; `cursor` is where to go on after it."""

    event_id: str
    sequence: int
    cursor: str
    territory: TerritoryId
    type_name: str
    payload: bytes
    occurred: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
    """What one look at the table saw: everything up to `seen`."""

    rows: Sequence[Row[Any]]
    seen: int


class Outbox:
    """The events of one database."""

    def __init__(self, database: Database, tables: RuntimeTables, clock: Clock, *, retention: timedelta = _THIRTY_DAYS) -> None:
        """Keep events for `retention`."""
        self._database = database
        self._outbox = tables.outbox
        self._store = tables.outbox_store
        self._clock = clock
        self._retention = retention
        self._pulse = _Pulse(lambda: database.read_aside(self._newest))

    def append(self, connection: Connection, pending: Sequence[Pending]) -> None:
        """Publish the events with the transaction of `connection`: the last thing that it does."""
        if not pending:
            return
        if connection.dialect.name == "postgresql":
            # From here to the commit no other transaction appends: nobody can see a sequence before a smaller one is there.
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _APPEND_LOCK})
        occurred = self._clock.now()
        rows = [
            {
                "event_id": str(uuid4()),
                "territory": item.territory,
                "type_name": item.event.DESCRIPTOR.full_name,
                "payload": item.event.SerializeToString(),
                "occurred": occurred,
            }
            for item in pending
        ]
        connection.execute(self._outbox.insert(), rows)

    def wake(self) -> None:
        """Tell watchers in this process to look now; they look twice a second anyway, for what other processes publish."""
        self._pulse.beat()

    async def head(self) -> str:
        """Return the cursor after the newest event: take it before listing, then watch from it."""
        return await self._database.read(lambda connection: _cursor(self._store_id(connection), self._newest(connection)))

    async def watch(self, cursor: str, territory: TerritoryId | None) -> AsyncGenerator[Stored]:
        """Yield the events after `cursor` (empty: all that are kept), of one territory or of all, without end.

        Raises CursorInvalid, CursorExpired, and ServiceStopping when the service stops.
        """
        store_id = await self._database.read_aside(self._store_id)
        position = _sequence(cursor, store_id) if cursor else await self._database.read_aside(self._trimmed_through)
        while True:
            look = await self._database.read_aside(lambda connection, after=position: self._look(connection, after, territory))
            for row in look.rows:
                yield _stored(row, store_id)
            position = look.seen
            await self._pulse.beyond(position if len(look.rows) < _BATCH else position - 1)

    async def trim(self) -> int:
        """Remove events older than the retention; return how many."""
        trimmed = 0
        while (batch := await self._database.write(self._trim)) > 0:
            trimmed += batch
        return trimmed

    def stop(self) -> None:
        """End every watcher, now and later."""
        self._pulse.stop()

    def _store_id(self, connection: Connection) -> str:
        return connection.execute(select(self._store.c.store_id)).scalar_one()

    def _trimmed_through(self, connection: Connection) -> int:
        return connection.execute(select(self._store.c.trimmed_through)).scalar_one()

    def _newest(self, connection: Connection) -> int:
        newest = connection.execute(select(func.max(self._outbox.c.sequence))).scalar_one()
        return self._trimmed_through(connection) if newest is None else newest

    def _look(self, connection: Connection, after: int, territory: TerritoryId | None) -> _Look:
        newest = self._newest(connection)
        # A cursor from the future: this store was restored from a backup, and will give the same sequences to other events.
        if not self._trimmed_through(connection) <= after <= newest:
            raise CursorExpired("events after the cursor are gone: list everything anew")
        query = select(self._outbox).where(self._outbox.c.sequence > after).order_by(self._outbox.c.sequence).limit(_BATCH)
        if territory is not None:
            query = query.where(self._outbox.c.territory == territory)
        rows = connection.execute(query).all()
        return _Look(rows=rows, seen=rows[-1].sequence if len(rows) == _BATCH else newest)

    def _trim(self, connection: Connection) -> int:
        """Remove one batch of the events before the oldest that is still to be kept."""
        sequence, occurred = self._outbox.c.sequence, self._outbox.c.occurred
        oldest_kept = connection.execute(select(func.min(sequence)).where(occurred >= self._clock.now() - self._retention)).scalar_one()
        old = select(sequence).order_by(sequence).limit(_TRIM_BATCH)
        batch = connection.execute(old if oldest_kept is None else old.where(sequence < oldest_kept)).scalars().all()
        if batch:
            connection.execute(delete(self._outbox).where(sequence <= batch[-1]))
            connection.execute(update(self._store).values(trimmed_through=batch[-1]))
        return len(batch)


class _Pulse:
    """The newest sequence, looked up once for all watchers together: after each commit of this process, and twice a second."""

    def __init__(self, find_newest: Callable[[], Awaitable[int]]) -> None:
        self._find_newest = find_newest
        self._newest = 0
        self._beaten = asyncio.Event()
        self._look: asyncio.Task[None] | None = None
        self._stopped = False

    def beat(self) -> None:
        self._beaten.set()

    def stop(self) -> None:
        self._stopped = True
        self._beaten.set()

    async def beyond(self, sequence: int) -> None:
        """Return once there is an event after `sequence`; ServiceStopping."""
        while True:
            if self._stopped:
                raise ServiceStopping("the service is stopping: watch again soon")
            if self._newest > sequence:
                return
            if self._look is None or self._look.done():
                self._look = asyncio.create_task(self._look_soon())
            # Shielded: a watcher that goes away must not take the look from the others.
            await asyncio.shield(self._look)

    async def _look_soon(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_POLL_S):
                await self._beaten.wait()
        self._beaten.clear()
        with suppress(StoreBusy):
            self._newest = await self._find_newest()


def _stored(row: Row[Any], store_id: str) -> Stored:
    return Stored(
        event_id=row.event_id,
        sequence=row.sequence,
        cursor=_cursor(store_id, row.sequence),
        territory=TerritoryId(row.territory),
        type_name=row.type_name,
        payload=row.payload,
        occurred=row.occurred,
    )


def _cursor(store_id: str, sequence: int) -> str:
    return urlsafe_b64encode(bytes.fromhex(store_id) + sequence.to_bytes(8)).decode()


def _sequence(cursor: str, store_id: str) -> int:
    """Return the sequence after which `cursor` goes on."""
    try:
        decoded = urlsafe_b64decode(cursor)
    except ValueError:
        decoded = b""
    if len(decoded) != _CURSOR_BYTES or decoded[:16].hex() != store_id:
        raise CursorInvalid("the cursor was not given by this store")
    return int.from_bytes(decoded[16:])
