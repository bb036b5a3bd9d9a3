"""Enumerations: the contract's numbers to and from the vocabulary's words, which carry the same numbers."""

from enum import Enum
from typing import TypeVar

from multiflux.options.v1 import permission_pb2
from multiflux.type.v1 import flux_pb2, granularity_pb2, place_level_pb2, quality_pb2, quantity_pb2
from vocabulary.civil import Granularity
from vocabulary.failure import invalid
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.place import PlaceLevel
from vocabulary.quality import Quality
from vocabulary.role import Role

W = TypeVar("W", bound=Enum)


def flux_from_proto(number: int, field: str) -> Flux:
    """Return the flux; InvalidRequest names `field` when it is unspecified or unknown."""
    return _word(Flux, number, field)


def flux_to_proto(flux: Flux) -> flux_pb2.Flux.ValueType:
    """Return the contract's number."""
    return flux_pb2.Flux.ValueType(flux.value)


def quantity_from_proto(number: int, field: str) -> Quantity:
    """Return the quantity; InvalidRequest names `field` when it is unspecified or unknown."""
    return _word(Quantity, number, field)


def quantity_to_proto(quantity: Quantity) -> quantity_pb2.Quantity.ValueType:
    """Return the contract's number."""
    return quantity_pb2.Quantity.ValueType(quantity.value)


def direction_from_proto(number: int, field: str) -> Direction:
    """Return the direction; InvalidRequest names `field` when it is unspecified or unknown."""
    return _word(Direction, number, field)


def direction_to_proto(direction: Direction) -> quantity_pb2.Direction.ValueType:
    """Return the contract's number."""
    return quantity_pb2.Direction.ValueType(direction.value)


def granularity_from_proto(number: int, field: str) -> Granularity:
    """Return the granularity; InvalidRequest names `field` when it is unspecified or unknown."""
    return _word(Granularity, number, field)


def granularity_to_proto(granularity: Granularity) -> granularity_pb2.Granularity.ValueType:
    """Return the contract's number."""
    return granularity_pb2.Granularity.ValueType(granularity.value)


def quality_from_proto(number: int, field: str) -> Quality:
    """Return the quality; InvalidRequest names `field` when it is unspecified or unknown."""
    return _word(Quality, number, field)


def quality_to_proto(quality: Quality) -> quality_pb2.Quality.ValueType:
    """Return the contract's number."""
    return quality_pb2.Quality.ValueType(quality.value)


def place_level_from_proto(number: int, field: str) -> PlaceLevel:
    """Return the level of places; InvalidRequest names `field` when it is unspecified or unknown."""
    return _word(PlaceLevel, number, field)


def place_level_to_proto(place_level: PlaceLevel) -> place_level_pb2.PlaceLevel.ValueType:
    """Return the contract's number."""
    return place_level_pb2.PlaceLevel.ValueType(place_level.value)


def role_from_proto(number: int, field: str) -> Role:
    """Return the role; InvalidRequest names `field` when it is unspecified or unknown."""
    return _word(Role, number, field)


def role_to_proto(role: Role) -> permission_pb2.Role.ValueType:
    """Return the contract's number."""
    return permission_pb2.Role.ValueType(role.value)


def _word(words: type[W], number: int, field: str) -> W:
    if number == 0:
        raise invalid(field, "is required")
    try:
        return words(number)
    except ValueError:
        raise invalid(field, f"{number} is unknown here") from None
