"""Builds the town: everything that is known of it before the first reading."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from simulation import equipment
from simulation.draws import Draws, Ints
from simulation.faults import Fault
from simulation.flows import Group, groups_of
from simulation.french_days import SCHOOL_ZONE
from simulation.gas import coefficient_wh_per_cubic_metre
from simulation.homes import Homes, built_homes
from simulation.luminaires import Cabinet, Luminaire, built_cabinets, built_luminaires
from simulation.mishaps import placed_faults
from simulation.people import Consent, Occupancy, Person, built_people
from simulation.places import laid_out
from simulation.plans import COMMUNES, TERRITORY_ID, TERRITORY_NAME, Supply
from simulation.registry import GasCoefficient, MeteringPoint, Place
from simulation.scene import ZONE
from vocabulary.civil import local_midnight
from vocabulary.failure import Failure, Kind
from vocabulary.flux import Flux
from vocabulary.interval import Validity
from vocabulary.names import PlaceId, PointId, TerritoryId


class TownTooShort(Failure):
    """A town needs at least one whole day."""

    reason, kind = "TOWN_TOO_SHORT", Kind.INVALID


@dataclass(frozen=True, kw_only=True, slots=True)
class Territory:
    """The tenant that the town is; marked as simulated."""

    id: TerritoryId
    display_name: str
    root_place: PlaceId
    time_zone: str = "Europe/Paris"
    currency_code: str = "EUR"
    school_holiday_zone: str = SCHOOL_ZONE
    simulated: bool = True


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Town:
    """An invented town: a function of seed, start and end."""

    seed: int
    start: date
    """The first civil day of which there are readings."""
    end: date
    """Moves, the exchange campaign and faults fall before it; readings go on."""
    territory: Territory
    places: tuple[Place, ...]
    """Parents before what lies in them."""
    points: tuple[MeteringPoint, ...]
    """A point before the sub-meters behind it."""
    people: tuple[Person, ...]
    occupancies: tuple[Occupancy, ...]
    consents: tuple[Consent, ...]
    cabinets: tuple[Cabinet, ...]
    luminaires: tuple[Luminaire, ...]
    gas_coefficients: tuple[GasCoefficient, ...]
    faults: tuple[Fault, ...]
    draws: Draws
    homes: Homes
    groups: tuple[Group, ...]


def build_town(seed: int, start: date, end: date) -> Town:
    """Return the town of a seed between two civil days; the same arguments give the same town."""
    if start >= end:
        raise TownTooShort(f"a town cannot begin on {start} and end on {end}", start=str(start), end=str(end))
    homes = built_homes(seed, start, end)
    cabinets = built_cabinets(seed)
    layout = laid_out(seed, homes, cabinets)
    luminaires = built_luminaires(seed, cabinets, layout.streets)
    crowd = built_people(seed, homes, layout.premises, _home_points(homes, layout.premises), start, end)
    fine: tuple[Ints, Ints] = (crowd.fine_from, crowd.fine_until)
    fleets = {
        "home-electricity": equipment.home_electricity(seed, homes, layout, fine, start, end),
        "public-electricity": equipment.public_electricity(seed, layout, cabinets),
        "home-gas": equipment.home_gas(seed, homes, layout),
        "public-gas": equipment.public_gas(seed, layout),
        "public-water": equipment.public_water(seed, layout),
        "home-water": equipment.home_water(seed, homes, layout, fine, start, end),
    }
    faults = placed_faults(seed, homes, fleets["home-water"], cabinets, luminaires, start, end)
    return Town(
        seed=seed,
        start=start,
        end=end,
        territory=Territory(id=TerritoryId(TERRITORY_ID), display_name=TERRITORY_NAME, root_place=PlaceId(TERRITORY_ID)),
        places=layout.places,
        points=tuple(point for fleet in fleets.values() for point in fleet.points),
        people=crowd.people,
        occupancies=crowd.occupancies,
        consents=crowd.consents,
        cabinets=cabinets,
        luminaires=luminaires,
        gas_coefficients=_coefficients(start, end + timedelta(days=366)),
        faults=faults,
        draws=Draws(seed=seed),
        homes=homes,
        groups=groups_of(homes, layout, fleets, (cabinets, luminaires), faults),
    )


def _home_points(homes: Homes, premises: tuple[PlaceId, ...]) -> list[list[tuple[Flux, PointId]]]:
    gas = homes.supplied_by(Supply.GAS)
    points = [[(Flux.ELECTRICITY, PointId(f"elec-{premise}")), (Flux.WATER, PointId(f"eau-{premise}"))] for premise in premises]
    for row in np.flatnonzero(gas).tolist():
        points[row].append((Flux.GAS, PointId(f"gaz-{premises[row]}")))
    return points


def _coefficients(start: date, end: date) -> tuple[GasCoefficient, ...]:
    """Return what a cubic metre holds, month by month, in the network of each commune."""
    rows: list[GasCoefficient] = []
    for network, commune in enumerate(COMMUNES):
        month = start.replace(day=1)
        while month < end:
            following = (month + timedelta(days=32)).replace(day=1)
            validity = Validity(start=_midnight(month), end=_midnight(following))
            value = coefficient_wh_per_cubic_metre(network, month.year, month.month)
            rows.append(GasCoefficient(network=commune, wh_per_cubic_metre=value, validity=validity))
            month = following
    return tuple(rows)


def _midnight(day: date) -> datetime:
    return local_midnight(day, ZONE)
