"""Which places lie in which: the permission check's questions, answered from the registry itself."""

from datetime import datetime

from sqlalchemy import Connection, Table, exists, select

from metering.adapters.registry_links import holds
from metering.adapters.registry_tables import PLACE_ABOVE, POINT_ABOVE
from runtime.relational import Database
from vocabulary.names import PlaceId, TerritoryId


class RegistryScopes:
    """The places and points of the registry, as the permission check asks for them."""

    def __init__(self, database: Database) -> None:
        """Ask the database."""
        self._database = database

    async def covers(self, territory: TerritoryId, granted: PlaceId, resource: str, at: datetime) -> bool:
        """Tell whether `resource` (`places/x`, `meters/x`) lay in the granted place at the instant; False when it is unknown."""
        collection, _, name = resource.partition("/")
        links = {"places": PLACE_ABOVE, "meters": POINT_ABOVE}.get(collection)
        if links is None:
            return False
        return await self._database.read(lambda connection: _is_linked(connection, links, territory, granted, name, at))


def _is_linked(connection: Connection, links: Table, territory: TerritoryId, granted: PlaceId, name: str, at: datetime) -> bool:
    own = links.c.place if links is PLACE_ABOVE else links.c.point
    linked = exists().where(links.c.territory == territory, links.c.above == granted, own == name, holds(links, at))
    return bool(connection.execute(select(linked)).scalar_one())
