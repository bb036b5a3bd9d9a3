"""The embedded series store: journal and chunks in one file."""

import sqlite3
from datetime import date
from pathlib import Path

from metering.adapters.series_store import chunk, forgetting
from metering.adapters.series_store.filed import ChunkFile
from metering.adapters.series_store.journalled import JournalledStore, StoreRules, locked
from metering.adapters.series_store.merger import Merger
from metering.adapters.series_store.schema import elsewhere
from metering.domain.series.batch import Receipt
from metering.domain.series.failures import ReadingsMoved
from vocabulary.interval import Interval


class EmbeddedSeriesStore(JournalledStore):
    """Readings in one SQLite file; implements `SeriesStore`."""

    def __init__(self, path: Path, rules: StoreRules | None = None) -> None:
        """Open the store at `path`, making it where there is none; ReadingsMoved when its readings are kept elsewhere."""
        super().__init__(path, rules or StoreRules(), prepare=_require_here, filed=lambda _: ChunkFile())
        self._merger = Merger(path, deliver=self._filing.deliver, failed=self._filing.failed)
        self._filing.begin(self._merger.order)

    @property
    def merger_pid(self) -> int | None:
        """The merging process, None while there is none."""
        return self._merger.pid

    def start_merger(self) -> None:
        """Start the merging process ahead of the first merge."""
        self._merger.start_process()

    def forget(self, series: int, during: Interval) -> Receipt:
        """Erase a series' readings."""
        receipt = self._writer.change(
            lambda connection: forgetting.forget(connection, self._intake, self._filing, forgetting.from_chunks, series, during)
        )
        self._writer.change_outside(forgetting.wipe)
        return receipt

    def repair(self, series: int, month: date) -> int:
        """Give up a damaged chunk that was set aside: what was recorded since counts from now on; return how many there were."""
        key = chunk.key_of(series, (month.year - 1970) * 12 + month.month - 1)
        return self._writer.change(lambda connection: connection.execute("DELETE FROM damaged WHERE id = ?", (key,)).rowcount)

    def _stop_filing(self) -> None:
        self._merger.close()


def _require_here(connection: sqlite3.Connection) -> None:
    if server := elsewhere(connection):
        raise ReadingsMoved(f"the readings are kept by InfluxDB at {server}: set MULTIFLUX_METERING_INFLUX_URL", server=server)


__all__ = ["EmbeddedSeriesStore", "StoreRules", "locked"]
