"""The dated tables that turn quantities into money, energy and greenhouse gas, and days into holidays."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum

from metering.domain.registry.failures import MissingValue, OutOfRange, OverlappingValidities, refuse
from metering.domain.registry.identifiers import check_number, check_text
from metering.domain.registry.territories import subdivision_fault
from vocabulary.flux import Flux

_CURRENCY = re.compile(r"[A-Z]{3}")
_MAX_PRICE_MICROS = 10**15
_MAX_GRAMS = 10_000_000
_CODE_LENGTH = 63


class ReferenceTable(Enum):
    """The tables."""

    TARIFF_PRICES = 1
    EMISSION_FACTORS = 2
    GAS_COEFFICIENTS = 3
    PUBLIC_HOLIDAYS = 4
    SCHOOL_HOLIDAYS = 5


class PriceComponent(Enum):
    """Which line of a bill a price is."""

    STANDING = 1
    COMMODITY = 2
    TAX = 3
    SEWERAGE = 4


class PriceUnit(Enum):
    """What a price or a factor is for."""

    KILOWATT_HOUR = 1
    CUBIC_METRE = 2
    MONTH = 3
    YEAR = 4


class CalorificBasis(Enum):
    """On which calorific value energy of a fuel is counted: gross is PCS, net is PCI."""

    GROSS = 1
    NET = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class TariffPrice:
    """One price of a tariff, without VAT, in millionths of the currency."""

    tariff: str
    flux: Flux
    component: PriceComponent
    tariff_slot: str = ""
    price_micros: int
    currency_code: str
    unit: PriceUnit
    vat_percent: float

    def __post_init__(self) -> None:
        """Refuse prices that no bill has."""
        refuse(
            None if self.tariff else MissingValue("tariff", "a price belongs to a tariff"),
            check_text("tariff", self.tariff, longest=_CODE_LENGTH),
            check_text("tariff_slot", self.tariff_slot, longest=_CODE_LENGTH),
            check_number("price_micros", self.price_micros, -_MAX_PRICE_MICROS, _MAX_PRICE_MICROS),
            None if _CURRENCY.fullmatch(self.currency_code) else OutOfRange("currency_code", "must be three capital letters (ISO 4217)"),
            check_number("vat_percent", self.vat_percent, 0, 100),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class EmissionFactor:
    """Grams of CO2 equivalent per unit; `basis` is None where it has no meaning."""

    flux: Flux
    usage: str
    grams_per_unit: float
    unit: PriceUnit
    basis: CalorificBasis | None = None
    method: str
    subdivision: str = ""

    def __post_init__(self) -> None:
        """Refuse factors that no flux has."""
        refuse(
            None if self.usage else MissingValue("usage", "for which usage, such as all"),
            None if self.method else MissingValue("method", "how it is made, such as life-cycle"),
            check_text("usage", self.usage, longest=_CODE_LENGTH),
            check_text("method", self.method, longest=_CODE_LENGTH),
            check_number("grams_per_unit", self.grams_per_unit, 0, _MAX_GRAMS),
            OutOfRange("unit", "must be an energy or a volume") if self.unit in {PriceUnit.MONTH, PriceUnit.YEAR} else None,
            subdivision_fault("subdivision", self.subdivision),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class GasCoefficient:
    """Watt-hours in a cubic metre of gas; an empty network is everywhere."""

    network: str
    wh_per_cubic_metre: float
    basis: CalorificBasis

    def __post_init__(self) -> None:
        """Refuse what is no natural gas: outside 8.5 to 13 kWh/m³."""
        refuse(
            check_text("network", self.network, longest=100),
            check_number("calorific_value_wh_per_cubic_metre", self.wh_per_cubic_metre, 8_500, 13_000),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicHoliday:
    """A day on which a subdivision (empty: the whole country) does not work."""

    subdivision: str
    display_name: str

    def __post_init__(self) -> None:
        """Refuse a holiday without a name."""
        refuse(_name_fault(self.display_name), subdivision_fault("subdivision", self.subdivision))


@dataclass(frozen=True, kw_only=True, slots=True)
class SchoolHoliday:
    """Days without school in a zone."""

    zone: str
    display_name: str

    def __post_init__(self) -> None:
        """Refuse a holiday without a zone or a name."""
        refuse(
            _name_fault(self.display_name),
            None if self.zone else MissingValue("zone", "in which zone"),
            check_text("zone", self.zone, longest=50),
        )


def _name_fault(display_name: str) -> MissingValue | OutOfRange | None:
    if not display_name:
        return MissingValue("display_name", "a holiday has a name")
    return None if len(display_name) <= 200 else OutOfRange("display_name", "at most 200 characters")  # noqa: PLR2004 - said so


Content = TariffPrice | EmissionFactor | GasCoefficient | PublicHoliday | SchoolHoliday


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferenceRow:
    """A row: what holds, from its `first` civil day up to, not including, its `end` (None: open), and where it comes from."""

    content: Content
    first: date | None = None
    end: date | None = None
    source: str
    starter: bool = False

    def __post_init__(self) -> None:
        """Refuse a row without a source, without days, and a holiday that is not one day or has no end."""
        refuse(
            None if self.source.strip() else MissingValue("source", "every figure says where it comes from"),
            check_text("source", self.source, longest=500),
        )
        if self.first is not None and self.end is not None and not self.first < self.end:
            raise OutOfRange("validity", f"from {self.first} to {self.end} there is no day")
        if isinstance(self.content, PublicHoliday) and (self.first is None or self.end is None or (self.end - self.first).days != 1):
            raise OutOfRange("validity", "a public holiday is one civil day")
        if isinstance(self.content, SchoolHoliday) and (self.first is None or self.end is None):
            raise OutOfRange("validity", "a school holiday has a first day and a day of return")

    @property
    def table(self) -> ReferenceTable:
        """The table that the row belongs to."""
        match self.content:
            case TariffPrice():
                return ReferenceTable.TARIFF_PRICES
            case EmissionFactor():
                return ReferenceTable.EMISSION_FACTORS
            case GasCoefficient():
                return ReferenceTable.GAS_COEFFICIENTS
            case PublicHoliday():
                return ReferenceTable.PUBLIC_HOLIDAYS
            case SchoolHoliday():
                return ReferenceTable.SCHOOL_HOLIDAYS

    @property
    def key(self) -> tuple[str, ...]:
        """What the row is about, without its days: rows of the same key follow each other in time."""
        match self.content:
            case TariffPrice() as price:
                return (price.tariff, price.flux.name, price.component.name, price.tariff_slot, price.unit.name)
            case EmissionFactor() as factor:
                return (
                    factor.flux.name,
                    factor.usage,
                    factor.method,
                    factor.unit.name,
                    factor.basis.name if factor.basis else "",
                    factor.subdivision,
                )
            case GasCoefficient() as coefficient:
                return (coefficient.network, coefficient.basis.name)
            case PublicHoliday() as holiday:
                return (holiday.subdivision, holiday.display_name)
            case SchoolHoliday() as holiday:
                return (holiday.zone, holiday.display_name)

    def holds(self, on: date) -> bool:
        """Tell whether the row holds on the civil day."""
        return (self.first is None or self.first <= on) and (self.end is None or on < self.end)


def day_key(row: ReferenceRow) -> date:
    """Return the day by which rows of one key are ordered."""
    return row.first or date.min


def effective(rows: Iterable[ReferenceRow]) -> list[ReferenceRow]:
    """Return what holds in a territory, by key and day: its own rows, and the starter rows where no own row of the same key holds.

    A starter price, factor or coefficient is cut to the days that own rows leave; a starter holiday goes altogether when an own holiday of
    the same key falls into the same year, because a holiday that was moved leaves no rest behind.
    """
    by_key: dict[tuple[str, ...], list[ReferenceRow]] = defaultdict(list)
    for row in rows:
        by_key[row.key].append(row)
    result: list[ReferenceRow] = []
    for key in sorted(by_key):
        own = sorted((row for row in by_key[key] if not row.starter), key=day_key)
        starters = [row for row in by_key[key] if row.starter]
        result += sorted([*own, *_left_by(own, starters)], key=day_key)
    return result


def _left_by(own: Sequence[ReferenceRow], starters: Sequence[ReferenceRow]) -> list[ReferenceRow]:
    if not own:
        return list(starters)
    if isinstance(own[0].content, PublicHoliday | SchoolHoliday):
        years = {day_key(row).year for row in own}
        return [row for row in starters if day_key(row).year not in years]
    left: list[ReferenceRow] = []
    for starter in starters:
        left += _without(starter, own)
    return left


def _without(row: ReferenceRow, own: Sequence[ReferenceRow]) -> list[ReferenceRow]:
    """Return the parts of the row's days that the own rows, which are in order, leave."""
    parts: list[ReferenceRow] = []
    first = row.first or date.min
    end = row.end or date.max
    for other in own:
        until = min(end, other.first or date.min)
        if first < until:
            parts.append(_on(row, first, until))
        first = max(first, other.end or date.max)
    if first < end:
        parts.append(_on(row, first, end))
    return parts


def _on(row: ReferenceRow, first: date, end: date) -> ReferenceRow:
    return replace(row, first=None if first == date.min else first, end=None if end == date.max else end)


def check_row(row: ReferenceRow, same_key: Sequence[ReferenceRow]) -> None:
    """Refuse a row whose days overlap those of another own row of the same key, that with the same first day excepted: it is replaced."""
    for other in same_key:
        if other.first == row.first:
            continue
        if (other.end is None or (row.first or date.min) < other.end) and (row.end is None or (other.first or date.min) < row.end):
            raise OverlappingValidities("validity", f"overlaps the row of the same key from {other.first or 'ever'}")
