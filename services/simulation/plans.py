"""What the invented town is made of: communes, neighbourhoods, streets and buildings, as data."""

from dataclasses import dataclass
from enum import Enum, auto

from simulation.geometry import Frame
from simulation.registry import DwellingType
from vocabulary.names import PlaceId

TERRITORY_ID = "demo"
TERRITORY_NAME = "Communauté de communes du Val-de-Sione (simulée)"


class Supply(Enum):
    """How a home is heated and how its water is."""

    GAS = auto()
    """A gas boiler of its own, for both."""
    ELECTRIC = auto()
    """Radiators and a hot-water tank."""
    HEAT_PUMP = auto()
    """A heat pump, and a hot-water tank."""
    FUEL = auto()
    """An oil boiler, and a hot-water tank."""
    WOOD = auto()
    """A stove, and a hot-water tank."""
    COLLECTIVE = auto()
    """One gas boiler of the building, for both."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Building:
    """Buildings of one kind."""

    type: DwellingType
    dwellings: int
    supplies: tuple[tuple[Supply, float], ...]
    """Shares of supplies, drawn dwelling by dwelling."""
    frontage_m: float
    area_m2: tuple[int, int]
    """The living areas of nine homes in ten."""
    built: int
    """The year, which tells how well walls hold heat."""
    name: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Street:
    """A street, and what stands along it, in order."""

    name: str
    buildings: tuple[Building, ...]


class WaterReading(Enum):
    """How the water meters of a neighbourhood are read."""

    HOURLY = auto()
    DAILY = auto()
    BY_VISIT = auto()
    """Somebody comes every half-year."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbourhood:
    """A neighbourhood and its plan."""

    id: PlaceId
    name: str
    commune: PlaceId
    frame: Frame
    streets: tuple[Street, ...]
    street_gap_m: float
    water: WaterReading
    second_homes: float
    """Share of homes that are somebody's second."""


def _repeated(*groups: tuple[Building, int]) -> tuple[Building, ...]:
    """Mix groups of buildings along a street, each evenly spread."""
    placed = [((number + 0.5) / count, order, building) for order, (building, count) in enumerate(groups) for number in range(count)]
    return tuple(building for _, _, building in sorted(placed, key=lambda one: one[:2]))


_OLD = ((Supply.GAS, 0.45), (Supply.ELECTRIC, 0.52), (Supply.WOOD, 0.03))
_TOWN_HOUSE = Building(type=DwellingType.HOUSE, dwellings=1, supplies=_OLD, frontage_m=9, area_m2=(70, 150), built=1880)
_OLD_FLATS_4 = Building(type=DwellingType.FLAT, dwellings=4, supplies=_OLD, frontage_m=13, area_m2=(32, 85), built=1890)
_OLD_FLATS_8 = Building(type=DwellingType.FLAT, dwellings=8, supplies=_OLD, frontage_m=20, area_m2=(28, 75), built=1900)


def _tower(name: str, dwellings: int, supply: Supply) -> Building:
    return Building(
        type=DwellingType.FLAT, dwellings=dwellings, supplies=((supply, 1.0),), frontage_m=46, area_m2=(42, 88), built=1972, name=name
    )


_BLOCK = Building(
    type=DwellingType.FLAT,
    dwellings=72,
    supplies=((Supply.COLLECTIVE, 1.0),),
    frontage_m=84,
    area_m2=(38, 86),
    built=1966,
    name="Résidence des Peupliers",
)
_STATION_FLATS = Building(
    type=DwellingType.FLAT, dwellings=16, supplies=((Supply.GAS, 0.5), (Supply.ELECTRIC, 0.5)), frontage_m=26, area_m2=(30, 84), built=1998
)
_VILLAGE_HOUSE = Building(
    type=DwellingType.HOUSE,
    dwellings=1,
    supplies=((Supply.GAS, 0.28), (Supply.ELECTRIC, 0.34), (Supply.FUEL, 0.2), (Supply.WOOD, 0.1), (Supply.HEAT_PUMP, 0.08)),
    frontage_m=19,
    area_m2=(75, 165),
    built=1935,
)
_ESTATE_HOUSE = Building(
    type=DwellingType.HOUSE,
    dwellings=1,
    supplies=((Supply.GAS, 0.36), (Supply.ELECTRIC, 0.24), (Supply.HEAT_PUMP, 0.4)),
    frontage_m=21,
    area_m2=(82, 150),
    built=1999,
)


def _old_streets() -> tuple[Street, ...]:
    names = ("rue des Forges", "rue du Four-à-Chaux", "place du Marché-aux-Grains", "rue des Tisserands", "ruelle du Puits-Salé")
    return tuple(Street(name=name, buildings=_repeated((_TOWN_HOUSE, 10), (_OLD_FLATS_4, 6), (_OLD_FLATS_8, 2))) for name in names)


def _houses(kind: Building, count: int, *names: str) -> tuple[Street, ...]:
    return tuple(Street(name=name, buildings=(kind,) * count) for name in names)


ORVELLE, CHANTELIEU = PlaceId("orvelle"), PlaceId("chantelieu")
COMMUNES = {ORVELLE: ("Orvelle-sur-Sione", "99901"), CHANTELIEU: ("Chantelieu-le-Vieil", "99902")}
OLD_CENTRE, TOWERS, STATION = PlaceId("centre-ancien"), PlaceId("les-tilleuls"), PlaceId("quartier-de-la-gare")
VILLAGE, ESTATE = PlaceId("le-bourg"), PlaceId("clos-des-vignes")

NEIGHBOURHOODS = (
    Neighbourhood(
        id=OLD_CENTRE,
        name="Centre ancien",
        commune=ORVELLE,
        frame=Frame(east_m=0, north_m=0, turn_degrees=14),
        streets=_old_streets(),
        street_gap_m=58,
        water=WaterReading.BY_VISIT,
        second_homes=0.03,
    ),
    Neighbourhood(
        id=TOWERS,
        name="Les Tilleuls",
        commune=ORVELLE,
        frame=Frame(east_m=620, north_m=260, turn_degrees=-8),
        streets=(
            Street(
                name="allée des Tilleuls", buildings=(_tower("Tour Mimosa", 40, Supply.ELECTRIC), _tower("Tour Glycine", 56, Supply.GAS))
            ),
            Street(
                name="allée des Érables", buildings=(_tower("Tour Capucine", 48, Supply.ELECTRIC), _tower("Tour Pervenche", 72, Supply.GAS))
            ),
            Street(
                name="avenue du Grand-Pré",
                buildings=(_tower("Tour Aubépine", 64, Supply.ELECTRIC), _tower("Tour Bruyère", 80, Supply.ELECTRIC)),
            ),
        ),
        street_gap_m=95,
        water=WaterReading.DAILY,
        second_homes=0.0,
    ),
    Neighbourhood(
        id=STATION,
        name="Quartier de la Gare",
        commune=ORVELLE,
        frame=Frame(east_m=-540, north_m=330, turn_degrees=31),
        streets=(
            Street(name="boulevard de la Gare", buildings=(_BLOCK, _STATION_FLATS, _STATION_FLATS)),
            Street(name="rue des Cheminots", buildings=(_STATION_FLATS,) * 4),
            Street(name="rue du Dépôt", buildings=(_STATION_FLATS,) * 2),
        ),
        street_gap_m=72,
        water=WaterReading.HOURLY,
        second_homes=0.01,
    ),
    Neighbourhood(
        id=VILLAGE,
        name="Le Bourg",
        commune=CHANTELIEU,
        frame=Frame(east_m=1_150, north_m=-1_750, turn_degrees=-22),
        streets=_houses(
            _VILLAGE_HOUSE,
            25,
            "Grande Rue",
            "rue du Lavoir",
            "rue de la Croix-Blanche",
            "chemin des Sources",
            "rue des Cloutiers",
            "rue du Moulin-Neuf",
        ),
        street_gap_m=74,
        water=WaterReading.BY_VISIT,
        second_homes=0.13,
    ),
    Neighbourhood(
        id=ESTATE,
        name="Le Clos des Vignes",
        commune=CHANTELIEU,
        frame=Frame(east_m=1_980, north_m=-1_320, turn_degrees=5),
        streets=_houses(
            _ESTATE_HOUSE,
            30,
            "rue du Chenin",
            "rue du Gamay",
            "rue du Sauvignon",
            "allée du Pressoir",
            "allée des Vendangeurs",
            "impasse du Cellier",
            "rue de la Treille",
            "rue des Sarments",
        ),
        street_gap_m=66,
        water=WaterReading.HOURLY,
        second_homes=0.01,
    ),
)
"""In all 1,200 dwellings: 250, 360, 200, 150 and 240."""
