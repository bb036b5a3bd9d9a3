"""The readings that are durable in the journal and not yet filed in chunks, in memory."""

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metering.adapters.series_store.frame import RunRows, untagged
from metering.adapters.series_store.ragged import Int64
from metering.domain.series.columns import Columns, Int32, Versions

_FIRST_ROOM = 4096


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    sequence: int
    time: Int64
    value: Int64
    tag: Int64


class _Runs:
    """A growing table with one row per run: series, entry, first row, length, first and last time."""

    def __init__(self) -> None:
        self.count = 0
        self._columns: list[NDArray[np.signedinteger]] = _empty_runs()

    def append(self, *added: NDArray[np.signedinteger]) -> None:
        end = self.count + len(added[0])
        if end > len(self._columns[0]):
            room = max(end, 2 * len(self._columns[0]))
            self._columns = [np.concatenate([old[: self.count], np.empty(room - self.count, old.dtype)]) for old in self._columns]
        for column, values in zip(self._columns, added, strict=True):
            column[self.count : end] = values
        self.count = end

    def columns(self, count: int) -> list[NDArray[np.signedinteger]]:
        return [column[:count] for column in self._columns]

    def drop(self, runs: int, entries: int) -> None:
        self._columns = [column[runs : self.count].copy() for column in self._columns]
        self._columns[1] -= entries
        self.count -= runs
        if not self.count:
            self._columns = _empty_runs()


def _empty_runs() -> list[NDArray[np.signedinteger]]:
    kinds: tuple[np.dtype[np.signedinteger], ...] = (*[np.dtype(np.int32)] * 4, *[np.dtype(np.int64)] * 2)
    return [np.empty(_FIRST_ROOM, kind) for kind in kinds]


class Tail:
    """Batches in order of receive sequence. The writer adds and releases; readers see what has been published, which is what is durable."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._entries: list[_Entry] = []
        self._runs = _Runs()
        self._run_ends: list[int] = []
        self._published = 0
        self.rows = 0

    def append(self, sequence: int, rows: RunRows) -> None:
        """Add a batch that is about to become durable; only the writer sees it until `publish`."""
        starts = rows.run_starts
        with self._lock:
            entry = len(self._entries)
            first, last = np.minimum.reduceat(rows.time, starts), np.maximum.reduceat(rows.time, starts)
            self._runs.append(rows.run_series, np.full(len(starts), entry, np.int32), starts, rows.run_lengths, first, last)
            self._entries.append(_Entry(sequence, rows.time, rows.value, _constant(rows.tag)))
            self._run_ends.append(self._runs.count)
            self.rows += len(rows)

    def publish(self) -> None:
        """Show readers everything that was added."""
        with self._lock:
            self._published = len(self._entries)

    def withdraw(self) -> None:
        """Take back what was added since the last `publish`: it did not become durable."""
        with self._lock:
            for entry in self._entries[self._published :]:
                self.rows -= len(entry.time)
            del self._entries[self._published :], self._run_ends[self._published :]
            self._runs.count = self._run_ends[-1] if self._run_ends else 0

    def release(self, sequence: int) -> None:
        """Let go of the batches up to a receive sequence: they are filed."""
        with self._lock:
            filed = sum(entry.sequence <= sequence for entry in self._entries)
            if not filed:
                return
            runs = self._run_ends[filed - 1]
            self.rows -= sum(len(entry.time) for entry in self._entries[:filed])
            del self._entries[:filed]
            self._run_ends = [end - runs for end in self._run_ends[filed:]]
            self._runs.drop(runs, filed)
            self._published -= filed

    def versions(self, series: Int32, start: Int64, end: Int64, *, unpublished: bool = False) -> Versions:
        """Return the versions of each series (numbers distinct and ascending) with times in its `[start, end)`, in order of arrival."""
        with self._lock:
            shown = len(self._entries) if unpublished else self._published
            entries = self._entries[:shown]
            owner, entry, first, length, low, high = self._runs.columns(self._run_ends[shown - 1] if shown else 0)
            hits = _owned(owner, series)
            at = np.searchsorted(series, owner[hits])
            hits = hits[(high[hits] >= start[at]) & (low[hits] < end[at])]
            picked = [column[hits].tolist() for column in (owner, entry, first, length)]
        return _cut(_gathered(entries, *picked), series, start, end)

    def take_over(self, other: "Tail") -> None:
        """Hold what another tail holds."""
        with self._lock:
            self._entries, self._runs, self._run_ends = other._entries, other._runs, other._run_ends  # noqa: SLF001  # a tail like this one
            self._published, self.rows = other._published, other.rows  # noqa: SLF001  # a tail like this one

    def latest_times(self) -> tuple[Int32, Int64]:
        """Return the series that have readings here and the last time of each."""
        with self._lock:
            owner, _, _, _, _, high = self._runs.columns(self._run_ends[self._published - 1] if self._published else 0)
            series, inverse = np.unique(owner, return_inverse=True)
            latest = np.full(len(series), -1, np.int64)
            np.maximum.at(latest, inverse, high)
        return series.astype(np.int32), latest

    def series_between(self, start: int, end: int) -> Int32:
        """Return the series that may have readings with times in `[start, end)`, ascending."""
        with self._lock:
            owner, _, _, _, low, high = self._runs.columns(self._run_ends[self._published - 1] if self._published else 0)
            return np.unique(owner[(high >= start) & (low < end)]).astype(np.int32)

    def last_time(self) -> int:
        """Return the greatest time of all, -1 when there is none."""
        with self._lock:
            columns = self._runs.columns(self._runs.count)
            return int(columns[5].max(initial=-1))

    def active(self) -> int:
        """Return how many series have readings here."""
        with self._lock:
            owner = self._runs.columns(self._runs.count)[0]
            return int(np.count_nonzero(np.bincount(owner))) if len(owner) else 0


def _constant(tag: Int64) -> Int64:
    """Keep a column of one value as that value."""
    return np.broadcast_to(tag[:1], tag.shape) if len(tag) and (tag == tag[0]).all() else tag


def _owned(owner: NDArray[np.signedinteger], series: Int32) -> NDArray[np.intp]:
    if len(series) == 1:
        return np.flatnonzero(owner == series[0])
    if not len(series) or not len(owner):
        return np.empty(0, np.intp)
    wanted = np.zeros(max(int(owner.max()), int(series[-1])) + 1, np.bool_)
    wanted[series] = True
    return np.flatnonzero(wanted[owner])


def _gathered(entries: list[_Entry], owner: list[int], entry: list[int], first: list[int], length: list[int]) -> Versions:
    if not owner:
        return Versions(columns=_columns(np.empty(0, np.int32), *[np.empty(0, np.int64)] * 3), sequence=np.empty(0, np.int64))
    times: list[Int64] = []
    values: list[Int64] = []
    tags: list[Int64] = []
    for of, start, rows in zip(entry, first, length, strict=True):
        whole = entries[of]
        cut = slice(start, start + rows)
        times.append(whole.time[cut])
        values.append(whole.value[cut])
        tags.append(whole.tag[cut])
    series = np.repeat(np.array(owner, np.int32), length)
    sequence = np.repeat(np.array([entries[of].sequence for of in entry], np.int64), length)
    return Versions(columns=_columns(series, np.concatenate(times), np.concatenate(values), np.concatenate(tags)), sequence=sequence)


def _columns(series: Int32, time: Int64, value: Int64, tag: Int64) -> Columns:
    duration, quality = untagged(tag)
    return Columns(series=series, time=time, duration=duration, value=value, quality=quality)


def _cut(versions: Versions, series: Int32, start: Int64, end: Int64) -> Versions:
    columns = versions.columns
    at = np.searchsorted(series, columns.series)
    inside = (columns.time >= start[at]) & (columns.time < end[at]) if len(columns) else np.zeros(0, np.bool_)
    return versions if inside.all() else versions.take(inside)
