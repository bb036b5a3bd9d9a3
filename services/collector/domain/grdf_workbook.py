"""Reads the workbooks (xlsx) of the GRDF customer space: one row per gas day.

Needs openpyxl, which is imported when a workbook is read and not before.
"""

import zipfile
import zlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from io import BytesIO

from collector.domain.grdf import GasRows, gas_block
from collector.domain.parsed import BrokenDocument, NotThisFormat, ParsedBlock
from collector.domain.table import folded
from vocabulary.failure import Failure, Kind

_LARGEST_BYTES = 200_000_000
"""Unpacked; a year of days takes 0.2 MB."""
_MOST_ROWS = 200_000
_HEADER_WITHIN = 30

_COLUMNS = {
    "starts": "date de releve",
    "indices_before": "index de debut de periode",
    "indices_after": "index de fin de periode",
    "energies": "energie consommee",
    "coefficients": "coefficient de conversion",
    "qualifications": "qualification du releve",
}
"""Field of GasRows → beginning of the folded name of its column; the unit follows in brackets."""


class MissingReader(Failure):
    """The optional package that reads workbooks is not installed."""

    reason, kind = "MISSING_READER", Kind.INVALID


class MissingMeter(Failure):
    """The file does not say of which meter it is, and nobody else did."""

    reason, kind = "MISSING_METER", Kind.INVALID


def parse_grdf_workbook(body: bytes, *, pce: str = "") -> ParsedBlock:
    """Return what the first sheet holds; rows are those of the sheet.

    `pce`: the meter; where it is empty, the sheet's own `N° PCE` counts. Raises BrokenDocument, NotThisFormat, MissingReader, MissingMeter.
    """
    rows = _rows(body)
    header = next((at for at, row in enumerate(rows[:_HEADER_WITHIN]) if _COLUMNS["starts"] in map(_folded, row)), None)
    if header is None:
        raise NotThisFormat("the workbook has no column 'Date de relevé'", format="grdf-xlsx")
    names = [_folded(cell) for cell in rows[header]]
    places = {name: next((at for at, cell in enumerate(names) if cell.startswith(begin)), None) for name, begin in _COLUMNS.items()}
    identifier = pce.strip() or _meter(rows[:header])
    if not identifier:
        raise MissingMeter("the workbook does not name its meter: give the PCE", format="grdf-xlsx")
    meter = GasRows(identifier=identifier)
    for number, row in enumerate(rows[header + 1 :], header + 2):
        cells = {name: "" if at is None or at >= len(row) else _text(row[at]) for name, at in places.items()}
        if any(cells.values()):
            for name, text in cells.items():
                getattr(meter, name).append(text)
            meter.ends.append(cells["starts"])
            meter.rows.append(number)
    return gas_block([meter], gas_days=True)


def _rows(body: bytes) -> list[Sequence[object]]:
    try:
        import openpyxl  # noqa: PLC0415 — optional weight
    except ImportError:
        raise MissingReader("install openpyxl to read workbooks", package="openpyxl") from None
    try:
        with zipfile.ZipFile(BytesIO(body)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _LARGEST_BYTES:
                raise BrokenDocument("the workbook is larger than any of GRDF", format="grdf-xlsx")
        book = openpyxl.load_workbook(BytesIO(body), read_only=True, data_only=True)
        rows: Iterable[Sequence[object]] = book.worksheets[0].iter_rows(values_only=True, max_row=_MOST_ROWS)
        return list(rows)
    # openpyxl lets through whatever a damaged archive or sheet makes its insides raise.
    except (zipfile.BadZipFile, zlib.error, ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, SyntaxError,
            TypeError, ValueError, AssertionError) as error:  # fmt: skip
        raise BrokenDocument(f"the workbook cannot be read: {type(error).__name__}", format="grdf-xlsx") from None


def _folded(cell: object) -> str:
    return folded(cell) if isinstance(cell, str) else ""


def _text(cell: object) -> str:
    """Return the text of a cell; a date is written as the text cells are."""
    if cell is None or isinstance(cell, bool):
        return ""
    if isinstance(cell, (date, datetime)):
        return cell.strftime("%d/%m/%Y")
    return str(cell).strip()


def _meter(rows: list[Sequence[object]]) -> str:
    """Return what stands behind `N° PCE :`, in the same cell or in the next one that is filled."""
    for row in rows:
        for at, cell in enumerate(row):
            if "pce" in _folded(cell).split():
                own = _text(cell).partition(":")[2].strip()
                return own or next((text for text in map(_text, row[at + 1 :]) if text), "")
    return ""
