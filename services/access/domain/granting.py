"""Giving roles and taking them back."""

from dataclasses import dataclass, replace

from access.domain.actor import Actor, NotPermitted
from access.domain.code import PlaceUnknown
from access.domain.grant import GRANTABLE, GrantExists, GrantUnknown, LastAdministrator, RoleGrant, RoleNotGrantable
from access.domain.ids import PLATFORM, GrantId
from access.domain.occupancy import cut
from access.domain.ports import Books, News
from access.domain.registration import known_person
from vocabulary.failure import invalid
from vocabulary.interval import Validity
from vocabulary.names import PersonId, PlaceId
from vocabulary.role import Role


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantOrder:
    """A role to give to a person, for a place or the whole territory (`place` is None)."""

    person: PersonId
    role: Role
    place: PlaceId | None
    validity: Validity


def grant_role(books: Books, news: News, actor: Actor, order: GrantOrder, *, new_id: GrantId) -> RoleGrant:
    """Give a role, from now on unless the order says later; RoleNotGrantable, NotPermitted, PersonUnknown, PlaceUnknown, GrantExists."""
    _check_role(actor, order.role)
    if books.territory == PLATFORM:
        raise NotPermitted("the platform has no roles to give")
    known_person(books, order.person)
    if order.place is not None and books.places.level(order.place) is None:
        raise PlaceUnknown(f"places/{order.place} is unknown", place=f"places/{order.place}")
    grant = RoleGrant(
        id=new_id, person=order.person, role=order.role, place=order.place, validity=_dated(order.validity, actor), created=actor.at
    )
    _check_new(books, grant)
    books.grants.add(grant)
    news.person_changed(grant.person, resource=f"grants/{grant.id}")
    return grant


def revoke_grant(books: Books, news: News, actor: Actor, grant_id: GrantId) -> RoleGrant:
    """End a grant now; one that has not begun is deleted, one that has ended stays. GrantUnknown, NotPermitted, LastAdministrator."""
    grant = books.grants.get(grant_id)
    if grant is None:
        raise GrantUnknown(f"grants/{grant_id} is unknown", grant=f"grants/{grant_id}")
    _check_role(actor, grant.role)
    check_not_last(books, actor, {grant.id})
    if grant.validity.end is not None and grant.validity.end <= actor.at:
        return grant
    validity = cut(grant.validity, actor.at)
    if validity is None:
        books.grants.remove(grant.id)
    else:
        grant = replace(grant, validity=validity)
        books.grants.replace(grant)
    news.person_changed(grant.person, resource=f"grants/{grant.id}")
    return grant


def check_not_last(books: Books, actor: Actor, leaving: set[GrantId]) -> None:
    """Refuse with LastAdministrator when the territory has administrators now and all of their grants are `leaving`."""
    holding = {grant.id for grant in books.grants.administrators(actor.at)}
    if holding and holding <= leaving:
        raise LastAdministrator("the territory would have no administrator: grant the role to another person first")


def _check_role(actor: Actor, role: Role) -> None:
    if role not in GRANTABLE:
        raise RoleNotGrantable(f"the role {role.name} cannot be granted", role=role.name)
    if role is not Role.ADMINISTRATOR and not actor.holds(Role.ADMINISTRATOR):
        raise NotPermitted("the platform's operator gives and takes back the administrator role only")


def _dated(validity: Validity, actor: Actor) -> Validity:
    if validity.end is not None and validity.end <= actor.at:
        raise invalid("grant.validity.end_time", "must lie in the future")
    start = actor.at if validity.start is None else max(validity.start, actor.at)
    return Validity(start=start, end=validity.end)


def _check_new(books: Books, grant: RoleGrant) -> None:
    for held in books.grants.of_person(grant.person):
        if (held.role, held.place) == (grant.role, grant.place) and held.validity.overlaps(grant.validity):
            raise GrantExists(f"grants/{held.id} gives this role already", grant=f"grants/{held.id}")
