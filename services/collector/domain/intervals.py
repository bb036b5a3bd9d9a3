"""Places stamps in time: from texts to UTC, and from a stamp to the interval that it starts or ends."""

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from collector.domain.local_time import Resolved, resolve, transitions
from collector.domain.mapping import CivilStep, StampAt, TimeMapping
from collector.domain.parsed import Flags, Ints
from collector.domain.stamps import EARLIEST, LATEST, StampColumn
from collector.domain.steps import inferred_steps
from vocabulary.civil import time_zone

_LONGEST_STEP_S = 366 * 86_400
_ISO_STEP = re.compile(r"PT?(\d{1,6})([DHMS])")
_STEP_SECONDS = {"D": 86_400, "H": 3600, "M": 60, "S": 1}


class Clock:
    """Turns stamps into UTC, meter by meter; remembers where each meter's clock stood."""

    def __init__(self, time: TimeMapping) -> None:
        """Read stamps without an offset in the mapping's zone."""
        self.zone: ZoneInfo = time_zone(time.zone)
        self._ends = time.stamp_at is StampAt.END
        self._last: Ints = np.zeros(0, np.int64)

    def place(self, meter: Ints, stamps: StampColumn, open_ended: Flags) -> Resolved:
        """Return the UTC seconds of the stamps; rows follow each other as in the file."""
        self._grow(int(meter.max(initial=-1)) + 1)
        local = np.where(stamps.has_offset, 0, stamps.seconds)
        if stamps.has_offset.all():
            none = np.zeros(len(meter), np.bool_)
            resolved = Resolved(utc=stamps.seconds.copy(), missing=none, unsure=none, held=none)
        elif stamps.has_offset.any():
            resolved = self._mixed(meter, stamps, local, open_ended)
        else:
            resolved = resolve(meter, local, self.zone, self._last, ends=self._ends, open_ended=open_ended)
        settled = ~resolved.held & ~resolved.missing
        self._last[meter[settled]] = resolved.utc[settled]
        return resolved

    def _mixed(self, meter: Ints, stamps: StampColumn, local: Ints, open_ended: Flags) -> Resolved:
        naive = ~stamps.has_offset
        part = resolve(meter[naive], local[naive], self.zone, self._last, ends=self._ends, open_ended=open_ended[naive])
        utc = stamps.seconds.copy()
        utc[naive] = part.utc
        flags = [np.zeros(len(meter), np.bool_) for _ in range(3)]
        for flag, of_naive in zip(flags, (part.missing, part.unsure, part.held), strict=True):
            flag[naive] = of_naive
        return Resolved(utc=utc, missing=flags[0], unsure=flags[1], held=flags[2])

    def _grow(self, size: int) -> None:
        if size > len(self._last):
            self._last = np.concatenate((self._last, np.full(size - len(self._last), -1, np.int64)))


def in_range(utc: Ints) -> Flags:
    """Tell which instants lie in the years that meters live in."""
    return (utc >= EARLIEST) & (utc < LATEST)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stretches:
    """The interval of each stamp: start in UTC seconds and seconds, 0 where unknown."""

    start: Ints
    duration: Ints


def stretches(utc: Ints, step: Ints, at: StampAt) -> Stretches:
    """Return the intervals of fixed steps."""
    return Stretches(start=utc - step if at is StampAt.END else utc, duration=step)


def civil_stretches(utc: Ints, step: CivilStep, at: StampAt, zone: ZoneInfo) -> Stretches:
    """Return intervals of one civil day or month on the zone's clock: 23, 24 or 25 hours, 28 to 31 days."""
    table = transitions(zone, utc)
    local = table.to_local(utc)
    sign = -1 if at is StampAt.END else 1
    if step is CivilStep.DAY:
        other = local + sign * 86_400
    else:
        month = local.astype("datetime64[s]").astype("datetime64[M]")
        other = (month + sign).astype("datetime64[s]").astype(np.int64) + local - month.astype("datetime64[s]").astype(np.int64)
    other = transitions(zone, np.concatenate((utc, other))).first(other)
    start, end = (other, utc) if at is StampAt.END else (utc, other)
    return Stretches(start=start, duration=end - start)


def step_seconds(text: str, unit_s: int) -> int:
    """Return the seconds of a step such as `PT30M`, `P1D` or `30`, 0 when it is none."""
    text = text.strip().upper()
    if text.isascii() and text.isdigit() and len(text) <= len(str(_LONGEST_STEP_S)):
        seconds = int(text) * unit_s
    elif match := _ISO_STEP.fullmatch(text):
        seconds = int(match[1]) * _STEP_SECONDS[match[2]]
    else:
        return 0
    return seconds if seconds <= _LONGEST_STEP_S else 0


class StepInference:
    """Infers steps over block borders: keeps the last two stamps of each meter as context."""

    def __init__(self, likely: tuple[int, ...], *, ends: bool, on_the_clock: bool) -> None:
        """Take the steps that are likely, and which end of an interval stamps mark."""
        self._likely = likely
        self._ends = ends
        self._on_the_clock = on_the_clock
        self._meter: Ints = np.zeros(0, np.int64)
        self._stamp: Ints = np.zeros(0, np.int64)

    def steps(self, meter: Ints, utc: Ints, held: Flags) -> Ints:
        """Return the step of each row; rows `held` are seen as neighbours now and will come again."""
        meters, stamps = np.concatenate((self._meter, meter)), np.concatenate((self._stamp, utc))
        steps = inferred_steps(meters, stamps, ends=self._ends, likely=self._likely, on_the_clock=self._on_the_clock)
        known = np.concatenate((np.ones(len(self._meter), np.bool_), ~held))
        last_two = _last_of_each(meters[known], 2)
        result = steps[len(self._meter) :]
        self._meter, self._stamp = meters[known][last_two], stamps[known][last_two]
        return result


def _last_of_each(meter: Ints, number: int) -> Ints:
    """Return the positions of the last rows of each meter, in order."""
    order = np.argsort(meter, kind="stable")
    sorted_meter = meter[order]
    from_end = np.searchsorted(sorted_meter, sorted_meter, side="right") - np.arange(len(order))
    return np.sort(order[from_end <= number])


def last_of_each(meter: Ints) -> Flags:
    """Tell which row is the last one of its meter."""
    flags = np.zeros(len(meter), np.bool_)
    flags[_last_of_each(meter, 1)] = True
    return flags
