"""Pages of places and points, in the order of their ids, cut to what a caller may see."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from heapq import merge
from itertools import groupby, islice
from typing import Any, TypeVar, cast

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, delete, exists, or_, select, tuple_

from metering.adapters.registry_bulk import among, chunks
from metering.adapters.registry_links import holds
from metering.domain.registry.identifiers import Identifier
from metering.domain.registry.ports import Filed
from metering.domain.registry.reach import Reach, Sight
from vocabulary.names import PlaceId, TerritoryId

N = TypeVar("N", bound=str)


def first_of(pages: Sequence[Sequence[str]], limit: int) -> list[str]:
    """Return the first `limit` ids of several ordered lists, each id once."""
    return list(islice((name for name, _ in groupby(merge(*pages))), limit))


def lies_in(links: Table, itself: ColumnElement[Any], territory: TerritoryId, above: PlaceId, at: datetime) -> ColumnElement[bool]:
    """Return the condition that the place or point of column `itself` lay in the place at the instant."""
    link = links.alias()
    own = link.c[itself.key or ""]
    return exists().where(link.c.territory == territory, link.c.above == above, own == itself, holds(link, at))


def coverings(
    connection: Connection, links: Table, territory: TerritoryId, ids: Collection[N], reach: Reach, *, column: str
) -> Mapping[N, tuple[Sight, ...]]:
    """Return for each id the sights whose place it lay in at the sight's instant; territory-wide sights cover everything."""
    everywhere = tuple(sight for sight in reach.sights if sight.place is None)
    scoped = [sight for sight in reach.sights if sight.place is not None]
    covered: dict[str, set[PlaceId | None]] = defaultdict(set)
    if scoped:
        links_now = or_(*(and_(links.c.above == sight.place, holds(links, sight.at)) for sight in scoped))
        for some in chunks(ids):
            query = select(links.c[column], links.c.above).where(
                links.c.territory == territory, among(connection, links.c[column], some), links_now
            )
            for name, above in connection.execute(query):
                covered[name].add(above)
    return {name: (*everywhere, *(sight for sight in scoped if sight.place in covered[name])) for name in ids}


def identifier_owners(
    connection: Connection, table: Table, territory: TerritoryId, identifiers: Collection[Identifier], *, column: str
) -> dict[Identifier, str]:
    """Return whose the identifiers are, where they are anybody's."""
    by_scheme: dict[str, list[str]] = defaultdict(list)
    for identifier in identifiers:
        by_scheme[identifier.scheme].append(identifier.value)
    found: dict[Identifier, str] = {}
    for scheme, values in by_scheme.items():
        for some in chunks(values):
            query = select(table.c.value, table.c[column]).where(
                table.c.territory == territory, table.c.scheme == scheme, among(connection, table.c.value, some)
            )
            for value, owner in connection.execute(query).all():
                found[Identifier(scheme=scheme, value=value)] = owner
    return found


def drop_identifiers(connection: Connection, table: Table, territory: TerritoryId, identifiers: Iterable[Identifier]) -> None:
    """Forget the identifiers."""
    pairs = [(identifier.scheme, identifier.value) for identifier in identifiers]
    for some in chunks(pairs, 1_000):
        connection.execute(delete(table).where(table.c.territory == territory, tuple_(table.c.scheme, table.c.value).in_(some)))


def filed(connection: Connection, table: Table, territory: TerritoryId, ids: Sequence[str], *, column: str) -> list[Filed]:
    """Return what is kept of the ids, in their order."""
    rows: Sequence[Row[Any]] = []
    if ids:
        rows = connection.execute(select(table).where(table.c.territory == territory, among(connection, table.c[column], ids))).all()
    found = {
        getattr(row, column): Filed(
            own_id=getattr(row, column), document=row.document, version=row.version, created=row.created, updated=row.updated
        )
        for row in rows
    }
    return [found[own_id] for own_id in ids]


def names_of(connection: Connection, query: Any) -> list[str]:
    """Return the ids that a query of one column finds."""
    return cast("list[str]", connection.execute(query).scalars().all())
