"""Reads the town's meters: what arrives in any window of time, the same however time is cut into windows."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from simulation.draws import Flags, Ints, Stream
from simulation.flows import Group
from simulation.meters import Meters
from simulation.scene import Scene, local_day, scene
from simulation.schedule import Schedule, lookback, scheduled
from simulation.town import Town
from vocabulary.interval import Interval
from vocabulary.names import PointId
from vocabulary.quality import Quality

_CHUNK = 64
"""Meters computed together: their columns of a month stay within a processor's cache."""
_SLAB_DAYS = 31
_KILOWATT_HOUR = 3_600_000
_REPORT_S = 2 * 86_400
"""How long a fitter's report of an exchange takes."""


class ReadingKind(Enum):
    """What a value says."""

    REGISTER = 1
    """The index shown at an instant."""
    INTERVAL = 2
    """The quantity over `[time, time + duration)`."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Block:
    """Readings of one channel of one point, in order of time; columns of one length."""

    point: PointId
    channel: str
    kind: ReadingKind
    time: Ints
    """UTC seconds."""
    duration: Ints
    """Seconds; 0 for registers."""
    value: Ints
    """Whole joules or millilitres."""
    quality: NDArray[np.int8]
    """Numbers of `vocabulary.quality.Quality`."""
    arrival: Ints
    """UTC seconds at which the reading reaches the authority."""

    def __len__(self) -> int:
        """Return the number of readings."""
        return len(self.time)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Ledger:
    """What every register shows when a civil day begins (gas: at 06:00), exactly: from here, reading on needs nothing of the past."""

    day: date
    index: Mapping[tuple[str, str], Ints]
    """By group and channel, base units, one for each meter of the group."""


def opening(town: Town) -> Ledger:
    """Return what the registers show when the town begins."""
    index = {
        (group.name, channel): np.rint(group.meters.first_index // group.meters.unit * share).astype(np.int64) * group.meters.unit
        for group in town.groups
        for channel, share in group.first_shares.items()
    }
    for group in town.groups:
        if "hc" in group.first_shares:
            index[group.name, "hc"] = index[group.name, "import"] - index[group.name, "hp"]
    return Ledger(day=town.start, index=index)


def readings(town: Town, during: Interval, *, ledger: Ledger | None = None) -> Iterator[Block]:
    """Yield all readings that arrive in the interval; what arrives in two adjacent intervals is what arrives in both together.

    Without a ledger, registers are counted from the town's beginning; one of `lookback(first day of during)` or earlier spares that.
    Time may run beyond the town's end: life goes on, with no more moves and faults.
    """
    current = opening(town) if ledger is None else ledger
    end = local_day(_second(during.end)) + timedelta(days=1)
    for first, until in _slabs(current.day, end):
        # Only in the last slab may meters that have nothing to say be left out: elsewhere registers must be carried on.
        current = yield from _slab(town, current, scene(town.draws, first, until), during, carry=until < end)


@dataclass(slots=True)
class Feed:
    """Reads the town on and on: each call yields what arrived since the one before. Holds one ledger, a fortnight behind."""

    town: Town
    since: datetime
    """Up to where everything has been yielded; at first, from when on readings are wanted."""
    ledger: Ledger | None = field(default=None)

    def until(self, at: datetime) -> Iterator[Block]:
        """Yield what arrives in `[since, at)`. The next call needs this one to be exhausted."""
        if at <= self.since:
            return
        during = Interval(start=self.since, end=at)
        current = opening(self.town) if self.ledger is None else self.ledger
        day = local_day(_second(during.end))
        settled, end = lookback(day), day + timedelta(days=1)
        for first, until in (*_slabs(current.day, settled), *_slabs(max(current.day, settled), end)):
            current = yield from _slab(self.town, current, scene(self.town.draws, first, until), during, carry=until < end)
            if until <= settled:
                self.ledger = current
        self.since = at


def _slabs(first: date, end: date) -> Iterator[tuple[date, date]]:
    """Yield stretches of at most a month: they bound memory, and cannot change a value."""
    while first < end:
        until = min(first + timedelta(days=_SLAB_DAYS), end)
        yield first, until
        first = until


def _slab(town: Town, ledger: Ledger, stage: Scene, during: Interval, *, carry: bool) -> Generator[Block, None, Ledger]:
    """Yield what a scene's days bring within the interval, and return the ledger after them; without `carry` it lacks silent meters."""
    closing = {key: index.copy() for key, index in ledger.index.items()}
    for group in town.groups:
        for first in range(0, len(group.meters), _CHUNK):
            rows = np.arange(first, min(first + _CHUNK, len(group.meters)))
            plan = scheduled(group.step, group.meters.take(rows), stage, town.faults).within(_second(during.start), _second(during.end))
            said = plan.rows() | _exchanged(group.meters.take(rows), stage)
            if not carry:
                rows, plan = rows[said], plan.take(said)
            if not len(rows):
                continue
            flow = group.flow(stage, rows)
            run = _Run(group=group, stage=stage, plan=plan, rows=rows, meters=group.meters.take(rows), during=during)
            for channel in group.counted:
                shown = counted(flow[channel], ledger.index[group.name, channel][rows], run.meters, plan.start)
                closing[group.name, channel][rows] = shown[:, -1]
                yield from run.registers(channel, shown, flow[channel])
            yield from run.intervals(flow)
    return Ledger(day=stage.end_day, index=closing)


def counted(flow: Ints, opening_index: Ints, meters: Meters, start: Ints) -> Ints:
    """Return the exact index at each step's start and at the end of the last: (meters, steps + 1). A new device begins at 0."""
    shown = np.empty((flow.shape[0], flow.shape[1] + 1), np.int64)
    shown[:, 0] = opening_index
    np.cumsum(flow, axis=1, out=shown[:, 1:])
    shown[:, 1:] += opening_index[:, None]
    exchanged: list[int] = np.flatnonzero((meters.exchange_s > start[0]) & (meters.exchange_s <= start[-1])).tolist()
    for row in exchanged:
        at = int(np.searchsorted(start, int(meters.exchange_s[row])))
        shown[row, at:] -= shown[row, at]
    return shown


def _exchanged(meters: Meters, stage: Scene) -> Flags:
    return (meters.exchange_s > 0) & (meters.exchange_s >= stage.start[0]) & (meters.exchange_s <= stage.start[-1])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """Some meters of a group in a scene, on the way into blocks."""

    group: Group
    stage: Scene
    plan: Schedule
    rows: Ints
    meters: Meters
    during: Interval

    def registers(self, channel: str, shown: Ints, flow: Ints) -> Iterator[Block]:
        """Yield the indexes of a channel, and both of an exchange."""
        plan, meters = self.plan, self.meters
        has = self.group.counted[channel][self.rows]
        step_s = int(plan.start[1] - plan.start[0])
        value = shown[:, plan.look] + flow[:, plan.look] * meters.offset_s[:, None] // step_s - plan.register_less
        value = np.maximum(value, 0) % meters.modulus[:, None] // plan.register_unit * plan.register_unit
        for row in np.flatnonzero(has & plan.register.any(axis=1)).tolist():
            at = np.flatnonzero(plan.register[row])
            yield self._block(
                row, channel, plan.register_time[row, at], value[row, at], plan.register_quality[row, at], plan.register_arrival[row, at]
            )
        for row in np.flatnonzero(has & _exchanged(meters, self.stage)).tolist():
            yield from self._exchange(row, channel, shown, flow)

    def _exchange(self, row: int, channel: str, shown: Ints, flow: Ints) -> Iterator[Block]:
        """Yield what the fitter notes: the old device's last index, a minute before the new one's first."""
        at_s = int(self.meters.exchange_s[row])
        arrival = at_s + _REPORT_S
        if not _second(self.during.start) <= arrival < _second(self.during.end):
            return
        at = int(np.searchsorted(self.plan.start, at_s))
        last = int(shown[row, at - 1] + flow[row, at - 1])
        unit, modulus = int(self.meters.unit[row]), int(self.meters.modulus[row])
        noted = np.array([last % modulus // unit * unit, 0], dtype=np.int64)
        quality = np.full(2, Quality.MEASURED, dtype=np.int8)
        yield self._block(row, channel, np.array([at_s - 60, at_s]), noted, quality, np.array([arrival, arrival]))

    def intervals(self, flow: Mapping[str, Ints]) -> Iterator[Block]:
        """Yield the quantities of half-hours and gas days."""
        plan = self.plan
        channels = (
            {"energy": flow["energy"]}
            if "energy" in flow
            else {name: flow[name] for name in ("import", "injection", "production") if name in flow}
        )
        duration = np.diff(plan.start)
        for row in np.flatnonzero(plan.interval.any(axis=1)).tolist():
            at = np.flatnonzero(plan.interval[row])
            quality, arrival = plan.interval_quality[row, at], plan.interval_arrival[row, at]
            for channel, quantity in channels.items():
                if channel in self.group.counted and not self.group.counted[channel][self.rows[row]]:
                    continue
                value = self._guessed(row, at, quantity[row, at], quality)
                yield Block(
                    point=self.meters.point[row],
                    channel=channel,
                    kind=ReadingKind.INTERVAL,
                    time=plan.start[at],
                    duration=duration[at],
                    value=value,
                    quality=quality,
                    arrival=arrival,
                )

    def _guessed(self, row: int, at: Ints, value: Ints, quality: NDArray[np.int8]) -> Ints:
        """Return the values, those that the distributor estimated up to a tenth away from the truth."""
        guessed = quality == Quality.ESTIMATED
        if not guessed.any():
            return value
        off = self.stage.draws.uniform(Stream.JITTER, self.meters.key[row : row + 1], self.plan.start[at] // 3_600)[0]
        return np.where(guessed, np.rint(value * (0.9 + 0.2 * off) / _KILOWATT_HOUR).astype(np.int64) * _KILOWATT_HOUR, value)

    def _block(self, row: int, channel: str, time: Ints, value: Ints, quality: NDArray[np.int8], arrival: Ints) -> Block:
        return Block(
            point=self.meters.point[row],
            channel=channel,
            kind=ReadingKind.REGISTER,
            time=time,
            duration=np.zeros(len(time), np.int64),
            value=value,
            quality=quality,
            arrival=arrival,
        )


def _second(at: datetime) -> int:
    # Rounded up: an instant within a second is after what arrives at its beginning.
    return -int(-at.timestamp() // 1)
