"""Inventory files, in and out."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any
from uuid import UUID

from lighting.domain.failures import FileUnreadable
from lighting.domain.importing import Imported, checker, imported
from lighting.domain.ports import Shelf
from lighting.servicer.desk import Context, InventoryFiles, Methods, View, told
from multiflux.lighting.v1 import lighting_event_pb2
from multiflux.lighting.v1 import lighting_service_pb2 as pb
from runtime.changes import Transaction
from vocabulary.failure import invalid

_BLOCK = 1 << 20
_REFUSED_A_MESSAGE = 500
_SHELVES = {pb.INVENTORY_CONTENT_LUMINAIRES: Shelf.LUMINAIRE, pb.INVENTORY_CONTENT_CABINETS: Shelf.CABINET}


class FileMethods(Methods):
    """Inventory files."""

    async def ImportInventory(
        self, request_iterator: AsyncIterator[pb.ImportInventoryRequest], context: Context
    ) -> AsyncGenerator[pb.ImportInventoryResponse]:
        """Take a file: good rows are kept together, in one transaction, and every other is reported."""
        del context
        first, data = await self._received(request_iterator)
        shelf, files = self._files(first.content)
        if first.format not in files.rows:
            raise invalid("format", "is required")
        rows, view = files.rows[first.format](data), await self._view()
        found = await self._compute(lambda: _settled(view, shelf, files, rows))
        if not first.validate_only:
            await self._keep(shelf, found, first.request_id)
        counts = {"row_count": found.rows, "unchanged_count": found.unchanged}
        counts |= {"created_count": len(found.created), "updated_count": len(found.updated)}
        for start in range(0, max(len(found.refused), 1), _REFUSED_A_MESSAGE):
            refused = [
                pb.RefusedRow(line=row.line, column=row.column, reason=row.reason, description=row.description, row=row.row)
                for row in found.refused[start : start + _REFUSED_A_MESSAGE]
            ]
            yield pb.ImportInventoryResponse(refused_rows=refused, **counts)

    async def ExportInventory(self, request: pb.ExportInventoryRequest, context: Context) -> AsyncGenerator[pb.ExportInventoryResponse]:
        """Give a file that ImportInventory takes."""
        del context
        shelf, files = self._files(request.content)
        if request.format not in files.written:
            raise invalid("format", "is required")
        view = await self._view()
        values = [one for one in view.books.shelf(shelf) if view.reach.covers(view.estate, one)]
        data = await self._compute(lambda: files.written[request.format](values))
        for start in range(0, len(data), _BLOCK):
            yield pb.ExportInventoryResponse(block=data[start : start + _BLOCK])

    async def _keep(self, shelf: Shelf, found: Imported, request_id: str) -> None:
        def keep(transaction: Transaction) -> None:
            records = self._tools.records(transaction.connection, transaction.call.territory)
            for value in (*found.created, *found.updated):
                records.put(shelf, value.id, value, transaction.at)
            if found.created or found.updated:
                told(transaction, lighting_event_pb2.LIGHTING_CHANGE_INVENTORY, "")
            transaction.audit(
                resource=shelf.value, import_request=request_id, created=str(len(found.created)), updated=str(len(found.updated))
            )

        await self._tools.changes.unasked(keep)

    async def _received(self, requests: AsyncIterator[pb.ImportInventoryRequest]) -> tuple[pb.ImportInventoryRequest, bytes]:
        first: pb.ImportInventoryRequest | None = None
        data = bytearray()
        async for request in requests:
            first = first or request
            data += request.block
            if len(data) > self._tools.largest_file_bytes:
                raise FileUnreadable(
                    f"the file is larger than {self._tools.largest_file_bytes:,} bytes", most=str(self._tools.largest_file_bytes)
                )
        if first is None:
            raise invalid("content", "is required")
        try:
            UUID(first.request_id)
        except ValueError:
            raise invalid("request_id", "must be a UUID") from None
        return first, bytes(data)

    def _files(self, content: int) -> tuple[Shelf, InventoryFiles]:
        shelf = _SHELVES.get(pb.InventoryContent.ValueType(content))
        if shelf is None:
            raise invalid("content", "is required")
        return shelf, self._tools.files[shelf]


def _settled(view: View, shelf: Shelf, files: InventoryFiles, rows: Any) -> Imported:
    estate = view.estate
    cabinets: dict[str, Any] = {str(name): cabinet for name, cabinet in estate.cabinets.items()}
    luminaires: dict[str, Any] = {str(name): luminaire for name, luminaire in estate.luminaires.items()}
    known = luminaires if shelf is Shelf.LUMINAIRE else cabinets
    check = checker(cabinets if shelf is Shelf.LUMINAIRE else None, lambda value: view.reach.covers(estate, value))
    return imported(rows, files.value, known, check)
