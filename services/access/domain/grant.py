"""Roles that people hold in places: as granted, and as carried in a token."""

from dataclasses import dataclass
from datetime import datetime

from access.domain.ids import GrantId
from vocabulary.failure import Failure, Kind
from vocabulary.interval import Validity
from vocabulary.names import PersonId, PlaceId
from vocabulary.role import Role

GRANTABLE = frozenset({Role.BUILDING_MANAGER, Role.LIGHTING_OPERATOR, Role.TERRITORY_ANALYST, Role.ADMINISTRATOR, Role.COLLECTOR})
"""Households and delegates come from occupancies and delegations, services and operators from the settings, the public from signing in."""

_ALWAYS = Validity()


class GrantUnknown(Failure):
    """The territory has no such grant."""

    reason, kind = "GRANT_UNKNOWN", Kind.MISSING


class GrantExists(Failure):
    """The person holds this role in this place already, at least for a part of the time."""

    reason, kind = "GRANT_EXISTS", Kind.EXISTS


class RoleNotGrantable(Failure):
    """Nobody can grant this role."""

    reason, kind = "ROLE_NOT_GRANTABLE", Kind.INVALID


class LastAdministrator(Failure):
    """Without this administrator, nobody could administer the territory."""

    reason, kind = "LAST_ADMINISTRATOR", Kind.CONFLICT


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleGrant:
    """A role given to a person for a place, or for the whole territory (`place` is None)."""

    id: GrantId
    person: PersonId
    role: Role
    place: PlaceId | None
    validity: Validity
    created: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenGrant:
    """One grant inside a token; for households and delegates, its validity is what figures are cut to."""

    role: Role
    place: PlaceId | None = None
    validity: Validity = _ALWAYS
