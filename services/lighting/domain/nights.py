"""Nights, from local noon to local noon, and where their clock times fall.

A night is named by the civil date of its evening. Noon exists once on every civil day, so nights tile time without a seam.

The night of a clock change is spelled out here:

- Clocks go forward (in Paris, the last Sunday of March: 02:00 becomes 03:00): the night has 23 hours. A switch time from 02:00 to 02:59,
which no
  clock shows, happens at 03:00 summer time, the instant at which the clocks were moved.
- Clocks go back (the last Sunday of October: 03:00 becomes 02:00 again): the night has 25 hours. A switch time from 02:00 to 02:59,
which clocks
  show twice, happens the first time only, in summer time; what it switched holds through the repeated hour.
- In zones without change, such as Réunion (UTC+4), neither occurs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from lighting.domain.inventory import Clock
from lighting.domain.sun import Seconds, sunrise_before, sunset_after

NOON = 720
"""Minute of the day at which nights meet."""
_DAY = timedelta(days=1)


@lru_cache(maxsize=200_000)
def instant_of(day: date, minute: int, zone: ZoneInfo) -> float:
    """Return the UTC seconds at which the night of `day` reaches a minute of the local day; see above for clock changes."""
    shown = datetime.combine(day if minute >= NOON else day + _DAY, time(minute // 60, minute % 60), zone)
    # `fold` is 0: the first of two. Of none, going to UTC and back moves it.
    at = shown.astimezone(UTC)
    back = at.astimezone(zone)
    if back.replace(tzinfo=None) == shown.replace(tzinfo=None):
        return at.timestamp()
    return _change_before(at, zone)


def _change_before(at: datetime, zone: ZoneInfo) -> float:
    """Return when the clocks were put forward, within the three hours before `at`."""
    low, high = int(at.timestamp()) - 10_800, int(at.timestamp())
    after = datetime.fromtimestamp(high, zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == after:
            high = middle
        else:
            low = middle
    return float(high)


def night_of(at: datetime, zone: ZoneInfo) -> date:
    """Return the date of the evening of the night in which the instant lies."""
    local = at.astimezone(zone)
    return local.date() if local.hour * 60 + local.minute >= NOON else local.date() - _DAY


def dates_between(first: date, last: date) -> tuple[date, ...]:
    """Return every date from first to last, both included."""
    return tuple(first + timedelta(days=number) for number in range((last - first).days + 1))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Nights:
    """Some nights at some clocks, in columns of equal length (UTC seconds); `day` says which of `days` each row's evening is."""

    days: tuple[date, ...]
    zone: ZoneInfo
    day: npt.NDArray[np.int64]
    start: Seconds
    """Local noon."""
    sunset: Seconds
    sunrise: Seconds
    end: Seconds
    """The next local noon."""

    def __len__(self) -> int:
        return len(self.day)

    def at(self, minute: int) -> Seconds:
        """Return when each night reaches a minute of the local day."""
        return np.array([instant_of(day, minute, self.zone) for day in self.days])[self.day]

    def of(self, rows: npt.NDArray[np.int64]) -> "Nights":
        """Return some of the nights."""
        return replace(
            self, day=self.day[rows], start=self.start[rows], sunset=self.sunset[rows], sunrise=self.sunrise[rows], end=self.end[rows]
        )


def nights_at(clocks: Sequence[Clock], days: Sequence[date], zone: ZoneInfo) -> Nights:
    """Return the nights of every clock, clock by clock, with the clock's position and offsets; sunset and sunrise stay inside the night."""
    start = np.array([instant_of(day, NOON, zone) for day in days])
    end = np.array([instant_of(day + _DAY, NOON, zone) for day in days])

    def column(values: Sequence[float]) -> Seconds:
        return np.array(values, dtype=np.float64)[:, None]

    latitude, longitude = column([clock.latitude_degrees for clock in clocks]), column([clock.longitude_degrees for clock in clocks])
    sunset = np.rint(sunset_after(start[None, :], latitude, longitude)) + 60 * column([clock.sunset_offset_minutes for clock in clocks])
    sunrise = np.rint(sunrise_before(end[None, :], latitude, longitude)) + 60 * column([clock.sunrise_offset_minutes for clock in clocks])
    sunset = np.clip(sunset, start, end)
    shape = sunset.shape
    return Nights(
        days=tuple(days),
        zone=zone,
        day=np.tile(np.arange(len(days)), len(clocks)),
        start=np.broadcast_to(start, shape).ravel(),
        sunset=sunset.ravel(),
        sunrise=np.clip(sunrise, sunset, end).ravel(),
        end=np.broadcast_to(end, shape).ravel(),
    )
