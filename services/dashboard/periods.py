"""Turns what the address bar says of time into the interval and slots of a page, and into the addresses before and after it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from vocabulary.civil import GAS_DAY_STARTS_AT, Granularity, local_midnight
from vocabulary.failure import invalid
from vocabulary.flux import Flux
from vocabulary.interval import Interval


class Span(Enum):
    """How much time a page shows."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


SLOTS = {
    Span.DAY: Granularity.THIRTY_MINUTES,
    Span.WEEK: Granularity.DAY,
    Span.MONTH: Granularity.DAY,
    Span.YEAR: Granularity.MONTH,
}
"""How each span is cut."""

_GAS_DAYS = {Span.WEEK, Span.MONTH}
"""Gas is read by gas days, from 06:00 to 06:00: cut by civil days, every figure of it would be an estimate."""


def slots_for(flux: Flux, span: Span) -> Granularity:
    """Return how a span of one flux is cut."""
    return Granularity.GAS_DAY if flux is Flux.GAS and span in _GAS_DAYS else SLOTS[span]


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """A civil day, week, month or year; `first` is its first day."""

    span: Span
    first: date

    @property
    def following(self) -> "Period":
        """The period after this one."""
        match self.span:
            case Span.DAY:
                first = self.first + timedelta(days=1)
            case Span.WEEK:
                first = self.first + timedelta(days=7)
            case Span.MONTH:
                first = (self.first.replace(day=28) + timedelta(days=4)).replace(day=1)
            case Span.YEAR:
                first = self.first.replace(year=self.first.year + 1)
        return Period(span=self.span, first=first)

    @property
    def previous(self) -> "Period":
        """The period before this one."""
        return containing(self.first - timedelta(days=1), self.span)

    def a_year_before(self) -> "Period":
        """Return the period to compare with: 52 weeks before for days and weeks, so that weekdays meet; else the same month or year."""
        if self.span in {Span.DAY, Span.WEEK}:
            return Period(span=self.span, first=self.first - timedelta(weeks=52))
        return Period(span=self.span, first=self.first.replace(year=self.first.year - 1))

    def interval(self, zone: ZoneInfo) -> Interval:
        """Return its instants in a zone."""
        return Interval(start=local_midnight(self.first, zone), end=local_midnight(self.following.first, zone))

    def interval_of(self, flux: Flux, zone: ZoneInfo) -> Interval:
        """Return the instants that its slots of one flux fill: gas days begin in the morning."""
        if slots_for(flux, self.span) is not Granularity.GAS_DAY:
            return self.interval(zone)
        start, end = (datetime.combine(day, GAS_DAY_STARTS_AT, zone) for day in (self.first, self.following.first))
        return Interval(start=start.astimezone(UTC), end=end.astimezone(UTC))


def containing(day: date, span: Span) -> Period:
    """Return the period of a span that a civil day falls in."""
    match span:
        case Span.DAY:
            first = day
        case Span.WEEK:
            first = day - timedelta(days=day.weekday())
        case Span.MONTH:
            first = day.replace(day=1)
        case Span.YEAR:
            first = day.replace(month=1, day=1)
    return Period(span=span, first=first)


def period_from(span: str, day: str, *, now: datetime, zone: ZoneInfo) -> Period:
    """Return the period that an address names; without a day, the one of yesterday, the last that is known whole."""
    try:
        known_span = Span(span or "month")
    except ValueError:
        raise invalid("span", f"{span!r} is none of {', '.join(s.value for s in Span)}") from None
    if not day:
        return containing(now.astimezone(zone).date() - timedelta(days=1), known_span)
    try:
        return containing(date.fromisoformat(day), known_span)
    except (ValueError, OverflowError):
        raise invalid("day", f"{day!r} is not a date such as 2026-01-31") from None
