"""The writer: the one thread that changes the store's file. Whatever waits together shares one commit, and is acknowledged after it."""

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar, cast

from metering.adapters.series_store.filing import Filing
from metering.adapters.series_store.intake import Intake
from metering.adapters.series_store.schema import failure_of
from metering.domain.series.batch import Batch, Stored
from metering.domain.series.failures import StoreBusy, StoreClosed
from vocabulary.failure import Failure

ROWS_PER_COMMIT = 262_144
"""Readings that one commit takes at most: more would hold up the first of them."""

IDLE_S = 1.0
"""After so long without work the writer tidies the file."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    batch: Batch
    done: Future[Stored]
    since: float


@dataclass(frozen=True, slots=True, eq=False)
class _Command:
    change: Callable[[sqlite3.Connection], object]
    done: Future[object]
    outside: bool = False


class Writer:
    """Takes batches, commands and merge steps; commits them in turn."""

    def __init__(self, connection: sqlite3.Connection, intake: Intake, filing: Filing, *, queue_rows: int, patience_s: float) -> None:
        """Refuse batches beyond `queue_rows` waiting readings, and those that waited longer than `patience_s` for room."""
        self._connection = connection
        self._intake = intake
        self._filing = filing
        self._queue_rows = queue_rows
        self._patience_s = patience_s
        self._changed = threading.Condition()
        self._batches: deque[_Waiting] = deque()
        self._commands: deque[_Command] = deque()
        self._rows = 0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="series-writer", daemon=True)
        filing.bind(self._changed)
        self._thread.start()

    def submit(self, batch: Batch) -> Future[Stored]:
        """Queue a batch; its future is done when it is durable."""
        done: Future[Stored] = Future()
        with self._changed:
            if self._closing:
                done.set_exception(StoreClosed("the store is shutting down"))
            elif self._rows and self._rows + len(batch.columns) > self._queue_rows:
                done.set_exception(StoreBusy("too many readings wait to be stored"))
            else:
                self._rows += len(batch.columns)
                self._batches.append(_Waiting(batch, done, time.monotonic()))
                self._changed.notify_all()
        return done

    def change(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Run a change in a commit of its own and return what it returns."""
        command = _Command(change, Future())
        self._ask(command)
        return cast("T", command.done.result())

    def _ask(self, command: _Command) -> None:
        with self._changed:
            if self._closing:
                raise StoreClosed("the store is shutting down")
            self._commands.append(command)
            self._changed.notify_all()
        command.done.result()

    def change_outside(self, change: Callable[[sqlite3.Connection], None]) -> None:
        """Run a change that cannot run inside a transaction, such as a vacuum."""
        self._ask(_Command(change, Future(), outside=True))

    def close(self) -> None:
        """Store what is queued, then stop."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        try:
            while self._round():
                pass
        finally:
            # Nobody must wait for a writer that is gone, for whatever reason.
            self._refuse_all()

    def _round(self) -> bool:
        with self._changed:
            woken = self._changed.wait_for(self._has_work, timeout=IDLE_S)
            if self._closing and not (self._batches or self._commands):
                return False
            idle = not woken and not self._batches
            command = self._commands.popleft() if self._commands else None
            group = [] if command else self._next_group()
        if command:
            self._carry_out(command)
        elif group or self._filing.has_work():
            self._commit(group)
        elif idle:
            self._filing.tidy(self._connection)
        if not self._closing:
            self._filing.consider(self._intake.durable, idle=idle)
        return True

    def _refuse_all(self) -> None:
        with self._changed:
            self._closing = True
            for one in (*self._batches, *self._commands):
                one.done.set_exception(StoreClosed("the store is shutting down"))
            self._batches.clear()
            self._commands.clear()

    def _has_work(self) -> bool:
        return (
            bool(self._commands)
            or self._filing.has_work()
            or self._filing.is_asked()
            or self._closing
            or (bool(self._batches) and self._has_room())
        )

    def _has_room(self) -> bool:
        # Batches whose patience ended must be answered although there is no room.
        return self._closing or self._filing.has_room() or time.monotonic() - self._batches[0].since > self._patience_s

    def _next_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        rows = 0
        room = self._closing or self._filing.has_room()
        while self._batches and rows < ROWS_PER_COMMIT:
            if not room and time.monotonic() - self._batches[0].since <= self._patience_s:
                break
            waiting = self._batches.popleft()
            self._rows -= len(waiting.batch.columns)
            if not room:
                waiting.done.set_exception(StoreBusy("readings arrive faster than they can be filed"))
            elif waiting.done.set_running_or_notify_cancel():
                rows += len(waiting.batch.columns)
                group.append(waiting)
        return group

    def _commit(self, group: list[_Waiting]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes = self._intake.take(self._connection, [one.batch for one in group]) if group else []
            step = self._filing.apply_next(self._connection)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo()
            self._filing.rest()
            for one in group:
                one.done.set_exception(failure_of(error))
            return
        except BaseException as error:
            self._undo()
            for one in group:
                one.done.set_exception(error)
            raise
        self._intake.confirm()
        self._filing.confirm(step)
        for one, outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, Failure):
                one.done.set_exception(outcome)
            else:
                one.done.set_result(outcome)

    def _carry_out(self, command: _Command) -> None:
        try:
            if command.outside:
                command.done.set_result(command.change(self._connection))
                return
            self._connection.execute("BEGIN IMMEDIATE")
            result = command.change(self._connection)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo()
            command.done.set_exception(failure_of(error))
        except Failure as failure:
            self._undo()
            command.done.set_exception(failure)
        else:
            self._intake.confirm()
            command.done.set_result(result)

    def _undo(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._intake.withdraw()
