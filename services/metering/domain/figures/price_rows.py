"""Rows of the reference tables made into what bills and emissions are counted with."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from metering.domain.consumption import tariffs
from metering.domain.consumption.cost import ContradictoryPrices, CostLine
from metering.domain.consumption.gas import CalorificBasis
from metering.domain.consumption.tariffs import BASE_UNITS_PER, Component, Scope, TariffRow
from metering.domain.registry import reference_rows
from metering.domain.registry.reference_rows import EmissionFactor, PriceComponent, PriceUnit, ReferenceRow, TariffPrice
from vocabulary.civil import local_midnight
from vocabulary.flux import Flux, Quantity
from vocabulary.interval import Validity

LIFE_CYCLE = "life-cycle"
"""The method that is told where there are factors of it: it counts what production alone leaves out."""

ALL_USAGES = "all"
"""The usage of factors for consumption of which nobody says what it was for."""

_MILLIGRAMS = 1_000
_OVERSEAS = ("FR-97", "FR-98")
"""Subdivisions with networks of their own, for which factors of the mainland do not hold."""

_COMPONENTS = {
    PriceComponent.STANDING: Component.STANDING,
    PriceComponent.COMMODITY: Component.ENERGY,
    PriceComponent.TAX: Component.TAX,
    PriceComponent.SEWERAGE: Component.SEWERAGE,
}
PRICE_COMPONENTS = {bill: table for table, bill in _COMPONENTS.items()}
"""What the tables call a component of a bill."""

_UNITS = {
    PriceUnit.KILOWATT_HOUR: tariffs.PriceUnit.PER_KILOWATT_HOUR,
    PriceUnit.CUBIC_METRE: tariffs.PriceUnit.PER_CUBIC_METRE,
    PriceUnit.MONTH: tariffs.PriceUnit.PER_MONTH,
    PriceUnit.YEAR: tariffs.PriceUnit.PER_YEAR,
}
PRICE_UNITS = {bill: table for table, bill in _UNITS.items()}
"""What the tables call a unit of a bill."""

_BASES = {reference_rows.CalorificBasis.GROSS: CalorificBasis.PCS, reference_rows.CalorificBasis.NET: CalorificBasis.PCI}


@dataclass(frozen=True, kw_only=True, slots=True)
class Tariff:
    """The prices of one tariff code; vat_percents: of each row, as each row has its own rate."""

    code: str
    rows: tuple[TariffRow, ...]
    vat_percents: Mapping[TariffRow, float]

    @property
    def slots(self) -> frozenset[str]:
        """The tariff slots that its energy prices name."""
        return frozenset(row.slot for row in self.rows if row.component is Component.ENERGY and row.slot)

    @property
    def quantity(self) -> Quantity | None:
        """What its prices by use are for, None when it has none; ContradictoryPrices when they are for energy and for volume."""
        units = {row.unit for row in self.rows if row.unit in BASE_UNITS_PER}
        if not units:
            return None
        if len(units) > 1:
            raise ContradictoryPrices(f"{self.code} has prices of energy and of volume", code=self.code)
        return Quantity.VOLUME if units == {tariffs.PriceUnit.PER_CUBIC_METRE} else Quantity.ENERGY

    def vat_percent(self, line: CostLine) -> float:
        """Return the rate of VAT of the price that a line was made with."""
        return next(
            percent
            for row, percent in self.vat_percents.items()
            if (row.component, row.slot, row.unit, row.validity.start) == (line.component, line.slot, line.price_unit, line.price_from)
        )


def tariff_of(code: str, flux: Flux, prices: Iterable[ReferenceRow], zone: ZoneInfo) -> Tariff:
    """Return the prices of a tariff code for a flux, in force from local midnights; without rows for a code that no row has."""
    found: dict[TariffRow, float] = {}
    for row in prices:
        price = row.content
        if isinstance(price, TariffPrice) and code and price.tariff == code and price.flux is flux:
            found[_tariff_row(price, row, zone)] = price.vat_percent
    return Tariff(code=code, rows=tuple(found), vat_percents=found)


def _tariff_row(price: TariffPrice, row: ReferenceRow, zone: ZoneInfo) -> TariffRow:
    return TariffRow(
        code=price.tariff,
        flux=price.flux,
        component=_COMPONENTS[price.component],
        slot=price.tariff_slot or None,
        unit=_UNITS[price.unit],
        price_micros=price.price_micros,
        currency=price.currency_code,
        validity=_validity(row, zone),
        source=row.source,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Factors:
    """The emission factors of a question, all of one scope and method; `contents`: the table's own words for each, by code."""

    rows: tuple[tariffs.EmissionFactor, ...]
    contents: Mapping[str, EmissionFactor]
    scope: Scope
    method: str


def factors_of(flux: Flux, quantity: Quantity, subdivision: str, rows: Iterable[ReferenceRow], zone: ZoneInfo) -> Factors:
    """Return the factors for a use whose usage is unknown: those of the subdivision before those of the mainland, life cycle before others.

    Gas energy is counted gross: factors per gross kilowatt-hour go before those per net one.
    """
    unit = PriceUnit.CUBIC_METRE if quantity is Quantity.VOLUME else PriceUnit.KILOWATT_HOUR
    fitting = [
        (row, factor)
        for row in rows
        if isinstance(factor := row.content, EmissionFactor) and (factor.flux, factor.usage, factor.unit) == (flux, ALL_USAGES, unit)
    ]
    fitting = _nearest(fitting, subdivision)
    methods = sorted({factor.method for _, factor in fitting}, key=lambda method: (method != LIFE_CYCLE, method))
    fitting = [(row, factor) for row, factor in fitting if factor.method == methods[0]]
    gross = [(row, factor) for row, factor in fitting if factor.basis is reference_rows.CalorificBasis.GROSS]
    chosen = {str(at): (row, factor) for at, (row, factor) in enumerate(gross or fitting)}
    scope = Scope.LIFE_CYCLE if methods[:1] == [LIFE_CYCLE] else Scope.DIRECT
    return Factors(
        rows=tuple(_factor_row(code, factor, row, scope, zone) for code, (row, factor) in chosen.items()),
        contents={code: factor for code, (_, factor) in chosen.items()},
        scope=scope,
        method=methods[0] if methods else "",
    )


def _nearest(found: Sequence[tuple[ReferenceRow, EmissionFactor]], subdivision: str) -> list[tuple[ReferenceRow, EmissionFactor]]:
    own = [(row, factor) for row, factor in found if subdivision and factor.subdivision == subdivision]
    if own or subdivision.startswith(_OVERSEAS):
        return own
    return [(row, factor) for row, factor in found if not factor.subdivision]


def _factor_row(code: str, factor: EmissionFactor, row: ReferenceRow, scope: Scope, zone: ZoneInfo) -> tariffs.EmissionFactor:
    return tariffs.EmissionFactor(
        code=code,
        flux=factor.flux,
        milligrams=round(factor.grams_per_unit * _MILLIGRAMS),
        unit=_UNITS[factor.unit],
        basis=_BASES[factor.basis] if factor.basis else None,
        scope=scope,
        method=factor.method,
        validity=_validity(row, zone),
        source=row.source,
    )


def _validity(row: ReferenceRow, zone: ZoneInfo) -> Validity:
    return Validity(
        start=None if row.first is None else local_midnight(row.first, zone), end=None if row.end is None else local_midnight(row.end, zone)
    )
