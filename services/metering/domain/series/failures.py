"""How the series store says no."""

from vocabulary.failure import Failure, Kind


class StoreBusy(Failure):
    """Readings arrive faster than they can be filed: nothing of the batch was stored, send it again later."""

    reason, kind = "STORE_BUSY", Kind.BUSY


class StoreFull(Failure):
    """The disk is full: nothing of the batch was stored."""

    reason, kind = "STORE_FULL", Kind.BUSY


class StoreBroken(Failure):
    """The disk failed under the store: nothing of the batch was stored."""

    reason, kind = "STORE_BROKEN", Kind.BUSY


class StoreClosed(Failure):
    """The store is shutting down: nothing of the batch was stored."""

    reason, kind = "STORE_CLOSED", Kind.BUSY


class StoreInUse(Failure):
    """Another process has the store open."""

    reason, kind = "STORE_IN_USE", Kind.CONFLICT


class StoreFormat(Failure):
    """The file is no series store, or one of a later version of this program."""

    reason, kind = "STORE_FORMAT", Kind.CONFLICT


class CorruptChunk(Failure):
    """The stored readings of one series and month fail their checksum."""

    reason, kind = "CORRUPT_CHUNK", Kind.CONFLICT

    def __init__(self, series: int, month: str) -> None:
        """Name the series' number and the month, such as `2026-03`."""
        super().__init__(f"the readings of series {series} in {month} are damaged", series=str(series), month=month)
        self.series = series
        self.month = month


class CorruptJournal(Failure):
    """A journal entry fails its checksum."""

    reason, kind = "CORRUPT_JOURNAL", Kind.CONFLICT

    def __init__(self, sequence: int) -> None:
        """Name the receive sequence."""
        super().__init__(f"journal entry {sequence} is damaged", sequence=str(sequence))


class ReadingsAway(Failure):
    """Filed readings are kept by a server that does not answer as it should: an answer without them would be wrong."""

    reason, kind = "READINGS_AWAY", Kind.BUSY


class ReadingsMoved(Failure):
    """The readings of this file are kept elsewhere than the settings say."""

    reason, kind = "READINGS_MOVED", Kind.CONFLICT


class OutOfOrder(Failure):
    """A stream left a batch out."""

    reason, kind = "BATCH_OUT_OF_ORDER", Kind.CONFLICT

    def __init__(self, stream: str, number: int, expected: int) -> None:
        """Name the batch that came and the one that should have."""
        super().__init__(
            f"batch {number} of stream {stream} came where {expected} was expected",
            stream=stream,
            number=str(number),
            expected=str(expected),
        )


class CursorExpired(Failure):
    """The events after the cursor are gone: read everything anew."""

    reason, kind = "CURSOR_EXPIRED", Kind.CONFLICT
