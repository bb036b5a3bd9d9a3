"""Places in the relational store."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, delete, exists, or_, select

from metering.adapters.registry_bulk import among, chunks, insert_rows
from metering.adapters.registry_links import attach_places, attach_points, bounds, detach_places, holds
from metering.adapters.registry_pages import coverings, drop_identifiers, filed, first_of, identifier_owners, lies_in, names_of
from metering.adapters.registry_tables import PLACE, PLACE_ABOVE, PLACE_IDENTIFIER, PLACE_PARENT, POINT_PLACE
from metering.domain.registry.identifiers import Identifier
from metering.domain.registry.places import Place
from metering.domain.registry.ports import Filed, Kept, PlaceFilter, Written
from metering.domain.registry.premises import Dwelling
from metering.domain.registry.reach import Reach, Sight
from metering.wire.places import place_from_document
from vocabulary.names import PlaceId, TerritoryId
from vocabulary.place import PlaceLevel

_Query = tuple[Select[Any], ColumnElement[str]]
"""A query of ids, and the column that it finds them in."""


class SqlPlaces:
    """Places, as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        """Work on the connection's transaction."""
        self._connection = connection

    def get(self, territory: TerritoryId, ids: Collection[PlaceId]) -> dict[PlaceId, Kept[Place]]:
        """Return those of the places that exist."""
        found: dict[PlaceId, Kept[Place]] = {}
        for some in chunks(ids):
            rows = self._connection.execute(
                select(PLACE).where(PLACE.c.territory == territory, among(self._connection, PLACE.c.place, some))
            ).all()
            found.update({PlaceId(row.place): _kept(row) for row in rows})
        return found

    def levels(self, territory: TerritoryId, ids: Collection[PlaceId]) -> dict[PlaceId, PlaceLevel]:
        """Return the levels of those of the places that exist."""
        found: dict[PlaceId, PlaceLevel] = {}
        for some in chunks(ids):
            query = select(PLACE.c.place, PLACE.c.level).where(PLACE.c.territory == territory, among(self._connection, PLACE.c.place, some))
            found.update({PlaceId(place): PlaceLevel(level) for place, level in self._connection.execute(query).all()})
        return found

    def owners(self, territory: TerritoryId, identifiers: Collection[Identifier]) -> dict[Identifier, PlaceId]:
        """Return whose the identifiers are, where they are a place's."""
        rows = identifier_owners(self._connection, PLACE_IDENTIFIER, territory, identifiers, column="place")
        return {identifier: PlaceId(owner) for identifier, owner in rows.items()}

    def homes(self, territory: TerritoryId, ids: Collection[PlaceId]) -> set[PlaceId]:
        """Return which of the places are homes."""
        found: set[PlaceId] = set()
        for some in chunks(ids):
            query = select(PLACE.c.place).where(
                PLACE.c.territory == territory, among(self._connection, PLACE.c.place, some), PLACE.c.is_home
            )
            found.update(PlaceId(place) for place in self._connection.execute(query).scalars())
        return found

    def save(self, territory: TerritoryId, written: Sequence[Written[Place]], at: datetime) -> None:
        """Keep new places, and places as they are now; parents may be among the new ones."""
        created = [each for each in written if each.before is None]
        changed = [(each, each.before.value) for each in written if each.before is not None]
        insert_rows(self._connection, PLACE, [_row(territory, each, at) for each in created])
        insert_rows(self._connection, PLACE, [_row(territory, each, at) for each, _ in changed], replace=True)
        new = [each.value for each in created]
        renamed = [(each.value, before) for each, before in changed if each.value.identifiers != before.identifiers]
        self._drop_identifiers(territory, [before for _, before in renamed])
        self._keep_identifiers(territory, [*new, *(after for after, _ in renamed)])
        self._move(territory, [each.value for each, before in changed if each.value.parents != before.parents])
        self._keep_parents(territory, new)
        attach_places(self._connection, territory, [place.place_id for place in new])

    def _move(self, territory: TerritoryId, places: Sequence[Place]) -> None:
        if not places:
            return
        below, points = detach_places(self._connection, territory, [place.place_id for place in places])
        for some in chunks([place.place_id for place in places]):
            self._connection.execute(
                delete(PLACE_PARENT).where(PLACE_PARENT.c.territory == territory, among(self._connection, PLACE_PARENT.c.place, some))
            )
        self._keep_parents(territory, places)
        attach_places(self._connection, territory, below)
        attach_points(self._connection, territory, points)

    def _keep_parents(self, territory: TerritoryId, places: Sequence[Place]) -> None:
        rows = [
            {"territory": territory, "place": place.place_id, "parent": parent.parent, **bounds(parent.validity)}
            for place in places
            for parent in place.parents
        ]
        insert_rows(self._connection, PLACE_PARENT, rows)

    def _keep_identifiers(self, territory: TerritoryId, places: Iterable[Place]) -> None:
        rows = [
            {"territory": territory, "scheme": identifier.scheme, "value": identifier.value, "place": place.place_id}
            for place in places
            for identifier in place.identifiers
        ]
        insert_rows(self._connection, PLACE_IDENTIFIER, rows)

    def _drop_identifiers(self, territory: TerritoryId, places: Iterable[Place]) -> None:
        drop_identifiers(self._connection, PLACE_IDENTIFIER, territory, [i for place in places for i in place.identifiers])

    def is_used(self, territory: TerritoryId, place: PlaceId) -> bool:
        """Tell whether a place or point refers to it, now or at any time."""
        inside = exists().where(PLACE_PARENT.c.territory == territory, PLACE_PARENT.c.parent == place)
        measured = exists().where(POINT_PLACE.c.territory == territory, POINT_PLACE.c.place == place)
        return bool(self._connection.execute(select(or_(inside, measured))).scalar_one())

    def delete(self, territory: TerritoryId, kept: Kept[Place]) -> None:
        """Forget a place that nothing refers to."""
        place = kept.value.place_id
        self._drop_identifiers(territory, [kept.value])
        for table in (PLACE_ABOVE, PLACE_PARENT, PLACE):
            self._connection.execute(delete(table).where(table.c.territory == territory, table.c.place == place))

    def coverings(self, territory: TerritoryId, ids: Collection[PlaceId], reach: Reach) -> Mapping[PlaceId, tuple[Sight, ...]]:
        """Return for each place the sights whose place is this one, or lay above it at the sight's instant; territory-wide ones always."""
        return coverings(self._connection, PLACE_ABOVE, territory, ids, reach, column="place")

    def is_above(self, territory: TerritoryId, place: PlaceId, reach: Reach) -> bool:
        """Tell whether the place lies above a home that one of the sights is an occupancy of."""
        return place in self._above_homes(territory, reach)

    def _above_homes(self, territory: TerritoryId, reach: Reach) -> set[str]:
        above: set[str] = set()
        for sight in reach.sights:
            if sight.occupancy is not None and sight.place is not None:
                query = select(PLACE_ABOVE.c.above).where(
                    PLACE_ABOVE.c.territory == territory, PLACE_ABOVE.c.place == sight.place, holds(PLACE_ABOVE, sight.at)
                )
                above.update(names_of(self._connection, query))
        return above

    def page(self, territory: TerritoryId, wanted: PlaceFilter, reach: Reach, after: str, limit: int) -> list[Filed]:
        """Return up to `limit` places within reach (homes' upper places included) whose ids come after `after`, by id."""
        queries = self._queries(territory, wanted, reach, self._owner(territory, wanted))
        pages = [names_of(self._connection, query.where(column > after).order_by(column).limit(limit)) for query, column in queries]
        return filed(self._connection, PLACE, territory, first_of(pages, limit), column="place")

    def _owner(self, territory: TerritoryId, wanted: PlaceFilter) -> str | None:
        """Return the place of the identifier asked for: None when none is asked for, empty when nobody has it."""
        return None if wanted.identifier is None else self.owners(territory, [wanted.identifier]).get(wanted.identifier, PlaceId(""))

    def _queries(self, territory: TerritoryId, wanted: PlaceFilter, reach: Reach, owner: str | None) -> list[_Query]:
        """Return the queries whose ordered ids, put together, are the answer; each reads one index in order."""
        if reach.whole:
            if wanted.within is None:
                return [_places(territory, wanted, owner)]
            return [_linked(territory, wanted.within, wanted.at, wanted, owner, itself=False)]
        queries = [_linked(territory, s.place, s.at, wanted, owner, itself=True) for s in reach.sights if s.place is not None]
        upper = self._above_homes(territory, reach)
        if upper:
            query, column = _places(territory, wanted, owner)
            queries.append((query.where(column.in_(upper)), column))
        return [(_inside(query, column, territory, wanted), column) for query, column in queries]


def _places(territory: TerritoryId, wanted: PlaceFilter, owner: str | None) -> _Query:
    query = select(PLACE.c.place).where(PLACE.c.territory == territory)
    if wanted.search:
        query = query.where(PLACE.c.search_name.contains(wanted.search.casefold(), autoescape=True))
    if not wanted.homes:
        query = query.where(PLACE.c.is_home.is_(other=False))
    return _narrowed(query, PLACE, wanted, owner), PLACE.c.place


def _linked(territory: TerritoryId, above: PlaceId, at: datetime, wanted: PlaceFilter, owner: str | None, *, itself: bool) -> _Query:
    query = select(PLACE_ABOVE.c.place).where(PLACE_ABOVE.c.territory == territory, PLACE_ABOVE.c.above == above, holds(PLACE_ABOVE, at))
    if not itself:
        query = query.where(PLACE_ABOVE.c.place != above)
    if wanted.search:
        named = PLACE.c.search_name.contains(wanted.search.casefold(), autoescape=True)
        query = query.where(exists().where(PLACE.c.territory == territory, PLACE.c.place == PLACE_ABOVE.c.place, named))
    if not wanted.homes:
        query = query.where(
            exists().where(PLACE.c.territory == territory, PLACE.c.place == PLACE_ABOVE.c.place, PLACE.c.is_home.is_(other=False))
        )
    return _narrowed(query, PLACE_ABOVE, wanted, owner), PLACE_ABOVE.c.place


def _narrowed(query: Select[Any], table: Table, wanted: PlaceFilter, owner: str | None) -> Select[Any]:
    if wanted.level is not None:
        query = query.where(table.c.level == wanted.level.value)
    return query if owner is None else query.where(table.c.place == owner)


def _inside(query: Select[Any], column: ColumnElement[str], territory: TerritoryId, wanted: PlaceFilter) -> Select[Any]:
    if wanted.within is None:
        return query
    return query.where(column != wanted.within, lies_in(PLACE_ABOVE, column, territory, wanted.within, wanted.at))


def _row(territory: TerritoryId, written: Written[Place], at: datetime) -> dict[str, Any]:
    place, before = written.value, written.before
    return {
        "territory": territory,
        "place": place.place_id,
        "level": place.level.value,
        "search_name": place.display_name.casefold(),
        "is_home": isinstance(place.premise, Dwelling),
        "document": written.document,
        "version": before.version + 1 if before else 1,
        "created": before.created if before else at,
        "updated": at,
    }


def _kept(row: Row[Any]) -> Kept[Place]:
    return Kept(value=place_from_document(row.document), version=row.version, created=row.created, updated=row.updated)
