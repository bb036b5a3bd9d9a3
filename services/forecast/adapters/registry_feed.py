"""Follows the registry: which places and metering points lie in which, so that grants for places can be checked."""

import logging
from collections.abc import Callable

from sqlalchemy import Connection

from multiflux_client.places import Place
from multiflux_client.points import MeteringPoint
from multiflux_client.registry import RegistryClient, RegistryEvent
from runtime.place_replica import DatedParent, PlaceReplica
from runtime.relational import Database
from vocabulary.names import TerritoryId

_log = logging.getLogger(__name__)
_AT_ONCE = 1_000


class RegistryFeed:
    """Keeps the replica of places from the registry's events; what a Consumer needs."""

    def __init__(self, database: Database, replica: PlaceReplica, registry: Callable[[TerritoryId | None], RegistryClient]) -> None:
        """Keep `replica`; ask `registry` for everything when events were missed."""
        self._database = database
        self._replica = replica
        self._registry = registry

    def apply(self, connection: Connection, event: RegistryEvent) -> None:
        """Make one event take effect; again, it changes nothing more."""
        for place in event.places_changed.places if event.places_changed else ():
            self._place(connection, event.territory, place)
        for point in event.points_changed.points if event.points_changed else ():
            self._point(connection, event.territory, point)
        if event.place_deleted is not None:
            self._replica.forget(connection, event.territory, f"places/{event.place_deleted}")
        if event.point_deleted is not None:
            self._replica.forget(connection, event.territory, f"meters/{event.point_deleted}")

    async def resync(self) -> str:
        """List everything anew and return the cursor from which to go on: the oldest event kept, for events say how things are."""
        _log.info("listing the registry anew")
        async for territory in self._registry(None).territories():
            client, places, points = self._registry(territory.id), list[Place](), list[MeteringPoint]()
            async for place in client.places():
                places.append(place)
            async for point in client.metering_points():
                points.append(point)
            for first in range(0, max(len(places), len(points)), _AT_ONCE):
                some = slice(first, first + _AT_ONCE)
                await self._database.write(
                    lambda connection, of=territory.id, here=places[some], there=points[some]: self._all(connection, of, here, there)
                )
        return ""

    def _all(self, connection: Connection, territory: TerritoryId, places: list[Place], points: list[MeteringPoint]) -> None:
        for place in places:
            self._place(connection, territory, place)
        for point in points:
            self._point(connection, territory, point)

    def _place(self, connection: Connection, territory: TerritoryId, place: Place) -> None:
        parents = [DatedParent(parent=one.parent, validity=one.validity) for one in place.parents]
        self._replica.apply(connection, territory, f"places/{place.id}", parents)

    def _point(self, connection: Connection, territory: TerritoryId, point: MeteringPoint) -> None:
        parents = [DatedParent(parent=one.place, validity=one.validity) for one in point.places]
        self._replica.apply(connection, territory, f"meters/{point.id}", parents)
