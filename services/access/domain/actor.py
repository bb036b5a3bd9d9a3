"""Who asks for something, as the rules see it."""

from dataclasses import dataclass
from datetime import datetime

from access.domain.grant import TokenGrant
from vocabulary.failure import Failure, Kind
from vocabulary.names import PersonId, PlaceId, person_id
from vocabulary.role import Role


class NotPermitted(Failure):
    """The caller may not; whether the resource exists is not told."""

    reason, kind = "NOT_PERMITTED", Kind.DENIED


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """The caller of one request, with what its token grants, at the time of the request."""

    subject: str
    grants: tuple[TokenGrant, ...]
    at: datetime

    @property
    def person(self) -> PersonId:
        """The calling person; NotPermitted when a service is calling."""
        if not self.subject.startswith("people/"):
            raise NotPermitted("only a person can do this")
        return person_id(self.subject)

    def holds(self, role: Role) -> bool:
        """Tell whether the caller now holds the role for the whole territory."""
        return None in self.places_of(role)

    def places_of(self, role: Role) -> frozenset[PlaceId | None]:
        """Return the places for which the caller now holds the role; None among them is the whole territory."""
        return frozenset(grant.place for grant in self.grants if grant.role is role and grant.validity.contains(self.at))


@dataclass(frozen=True, kw_only=True, slots=True)
class Visible:
    """What a caller sees of a list: everything, or what is its own, and what lies in its places."""

    everything: bool
    person: PersonId | None = None
    places: frozenset[PlaceId] = frozenset()


def visible(actor: Actor, *whole: Role, within: Role | None = None) -> Visible:
    """Return what `actor` sees: all with a role of `whole` for the territory, else its own and what lies in its places of role `within`."""
    if any(actor.holds(role) for role in whole):
        return Visible(everything=True)
    places: frozenset[PlaceId | None] = frozenset() if within is None else actor.places_of(within)
    return Visible(
        everything=False,
        person=actor.person if actor.subject.startswith("people/") else None,
        places=frozenset(place for place in places if place is not None),
    )
