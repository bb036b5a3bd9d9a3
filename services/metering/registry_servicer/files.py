"""Methods about registry files: rows in, a batch and a transaction at a time; rows out, a page at a time."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from tempfile import TemporaryFile
from typing import IO, Any, TypeVar

from metering.domain.registry.failures import FileRefused
from metering.domain.registry.places import Place
from metering.domain.registry.points import MeteringPoint
from metering.domain.registry.ports import PlaceFilter, PointFilter, RegistryFiles
from metering.domain.registry.reference_rows import ReferenceRow, ReferenceTable, day_key
from metering.domain.registry.territories import Territory
from metering.registry_servicer.desk import Context, Desk, Methods
from metering.registry_servicer.imports import Import
from metering.registry_servicer.sheets import PlaceSheet, PointSheet, RowSheet, Settled, Sheet
from metering.wire.places import place_from_document
from metering.wire.points import point_from_document
from metering.wire.registry_files import (
    Content,
    FileKind,
    ImportOrder,
    file_kind_from_proto,
    import_block_from_proto,
    import_order_from_proto,
)
from multiflux.metering.v1 import registry_service_pb2 as pb
from runtime.changes import Transaction
from vocabulary.civil import time_zone

T = TypeVar("T")

_ROWS_A_PAGE = 1_000
_BLOCK = 256 << 10

_Read = Callable[[Callable[[Desk], T]], T]


class FileMethods(Methods):
    """Registry files in and out."""

    async def ImportRegistry(  # noqa: N802
        self, request_iterator: AsyncIterator[pb.ImportRegistryRequest], context: Context
    ) -> AsyncGenerator[pb.ImportRegistryResponse]:
        """Import a file that is sent in blocks; a file that does not arrive whole changes nothing."""
        del context
        order = import_order_from_proto(await anext(request_iterator, None))
        territory = (await self._read(lambda desk: desk.facts())).value
        sheet = _sheet(order.kind, territory, self._tools.new_id)
        with TemporaryFile() as file:
            await _receive(request_iterator, file, self._tools.largest_file_bytes)
            rows = sheet.drafts(self._files(order.kind), file)
            run = Import(rows, lambda drafts, meanwhile: self._settle(sheet, drafts, order, meanwhile))
            async with aclosing(run.reports()) as reports:
                async for report in reports:
                    yield report

    async def _settle(self, sheet: Sheet[Any], drafts: Sequence[Any], order: ImportOrder, meanwhile: Callable[[], None]) -> Settled[Any]:
        """Keep one batch in a transaction of its own, or rehearse it."""

        def keep(transaction: Transaction) -> Settled[Any]:
            desk = self._change_desk(transaction, meanwhile)
            settled = sheet.settle(desk, drafts)
            transaction.audit(
                resource=f"territories/{desk.territory}",
                import_request=order.request_id,
                content=order.kind.content.name,
                created=str(settled.created),
                updated=str(settled.updated),
            )
            return settled

        if order.is_rehearsal:
            settled = await self._read(lambda desk: sheet.rehearse(desk.records, drafts))
        else:
            settled = await self._tools.changes.unasked(keep)
        settled.remember()
        return settled

    async def ExportRegistry(  # noqa: N802
        self, request: pb.ExportRegistryRequest, context: Context
    ) -> AsyncGenerator[pb.ExportRegistryResponse]:
        """Export a file that ImportRegistry takes."""
        del context
        kind = file_kind_from_proto(request, "")
        territory = (await self._read(lambda desk: desk.facts())).value
        loop = asyncio.get_running_loop()

        def read(question: Callable[[Desk], T]) -> T:
            # The writer runs in a thread, and its pages come through the event loop: only a page is in memory.
            return asyncio.run_coroutine_threadsafe(self._read(question), loop).result()

        blocks = _in_blocks(_written(self._files(kind), kind, territory, read))
        while (block := await asyncio.to_thread(next, blocks, None)) is not None:
            yield pb.ExportRegistryResponse(block=block)

    def _files(self, kind: FileKind) -> RegistryFiles:
        return self._tools.files[kind.format]


async def _receive(requests: AsyncIterator[pb.ImportRegistryRequest], file: IO[bytes], most: int) -> None:
    """Write the blocks to the file; FileRefused when there are more bytes than may be."""
    size = 0
    async for request in requests:
        block = import_block_from_proto(request)
        size += len(block)
        if size > most:
            raise FileRefused(f"the file is larger than {most:,} bytes: import it in parts", most=str(most))
        await asyncio.to_thread(file.write, block)
    file.seek(0)


def _sheet(kind: FileKind, territory: Territory, new_id: Callable[[], str]) -> Sheet[Any]:
    match kind.content:
        case Content.PLACES:
            return PlaceSheet(territory, new_id)
        case Content.METERING_POINTS:
            return PointSheet(territory, new_id)
        case Content.REFERENCE_ROWS:
            return RowSheet(territory, _table(kind))


def _table(kind: FileKind) -> ReferenceTable:
    if kind.table is None:
        raise AssertionError("the converter refuses reference rows without a table")
    return kind.table


def _written(files: RegistryFiles, kind: FileKind, territory: Territory, read: _Read[Any]) -> Iterator[bytes]:
    # A generator throughout: `read` waits for the event loop, so that nothing may run before a thread asks for the first block.
    zone = time_zone(territory.time_zone)
    match kind.content:
        case Content.PLACES:
            yield from files.written_places(_places(read), zone, territory.root_place)
        case Content.METERING_POINTS:
            yield from files.written_points(_points(read), zone)
        case Content.REFERENCE_ROWS:
            yield from files.written_rows(read(lambda desk: _own_rows(desk, _table(kind))), _table(kind))


def _places(read: _Read[Any]) -> Iterator[Sequence[Place]]:
    after = ""
    while True:
        page: list[Place] = read(
            lambda desk, after=after: [
                place_from_document(filed.document)
                for filed in desk.records.places.page(desk.territory, PlaceFilter(at=desk.at), desk.reach, after, _ROWS_A_PAGE)
            ]
        )
        if not page:
            return
        yield page
        after = page[-1].place_id


def _points(read: _Read[Any]) -> Iterator[Sequence[MeteringPoint]]:
    after = ""
    while True:
        page: list[MeteringPoint] = read(
            lambda desk, after=after: [
                point_from_document(filed.document)
                for filed in desk.records.points.page(desk.territory, PointFilter(at=desk.at), desk.reach, after, _ROWS_A_PAGE)
            ]
        )
        if not page:
            return
        yield page
        after = page[-1].point_id


def _own_rows(desk: Desk, table: ReferenceTable) -> list[ReferenceRow]:
    """Return the territory's own rows: starter rows come with every installation, and imported they would hide later ones."""
    own = [row for row in desk.records.rows.rows(table, desk.territory) if not row.starter]
    return sorted(own, key=lambda row: (row.key, day_key(row)))


def _in_blocks(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the parts, put together and cut to blocks of a good size for a message."""
    gathered = bytearray()
    for part in parts:
        gathered += part
        while len(gathered) >= _BLOCK:
            yield bytes(gathered[:_BLOCK])
            del gathered[:_BLOCK]
    if gathered:
        yield bytes(gathered)
