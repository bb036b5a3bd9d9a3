"""When the journal is filed into chunks, and how far it has got.

Decides on merges, applies their steps, trims what they filed, tidies the file.
"""

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from metering.adapters.series_store.merge import Step
from metering.adapters.series_store.merger import Range
from metering.adapters.series_store.tail import Tail

_QUEUED_STEPS = 2
_TRIMMED_PER_COMMIT = 32
_FREED_PAGES = 512
_EVENTS_KEPT = 100_000
_REST_S = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class FilingRules:
    """When to merge.

    At `least_rows` or `rows_per_series` for each active series, whichever is more, but at `most_rows` at the latest, or when readings
    have waited for `idle_rounds` idle rounds. Batches must wait while `room_rows` are not filed; None: twice the threshold.
    """

    least_rows: int = 1_000_000
    rows_per_series: int = 400
    most_rows: int = 8_000_000
    idle_rounds: int = 60
    room_rows: int | None = None

    def threshold(self, active: int) -> int:
        """Return the rows that set off a merge while so many series are active."""
        return min(max(self.least_rows, self.rows_per_series * active), self.most_rows)


@dataclass(frozen=True, slots=True)
class _Applied:
    rows: int
    finished: int | None
    trimmed: bool = False


class Filing:
    """The writer's side of merging. One merge at a time; batches must wait while too much is not filed yet."""

    def __init__(self, tail: Tail, rules: FilingRules, *, applied: int) -> None:
        """Begin after receive sequence `applied`."""
        self._tail = tail
        self._rules = rules
        self._applied = applied
        self._threshold = rules.threshold(0)
        self._current: Range | None = None
        self._steps: deque[Step | None] = deque()
        self._filed = 0
        self._trimmed = applied
        self._wanted_upto = 0
        self._idle_rounds = 0
        self._measured = 0
        self._changed = threading.Condition()
        self._rests_until = 0.0
        self._order: Callable[[Range], None] = lambda _: None

    def bind(self, changed: threading.Condition) -> None:
        """Share the writer's condition, which wakes it."""
        self._changed = changed

    def begin(self, order: Callable[[Range], None]) -> None:
        """Order merges with `order` from now on."""
        self._order = order

    def deliver(self, of: Range, step: Step | None) -> bool:
        """Queue a step of a merge, None after the last; wait while the queue is full. False when the merge has been given up."""
        with self._changed:
            self._changed.wait_for(lambda: of != self._current or len(self._steps) < _QUEUED_STEPS)
            if of != self._current:
                return False
            self._steps.append(step)
            self._changed.notify_all()
            return True

    def failed(self, of: Range) -> None:
        """The merge ended without its last step: it will be ordered anew."""
        with self._changed:
            if of == self._current:
                self.abandon()
                self._changed.notify_all()

    def abandon(self) -> None:
        """Give up the merge that is under way; what it filed so far may stay."""
        with self._changed:
            self._current = None
            self._steps.clear()
            self._filed = 0
            self._changed.notify_all()

    def rest(self) -> None:
        """Order no merge for a while: the disk just failed."""
        self.abandon()
        self._rests_until = time.monotonic() + _REST_S

    def has_work(self) -> bool:
        """Tell whether a step waits, or there is something to trim."""
        return bool(self._steps) or self._trimmed < self._applied

    def is_asked(self) -> bool:
        """Tell whether somebody waits for a merge that is not ordered yet."""
        return self._current is None and self._wanted_upto > self._applied and time.monotonic() >= self._rests_until

    def has_room(self) -> bool:
        """Tell whether batches may come in."""
        return self._tail.rows - self._filed < (self._rules.room_rows or 2 * self._threshold)

    def finished(self, sequence: int) -> bool:
        """Tell whether everything up to a receive sequence is filed and trimmed."""
        return self._applied >= sequence and self._trimmed >= self._applied

    def wait_until_filed(self, sequence: int, *, timeout_s: float) -> bool:
        """File everything up to a receive sequence now; tell whether it was done in time."""
        self.want(sequence)
        with self._changed:
            return self._changed.wait_for(lambda: self.finished(sequence), timeout=timeout_s)

    def want(self, upto: int) -> None:
        """File everything up to a receive sequence soon, however little it is."""
        with self._changed:
            self._wanted_upto = max(self._wanted_upto, upto)
            self._changed.notify_all()

    def apply_next(self, connection: sqlite3.Connection) -> _Applied | None:
        """Apply the next step, if there is one, to the open transaction; else trim a little."""
        with self._changed:
            waiting = bool(self._steps)
            step = self._steps[0] if waiting else None
            current = self._current
        if waiting and step:
            _apply(connection, step)
            return _Applied(step.rows, None)
        if waiting and current:
            connection.execute("UPDATE mark SET applied = ?", (current[1],))
            _trim_events(connection, current[1])
            return _Applied(0, current[1])
        if self._trimmed < self._applied:
            upto = min(self._trimmed + _TRIMMED_PER_COMMIT, self._applied)
            connection.execute("DELETE FROM journal WHERE seq <= ?", (upto,))
            self._trimmed = upto
            return _Applied(0, None, trimmed=True)
        return None

    def confirm(self, applied: _Applied | None) -> None:
        """The transaction with this step is durable."""
        if applied is None:
            return
        with self._changed:
            if self._steps and not applied.trimmed:
                self._steps.popleft()
            self._filed += applied.rows
            if applied.finished is not None:
                self._tail.release(applied.finished)
                self._applied = applied.finished
                self._current = None
                self._filed = 0
            self._changed.notify_all()

    def consider(self, sequence: int, *, idle: bool) -> None:
        """Order a merge when it is time for one; the writer asks after every round."""
        with self._changed:
            rows = self._tail.rows
            self._idle_rounds = self._idle_rounds + 1 if idle and rows else 0
            if self._current or sequence <= self._applied or time.monotonic() < self._rests_until:
                return
            if rows >= self._rules.least_rows and abs(rows - self._measured) >= self._rules.least_rows // 4:
                self._measured = rows
                self._threshold = self._rules.threshold(self._tail.active())
            if rows >= self._threshold or self._wanted_upto > self._applied or self._idle_rounds >= self._rules.idle_rounds:
                self._current = (self._applied, sequence)
                self._filed = 0
                self._measured = 0
                self._order(self._current)

    def tidy(self, connection: sqlite3.Connection) -> None:
        """Give free pages back to the disk, a few at a time, and empty the write-ahead log."""
        if connection.execute("PRAGMA freelist_count").fetchone()[0]:
            # Only a script runs the pragma to its end: a single statement frees one page.
            connection.executescript(f"PRAGMA incremental_vacuum({_FREED_PAGES})")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _apply(connection: sqlite3.Connection, step: Step) -> None:
    for key in step.damaged:
        connection.execute("INSERT INTO damaged SELECT id, crc, body FROM chunk WHERE id = ?", (key,))
    connection.executemany("INSERT OR REPLACE INTO chunk VALUES(?, ?, ?)", step.chunks)
    connection.executemany("INSERT OR REPLACE INTO summary VALUES(?, ?, ?, ?, ?, ?, ?)", step.summaries)
    if step.digests:
        connection.executemany("INSERT OR REPLACE INTO digest VALUES(?, ?)", step.digests)
    if step.superseded:
        connection.executemany(
            "INSERT INTO superseded VALUES(?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET seq = min(seq, excluded.seq)", step.superseded
        )


def _trim_events(connection: sqlite3.Connection, sequence: int) -> None:
    oldest = sequence - _EVENTS_KEPT
    if oldest > 0:
        connection.execute("DELETE FROM event WHERE seq <= ?", (oldest,))
        connection.execute("UPDATE mark SET oldest_event = ?", (oldest,))
