"""The dated tables of prices, factors, coefficients and holidays, as the registry tells it."""

from dataclasses import dataclass
from enum import Enum

from vocabulary.flux import Flux
from vocabulary.interval import Validity


class ReferenceTable(Enum):
    """One of the dated tables."""

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
    """What a price or factor is for."""

    KILOWATT_HOUR = 1
    CUBIC_METRE = 2
    MONTH = 3
    YEAR = 4


class CalorificBasis(Enum):
    """On which calorific value energy of a fuel is counted."""

    GROSS = 1
    NET = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class TariffPrice:
    """One price of a tariff, without VAT, in millionths of the currency per unit."""

    tariff: str
    flux: Flux
    component: PriceComponent
    tariff_slot: str = ""
    price_micros: int
    currency_code: str
    unit: PriceUnit
    vat_percent: float


@dataclass(frozen=True, kw_only=True, slots=True)
class EmissionFactor:
    """Grams of CO2 equivalent per unit consumed."""

    flux: Flux
    usage: str
    grams_per_unit: float
    unit: PriceUnit
    basis: CalorificBasis | None = None
    method: str = ""
    subdivision: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class GasCoefficient:
    """Energy in a cubic metre of gas."""

    network: str = ""
    calorific_value_wh_per_cubic_metre: float
    basis: CalorificBasis | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicHoliday:
    """A public holiday; its row's validity is one civil day."""

    subdivision: str = ""
    display_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SchoolHoliday:
    """A school holiday of one zone."""

    zone: str
    display_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferenceRow:
    """One row, of the kind of its table, with when it holds and where it comes from."""

    tariff_price: TariffPrice | None = None
    emission_factor: EmissionFactor | None = None
    gas_coefficient: GasCoefficient | None = None
    public_holiday: PublicHoliday | None = None
    school_holiday: SchoolHoliday | None = None
    validity: Validity = Validity()
    source: str
    starter: bool = False
