"""Turns the local clock of a zone into UTC, on the days on which an hour is missing and on those on which it comes twice."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from collector.domain.clock_change import Sequences
from collector.domain.parsed import Flags, Ints
from collector.domain.stamps import EARLIEST, LATEST

_DAY = 86_400


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Transitions:
    """The instants at which a zone's offset changes: `offsets[i]` seconds hold before `times[i]`, the last one after all."""

    times: Ints
    offsets: Ints

    def to_local(self, utc: Ints) -> Ints:
        """Return what the clock on the wall shows, as seconds since its 1970-01-01."""
        return utc + self.offsets[np.searchsorted(self.times, utc, side="right")]

    def first(self, local: Ints) -> Ints:
        """Return the UTC seconds of local ones; of two instants the first; a time that does not exist is put before the change."""
        # Before transition i the clock shows less than times[i] + offsets[i]; where it is put back, those times are met first.
        return local - self.offsets[np.searchsorted(self.times + self.offsets[:-1], local, side="right")]

    def second(self, local: Ints) -> Ints:
        """Return the UTC seconds of local ones; of two instants the second."""
        return local - self.offsets[np.searchsorted(self.times + self.offsets[1:], local, side="right")]

    def missing(self, local: Ints) -> Flags:
        """Tell which local times do not exist because the clock was put forward over them."""
        return self.to_local(self.first(local)) != local


@lru_cache(maxsize=256)
def _of_year(zone: ZoneInfo, year: int) -> tuple[tuple[int, int, int], ...]:
    """Return the transitions of a calendar year (UTC) as instant, offset before, offset after."""
    start, end = (int(datetime(y, 1, 1, tzinfo=UTC).timestamp()) for y in (year, year + 1))
    found: list[tuple[int, int, int]] = []
    for day in range(start, end, _DAY):
        before, after = _offset(zone, day), _offset(zone, day + _DAY)
        if before != after:
            found.append((_changed_at(zone, day, day + _DAY), before, after))
    return tuple(found)


def _offset(zone: ZoneInfo, utc: int) -> int:
    offset = datetime.fromtimestamp(utc, zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def _changed_at(zone: ZoneInfo, low: int, high: int) -> int:
    before = _offset(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return high


def transitions(zone: ZoneInfo, seconds: Ints) -> Transitions:
    """Return the transitions of a zone over the years of the seconds, UTC or local alike, with a day to spare at each end."""
    low, high = (int(np.clip(bound, EARLIEST, LATEST)) for bound in (seconds.min(initial=LATEST), seconds.max(initial=EARLIEST)))
    years = [datetime.fromtimestamp(second, UTC).year for second in (max(low - _DAY, 0), high + _DAY)]
    found = [change for year in range(years[0], years[1] + 1) for change in _of_year(zone, year)]
    first = found[0][1] if found else _offset(zone, low)
    return Transitions(
        times=np.array([at for at, _, _ in found], np.int64), offsets=np.array([first, *(after for _, _, after in found)], np.int64)
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Resolved:
    """UTC seconds of a column of stamps."""

    utc: Ints
    missing: Flags
    """The local time does not exist."""
    unsure: Flags
    """The hour came twice and the neighbours do not tell which one is meant; the first one was taken."""
    held: Flags
    """Not yet known: more rows of the same clock are needed."""


def resolve(clock: Ints, local: Ints, zone: ZoneInfo, before: Ints, *, ends: bool, open_ended: Flags) -> Resolved:
    """Turn local seconds into UTC, with the order of the rows of each clock where the hour comes twice.

    `clock`: which meter's sequence a row belongs to; `before`: the last known UTC seconds of each clock, -1 for none; `ends`: the stamps
    are ends of intervals, so the rims of a changed hour may be stamped either way; `open_ended`: more rows of that clock may follow.
    """
    table = transitions(zone, local)
    first, last = table.first(local), table.second(local)
    missing = table.missing(local)
    twice = (first != last) & ~missing
    if ends and len(table.times):
        # The end of the last interval before the clock moved: 02:00 in spring, and in autumn the first 03:00.
        moved_at = table.times + table.offsets[:-1]
        rim = np.isin(local, moved_at)
        first = np.where(rim, local - table.offsets[np.searchsorted(moved_at, local)], first)
        twice |= rim & ~missing
        missing &= ~rim
    utc = first.copy()
    unsure, held = np.zeros(len(local), np.bool_), np.zeros(len(local), np.bool_)
    if twice.any():
        natural = table.first(local)
        sequences = Sequences(clock=clock, first=first, last=last, natural=natural, twice=twice, utc=utc, unsure=unsure, held=held)
        sequences.settle(before, open_ended)
    return Resolved(utc=utc, missing=missing, unsure=unsure, held=held)
