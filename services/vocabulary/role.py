"""What a person may be in a territory."""

from enum import Enum


class Role(Enum):
    """A role that a grant gives; each RPC declares which roles may call it."""

    HOUSEHOLD = 1
    DELEGATE = 2
    BUILDING_MANAGER = 3
    LIGHTING_OPERATOR = 4
    TERRITORY_ANALYST = 5
    ADMINISTRATOR = 6
    PLATFORM_OPERATOR = 7
    COLLECTOR = 8
    SERVICE = 9
    PUBLIC = 10
