"""What every series store with a local journal shares: opening, replaying the journal, and the ports over it and what was filed."""

import fcntl
import os
import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np

from metering.adapters.series_store import forgetting, quarantine, reading
from metering.adapters.series_store.chunk import MOST_SERIES
from metering.adapters.series_store.filed import Filed
from metering.adapters.series_store.filing import Filing, FilingRules
from metering.adapters.series_store.intake import Intake
from metering.adapters.series_store.novelty import Novelty
from metering.adapters.series_store.numbering import Numbering
from metering.adapters.series_store.schema import failure_of, open_for_reading, open_for_writing
from metering.adapters.series_store.tail import Tail
from metering.adapters.series_store.writer import Writer
from metering.domain.series.batch import Batch, MonthTotals, Receipt, RefusedReading, SeriesEvent, Stored
from metering.domain.series.columns import Columns, Int32, SeriesName, Versions
from metering.domain.series.failures import StoreInUse
from metering.domain.series.resolve import Resolution
from vocabulary.interval import Interval
from vocabulary.names import TerritoryId


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreRules:
    """How the store behaves under load: when it merges, how much may wait for a commit, and for how long."""

    filing: FilingRules = field(default_factory=FilingRules)
    queue_rows: int = 2_000_000
    patience_s: float = 10.0


class JournalledStore(ABC):
    """Readings that are durable in a journal in one SQLite file before they are filed; implements `SeriesStore` but for erasure."""

    def __init__(
        self, path: Path, rules: StoreRules, *, prepare: Callable[[sqlite3.Connection], None], filed: Callable[[Numbering], Filed]
    ) -> None:
        """Open the store at `path`, making it where there is none; replay what the journal holds."""
        self._path = path
        self._lock = locked(path)
        try:
            self._connection = open_for_writing(path)
            prepare(self._connection)
            self._numbering = Numbering(self._connection)
            self._filed = filed(self._numbering)
            self._tail, novelty = Tail(), Novelty(self._filed)
            applied, sequence = _replay(self._connection, self._tail, novelty)
            self._intake = Intake(self._tail, novelty, sequence=sequence, forgotten=forgetting.forgotten(self._connection))
            self._filing = Filing(self._tail, rules.filing, applied=applied)
        except sqlite3.Error as error:
            os.close(self._lock)
            raise failure_of(error) from error
        except BaseException:
            os.close(self._lock)
            raise
        self._threads = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._readers_lock = threading.Lock()
        self._writer = Writer(self._connection, self._intake, self._filing, queue_rows=rules.queue_rows, patience_s=rules.patience_s)

    def numbers(self, names: Sequence[SeriesName]) -> Int32:
        """Return the number of each series, giving new ones theirs."""
        found = self._numbering.find(names)
        if (found < 0).any():
            self._writer.change(lambda connection: self._numbering.add(connection, names))
            self._writer.change_outside(self._numbering.refresh)
            found = self._numbering.find(names)
        return found

    def find(self, names: Sequence[SeriesName]) -> Int32:
        """Return the number of each series, -1 for one without."""
        return self._numbering.find(names)

    def names(self, numbers: Int32) -> Sequence[SeriesName]:
        """Return the names behind numbers."""
        return self._numbering.names(numbers)

    def submit(self, batch: Batch) -> Future[Stored]:
        """Queue a batch."""
        return self._writer.submit(batch)

    def record(self, batch: Batch) -> Stored:
        """Store a batch, and return when it is durable."""
        return self._writer.submit(batch).result()

    def position(self, stream: str) -> int:
        """Return the number of the last durable batch of a stream."""
        found = self._reader().execute("SELECT number FROM stream WHERE name = ?", (stream,)).fetchone()
        return found[0] if found else 0

    def read(self, series: int, during: Interval, *, known_at: int | None = None) -> Versions:
        """Return what holds for a series."""
        return reading.read(self._filed, self._reader(), self._tail, series, during, known_at=known_at)

    def revisions(self, series: int, during: Interval) -> Resolution:
        """Return what holds for a series, and every version beside it."""
        return reading.revisions(self._filed, self._reader(), self._tail, series, during)

    def totals(self, month: date) -> MonthTotals:
        """Return the month's totals of all series."""
        return reading.totals(self._filed, self._reader(), self._tail, month)

    def latest(self) -> Columns:
        """Return the last reading of every series."""
        return reading.latest(self._filed, self._reader(), self._tail, self._intake.novelty.last_times())

    def sequence(self) -> int:
        """Return the receive sequence of the last durable batch."""
        return self._intake.durable

    def refused(self, territory: TerritoryId, *, after: int = 0, limit: int = 1000) -> Sequence[RefusedReading]:
        """Return refused readings of a territory."""
        return quarantine.refused(self._reader(), self._numbering, territory, after=after, limit=limit)

    def refused_among(self, territory: TerritoryId, numbers: Sequence[int]) -> Sequence[RefusedReading]:
        """Return refused readings by number."""
        return quarantine.refused_among(self._reader(), self._numbering, territory, numbers)

    def discard(self, territory: TerritoryId, numbers: Sequence[int]) -> int:
        """Remove refused readings."""
        return self._writer.change(lambda connection: quarantine.discard(connection, territory, numbers))

    def receipts(self, series: int) -> Sequence[Receipt]:
        """Return the receipts of a series."""
        return forgetting.receipts(self._reader(), series)

    def events(self, *, after: int, limit: int = 100) -> Sequence[SeriesEvent]:
        """Return events in commit order."""
        return reading.events(self._reader(), after=after, limit=limit)

    def store_id(self) -> str:
        """Return what tells this store's sequences from those of others."""
        return reading.store_id(self._reader())

    def file_everything(self, *, timeout_s: float = 600.0) -> bool:
        """File whatever the journal holds now; tell whether that was done in time."""
        return self._filing.wait_until_filed(self._intake.durable, timeout_s=timeout_s)

    def tidy(self) -> None:
        """Give all free pages back to the disk and empty the write-ahead log."""
        self._writer.change_outside(forgetting.wipe)

    def close(self) -> None:
        """Store what is queued, stop filing, close the file."""
        self._filing.abandon()
        self._stop_filing()
        self._writer.close()
        with self._readers_lock:
            for connection in self._readers:
                connection.close()
        self._connection.close()
        os.close(self._lock)

    @abstractmethod
    def _stop_filing(self) -> None:
        """Stop whatever files; nothing of it is lost."""

    def _reader(self) -> sqlite3.Connection:
        """Return this thread's own connection."""
        connection: sqlite3.Connection | None = getattr(self._threads, "connection", None)
        if connection is None:
            connection = open_for_reading(self._path)
            self._threads.connection = connection
            with self._readers_lock:
                self._readers.append(connection)
        return connection


def locked(path: Path) -> int:
    """Take the store for this process alone; the lock goes with the process, however it ends."""
    lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise StoreInUse(f"another process has {path.name} open", path=str(path)) from None
    return lock


def _replay(connection: sqlite3.Connection, tail: Tail, novelty: Novelty) -> tuple[int, int]:
    """Fill the tail from the journal; return the receive sequences that are filed and given."""
    applied: int = connection.execute("SELECT applied FROM mark").fetchone()[0]
    _seed(connection, novelty)
    sequence = forgetting.fill(connection, tail, applied)
    novelty.seed(*tail.latest_times())
    return applied, sequence


def _seed(connection: sqlite3.Connection, novelty: Novelty) -> None:
    found = np.array(connection.execute("SELECT id, last_time FROM summary").fetchall(), np.int64).reshape(-1, 2)
    novelty.seed((found[:, 0] & MOST_SERIES - 1).astype(np.int32), found[:, 1])
