"""The facts of questions, from the registry's tables; kept in memory until something in the registry changes."""

from collections import OrderedDict, defaultdict
from collections.abc import Collection
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, and_, select

from metering.adapters.known_series import registry_revision
from metering.adapters.registry_bulk import chunks
from metering.adapters.registry_points import SqlPoints
from metering.adapters.registry_rows import SqlRows
from metering.adapters.registry_tables import FOR_EVER, PLACE, PLACE_ABOVE, POINT_ABOVE, POINT_PLACE, SINCE_EVER
from metering.adapters.registry_territories import SqlTerritories
from metering.domain.consumption.gas import CalorificBasis, Coefficient
from metering.domain.consumption.places import PointPlace
from metering.domain.figures.scene import Member, Scene, UnknownResource
from metering.domain.registry.reference_rows import CalorificBasis as RowBasis
from metering.domain.registry.reference_rows import GasCoefficient, ReferenceRow, ReferenceTable, effective
from runtime.relational import Database
from vocabulary.civil import local_midnight
from vocabulary.interval import Validity
from vocabulary.names import PlaceId, PointId, TerritoryId, place_id, point_id

_MOST_KEPT = 256
_BASES = {RowBasis.GROSS: CalorificBasis.PCS, RowBasis.NET: CalorificBasis.PCI}


class SqlScenes:
    """Scenes of one database; those of the registry's present state are kept, the least used leave first."""

    def __init__(self, database: Database) -> None:
        """Read from `database`."""
        self._database = database
        self._kept: OrderedDict[tuple[TerritoryId, str], Scene] = OrderedDict()
        self._revision = -1

    async def scene(self, territory: TerritoryId, resource: str) -> Scene:
        """Return the facts of `places/{place}` or `meters/{meter}`; UnknownResource."""
        revision = await self._database.read(registry_revision)
        if revision != self._revision:
            self._kept.clear()
            self._revision = revision
        key = (territory, resource)
        scene = self._kept.get(key)
        if scene is None:
            scene = await self._database.read(lambda connection: _scene(connection, territory, resource))
            self._kept[key] = scene
        self._kept.move_to_end(key)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return scene


def _scene(connection: Connection, territory: TerritoryId, resource: str) -> Scene:
    kept = SqlTerritories(connection).get(territory)
    if kept is None:
        raise UnknownResource(f"there is no territory {territory}", resource=resource)
    if resource.startswith("places/"):
        place: PlaceId | None = place_id(resource)
        stays = _stays_in(connection, territory, place_id(resource), resource)
    else:
        place = None
        stays = {point_id(resource): ()}
    points = SqlPoints(connection).get(territory, list(stays))
    if place is None and not points:
        raise UnknownResource(f"there is no {resource}", resource=resource)
    zone = ZoneInfo(kept.value.time_zone)
    return Scene(
        territory=territory,
        zone=zone,
        simulated=kept.value.simulated,
        resource=resource,
        place=place,
        members=tuple(Member(point=points[point].value, places=stays[point]) for point in sorted(points)),
        homes=_homes(connection, territory, list(points)),
        coefficients=_coefficients(connection, territory, zone),
        prices=_effective(connection, territory, ReferenceTable.TARIFF_PRICES) if place is None else (),
        factors=_effective(connection, territory, ReferenceTable.EMISSION_FACTORS) if place is None else (),
        subdivision=kept.value.public_holiday_subdivision,
    )


def _stays_in(connection: Connection, territory: TerritoryId, place: PlaceId, resource: str) -> dict[PointId, tuple[PointPlace, ...]]:
    """Return when which points measured in the place, at any depth."""
    if connection.execute(select(PLACE.c.place).where(PLACE.c.territory == territory, PLACE.c.place == place)).one_or_none() is None:
        raise UnknownResource(f"there is no {resource}", resource=resource)
    links = POINT_ABOVE.c
    query = select(links.point, links.start, links.end).where(links.territory == territory, links.above == place).order_by(links.start)
    stays: dict[PointId, list[PointPlace]] = defaultdict(list)
    for name, start, end in connection.execute(query):
        validity = Validity(start=None if start == SINCE_EVER else start, end=None if end == FOR_EVER else end)
        stays[PointId(name)].append(PointPlace(point=PointId(name), place=place, validity=validity))
    return {point: tuple(places) for point, places in stays.items()}


def _homes(connection: Connection, territory: TerritoryId, points: Collection[PointId]) -> frozenset[PlaceId]:
    """Return the homes at or below any place that the points ever measured at."""
    homes: set[PlaceId] = set()
    below = and_(PLACE_ABOVE.c.territory == POINT_PLACE.c.territory, PLACE_ABOVE.c.above == POINT_PLACE.c.place)
    home = and_(PLACE.c.territory == PLACE_ABOVE.c.territory, PLACE.c.place == PLACE_ABOVE.c.place, PLACE.c.is_home)
    joined = POINT_PLACE.join(PLACE_ABOVE, below).join(PLACE, home)
    for some in chunks(points):
        query = select(PLACE.c.place).select_from(joined).where(POINT_PLACE.c.territory == territory, POINT_PLACE.c.point.in_(some))
        homes.update(PlaceId(name) for name in connection.execute(query.distinct()).scalars())
    return frozenset(homes)


def _effective(connection: Connection, territory: TerritoryId, table: ReferenceTable) -> tuple[ReferenceRow, ...]:
    return tuple(effective(SqlRows(connection).rows(table, territory)))


def _coefficients(connection: Connection, territory: TerritoryId, zone: ZoneInfo) -> tuple[Coefficient, ...]:
    """Return the gas coefficients that name no network; the territory's own rows, where it has any, in place of the starter's."""
    rows = SqlRows(connection).rows(ReferenceTable.GAS_COEFFICIENTS, territory)
    own = [row for row in rows if not row.starter] or rows
    return tuple(
        Coefficient(
            watt_hours_per_cubic_metre=round(row.content.wh_per_cubic_metre),
            basis=_BASES[row.content.basis],
            corrected=corrected,
            validity=Validity(
                start=None if row.first is None else local_midnight(row.first, zone),
                end=None if row.end is None else local_midnight(row.end, zone),
            ),
            source=row.source,
        )
        for row in own
        if isinstance(row.content, GasCoefficient) and not row.content.network
        for corrected in (False, True)
    )
