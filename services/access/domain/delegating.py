"""A household lets another person see what it sees, and takes that back."""

from dataclasses import dataclass

from access.domain.actor import Actor
from access.domain.ids import DelegationId, OccupancyId
from access.domain.occupancy import Delegation, DelegationOutsideOccupancy, DelegationUnknown, Occupancy, OccupancyUnknown, ended
from access.domain.ports import Books, News
from access.domain.registration import known_person
from vocabulary.failure import invalid
from vocabulary.interval import Validity
from vocabulary.names import PersonId


@dataclass(frozen=True, kw_only=True, slots=True)
class DelegationOrder:
    """A view of one occupancy to let to `receiver`."""

    receiver: PersonId
    occupancy: OccupancyId
    validity: Validity


def delegate(books: Books, news: News, actor: Actor, order: DelegationOrder, *, new_id: DelegationId) -> Delegation:
    """Let a view of one's own occupancy; OccupancyUnknown, PersonUnknown, DelegationOutsideOccupancy, InvalidRequest."""
    occupancy = books.occupancies.get(order.occupancy)
    if occupancy is None or occupancy.person != actor.person:
        raise OccupancyUnknown(f"occupancies/{order.occupancy} is unknown", occupancy=f"occupancies/{order.occupancy}")
    if order.receiver == actor.person:
        raise invalid("delegation.receiver", "must be another person")
    known_person(books, order.receiver)
    validity = _dated(order.validity, occupancy, actor)
    delegation = Delegation(id=new_id, giver=actor.person, receiver=order.receiver, occupancy=occupancy.id, validity=validity)
    books.delegations.add(delegation)
    news.delegation_changed(delegation)
    return delegation


def end_delegation(books: Books, news: News, actor: Actor, delegation_id: DelegationId) -> Delegation:
    """End a delegation now, as its giver or receiver; DelegationUnknown. One that has ended stays as it is, one that has not begun goes."""
    delegation = books.delegations.get(delegation_id)
    if delegation is None or actor.person not in (delegation.giver, delegation.receiver):
        raise DelegationUnknown(f"delegations/{delegation_id} is unknown", delegation=f"delegations/{delegation_id}")
    after = ended(delegation, actor.at)
    if after is None:
        books.delegations.remove(delegation.id)
        news.delegation_removed(delegation)
        return delegation
    if after != delegation:
        books.delegations.replace(after)
        news.delegation_changed(after)
    return after


def _dated(validity: Validity, occupancy: Occupancy, actor: Actor) -> Validity:
    """Return the validity with its start (missing: now), which must end in the future and lie within the occupancy."""
    if validity.end is None:
        raise invalid("delegation.validity.end_time", "is required")
    if validity.end <= actor.at:
        raise invalid("delegation.validity.end_time", "must lie in the future")
    start = max(actor.at, occupancy.start) if validity.start is None else validity.start
    if start < occupancy.start or (occupancy.end is not None and occupancy.end < validity.end):
        raise DelegationOutsideOccupancy("the delegation must lie within the occupancy", occupancy=f"occupancies/{occupancy.id}")
    return Validity(start=start, end=validity.end)
