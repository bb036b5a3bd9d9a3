"""What is declared of homes and public sites."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from metering.domain.registry.dated import in_order, overlap
from metering.domain.registry.failures import OutOfRange, RepeatedValue, refuse
from metering.domain.registry.identifiers import check_number
from vocabulary.interval import Validity

MAX_VACANCIES = 200
MAX_OPENING_HOURS = 100

_MINUTES_A_DAY = 1_440


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
class Vacancy:
    """A time when nobody lives in a home."""

    validity: Validity


@dataclass(frozen=True, kw_only=True, slots=True)
class Dwelling:
    """What is declared of a home; None is not known. Vacancies are in order."""

    type: DwellingType | None = None
    area_square_metres: int | None = None
    occupants: int | None = None
    heating: EnergySource | None = None
    heating_collective: bool = False
    hot_water: EnergySource | None = None
    hot_water_collective: bool = False
    solar_panels: bool = False
    garden: bool = False
    vacancies: tuple[Vacancy, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no home is."""
        vacancies = in_order(self.vacancies)
        object.__setattr__(self, "vacancies", vacancies)
        refuse(
            check_number("area_square_metres", self.area_square_metres, 1, 2_000),
            check_number("occupants", self.occupants, 1, 30),
            too_many("vacancies", vacancies, MAX_VACANCIES) or overlap("vacancies", vacancies),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class OpeningHours:
    """A stretch of a day of the week (1 = Monday) in which a site is open, in minutes of the local day."""

    weekday: int
    start_minute: int
    end_minute: int
    in_school_holidays: bool = False

    def __post_init__(self) -> None:
        """Refuse days and minutes that no week has."""
        refuse(
            check_number("weekday", self.weekday, 1, 7),
            check_number("start_minute", self.start_minute, 0, _MINUTES_A_DAY - 1),
            check_number("end_minute", self.end_minute, 1, _MINUTES_A_DAY),
        )
        if self.end_minute <= self.start_minute:
            raise OutOfRange("end_minute", "must be later than the start", value=str(self.end_minute))


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicSite:
    """What is declared of a public site; None is not known. Opening hours are in order."""

    use: SiteUse | None = None
    area_square_metres: int | None = None
    opening_hours: tuple[OpeningHours, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no site is."""
        hours = tuple(sorted(self.opening_hours, key=lambda hours: (hours.weekday, hours.start_minute)))
        object.__setattr__(self, "opening_hours", hours)
        refuse(
            check_number("area_square_metres", self.area_square_metres, 1, 1_000_000),
            too_many("opening_hours", hours, MAX_OPENING_HOURS) or _overlapping(hours),
        )


def too_many(field: str, items: Sequence[object], most: int) -> OutOfRange | None:
    """Return what is wrong with a list that is too long."""
    return OutOfRange(field, f"at most {most}", count=str(len(items))) if len(items) > most else None


def _overlapping(hours: Sequence[OpeningHours]) -> RepeatedValue | None:
    for former, latter in pairwise(hours):
        if former.weekday == latter.weekday and latter.start_minute < former.end_minute:
            return RepeatedValue("opening_hours", f"two stretches of day {latter.weekday} overlap")
    return None
