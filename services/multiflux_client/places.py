"""Places: from the territory down to a home or a public site, as the registry tells it."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from vocabulary.interval import Validity
from vocabulary.names import PlaceId, TerritoryId
from vocabulary.place import PlaceLevel


class DwellingType(Enum):
    """Whether a home is a flat or a house."""

    FLAT = 1
    HOUSE = 2


class EnergySource(Enum):
    """What heats rooms or water."""

    ELECTRICITY = 1
    GAS = 2
    DISTRICT = 3
    FUEL = 4
    WOOD = 5
    OTHER = 6


class SiteUse(Enum):
    """What a public site is used for."""

    OFFICE = 1
    SCHOOL = 2
    SPORTS_HALL = 3
    ASSEMBLY_HALL = 4
    SWIMMING_POOL = 5
    LIBRARY = 6
    WORSHIP = 7
    PUMPING_STATION = 8
    LIGHTING = 9
    WORKSHOP = 10
    NURSERY = 11
    CARE = 12
    OTHER = 13


@dataclass(frozen=True, kw_only=True, slots=True)
class Identifier:
    """What another system calls a thing."""

    scheme: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """A point on the earth, WGS 84."""

    latitude_degrees: float
    longitude_degrees: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceParent:
    """In which place a place lies, and when."""

    parent: PlaceId
    validity: Validity = Validity()


@dataclass(frozen=True, kw_only=True, slots=True)
class Dwelling:
    """What is declared of a home; None is not known."""

    type: DwellingType | None = None
    area_square_metres: int | None = None
    occupants: int | None = None
    heating: EnergySource | None = None
    heating_collective: bool = False
    hot_water: EnergySource | None = None
    hot_water_collective: bool = False
    solar_panels: bool = False
    garden: bool = False
    vacancies: tuple[Validity, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class OpeningHours:
    """When a site is open on one weekday (1 = Monday), in minutes of the territory's local day."""

    weekday: int
    start_minute: int
    end_minute: int
    in_school_holidays: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicSite:
    """What is declared of a public site."""

    use: SiteUse | None = None
    area_square_metres: int | None = None
    opening_hours: tuple[OpeningHours, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A place; a premise is a dwelling or a public site. Without an id it is to be made."""

    id: PlaceId = PlaceId("")
    level: PlaceLevel
    display_name: str = ""
    parents: tuple[PlaceParent, ...] = ()
    position: Position | None = None
    outline_geojson: str = ""
    identifiers: tuple[Identifier, ...] = ()
    dwelling: Dwelling | None = None
    public_site: PublicSite | None = None
    position_in_parent: int = 0
    simulated: bool = False
    etag: str = ""
    create_time: datetime | None = None
    update_time: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Territory:
    """A tenant of the installation and its own facts. Without an id it is to be made."""

    id: TerritoryId = TerritoryId("")
    display_name: str
    time_zone: str = "Europe/Paris"
    currency_code: str = "EUR"
    school_holiday_zone: str = ""
    public_holiday_subdivision: str = ""
    simulated: bool = False
    root_place: PlaceId | None = None
    etag: str = ""
