"""Homes as comparison sees them: where they are, what was declared of them, and who may contribute."""

from dataclasses import dataclass
from enum import Enum

from vocabulary.names import PersonId, PlaceId


class HomeType(Enum):
    """Whether a home is a flat or a house."""

    FLAT = 1
    HOUSE = 2


class Source(Enum):
    """What heats rooms or water."""

    ELECTRICITY = 1
    GAS = 2
    OTHER = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Attributes:
    """What was declared of a home; None is not known, and taken as is usual.

    area: in square metres. collective: by one boiler for several homes. solar_panels: whose production is not measured.
    """

    type: HomeType | None = None
    area: int | None = None
    occupants: int | None = None
    heating: Source | None = None
    heating_collective: bool = False
    hot_water: Source | None = None
    hot_water_collective: bool = False
    solar_panels: bool = False
    garden: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Building:
    """A building and what it lies in; orders run along streets and within neighbourhoods."""

    id: PlaceId
    street: PlaceId
    neighbourhood: PlaceId
    commune: PlaceId
    order: tuple[int, int, int] = (0, 0, 0)
    """Of its neighbourhood, of its street therein, and of itself in the street."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Contributor:
    """A home whose holder consents, and whose readings suffice; one vote per holder."""

    premise: PlaceId
    holder: PersonId
    building: PlaceId
