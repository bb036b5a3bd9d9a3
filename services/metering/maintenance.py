"""The stores of the metering service, for backup, restore and verification."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from metering.adapters.series_store import upkeep
from metering.adapters.series_store.store import locked
from metering.app import MIGRATIONS
from metering.settings import MeteringSettings
from runtime.upkeep import Checked, Store, relational_store
from vocabulary.failure import Failure


@dataclass(frozen=True, slots=True)
class SeriesFile:
    """The series store's file."""

    path: Path

    def copy(self, source: Path, target: Path) -> None:
        """Copy the store, open or not, to a new file."""
        upkeep.backup(source, target)

    def check(self, path: Path) -> Checked:
        """Compare every chunk and every journal entry with its checksum and its kept sums."""
        try:
            report = upkeep.verify(path)
        except (Failure, sqlite3.DatabaseError) as error:
            return Checked(counts={}, faults=(f"the store cannot be read: {error}",))
        counts = {"readings": report.readings, "chunks": report.chunks, "journal_entries": report.journal_entries}
        return Checked(counts=counts, faults=report.faults)

    def release(self) -> None:
        """Raise StoreInUse when a process has the store open."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        os.close(locked(self.path))


@dataclass(frozen=True, slots=True)
class SeriesJournal(SeriesFile):
    """The journal of a series store whose filed readings InfluxDB keeps."""

    settings: MeteringSettings

    def check(self, path: Path) -> Checked:
        """Check the file, and compare what InfluxDB holds with it: a copy only the file, since the server has gone on."""
        checked = SeriesFile.check(self, path)
        if path != self.path or checked.faults:
            return checked
        # Only the scaled-out form has the client installed.
        from metering.scaled import compared  # noqa: PLC0415

        found = compared(self.settings)
        return Checked(counts={**checked.counts, **found.counts}, faults=found.faults)


def migrate(settings: MeteringSettings) -> Iterator[dict[str, object]]:
    """Move the readings of an embedded store to InfluxDB; the last answer says what was compared."""
    from metering.scaled import moved  # noqa: PLC0415

    return moved(settings)


def stores(settings: MeteringSettings) -> Sequence[Store]:
    """Return the stores in the order of their backup: the registry at once, close to what access copied of it; the readings take longer."""
    path = settings.series_file
    series = SeriesJournal(path, settings) if settings.influx_url else SeriesFile(path)
    return relational_store(settings, MIGRATIONS), series
