"""Infers how long each interval of a load curve is, from the stamps alone; the step may change inside a series."""

import numpy as np

from collector.domain.parsed import Flags, Ints

LIKELY_STEPS_S = (60, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200, 86_400)
"""Steps that meters write."""

LOAD_CURVE_STEPS_S = (300, 600, 900, 1800, 3600)
"""Steps of French load curves, which lie on the clock: an hour ends at minute 0."""


def inferred_steps(series: Ints, stamp: Ints, *, ends: bool, likely: tuple[int, ...] = LIKELY_STEPS_S, on_the_clock: bool = False) -> Ints:
    """Return the seconds of the interval that each stamp ends (or starts), 0 where nothing tells.

    The distance to the neighbour is the step when the next one is the same, or when no neighbour has a smaller one: a single wide distance
    among small ones is a missing row, not a long interval. Where the distance itself is none, the step of the neighbours holds, as
    long as it fits between the stamps. `on_the_clock`: stamps are multiples of their step. Order and repeats do not matter.
    """
    if len(stamp) == 0:
        return np.zeros(0, np.int64)
    signed = stamp if ends else -stamp
    order = np.lexsort((signed, series))
    new = np.ones(len(order), np.bool_)
    new[1:] = (np.diff(series[order]) != 0) | (np.diff(signed[order]) != 0)
    chosen = order[new]
    steps = _ascending(series[chosen], signed[chosen], likely, on_the_clock=on_the_clock)
    result = np.zeros(len(stamp), np.int64)
    result[order] = steps[np.cumsum(new) - 1]
    return result


def _ascending(series: Ints, stamp: Ints, likely: tuple[int, ...], *, on_the_clock: bool) -> Ints:
    """Do it for distinct stamps that end their intervals, sorted by series and time."""
    same = np.zeros(len(stamp) + 1, np.bool_)
    same[1:-1] = series[1:] == series[:-1]
    distance = np.zeros(len(stamp) + 1, np.int64)
    distance[1:-1] = np.diff(stamp)
    distance[~same] = 0
    own, following = distance[:-1], distance[1:]
    previous = np.concatenate((np.zeros(1, np.int64), own[:-1]))
    previous[~same[:-1]] = 0
    sure = np.isin(own, likely) & _fits_clock(stamp, own, on_the_clock=on_the_clock)
    sure &= (own == previous) | (own == following) | (_not_smaller(previous, own, likely) & _not_smaller(following, own, likely))
    return _filled(np.where(sure, own, 0), own, same[:-1], stamp, on_the_clock=on_the_clock)


def _fits_clock(stamp: Ints, step: Ints, *, on_the_clock: bool) -> Flags:
    return (stamp % np.maximum(step, 1) == 0) if on_the_clock else np.ones(len(stamp), np.bool_)


def _not_smaller(neighbour: Ints, own: Ints, likely: tuple[int, ...]) -> Flags:
    return ~np.isin(neighbour, likely) | (neighbour >= own)


def _filled(sure: Ints, own: Ints, continues: Flags, stamp: Ints, *, on_the_clock: bool) -> Ints:
    """Give stamps without a step that of the nearest sure one after them in the series, else that before them."""
    part = np.cumsum(~continues)
    at = np.arange(len(sure))
    after = np.minimum.accumulate(np.where(sure > 0, at, len(sure))[::-1])[::-1]
    before = np.maximum.accumulate(np.where(sure > 0, at, -1))
    result = sure
    for nearest in (after, before):
        known = (nearest >= 0) & (nearest < len(sure))
        candidate = np.where(known, sure[np.clip(nearest, 0, len(sure) - 1)], 0)
        usable = known & (part[np.clip(nearest, 0, len(sure) - 1)] == part) & ((candidate <= own) | (own == 0))
        usable &= _fits_clock(stamp, candidate, on_the_clock=on_the_clock)
        result = np.where((result == 0) & usable, candidate, result)
    return result
