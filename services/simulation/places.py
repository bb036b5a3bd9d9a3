"""Puts the plans on the map: every place of the town with its name, position, outline and parent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from simulation.draws import Flags
from simulation.geometry import Frame, Metres
from simulation.homes import NEVER, Homes
from simulation.luminaires import FACADE_CABINET, Cabinet
from simulation.naming import slug
from simulation.people import validity_of_days
from simulation.plans import COMMUNES, NEIGHBOURHOODS, TERRITORY_ID, TERRITORY_NAME, Building, Neighbourhood, Street, Supply
from simulation.registry import Dwelling, DwellingType, EnergySource, Identifier, Place, PlaceParent, PublicSite, SiteUse
from simulation.sites import SITES, SitePlan
from vocabulary.interval import Validity
from vocabulary.names import PlaceId
from vocabulary.place import PlaceLevel

_TERRITORY_FRAME = Frame(east_m=900, north_m=-650, turn_degrees=0)
_COMMUNE_FRAMES = {
    "orvelle": Frame(east_m=150, north_m=220, turn_degrees=0),
    "chantelieu": Frame(east_m=1_900, north_m=-1_550, turn_degrees=0),
}
_HEATING = {
    Supply.GAS: EnergySource.GAS,
    Supply.ELECTRIC: EnergySource.ELECTRICITY,
    Supply.HEAT_PUMP: EnergySource.ELECTRICITY,
    Supply.FUEL: EnergySource.FUEL,
    Supply.WOOD: EnergySource.WOOD,
    Supply.COLLECTIVE: EnergySource.GAS,
}
_UNKNOWN_SHARE = 0.12
"""Share of homes of which the area, or the number of people, was never declared."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """One building where it stands."""

    id: PlaceId
    street: PlaceId
    building: Building
    first_home: int
    """Position of its first home among all homes."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Layout:
    """All places, and where homes, streets and buildings are among them."""

    places: tuple[Place, ...]
    premises: tuple[PlaceId, ...]
    """The premise of each home, in the order of the homes."""
    buildings: tuple[Standing, ...]
    streets: dict[tuple[PlaceId, int], PlaceId]


def laid_out(seed: int, homes: Homes, cabinets: Sequence[Cabinet]) -> Layout:
    """Return the places of the town."""
    rng = np.random.default_rng([seed, 3])
    known = rng.random((len(homes), 2)) > _UNKNOWN_SHARE
    places, premises, standings = list(_upper_places()), list[PlaceId](), list[Standing]()
    streets: dict[tuple[PlaceId, int], PlaceId] = {}
    for plan in NEIGHBOURHOODS:
        for number, street in enumerate(plan.streets):
            street_id = PlaceId(slug(street.name))
            streets[plan.id, number] = street_id
            places.append(_street(plan, number, street, street_id))
            for standing, place, centre in _buildings(plan, number, street, len(premises)):
                standings.append(standing)
                places.append(place)
                dwellings = list(_dwellings(plan, standing, centre, homes, known))
                places.extend(dwellings)
                premises.extend(one.id for one in dwellings)
    places.extend(_site(plan, streets) for plan in SITES)
    places.extend(_cabinet(cabinet, streets) for number, cabinet in enumerate(cabinets) if number != FACADE_CABINET)
    return Layout(places=tuple(places), premises=tuple(premises), buildings=tuple(standings), streets=streets)


def _upper_places() -> Iterator[Place]:
    territory = PlaceId(TERRITORY_ID)
    yield Place(
        id=territory,
        level=PlaceLevel.TERRITORY,
        display_name=TERRITORY_NAME,
        position=_TERRITORY_FRAME.position((0, 0)),
        outline_geojson=_TERRITORY_FRAME.rectangle((0, 0), (5_200, 4_400)),
    )
    for order, (commune, (name, code)) in enumerate(COMMUNES.items(), 1):
        frame = _COMMUNE_FRAMES[commune]
        yield Place(
            id=commune,
            level=PlaceLevel.COMMUNE,
            display_name=name,
            position=frame.position((0, 0)),
            parents=(PlaceParent(parent=territory),),
            outline_geojson=frame.rectangle((0, 0), (2_600, 1_900)),
            identifiers=(Identifier(scheme="insee", value=code),),
            position_in_parent=order,
        )
    for order, plan in enumerate(NEIGHBOURHOODS, 1):
        length, depth = _extent(plan)
        centre = (length / 2, depth / 2 - plan.street_gap_m / 2)
        yield Place(
            id=plan.id,
            level=PlaceLevel.NEIGHBOURHOOD,
            display_name=plan.name,
            position=plan.frame.position(centre),
            parents=(PlaceParent(parent=plan.commune),),
            outline_geojson=plan.frame.rectangle(centre, (length + 30, depth + 20)),
            position_in_parent=order,
        )


def _extent(plan: Neighbourhood) -> Metres:
    """Return length and depth of a neighbourhood's grid."""
    return max(_length(street) for street in plan.streets), len(plan.streets) * plan.street_gap_m


def _length(street: Street) -> float:
    """Return a street's length: two rows of buildings along it."""
    return max(sum(building.frontage_m for building in street.buildings) / 2, 60.0) + 20


def _street(plan: Neighbourhood, number: int, street: Street, street_id: PlaceId) -> Place:
    y = number * plan.street_gap_m
    return Place(
        id=street_id,
        level=PlaceLevel.STREET,
        display_name=street.name,
        position=plan.frame.position((_length(street) / 2, y)),
        parents=(PlaceParent(parent=plan.id),),
        outline_geojson=plan.frame.line((0, y), (_length(street), y)),
        position_in_parent=number + 1,
    )


def _buildings(plan: Neighbourhood, number: int, street: Street, home: int) -> Iterator[tuple[Standing, Place, Metres]]:
    """Yield the buildings of a street: odd numbers on one side, even ones on the other, in order."""
    ends = [10.0, 10.0]
    street_id = PlaceId(slug(street.name))
    for order, building in enumerate(street.buildings, 1):
        side = order % 2
        depth = 9.0 if building.type is DwellingType.HOUSE else 13.0
        centre = (ends[side] + building.frontage_m / 2, number * plan.street_gap_m + (1 if side else -1) * (plan.street_gap_m / 4 + 2))
        ends[side] += building.frontage_m
        standing = Standing(id=PlaceId(f"{street_id}-{order}"), street=street_id, building=building, first_home=home)
        home += building.dwellings
        place = Place(
            id=standing.id,
            level=PlaceLevel.BUILDING,
            display_name=building.name or f"{order} {street.name}",
            position=plan.frame.position(centre),
            parents=(PlaceParent(parent=street_id),),
            outline_geojson=plan.frame.rectangle(
                centre, (building.frontage_m - (3 if building.frontage_m > 15 else 0), depth)
            ),  # terraces touch
            position_in_parent=order,
        )
        yield standing, place, centre


def _dwellings(plan: Neighbourhood, standing: Standing, centre: Metres, homes: Homes, known: Flags) -> Iterator[Place]:
    building = standing.building
    per_floor = 1 if building.dwellings <= 2 else 2 if building.dwellings <= 8 else 4  # flats
    for number in range(building.dwellings):
        row = standing.first_home + number
        floor, door = divmod(number, per_floor)
        house = building.type is DwellingType.HOUSE
        # Flats of one floor lie side by side; those above each other share a position.
        east = 0.0 if house else (door + 0.5 - per_floor / 2) * building.frontage_m / per_floor
        yield Place(
            id=PlaceId(f"{standing.id}-{'maison' if house else f'a{number + 1:02}'}"),
            level=PlaceLevel.PREMISE,
            display_name="Maison" if house else f"Appartement {number + 1}, {_floor(floor)}",
            position=plan.frame.position((centre[0] + east, centre[1])),
            parents=(PlaceParent(parent=standing.id),),
            premise=_dwelling(homes, row, known[row]),
            position_in_parent=number + 1,
        )


def _floor(floor: int) -> str:
    return "rez-de-chaussée" if floor == 0 else "1er étage" if floor == 1 else f"{floor}e étage"


def _dwelling(homes: Homes, row: int, known: Flags) -> Dwelling:
    supply = Supply(int(homes.supply[row]))
    moved_in = homes.enter_day[row] < NEVER
    vacant_now = homes.leave_day[row] < NEVER and not moved_in
    occupants = int(homes.next_occupants[row] if moved_in else homes.first_occupants[row])
    boiler = supply in (Supply.GAS, Supply.COLLECTIVE)
    return Dwelling(
        type=DwellingType.HOUSE if homes.house[row] else DwellingType.FLAT,
        area_square_metres=int(homes.area_m2[row]) if known[0] else None,
        occupants=occupants if known[1] and not vacant_now else None,
        heating=_HEATING[supply],
        heating_collective=supply is Supply.COLLECTIVE,
        hot_water=EnergySource.GAS if boiler else EnergySource.ELECTRICITY,
        hot_water_collective=supply is Supply.COLLECTIVE,
        solar_panels=bool(homes.panel_w[row] > 0),
        garden=bool(homes.garden_m2[row] > 0),
        vacancies=_vacancies(int(homes.leave_day[row]), int(homes.enter_day[row])),
    )


def _vacancies(leave: int, enter: int) -> tuple[Validity, ...]:
    return () if leave >= NEVER else (validity_of_days(leave, enter),)


def _site(plan: SitePlan, streets: dict[tuple[PlaceId, int], PlaceId]) -> Place:
    neighbourhood = next(one for one in NEIGHBOURHOODS if one.id == plan.neighbourhood)
    side = max(plan.area_m2, 100) ** 0.5
    # Beyond the last house of the street, on its even side.
    centre = (
        _length(neighbourhood.streets[plan.street]) + 12 + side / 2 + 55 * (plan.use is SiteUse.WORSHIP),
        plan.street * neighbourhood.street_gap_m - 8,
    )
    return Place(
        id=plan.id,
        level=PlaceLevel.PREMISE,
        display_name=plan.name,
        position=neighbourhood.frame.position(centre),
        parents=(PlaceParent(parent=streets[plan.neighbourhood, plan.street]),),
        outline_geojson=neighbourhood.frame.rectangle(centre, (side * 1.3, side / 1.3)),
        premise=PublicSite(use=plan.use, area_square_metres=plan.area_m2, opening_hours=plan.hours),
    )


def _cabinet(cabinet: Cabinet, streets: dict[tuple[PlaceId, int], PlaceId]) -> Place:
    return Place(
        id=cabinet.place,
        level=PlaceLevel.PREMISE,
        display_name=f"Éclairage public, {cabinet.display_name.lower()}",
        position=cabinet.position,
        parents=(PlaceParent(parent=streets[cabinet.neighbourhood, 0]),),
        premise=PublicSite(use=SiteUse.LIGHTING, area_square_metres=None),
    )
