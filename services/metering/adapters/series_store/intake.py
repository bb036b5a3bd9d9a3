"""What becomes of one batch inside a commit: journal entry, event, quarantine and stream position, all or nothing."""

import sqlite3
import struct
import time
import zlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from metering.adapters.series_store import frame
from metering.adapters.series_store.frame import RunRows, runs_of
from metering.adapters.series_store.novelty import Novelty
from metering.adapters.series_store.tail import Tail
from metering.domain.series.arrival import Refusal, Refusals
from metering.domain.series.batch import Batch, Origin, Stored
from metering.domain.series.columns import Columns, Int32, joined
from metering.domain.series.failures import OutOfOrder
from vocabulary.deltas import DeltaColumn, packed, unpacked
from vocabulary.failure import Failure
from vocabulary.quality import Quality

_KEEP_REFUSED = """
INSERT INTO refused(territory, series, sent_name, time, duration, value, quality, reason, seq) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_SERIES_LIST = struct.Struct("<IqqB")


class Intake:
    """Applies batches to an open transaction; `confirm` or `withdraw` follows, as it commits or not."""

    def __init__(self, tail: Tail, novelty: Novelty, *, sequence: int, forgotten: dict[int, list[tuple[int, int]]]) -> None:
        """Go on after receive sequence `sequence`; readings of `forgotten` series and times are refused."""
        self.sequence = sequence
        self.tail = tail
        self.novelty = novelty
        self.forgotten = forgotten
        self._durable = sequence
        self._moved: dict[str, int] = {}
        self._streams: dict[str, int] = {}
        self._followers: list[Callable[[], None]] = []

    def take(self, connection: sqlite3.Connection, batches: Sequence[Batch]) -> list[Stored | Failure]:
        """Store batches under one receive sequence and say what became of each; one out of its stream's order fails alone."""
        outcomes: list[Stored | Failure | None] = [self._outcome_by_order(connection, batch) for batch in batches]
        at = [i for i, outcome in enumerate(outcomes) if outcome is None]
        accepted = [self._accepted(batches[i]) for i in at]
        # All at once: what numpy and SQLite cost per call would else be paid per batch.
        columns = accepted[0][0] if len(accepted) == 1 else joined([columns for columns, _ in accepted])
        rows = runs_of(columns)
        new = self.novelty.new_rows(connection, self.tail, rows)
        sequence = self._journal(connection, rows if new is None else runs_of(columns.take(new)))
        start = 0
        for i, (part, refusals) in zip(at, accepted, strict=True):
            end = start + len(part)
            stored = len(part) if new is None else int(np.count_nonzero(new[start:end]))
            outcomes[i] = Stored(sequence=sequence if stored else 0, stored=stored, duplicates=len(part) - stored, refusals=refusals)
            self._keep_refused(connection, batches[i], refusals)
            self._settle(connection, batches[i])
            start = end
        return [outcome for outcome in outcomes if outcome is not None]

    def _outcome_by_order(self, connection: sqlite3.Connection, batch: Batch) -> Stored | Failure | None:
        """Return what a batch's place in its stream decides, None when it is the next and must be stored."""
        if batch.origin is None:
            return None
        position = self.position(connection, batch.origin.stream)
        if batch.origin.number <= position:
            return Stored(sequence=0, stored=0, duplicates=0, refusals=batch.refusals, replayed=True)
        if batch.origin.number != position + 1:
            return OutOfOrder(batch.origin.stream, batch.origin.number, position + 1)
        self._move(connection, batch.origin)
        return None

    def _settle(self, connection: sqlite3.Connection, batch: Batch) -> None:
        if batch.settles:
            settled = [(number, batch.territory) for number in batch.settles]
            connection.executemany("DELETE FROM refused WHERE id = ? AND territory = ?", settled)

    def confirm(self) -> None:
        """What was taken is durable: show it."""
        self.tail.publish()
        self.novelty.confirm()
        self._streams |= self._moved
        self._moved = {}
        self._durable = self.sequence
        followers, self._followers = self._followers, []
        for follow in followers:
            follow()

    def then(self, follow: Callable[[], None]) -> None:
        """Call `follow` when the open transaction is durable."""
        self._followers.append(follow)

    @property
    def durable(self) -> int:
        """The receive sequence of the last durable batch."""
        return self._durable

    def withdraw(self) -> None:
        """What was taken since the last `confirm` is not durable: forget it."""
        self.tail.withdraw()
        self.novelty.withdraw()
        self._moved = {}
        self._followers = []
        self.sequence = self._durable

    def position(self, connection: sqlite3.Connection, stream: str) -> int:
        """Return the number of the last batch of a stream, including what this transaction took."""
        if stream in self._moved:
            return self._moved[stream]
        if stream not in self._streams:
            found = connection.execute("SELECT number FROM stream WHERE name = ?", (stream,)).fetchone()
            self._streams[stream] = found[0] if found else 0
        return self._streams[stream]

    def _accepted(self, batch: Batch) -> tuple[Columns, Refusals]:
        """Return the rows to store, and the refusals with what had to be forgotten among them."""
        columns, refusals = batch.columns, batch.refusals
        erased = self._erased(columns) if self.forgotten else None
        if erased is None and not len(refusals):
            return columns, refusals
        kept = np.ones(len(columns), np.bool_)
        kept[refusals.rows] = False
        if erased is not None:
            late = np.flatnonzero(kept & erased).astype(np.int32)
            kept[late] = False
            # What is forgotten stays so whatever else is wrong with it: a refused row would be kept in quarantine.
            reasons = np.where(erased[refusals.rows], np.int8(Refusal.FORGOTTEN), refusals.reasons)
            rows = np.concatenate([refusals.rows, late])
            reasons = np.concatenate([reasons, np.full(len(late), Refusal.FORGOTTEN, np.int8)])
            order = np.argsort(rows, kind="stable")
            refusals = Refusals(rows=rows[order], reasons=reasons[order])
        return columns.take(kept), refusals

    def _erased(self, columns: Columns) -> NDArray[np.bool_] | None:
        concerned = np.isin(columns.series, np.fromiter(self.forgotten, np.int32))
        if not concerned.any():
            return None
        erased = np.zeros(len(columns), np.bool_)
        for series in np.unique(columns.series[concerned]).tolist():
            for start, end in self.forgotten[series]:
                erased |= (columns.series == series) & (columns.time >= start) & (columns.time < end)
        return erased if erased.any() else None

    def _journal(self, connection: sqlite3.Connection, rows: RunRows) -> int:
        if not len(rows):
            return 0
        self.sequence += 1
        connection.execute("INSERT INTO journal VALUES(?, ?, ?)", (self.sequence, len(rows), frame.encode(rows)))
        span = (int(rows.time.min()), int(rows.time.max()) + 1)
        corrected = bool(((rows.tag & frame.QUALITY_MASK) == Quality.CORRECTED).any())
        note(connection, self.sequence, span, rows.run_series, corrected=corrected)
        self.tail.append(self.sequence, rows)
        return self.sequence

    def _keep_refused(self, connection: sqlite3.Connection, batch: Batch, refusals: Refusals) -> None:
        at = refusals.rows[refusals.reasons != Refusal.FORGOTTEN]
        if not len(at):
            return
        reasons = refusals.reasons[refusals.reasons != Refusal.FORGOTTEN].tolist()
        columns = batch.columns.take(at.astype(np.intp))
        values = (columns.series, columns.time, columns.duration, columns.value, columns.quality)
        connection.executemany(
            _KEEP_REFUSED,
            [
                (
                    batch.territory,
                    series if series >= 0 else None,
                    _sent_name(batch, series),
                    time,
                    duration,
                    value,
                    quality,
                    reason,
                    self.sequence,
                )
                for (series, time, duration, value, quality), reason in zip(
                    zip(*(column.tolist() for column in values), strict=True), reasons, strict=True
                )
            ],
        )

    def _move(self, connection: sqlite3.Connection, origin: Origin) -> None:
        self._moved[origin.stream] = origin.number
        connection.execute(
            "INSERT INTO stream VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET number = excluded.number", (origin.stream, origin.number)
        )


def _sent_name(batch: Batch, series: int) -> str:
    return batch.unknown[-1 - series] if series < 0 and -series <= len(batch.unknown) else ""


def note(
    connection: sqlite3.Connection, sequence: int, span: tuple[int, int], series: Int32, *, forgotten: bool = False, corrected: bool = False
) -> None:
    """Write the event of a change in its own transaction."""
    row = (sequence, forgotten, *span, encode_series(series), corrected, int(time.time()))
    connection.execute("INSERT INTO event(seq, forgotten, start, until, series, corrected, occurred) VALUES(?, ?, ?, ?, ?, ?, ?)", row)


def encode_series(series: Int32) -> bytes:
    """Return a set of series as bytes, a fraction of a byte each where they are consecutive."""
    ordered = series if (series[1:] > series[:-1]).all() else np.unique(series)
    column = packed(ordered.astype(np.int64))
    head = _SERIES_LIST.pack(len(ordered), column.first, column.scale, column.width)
    return head + zlib.compress(column.deltas, 1)


def decode_series(body: bytes) -> Int32:
    """Return the set of series that `encode_series` was given, ascending."""
    count, first, scale, width = _SERIES_LIST.unpack_from(body)
    deltas = zlib.decompress(body[_SERIES_LIST.size :])
    return unpacked(DeltaColumn(first=first, scale=scale, width=width, deltas=deltas), count).astype(np.int32)
