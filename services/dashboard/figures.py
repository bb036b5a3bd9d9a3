"""Writes quantities, shares and times as people of a language read them: three significant digits, the unit always."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_decimal, format_percent

from dashboard.periods import Period, Span
from vocabulary.flux import JOULES_PER_WATT_HOUR, MILLILITRES_PER_CUBIC_METRE, Quantity

NARROW_NO_BREAK_SPACE = "\u202f"
_LEAST_KILO = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """A unit for display, and how many base units make one."""

    symbol: str
    base_units: int


_WATT_HOUR = Unit(symbol="Wh", base_units=JOULES_PER_WATT_HOUR)
_KILOWATT_HOUR = Unit(symbol="kWh", base_units=1_000 * JOULES_PER_WATT_HOUR)
_MEGAWATT_HOUR = Unit(symbol="MWh", base_units=1_000_000 * JOULES_PER_WATT_HOUR)
_LITRE = Unit(symbol="l", base_units=1_000)
_CUBIC_METRE = Unit(symbol="m³", base_units=MILLILITRES_PER_CUBIC_METRE)


def display_unit(quantity: Quantity, greatest: int) -> Unit:
    """Return the unit in which amounts up to `greatest` base units read best."""
    if quantity is Quantity.VOLUME:
        return _CUBIC_METRE if greatest >= MILLILITRES_PER_CUBIC_METRE else _LITRE
    for unit in (_MEGAWATT_HOUR, _KILOWATT_HOUR):
        if greatest >= (_LEAST_KILO if unit is _MEGAWATT_HOUR else 1) * _KILOWATT_HOUR.base_units:
            return unit
    return _WATT_HOUR


def number(value: float, language: str) -> str:
    """Write a number with three significant digits and the separators of the language."""
    magnitude = abs(value)
    digits = 0 if magnitude >= 100 else 1 if magnitude >= 10 else 2  # noqa: PLR2004 — three significant digits
    rounded = round(value, digits) if magnitude < 1_000 else float(f"{value:.3g}")  # noqa: PLR2004 — the same
    return _written(rounded, digits, language)


@lru_cache(maxsize=10_000)
def _written(rounded: float, digits: int, language: str) -> str:
    # A table has hundreds of numbers, few of them different, and each takes a twentieth of a millisecond to write.
    return format_decimal(rounded, format="#,##0." + "#" * digits if digits else "#,##0", locale=language)


def amount(base_units: int, unit: Unit, language: str) -> str:
    """Write an amount of base units in a unit."""
    return f"{number(base_units / unit.base_units, language)}{NARROW_NO_BREAK_SPACE}{unit.symbol}"


def share(ratio: float, language: str) -> str:
    """Write a share, 0 to 1, in whole per cent."""
    return format_percent(ratio, format="#,##0\u202f%" if language == "fr" else "#,##0%", locale=language)


def period_name(period: Period, language: str) -> str:
    """Name a period: a date, the week of a date, a month, a year."""
    match period.span:
        case Span.DAY:
            return format_date(period.first, format="full", locale=language)
        case Span.WEEK:
            return format_date(period.first, format="long", locale=language)
        case Span.MONTH:
            return format_skeleton("yMMMM", period.first, locale=language)
        case Span.YEAR:
            return str(period.first.year)


def slot_name(start: datetime, span: Span, zone: ZoneInfo, language: str) -> str:
    """Name a slot in full, for the table."""
    local = start.astimezone(zone)
    match span:
        case Span.DAY:
            # The offset tells the two 02:30 of the night when clocks go back apart.
            return f"{format_time(local, format='HH:mm', locale=language)} (UTC{local:%z})"
        case Span.WEEK | Span.MONTH:
            return format_date(local.date(), format="EEE d MMM", locale=language)
        case Span.YEAR:
            return format_skeleton("yMMMM", local.date(), locale=language)


def tick_name(start: datetime, span: Span, zone: ZoneInfo, language: str) -> str:
    """Name a slot as short as an axis needs."""
    local = start.astimezone(zone)
    match span:
        case Span.DAY:
            return f"{local:%H}{NARROW_NO_BREAK_SPACE}h" if language == "fr" else f"{local:%H:%M}"
        case Span.WEEK:
            return format_date(local.date(), format="EEE d", locale=language)
        case Span.MONTH:
            return str(local.day)
        case Span.YEAR:
            return format_date(local.date(), format="MMM", locale=language)


def moment(at: datetime, zone: ZoneInfo, language: str) -> str:
    """Write an instant as a local date and time."""
    local = at.astimezone(zone)
    day: date = local.date()
    return f"{format_date(day, format='d MMMM y', locale=language)}, {format_time(local, format='HH:mm', locale=language)}"


def signed_share(ratio: float, language: str) -> str:
    """Write a change in whole per cent, with its sign."""
    sign = "±" if round(ratio * 100) == 0 else "+" if ratio > 0 else "−"
    return f"{sign}{share(abs(ratio), language)}"


def rate(per_hour: float, quantity: Quantity, language: str) -> str:
    """Write what is used in an hour, in base units, as a power or a flow."""
    value, unit = per_hour / per_hour_unit(quantity)[1], per_hour_unit(quantity)[0]
    return f"{number(value, language)}{NARROW_NO_BREAK_SPACE}{unit}"


def per_hour_unit(quantity: Quantity) -> tuple[str, int]:
    """Return the unit of a power or a flow, and how many base units in an hour make one."""
    return ("kW", _KILOWATT_HOUR.base_units) if quantity is Quantity.ENERGY else ("l/h", _LITRE.base_units)
