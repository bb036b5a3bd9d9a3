"""Puts the blocks together: numbers the series, counts duplicates over the whole file, packs the columns."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from collector.domain.parsed import (
    EXCERPT_CHARACTERS,
    Counts,
    GapColumns,
    Ints,
    ParsedBlock,
    ReadingColumns,
    Reason,
    RowProblem,
    Series,
)

_TIME_BITS = 40


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rows:
    """Readings or gaps on their way: series numbers of the file, then columns as in `ReadingColumns`."""

    of: Ints
    time: Ints
    duration: Ints
    row: Ints
    value: Ints | None = None
    quality: NDArray[np.int8] | None = None


class DuplicateCounter:
    """Counts readings of a series and time that were seen before, exactly, keeping 8 bytes per reading.

    A reading later than all former ones of its series needs no look-up, so sorted files cost little.
    """

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._latest: Ints = np.full(0, -1, np.int64)
        self._seen: list[Ints] = []

    def count(self, of: Ints, time: Ints) -> int:
        """Return how many of these readings repeat earlier ones, of former calls or of this one."""
        keys = (of << _TIME_BITS) + time
        fresh = _distinct(keys)
        repeated = len(keys) - len(fresh)
        self._grow(int(of.max(initial=-1)) + 1)
        old = fresh[(fresh & ((1 << _TIME_BITS) - 1)) <= self._latest[fresh >> _TIME_BITS]]
        if len(old):
            repeated += int(np.logical_or.reduce([_among(old, seen) for seen in self._seen]).sum())
        np.maximum.at(self._latest, of, time)
        self._remember(fresh)
        return repeated

    def _remember(self, keys: Ints) -> None:
        """Keep the keys in sorted runs, each at least twice as long as the next one, so that there are few."""
        while self._seen and len(self._seen[-1]) < 2 * len(keys):
            keys = _distinct(np.concatenate((self._seen.pop(), keys)))
        self._seen.append(keys)

    def _grow(self, size: int) -> None:
        if size > len(self._latest):
            more = np.full(max(size, 2 * len(self._latest)) - len(self._latest), -1, np.int64)
            self._latest = np.concatenate((self._latest, more))


def _distinct(keys: Ints) -> Ints:
    """Return the keys sorted, each once; sorting runs is quicker than hashing them."""
    keys = np.sort(keys, kind="stable")
    first = np.ones(len(keys), np.bool_)
    first[1:] = keys[1:] != keys[:-1]
    return keys[first]


def _among(keys: Ints, seen: Ints) -> NDArray[np.bool_]:
    """Tell which keys are in the sorted array."""
    return seen[np.minimum(np.searchsorted(seen, keys), len(seen) - 1)] == keys


class Assembly:
    """The state of one file: its series, and what the next block will hold."""

    def __init__(self) -> None:
        """Begin an empty file."""
        self._numbers: dict[Series, int] = {}
        self._series: list[Series] = []
        self._duplicates = DuplicateCounter()
        self._readings: list[Rows] = []
        self._gaps: list[Rows] = []
        self._problems: list[RowProblem] = []
        self._rows = 0
        self._skipped = 0

    def number(self, series: Series) -> int:
        """Return the number of the series in this file, a new one for a new series."""
        number = self._numbers.get(series)
        if number is None:
            number = self._numbers[series] = len(self._series)
            self._series.append(series)
        return number

    def readings(self, rows: Rows) -> None:
        """Add readings to the next block."""
        if len(rows.time):
            self._readings.append(rows)

    def gaps(self, rows: Rows) -> None:
        """Add gaps to the next block."""
        if len(rows.time):
            self._gaps.append(rows)

    def problem(self, row: int, column: str, reason: Reason, text: str, excerpt: str) -> None:
        """Add a problem to the next block."""
        self._problems.append(RowProblem(row=row, column=column, reason=reason, text=text, excerpt=excerpt[:EXCERPT_CHARACTERS]))

    def problems(self, problems: Iterable[RowProblem]) -> None:
        """Add problems to the next block."""
        self._problems.extend(problems)

    def met(self, *, rows: int = 0, skipped: int = 0) -> None:
        """Count rows, and those left out."""
        self._rows += rows
        self._skipped += skipped

    def block(self) -> ParsedBlock:
        """Return what was added since the last block, and forget it."""
        readings, gaps = self._packed_readings(), self._packed_gaps()
        problems = tuple(sorted(self._problems, key=lambda problem: problem.row))
        counts = Counts(
            rows=self._rows,
            readings=len(readings),
            gaps=len(gaps),
            problems=len(problems),
            duplicates=self._repeats(),
            skipped=self._skipped,
        )
        self._readings, self._gaps, self._problems, self._rows, self._skipped = [], [], [], 0, 0
        return ParsedBlock(readings=readings, gaps=gaps, problems=problems, counts=counts)

    def _repeats(self) -> int:
        if not self._readings:
            return 0
        return self._duplicates.count(*(np.concatenate([getattr(rows, name) for rows in self._readings]) for name in ("of", "time")))

    def _packed_readings(self) -> ReadingColumns:
        of, order, series = self._order(self._readings)
        return ReadingColumns(
            series=series,
            of=of,
            time=_joined([rows.time for rows in self._readings])[order],
            duration=_joined([rows.duration for rows in self._readings])[order].astype(np.int32),
            value=_joined([rows.value for rows in self._readings if rows.value is not None])[order],
            quality=_joined([rows.quality for rows in self._readings if rows.quality is not None])[order].astype(np.int8),
            row=_joined([rows.row for rows in self._readings])[order],
        )

    def _packed_gaps(self) -> GapColumns:
        of, order, series = self._order(self._gaps)
        return GapColumns(
            series=series,
            of=of,
            time=_joined([rows.time for rows in self._gaps])[order],
            duration=_joined([rows.duration for rows in self._gaps])[order].astype(np.int32),
            row=_joined([rows.row for rows in self._gaps])[order],
        )

    def _order(self, parts: list[Rows]) -> tuple[Ints, Ints, tuple[Series, ...]]:
        """Return the series numbers of the block, the order of the file, and the series that occur."""
        row = _joined([rows.row for rows in parts])
        order = np.argsort(row, kind="stable") if len(parts) > 1 else np.arange(len(row))
        of = _joined([rows.of for rows in parts])[order]
        met = np.flatnonzero(np.bincount(of, minlength=len(self._series)))
        places = np.zeros(len(self._series), np.int64)
        places[met] = np.arange(len(met))
        return places[of], order, tuple(self._series[number] for number in met.tolist())


def _joined(parts: list[Ints] | list[NDArray[np.int8]]) -> Ints:
    if not parts:
        return np.zeros(0, np.int64)
    return np.concatenate(parts).astype(np.int64, copy=False)
