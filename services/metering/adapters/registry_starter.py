"""The French starter set of reference tables: files shipped beside this module, and public holidays by the `holidays` package."""

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from metering.adapters.registry_row_cells import reference_row
from metering.domain.registry.reference_rows import PublicHoliday, ReferenceRow, ReferenceTable

_FOLDER = Path(__file__).parent / "starter"
_FILES = {
    ReferenceTable.TARIFF_PRICES: "tariff_prices.csv",
    ReferenceTable.EMISSION_FACTORS: "emission_factors.csv",
    ReferenceTable.GAS_COEFFICIENTS: "gas_coefficients.csv",
    ReferenceTable.SCHOOL_HOLIDAYS: "school_holidays.csv",
}
_YEARS = range(2015, 2036)
_SUBDIVISIONS = {
    "57": ("FR-57",),
    # Alsace is one authority of two departments, each of which a territory may name.
    "6AE": ("FR-6AE", "FR-67", "FR-68"),
    "971": ("FR-971",),
    "972": ("FR-972",),
    "973": ("FR-973",),
    "974": ("FR-974",),
    "976": ("FR-976",),
    "BL": ("FR-BL",),
    "MF": ("FR-MF",),
    "NC": ("FR-NC",),
    "PF": ("FR-PF",),
    "WF": ("FR-WF",),
}
"""Subdivisions with holidays of their own, by the package's code."""
_ONE_DAY = timedelta(days=1)


def starter_version() -> str:
    """Return what changes with any row of the set."""
    digest = sha256(version("holidays").encode())
    digest.update(Path(__file__).read_bytes())
    for name in _FILES.values():
        digest.update((_FOLDER / name).read_bytes())
    return digest.hexdigest()


@cache
def starter_rows() -> tuple[ReferenceRow, ...]:
    """Return the rows; a Failure would be a defect of the files."""
    return (*_shipped(), *_public_holidays())


def _shipped() -> Iterator[ReferenceRow]:
    for table, name in _FILES.items():
        with (_FOLDER / name).open(encoding="utf-8", newline="") as file:
            for cells in csv.DictReader(file):
                yield reference_row(cells, table, starter=True)


def _public_holidays() -> Iterator[ReferenceRow]:
    # Imported where it is needed: it loads the calendars of the whole world, and is needed once per installation.
    from holidays import country_holidays  # noqa: PLC0415

    everywhere = country_holidays("FR", years=_YEARS, language="fr")
    source = f"Code du travail L3133-1 and local law, as computed by holidays {version('holidays')} for Python"
    for day, name in sorted(everywhere.items()):
        yield _holiday("", name, day, source)
    for code, subdivisions in _SUBDIVISIONS.items():
        own = country_holidays("FR", subdiv=code, years=_YEARS, language="fr")
        for day, name in sorted(own.items()):
            if day not in everywhere:
                for subdivision in subdivisions:
                    yield _holiday(subdivision, name, day, source)


def _holiday(subdivision: str, name: str, day: date, source: str) -> ReferenceRow:
    content = PublicHoliday(subdivision=subdivision, display_name=name)
    return ReferenceRow(content=content, first=day, end=day + _ONE_DAY, source=source, starter=True)
