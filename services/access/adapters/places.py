"""What access has heard of places, and which lie in which."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import CTE, ColumnElement, Connection, Table, delete, func, literal, or_, select, union_all

from access.adapters.tables import AccessTables
from vocabulary.interval import Validity
from vocabulary.names import PlaceId, PointId, TerritoryId
from vocabulary.place import PlaceLevel

_PLACES = "places/"
_MAX_DEPTH = 16
"""Deeper than any tree of places: a circle, which only a broken event could make, ends here."""


class SqlPlaces:
    """The places of one territory, inside one transaction."""

    def __init__(self, connection: Connection, tables: AccessTables, territory: TerritoryId) -> None:
        """Read and write with `connection`."""
        self._connection = connection
        self._tables = tables
        self._territory = territory

    def level(self, place: PlaceId) -> PlaceLevel | None:
        """Return how large the place is, None when it is unknown."""
        table = self._tables.known_place
        level = self._connection.execute(
            select(table.c.level).where(table.c.territory == self._territory, table.c.place == place)
        ).scalar_one_or_none()
        return None if level is None else PlaceLevel(level)

    def homes_of(self, point: PointId) -> list[tuple[PlaceId, Validity]]:
        """Return where the metering point measured, and when."""
        link = self._tables.runtime.place_link.c
        query = select(link.parent, link.start, link.end).where(link.territory == self._territory, link.child == f"meters/{point}")
        return [(PlaceId(row.parent), Validity(start=row.start, end=row.end)) for row in self._connection.execute(query)]

    def lies_in(self, place: PlaceId, places: Collection[PlaceId], at: datetime) -> bool:
        """Tell whether the place is one of `places`, or lay in one of them at the instant."""
        link = self._tables.runtime.place_link.c
        above: PlaceId | None = place
        for _ in range(_MAX_DEPTH):
            if above is None or above in places:
                break
            above = self._connection.execute(
                select(link.parent).where(
                    link.territory == self._territory, link.child == f"{_PLACES}{above}", *_in_force(self._tables.runtime.place_link, at)
                )
            ).scalar_one_or_none()
        return above in places

    def is_territory(self) -> bool:
        """Tell whether the registry knows the territory."""
        table = self._tables.known_territory
        return self._connection.execute(select(table).where(table.c.territory == self._territory)).one_or_none() is not None

    def add_territory(self) -> None:
        """Keep that the registry knows the territory."""
        if not self.is_territory():
            self._connection.execute(self._tables.known_territory.insert(), {"territory": self._territory})

    def add(self, place: PlaceId, level: PlaceLevel) -> None:
        """Keep a place; its level never changes."""
        if self.level(place) is None:
            self._connection.execute(
                self._tables.known_place.insert(), {"territory": self._territory, "place": place, "level": level.value}
            )

    def remove(self, place: PlaceId) -> None:
        """Forget a place."""
        table = self._tables.known_place
        self._connection.execute(delete(table).where(table.c.territory == self._territory, table.c.place == place))


def inside(tables: AccessTables, territory: TerritoryId, places: Collection[PlaceId], at: datetime) -> CTE:
    """Return a table with one column `place`: the given places and all that lay in them at the instant."""
    link = tables.runtime.place_link.c
    roots = union_all(*(select(literal(place).label("place"), literal(0).label("depth")) for place in sorted(places)))
    given = roots.subquery()
    found = select(given.c.place, given.c.depth).cte("inside", recursive=True)
    # The id begins after `places/`; both databases count characters from 1.
    step = select(func.substr(link.child, len(_PLACES) + 1), found.c.depth + 1).where(
        link.parent == found.c.place,
        link.child.startswith(_PLACES),
        found.c.depth < _MAX_DEPTH,
        link.territory == territory,
        *_in_force(tables.runtime.place_link, at),
    )
    return found.union_all(step)


def _in_force(table: Table, at: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    link = table.c
    return or_(link.start.is_(None), link.start <= at), or_(link.end.is_(None), link.end > at)
