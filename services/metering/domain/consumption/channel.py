"""The consumption of one channel: its registers and its intervals together, holes filled, counted into slots."""

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from metering.domain.consumption.columns import Int64s
from metering.domain.consumption.day_profile import DayType, weekday_type
from metering.domain.consumption.events import Event, EventKind, event
from metering.domain.consumption.gaps import Hole, filled
from metering.domain.consumption.intervals import interval_pieces
from metering.domain.consumption.pieces import Method, Pieces, amount_before, joined
from metering.domain.consumption.readings import ChannelFacts, IntervalReadings, RegisterReadings
from metering.domain.consumption.registers import register_series
from metering.domain.consumption.slots import Consumption, Slots, counted, require_fine_enough, slots_of
from vocabulary.civil import Granularity
from vocabulary.interval import Interval


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ChannelUse:
    """All that is known of a channel's use over the time that was read, before it is counted into slots.

    pieces: measured and, if it was asked for, estimated ones. events: what the rules found. suspect: readings kept but not used.
    """

    pieces: Pieces
    events: tuple[Event, ...]
    suspect: int


def channel_use(
    registers: RegisterReadings,
    intervals: IntervalReadings,
    facts: ChannelFacts,
    zone: ZoneInfo,
    *,
    estimate: bool = True,
    day_type: DayType = weekday_type,
) -> ChannelUse:
    """Judge all kept readings of a channel over a window together.

    Intervals are used where there are any, index differences elsewhere; where intervals have holes, the index difference tells what is left
    for them. Read `gaps.MARGIN_S` more on both sides than the question asks. Without `estimate`, holes stay holes.
    """
    series = register_series(registers, facts)
    from_registers = series.pieces()
    from_intervals, found = interval_pieces(intervals)
    step = max((device.resolution for device in facts.devices), default=1)
    known, owed, disagreements = _together(from_registers, from_intervals, step)
    events = sorted((*series.events, *found, *disagreements), key=lambda one: (one.at, one.kind.value))
    suspect = series.suspect + len(found)
    pieces = filled(known, zone, owed=owed, day_type=day_type) if estimate else known
    return ChannelUse(pieces=pieces, events=tuple(events), suspect=suspect)


def consumption(
    known: Pieces, during: Interval, granularity: Granularity, zone: ZoneInfo, *, profile: Callable[[Pieces, Slots], Pieces] | None = None
) -> Consumption:
    """Count what is known into the slots of a granularity that share an instant with `during`.

    Raises FinerThanData where all readings in `during` are further apart than the slots, unless a profile says how to divide them
    (`evenly`, or one that the asker has); the answer is then marked as a profile.
    """
    into = slots_of(during, granularity, zone)
    if profile is None:
        require_fine_enough(known, into, granularity)
        return counted(known, into)
    return counted(profile(known, into), into, by_profile=True)


def evenly(known: Pieces, _into: Slots) -> Pieces:
    """Divide coarse pieces in proportion to time: the profile of somebody who knows nothing more."""
    return known


def agree(one: int, other: int, resolution: int) -> bool:
    """Tell whether two sums of the same thing agree: within two steps of the register, or within 0.5 %."""
    return abs(one - other) <= max(2 * resolution, max(abs(one), abs(other)) // 200)


def _together(registers: Pieces, intervals: Pieces, step: int) -> tuple[Pieces, list[Hole], list[Event]]:
    """Lay the finer of both over the coarser.

    Return all pieces, the holes of the finer whose total the coarser gives, and disagreements.
    """
    if not len(intervals) or not len(registers):
        return (registers if len(registers) else intervals), [], []
    swapped = bool(np.median(intervals.duration) > np.median(registers.duration))
    fine, coarse = (registers, intervals) if swapped else (intervals, registers)
    covered = _covered_before(fine, coarse.end) - _covered_before(fine, coarse.start)
    given = amount_before(fine, coarse.end) - amount_before(fine, coarse.start)
    holes: list[Hole] = []
    disagreements: list[Event] = []
    for at in np.flatnonzero((covered > 0) & (coarse.method != Method.SINCE_RESET)).tolist():
        start, end, left = int(coarse.start[at]), int(coarse.end[at]), int(coarse.value[at] - given[at])
        whole = covered[at] == end - start
        if not (agree(int(given[at]), int(coarse.value[at]), step) if whole else left >= -2 * step):
            sums = (int(coarse.value[at]), int(given[at])) if swapped else (int(given[at]), int(coarse.value[at]))
            disagreements.append(event(EventKind.SUM_CHECK, start, end_s=end, intervals=sums[0], index=sums[1]))
        elif not whole:
            holes.append(Hole(stretches=_uncovered(fine, start, end), total=max(left, 0)))
    return joined([fine, coarse.where(covered == 0)]), holes, disagreements


def _covered_before(intervals: Pieces, at: Int64s) -> Int64s:
    durations = Pieces(
        start=intervals.start, end=intervals.end, value=intervals.duration, quality=intervals.quality, method=intervals.method
    )
    return amount_before(durations, at)


def _uncovered(fine: Pieces, start: int, end: int) -> tuple[tuple[int, int], ...]:
    """Return the stretches of `[start, end)` that no finer piece covers."""
    inside = slice(int(np.searchsorted(fine.end, start, "right")), int(np.searchsorted(fine.start, end, "left")))
    begins = [start, *fine.end[inside].tolist()]
    ends = [*fine.start[inside].tolist(), end]
    return tuple((begin, finish) for begin, finish in zip(begins, ends, strict=True) if begin < finish)
