"""Bills and emissions of one point, from a scene and its readings alone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from metering.domain.consumption.cost import ContradictoryPrices
from metering.domain.consumption.disclosure import Asker, Occupancy, OtherHousehold
from metering.domain.figures.cost import CostAnswer, CostQuestion, NotWholeDays, stated
from metering.domain.figures.point_use import ReadChannel
from metering.domain.figures.scene import Member, Scene
from metering.domain.registry.points import Channel, Contract, MeteringPoint, OffPeakWindow, PointPlace
from metering.domain.registry.reference_rows import CalorificBasis, EmissionFactor, PriceComponent, PriceUnit, ReferenceRow, TariffPrice
from metering.domain.series.columns import ReadingKind, Versions, columns_of, joined_versions
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.interval import Interval, Validity
from vocabulary.names import PlaceId, PointId, TerritoryId

PARIS = ZoneInfo("Europe/Paris")
HOME = PlaceId("flat")
SERVICE = Asker(roles=frozenset({"service"}))
LITRE = 1_000
KWH = 3_600_000


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=PARIS).astimezone(UTC)


MONDAY, THURSDAY = midnight(date(2026, 3, 2)), midnight(date(2026, 3, 5))
ASKED = Interval(start=MONDAY, end=THURSDAY)


def price(component: PriceComponent, unit: PriceUnit, micros: int, **fields: object) -> ReferenceRow:
    days = {"first": fields.pop("first", None), "end": fields.pop("end", None)}
    values: dict[str, object] = {"tariff": "t", "flux": Flux.ELECTRICITY, "currency_code": "EUR", "vat_percent": 20.0}
    content = TariffPrice(component=component, unit=unit, price_micros=micros, **(values | fields))  # pyright: ignore[reportArgumentType]
    return ReferenceRow(content=content, source="council", **days)  # pyright: ignore[reportArgumentType]


def factor(grams: float, **fields: object) -> ReferenceRow:
    values: dict[str, object] = {"flux": Flux.ELECTRICITY, "usage": "all", "unit": PriceUnit.KILOWATT_HOUR, "method": "life-cycle"}
    return ReferenceRow(content=EmissionFactor(grams_per_unit=grams, **(values | fields)), source="agency")  # pyright: ignore[reportArgumentType]


ENERGY = price(PriceComponent.COMMODITY, PriceUnit.KILOWATT_HOUR, 200_000)
STANDING = price(PriceComponent.STANDING, PriceUnit.MONTH, 31_000_000, vat_percent=5.5)


def scene(*prices: ReferenceRow, factors: Sequence[ReferenceRow] = (), flux: Flux = Flux.ELECTRICITY, **fields: object) -> Scene:
    quantity = Quantity.VOLUME if flux is Flux.WATER else Quantity.ENERGY
    values: dict[str, object] = {
        "channels": (Channel(channel_id="import", quantity=quantity, direction=Direction.IMPORT),),
        "contracts": (Contract(tariff="t"),),
    }
    point = MeteringPoint(point_id=PointId("m"), flux=flux, places=(PointPlace(place=HOME),), **(values | fields))  # pyright: ignore[reportArgumentType]
    return Scene(
        territory=TerritoryId("town"),
        zone=PARIS,
        simulated=False,
        resource="meters/m",
        place=None,
        members=(Member(point=point, places=()),),
        homes=frozenset({HOME}),
        coefficients=(),
        prices=prices,
        factors=tuple(factors),
    )


def hourly(amount: int) -> ReadChannel:
    """Return the readings of a channel that counted the same in each of the three days' hours."""
    start = int(MONDAY.timestamp())
    columns = columns_of([(0, start + at * 3_600, 3_600, amount, 2) for at in range(72)])

    def read(channel: str, kind: ReadingKind, during: Interval) -> Versions:
        inside = (columns.time >= during.start.timestamp()) & (columns.time < during.end.timestamp())
        if channel != "import" or kind is not ReadingKind.INTERVAL:
            return joined_versions(())
        kept = columns.take(np.flatnonzero(inside))
        return Versions(columns=kept, sequence=np.ones(len(kept), np.int64))

    return read


def answer(asked_of: Scene, *, amount: int = KWH, asker: Asker = SERVICE, during: Interval = ASKED) -> CostAnswer:
    question = CostQuestion(territory=TerritoryId("town"), resource="meters/m", during=during)
    return stated(question, asked_of, asker, lambda _: hourly(amount))


def test_each_line_has_the_vat_of_its_own_price() -> None:
    found = answer(scene(ENERGY, STANDING))
    assert [(line.component, line.net_micros, line.vat_percent, line.gross_micros) for line in found.lines] == [
        (PriceComponent.STANDING, 3_000_000, 5.5, 3_165_000),
        (PriceComponent.COMMODITY, 14_400_000, 20.0, 17_280_000),
    ]
    assert (found.total_micros, found.currency, found.coverage, found.gaps) == (20_445_000, "EUR", 1.0, ())


def test_a_price_that_changes_makes_two_lines() -> None:
    old = price(PriceComponent.COMMODITY, PriceUnit.KILOWATT_HOUR, 100_000, end=date(2026, 3, 3))
    new = price(PriceComponent.COMMODITY, PriceUnit.KILOWATT_HOUR, 300_000, first=date(2026, 3, 3), vat_percent=0.0)
    energy = [line for line in answer(scene(old, new, STANDING)).lines if line.component is PriceComponent.COMMODITY]
    assert [(line.unit_count, line.vat_percent, line.gross_micros) for line in energy] == [(24.0, 20.0, 2_880_000), (48.0, 0.0, 14_400_000)]


def test_sewerage_is_a_line_of_its_own() -> None:
    water = {"flux": Flux.WATER}
    rows = (
        price(PriceComponent.COMMODITY, PriceUnit.CUBIC_METRE, 2_000_000, vat_percent=5.5, **water),
        price(PriceComponent.SEWERAGE, PriceUnit.CUBIC_METRE, 1_000_000, vat_percent=10.0, **water),
        price(PriceComponent.STANDING, PriceUnit.YEAR, 0, **water),
    )
    found = answer(scene(*rows, flux=Flux.WATER), amount=10 * LITRE)
    assert [(line.component, line.unit_count, line.gross_micros) for line in found.lines[1:]] == [
        (PriceComponent.COMMODITY, 0.72, 1_519_200),
        (PriceComponent.SEWERAGE, 0.72, 792_000),
    ]


def test_a_tax_is_due_from_its_first_price_on_and_missing_after_its_last() -> None:
    tax = price(PriceComponent.TAX, PriceUnit.KILOWATT_HOUR, 10_000, first=date(2026, 3, 3), end=date(2026, 3, 4))
    found = answer(scene(ENERGY, STANDING, tax))
    assert [line.unit_count for line in found.lines if line.component is PriceComponent.TAX] == [24.0]
    (gap,) = found.gaps
    assert (gap.component, gap.during.start) == (PriceComponent.TAX, midnight(date(2026, 3, 4)))


def test_a_tariff_that_nobody_entered_is_named() -> None:
    found = answer(scene())
    assert [(gap.component, gap.tariff) for gap in found.gaps] == [(PriceComponent.STANDING, "t"), (PriceComponent.COMMODITY, "t")]
    assert found.lines == ()


def test_a_change_of_contract_changes_the_tariff() -> None:
    tuesday = midnight(date(2026, 3, 3))
    contracts = (Contract(tariff="u", validity=Validity(end=tuesday)), Contract(tariff="t", validity=Validity(start=tuesday)))
    found = answer(scene(ENERGY, STANDING, contracts=contracts))
    assert {gap.tariff for gap in found.gaps} == {"u"}
    assert [line.unit_count for line in found.lines if line.component is PriceComponent.COMMODITY] == [48.0]


def test_windows_of_a_season_hold_in_its_months_only() -> None:
    rows = [price(PriceComponent.COMMODITY, PriceUnit.KILOWATT_HOUR, micros, tariff_slot=slot) for slot, micros in (("hp", 2), ("hc", 1))]
    winter = OffPeakWindow(start_minute=0, end_minute=360, first_month=11, last_month=3)
    summer = OffPeakWindow(start_minute=720, end_minute=900, first_month=4, last_month=10)
    found = answer(scene(*rows, STANDING, contracts=(Contract(tariff="t", off_peak_windows=(winter, summer)),)))
    used = {line.tariff_slot: line.unit_count for line in found.lines if line.component is PriceComponent.COMMODITY}
    assert used == {"hc": 18.0, "hp": 54.0}


def test_a_household_pays_for_its_own_days() -> None:
    asker = Asker(roles=frozenset(), occupancies=(Occupancy(premise=HOME, validity=Validity(start=MONDAY + timedelta(days=2))),))
    found = answer(scene(ENERGY, STANDING), asker=asker)
    assert [line.unit_count for line in found.lines] == [pytest.approx(1 / 31), 24.0]
    assert found.coverage == pytest.approx(1 / 3)


def test_another_household_is_told_nothing() -> None:
    with pytest.raises(OtherHousehold):
        answer(scene(ENERGY), asker=Asker(roles=frozenset({"administrator"})))


def test_parts_of_days_are_refused() -> None:
    with pytest.raises(NotWholeDays):
        answer(scene(ENERGY), during=replace(ASKED, start=MONDAY + timedelta(hours=1)))


def test_a_tariff_of_energy_and_of_volume_is_contradictory() -> None:
    with pytest.raises(ContradictoryPrices):
        answer(scene(ENERGY, price(PriceComponent.TAX, PriceUnit.CUBIC_METRE, 1)))


def test_emissions_are_of_one_method_and_of_the_own_subdivision_first() -> None:
    factors = (factor(50), factor(700, subdivision="FR-974"), factor(20, method="production-direct"), factor(99, usage="heating"))
    (mainland,) = answer(scene(factors=factors)).emissions
    assert (mainland.grams, mainland.factor.method) == (72 * 50, "life-cycle")
    (island,) = answer(replace(scene(factors=factors), subdivision="FR-974")).emissions
    assert island.grams == 72 * 700
    assert answer(replace(scene(factors=factors), subdivision="FR-971")).emissions == ()


def test_gas_is_counted_by_factors_of_gross_energy() -> None:
    factors = [factor(grams, flux=Flux.GAS, basis=basis) for grams, basis in ((227, CalorificBasis.NET), (204.5, CalorificBasis.GROSS))]
    (both,) = answer(scene(factors=factors, flux=Flux.GAS)).emissions
    assert both.grams == pytest.approx(72 * 204.5)
    (converted,) = answer(scene(factors=factors[:1], flux=Flux.GAS)).emissions
    assert converted.grams == pytest.approx(72 * 227 * 0.901)
