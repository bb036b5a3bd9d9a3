"""The numbers of series: small integers in place of names wherever readings are."""

import sqlite3
import threading
from collections.abc import Sequence

import numpy as np

from metering.adapters.series_store.chunk import MOST_SERIES
from metering.domain.series.columns import Int32, ReadingKind, SeriesName
from metering.domain.series.failures import StoreFull
from vocabulary.names import PointId, TerritoryId


class Numbering:
    """All series of the store, in memory; the table behind it is read once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Read the table."""
        self._lock = threading.Lock()
        self._numbers: dict[SeriesName, int] = {}
        self._names: list[SeriesName] = []
        self._refresh(connection)

    def find(self, names: Sequence[SeriesName]) -> Int32:
        """Return the number of each series, -1 for one without."""
        return np.fromiter((self._numbers.get(name, -1) for name in names), np.int32, len(names))

    def names(self, numbers: Int32) -> list[SeriesName]:
        """Return the names behind numbers."""
        return [self._names[number] for number in numbers.tolist()]

    def add(self, connection: sqlite3.Connection, names: Sequence[SeriesName]) -> None:
        """Give a number to every series that has none; numbers go up from 0, without gaps."""
        with self._lock:
            new = [name for name in dict.fromkeys(names) if name not in self._numbers]
            if len(self._names) + len(new) > MOST_SERIES:
                raise StoreFull(f"the store holds {MOST_SERIES} series at most", most=str(MOST_SERIES))
            rows = [(at, one.territory, one.meter, one.channel, one.kind) for at, one in enumerate(new, len(self._names))]
            connection.executemany("INSERT INTO series VALUES(?, ?, ?, ?, ?)", rows)

    def refresh(self, connection: sqlite3.Connection) -> None:
        """Take over what was committed to the table."""
        with self._lock:
            self._refresh(connection)

    def _refresh(self, connection: sqlite3.Connection) -> None:
        query = "SELECT id, territory, meter, channel, kind FROM series WHERE id >= ? ORDER BY id"
        for number, territory, meter, channel, kind in connection.execute(query, (len(self._names),)):
            name = SeriesName(territory=TerritoryId(territory), meter=PointId(meter), channel=channel, kind=ReadingKind(kind))
            self._names.append(name)
            self._numbers[name] = number
