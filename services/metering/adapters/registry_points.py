"""Metering points in the relational store."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, delete, exists, select

from metering.adapters.registry_bulk import among, chunks, insert_rows
from metering.adapters.registry_links import attach_points, bounds, detach_points, holds
from metering.adapters.registry_pages import coverings, drop_identifiers, filed, first_of, identifier_owners, lies_in, names_of
from metering.adapters.registry_tables import FOR_EVER, POINT, POINT_ABOVE, POINT_IDENTIFIER, POINT_PARENT, POINT_PLACE, SINCE_EVER
from metering.domain.registry.identifiers import Identifier
from metering.domain.registry.points import MeteringPoint, PointParent
from metering.domain.registry.ports import Filed, Kept, PointFilter, Written, nothing
from metering.domain.registry.reach import Reach, Sight
from metering.wire.points import point_from_document
from vocabulary.flux import Flux
from vocabulary.interval import Validity
from vocabulary.names import PlaceId, PointId, TerritoryId

_Query = tuple[Select[Any], ColumnElement[str]]
"""A query of ids, and the column that it finds them in."""


class SqlPoints:
    """Metering points, as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        """Work on the connection's transaction."""
        self._connection = connection

    def get(self, territory: TerritoryId, ids: Collection[PointId]) -> dict[PointId, Kept[MeteringPoint]]:
        """Return those of the points that exist."""
        found: dict[PointId, Kept[MeteringPoint]] = {}
        for some in chunks(ids):
            rows = self._connection.execute(
                select(POINT).where(POINT.c.territory == territory, among(self._connection, POINT.c.point, some))
            ).all()
            found.update({PointId(row.point): _kept(row) for row in rows})
        return found

    def fluxes(self, territory: TerritoryId, ids: Collection[PointId]) -> dict[PointId, Flux]:
        """Return the fluxes of those of the points that exist."""
        found: dict[PointId, Flux] = {}
        for some in chunks(ids):
            query = select(POINT.c.point, POINT.c.flux).where(POINT.c.territory == territory, among(self._connection, POINT.c.point, some))
            found.update({PointId(point): Flux(flux) for point, flux in self._connection.execute(query).all()})
        return found

    def owners(self, territory: TerritoryId, identifiers: Collection[Identifier]) -> dict[Identifier, PointId]:
        """Return whose the identifiers are, where they are a point's."""
        rows = identifier_owners(self._connection, POINT_IDENTIFIER, territory, identifiers, column="point")
        return {identifier: PointId(owner) for identifier, owner in rows.items()}

    def parents(self, territory: TerritoryId, ids: Collection[PointId]) -> dict[PointId, tuple[PointParent, ...]]:
        """Return the dated parents of those of the points that have any."""
        found: dict[PointId, list[PointParent]] = defaultdict(list)
        for some in chunks(ids):
            query = select(POINT_PARENT).where(POINT_PARENT.c.territory == territory, among(self._connection, POINT_PARENT.c.point, some))
            for row in self._connection.execute(query.order_by(POINT_PARENT.c.start)):
                found[PointId(row.point)].append(PointParent(parent=PointId(row.parent), validity=_validity(row)))
        return {point: tuple(parents) for point, parents in found.items()}

    def save(
        self, territory: TerritoryId, written: Sequence[Written[MeteringPoint]], at: datetime, meanwhile: Callable[[], None] = nothing
    ) -> None:
        """Keep new points, and points as they are now; parents may be among the new ones.

        `meanwhile` is called when the store begins to work by itself, and this process can do something else.
        """
        created = [each for each in written if each.before is None]
        changed = [(each, each.before.value) for each in written if each.before is not None]
        insert_rows(self._connection, POINT, [_row(territory, each, at) for each in created])
        insert_rows(self._connection, POINT, [_row(territory, each, at) for each, _ in changed], replace=True)
        new = [each.value for each in created]
        renamed = [(each.value, before) for each, before in changed if each.value.identifiers != before.identifiers]
        self._drop_identifiers(territory, [before for _, before in renamed])
        self._keep_identifiers(territory, [*new, *(after for after, _ in renamed)])
        self._put_behind(territory, new, [each.value for each, before in changed if each.value.parents != before.parents])
        moved = [each.value for each, before in changed if each.value.places != before.places]
        self._place(territory, new, moved)
        # One long statement. Those before it come back to Python for every row, and would wait for it.
        meanwhile()
        attach_points(self._connection, territory, [point.point_id for point in (*new, *moved)])

    def _place(self, territory: TerritoryId, created: Sequence[MeteringPoint], moved: Sequence[MeteringPoint]) -> None:
        moved_ids = [point.point_id for point in moved]
        detach_points(self._connection, territory, moved_ids)
        self._drop_links(POINT_PLACE, territory, moved_ids)
        rows = [
            {"territory": territory, "point": point.point_id, "place": place.place, **bounds(place.validity)}
            for point in (*created, *moved)
            for place in point.places
        ]
        insert_rows(self._connection, POINT_PLACE, rows)

    def _put_behind(self, territory: TerritoryId, created: Sequence[MeteringPoint], moved: Sequence[MeteringPoint]) -> None:
        self._drop_links(POINT_PARENT, territory, [point.point_id for point in moved])
        rows = [
            {"territory": territory, "point": point.point_id, "parent": parent.parent, **bounds(parent.validity)}
            for point in (*created, *moved)
            for parent in point.parents
        ]
        insert_rows(self._connection, POINT_PARENT, rows)

    def _drop_links(self, table: Table, territory: TerritoryId, points: Collection[PointId]) -> None:
        for some in chunks(points):
            self._connection.execute(delete(table).where(table.c.territory == territory, among(self._connection, table.c.point, some)))

    def _keep_identifiers(self, territory: TerritoryId, points: Iterable[MeteringPoint]) -> None:
        rows = [
            {"territory": territory, "scheme": identifier.scheme, "value": identifier.value, "point": point.point_id}
            for point in points
            for identifier in point.identifiers
        ]
        insert_rows(self._connection, POINT_IDENTIFIER, rows)

    def _drop_identifiers(self, territory: TerritoryId, points: Iterable[MeteringPoint]) -> None:
        drop_identifiers(self._connection, POINT_IDENTIFIER, territory, [i for point in points for i in point.identifiers])

    def at_place(self, territory: TerritoryId, place: PlaceId, since: datetime) -> list[Kept[MeteringPoint]]:
        """Return the points that measure at the place itself at the instant or later, by id."""
        query = select(POINT_PLACE.c.point).where(
            POINT_PLACE.c.territory == territory, POINT_PLACE.c.place == place, POINT_PLACE.c.end > since
        )
        found = self.get(territory, {PointId(point) for point in names_of(self._connection, query)})
        return [found[point] for point in sorted(found)]

    def has_sub_meters(self, territory: TerritoryId, point: PointId) -> bool:
        """Tell whether a point measures behind it, now or at any time."""
        behind = exists().where(POINT_PARENT.c.territory == territory, POINT_PARENT.c.parent == point)
        return bool(self._connection.execute(select(behind)).scalar_one())

    def delete(self, territory: TerritoryId, kept: Kept[MeteringPoint]) -> None:
        """Forget a point that nothing refers to."""
        point = kept.value.point_id
        self._drop_identifiers(territory, [kept.value])
        detach_points(self._connection, territory, [point])
        for table in (POINT_PLACE, POINT_PARENT, POINT):
            self._drop_links(table, territory, [point])

    def coverings(self, territory: TerritoryId, ids: Collection[PointId], reach: Reach) -> Mapping[PointId, tuple[Sight, ...]]:
        """Return for each point the sights in whose place it measured at the sight's instant; territory-wide ones always."""
        return coverings(self._connection, POINT_ABOVE, territory, ids, reach, column="point")

    def page(self, territory: TerritoryId, wanted: PointFilter, reach: Reach, after: str, limit: int) -> list[Filed]:
        """Return up to `limit` points within reach whose ids come after `after`, by id."""
        owner = None if wanted.identifier is None else self.owners(territory, [wanted.identifier]).get(wanted.identifier, PointId(""))
        queries = _queries(territory, wanted, reach, owner)
        pages = [names_of(self._connection, query.where(column > after).order_by(column).limit(limit)) for query, column in queries]
        return filed(self._connection, POINT, territory, first_of(pages, limit), column="point")


def _queries(territory: TerritoryId, wanted: PointFilter, reach: Reach, owner: str | None) -> list[_Query]:
    """Return the queries whose ordered ids, put together, are the answer; each reads one index in order."""
    if reach.whole:
        if wanted.within is None:
            return [(_narrowed(select(POINT.c.point), POINT, territory, wanted, owner), POINT.c.point)]
        return [_linked(territory, wanted.within, wanted.at, wanted, owner)]
    queries = [_linked(territory, sight.place, sight.at, wanted, owner) for sight in reach.sights if sight.place is not None]
    if wanted.within is None:
        return queries
    return [(query.where(lies_in(POINT_ABOVE, column, territory, wanted.within, wanted.at)), column) for query, column in queries]


def _linked(territory: TerritoryId, above: PlaceId, at: datetime, wanted: PointFilter, owner: str | None) -> _Query:
    query = select(POINT_ABOVE.c.point).where(POINT_ABOVE.c.above == above, holds(POINT_ABOVE, at))
    return _narrowed(query, POINT_ABOVE, territory, wanted, owner), POINT_ABOVE.c.point


def _narrowed(query: Select[Any], table: Table, territory: TerritoryId, wanted: PointFilter, owner: str | None) -> Select[Any]:
    query = query.where(table.c.territory == territory)
    if wanted.flux is not None:
        query = query.where(table.c.flux == wanted.flux.value)
    return query if owner is None else query.where(table.c.point == owner)


def _row(territory: TerritoryId, written: Written[MeteringPoint], at: datetime) -> dict[str, Any]:
    point, before = written.value, written.before
    return {
        "territory": territory,
        "point": point.point_id,
        "flux": point.flux.value,
        "document": written.document,
        "version": before.version + 1 if before else 1,
        "created": before.created if before else at,
        "updated": at,
    }


def _kept(row: Row[Any]) -> Kept[MeteringPoint]:
    return Kept(value=point_from_document(row.document), version=row.version, created=row.created, updated=row.updated)


def _validity(row: Row[Any]) -> Validity:
    return Validity(start=None if row.start == SINCE_EVER else row.start, end=None if row.end == FOR_EVER else row.end)
