"""Prices and emission factors as dated rows, and the tariff slots that a contract cuts the day into. Figures are data, never code."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

import numpy as np

from metering.domain.consumption.columns import Int64s, int64s
from metering.domain.consumption.gas import CalorificBasis
from metering.domain.consumption.pieces import Pieces
from vocabulary.failure import Failure, Kind
from vocabulary.flux import JOULES_PER_WATT_HOUR, MILLILITRES_PER_CUBIC_METRE, Flux
from vocabulary.interval import Interval, Validity


class Component(Enum):
    """What part of a bill a price makes."""

    STANDING = "standing"
    """Due for having the supply, by time."""
    ENERGY = "energy"
    """Due for what is used: energy, or volume of water."""
    TAX = "tax"
    """Due from its first price on: before that it was not there."""
    SEWERAGE = "sewerage"
    """Due beside the water that is used, by volume or by time."""
    VAT = "vat"
    """A rate on lines of another component, which its row's slot names; a row without slot goes for all."""


class PriceUnit(Enum):
    """What a price is for."""

    PER_YEAR = "year"
    PER_MONTH = "month"
    PER_KILOWATT_HOUR = "kWh"
    PER_MEGAWATT_HOUR = "MWh"
    PER_CUBIC_METRE = "m3"
    RATE = "rate"
    """A share: 1,000,000 micros are 100 %."""


BASE_UNITS_PER = {
    PriceUnit.PER_KILOWATT_HOUR: 1_000 * JOULES_PER_WATT_HOUR,
    PriceUnit.PER_MEGAWATT_HOUR: 1_000_000 * JOULES_PER_WATT_HOUR,
    PriceUnit.PER_CUBIC_METRE: MILLILITRES_PER_CUBIC_METRE,
}
"""Joules or millilitres in one unit of quantity."""


class OverlappingWindows(Failure):
    """Two tariff slots claim the same hours."""

    reason, kind = "OVERLAPPING_WINDOWS", Kind.CONFLICT


@dataclass(frozen=True, kw_only=True, slots=True)
class TariffRow:
    """One price for a time.

    code: the tariff or tax that it belongs to; one bill may have several (water and sewerage). slot: the tariff slot of an ENERGY or TAX
    price, None for all slots together; of a VAT rate, the component (`standing`, `energy`, `tax`) that it is on, None for all.
    """

    code: str
    flux: Flux
    component: Component
    slot: str | None
    unit: PriceUnit
    price_micros: int
    currency: str
    validity: Validity
    source: str


class Scope(Enum):
    """Which emissions a factor counts."""

    LIFE_CYCLE = "LCA"
    DIRECT = "direct"


@dataclass(frozen=True, kw_only=True, slots=True)
class EmissionFactor:
    """Milligrams of CO2 equivalent per unit of use, for a time, with all that makes it comparable.

    unit: per kWh or per m³. basis: for gas energy, whether the factor is per kWh PCS or PCI; None elsewhere. method: such as mean mix or by
    usage.
    """

    code: str
    flux: Flux
    milligrams: int
    unit: PriceUnit
    basis: CalorificBasis | None
    scope: Scope
    method: str
    validity: Validity
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TariffWindow:
    """Hours of the day in which a tariff slot holds, by local time; it may pass midnight, and then belongs to the day on which it starts.

    months, weekdays (0 is Monday): on which days it starts; all where empty. validity: dated, as windows are changed point by point.
    """

    slot: str
    start: time
    end: time
    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    validity: Validity = field(default_factory=Validity)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SlotUse:
    """What was used in one tariff slot: `pieces`, as far as they lie in the stretches `[start, end)`, UTC seconds, in order."""

    slot: str | None
    pieces: Pieces
    start: Int64s
    end: Int64s


def whole_use(known: Pieces, during: Interval, slot: str | None = None) -> SlotUse:
    """Return the use of a register that counts one slot, or everything, by itself."""
    return SlotUse(slot=slot, pieces=known, start=int64s([int(during.start.timestamp())]), end=int64s([int(during.end.timestamp())]))


def use_by_windows(known: Pieces, windows: Sequence[TariffWindow], otherwise: str, during: Interval, zone: ZoneInfo) -> tuple[SlotUse, ...]:
    """Divide what was used in `during` by the windows of a contract; what lies in none belongs to the slot `otherwise`.

    Raises OverlappingWindows.
    """
    begin, finish = int(during.start.timestamp()), int(during.end.timestamp())
    claims = sorted((max(start, begin), min(end, finish), window.slot) for window in windows for start, end in _hours(window, during, zone))
    claims = [claim for claim in claims if claim[0] < claim[1]]
    stretches: dict[str, list[tuple[int, int]]] = {otherwise: [], **{window.slot: [] for window in windows}}
    reached = begin
    for start, end, slot in claims:
        if start < reached:
            raise OverlappingWindows(f"two tariff slots claim the same hours, one is {slot}", slot=slot)
        if start > reached:
            stretches[otherwise].append((reached, start))
        stretches[slot].append((start, end))
        reached = end
    if reached < finish:
        stretches[otherwise].append((reached, finish))
    return tuple(
        SlotUse(slot=slot, pieces=known, start=int64s([one for one, _ in parts]), end=int64s([one for _, one in parts]))
        for slot, parts in stretches.items()
        if parts
    )


def _hours(window: TariffWindow, during: Interval, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """Yield when the window holds, in UTC seconds, on every local day that may touch `during`."""
    first = during.start.astimezone(zone).date().toordinal() - 1
    for ordinal in range(first, during.end.astimezone(zone).date().toordinal() + 1):
        day = date.fromordinal(ordinal)
        if (window.months and day.month not in window.months) or (window.weekdays and day.weekday() not in window.weekdays):
            continue
        last = day if window.end > window.start else day + timedelta(days=1)
        start, end = datetime.combine(day, window.start, zone), datetime.combine(last, window.end, zone)
        # A window that the spring change swallows is empty that night.
        if start.timestamp() < end.timestamp() and (part := window.validity.within(Interval(start=start, end=end))):
            yield int(part.start.timestamp()), int(part.end.timestamp())


def median_length(use: SlotUse) -> int:
    """Return how long the slot usually holds at a time, in seconds."""
    return int(np.median(use.end - use.start)) if len(use.start) else 0
