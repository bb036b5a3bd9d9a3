"""What is written down of a town: places, metering points and what belongs to them, with the contract's fields and numbers."""

from dataclasses import dataclass
from enum import Enum

from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.interval import Validity
from vocabulary.names import PlaceId, PointId
from vocabulary.place import PlaceLevel

ALWAYS = Validity()


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
    validity: Validity = ALWAYS


@dataclass(frozen=True, kw_only=True, slots=True)
class Dwelling:
    """What is declared of a home; None is unknown."""

    type: DwellingType
    area_square_metres: int | None
    occupants: int | None
    heating: EnergySource
    heating_collective: bool
    hot_water: EnergySource
    hot_water_collective: bool
    solar_panels: bool
    garden: bool
    vacancies: tuple[Validity, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class OpeningHours:
    """A stretch of time in which a site is open every week, in local time; weekday 1 is Monday."""

    weekday: int
    start_minute: int
    end_minute: int
    in_school_holidays: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicSite:
    """What is declared of a public site."""

    use: SiteUse
    area_square_metres: int | None
    opening_hours: tuple[OpeningHours, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A place, from the territory down to a home or a public site."""

    id: PlaceId
    level: PlaceLevel
    display_name: str
    position: Position
    parents: tuple[PlaceParent, ...] = ()
    outline_geojson: str = ""
    identifiers: tuple[Identifier, ...] = ()
    premise: Dwelling | PublicSite | None = None
    position_in_parent: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class PointPlace:
    """At which place a point measures, and when."""

    place: PlaceId
    validity: Validity = ALWAYS


@dataclass(frozen=True, kw_only=True, slots=True)
class PointParent:
    """Behind which point a point measures, and when."""

    parent: PointId
    validity: Validity = ALWAYS


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """One thing that a point counts."""

    id: str
    quantity: Quantity
    direction: Direction = Direction.IMPORT
    register_set: str = "total"
    tariff_slot: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """A device that measured at a point."""

    serial: str
    digits: int
    register_unit: int
    """The last digit's worth in joules or millilitres."""
    pulse_weight: int
    maximum_rate: int
    """Watts or millilitres per hour."""
    volume_corrected: bool = False
    validity: Validity = ALWAYS


@dataclass(frozen=True, kw_only=True, slots=True)
class OffPeakWindow:
    """A daily stretch of off-peak time in local time; it may pass midnight. Months 0: all year."""

    start_minute: int
    end_minute: int
    first_month: int = 0
    last_month: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Contract:
    """What a point's supply contract says."""

    tariff: str
    subscribed_power_va: int = 0
    off_peak_windows: tuple[OffPeakWindow, ...] = ()
    reference: str = ""
    validity: Validity = ALWAYS


@dataclass(frozen=True, kw_only=True, slots=True)
class MeteringPoint:
    """A point where a flux is measured."""

    id: PointId
    flux: Flux
    places: tuple[PointPlace, ...]
    channels: tuple[Channel, ...]
    devices: tuple[Device, ...]
    display_name: str = ""
    identifiers: tuple[Identifier, ...] = ()
    parents: tuple[PointParent, ...] = ()
    contracts: tuple[Contract, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class GasCoefficient:
    """Energy in a cubic metre of gas on its gross value (PCS) in a civil month."""

    network: str
    wh_per_cubic_metre: int
    validity: Validity
