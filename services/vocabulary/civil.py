"""Civil time: days of 23, 24 or 25 hours, and what is counted by them, in a territory's time zone."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from vocabulary.failure import Failure, Kind
from vocabulary.interval import Interval

GAS_DAY_STARTS_AT = time(6)
"""The gas day runs from 06:00 to 06:00 local time (Commission Regulation (EU) 2017/459, as French distributors apply it in legal time)."""

HEATING_SEASON_STARTS = (10, 1)
HEATING_SEASON_ENDS = (5, 21)
"""Month and day of the first instant after the season: it runs from 1 October to 20 May inclusive, 232 days."""


class Granularity(Enum):
    """How finely time is cut. Slots tile time, except heating seasons, which leave the summer out."""

    TEN_MINUTES = 1
    FIFTEEN_MINUTES = 2
    THIRTY_MINUTES = 3
    HOUR = 4
    DAY = 5
    GAS_DAY = 6
    WEEK = 7
    MONTH = 8
    HEATING_SEASON = 9
    YEAR = 10


class UnknownTimeZone(Failure):
    """The name is not in the IANA time zone database."""

    reason, kind = "UNKNOWN_TIME_ZONE", Kind.INVALID


def time_zone(name: str) -> ZoneInfo:
    """Return the zone of an IANA name such as `Europe/Paris`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownTimeZone(f"{name!r} is not an IANA time zone", time_zone=name) from None


def local_midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of a civil day, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def civil_day(day: date, zone: ZoneInfo) -> Interval:
    """Return the 23, 24 or 25 hours of a civil day."""
    return Interval(start=local_midnight(day, zone), end=local_midnight(day + timedelta(days=1), zone))


def slots(during: Interval, granularity: Granularity, zone: ZoneInfo) -> Iterator[Interval]:
    """Yield, in order, every slot that shares an instant with `during`; slots are whole even where `during` cuts them."""
    match granularity:
        case Granularity.TEN_MINUTES:
            return _steps(during, timedelta(minutes=10))
        case Granularity.FIFTEEN_MINUTES:
            return _steps(during, timedelta(minutes=15))
        case Granularity.THIRTY_MINUTES:
            return _steps(during, timedelta(minutes=30))
        case Granularity.HOUR:
            return _steps(during, timedelta(hours=1))
        case Granularity.DAY | Granularity.GAS_DAY | Granularity.WEEK | Granularity.MONTH | Granularity.HEATING_SEASON | Granularity.YEAR:
            return _civil_slots(during, granularity, zone)


def _steps(during: Interval, step: timedelta) -> Iterator[Interval]:
    # Every UTC offset in use since 1972 is a whole number of quarter-hours, so steps that divide the hour can be cut in UTC;
    # hours of a zone whose offset is no whole hour follow UTC as well, and documents say so.
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    start = epoch + (during.start - epoch) // step * step
    while start < during.end:
        yield Interval(start=start, end=start + step)
        start += step


def _civil_slots(during: Interval, granularity: Granularity, zone: ZoneInfo) -> Iterator[Interval]:
    starts_at = GAS_DAY_STARTS_AT if granularity is Granularity.GAS_DAY else time()
    # One day back: the slot of the first instant may have started on the day before.
    first = slot_date(during.start.astimezone(zone).date() - timedelta(days=1), granularity)
    while True:
        following, last = _next(first, granularity)
        start, end = (datetime.combine(day, starts_at, zone).astimezone(UTC) for day in (first, last))
        if start >= during.end:
            return
        if end > during.start:
            yield Interval(start=start, end=end)
        first = following


def slot_date(day: date, granularity: Granularity) -> date:
    """Return the first civil day of the slot that `day` falls in; in summer, that of the heating season before."""
    match granularity:
        case Granularity.WEEK:
            return day - timedelta(days=day.weekday())
        case Granularity.MONTH:
            return day.replace(day=1)
        case Granularity.YEAR:
            return day.replace(month=1, day=1)
        case Granularity.HEATING_SEASON:
            season = date(day.year, *HEATING_SEASON_STARTS)
            return season if day >= season else date(day.year - 1, *HEATING_SEASON_STARTS)
        case _:
            return day


def _next(first: date, granularity: Granularity) -> tuple[date, date]:
    """Return the first day of the next slot, and the day on which this one ends."""
    match granularity:
        case Granularity.WEEK:
            following = first + timedelta(days=7)
        case Granularity.MONTH:
            following = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
        case Granularity.YEAR:
            following = first.replace(year=first.year + 1)
        case Granularity.HEATING_SEASON:
            return first.replace(year=first.year + 1), date(first.year + 1, *HEATING_SEASON_ENDS)
        case _:
            following = first + timedelta(days=1)
    return following, following
