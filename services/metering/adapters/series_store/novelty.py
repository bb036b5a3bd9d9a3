"""Which readings of a batch are new.

Told before the acknowledgement, at the price of one comparison per run where they are, as nearly all are.
"""

import sqlite3

import numpy as np
from numpy.typing import NDArray

from metering.adapters.series_store import lookup
from metering.adapters.series_store.filed import Filed
from metering.adapters.series_store.frame import RunRows, columns_of_runs
from metering.adapters.series_store.tail import Tail
from metering.domain.series.columns import Columns, Int32, Int64, Versions

_ROOM = 1024


class Novelty:
    """The last time of every series, and an exact look at what is stored for whatever lies before it."""

    def __init__(self, filed: Filed) -> None:
        """Start with no series seen; what lies before a series' last time is looked up among the filed readings."""
        self._filed = filed
        self._last = np.full(_ROOM, -1, np.int64)
        self._scratch = np.empty(_ROOM, np.int64)
        self._undo: list[tuple[Int32, Int64]] = []

    def seed(self, series: Int32, last: Int64) -> None:
        """Take over the last time of series that are stored already."""
        if len(series):
            self._grow(int(series.max()))
            np.maximum.at(self._last, series, last)

    def reset(self, series: int, last: int) -> None:
        """Set the last time of a series whose readings were erased; -1 when none is left."""
        self._last[series] = last

    def last_times(self) -> Int64:
        """Return the last time of every series, -1 for one without readings."""
        return self._last.copy()

    def confirm(self) -> None:
        """The batches since the last call are durable."""
        self._undo.clear()

    def withdraw(self) -> None:
        """The batches since the last `confirm` did not become durable."""
        for series, last in reversed(self._undo):
            self._last[series] = last
        self._undo.clear()

    def new_rows(self, connection: sqlite3.Connection, tail: Tail, rows: RunRows) -> NDArray[np.bool_] | None:
        """Return which rows are versions that the store does not have, None when all are; and remember their times."""
        if not len(rows):
            return None
        self._grow(int(rows.run_series.max()))
        starts = rows.run_starts
        first, last = rows.time[starts], rows.time[starts + rows.run_lengths - 1]
        rising = np.empty(len(rows), np.bool_)
        np.greater(rows.time[1:], rows.time[:-1], out=rising[1:])
        rising[starts] = first > self._before(rows.run_series, last)
        if rising.all():
            self._remember_last(rows.run_series, last)
            return None
        new = self._looked_up(connection, tail, columns_of_runs(rows), _unsure(rows, rising))
        self._remember_last(rows.run_series, np.maximum.reduceat(rows.time, starts))
        return None if new.all() else new

    def _looked_up(self, connection: sqlite3.Connection, tail: Tail, columns: Columns, unsure: NDArray[np.bool_]) -> NDArray[np.bool_]:
        new = np.ones(len(columns), np.bool_)
        asked = columns.take(unsure)
        series, at = np.unique(asked.series, return_inverse=True)
        start, end = np.full(len(series), np.iinfo(np.int64).max), np.full(len(series), -1, np.int64)
        np.minimum.at(start, at, asked.time)
        np.maximum.at(end, at, asked.time)
        stored = lookup.versions(self._filed, connection, tail, series.astype(np.int32), start, end + 1, for_writer=True)
        new[unsure] = _absent(asked, stored)
        return new

    def _before(self, series: Int32, last: Int64) -> Int64:
        """Return, for each run, the last time of its series before it: in the run before, or in what is stored."""
        before = self._last[series]
        order = np.arange(len(series))
        self._scratch[series] = order
        if (self._scratch[series] == order).all():
            return before
        order = np.argsort(series, kind="stable")
        ordered = series[order]
        again = np.flatnonzero(ordered[1:] == ordered[:-1]) + 1
        before[order[again]] = np.maximum(before[order[again]], last[order[again - 1]])
        return before

    def _remember_last(self, series: Int32, last: Int64) -> None:
        self._undo.append((series, self._last[series]))
        np.maximum.at(self._last, series, last)

    def _grow(self, largest: int) -> None:
        if largest >= len(self._last):
            more = max(largest + 1, 2 * len(self._last)) - len(self._last)
            self._last = np.append(self._last, np.full(more, -1, np.int64))
            self._scratch = np.empty(len(self._last), np.int64)


def _unsure(rows: RunRows, rising: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the rows that must be looked up: all those of series that do not rise throughout."""
    series = rows.series()
    falling = np.zeros(int(rows.run_series.max()) + 1, np.bool_)
    falling[series[~rising]] = True
    return falling[series]


def _absent(asked: Columns, stored: Versions) -> NDArray[np.bool_]:
    """Tell which asked rows are not among the stored ones, nor repeated before in what is asked."""
    both = [np.concatenate([old, new]) for old, new in zip(_identity(stored.columns), _identity(asked), strict=True)]
    # Stable: what is stored comes before what is asked, and a first occurrence before its repetition.
    order = np.lexsort(both)
    same = np.ones(len(order), np.bool_)
    for column in both:
        ordered = column[order]
        same[1:] &= ordered[1:] == ordered[:-1]
    same[:1] = False
    absent = np.empty(len(order), np.bool_)
    absent[order] = ~same
    return absent[len(stored) :]


def _identity(columns: Columns) -> tuple[NDArray[np.signedinteger], ...]:
    return (columns.duration, columns.quality, columns.value, columns.time, columns.series)
