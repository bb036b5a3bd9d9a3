"""Answers what a point's consumption cost, and the greenhouse gas that it caused: contract by contract, as far as the asker may know."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from fractions import Fraction
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from metering.domain.consumption.carbon import MILLIGRAMS_PER_KILOGRAM, EmissionLine, emissions
from metering.domain.consumption.columns import int64s
from metering.domain.consumption.cost import CostLine, MissingPrice, QuantityUnit, bill, rounded, share_of_day
from metering.domain.consumption.disclosure import Asker
from metering.domain.consumption.gas import CalorificBasis
from metering.domain.consumption.pieces import Pieces, clipped
from metering.domain.consumption.slots import Slots, counted
from metering.domain.consumption.tariffs import BASE_UNITS_PER, SlotUse, TariffWindow, use_by_windows, whole_use
from metering.domain.figures.consumption import LONGEST_CIVIL, IntervalTooLong, allowed_time
from metering.domain.figures.point_use import NoSuchChannel, ReadChannel, Wanted, counts, known_use
from metering.domain.figures.price_rows import PRICE_COMPONENTS, PRICE_UNITS, Factors, Tariff, factors_of, tariff_of
from metering.domain.figures.scene import Scene
from metering.domain.registry.points import Contract, MeteringPoint, OffPeakWindow
from metering.domain.registry.reference_rows import EmissionFactor, PriceComponent, PriceUnit
from vocabulary.civil import local_midnight
from vocabulary.failure import Failure, Kind
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.interval import Interval
from vocabulary.names import PointId, TerritoryId

PEAK, OFF_PEAK = "hp", "hc"
"""The tariff slots into which a contract's off-peak windows cut the day, as French tariffs name them."""

_TWO_SLOTS = frozenset({PEAK, OFF_PEAK})
_FINEST_FOR_WINDOWS_S = 3_600
_GRAMS_PER_KILOGRAM = 1_000
_HOUR_MINUTES = 60
_MONTHS = 12


class NotWholeDays(Failure):
    """A bill goes by whole civil days of the territory."""

    reason, kind = "NOT_WHOLE_DAYS", Kind.INVALID


@dataclass(frozen=True, kw_only=True, slots=True)
class CostQuestion:
    """What consumption at `resource` (`meters/x`) cost in `during`, whole civil days of the territory, 40 years at most."""

    territory: TerritoryId
    resource: str
    during: Interval
    known_sequence: int = 0

    def __post_init__(self) -> None:
        """Refuse what no answer could hold."""
        if self.during.duration > LONGEST_CIVIL:
            raise IntervalTooLong(f"at most {LONGEST_CIVIL.days} days", most_days=str(LONGEST_CIVIL.days))


@dataclass(frozen=True, kw_only=True, slots=True)
class StatedLine:
    """A line of the bill. unit_count: kilowatt-hours, cubic metres, months or years. Amounts are in millionths of the currency."""

    component: PriceComponent
    tariff: str
    tariff_slot: str
    during: Interval
    unit_count: float
    unit: PriceUnit
    price_micros: int
    net_micros: int
    vat_percent: float
    gross_micros: int
    currency: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StatedGap:
    """A price that nobody entered; an empty tariff: the point's contract names none, or it had no contract."""

    component: PriceComponent
    tariff: str
    tariff_slot: str
    during: Interval


@dataclass(frozen=True, kw_only=True, slots=True)
class StatedEmission:
    """Grams of CO2 equivalent by one factor."""

    during: Interval
    grams: float
    factor: EmissionFactor
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CostAnswer:
    """The statement. coverage: the measured share, 0 to 1, of the time asked for; quality: the worst inside, 0 when nothing is known."""

    lines: tuple[StatedLine, ...]
    gaps: tuple[StatedGap, ...]
    emissions: tuple[StatedEmission, ...]
    coverage: float
    quality: int

    @property
    def total_micros(self) -> int:
        """The sum of the lines with VAT."""
        return sum(line.gross_micros for line in self.lines)

    @property
    def currency(self) -> str:
        """The currency of the lines, empty when there is none."""
        return self.lines[0].currency if self.lines else ""


UseOf = Callable[[Wanted], Pieces]


def stated(question: CostQuestion, scene: Scene, asker: Asker, read_of: Callable[[PointId], ReadChannel]) -> CostAnswer:
    """Answer a question from its scene, a point's, and the point's readings.

    Raises NotWholeDays, SeveralHouseholds, OtherHousehold, NoSuchChannel, ContradictoryPrices.
    """
    point, zone, during = scene.members[0].point, scene.zone, question.during
    if any(at != local_midnight(at.astimezone(zone).date(), zone) for at in (during.start, during.end)):
        raise NotWholeDays(f"a bill goes by whole civil days of {zone.key}", time_zone=zone.key)
    allowed = allowed_time(scene, asker, during)

    @cache
    def use_of(wanted: Wanted) -> Pieces:
        return known_use(point, wanted, during, read_of(point.point_id), zone, scene.coefficients).pieces

    quantity = _counted_quantity(point)
    lines, gaps = list[StatedLine](), list[StatedGap]()
    for span, contract in _under_contracts(point.contracts, allowed):
        tariff = tariff_of(contract.tariff if contract else "", point.flux, scene.prices, zone)
        uses = _uses(point, tariff, tariff.quantity or quantity, contract, span, zone, use_of)
        found = bill(span, uses, tariff.rows, zone, with_vat=False)
        lines += [_line(line, tariff, zone) for line in found.lines]
        gaps += [_gap(one, tariff.code) for one in found.missing if isinstance(one, MissingPrice)]
    total = use_of(Wanted(quantity=quantity, direction=Direction.IMPORT))
    coverage, quality = _reliability(total, allowed, during)
    factors = factors_of(point.flux, quantity, scene.subdivision, scene.factors, zone)
    emitted = tuple(line for part in allowed for line in _emitted(part, total, factors, point.flux))
    return CostAnswer(lines=tuple(lines), gaps=tuple(gaps), emissions=emitted, coverage=coverage, quality=quality)


def _counted_quantity(point: MeteringPoint) -> Quantity:
    """Return what the point's consumption is counted in: energy where it can be, but for water."""
    for quantity in (Quantity.VOLUME,) if point.flux is Flux.WATER else (Quantity.ENERGY, Quantity.VOLUME):
        if counts(point, Wanted(quantity=quantity, direction=Direction.IMPORT)):
            return quantity
    raise NoSuchChannel("the point counts nothing that is drawn", resource=f"meters/{point.point_id}")


def _under_contracts(contracts: Sequence[Contract], allowed: Sequence[Interval]) -> Iterator[tuple[Interval, Contract | None]]:
    """Yield each stretch of one contract, or of none."""
    bounds = {bound for one in contracts for bound in (one.validity.start, one.validity.end) if bound is not None}
    for part in allowed:
        inner = sorted(bound for bound in bounds if part.start < bound < part.end)
        for start, end in pairwise([part.start, *inner, part.end]):
            yield Interval(start=start, end=end), next((one for one in contracts if one.validity.contains(start)), None)


def _uses(
    point: MeteringPoint, tariff: Tariff, quantity: Quantity, contract: Contract | None, span: Interval, zone: ZoneInfo, use_of: UseOf
) -> tuple[SlotUse, ...]:
    """Return the use by tariff slot: by the registers that count the slots, or else by the contract's windows.

    Where neither tells the slots apart, all of it is one use, and the prices of the slots go unused.
    """
    whole = Wanted(quantity=quantity, direction=Direction.IMPORT)
    if not tariff.slots:
        return (whole_use(use_of(whole), span),)
    windows = _windows(contract.off_peak_windows if contract else ()) if tariff.slots == _TWO_SLOTS else ()
    by_slot = {slot: Wanted(quantity=quantity, direction=Direction.IMPORT, tariff_slot=slot) for slot in sorted(tariff.slots)}
    if all(counts(point, wanted) for wanted in by_slot.values()):
        registers = tuple(whole_use(use_of(wanted), span, slot) for slot, wanted in by_slot.items())
        if not windows or all(_any_in(one.pieces, span) for one in registers):
            return registers
    if windows:
        fine = Wanted(quantity=quantity, direction=Direction.IMPORT, finest_s=_FINEST_FOR_WINDOWS_S)
        return use_by_windows(use_of(fine), windows, PEAK, span, zone)
    return (whole_use(use_of(whole), span),)


def _any_in(known: Pieces, span: Interval) -> bool:
    return len(clipped(known, int(span.start.timestamp()), int(span.end.timestamp()))) > 0


def _windows(windows: Sequence[OffPeakWindow]) -> tuple[TariffWindow, ...]:
    return tuple(
        TariffWindow(slot=OFF_PEAK, start=_time(window.start_minute), end=_time(window.end_minute), months=_months(window))
        for window in windows
    )


def _time(minute: int) -> time:
    return time(*divmod(minute, _HOUR_MINUTES))


def _months(window: OffPeakWindow) -> frozenset[int]:
    """Return the months of the season, which may pass the turn of the year; none stand for all."""
    if not window.first_month:
        return frozenset()
    count = (window.last_month - window.first_month) % _MONTHS + 1
    return frozenset((window.first_month - 1 + at) % _MONTHS + 1 for at in range(count))


def _line(line: CostLine, tariff: Tariff, zone: ZoneInfo) -> StatedLine:
    percent = tariff.vat_percent(line)
    return StatedLine(
        component=PRICE_COMPONENTS[line.component],
        tariff=line.code,
        tariff_slot=line.slot or "",
        during=line.during,
        unit_count=float(_unit_count(line, zone)),
        unit=PRICE_UNITS[line.price_unit],
        price_micros=line.price_micros,
        net_micros=line.amount_micros,
        vat_percent=percent,
        gross_micros=line.amount_micros + rounded(line.amount_micros * Fraction(str(percent)) / 100),
        currency=line.currency,
        source=line.source,
    )


def _unit_count(line: CostLine, zone: ZoneInfo) -> Fraction:
    if line.quantity_unit is QuantityUnit.BASE_UNIT:
        return Fraction(line.quantity, BASE_UNITS_PER[line.price_unit])
    first = line.during.start.astimezone(zone).date()
    return sum((share_of_day(first + timedelta(days=at), line.price_unit) for at in range(line.quantity)), Fraction())


def _gap(gap: MissingPrice, code: str) -> StatedGap:
    component = PRICE_COMPONENTS[gap.component]
    return StatedGap(component=component, tariff=gap.code or code, tariff_slot=gap.slot or "", during=gap.during)


def _reliability(known: Pieces, allowed: Sequence[Interval], during: Interval) -> tuple[float, int]:
    """Return the measured share of the time asked for, and the worst quality of what may be told."""
    if not allowed:
        return 0.0, 0
    starts, ends = (
        int64s([int(at.timestamp()) for at in bounds]) for bounds in zip(*((one.start, one.end) for one in allowed), strict=True)
    )
    asked_s = int(during.duration.total_seconds())
    answer = counted(known, Slots(start=starts, end=ends, nominal_s=asked_s))
    return float((answer.coverage * (ends - starts)).sum()) / asked_s, int(np.max(answer.quality))


def _emitted(during: Interval, known: Pieces, factors: Factors, flux: Flux) -> Iterator[StatedEmission]:
    if not factors.rows:
        return
    basis = CalorificBasis.PCS if flux is Flux.GAS else None
    for line in emissions(during, known, factors.rows, factors.scope, factors.method, basis=basis).lines:
        yield StatedEmission(during=line.during, grams=_grams(line), factor=factors.contents[line.factor.code], source=line.factor.source)


def _grams(line: EmissionLine) -> float:
    return line.milligrams * _GRAMS_PER_KILOGRAM / MILLIGRAMS_PER_KILOGRAM
