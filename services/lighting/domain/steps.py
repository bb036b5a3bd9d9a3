"""Levels of many nights at once, in columns: each row is one night of one kind of luminaire, cut where its level or its reason changes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lighting.domain.levels import Clamp

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Steps:
    """Rows of steps that tile the night: step k of a row runs from `bounds[k]` up to `bounds[k + 1]` (UTC seconds); some are empty.

    Levels in per cent run straight from `start_level` to `level`. `source` numbers the rule among those of the caller, `clamp` is a
    Clamp's value.
    """

    bounds: Floats
    start_level: Floats
    level: Floats
    asked: Floats
    source: Ints
    clamp: Ints

    @property
    def middle(self) -> Floats:
        """An instant inside each step."""
        return (self.bounds[:, :-1] + self.bounds[:, 1:]) / 2

    @property
    def seconds(self) -> Floats:
        """How long each step is."""
        return np.diff(self.bounds, axis=1)

    @property
    def lit(self) -> Flags:
        """Which steps give light."""
        return np.maximum(self.start_level, self.level) > 0


def asked_steps(bounds: Floats, start_level: Floats, level: Floats, source: int) -> Steps:
    """Return steps of one rule that nothing clamps yet."""
    numbers = np.full(level.shape, source, dtype=np.int64)
    return Steps(bounds=bounds, start_level=start_level, level=level, asked=level, source=numbers, clamp=np.zeros_like(numbers))


def cut(steps: Steps, times: Floats) -> Steps:
    """Return the same levels, cut at some more instants of each row; those outside the night cut nothing."""
    inside = np.clip(times, steps.bounds[:, :1], steps.bounds[:, -1:])
    bounds = np.sort(np.concatenate([steps.bounds, inside], axis=1), axis=1)
    middle = (bounds[:, :-1] + bounds[:, 1:]) / 2
    of = np.clip((steps.bounds[:, None, :] <= middle[:, :, None]).sum(axis=2) - 1, 0, steps.level.shape[1] - 1)
    starts, ends = (np.take_along_axis(side, of, axis=1) for side in (steps.bounds[:, :-1], steps.bounds[:, 1:]))
    before, after = (np.take_along_axis(side, of, axis=1) for side in (steps.start_level, steps.level))
    span = np.where(ends > starts, ends - starts, 1.0)
    return replace(
        steps,
        bounds=bounds,
        # Where nothing moves, nothing may be lost to rounding.
        start_level=np.where(before == after, before, before + (after - before) * (bounds[:, :-1] - starts) / span),
        level=np.where(before == after, after, before + (after - before) * (bounds[:, 1:] - starts) / span),
        asked=np.take_along_axis(steps.asked, of, axis=1),
        source=np.take_along_axis(steps.source, of, axis=1),
        clamp=np.take_along_axis(steps.clamp, of, axis=1),
    )


def overlaid(steps: Steps, start: Floats, end: Floats, level: float, source: int) -> Steps:
    """Return the steps with one rule's level from `start` up to `end` of each row; at all other times they stay as they were."""
    parts = cut(steps, np.stack([start, end], axis=1))
    inside = (parts.middle >= start[:, None]) & (parts.middle < end[:, None])
    return replace(
        parts,
        start_level=np.where(inside, level, parts.start_level),
        level=np.where(inside, level, parts.level),
        asked=np.where(inside, level, parts.asked),
        source=np.where(inside, source, parts.source),
        clamp=np.where(inside, Clamp.NONE.value, parts.clamp),
    )


def rows_of(steps: Steps, rows: Ints | Sequence[int]) -> Steps:
    """Return some rows."""
    return Steps(
        bounds=steps.bounds[rows],
        start_level=steps.start_level[rows],
        level=steps.level[rows],
        asked=steps.asked[rows],
        source=steps.source[rows],
        clamp=steps.clamp[rows],
    )
