"""Cost lines and emissions from dated rows; what is not known is named."""

from datetime import UTC, datetime, time
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from metering.domain.consumption.carbon import ContradictoryFactors, MissingFactor, UnknownUse, emissions
from metering.domain.consumption.cost import Bill, ContradictoryPrices, CostLine, MissingPrice, MissingQuantity, QuantityUnit, bill
from metering.domain.consumption.gas import CalorificBasis
from metering.domain.consumption.pieces import NOTHING, Pieces, pieces
from metering.domain.consumption.tariffs import (
    Component,
    EmissionFactor,
    OverlappingWindows,
    PriceUnit,
    Scope,
    TariffRow,
    TariffWindow,
    use_by_windows,
    whole_use,
)
from vocabulary.flux import Flux
from vocabulary.interval import Interval, Validity

PARIS = ZoneInfo("Europe/Paris")
KWH = 3_600_000
EURO = 1_000_000


def day(month: int, number: int, year: int = 2025) -> datetime:
    return datetime(year, month, number, tzinfo=PARIS)


def period(start: datetime, end: datetime) -> Interval:
    return Interval(start=start, end=end)


JULY = period(day(7, 1), day(8, 1))
AUTUMN = period(day(7, 1), day(9, 1))


def row(
    component: Component,
    unit: PriceUnit,
    price: int,
    *,
    code: str = "base",
    slot: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> TariffRow:
    validity = Validity(start=start, end=end)
    return TariffRow(
        code=code,
        flux=Flux.ELECTRICITY,
        component=component,
        slot=slot,
        unit=unit,
        price_micros=price,
        currency="EUR",
        validity=validity,
        source="t",
    )


def energy(price: int, **more: Any) -> TariffRow:
    return row(Component.ENERGY, PriceUnit.PER_KILOWATT_HOUR, price, **more)


STANDING = row(Component.STANDING, PriceUnit.PER_YEAR, 146 * EURO)
ENERGY = energy(200_000)
VAT = row(Component.VAT, PriceUnit.RATE, 200_000, code="vat")


def half_hours(during: Interval, joules: int) -> Pieces:
    start = np.arange(int(during.start.timestamp()), int(during.end.timestamp()), 1_800)
    return pieces(start, start + 1_800, np.full(len(start), joules))


def lines(found: Bill, component: Component) -> list[CostLine]:
    return [line for line in found.lines if line.component is component]


def test_a_month_has_its_standing_charge_its_energy_and_vat_on_both() -> None:
    found = bill(JULY, [whole_use(half_hours(JULY, KWH // 4), JULY)], [STANDING, ENERGY, VAT], PARIS)
    (standing,), (used,) = lines(found, Component.STANDING), lines(found, Component.ENERGY)
    assert (standing.quantity, standing.quantity_unit) == (31, QuantityUnit.DAY)
    assert standing.amount_micros == round(Fraction(146 * EURO * 31, 365))
    assert (used.quantity, used.amount_micros) == (31 * 12 * KWH, 31 * 12 * 200_000)
    assert [line.amount_micros for line in lines(found, Component.VAT)] == [standing.amount_micros // 5, used.amount_micros // 5]
    assert found.complete
    assert found.total_micros == sum(line.amount_micros for line in found.lines)


def test_a_price_that_changes_splits_its_line_and_nothing_is_lost() -> None:
    change = day(7, 18)
    prices = [energy(200_000, end=change), energy(300_000, start=change)]
    found = bill(JULY, [whole_use(half_hours(JULY, KWH // 4), JULY)], [STANDING, *prices], PARIS, with_vat=False)
    before, after = lines(found, Component.ENERGY)
    assert (before.quantity, after.quantity) == (17 * 12 * KWH, 14 * 12 * KWH)
    assert after.price_from == change
    assert after.amount_micros == 14 * 12 * 300_000


def test_vat_on_the_standing_charge_changes_on_its_day() -> None:
    change = day(8, 1)
    rates = [
        row(Component.VAT, PriceUnit.RATE, 55_000, code="reduced", slot="standing", end=change),
        row(Component.VAT, PriceUnit.RATE, 200_000, code="normal", slot="standing", start=change),
        row(Component.VAT, PriceUnit.RATE, 200_000, code="all"),
    ]
    found = bill(AUTUMN, [whole_use(half_hours(AUTUMN, KWH), AUTUMN)], [STANDING, ENERGY, *rates], PARIS)
    july, august = lines(found, Component.STANDING)
    on_standing = [line for line in lines(found, Component.VAT) if line.slot == "standing"]
    assert [(line.code, line.quantity) for line in on_standing] == [("reduced", july.amount_micros), ("normal", august.amount_micros)]
    assert {line.code for line in lines(found, Component.VAT) if line.slot == "energy"} == {"all"}


def test_a_missing_price_is_named_and_never_zero() -> None:
    change = day(7, 18)
    found = bill(JULY, [whole_use(half_hours(JULY, KWH), JULY)], [STANDING, energy(200_000, end=change)], PARIS, with_vat=False)
    assert found.missing == (MissingPrice(component=Component.ENERGY, code="base", slot=None, during=period(change, day(8, 1))),)
    assert str(found.missing[0]) == "missing price for energy base from 2025-07-17T22:00:00+00:00 to 2025-07-31T22:00:00+00:00"
    assert not found.complete


def test_without_any_price_everything_is_named_as_missing() -> None:
    found = bill(JULY, [whole_use(half_hours(JULY, KWH), JULY)], [], PARIS)
    assert [(one.component, one.during) for one in found.missing] == [(Component.STANDING, JULY), (Component.ENERGY, JULY)]
    assert found.lines == ()


def test_a_missing_vat_rate_is_named() -> None:
    found = bill(JULY, [whole_use(half_hours(JULY, KWH), JULY)], [STANDING, ENERGY], PARIS)
    assert [(one.component, one.slot) for one in found.missing] == [(Component.VAT, "standing"), (Component.VAT, "energy")]


def test_a_quantity_that_nobody_knows_is_named_and_never_zero() -> None:
    found = bill(JULY, [whole_use(NOTHING, JULY)], [STANDING, ENERGY], PARIS, with_vat=False)
    assert found.missing == (MissingQuantity(component=Component.ENERGY, code="base", slot=None, during=JULY),)


def test_a_line_tells_how_much_of_its_time_is_known() -> None:
    known = half_hours(period(day(7, 1), day(7, 16)), KWH)
    found = bill(JULY, [whole_use(known, JULY)], [STANDING, ENERGY], PARIS, with_vat=False)
    assert lines(found, Component.ENERGY)[0].coverage == pytest.approx(15 / 31)
    assert not found.complete


def test_off_peak_hours_are_priced_apart() -> None:
    windows = [TariffWindow(slot="hc", start=time(22), end=time(6))]
    known = half_hours(period(day(6, 30), day(8, 2)), KWH // 2)
    uses = use_by_windows(known, windows, "hp", JULY, PARIS)
    found = bill(JULY, uses, [STANDING, energy(200_000, slot="hp"), energy(100_000, slot="hc")], PARIS, with_vat=False)
    assert {line.slot: line.quantity for line in lines(found, Component.ENERGY)} == {"hp": 31 * 16 * KWH, "hc": 31 * 8 * KWH}
    assert found.complete


def test_a_window_has_one_hour_less_in_the_night_of_spring() -> None:
    night = period(day(3, 29), day(3, 31))
    uses = use_by_windows(half_hours(night, KWH // 2), [TariffWindow(slot="hc", start=time(22), end=time(6))], "hp", night, PARIS)
    off_peak = next(use for use in uses if use.slot == "hc")
    assert int((off_peak.end - off_peak.start).sum()) == (6 + 2 + 5 + 2) * 3_600


def test_windows_differ_by_season_and_weekday() -> None:
    windows = [
        TariffWindow(slot="hc", start=time(2), end=time(7), months=frozenset({7})),
        TariffWindow(slot="hc", start=time(12), end=time(15), months=frozenset({7}), weekdays=frozenset({5, 6})),
        TariffWindow(slot="hc", start=time(23), end=time(0), validity=Validity(start=day(7, 31))),
    ]
    (peak, off_peak) = use_by_windows(NOTHING, windows, "hp", AUTUMN, PARIS)
    # July 2025 has 31 nights and 8 weekend days; from 31 July on, 32 evenings.
    assert int((off_peak.end - off_peak.start).sum()) == (31 * 5 + 8 * 3 + 32) * 3_600
    assert int((peak.end - peak.start).sum() + (off_peak.end - off_peak.start).sum()) == 62 * 86_400


def test_windows_that_overlap_are_refused() -> None:
    windows = [TariffWindow(slot="a", start=time(1), end=time(5)), TariffWindow(slot="b", start=time(4), end=time(6))]
    with pytest.raises(OverlappingWindows):
        use_by_windows(NOTHING, windows, "c", JULY, PARIS)


def test_a_daily_index_cannot_be_priced_by_the_hour() -> None:
    start = np.arange(int(JULY.start.timestamp()), int(JULY.end.timestamp()), 86_400)
    uses = use_by_windows(
        pieces(start, start + 86_400, start * 0 + KWH), [TariffWindow(slot="hc", start=time(22), end=time(6))], "hp", JULY, PARIS
    )
    found = bill(JULY, uses, [STANDING, energy(1, slot="hp"), energy(1, slot="hc")], PARIS, with_vat=False)
    assert {type(one) for one in found.missing} == {MissingQuantity}


def test_a_tax_on_all_slots_is_one_line() -> None:
    tax = row(Component.TAX, PriceUnit.PER_MEGAWATT_HOUR, 30 * EURO, code="excise")
    uses = use_by_windows(half_hours(JULY, KWH // 2), [TariffWindow(slot="hc", start=time(22), end=time(6))], "hp", JULY, PARIS)
    found = bill(JULY, uses, [STANDING, energy(1, slot="hp"), energy(1, slot="hc"), tax], PARIS, with_vat=False)
    (line,) = lines(found, Component.TAX)
    assert line.quantity == 31 * 24 * KWH
    assert line.amount_micros == 31 * 24 * 30_000


def test_a_tax_by_month_goes_by_days() -> None:
    tax = row(Component.TAX, PriceUnit.PER_MONTH, 31 * EURO, code="local")
    during = period(day(7, 1), day(7, 11))
    found = bill(during, [], [STANDING, tax], PARIS, with_vat=False)
    assert lines(found, Component.TAX)[0].amount_micros == 10 * EURO


def test_a_whole_leap_year_costs_the_yearly_charge() -> None:
    during = period(day(1, 1, 2024), day(1, 1, 2025))
    assert bill(during, [], [STANDING], PARIS, with_vat=False).total_micros == 146 * EURO


def test_water_is_priced_by_the_cubic_metre_and_sewerage_beside_it() -> None:
    rows = [
        row(Component.STANDING, PriceUnit.PER_YEAR, 365 * EURO, code="water"),
        row(Component.ENERGY, PriceUnit.PER_CUBIC_METRE, 2 * EURO, code="water"),
        row(Component.ENERGY, PriceUnit.PER_CUBIC_METRE, 3 * EURO, code="sewerage"),
        row(Component.VAT, PriceUnit.RATE, 55_000, code="water"),
        row(Component.VAT, PriceUnit.RATE, 100_000, code="sewerage"),
    ]
    found = bill(JULY, [whole_use(half_hours(JULY, 1_000), JULY)], rows, PARIS)
    litres = 31 * 48
    assert {line.code: line.amount_micros for line in lines(found, Component.ENERGY)} == {
        "water": litres * 2_000,
        "sewerage": litres * 3_000,
    }
    assert {(line.code, line.price_micros) for line in lines(found, Component.VAT)} == {("water", 55_000), ("sewerage", 100_000)}


@pytest.mark.parametrize(
    "rows",
    [
        [energy(1), energy(2, start=day(7, 5))],
        [row(Component.STANDING, PriceUnit.PER_KILOWATT_HOUR, 1)],
        [row(Component.VAT, PriceUnit.PER_YEAR, 1)],
    ],
)
def test_prices_that_contradict_each_other_are_refused(rows: list[TariffRow]) -> None:
    with pytest.raises(ContradictoryPrices):
        bill(JULY, [], rows, PARIS)


def factor(
    milligrams: int, *, start: datetime | None = None, basis: CalorificBasis | None = None, scope: Scope = Scope.LIFE_CYCLE
) -> EmissionFactor:
    return EmissionFactor(
        code="f",
        flux=Flux.GAS,
        milligrams=milligrams,
        unit=PriceUnit.PER_KILOWATT_HOUR,
        basis=basis,
        scope=scope,
        method="mean",
        validity=Validity(start=start),
        source="t",
    )


def test_emissions_name_their_factor_and_where_none_holds() -> None:
    found = emissions(AUTUMN, half_hours(AUTUMN, KWH), [factor(50_000, start=day(8, 1))], Scope.LIFE_CYCLE, "mean")
    assert found.missing == (MissingFactor(scope=Scope.LIFE_CYCLE, method="mean", during=JULY),)
    assert found.total_milligrams == 31 * 48 * 50_000
    assert found.lines[0].kilograms == Fraction(31 * 48 * 5, 100)
    assert found.lines[0].coverage == 1.0


def test_a_factor_on_the_other_basis_is_converted() -> None:
    known = half_hours(JULY, KWH)
    on_pci = [factor(227_000, basis=CalorificBasis.PCI)]
    found = emissions(JULY, known, on_pci, Scope.LIFE_CYCLE, "mean", basis=CalorificBasis.PCS, pci_per_pcs=Fraction(9, 10))
    assert found.total_milligrams == 31 * 48 * 227_000 * 9 // 10
    assert emissions(JULY, known, on_pci, Scope.LIFE_CYCLE, "mean", basis=CalorificBasis.PCI).total_milligrams == 31 * 48 * 227_000


def test_use_that_nobody_knows_emits_nothing_that_could_be_added() -> None:
    assert emissions(JULY, NOTHING, [factor(1)], Scope.LIFE_CYCLE, "mean").missing == (UnknownUse(during=JULY),)


def test_scopes_are_not_mixed_and_two_factors_at_once_are_refused() -> None:
    assert emissions(JULY, NOTHING, [factor(1, scope=Scope.DIRECT)], Scope.LIFE_CYCLE, "mean").lines == ()
    with pytest.raises(ContradictoryFactors):
        emissions(JULY, NOTHING, [factor(1), factor(2, start=datetime(2025, 7, 3, tzinfo=UTC))], Scope.LIFE_CYCLE, "mean")
