"""Follows the registry: which place lies in which."""

from collections.abc import Callable, Iterable

from sqlalchemy import Connection

from multiflux_client.places import Place
from multiflux_client.registry import RegistryClient, RegistryEvent
from runtime.place_replica import DatedParent, PlaceReplica
from runtime.relational import Database
from vocabulary.names import TerritoryId


class PlacesFeed:
    """Keeps the replica of places from the registry's events; what a Consumer needs."""

    def __init__(self, database: Database, replica: PlaceReplica, registry: Callable[[TerritoryId | None], RegistryClient]) -> None:
        """Keep `replica`; ask `registry` for everything when events were missed."""
        self._database = database
        self._replica = replica
        self._registry = registry

    def apply(self, connection: Connection, event: RegistryEvent) -> None:
        """Make one event take effect; again, it changes nothing more."""
        if event.places_changed is not None:
            self._keep(connection, event.territory, event.places_changed.places)
        if event.place_deleted is not None:
            self._replica.forget(connection, event.territory, f"places/{event.place_deleted}")

    async def resync(self) -> str:
        """List every place anew, and return the cursor from which to go on: the oldest event kept."""
        async for territory in self._registry(None).territories():
            places = [place async for place in self._registry(territory.id).places()]
            await self._database.write(lambda connection, of=territory.id, some=places: self._keep(connection, of, some))
        return ""

    def _keep(self, connection: Connection, territory: TerritoryId, places: Iterable[Place]) -> None:
        for place in places:
            parents = [DatedParent(parent=one.parent, validity=one.validity) for one in place.parents]
            self._replica.apply(connection, territory, f"places/{place.id}", parents)
