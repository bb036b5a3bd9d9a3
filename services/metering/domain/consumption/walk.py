"""Goes once along the readings of one device and decides, at each index that does not simply rise, what happened.

The straight path is vectorised; only the few readings that a flag falls on, and those right after them, are looked at one by one, each
against the last *used* reading before it, so that the reading after a spike is not flagged as well.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from metering.domain.consumption.columns import Int8s, Int64s, int8s, int64s, proportion
from metering.domain.consumption.events import Event, EventKind, event
from metering.domain.consumption.readings import Device
from vocabulary.quality import Quality

RETURN_S = 86_400
RETURN_READINGS = 3
"""An index that fell, or leapt up, is given a day to come back, or three readings if these take longer, before the new level is believed.

N index that fell, or leapt up, is given a day to come back, or three readings if these take longer, before the new level is believed.
"""

_DAY_S = 86_400
_NEAR_ZERO_SHARE = 20
_NEAR_ZERO_STEPS = 10


class Why(IntEnum):
    """What the difference between two used readings stands for."""

    FORWARD = 0
    """The plain difference of two indexes."""
    ROLLOVER = 1
    """The register passed its last digit on the way."""
    RESET = 2
    """The volume since the reset, the least that was used; when the reset happened is unknown."""
    EXCHANGE = 3
    """Between the last index of one device and the first of the next: unknown."""
    RAISED = 4
    """An impossible rise that stayed: unknown."""
    LOWERED = 5
    """A fall that stayed: unknown."""


UNKNOWN_FROM = Why.EXCHANGE
"""From this number on, a difference says nothing about what was used."""

_KINDS = {
    Why.FORWARD: EventKind.JITTER,
    Why.ROLLOVER: EventKind.ROLLOVER,
    Why.RESET: EventKind.RESET,
    Why.RAISED: EventKind.RAISED,
    Why.LOWERED: EventKind.LOWERED,
}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stretch:
    """The usable readings of one device, oldest first; times in UTC seconds, values in base units."""

    device: Device
    time: Int64s
    value: Int64s
    quality: Int8s


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Walked:
    """The used readings of one device. delta and why describe the n − 1 steps between them; delta is 0 where `why` is unknown."""

    device: Device
    time: Int64s
    value: Int64s
    quality: Int8s
    delta: Int64s
    why: Int8s
    events: tuple[Event, ...] = ()
    dropped: int = 0


def walked(stretch: Stretch, maximum_per_hour: int | None) -> Walked:
    """Return the readings of one device that can be used, and the steps between them."""
    rise, seconds = np.diff(stretch.value), np.diff(stretch.time)
    resolution = stretch.device.resolution
    flagged = rise < 0
    if maximum_per_hour is not None:
        flagged |= rise > most(seconds, maximum_per_hour) + resolution
    if not bool(flagged.any()):
        return Walked(
            device=stretch.device,
            time=stretch.time,
            value=stretch.value,
            quality=stretch.quality,
            delta=rise,
            why=np.zeros(len(rise), dtype=np.int8),
        )
    return _Walk(stretch, maximum_per_hour, 0 if maximum_per_hour is not None else _observed_per_day(rise, seconds)).run(
        (np.flatnonzero(flagged) + 1).tolist()
    )


def most(seconds: Int64s, per_hour: int) -> Int64s:
    """Return the most that can be used in so many seconds, without leaving 64 bits."""
    hours, rest = np.divmod(seconds, 3600)
    return hours * per_hour + rest * per_hour // 3600


def _observed_per_day(rise: Int64s, seconds: Int64s) -> int:
    """Return the most that any step brought, per day; steps below a day count as one."""
    lasting = np.maximum(seconds, _DAY_S)
    return int(proportion(np.full_like(lasting, _DAY_S), lasting, np.maximum(rise, 0)).max(initial=0))


class _Walk:
    """The state of one walk: which readings are kept so far, at which level, and why each follows the one before it."""

    def __init__(self, stretch: Stretch, maximum_per_hour: int | None, observed_per_day: int) -> None:
        self._device = stretch.device
        self._resolution = stretch.device.resolution
        self._maximum_per_hour = maximum_per_hour
        self._observed_per_day = observed_per_day
        self._time: list[int] = stretch.time.tolist()
        self._value: list[int] = stretch.value.tolist()
        self._quality: list[int] = stretch.quality.tolist()
        self._level = list(self._value)
        self._keep = [True] * len(self._value)
        self._why = [int(Why.FORWARD)] * len(self._value)
        self._breaks: list[int] = []
        self._dropped: dict[int, tuple[EventKind, int]] = {}
        self._regains: dict[int, int] = {}

    def run(self, flagged: list[int]) -> Walked:
        """Walk from flag to flag; `flagged` are the positions whose step from the reading just before is not a plain rise."""
        tail, at, end = 0, 1, len(self._value)
        while at < end:
            if tail == at - 1 and self._level[tail] == self._value[tail]:
                following = bisect_left(flagged, at)
                at = flagged[following] if following < len(flagged) else end
                tail = at - 1
                if at == end:
                    break
            if self._judge(tail, at):
                tail = at
            at += 1
        return self._result()

    def _result(self) -> Walked:
        kept = np.flatnonzero(self._keep)
        level, value = int64s(self._level)[kept], int64s(self._value)[kept]
        why = int8s(self._why)[kept][1:]
        delta = np.diff(level)
        delta = np.where(why == Why.ROLLOVER, delta + (self._device.modulus or 0), delta)
        delta = np.where(why == Why.RESET, value[1:], delta)
        return Walked(
            device=self._device,
            time=int64s(self._time)[kept],
            value=value,
            quality=int8s(self._quality)[kept],
            delta=np.where(why >= UNKNOWN_FROM, 0, delta),
            why=why,
            events=tuple(self._found(kept, np.flatnonzero((why != Why.FORWARD) | (level > value)[1:]) + 1)),
            dropped=len(self._value) - len(kept),
        )

    def _found(self, kept: Int64s, odd: Int64s) -> Iterator[Event]:
        # Told from what was decided in the end: a break that was taken back leaves no event behind.
        for before, at in zip(kept[odd - 1].tolist(), kept[odd].tolist(), strict=True):
            yield self._event(_KINDS[Why(self._why[at])], at, before)
        for at, (kind, against) in self._dropped.items():
            yield self._event(kind, at, against)

    def _event(self, kind: EventKind, at: int, against: int) -> Event:
        return event(kind, self._time[at], index=self._value[at], against=self._value[against], serial=self._device.serial)

    def _judge(self, tail: int, at: int) -> bool:
        """Decide about one reading after the last used one, and tell whether it is used."""
        if self._fits(tail, at):
            return True
        return self._judge_rise(tail, at) if self._value[at] > self._level[tail] else self._judge_fall(tail, at)

    def _judge_rise(self, tail: int, at: int) -> bool:
        # A person's word stands: this is how a burst that looked like a spike is made to count.
        if self._quality[at] == Quality.CORRECTED or self._cancelled(tail, at) or self._reverted(at):
            return True
        returns = any(self._value[later] < self._value[at] - self._resolution and self._fits(tail, later) for later in self._soon_after(at))
        confirmed = at + 1 < len(self._value) and self._fits(at, at + 1) and self._quality[at] < Quality.ESTIMATED
        if returns or not confirmed:
            return self._drop(at, tail, EventKind.SPIKE)
        return self._break(at, Why.RAISED)

    def _judge_fall(self, tail: int, at: int) -> bool:
        if self._level[tail] - self._value[at] <= self._resolution:
            self._level[at] = self._level[tail]
            return True
        if self._cancelled(tail, at) or self._reverted(at):
            return True
        if self._quality[at] == Quality.CORRECTED:
            return self._accept_correction(tail, at)
        if self._quality[at] == Quality.ESTIMATED and self._quality[tail] < Quality.ESTIMATED:
            return self._drop(at, tail, EventKind.ESTIMATE_CANCELLED)
        return self._judge_fall_of_equals(tail, at)

    def _judge_fall_of_equals(self, tail: int, at: int) -> bool:
        regained = self._regained(tail, at)
        if (regained is not None and self._leaps_back(tail, at, regained)) or self._awaits_confirmation(at):
            return self._drop(at, tail, EventKind.BACKWARDS)
        if self._rolls_over(tail, at):
            return self._break(at, Why.ROLLOVER)
        if self._is_reset(tail, at):
            return self._break(at, Why.RESET)
        if regained is not None or self._is_recent(at):
            return self._drop(at, tail, EventKind.BACKWARDS)
        return self._outliers_dropped(tail, at) or self._break(at, Why.LOWERED)

    def _accept_correction(self, tail: int, at: int) -> bool:
        if self._rolls_over(tail, at):
            return self._break(at, Why.ROLLOVER)
        return self._outliers_dropped(tail, at) or self._break(at, Why.LOWERED)

    def _fits(self, before: int, after: int) -> bool:
        """Tell whether the register can simply have counted from one reading to the other."""
        rise = self._value[after] - self._level[before]
        if rise < 0 or self._maximum_per_hour is None:
            return rise >= 0
        return rise <= self._possible(self._time[after] - self._time[before], self._maximum_per_hour)

    def _possible(self, seconds: int, per_hour: int) -> int:
        # One step more: an index shown is rounded down, so a difference can be one step too large.
        return seconds * per_hour // 3600 + self._resolution

    def _plausible(self, tail: int, at: int, amount: int) -> bool:
        """Tell whether `amount` can have been used; without a known maximum, up to three times what the busiest day brought."""
        seconds = self._time[at] - self._time[tail]
        if self._maximum_per_hour is not None:
            return amount <= self._possible(seconds, self._maximum_per_hour)
        return amount <= 3 * self._observed_per_day * max(seconds, _DAY_S) // _DAY_S + self._resolution

    def _rolls_over(self, tail: int, at: int) -> bool:
        # A register with n digits restarts at 10^n: a fall from near the top is neither an exchange nor a reset.
        modulus = self._device.modulus
        if modulus is None or self._level[tail] >= modulus:
            return False
        return self._plausible(tail, at, modulus - self._level[tail] + self._value[at])

    def _is_reset(self, tail: int, at: int) -> bool:
        return self._is_near_zero(tail, at) and self._plausible(tail, at, self._value[at])

    def _is_near_zero(self, tail: int, at: int) -> bool:
        value, level = self._value[at], self._level[tail]
        return value <= max(level // _NEAR_ZERO_SHARE, _NEAR_ZERO_STEPS * self._resolution) and 2 * value < level

    def _regained(self, tail: int, at: int) -> int | None:
        """Return the first reading after `at` that simply follows `tail`, None when there is none in time."""
        if not self._is_near_zero(tail, at):
            return next((later for later in self._soon_after(at) if self._fits(tail, later)), None)
        # Missing is often written as 0, for weeks even: a leap from zero back to the old level tells it from a reset whenever it comes.
        known = self._regains.get(tail)
        if known is None or known <= at:
            known = next((later for later in range(at + 1, len(self._value)) if self._fits(tail, later)), len(self._value))
            self._regains[tail] = known
        soon = known < len(self._value) and (known <= at + RETURN_READINGS or self._time[known] <= self._time[at] + RETURN_S)
        return known if soon or (known < len(self._value) and self._leaps_back(tail, at, known)) else None

    def _leaps_back(self, tail: int, at: int, regained: int) -> bool:
        """Tell whether the index came back in one leap, as after a reading that was simply wrong, rather than by being used."""
        fall = self._level[tail] - self._value[at]
        return not self._fits(regained - 1, regained) or 2 * (self._value[regained] - self._value[regained - 1]) >= fall

    def _soon_after(self, at: int) -> Iterator[int]:
        for later in range(at + 1, len(self._value)):
            if later > at + RETURN_READINGS and self._time[later] > self._time[at] + RETURN_S:
                return
            yield later

    def _is_recent(self, at: int) -> bool:
        """Tell whether the readings end before the index had its chance to come back."""
        return at + RETURN_READINGS >= len(self._value) or self._time[-1] <= self._time[at] + RETURN_S

    def _previous(self, at: int) -> int | None:
        for before in range(at - 1, -1, -1):
            if self._keep[before]:
                return before
        return None

    def _cancelled(self, tail: int, at: int) -> bool:
        """Drop estimated indexes that a better reading contradicts.

        An over-estimated one makes no rollover, an under-estimated one no spike.
        """
        if self._quality[at] >= Quality.ESTIMATED:
            return False
        return self._dropped_until_it_fits(
            tail, at, lambda one: self._quality[one] == Quality.ESTIMATED, len(self._value), EventKind.ESTIMATE_CANCELLED
        )

    def _outliers_dropped(self, tail: int, at: int) -> bool:
        """Drop up to three readings that were too high, if the one before them and everything since agree without them."""
        return self._dropped_until_it_fits(tail, at, lambda one: self._quality[one] != Quality.CORRECTED, RETURN_READINGS, EventKind.SPIKE)

    def _dropped_until_it_fits(self, tail: int, at: int, droppable: Callable[[int], bool], limit: int, kind: EventKind) -> bool:
        doomed: list[int] = []
        one: int | None = tail
        while one is not None and len(doomed) < limit and droppable(one):
            doomed.append(one)
            one = self._previous(one)
            # Estimates may go back to the very beginning; measured readings need one before them that agrees.
            if self._fits(one, at) if one is not None else kind is EventKind.ESTIMATE_CANCELLED:
                self._drop_all(doomed, at, kind)
                return True
        return False

    def _reverted(self, at: int) -> bool:
        """Undo the last break if the index is back where it would be without it, and the next reading agrees."""
        before = self._before_break(at)
        if before is None or at + 1 >= len(self._value) or not self._fits(at, at + 1):
            return False
        doomed = [one for one in range(self._breaks[-1], at) if self._keep[one]]
        if any(self._quality[one] == Quality.CORRECTED for one in doomed):
            return False
        self._breaks.pop()
        self._drop_all(doomed, at, None)
        return True

    def _awaits_confirmation(self, at: int) -> bool:
        return at + 1 >= len(self._value) and self._before_break(at) is not None

    def _before_break(self, at: int) -> int | None:
        """Return the last reading before the last break if `at` would simply follow it."""
        while self._breaks and not self._keep[self._breaks[-1]]:
            self._breaks.pop()
        before = self._previous(self._breaks[-1]) if self._breaks else None
        return before if before is not None and self._fits(before, at) else None

    def _drop_all(self, doomed: list[int], at: int, kind: EventKind | None) -> None:
        """Drop readings in favour of `at`; without a kind, those above it were spikes and those below went backwards."""
        for one in doomed:
            self._drop(one, at, kind or (EventKind.SPIKE if self._value[one] > self._value[at] else EventKind.BACKWARDS))

    def _drop(self, one: int, against: int, kind: EventKind) -> bool:
        self._keep[one] = False
        self._dropped[one] = (kind, against)
        return False

    def _break(self, at: int, why: Why) -> bool:
        self._why[at] = why
        self._breaks.append(at)
        return True
