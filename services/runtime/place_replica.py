"""A service's copy of which places and metering points lie in which, kept from events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CTE, Connection, bindparam, delete, literal, or_, select

from runtime.relational import Database
from runtime.tables import Instant, RuntimeTables
from vocabulary.interval import Validity
from vocabulary.names import PlaceId, TerritoryId

_MAX_DEPTH = 16
"""Deeper than any tree of places: a circle, which only a broken event could make, ends here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DatedParent:
    """The place in which something lies while the validity lasts."""

    parent: PlaceId
    validity: Validity


class PlaceReplica:
    """Dated parents of `places/x` and `meters/x`, by territory; answers as PlaceScopes."""

    def __init__(self, database: Database, tables: RuntimeTables) -> None:
        """Keep them in `tables.place_link`."""
        self._database = database
        self._table = tables.place_link
        above = self._above()
        # Made once: every call of every service asks this.
        self._ancestors = select(above.c.parent).order_by(above.c.depth)

    def apply(self, connection: Connection, territory: TerritoryId, resource: str, parents: Sequence[DatedParent]) -> None:
        """Keep the whole dated list of the parents of `resource`, in place of what was known."""
        self.forget(connection, territory, resource)
        rows = [
            {"territory": territory, "child": resource, "parent": item.parent, "start": item.validity.start, "end": item.validity.end}
            for item in parents
        ]
        if rows:
            connection.execute(self._table.insert(), rows)

    def forget(self, connection: Connection, territory: TerritoryId, resource: str) -> None:
        """Forget where `resource` lay."""
        connection.execute(delete(self._table).where(self._table.c.territory == territory, self._table.c.child == resource))

    async def covers(self, territory: TerritoryId, granted: PlaceId, resource: str, at: datetime) -> bool:
        """Tell whether `resource` is the granted place, or lay in it at the instant; False when it is unknown."""
        return resource == f"places/{granted}" or granted in await self.ancestors(territory, resource, at)

    async def ancestors(self, territory: TerritoryId, resource: str, at: datetime) -> tuple[PlaceId, ...]:
        """Return the places in which `resource` lay at the instant, nearest first; none when it is unknown."""
        asked = {"asked_territory": territory, "asked_resource": resource, "asked_at": at}
        return await self._database.read(lambda connection: tuple(connection.execute(self._ancestors, asked).scalars()))

    def _above(self) -> CTE:
        link, at = self._table.c, bindparam("asked_at", type_=Instant)
        in_force = (
            link.territory == bindparam("asked_territory"),
            or_(link.start.is_(None), link.start <= at),
            or_(link.end.is_(None), link.end > at),
        )
        lowest = select(link.parent, literal(1).label("depth")).where(link.child == bindparam("asked_resource"), *in_force)
        above = lowest.cte("above", recursive=True)
        step = select(link.parent, above.c.depth + 1).where(
            link.child == literal("places/").concat(above.c.parent), above.c.depth < _MAX_DEPTH, *in_force
        )
        return above.union_all(step)
