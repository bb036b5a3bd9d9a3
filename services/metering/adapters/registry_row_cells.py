"""Rows of reference tables as rows of cells."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from metering.adapters.registry_cells import decimal, optional_word, whole, word, written_word, wrong
from metering.adapters.registry_place_cells import read_cell
from metering.domain.registry.reference_rows import (
    CalorificBasis,
    Content,
    EmissionFactor,
    GasCoefficient,
    PriceComponent,
    PriceUnit,
    PublicHoliday,
    ReferenceRow,
    ReferenceTable,
    SchoolHoliday,
    TariffPrice,
)
from vocabulary.flux import Flux

_UTC = ZoneInfo("UTC")
_ONE_DAY = timedelta(days=1)
_DAYS = ("valid_from", "valid_until", "source")

_Read = Callable[[str, ZoneInfo], Any]


def _text(cell: str, _: ZoneInfo) -> str:
    return cell


def _in(words: type[Enum]) -> _Read:
    read = word(words)
    return lambda cell, _: read(cell)


_CONTENTS: Mapping[ReferenceTable, tuple[type[Content], Mapping[str, _Read]]] = {
    ReferenceTable.TARIFF_PRICES: (
        TariffPrice,
        {
            "tariff": _text,
            "flux": _in(Flux),
            "component": _in(PriceComponent),
            "tariff_slot": _text,
            "price_micros": lambda cell, _: whole(_needed(cell)),
            "currency_code": _text,
            "unit": _in(PriceUnit),
            "vat_percent": lambda cell, _: decimal(cell),
        },
    ),
    ReferenceTable.EMISSION_FACTORS: (
        EmissionFactor,
        {
            "flux": _in(Flux),
            "usage": _text,
            "grams_per_unit": lambda cell, _: decimal(cell),
            "unit": _in(PriceUnit),
            "basis": lambda cell, _: optional_word(CalorificBasis)(cell),
            "method": _text,
            "subdivision": _text,
        },
    ),
    ReferenceTable.GAS_COEFFICIENTS: (
        GasCoefficient,
        {"network": _text, "wh_per_cubic_metre": lambda cell, _: decimal(cell), "basis": _in(CalorificBasis)},
    ),
    ReferenceTable.PUBLIC_HOLIDAYS: (PublicHoliday, {"subdivision": _text, "display_name": _text}),
    ReferenceTable.SCHOOL_HOLIDAYS: (SchoolHoliday, {"zone": _text, "display_name": _text}),
}


def columns(table: ReferenceTable) -> tuple[str, ...]:
    """Return the columns of a table's files."""
    own = tuple(_CONTENTS[table][1])
    if table is ReferenceTable.PUBLIC_HOLIDAYS:
        return ("subdivision", "date", "display_name", "source")
    return (*own, *_DAYS)


def reference_row(cells: Mapping[str, str], table: ReferenceTable, *, starter: bool = False) -> ReferenceRow:
    """Return the row that the cells say; a FieldFault names the column that is wrong. A column that the file lacks is empty."""
    kind, readers = _CONTENTS[table]
    values = {name: read_cell(name, read, cells.get(name, ""), _UTC) for name, read in readers.items()}
    if table is ReferenceTable.PUBLIC_HOLIDAYS:
        first = read_cell("date", lambda cell, _: _day(_needed(cell)), cells.get("date", ""), _UTC)
        end = first + _ONE_DAY
    else:
        first, end = (read_cell(name, lambda cell, _: _day(cell), cells.get(name, ""), _UTC) for name in _DAYS[:2])
    return ReferenceRow(content=kind(**values), first=first, end=end, source=cells.get("source", "").strip(), starter=starter)


def _needed(cell: str) -> str:
    if not cell.strip():
        raise wrong("is required")
    return cell


def _day(cell: str) -> date | None:
    text = cell.strip()
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise wrong(f"{cell!r} is not a date such as 2026-01-31") from None


def row_cells(row: ReferenceRow) -> dict[str, str]:
    """Return the cells of a row, by column."""
    cells = {name: _written(getattr(row.content, name)) for name in _CONTENTS[row.table][1]}
    days = {"valid_from": _written(row.first), "valid_until": _written(row.end), "date": _written(row.first), "source": row.source}
    return {name: cells.get(name, days.get(name, "")) for name in columns(row.table)}


def _written(value: object) -> str:
    match value:
        case None:
            return ""
        case Enum():
            return written_word(value)
        case date():
            return value.isoformat()
        case _:
            return str(value)
