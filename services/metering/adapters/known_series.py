"""What the registry knows of series, for the threads that check readings."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection, func, select

from metering.adapters.registry_points import SqlPoints
from metering.adapters.registry_tables import RUNTIME
from metering.domain.figures.reading_limits import reading_limits
from metering.domain.registry.points import MeteringPoint
from metering.domain.series.arrival import Limits
from metering.domain.series.columns import SeriesName
from runtime.relational import Database
from vocabulary.names import PointId, TerritoryId

T = TypeVar("T")

_DEADLINE_S = 30.0


class RegistrySeries:
    """Limits of series, from the registry's tables. Called from threads, never from the event loop, whose database it asks."""

    def __init__(self, database: Database, loop: asyncio.AbstractEventLoop) -> None:
        """Ask `database` on `loop`."""
        self._database = database
        self._loop = loop

    def limits(self, names: Sequence[SeriesName]) -> Sequence[Limits | None]:
        """Return the limits of each series, None for one that no metering point has."""
        wanted: dict[TerritoryId, set[PointId]] = defaultdict(set)
        for name in names:
            wanted[name.territory].add(name.meter)
        points = self._read(lambda connection: _points(connection, wanted))
        return [
            None if (point := points.get((name.territory, name.meter))) is None else reading_limits(point, name.channel, name.kind)
            for name in names
        ]

    def revision(self) -> int:
        """Return a number that grows with every change: every change publishes an event."""
        return self._read(registry_revision)

    def _read(self, work: Callable[[Connection], T]) -> T:
        return asyncio.run_coroutine_threadsafe(self._database.read(work), self._loop).result(_DEADLINE_S)


def registry_revision(connection: Connection) -> int:
    """Return a number that grows with every change of the registry: every change publishes an event."""
    return connection.execute(select(func.max(RUNTIME.outbox.c.sequence))).scalar_one() or 0


def _points(connection: Connection, wanted: dict[TerritoryId, set[PointId]]) -> dict[tuple[TerritoryId, PointId], MeteringPoint]:
    return {
        (territory, point): kept.value
        for territory, points in wanted.items()
        for point, kept in SqlPoints(connection).get(territory, points).items()
    }
