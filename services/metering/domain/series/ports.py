"""What the rules of metering ask of whatever keeps readings."""

from collections.abc import Sequence
from concurrent.futures import Future
from datetime import date
from typing import Protocol

from metering.domain.series.arrival import Limits
from metering.domain.series.batch import Batch, MonthTotals, Receipt, RefusedReading, SeriesEvent, Stored
from metering.domain.series.columns import Columns, Int32, SeriesName, Versions
from metering.domain.series.resolve import Resolution
from vocabulary.interval import Interval
from vocabulary.names import TerritoryId


class KnownSeries(Protocol):
    """What the registry knows of series."""

    def limits(self, names: Sequence[SeriesName]) -> Sequence[Limits | None]:
        """Return the limits of each series, None for one that no metering point has."""
        ...

    def revision(self) -> int:
        """Return a number that changes whenever limits may have changed."""
        ...


class SeriesNumbers(Protocol):
    """The store's numbers of series; a number is never reused."""

    def numbers(self, names: Sequence[SeriesName]) -> Int32:
        """Return the number of each series; one that is new gets its number, durably."""
        ...

    def find(self, names: Sequence[SeriesName]) -> Int32:
        """Return the number of each series, -1 for one without readings."""
        ...

    def names(self, numbers: Int32) -> Sequence[SeriesName]:
        """Return the names of numbers that the store gave."""
        ...


class Journal(Protocol):
    """Where readings become durable."""

    def submit(self, batch: Batch) -> Future[Stored]:
        """Take a batch; the future is done once it is on disk, or fails with `StoreBusy`, `StoreFull`, `OutOfOrder` and nothing stored."""
        ...

    def record(self, batch: Batch) -> Stored:
        """Store a batch and return once it is on disk."""
        ...

    def position(self, stream: str) -> int:
        """Return the number of the last durable batch of a sender's stream, 0 when there is none."""
        ...


class SeriesReader(Protocol):
    """Stored readings, including those that were acknowledged a moment ago."""

    def read(self, series: int, during: Interval, *, known_at: int | None = None) -> Versions:
        """Return what holds, ordered by time, for reading times in `during`; suspect readings are there with that quality.

        With `known_at`: what held when that receive sequence was the last. Fails with `CorruptChunk` where readings are damaged.
        """
        ...

    def revisions(self, series: int, during: Interval) -> Resolution:
        """Return what holds and every version beside it."""
        ...

    def totals(self, month: date) -> MonthTotals:
        """Return the totals of all series that have readings in the UTC month that begins at `month`."""
        ...

    def latest(self) -> Columns:
        """Return the last reading of every series, in order of series."""
        ...

    def sequence(self) -> int:
        """Return the receive sequence of the last durable batch."""
        ...


class Quarantine(Protocol):
    """The readings that were refused at arrival."""

    def refused(self, territory: TerritoryId, *, after: int = 0, limit: int = 1000) -> Sequence[RefusedReading]:
        """Return refused readings of a territory in order of number, those with a greater number than `after`."""
        ...

    def refused_among(self, territory: TerritoryId, numbers: Sequence[int]) -> Sequence[RefusedReading]:
        """Return those of a territory's refused readings that have one of the numbers, in order of number."""
        ...

    def discard(self, territory: TerritoryId, numbers: Sequence[int]) -> int:
        """Remove refused readings that nobody will take up again; return how many there were."""
        ...


class Forgetting(Protocol):
    """Erasure."""

    def forget(self, series: int, during: Interval) -> Receipt:
        """Erase every trace of a series' readings with times in `during`, and refuse them should they come again."""
        ...

    def receipts(self, series: int) -> Sequence[Receipt]:
        """Return the receipts of a series, oldest first."""
        ...


class SeriesOutbox(Protocol):
    """What happened to series, in commit order."""

    def events(self, *, after: int, limit: int = 100) -> Sequence[SeriesEvent]:
        """Return the events of greater sequence than `after`; fails with `CursorExpired` when some of them are gone."""
        ...

    def store_id(self) -> str:
        """Return 32 hexadecimal digits that tell this store's sequences from those of others."""
        ...


class SeriesStore(SeriesNumbers, Journal, SeriesReader, Quarantine, Forgetting, SeriesOutbox, Protocol):
    """All of it, as adapters implement it and the composition root hands it out."""

    def close(self) -> None:
        """Finish what is under way and let go of everything."""
        ...
