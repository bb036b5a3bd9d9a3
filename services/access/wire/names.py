"""Resource names of the contract, to and from ids; a wrong one is named by its field."""

from collections.abc import Callable
from typing import TypeVar

from access.domain.ids import ConsentId, DelegationId, GrantId, OccupancyId
from vocabulary.failure import invalid
from vocabulary.names import InvalidName, PersonId, PlaceId, PointId, TerritoryId, id_in, person_id, place_id, point_id, territory_id

N = TypeVar("N", bound=str)


def person_from_proto(name: str, field: str) -> PersonId:
    """Return the id in `people/{person}`; InvalidRequest."""
    return _parsed(person_id, name, field)


def place_from_proto(name: str, field: str) -> PlaceId:
    """Return the id in `places/{place}`; InvalidRequest."""
    return _parsed(place_id, name, field)


def optional_place_from_proto(name: str, field: str) -> PlaceId | None:
    """Return the id in `places/{place}`, None when the field is empty; InvalidRequest."""
    return place_from_proto(name, field) if name else None


def point_from_proto(name: str, field: str) -> PointId:
    """Return the id in `meters/{meter}`; InvalidRequest."""
    return _parsed(point_id, name, field)


def territory_from_proto(name: str, field: str) -> TerritoryId:
    """Return the id in `territories/{territory}`; InvalidRequest."""
    return _parsed(territory_id, name, field)


def grant_from_name(name: str, field: str) -> GrantId:
    """Return the id in `grants/{grant}`; InvalidRequest."""
    return GrantId(_parsed(lambda text: id_in(text, "grants"), name, field))


def occupancy_from_name(name: str, field: str) -> OccupancyId:
    """Return the id in `occupancies/{occupancy}`; InvalidRequest."""
    return OccupancyId(_parsed(lambda text: id_in(text, "occupancies"), name, field))


def delegation_from_name(name: str, field: str) -> DelegationId:
    """Return the id in `delegations/{delegation}`; InvalidRequest."""
    return DelegationId(_parsed(lambda text: id_in(text, "delegations"), name, field))


def consent_from_name(name: str, field: str) -> ConsentId:
    """Return the id in `consents/{consent}`; InvalidRequest."""
    return ConsentId(_parsed(lambda text: id_in(text, "consents"), name, field))


def place_to_proto(place: PlaceId | None) -> str:
    """Return `places/{place}`, empty for the whole territory."""
    return "" if place is None else f"places/{place}"


def refuse_name(name: str, field: str) -> None:
    """Refuse a name where the service gives it."""
    if name:
        raise invalid(field, "must be empty")


def _parsed(parse: Callable[[str], N], name: str, field: str) -> N:
    if not name:
        raise invalid(field, "is required")
    try:
        return parse(name)
    except InvalidName as wrong:
        raise invalid(field, wrong.message) from None
