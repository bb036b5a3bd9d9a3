"""Registry files as CSV: UTF-8 with or without a mark, comma or semicolon, quoted cells, a header in line 1."""

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, TypeVar
from zoneinfo import ZoneInfo

from metering.adapters import registry_place_cells, registry_point_cells, registry_row_cells
from metering.domain.registry.drafts import MAX_ROW_CHARACTERS, PlaceDraft, PointDraft, Refused, RowDraft
from metering.domain.registry.failures import FileRefused, MalformedRow
from metering.domain.registry.importing import refused
from metering.domain.registry.places import Place
from metering.domain.registry.points import MeteringPoint
from metering.domain.registry.reference_rows import ReferenceRow, ReferenceTable
from vocabulary.failure import Failure
from vocabulary.names import PlaceId

D = TypeVar("D", PlaceDraft, PointDraft, RowDraft)

_BLOCK = 1 << 20
_MAX_CELL = 1 << 20
_MAX_HEADER = 10_000
_ROWS_A_BLOCK = 500


class CsvFiles:
    """Reads and writes registry files as CSV."""

    def places(self, file: IO[bytes], zone: ZoneInfo) -> Iterator[PlaceDraft | Refused]:
        """Yield the rows of a file of places; FileRefused."""

        def draft(line: int, row: str, cells: Mapping[str, str]) -> PlaceDraft:
            fields = registry_place_cells.place_fields(cells, zone)
            return PlaceDraft(line=line, row=row, id=cells.get("id", "").strip(), fields=fields)

        return _drafts(file, registry_place_cells.COLUMNS, draft)

    def points(self, file: IO[bytes], zone: ZoneInfo) -> Iterator[PointDraft | Refused]:
        """Yield the rows of a file of metering points; FileRefused."""

        def draft(line: int, row: str, cells: Mapping[str, str]) -> PointDraft:
            fields = registry_point_cells.point_fields(cells, zone)
            return PointDraft(line=line, row=row, id=cells.get("id", "").strip(), fields=fields)

        return _drafts(file, registry_point_cells.COLUMNS, draft)

    def rows(self, file: IO[bytes], table: ReferenceTable) -> Iterator[RowDraft | Refused]:
        """Yield the rows of a file of one reference table; FileRefused."""

        def draft(line: int, row: str, cells: Mapping[str, str]) -> RowDraft:
            return RowDraft(line=line, row=row, content=registry_row_cells.reference_row(cells, table))

        return _drafts(file, registry_row_cells.columns(table), draft)

    def written_places(self, places: Iterator[Sequence[Place]], zone: ZoneInfo, root: PlaceId) -> Iterator[bytes]:
        """Yield the bytes of a file of these places."""
        pages = ([registry_place_cells.place_cells(place, zone, root) for place in page] for page in places)
        return _written(registry_place_cells.COLUMNS, pages)

    def written_points(self, points: Iterator[Sequence[MeteringPoint]], zone: ZoneInfo) -> Iterator[bytes]:
        """Yield the bytes of a file of these points."""
        pages = ([registry_point_cells.point_cells(point, zone) for point in page] for page in points)
        return _written(registry_point_cells.COLUMNS, pages)

    def written_rows(self, rows: Sequence[ReferenceRow], table: ReferenceTable) -> Iterator[bytes]:
        """Yield the bytes of a file of these rows."""
        starts = range(0, len(rows), _ROWS_A_BLOCK)
        pages = ([registry_row_cells.row_cells(row) for row in rows[start : start + _ROWS_A_BLOCK]] for start in starts)
        return _written(registry_row_cells.columns(table), pages)


def _written(columns: Sequence[str], pages: Iterable[Sequence[Mapping[str, str]]]) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for page in pages:
        writer.writerows([cells[column] for column in columns] for cells in page)
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
    if text.tell():
        yield text.getvalue().encode()


class _Lines:
    """The lines of a text, remembering those that the row being read takes."""

    def __init__(self, text: Iterable[str]) -> None:
        self._text = iter(text)
        self.taken: list[str] = []
        self.number = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._text)
        self.number += 1
        self.taken.append(line)
        return line

    def row(self) -> tuple[int, str]:
        """Return the first line and the text of the row that was just read, and forget it."""
        first = self.number - len(self.taken) + 1
        text = "".join(self.taken).rstrip("\r\n")[:MAX_ROW_CHARACTERS]
        self.taken.clear()
        return first, text


def _drafts(file: IO[bytes], columns: Sequence[str], draft: Callable[[int, str, Mapping[str, str]], D]) -> Iterator[D | Refused]:
    _check_encoding(file)
    # The limit is the module's own and 128 KiB by default: less than an outline may take.
    csv.field_size_limit(_MAX_CELL)
    lines = _Lines(line.decode() for line in file)
    header, delimiter = _header(lines, columns)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            line, row = lines.row()
            yield _malformed(line, row, str(error))
            continue
        line, row = lines.row()
        if cells:
            yield _draft(line, row, header, cells, draft)


def _draft(
    line: int, row: str, header: Sequence[str], cells: Sequence[str], draft: Callable[[int, str, Mapping[str, str]], D]
) -> D | Refused:
    if len(cells) != len(header):
        return _malformed(line, row, f"has {len(cells)} cells, not {len(header)}")
    try:
        return draft(line, row, dict(zip(header, cells, strict=True)))
    except Failure as failure:
        return refused(_AsRead(line, row), failure)


def _malformed(line: int, row: str, description: str) -> Refused:
    return refused(_AsRead(line, row), MalformedRow("", description))


class _AsRead:
    """A row that nobody could read further."""

    def __init__(self, line: int, row: str) -> None:
        self.line = line
        self.row = row


def _check_encoding(file: IO[bytes]) -> None:
    """Refuse a file that is not UTF-8 before anything of it is imported."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    file.seek(0)
    try:
        while block := file.read(_BLOCK):
            decoder.decode(block)
            line += block.count(b"\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        line += bytes(error.object)[: error.start].count(b"\n")
        raise FileRefused(f"line {line} is not UTF-8", line=str(line)) from None
    file.seek(0)


def _header(lines: _Lines, columns: Sequence[str]) -> tuple[list[str], str]:
    try:
        first = next(lines).removeprefix("\ufeff")
    except StopIteration:
        raise FileRefused("the file is empty: line 1 names the columns", line="1") from None
    delimiter = ";" if first.count(";") > first.count(",") else ","
    try:
        header = [name.strip().lower() for row in csv.reader([first[:_MAX_HEADER]], delimiter=delimiter, strict=True) for name in row]
    except csv.Error as error:
        raise FileRefused(f"line 1 cannot be read: {error}", line="1") from None
    lines.row()
    check_columns(header, columns)
    return header, delimiter


def check_columns(header: Sequence[str], columns: Sequence[str]) -> None:
    """Refuse a header with a column that there is not, or with one twice."""
    for name in header:
        if name not in columns:
            raise FileRefused(f"there is no column {name!r}, but {', '.join(columns)}", line="1", column=name)
        if header.count(name) > 1:
            raise FileRefused(f"the column {name!r} stands there twice", line="1", column=name)
    if not header:
        raise FileRefused("line 1 names no column", line="1")
