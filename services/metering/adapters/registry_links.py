"""What lies above what, and when: links kept beside places and points, so that every scope and every page is one look-up."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, SelectBase, and_, case, delete, insert, literal, select, tuple_

from metering.adapters.registry_bulk import among, chunks
from metering.adapters.registry_tables import FOR_EVER, PLACE, PLACE_ABOVE, PLACE_PARENT, POINT, POINT_ABOVE, POINT_PLACE, SINCE_EVER
from runtime.tables import Instant
from vocabulary.interval import Validity
from vocabulary.names import PlaceId, PointId, TerritoryId


def bounds(validity: Validity) -> dict[str, datetime]:
    """Return the columns of a validity."""
    return {"start": validity.start or SINCE_EVER, "end": validity.end or FOR_EVER}


def holds(link: FromClause, at: datetime) -> ColumnElement[bool]:
    """Return the condition that a link holds at the instant."""
    return and_(link.c.start <= at, link.c.end > at)


def attach_places(connection: Connection, territory: TerritoryId, places: Collection[PlaceId]) -> None:
    """Link the places to all that lies above them, as their dated parents say; they must have no such links yet."""
    for some in chunks(places):
        connection.execute(
            insert(PLACE_ABOVE).from_select(["territory", "above", "place", "start", "end", "level"], _upwards(connection, territory, some))
        )


def _upwards(connection: Connection, territory: TerritoryId, places: list[PlaceId]) -> SelectBase:
    ever, never = literal(SINCE_EVER, Instant), literal(FOR_EVER, Instant)
    up = (
        select(PLACE.c.place, PLACE.c.place.label("above"), ever.label("start"), never.label("end"))
        .where(PLACE.c.territory == territory, among(connection, PLACE.c.place, places))
        .cte("up", recursive=True)
    )
    step = select(up.c.place, PLACE_PARENT.c.parent, *_both(up, PLACE_PARENT)).where(
        PLACE_PARENT.c.territory == territory, PLACE_PARENT.c.place == up.c.above, _overlapping(up, PLACE_PARENT)
    )
    up = up.union_all(step)
    return (
        select(literal(territory), up.c.above, up.c.place, up.c.start, up.c.end, PLACE.c.level)
        .select_from(up)
        .join(PLACE, and_(PLACE.c.territory == territory, PLACE.c.place == up.c.place))
    )


def _overlapping(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    return and_(one.c.start < other.c.end, other.c.start < one.c.end)


def _both(one: FromClause, other: FromClause) -> tuple[ColumnElement[datetime], ColumnElement[datetime]]:
    """Return start and end of the time in which both links hold."""
    start = case((one.c.start > other.c.start, one.c.start), else_=other.c.start)
    end = case((one.c.end < other.c.end, one.c.end), else_=other.c.end)
    return start.label("start"), end.label("end")


def attach_points(connection: Connection, territory: TerritoryId, points: Collection[PointId]) -> None:
    """Link the points to their places and all that lies above those; they must have no such links yet."""
    for some in chunks(points):
        links = (
            select(POINT_PLACE.c.territory, PLACE_ABOVE.c.above, POINT_PLACE.c.point, *_both(POINT_PLACE, PLACE_ABOVE), POINT.c.flux)
            .select_from(_above_points())
            .join(POINT, and_(POINT.c.territory == POINT_PLACE.c.territory, POINT.c.point == POINT_PLACE.c.point))
            .where(POINT_PLACE.c.territory == territory, among(connection, POINT_PLACE.c.point, some))
        )
        connection.execute(insert(POINT_ABOVE).from_select(["territory", "above", "point", "start", "end", "flux"], links))


def detach_points(connection: Connection, territory: TerritoryId, points: Collection[PointId]) -> None:
    """Remove the points' links, before their places, or what lies above those, change."""
    for some in chunks(points):
        links = (
            select(PLACE_ABOVE.c.above, POINT_PLACE.c.point)
            .select_from(_above_points())
            .where(POINT_PLACE.c.territory == territory, among(connection, POINT_PLACE.c.point, some))
        )
        linked = tuple_(POINT_ABOVE.c.above, POINT_ABOVE.c.point).in_(links)
        connection.execute(delete(POINT_ABOVE).where(POINT_ABOVE.c.territory == territory, linked))


def _above_points() -> FromClause:
    same = and_(PLACE_ABOVE.c.territory == POINT_PLACE.c.territory, PLACE_ABOVE.c.place == POINT_PLACE.c.place)
    return POINT_PLACE.join(PLACE_ABOVE, and_(same, _overlapping(POINT_PLACE, PLACE_ABOVE)))


def detach_places(connection: Connection, territory: TerritoryId, places: Iterable[PlaceId]) -> tuple[list[PlaceId], list[PointId]]:
    """Remove all links of what lies in the places, at any time; return these places and points, to be attached again."""
    below = _distinct(connection, PLACE_ABOVE.c.place, PLACE_ABOVE.c.territory == territory, PLACE_ABOVE.c.above, set(places))
    points = _distinct(connection, POINT_PLACE.c.point, POINT_PLACE.c.territory == territory, POINT_PLACE.c.place, below)
    detach_points(connection, territory, points)
    for some in chunks(below):
        connection.execute(delete(PLACE_ABOVE).where(PLACE_ABOVE.c.territory == territory, among(connection, PLACE_ABOVE.c.place, some)))
    return sorted(below), sorted(points)


def _distinct(
    connection: Connection, wanted: ColumnElement[Any], condition: ColumnElement[bool], column: ColumnElement[Any], values: Collection[str]
) -> set[Any]:
    found: set[Any] = set()
    for some in chunks(values):
        found.update(connection.execute(select(wanted).where(condition, among(connection, column, some)).distinct()).scalars())
    return found
