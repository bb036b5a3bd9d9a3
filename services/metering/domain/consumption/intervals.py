"""Turns interval readings into pieces, and decides where two of them claim the same time."""

import numpy as np

from metering.domain.consumption.columns import Bools, Int64s, int8s
from metering.domain.consumption.events import Event, EventKind, event
from metering.domain.consumption.pieces import Method, Pieces
from metering.domain.consumption.readings import IntervalReadings
from vocabulary.quality import Quality


def interval_pieces(readings: IntervalReadings) -> tuple[Pieces, tuple[Event, ...]]:
    """Return the usable interval readings as pieces, and what was left out: suspect ones, and those that others overlap.

    Of readings that overlap, the one of better quality is used, then the shorter, then the earlier, whatever came first.
    """
    end = readings.start + readings.duration
    if _is_plain(readings, end):
        return Pieces(
            start=readings.start, end=end, value=readings.value, quality=readings.quality, method=np.zeros_like(readings.quality)
        ), ()
    usable = readings.quality < Quality.SUSPECT
    found = [event(EventKind.SUSPECT, int(readings.start[at]), value=int(readings.value[at])) for at in np.flatnonzero(~usable)]
    rows = np.flatnonzero(usable)
    if bool((readings.start[rows][1:] < end[rows][:-1]).any()):
        chosen = _without_overlaps(readings, usable)
        found += [
            event(EventKind.OVERLAP, int(readings.start[at]), value=int(readings.value[at]), duration_s=int(readings.duration[at]))
            for at in np.flatnonzero(usable & ~chosen)
        ]
        rows = np.flatnonzero(chosen)
    quality = readings.quality[rows]
    known = Pieces(
        start=readings.start[rows],
        end=end[rows],
        value=readings.value[rows],
        quality=quality,
        method=int8s(np.where(quality > Quality.MEASURED, Method.LINEAR, Method.METERED)),
    )
    return known, tuple(sorted(found, key=lambda one: (one.at, one.kind.value)))


def _is_plain(readings: IntervalReadings, end: Int64s) -> bool:
    """Tell whether all is measured and nothing overlaps, as nearly always."""
    return bool((readings.quality <= Quality.MEASURED).all()) and bool((readings.start[1:] >= end[:-1]).all())


def _without_overlaps(readings: IntervalReadings, usable: Bools) -> Bools:
    """Choose greedily, the best first, within each run of readings that overlap."""
    start, end = readings.start.tolist(), (readings.start + readings.duration).tolist()
    rank = [(quality, duration) for quality, duration in zip(readings.quality.tolist(), readings.duration.tolist(), strict=True)]
    chosen = np.zeros(len(start), dtype=np.bool_)
    run: list[int] = []
    reach = -1
    for at in [*np.flatnonzero(usable).tolist(), None]:
        if at is None or (run and start[at] >= reach):
            taken: list[int] = []
            for one in sorted(run, key=lambda each: (*rank[each], start[each])):
                if all(end[one] <= start[other] or start[one] >= end[other] for other in taken):
                    taken.append(one)
            chosen[taken] = True
            run, reach = [], -1
        if at is not None:
            run.append(at)
            reach = max(reach, end[at])
    return chosen
