"""Tells the two passes through a repeated hour apart by the order of the rows."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from collector.domain.parsed import Flags, Ints

_OTHER_NIGHT_S = 6 * 3600
"""Repeated hours further apart than this belong to different clock changes."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sequences:
    """The rows of several clocks, of which some may mean either of two instants."""

    clock: Ints
    first: Ints
    last: Ints
    natural: Ints
    """What a row means when nothing but itself is known."""
    twice: Flags
    utc: Ints
    """Filled in: UTC seconds."""
    unsure: Flags
    """Filled in: the neighbours allow both."""
    held: Flags
    """Filled in: the rows after these must be known first."""

    def settle(self, before: Ints, open_ended: Flags) -> None:
        """Decide every row that may mean two instants.

        `before`: the last instant of each clock before these rows, -1 for none; `open_ended`: more rows of the row's clock may follow.
        """
        clocks = np.unique(self.clock[self.twice])
        rows = np.flatnonzero(np.isin(self.clock, clocks))
        rows = rows[np.argsort(self.clock[rows], kind="stable")]
        bounds = np.searchsorted(self.clock[rows], np.append(clocks, clocks[-1] + 1))
        for number, (start, end) in zip(clocks.tolist(), pairwise(bounds.tolist()), strict=True):
            last = int(before[number])
            self._settle_clock(rows[start:end], last if last >= 0 else None, open_ended=bool(open_ended[rows[start]]))

    def _settle_clock(self, rows: Ints, before: int | None, *, open_ended: bool) -> None:
        twice = self.twice[rows]
        # Two nights of one run are two runs.
        breaks = np.flatnonzero((np.diff(twice) != 0) | (np.abs(np.diff(self.first[rows])) > _OTHER_NIGHT_S)) + 1
        for start, end in pairwise((0, *breaks.tolist(), len(rows))):
            run = rows[start:end]
            if twice[start] and end == len(rows) and open_ended:
                self.held[run] = True
            elif twice[start]:
                self._settle_run(run, before, int(self.utc[rows[end]]) if end < len(rows) else None)
            before = int(self.utc[run[-1]])

    def _settle_run(self, run: Ints, before: int | None, after: int | None) -> None:
        first, last = self.first[run].tolist(), self.last[run].tolist()
        if _descends(first, last, before, after):
            run, first, last, before, after = run[::-1], first[::-1], last[::-1], after, before
        later = (self.natural[run] != self.first[run]).tolist()
        passes = _passes(first, last, before, after, later)
        self.utc[run] = np.where(np.arange(len(run)) < passes.switch, self.first[run], self.last[run])
        self.unsure[run[passes.unsure_from : passes.unsure_to]] = True


@dataclass(frozen=True, kw_only=True, slots=True)
class _Passes:
    """Rows before `switch` are of the first pass through the hour; between the other two bounds, both passes fit as well."""

    switch: int
    unsure_from: int
    unsure_to: int


def _descends(first: list[int], last: list[int], before: int | None, after: int | None) -> bool:
    """Tell whether the rows go back in time."""
    if before is not None and after is not None and before != after:
        return after < before
    if before is not None:
        return last[0] <= before
    if after is not None:
        return first[-1] >= after
    return sum((b > a) - (b < a) for a, b in pairwise(first)) < 0


def _passes(first: list[int], last: list[int], before: int | None, after: int | None, later: list[bool]) -> _Passes:
    """Choose the switch that keeps the instants ascending and their largest distance smallest."""
    size = len(first)
    steps = [b - a for a, b in pairwise(first)]
    backwards_before, widest_before = _running(steps)
    backwards_after, widest_after = (list(reversed(column)) for column in _running(steps[::-1]))
    ranks: list[tuple[int, int]] = []
    for switch in range(size + 1):
        inner = max(switch - 1, 0), min(switch, size - 1)
        joints = [last[switch] - first[switch - 1]] if 0 < switch < size else []
        if before is not None:
            joints.append((first[0] if switch else last[0]) - before)
        if after is not None:
            joints.append(after - (last[-1] if switch < size else first[-1]))
        backwards = backwards_before[inner[0]] + backwards_after[inner[1]] + sum(joint <= 0 for joint in joints)
        ranks.append((backwards, max(widest_before[inner[0]], widest_after[inner[1]], *joints, 0)))
    best = min(ranks)
    fitting = [switch for switch, rank in enumerate(ranks) if rank == best]
    # Where several fit, a stamp keeps the meaning that it has by itself.
    natural = next((at for at, is_later in enumerate(later) if is_later), size)
    switch = min(fitting, key=lambda switch: abs(switch - natural))
    return _Passes(switch=switch, unsure_from=fitting[0], unsure_to=fitting[-1])


def _running(steps: list[int]) -> tuple[list[int], list[int]]:
    """Return, for each number of leading steps, how many of them do not ascend, and the widest one."""
    backwards, widest = [0], [0]
    for step in steps:
        backwards.append(backwards[-1] + (step <= 0))
        widest.append(max(widest[-1], step))
    return backwards, widest
