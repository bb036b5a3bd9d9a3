"""One import under way: rows decided a batch at a time; rows that wait for others further down are tried again at the end."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from itertools import islice
from typing import Generic, TypeVar

from metering.domain.registry.drafts import Refused
from metering.domain.registry.importing import AnyDraft, refused
from metering.registry_servicer.sheets import Settled
from metering.wire.registry_files import ImportCounts, import_reports
from multiflux.metering.v1 import registry_service_pb2 as pb
from vocabulary.failure import Failure

D = TypeVar("D", bound=AnyDraft)

ROWS_A_TRANSACTION = 5_000


class Import(Generic[D]):
    """An import: reads `rows`, gives them to `settle`, and reports."""

    def __init__(self, rows: Iterator[D | Refused], settle: Callable[[Sequence[D], Callable[[], None]], Awaitable[Settled[D]]]) -> None:
        """Start with the first row; `settle` calls its second argument when the store works and rows can be read."""
        self._loop = asyncio.get_running_loop()
        self._at_work = asyncio.Event()
        self._rows = rows
        self._settle = settle
        self._counts = ImportCounts()
        self._waiting: list[tuple[D, Failure]] = []

    async def reports(self) -> AsyncGenerator[pb.ImportRegistryResponse]:
        """Import all rows; yield how far it is after each batch, and at the end."""
        async with aclosing(self._batches()) as batches:
            async for batch in batches:
                for report in import_reports(self._counts, await self._decide(batch), done=False):
                    yield report
        while self._waiting:
            found = await self._try_again()
            for report in import_reports(self._counts, found, done=False):
                yield report
        for report in import_reports(self._counts, [], done=True):
            yield report

    async def _batches(self) -> AsyncGenerator[list[D | Refused]]:
        """Yield the rows in batches, each read while the store works on the one before."""
        reading = asyncio.create_task(self._read())
        try:
            while batch := await reading:
                self._at_work.clear()
                reading = asyncio.create_task(self._read_meanwhile())
                yield batch
                self._at_work.set()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read_meanwhile(self) -> list[D | Refused]:
        await self._at_work.wait()
        return await self._read()

    async def _read(self) -> list[D | Refused]:
        return await asyncio.to_thread(lambda: list(islice(self._rows, ROWS_A_TRANSACTION)))

    def _meanwhile(self) -> None:
        # Called in the store's thread.
        self._loop.call_soon_threadsafe(self._at_work.set)

    async def _decide(self, batch: Sequence[D | Refused]) -> list[Refused]:
        """Settle rows that were just read; return those that are refused."""
        self._counts.rows += len(batch)
        unreadable = [row for row in batch if isinstance(row, Refused)]
        self._counts.refused += len(unreadable)
        settled = await self._settled([row for row in batch if not isinstance(row, Refused)])
        return sorted([*unreadable, *settled.refused], key=lambda row: row.line)

    async def _try_again(self) -> list[Refused]:
        """Settle the rows that wait; when none of them moves on, refuse them all."""
        # Backwards: in a file whose children all stand before their parents, each row then finds its parent at once.
        again, self._waiting = self._waiting[::-1], []
        found: list[Refused] = []
        moved_on = False
        for first in range(0, len(again), ROWS_A_TRANSACTION):
            settled = await self._settled([draft for draft, _ in again[first : first + ROWS_A_TRANSACTION]])
            found += settled.refused
            moved_on |= settled.moved_on
        if not moved_on:
            found = [refused(draft, failure) for draft, failure in self._waiting]
            self._counts.refused += len(found)
            self._waiting = []
        return sorted(found, key=lambda row: row.line)

    async def _settled(self, drafts: Sequence[D]) -> Settled[D]:
        if not drafts:
            return Settled()
        settled = await self._settle(drafts, self._meanwhile)
        self._counts.created += settled.created
        self._counts.updated += settled.updated
        self._counts.unchanged += settled.unchanged
        self._counts.refused += len(settled.refused)
        self._waiting += settled.waiting
        return settled
