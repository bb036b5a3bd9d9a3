"""Fills holes between readings with estimates, when asked and only for as long as nothing better is known.

Up to two hours a straight line from the rate before to the rate after; longer, the mean of days of the same type around the hole; scaled,
where two indexes tell what was used meanwhile, so that the estimates add up to exactly that. Without a basis the hole stays a hole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from metering.domain.consumption.columns import Floats, Int64s, int64s
from metering.domain.consumption.day_profile import BASIS_DAYS, DayProfile, DayType, day_profile, weekday_type
from metering.domain.consumption.pieces import NOTHING, SHORT_S, Method, Pieces, joined, pieces
from vocabulary.quality import Quality

MARGIN_S = (BASIS_DAYS + 1) * 86_400
"""How much must be read before and after a question's interval, so that the same hole is filled in the same way whatever the question."""

_HOLE_NUMERATOR, _HOLE_DENOMINATOR = 3, 2
"""A step between readings more than one and a half times as long as usual is a hole, although its total is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hole:
    """Time for which only a total is known, or nothing.

    stretches: UTC seconds, in order. total: what all stretches together must add up to, None when unknown. least: what was used at the
    least.
    """

    stretches: tuple[tuple[int, int], ...]
    total: int | None = None
    least: int = 0

    @property
    def seconds(self) -> int:
        """How long it lasts in all."""
        return sum(end - start for start, end in self.stretches)


def filled(known: Pieces, zone: ZoneInfo, *, owed: Sequence[Hole] = (), day_type: DayType = weekday_type) -> Pieces:
    """Return the pieces with every hole filled for which there is a basis.

    known: all pieces from `MARGIN_S` before the question's interval until as long after it. owed: stretches that no piece covers, whose
    total an index difference gives. Time before the first piece and after the last is no hole: that is a forecast's to tell.
    """
    rest, holes = _holes(known, owed)
    if not holes:
        return known
    profile: DayProfile | None = None
    parts = [rest]
    for hole in holes:
        if hole.seconds <= SHORT_S:
            parts.append(_by_line(hole, rest))
            continue
        profile = profile or day_profile(rest, zone, day_type)
        parts.append(_by_profile(hole, profile))
    return joined(parts)


def _holes(known: Pieces, owed: Sequence[Hole]) -> tuple[Pieces, list[Hole]]:
    """Return the pieces that stand as they are, and the holes among and instead of the others."""
    if not len(known):
        return known, list(owed)
    metered = known.method == Method.METERED
    typical = float(np.median(known.duration[metered])) if bool(metered.any()) else float("inf")
    long = metered & (known.duration > max(SHORT_S, typical * _HOLE_NUMERATOR / _HOLE_DENOMINATOR))
    since_reset = known.method == Method.SINCE_RESET
    holes = [Hole(stretches=((int(known.start[at]), int(known.end[at])),), total=int(known.value[at])) for at in np.flatnonzero(long)]
    holes += [
        Hole(stretches=((int(known.start[at]), int(known.end[at])),), least=int(known.value[at])) for at in np.flatnonzero(since_reset)
    ]
    between = np.flatnonzero(known.start[1:] > known.end[:-1])
    spoken_for = {stretch for hole in owed for stretch in hole.stretches}
    empty = [(int(known.end[at]), int(known.start[at + 1])) for at in between]
    holes += [Hole(stretches=(part,)) for stretch in empty for part in _without(stretch, spoken_for)]
    whole = known if not len(holes) and not len(owed) else known.where(~(long | since_reset))
    return whole, [*holes, *owed]


def _without(stretch: tuple[int, int], spoken_for: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the parts of a stretch that no hole with a total lies on."""
    left, start = list[tuple[int, int]](), stretch[0]
    for begin, end in sorted(one for one in spoken_for if one[0] < stretch[1] and one[1] > stretch[0]):
        if begin > start:
            left.append((start, begin))
        start = max(start, end)
    return [*left, (start, stretch[1])] if start < stretch[1] else left


def _by_line(hole: Hole, around: Pieces) -> Pieces:
    """Fill up to two hours: a straight line from the rate before to the rate after, scaled to the total where it is known."""
    cells = int64s([edge for stretch in hole.stretches for edge in _cut(stretch, 600)]).reshape(-1, 2)
    begin, finish = hole.stretches[0][0], hole.stretches[-1][1]
    before, after = _rate_at(around, begin, -1), _rate_at(around, finish, 0)
    if before is None or after is None:
        return (
            _unfilled(hole) if hole.total is None else _spread(hole, cells, (cells[:, 1] - cells[:, 0]).astype(np.float64), Method.LINEAR)
        )
    share = ((cells[:, 0] + cells[:, 1]) / 2 - begin) / (finish - begin)
    weights = (before + (after - before) * share) * (cells[:, 1] - cells[:, 0])
    return _spread(hole, cells, weights, Method.LINEAR)


def _rate_at(around: Pieces, at: int, side: int) -> float | None:
    """Return the base units per second of the piece that touches an instant on one side, None when none does."""
    found = int(np.searchsorted(around.start, at, "left")) + side
    if not 0 <= found < len(around) or at not in (int(around.start[found]), int(around.end[found])):
        return None
    return float(around.value[found]) / float(around.end[found] - around.start[found])


def _cut(stretch: tuple[int, int], step: int) -> list[tuple[int, int]]:
    edges = [stretch[0], *range((stretch[0] // step + 1) * step, stretch[1], step), stretch[1]]
    return list(pairwise(edges))


def _by_profile(hole: Hole, profile: DayProfile) -> Pieces:
    cut = [profile.cells_in(start, end) for start, end in hole.stretches]
    cells, weights = np.concatenate([one for one, _ in cut]), np.concatenate([weight for _, weight in cut])
    based = ~np.isnan(weights)
    if hole.total is None:
        # Each cell with a basis is an estimate of its own; the others stay missing, unless a least amount has to be placed.
        if not bool(based.any()) or (hole.least and not bool(based.all())):
            return _unfilled(hole)
        return _spread(hole, cells[based], weights[based], Method.PROFILE)
    return _spread(hole, cells, weights, Method.PROFILE) if bool(based.all()) else _unfilled(hole)


def _unfilled(hole: Hole) -> Pieces:
    """Return what is known of a hole without a basis: a total over its whole time, the least that was used, or nothing."""
    start, end = hole.stretches[0][0], hole.stretches[-1][1]
    if len(hole.stretches) > 1:
        cells = int64s(hole.stretches)
        return NOTHING if hole.total is None else _spread(hole, cells, (cells[:, 1] - cells[:, 0]).astype(np.float64), Method.LINEAR)
    if hole.total is not None:
        return pieces([start], [end], [hole.total])
    return pieces([start], [end], [hole.least], Quality.ESTIMATED, Method.SINCE_RESET) if hole.least else NOTHING


def _spread(hole: Hole, cells: Int64s, weights: Floats, method: Method) -> Pieces:
    """Return one estimated piece per cell, in proportion to the weights, adding up exactly to the hole's total."""
    total = hole.total if hole.total is not None else max(round(float(weights.sum())), hole.least)
    return pieces(cells[:, 0], cells[:, 1], apportioned(total, weights), Quality.ESTIMATED, method)


def apportioned(total: int, weights: Floats) -> Int64s:
    """Divide a whole number in proportion to weights that are not negative, exactly: running sums are rounded, so that the parts add up.

    Without any weight the parts are equal.
    """
    running = np.cumsum(weights)
    if not len(running) or running[-1] <= 0:
        running = np.arange(1, len(weights) + 1, dtype=np.float64)
    edges = np.rint(running / running[-1] * total).astype(np.int64)
    edges[-1:] = total
    return np.diff(np.minimum(edges, total) if total >= 0 else edges, prepend=np.int64(0))
