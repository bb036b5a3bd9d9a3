"""The use of a site as its analysis takes it: by civil days, and by hours on the local clock."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from metering.domain.consumption.columns import Bools, Int64s, int64s
from metering.domain.consumption.slots import Consumption

YEAR_DAYS = 365
_DAY_MINUTES = 1_440


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DailyUse:
    """Base units of every civil day from `first` on. `known`: something is known of the day; `measured`: a part of it was measured."""

    first: date
    value: Int64s
    known: Bools
    measured: Bools

    def last(self, days: int) -> "DailyUse":
        """Return the last so many days."""
        first = date.fromordinal(self.first.toordinal() + max(len(self.value) - days, 0))
        return DailyUse(first=first, value=self.value[-days:], known=self.known[-days:], measured=self.measured[-days:])

    @property
    def total(self) -> int:
        """The sum of what is known."""
        return int(self.value[self.known].sum())


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HourlyUse:
    """Base units of hours, and the local clock at their starts: weekday (1 = Monday) and minute of the day."""

    value: Int64s
    known: Bools
    weekday: Int64s
    minute: Int64s

    def last(self, hours: int) -> "HourlyUse":
        """Return the last so many hours."""
        part = slice(-hours, None)
        return HourlyUse(value=self.value[part], known=self.known[part], weekday=self.weekday[part], minute=self.minute[part])


def daily_use(days: Consumption, first: date) -> DailyUse:
    """Return day slots, the first of which is `first`."""
    return DailyUse(first=first, value=days.value, known=days.known, measured=days.coverage > 0)


def hourly_use(hours: Consumption, clock: tuple[Int64s, Int64s]) -> HourlyUse:
    """Return hour slots by the local clock at their starts."""
    return HourlyUse(value=hours.value, known=hours.known, weekday=clock[0], minute=clock[1])


def local_clock(starts: Int64s, zone: ZoneInfo) -> tuple[Int64s, Int64s]:
    """Return the weekday (1 = Monday) and the minute of the day at which instants (UTC seconds) fall in a zone."""
    minutes = int64s([_local_minutes(int(start), zone) for start in starts])
    return (minutes // _DAY_MINUTES + 3) % 7 + 1, minutes % _DAY_MINUTES


def _local_minutes(start: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(start, UTC).astimezone(zone).utcoffset()
    return start // 60 + (0 if offset is None else int(offset.total_seconds()) // 60)
