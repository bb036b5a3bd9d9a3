"""Moving in, proved by a code on paper, and moving out, with all that ends then.

Two households never occupy a premise at the same time: persons with the same start are one household, a later start ends what was before.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from access.domain.actor import Actor
from access.domain.code import HouseholdHasLeft, OccupancyCode, OccupancyCodeInvalid, PlaceUnknown
from access.domain.consent import limited
from access.domain.ids import OccupancyId
from access.domain.occupancy import Occupancy, OccupancyEnded, OccupancyUnknown, ended
from access.domain.ports import Books, News
from access.domain.registration import known_person
from vocabulary.failure import invalid
from vocabulary.names import PlaceId
from vocabulary.place import PlaceLevel
from vocabulary.role import Role


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeOrder:
    """A code to post to `premise`, for the household that lives there from `start` on; usable until `expires`."""

    premise: PlaceId
    start: datetime
    expires: datetime


def issue_code(books: Books, news: News, actor: Actor, order: CodeOrder, *, digest: bytes) -> OccupancyCode:
    """Keep a new code for a premise; PlaceUnknown, InvalidRequest when it is no premise, HouseholdHasLeft."""
    level = books.places.level(order.premise)
    if level is None:
        raise PlaceUnknown(f"places/{order.premise} is unknown", place=f"places/{order.premise}")
    if level is not PlaceLevel.PREMISE:
        raise invalid("premise", "must be a place of level premise")
    if _others_came(books, order.premise, order.start, actor.at):
        raise HouseholdHasLeft(
            "the household of that start has left: a letter posted now would reach another",
            premise=f"places/{order.premise}",
            occupancy_start_time=order.start.isoformat(),
        )
    code = OccupancyCode(digest=digest, premise=order.premise, start=order.start, issued=actor.at, expires=order.expires, used=None)
    books.codes.replace_unused(code)
    news.noted(resource=f"places/{order.premise}")
    return code


def claim_occupancy(books: Books, news: News, actor: Actor, digest: bytes, *, new_id: OccupancyId) -> Occupancy:
    """Make the calling person an occupant with the code of this digest; OccupancyCodeInvalid, whatever is wrong with the code."""
    person = known_person(books, actor.person)
    code = books.codes.find(digest)
    if code is None or not code.usable(actor.at) or _others_came(books, code.premise, code.start, actor.at):
        raise OccupancyCodeInvalid("the code is wrong, used or expired")
    books.codes.use(code, actor.at)
    here = books.occupancies.of_premise(code.premise)
    mine = next((one for one in here if one.person == person.id and one.start == code.start), None)
    if mine is not None:
        return mine
    for before in here:
        if before.holds_beyond(code.start):
            end_occupancy(books, news, before, code.start, actor.at)
    # What is planned already, a move or a next household, ends this one too.
    ends = [moved for moved in books.codes.moves(code.premise) if moved > code.start]
    ends += [one.start for one in here if one.start > code.start]
    occupancy = Occupancy(
        id=new_id, person=person.id, premise=code.premise, start=code.start, end=min(ends, default=None), verified=actor.at
    )
    books.occupancies.add(occupancy)
    news.occupancy_changed(occupancy)
    return occupancy


def move_out(books: Books, news: News, actor: Actor, occupancy_id: OccupancyId, end: datetime) -> Occupancy:
    """End an occupancy at `end`, one's own or that of a premise that the caller administers; OccupancyUnknown, OccupancyEnded."""
    occupancy = books.occupancies.get(occupancy_id)
    if occupancy is None or not (f"people/{occupancy.person}" == actor.subject or _administers(books, actor, occupancy.premise)):
        raise OccupancyUnknown(f"occupancies/{occupancy_id} is unknown", occupancy=f"occupancies/{occupancy_id}")
    if end <= occupancy.start:
        raise invalid("end_time", "must be later than the start of the occupancy")
    if occupancy.end is not None and occupancy.end < end:
        raise OccupancyEnded("the occupancy ends before that", occupancy=f"occupancies/{occupancy_id}", end_time=occupancy.end.isoformat())
    return end_occupancy(books, news, occupancy, end, actor.at)


def household_moved(books: Books, news: News, premise: PlaceId, moved: datetime, at: datetime) -> None:
    """End what a household that left at `moved` had there: occupancies, delegations, consents, codes. Again, it changes nothing."""
    books.codes.add_move(premise, moved)
    for occupancy in books.occupancies.of_premise(premise):
        if occupancy.holds_beyond(moved):
            end_occupancy(books, news, occupancy, moved, at)


def end_occupancy(books: Books, news: News, occupancy: Occupancy, end: datetime, at: datetime) -> Occupancy:
    """Return the occupancy, ended at `end` together with its delegations and consents."""
    if occupancy.end == end:
        return occupancy
    occupancy = replace(occupancy, end=end)
    books.occupancies.replace(occupancy)
    news.occupancy_changed(occupancy)
    _end_delegations(books, news, occupancy.id, end)
    for consent in books.consents.of_occupancy(occupancy.id):
        after = limited(consent, end, at)
        if after != consent:
            books.consents.replace(after)
            news.consent_changed(after)
    return occupancy


def _end_delegations(books: Books, news: News, occupancy: OccupancyId, end: datetime) -> None:
    for delegation in books.delegations.of_occupancy(occupancy):
        after = ended(delegation, end)
        if after is None:
            books.delegations.remove(delegation.id)
            news.delegation_removed(delegation)
        elif after != delegation:
            books.delegations.replace(after)
            news.delegation_changed(after)


def _administers(books: Books, actor: Actor, premise: PlaceId) -> bool:
    places = actor.places_of(Role.ADMINISTRATOR)
    return None in places or books.places.lies_in(premise, [place for place in places if place is not None], actor.at)


def _others_came(books: Books, premise: PlaceId, start: datetime, at: datetime) -> bool:
    """Tell whether the household that came at `start` has left, or another has come since: the letter box is not its own any more."""
    left = any(start < moved <= at for moved in books.codes.moves(premise))
    return left or any(start < one.start <= at for one in books.occupancies.of_premise(premise))
