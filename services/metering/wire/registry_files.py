"""Registry files: what is imported and exported, from the contract, and the report of an import to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar
from uuid import UUID

from metering.domain.registry.drafts import Refused
from metering.domain.registry.failures import Faults, FieldFault, MissingValue
from metering.domain.registry.reference_rows import ReferenceTable
from metering.wire.reference_rows import reference_table_from_proto
from multiflux.metering.v1 import registry_service_pb2 as pb
from vocabulary.failure import invalid

W = TypeVar("W", bound=Enum)

REFUSED_IN_ONE = 200
"""Refused rows in one response: with 2,000 characters each, it stays below 1 MiB."""


class Content(Enum):
    """What a registry file holds."""

    PLACES = 1
    METERING_POINTS = 2
    REFERENCE_ROWS = 3


class Format(Enum):
    """How a registry file is written."""

    CSV = 1
    GEOJSON = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class FileKind:
    """What a file holds, and how it is written; `table` is there for reference rows alone."""

    content: Content
    format: Format
    table: ReferenceTable | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportOrder:
    """An import: of what kind of file, whether to keep anything, and the UUID that the audit log names."""

    kind: FileKind
    is_rehearsal: bool
    request_id: str


@dataclass(kw_only=True, slots=True)
class ImportCounts:
    """How far an import is."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0


def file_kind_from_proto(message: pb.ImportDescription | pb.ExportRegistryRequest, path: str) -> FileKind:
    """Return the kind of file; what is wrong is gathered."""
    faults = Faults()
    content = faults.one(path, lambda m: _word(Content, m.content, "content"), message)
    written = faults.one(path, lambda m: _word(Format, m.format, "format"), message)
    table = None
    if content is Content.REFERENCE_ROWS:
        table = faults.one(path, lambda m: reference_table_from_proto(m.table, "table"), message)
        if written is Format.GEOJSON:
            faults.note(path, FieldFault("format", "reference rows are CSV only"))
    faults.refuse()
    if content is None or written is None:
        raise AssertionError("refused above")
    return FileKind(content=content, format=written, table=table)


def import_order_from_proto(request: pb.ImportRegistryRequest | None) -> ImportOrder:
    """Return the order in the first request of an import; InvalidRequest."""
    if request is None or not request.HasField("description"):
        raise invalid("description", "is required in the first request")
    description = request.description
    try:
        request_id = str(UUID(description.request_id))
    except ValueError:
        raise invalid("description.request_id", "must be a UUID") from None
    return ImportOrder(kind=file_kind_from_proto(description, "description"), is_rehearsal=description.validate_only, request_id=request_id)


def import_block_from_proto(request: pb.ImportRegistryRequest) -> bytes:
    """Return the bytes in a later request of an import; InvalidRequest."""
    if not request.HasField("block"):
        raise invalid("block", "only the first request describes the file")
    return request.block


def _word(words: type[W], number: int, field: str) -> W:
    if number == 0:
        raise MissingValue(field, "is required")
    try:
        return words(number)
    except ValueError:
        raise invalid(field, f"{number} is unknown here") from None


def import_reports(counts: ImportCounts, refused: Sequence[Refused], *, done: bool) -> Iterator[pb.ImportRegistryResponse]:
    """Yield the responses that report how far an import is, and the rows refused since the report before."""
    for first in range(0, max(len(refused), 1), REFUSED_IN_ONE):
        some = refused[first : first + REFUSED_IN_ONE]
        yield pb.ImportRegistryResponse(
            row_count=counts.rows,
            created_count=counts.created,
            updated_count=counts.updated,
            unchanged_count=counts.unchanged,
            refused_count=counts.refused,
            refused_rows=[_refused_to_proto(row) for row in some],
            done=done and first + REFUSED_IN_ONE >= len(refused),
        )


def _refused_to_proto(row: Refused) -> pb.RefusedRow:
    return pb.RefusedRow(line=row.line, column=row.column, reason=row.reason, description=row.description, row=row.row)
