"""The levels of places, from the tenant down to a home."""

from enum import IntEnum


class PlaceLevel(IntEnum):
    """How large a place is; a place lies in a place of a smaller number."""

    TERRITORY = 1
    """A local authority: the tenant."""
    COMMUNE = 2
    NEIGHBOURHOOD = 3
    STREET = 4
    BUILDING = 5
    PREMISE = 6
    """A dwelling, or a public site."""
