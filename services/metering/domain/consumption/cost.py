"""Cost lines from dated prices: what is due for which time, at which price; a price that nobody entered is named, and never zero."""

from bisect import bisect_right
from calendar import isleap, monthrange
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum
from fractions import Fraction
from itertools import combinations, groupby, pairwise
from typing import TypeAlias
from zoneinfo import ZoneInfo

import numpy as np

from metering.domain.consumption.slots import Slots, counted
from metering.domain.consumption.tariffs import BASE_UNITS_PER, Component, PriceUnit, SlotUse, TariffRow, median_length
from vocabulary.civil import local_midnight
from vocabulary.failure import Failure, Kind
from vocabulary.interval import Interval

MICROS = 1_000_000


class ContradictoryPrices(Failure):
    """Two prices of one tariff, component and slot hold at the same time, or prices are in different currencies."""

    reason, kind = "CONTRADICTORY_PRICES", Kind.CONFLICT


class QuantityUnit(Enum):
    """What a line's quantity counts."""

    BASE_UNIT = "base-unit"
    """Joules or millilitres."""
    DAY = "day"
    MICRO = "micro"
    """Millionths of the currency: what VAT is on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CostLine:
    """One line of a bill.

    amount_micros: millionths of the currency, rounded once, half up. price_from: since when the price holds, None if always.
    coverage: share of the line's time, 0 to 1, whose use is known, estimates included; 1 for lines by time.
    """

    component: Component
    code: str
    slot: str | None
    during: Interval
    quantity: int
    quantity_unit: QuantityUnit
    price_micros: int
    price_unit: PriceUnit
    price_from: datetime | None
    amount_micros: int
    currency: str
    source: str
    coverage: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class MissingPrice:
    """Nobody entered a price for this; of VAT, `slot` names the component that lacks it. code is None where no tariff is known at all."""

    component: Component
    code: str | None
    slot: str | None
    during: Interval

    def __str__(self) -> str:
        """Say it in a sentence."""
        what = " ".join(part for part in (self.component.value, self.code, self.slot) if part)
        return f"missing price for {what} from {self.during.start.isoformat()} to {self.during.end.isoformat()}"


@dataclass(frozen=True, kw_only=True, slots=True)
class MissingQuantity:
    """There is a price, but nothing is known of what was used."""

    component: Component
    code: str
    slot: str | None
    during: Interval


@dataclass(frozen=True, kw_only=True, slots=True)
class Bill:
    """The lines of a period, and what is missing from it."""

    lines: tuple[CostLine, ...]
    missing: tuple[MissingPrice | MissingQuantity, ...]

    @property
    def total_micros(self) -> int:
        """The sum of the lines there are; less than is due unless the bill is complete."""
        return sum(line.amount_micros for line in self.lines)

    @property
    def complete(self) -> bool:
        """Tell whether every price is known, and all that was used."""
        return not self.missing and all(line.coverage > 1 - 1e-9 for line in self.lines)


Entry: TypeAlias = CostLine | MissingPrice | MissingQuantity


def bill(during: Interval, uses: Sequence[SlotUse], rows: Sequence[TariffRow], zone: ZoneInfo, *, with_vat: bool = True) -> Bill:
    """Return what is due for a period.

    uses: what was used by tariff slot (registers by slot, or `use_by_windows`). rows: all prices of the contract, of one flux.
    Standing charges go by the civil days that start in the period. Raises ContradictoryPrices.
    """
    _require_consistent(rows)
    cuts = sorted({bound for row in rows if row.component is Component.VAT for bound in _bounds(row)}) if with_vat else []
    entries: list[Entry] = []
    for series in _series(rows, Component.STANDING) or [_Prices.none(Component.STANDING)]:
        entries += _by_time(series, during, cuts, zone)
    for use in uses:
        of_slot = [series for series in _series(rows, Component.ENERGY) if series.slot in (use.slot, None)]
        for series in of_slot or [_Prices.none(Component.ENERGY, use.slot)]:
            entries += _by_use(series, [use], during, cuts)
    for series in [*_series(rows, Component.TAX), *_series(rows, Component.SEWERAGE)]:
        if series.rows[0].unit in BASE_UNITS_PER:
            entries += _by_use(series, [use for use in uses if series.slot in (use.slot, None)], during, cuts)
        else:
            entries += _by_time(series, during, cuts, zone)
    if with_vat:
        entries += [_vat(entry, rows) for entry in entries if isinstance(entry, CostLine)]
    return Bill(
        lines=tuple(entry for entry in entries if isinstance(entry, CostLine)),
        missing=tuple(entry for entry in entries if not isinstance(entry, CostLine)),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Prices:
    """The prices, over time, of one component, tariff and slot; none where nobody entered any."""

    component: Component
    code: str | None
    slot: str | None
    rows: tuple[TariffRow, ...]

    @staticmethod
    def none(component: Component, slot: str | None = None) -> "_Prices":
        return _Prices(component=component, code=None, slot=slot, rows=())

    def at(self, instant: datetime) -> TariffRow | None:
        return next((row for row in self.rows if row.validity.contains(instant)), None)

    def due(self, at: datetime) -> bool:
        return self.component is not Component.TAX or any(row.validity.start is None or row.validity.start <= at for row in self.rows)

    def missing(self, during: Interval) -> MissingPrice:
        return MissingPrice(component=self.component, code=self.code, slot=self.slot, during=during)

    def line(self, row: TariffRow, during: Interval, quantity: int, unit: QuantityUnit, amount: Fraction) -> CostLine:
        return CostLine(
            component=self.component,
            code=row.code,
            slot=self.slot,
            during=during,
            quantity=quantity,
            quantity_unit=unit,
            price_micros=row.price_micros,
            price_unit=row.unit,
            price_from=row.validity.start,
            amount_micros=rounded(amount),
            currency=row.currency,
            source=row.source,
        )


def rounded(amount: Fraction) -> int:
    """Round to the nearest whole number, halves up."""
    return (amount + Fraction(1, 2)).__floor__()


_UNITS = {
    Component.STANDING: (PriceUnit.PER_YEAR, PriceUnit.PER_MONTH),
    Component.ENERGY: tuple(BASE_UNITS_PER),
    Component.TAX: (PriceUnit.PER_YEAR, PriceUnit.PER_MONTH, *BASE_UNITS_PER),
    Component.SEWERAGE: (PriceUnit.PER_YEAR, PriceUnit.PER_MONTH, *BASE_UNITS_PER),
    Component.VAT: (PriceUnit.RATE,),
}


def _require_consistent(rows: Sequence[TariffRow]) -> None:
    for row in rows:
        if row.unit not in _UNITS[row.component]:
            raise ContradictoryPrices(
                f"a {row.component.value} price cannot be per {row.unit.value}",
                code=row.code,
                component=row.component.value,
                unit=row.unit.value,
            )
    if len({(row.currency, row.flux) for row in rows if row.component is not Component.VAT}) > 1:
        raise ContradictoryPrices("one bill is of one flux and in one currency")
    for row, other in combinations(rows, 2):
        if _key(row) == _key(other) and row.validity.overlaps(other.validity):
            raise ContradictoryPrices(
                f"two prices of {row.code} hold at the same time", code=row.code, component=row.component.value, slot=row.slot or ""
            )


def _key(row: TariffRow) -> tuple[Component, str, str, bool]:
    # A tariff may have a tax by use beside one by time.
    return row.component, row.code, row.slot or "", row.unit in BASE_UNITS_PER


def _series(rows: Sequence[TariffRow], component: Component) -> list[_Prices]:
    chosen = sorted((row for row in rows if row.component is component), key=_key)
    groups = [tuple(group) for _, group in groupby(chosen, key=_key)]
    return [_Prices(component=component, code=group[0].code, slot=group[0].slot, rows=group) for group in groups]


def _bounds(row: TariffRow) -> list[datetime]:
    return [bound for bound in (row.validity.start, row.validity.end) if bound is not None]


def _spans(during: Interval, cuts: Iterable[datetime]) -> Iterator[Interval]:
    inner = sorted({cut for cut in cuts if during.start < cut < during.end})
    for start, end in pairwise([during.start, *inner, during.end]):
        yield Interval(start=start, end=end)


def _by_use(prices: _Prices, uses: Sequence[SlotUse], during: Interval, cuts: Sequence[datetime]) -> Iterator[Entry]:
    """Yield a line for each span of one price and one VAT rate."""
    for span in _spans(during, (bound for row in prices.rows for bound in _bounds(row))):
        row = prices.at(span.start)
        if row is None:
            if prices.due(span.start) and any(_clipped(use, span) for use in uses):
                yield prices.missing(span)
            continue
        for part in _spans(span, cuts):
            quantity, known_s, expected_s = _used(uses, part)
            if not expected_s:
                continue
            if not known_s:
                yield MissingQuantity(component=prices.component, code=row.code, slot=prices.slot, during=part)
                continue
            amount = Fraction(quantity * row.price_micros, BASE_UNITS_PER[row.unit])
            yield replace(prices.line(row, part, quantity, QuantityUnit.BASE_UNIT, amount), coverage=known_s / expected_s)


def _clipped(use: SlotUse, during: Interval) -> Slots | None:
    """Return the part of the slot's stretches that lies inside, None where none does."""
    begin, finish = int(during.start.timestamp()), int(during.end.timestamp())
    start, end = np.maximum(use.start, begin), np.minimum(use.end, finish)
    lasting = start < end
    return Slots(start=start[lasting], end=end[lasting], nominal_s=median_length(use)) if bool(lasting.any()) else None


def _used(uses: Sequence[SlotUse], during: Interval) -> tuple[int, int, int]:
    """Return what was used (base units), and of how many seconds it is known of how many."""
    quantity, known_s, expected_s = 0, 0, 0
    for use in uses:
        windows = _clipped(use, during)
        if windows is None:
            continue
        answer = counted(use.pieces, windows)
        lasting = windows.end - windows.start
        quantity += answer.total
        known_s += round(float(((answer.coverage + answer.estimated) * lasting).sum()))
        expected_s += int(lasting.sum())
    return quantity, known_s, expected_s


def _by_time(prices: _Prices, during: Interval, cuts: Sequence[datetime], zone: ZoneInfo) -> Iterator[Entry]:
    """Yield a line for each run of civil days of one price and one VAT rate."""
    days = list(_days(during, zone))
    for (row, _), run in groupby(days, key=lambda day: (prices.at(day[1]), bisect_right(cuts, day[1]))):
        of_run = [day for day, _ in run]
        span = Interval(start=local_midnight(of_run[0], zone), end=local_midnight(of_run[-1] + timedelta(days=1), zone))
        if row is None:
            if prices.due(span.start):
                yield prices.missing(span)
        else:
            share = sum((share_of_day(day, row.unit) for day in of_run), Fraction())
            yield prices.line(row, span, len(of_run), QuantityUnit.DAY, row.price_micros * share)


def _days(during: Interval, zone: ZoneInfo) -> Iterator[tuple[date, datetime]]:
    """Yield the civil days that start in the interval, with the instant at which they do."""
    day = during.start.astimezone(zone).date()
    while (midnight := local_midnight(day, zone)) < during.end:
        if midnight >= during.start:
            yield day, midnight
        day += timedelta(days=1)


def share_of_day(day: date, unit: PriceUnit) -> Fraction:
    """Return which part of its month or year a civil day is."""
    if unit is PriceUnit.PER_MONTH:
        return Fraction(1, monthrange(day.year, day.month)[1])
    return Fraction(1, 366 if isleap(day.year) else 365)


def _vat(line: CostLine, rows: Sequence[TariffRow]) -> Entry:
    """Return the VAT on a line; a rate for the line's component goes before one for all, one of the line's own tariff before another's."""
    rates = [
        row
        for row in rows
        if row.component is Component.VAT and row.slot in (line.component.value, None) and row.validity.contains(line.during.start)
    ]
    if not rates:
        return MissingPrice(component=Component.VAT, code=line.code, slot=line.component.value, during=line.during)
    row = min(rates, key=lambda rate: (rate.code != line.code, rate.slot is None, rate.code))
    return CostLine(
        component=Component.VAT,
        code=row.code,
        slot=line.component.value,
        during=line.during,
        quantity=line.amount_micros,
        quantity_unit=QuantityUnit.MICRO,
        price_micros=row.price_micros,
        price_unit=row.unit,
        price_from=row.validity.start,
        amount_micros=rounded(Fraction(line.amount_micros * row.price_micros, MICROS)),
        currency=line.currency,
        source=row.source,
        coverage=line.coverage,
    )
