"""Follows the registry: which place lies in which, so that operators act inside their scopes."""

from collections.abc import Callable, Iterable

from sqlalchemy import Connection

from multiflux_client.places import Place
from multiflux_client.registry import RegistryClient, RegistryEvent
from runtime.place_replica import DatedParent, PlaceReplica
from runtime.relational import Database
from vocabulary.names import TerritoryId


class RegistryFeed:
    """Applies the registry's events to the replica of places; what a Consumer needs."""

    def __init__(self, database: Database, replica: PlaceReplica) -> None:
        """Keep places in `replica`."""
        self._database = database
        self._replica = replica

    def apply(self, connection: Connection, event: RegistryEvent) -> None:
        """Make one event take effect; again, it changes nothing more."""
        if event.places_changed is not None:
            self._places(connection, event.territory, event.places_changed.places)
        if event.place_deleted is not None:
            self._replica.forget(connection, event.territory, f"places/{event.place_deleted}")

    async def resync(self, client: Callable[[TerritoryId | None], RegistryClient]) -> str:
        """List every place anew, after events were missed, and return the cursor from which to go on: the oldest event kept."""
        async for territory in client(None).territories():
            places = [place async for place in client(territory.id).places()]
            await self._database.write(lambda connection, own=territory.id, some=places: self._places(connection, own, some))
        return ""

    def _places(self, connection: Connection, territory: TerritoryId, places: Iterable[Place]) -> None:
        for place in places:
            parents = [DatedParent(parent=parent.parent, validity=parent.validity) for parent in place.parents]
            self._replica.apply(connection, territory, f"places/{place.id}", parents)
