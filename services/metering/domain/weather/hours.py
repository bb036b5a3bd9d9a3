"""The mean air temperature of hours, in columns."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from metering.domain.consumption.columns import Bools, Int64s, require_increasing, require_same_length
from metering.domain.registry.failures import FieldFault, OutOfRange, refuse
from vocabulary.interval import Interval

MOST_HOURS = 10_000
"""What one call records at most."""
MISSING = -32_768
"""Stands for the temperature of an hour of which none is known."""
LOWEST, HIGHEST = -9_000, 6_000
"""Hundredths of a degree Celsius, rounded outwards from the extremes measured on earth: −89.2 °C and 56.7 °C, says the WMO."""
HOUR_S = 3_600

_CLOCKS_DIFFER = timedelta(hours=1)
"""How far ahead of ours a sender's clock may be, or its hour have just begun."""
_FORECAST_REACH = timedelta(days=420)
_EARLIEST_S = -2_208_988_800
"""The year 1900, UTC."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HourlyTemperatures:
    """Temperatures of hours: `starts` in Unix seconds, strictly increasing; `centidegrees` in hundredths of a degree, or MISSING."""

    starts: Int64s
    centidegrees: Int64s

    def __post_init__(self) -> None:
        """Refuse columns of different lengths, and hours that repeat or go back; UnorderedColumns."""
        require_same_length(self.starts, self.centidegrees)
        require_increasing(self.starts)

    def __len__(self) -> int:
        """Return how many hours there are."""
        return len(self.starts)

    def where(self, wanted: Bools) -> "HourlyTemperatures":
        """Return the hours that are marked."""
        return HourlyTemperatures(starts=self.starts[wanted], centidegrees=self.centidegrees[wanted])

    def known(self) -> "HourlyTemperatures":
        """Return the hours whose temperature is not missing."""
        return self.where(self.centidegrees != MISSING)

    def during(self, interval: Interval) -> "HourlyTemperatures":
        """Return the hours that start inside the interval."""
        start, end = interval.start.timestamp(), interval.end.timestamp()
        return self.where((self.starts >= start) & (self.starts < end))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Forecast:
    """Temperatures that were expected when the forecast was issued."""

    issued: datetime
    hours: HourlyTemperatures


def no_hours() -> HourlyTemperatures:
    """Return columns without a row."""
    return HourlyTemperatures(starts=np.zeros(0, np.int64), centidegrees=np.zeros(0, np.int64))


def check_hours(hours: HourlyTemperatures, issued: datetime | None, now: datetime) -> None:
    """Refuse what nobody can have observed, or forecast at `issued`; fields are named as in the contract."""
    present = now + _CLOCKS_DIFFER
    latest = present if issued is None else min(issued, present) + _FORECAST_REACH
    ahead = issued is not None and issued > present
    refuse(
        OutOfRange("weather.issue_time", "lies in the future") if ahead else None,
        _length_fault(len(hours)) or _time_fault(hours.starts, int(latest.timestamp())),
        _temperature_fault(hours),
    )


def _length_fault(count: int) -> FieldFault | None:
    return (
        None
        if 1 <= count <= MOST_HOURS
        else OutOfRange("weather.start_seconds", f"has {count:,} hours, not 1 to {MOST_HOURS:,}", count=str(count))
    )


def _time_fault(starts: Int64s, latest_s: int) -> FieldFault | None:
    if bool((starts % HOUR_S).any()):
        first = int(starts[np.flatnonzero(starts % HOUR_S)[0]])
        return OutOfRange("weather.start_seconds", f"{first} is not the start of an hour", start=str(first))
    # They increase: the ends are the extremes.
    if starts[0] < _EARLIEST_S:
        return OutOfRange("weather.start_seconds", f"{int(starts[0])} lies before 1900", start=str(int(starts[0])))
    if starts[-1] > latest_s:
        return OutOfRange("weather.start_seconds", f"{int(starts[-1])} lies too far ahead: {latest_s} at most", start=str(int(starts[-1])))
    return None


def _temperature_fault(hours: HourlyTemperatures) -> FieldFault | None:
    sent = hours.known()
    wrong = np.flatnonzero((sent.centidegrees < LOWEST) | (sent.centidegrees > HIGHEST))
    if not len(wrong):
        return None
    start, value = int(sent.starts[wrong[0]]), int(sent.centidegrees[wrong[0]])
    description = f"{value} at {start} is not from {LOWEST} to {HIGHEST}"
    return OutOfRange("weather.temperature_centidegrees", description, start=str(start), value=str(value), wrong_count=str(len(wrong)))


def changed(known: HourlyTemperatures, sent: HourlyTemperatures) -> HourlyTemperatures:
    """Return the hours sent that are not known as they were sent; an hour sent as missing takes a known temperature back."""
    before = np.full(len(sent), MISSING, np.int64)
    _, ours, theirs = np.intersect1d(known.starts, sent.starts, assume_unique=True, return_indices=True)
    before[theirs] = known.centidegrees[ours]
    return sent.where(before != sent.centidegrees)


def replaced(known: HourlyTemperatures, changes: HourlyTemperatures) -> HourlyTemperatures:
    """Return what is known after the changes."""
    kept = known.where(~np.isin(known.starts, changes.starts))
    starts = np.concatenate([kept.starts, changes.starts])
    order = np.argsort(starts)
    return HourlyTemperatures(starts=starts[order], centidegrees=np.concatenate([kept.centidegrees, changes.centidegrees])[order]).known()
