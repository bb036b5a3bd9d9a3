"""What kind of time each slot is: local hour, day type, place in the year."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np

from forecast.domain.columns import Bools, Floats, Int64s

SUNDAY = 6
_YEAR_S = 365.2425 * 86_400


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Calendar:
    """One element per slot.

    hour: local hour of the start, 0 to 23. weekday: 0 Monday to 6 Sunday; a public holiday counts as a Sunday. phase: place in the year as
    an angle in radians. school: whether the schools have holidays.
    """

    hour: Int64s
    weekday: Int64s
    phase: Floats
    school: Bools

    def __len__(self) -> int:
        """Return how many slots there are."""
        return len(self.hour)

    def part(self, first: int, last: int) -> "Calendar":
        """Return the slots from number `first` up to, not including, `last`."""
        cut = slice(first, last)
        return Calendar(hour=self.hour[cut], weekday=self.weekday[cut], phase=self.phase[cut], school=self.school[cut])


def calendar_of(starts: Int64s, zone: ZoneInfo, public_holidays: AbstractSet[date], school_holidays: AbstractSet[date]) -> Calendar:
    """Return the calendar of slots that start at these UTC seconds; civil days of 23 and 25 hours included."""
    local = [datetime.fromtimestamp(start, UTC).astimezone(zone) for start in starts.tolist()]
    days = [one.date() for one in local]
    weekday = np.array([SUNDAY if day in public_holidays else day.weekday() for day in days], np.int64)
    return Calendar(
        hour=np.array([one.hour for one in local], np.int64),
        weekday=weekday,
        phase=2 * np.pi * (starts.astype(np.float64) % _YEAR_S) / _YEAR_S,
        school=np.array([day in school_holidays for day in days], np.bool_),
    )
