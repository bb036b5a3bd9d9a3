"""The series store of the scaled-out form put together: a local journal, InfluxDB behind it."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np

from metering.adapters.influx_store import ledger
from metering.adapters.influx_store.filed import InfluxFiled, Span
from metering.adapters.influx_store.projection import Projection
from metering.adapters.influx_store.server import InfluxAddress, InfluxServer
from metering.adapters.series_store import chunk, forgetting
from metering.adapters.series_store.filing import FilingRules
from metering.adapters.series_store.journalled import JournalledStore, StoreRules
from metering.adapters.series_store.merge import Step
from metering.adapters.series_store.merger import Range
from metering.adapters.series_store.numbering import Numbering
from metering.adapters.series_store.schema import elsewhere, open_for_reading
from metering.domain.series.batch import Receipt
from metering.domain.series.failures import CorruptJournal, ReadingsAway, ReadingsMoved, StoreClosed
from vocabulary.interval import Interval

_log = logging.getLogger(__name__)

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 5.0
_ERASURE_WAIT_S = 30.0

RULES = StoreRules(filing=FilingRules(least_rows=8_000, rows_per_series=0, idle_rounds=1, room_rows=16_000_000))
"""Readings go to the server soon; while it is away, as many as fit some hundred megabytes of memory wait here, and then senders do."""


class InfluxSeriesStore(JournalledStore):
    """Readings in a local journal, and in InfluxDB once they are filed; implements `SeriesStore`."""

    def __init__(self, path: Path, address: InfluxAddress, rules: StoreRules = RULES) -> None:
        """Open the store, whether the server answers or not; ReadingsMoved when the file still holds chunks."""
        self._server = InfluxServer(address)
        super().__init__(path, rules, prepare=lambda connection: _prepare(connection, address.url), filed=self._made_filed)
        self._pending = threading.Condition()
        self._chunks.forgotten = _pending(self._connection)
        self._projection = Projection(self._server, self._chunks, self._numbering, now_s=time.time)
        self._projector = _Projector(
            path, self._projection, deliver=self._filing.deliver, failed=self._filing.failed, erase=self._erase_pending
        )
        self._filing.begin(self._projector.order)
        if self._chunks.forgotten:
            self._projector.erase()

    def forget(self, series: int, during: Interval) -> Receipt:
        """Erase here at once, and in InfluxDB as soon as it answers; until then nothing of it is in any answer.

        The receipt counts what was erased so far; `receipts` counts all of it later.
        """
        receipt = self._writer.change(lambda connection: self._forget(connection, series, during))
        self._writer.change_outside(forgetting.wipe)
        self._projector.erase()
        with self._pending:
            self._pending.wait_for(lambda: series not in self._chunks.forgotten or self._projector.is_failing(), _ERASURE_WAIT_S)
        return next(one for one in self.receipts(series) if one.number == receipt.number)

    def wait_until_erased(self, *, timeout_s: float) -> bool:
        """Wait until InfluxDB has erased everything that is due; tell whether it was done in time."""
        with self._pending:
            return self._pending.wait_for(lambda: not self._chunks.forgotten, timeout_s)

    def _made_filed(self, numbering: Numbering) -> InfluxFiled:
        self._chunks = InfluxFiled(self._server, numbering)
        return self._chunks

    def _forget(self, connection: sqlite3.Connection, series: int, during: Interval) -> Receipt:
        receipt = forgetting.forget(connection, self._intake, self._filing, _nothing_here, series, during)
        connection.execute("INSERT INTO erasure VALUES(?)", (receipt.number,))
        spans = {**self._chunks.forgotten, series: [*self._chunks.forgotten.get(series, []), (receipt.start, receipt.end)]}
        # At once, not when it is durable: an answer may lack too much for a moment, never too little.
        self._chunks.forgotten = spans
        return receipt

    def _erase_pending(self, connection: sqlite3.Connection) -> None:
        """Erase in InfluxDB what is due; in the projector's thread, so that nothing is written meanwhile that was read before."""
        query = "SELECT id, series, start, until FROM receipt WHERE id IN (SELECT receipt FROM erasure) ORDER BY id"
        for number, series, start, end in connection.execute(query).fetchall():
            self._erase_one(connection, number, series, (start, end))

    def _erase_one(self, connection: sqlite3.Connection, number: int, series: int, span: Span) -> None:
        months = ledger.months_of(connection, [series], *span)
        erased = 0
        left: list[ledger.Entry] = []
        if months:
            whole = (chunk.month_start(months[0]), chunk.month_start(months[-1] + 1))
            inside = (max(span[0], whole[0]), min(span[1], whole[1]))
            erased = self._chunks.count(series, inside)
            self._chunks.erase(series, inside)
            left = ledger.entries_of(self._chunks.whole(np.array([series], np.int32), whole)[0])

        def finish(writing: sqlite3.Connection) -> None:
            writing.execute("UPDATE receipt SET erased = erased + ? WHERE id = ?", (erased, number))
            writing.execute("DELETE FROM erasure WHERE receipt = ?", (number,))
            for month in months:
                writing.execute("DELETE FROM summary WHERE id = ?", (chunk.key_of(series, month),))
                writing.execute("DELETE FROM digest WHERE id = ?", (chunk.key_of(series, month),))
            for entry in left:
                writing.execute("INSERT INTO summary VALUES(?, ?, ?, ?, ?, ?, ?)", entry.summary)
                writing.execute("INSERT INTO digest VALUES(?, ?)", (entry.summary[0], entry.digest))
            forgetting.recall(writing, self._intake, series)
            spans = _pending(writing)
            self._intake.then(lambda: self._erased(spans))

        self._writer.change(finish)

    def _erased(self, left: dict[int, list[Span]]) -> None:
        with self._pending:
            self._chunks.forgotten = left
            self._pending.notify_all()

    def _stop_filing(self) -> None:
        self._projector.close()
        self._projection.close()
        self._server.close()


class _Projector:
    """The thread that writes to the server, in the merger's place; what fails is tried again after a pause."""

    def __init__(
        self,
        path: Path,
        projection: Projection,
        *,
        deliver: Callable[[Range, Step | None], bool],
        failed: Callable[[Range], None],
        erase: Callable[[sqlite3.Connection], None],
    ) -> None:
        self._path = path
        self._projection = projection
        self._deliver = deliver
        self._failed = failed
        self._erase = erase
        self._changed = threading.Condition()
        self._wanted: Range | None = None
        self._erasing = False
        self._failing = False
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="series-projector", daemon=True)
        self._thread.start()

    def order(self, wanted: Range) -> None:
        """Write these entries; only when no other order is under way."""
        with self._changed:
            self._wanted = wanted
            self._changed.notify_all()

    def erase(self) -> None:
        """Carry out the erasures that are due, after what is being written."""
        with self._changed:
            self._erasing = True
            self._changed.notify_all()

    def is_failing(self) -> bool:
        """Tell whether the last try failed."""
        return self._failing

    def close(self) -> None:
        """Stop after the write that is under way: the journal has the rest."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        with closing(open_for_reading(self._path)) as connection:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._closing or self._wanted is not None or self._erasing)
                    if self._closing:
                        return
                    wanted, self._wanted = self._wanted, None
                    erasing, self._erasing = self._erasing, False
                try:
                    if erasing:
                        self._erase(connection)
                    if wanted:
                        self._write(connection, wanted)
                except (ReadingsAway, CorruptJournal, StoreClosed, sqlite3.Error) as failure:
                    self._failing = True
                    _log.warning("readings wait for InfluxDB", extra={"error": str(failure), "next_try_s": pause_s})
                    with self._changed:
                        self._erasing |= erasing
                        self._changed.wait_for(lambda: self._closing, pause_s)
                    pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                    if wanted:
                        self._failed(wanted)
                else:
                    self._failing = False
                    pause_s = _FIRST_PAUSE_S

    def _write(self, connection: sqlite3.Connection, wanted: Range) -> None:
        after, upto = wanted
        for step in self._projection.steps(connection, after=after, upto=upto):
            if self._closing or not self._deliver(wanted, step):
                return
        self._deliver(wanted, None)


def _prepare(connection: sqlite3.Connection, server: str) -> None:
    connection.executescript(ledger.TABLES)
    if elsewhere(connection):
        return
    if connection.execute("SELECT 1 FROM chunk LIMIT 1").fetchone():
        raise ReadingsMoved("the readings are kept in this store's own chunks: `multiflux migrate` moves them to InfluxDB")
    connection.execute("INSERT INTO elsewhere VALUES(1, ?)", (server,))


def _nothing_here(*_: object) -> int:
    """Erase nothing of what is filed: InfluxDB has it."""
    return 0


def _pending(connection: sqlite3.Connection) -> dict[int, list[Span]]:
    """Return the erasures that InfluxDB has not done yet."""
    found: dict[int, list[Span]] = {}
    for series, start, end in connection.execute("SELECT series, start, until FROM receipt WHERE id IN (SELECT receipt FROM erasure)"):
        found.setdefault(series, []).append((start, end))
    return found
