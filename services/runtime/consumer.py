"""A consumer of another service's events: effect and cursor in one transaction, so that each event takes effect once."""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Generic, TypeVar

import grpc
from sqlalchemy import Connection, select, update

from runtime.outbox import CursorExpired, CursorInvalid
from runtime.relational import Database
from runtime.statuses import failure_details
from runtime.tables import RuntimeTables
from vocabulary.failure import Failure, Kind

_log = logging.getLogger(__name__)

E = TypeVar("E")
T = TypeVar("T")

_BATCH = 256
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 30.0
_NEEDS_RESYNC = frozenset({CursorExpired.reason, CursorInvalid.reason})


class CursorMoved(Failure):
    """Another process consumes under the same name and was faster."""

    reason, kind = "CURSOR_MOVED", Kind.BUSY


class Consumer(Generic[E]):
    """Applies the events of one stream to a service's database, in order, each once, whatever is killed in between.

    `open_stream(cursor)` yields events, each with the cursor after it, and fails with a Failure or one of `away`.
    `apply` changes the database by one event; a Failure makes the consumer wait and try again, for no event is skipped.
    `on_expired` lists everything anew, at the first start, and where events were missed for too long or the other store is another one,
    and returns the cursor from which to go on, which it took before it listed; empty: from the oldest event kept.
    """

    def __init__(
        self,
        name: str,
        database: Database,
        tables: RuntimeTables,
        *,
        open_stream: Callable[[str], AsyncIterator[tuple[str, E]]],
        apply: Callable[[Connection, E], None],
        on_expired: Callable[[], Awaitable[str]],
        away: tuple[type[Exception], ...] = (grpc.RpcError,),
        first: Callable[[Sequence[E]], Awaitable[None]] | None = None,
    ) -> None:
        """Keep the cursor under `name`; `away` is how the source fails, besides Failure, when asking again later may help.

        `first` does with a batch what is to be done outside of the transaction and before it; it fails as the source does.
        """
        self._away = (*away, Failure)
        self._name = name
        self._database = database
        self._table = tables.consumer_cursor
        self._open_stream = open_stream
        self._apply = apply
        self._on_expired = on_expired
        self._first = first
        self._pause_s = _FIRST_PAUSE_S

    async def run(self) -> None:
        """Consume until cancelled; a source that is away is asked again, less and less often."""
        while True:
            try:
                await self.consume()
            except self._away as error:
                reason = _reason(error)
                _log.warning("events wait", extra={"consumer": self._name, "reason": reason})
                if reason in _NEEDS_RESYNC:
                    await self._resync()
            # The random part keeps many consumers from coming back at once.
            await asyncio.sleep(random.uniform(0, self._pause_s))  # noqa: S311 - no secret
            self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)

    async def consume(self) -> None:
        """Consume until the stream ends or fails."""
        cursor = await self._database.read(self._stored_cursor)
        if cursor is None:
            # Whoever comes late finds what is older than the oldest event in the list alone.
            cursor = await self._on_expired()
            await self._database.write(lambda connection, first=cursor: self._begin(connection, first))
        async with aclosing(_batches(self._open_stream(cursor))) as batches:
            async for batch in batches:
                if self._first is not None:
                    await self._first([event for _, event in batch])
                cursor = await self._database.write(lambda connection, batch=batch, before=cursor: self._take(connection, before, batch))
                self._pause_s = _FIRST_PAUSE_S

    async def _resync(self) -> None:
        try:
            cursor = await self._on_expired()
            await self._database.write(lambda connection: self._move(connection, cursor))
        except self._away as error:
            _log.warning("resync failed", extra={"consumer": self._name, "reason": _reason(error)})

    def _stored_cursor(self, connection: Connection) -> str | None:
        return connection.execute(select(self._table.c.cursor).where(self._table.c.consumer == self._name)).scalar_one_or_none()

    def _begin(self, connection: Connection, cursor: str) -> None:
        if self._stored_cursor(connection) is None:
            connection.execute(self._table.insert().values(consumer=self._name, cursor=cursor))

    def _take(self, connection: Connection, before: str, batch: Sequence[tuple[str, E]]) -> str:
        for _, event in batch:
            self._apply(connection, event)
        after = batch[-1][0]
        self._move(connection, after, before=before)
        return after

    def _move(self, connection: Connection, cursor: str, *, before: str | None = None) -> None:
        statement = update(self._table).where(self._table.c.consumer == self._name).values(cursor=cursor)
        if before is not None:
            statement = statement.where(self._table.c.cursor == before)
        if connection.execute(statement).rowcount != 1:
            raise CursorMoved(f"another process consumes as {self._name}", consumer=self._name)


async def _batches(stream: AsyncIterator[T]) -> AsyncGenerator[list[T]]:
    """Yield what has arrived, one item or many, without waiting for more; ends, or fails, as the stream does."""
    queue: asyncio.Queue[T] = asyncio.Queue(_BATCH)

    async def fill() -> None:
        async for item in stream:
            await queue.put(item)

    filling = asyncio.create_task(fill())
    getting = asyncio.create_task(queue.get())
    try:
        while True:
            await asyncio.wait({getting, filling}, return_when=asyncio.FIRST_COMPLETED)
            if not getting.done():
                break
            batch = [getting.result()]
            while not queue.empty():
                batch.append(queue.get_nowait())
            getting = asyncio.create_task(queue.get())
            yield batch
        filling.result()
    finally:
        filling.cancel()
        getting.cancel()
        await asyncio.gather(filling, getting, return_exceptions=True)


def _reason(error: Exception) -> str:
    """Return the reason that the source gave, else what kind of error it was."""
    if isinstance(error, grpc.RpcError):
        details = failure_details(error)
        return details.reason or details.code.name
    return str(getattr(error, "reason", type(error).__name__))
