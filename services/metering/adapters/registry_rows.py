"""Rows of reference tables in the relational store."""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from enum import Enum
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from metering.adapters.registry_bulk import insert_rows
from metering.adapters.registry_tables import REFERENCE_ROW, STARTER_SET
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
from vocabulary.names import TerritoryId

_NOBODYS = ""
"""The territory of starter rows."""


class SqlRows:
    """The rows of reference tables, as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        """Work on the connection's transaction."""
        self._connection = connection

    def rows(self, table: ReferenceTable, territory: TerritoryId | None) -> list[ReferenceRow]:
        """Return the starter rows of a table, and those of a territory if one is given; in no order."""
        owners = [_NOBODYS] if territory is None else [_NOBODYS, territory]
        query = select(REFERENCE_ROW).where(REFERENCE_ROW.c.reference_table == table.value, REFERENCE_ROW.c.territory.in_(owners))
        return [_row_of(table, row) for row in self._connection.execute(query)]

    def save(self, territory: TerritoryId, rows: Sequence[ReferenceRow]) -> None:
        """Keep own rows of a territory; one of the same key and first day is replaced."""
        insert_rows(self._connection, REFERENCE_ROW, [_columns(territory, row) for row in rows], replace=True)

    def has_starter(self, version: str) -> bool:
        """Tell whether the starter rows are of this version."""
        return self._connection.execute(select(STARTER_SET.c.version)).scalar_one_or_none() == version

    def replace_starter(self, rows: Iterable[ReferenceRow], version: str) -> None:
        """Make these the starter rows."""
        self._connection.execute(delete(REFERENCE_ROW).where(REFERENCE_ROW.c.territory == _NOBODYS))
        insert_rows(self._connection, REFERENCE_ROW, [_columns(_NOBODYS, row) for row in rows])
        self._connection.execute(delete(STARTER_SET))
        self._connection.execute(STARTER_SET.insert(), {"version": version})


def _columns(territory: str, row: ReferenceRow) -> dict[str, Any]:
    names: Sequence[str] = type(row.content).__slots__  # pyright: ignore[reportAssignmentType] - a tuple of names in every dataclass
    content = {name: _plain(getattr(row.content, name)) for name in names}
    return {
        "territory": territory,
        "reference_table": row.table.value,
        "key": json.dumps(row.key, ensure_ascii=False),
        "first": row.first or date.min,
        "end": row.end,
        "content": json.dumps(content, ensure_ascii=False),
        "source": row.source,
    }


def _plain(value: object) -> object:
    return value.name if isinstance(value, Enum) else value


def _row_of(table: ReferenceTable, row: Row[Any]) -> ReferenceRow:
    return ReferenceRow(
        content=_content(table, json.loads(row.content)),
        first=None if row.first == date.min else row.first,
        end=row.end,
        source=row.source,
        starter=row.territory == _NOBODYS,
    )


def _content(table: ReferenceTable, kept: dict[str, Any]) -> Content:
    words: dict[str, type[Enum]] = {"flux": Flux, "component": PriceComponent, "unit": PriceUnit, "basis": CalorificBasis}
    values: dict[str, Any] = {name: words[name][value] if name in words and value is not None else value for name, value in kept.items()}
    match table:
        case ReferenceTable.TARIFF_PRICES:
            return TariffPrice(**values)
        case ReferenceTable.EMISSION_FACTORS:
            return EmissionFactor(**values)
        case ReferenceTable.GAS_COEFFICIENTS:
            return GasCoefficient(**values)
        case ReferenceTable.PUBLIC_HOLIDAYS:
            return PublicHoliday(**values)
        case ReferenceTable.SCHOOL_HOLIDAYS:
            return SchoolHoliday(**values)
