"""Civil months, by their first days."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from vocabulary.civil import Granularity, local_midnight, slots
from vocabulary.interval import Interval

CLOSES_AFTER = timedelta(days=10)
"""How long after its end a month waits for late readings before it is closed."""
EPOCH_MONTHS = 12
"""Groups live so long at most."""
_QUARTER = 3


def after(month: date, count: int = 1) -> date:
    """Return the month that comes so many after one; before it for negative counts."""
    whole = month.year * 12 + month.month - 1 + count
    return date(whole // 12, whole % 12 + 1, 1)


def interval_of(month: date, zone: ZoneInfo) -> Interval:
    """Return a month's instants."""
    return Interval(start=local_midnight(month, zone), end=local_midnight(after(month), zone))


def days_of(during: Interval, zone: ZoneInfo) -> int:
    """Return how many civil days there are."""
    return sum(1 for _ in slots(during, Granularity.DAY, zone))


def is_closable(month: date, now: datetime, zone: ZoneInfo) -> bool:
    """Tell whether a month has been over for ten days."""
    return now >= interval_of(month, zone).end + CLOSES_AFTER


def latest_closable(now: datetime, zone: ZoneInfo) -> date:
    """Return the last month that can be closed."""
    month = after(now.astimezone(zone).date().replace(day=1), -1)
    return month if is_closable(month, now, zone) else after(month, -1)


def forms_groups(month: date) -> bool:
    """Tell whether homes in no group may form new ones in a month: at the start of each quarter."""
    return month.month % _QUARTER == 1
