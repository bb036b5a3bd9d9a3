"""Consents: given for one use, within one's occupancy, and withdrawn as easily."""

from dataclasses import dataclass, replace

from access.domain.actor import Actor
from access.domain.consent import Consent, ConsentExists, ConsentOutsideOccupancy, ConsentUnknown, Purpose, fits
from access.domain.ids import ConsentId
from access.domain.occupancy import Occupancy, overlap
from access.domain.ports import Books, News
from vocabulary.civil import Granularity
from vocabulary.failure import invalid
from vocabulary.interval import Validity
from vocabulary.names import PointId

_MAX_PROOF = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentOrder:
    """A consent to give: `proof_text` is the text that was accepted."""

    point: PointId
    purpose: Purpose
    granularity: Granularity
    validity: Validity
    proof_text: str


def give_consent(books: Books, news: News, actor: Actor, order: ConsentOrder, *, new_id: ConsentId) -> Consent:
    """Give a consent, cut to the caller's occupancy of the point's premise; ConsentOutsideOccupancy, ConsentExists, InvalidRequest."""
    _check(order)
    occupancy, validity = _occupied(books, actor, order)
    consent = Consent(
        id=new_id,
        person=actor.person,
        point=order.point,
        occupancy=occupancy.id,
        purpose=order.purpose,
        granularity=order.granularity,
        validity=validity,
        proof_text=order.proof_text,
        given=actor.at,
        withdrawn=None,
    )
    for other in books.consents.of_person(consent.person, consent.point, consent.purpose):
        # What was withdrawn allowed its use until then; a new consent may cover that time again.
        if other.withdrawn is None and other.validity.overlaps(validity):
            raise ConsentExists(f"consents/{other.id} allows this use already: withdraw it first", consent=f"consents/{other.id}")
    books.consents.add(consent)
    news.consent_changed(consent)
    return consent


def withdraw_consent(books: Books, news: News, actor: Actor, consent_id: ConsentId) -> Consent:
    """Withdraw one's own consent now; ConsentUnknown. One that was withdrawn before stays as it is."""
    consent = books.consents.get(consent_id)
    if consent is None or consent.person != actor.person:
        raise ConsentUnknown(f"consents/{consent_id} is unknown", consent=f"consents/{consent_id}")
    if consent.withdrawn is not None:
        return consent
    consent = replace(consent, withdrawn=actor.at)
    books.consents.replace(consent)
    news.consent_changed(consent)
    return consent


def _check(order: ConsentOrder) -> None:
    if not 0 < len(order.proof_text.strip()) <= _MAX_PROOF:
        raise invalid("consent.proof_text", f"must have 1 to {_MAX_PROOF} characters")
    if not fits(order.purpose, order.granularity):
        raise invalid("consent.granularity", "does not serve this purpose")


def _occupied(books: Books, actor: Actor, order: ConsentOrder) -> tuple[Occupancy, Validity]:
    """Return the caller's latest occupancy where the point measured within the order's validity, and that part of the validity."""
    homes = books.places.homes_of(order.point)
    for occupancy in reversed(books.occupancies.of_person(actor.person)):
        for premise, measured in homes:
            lived = overlap(occupancy.validity, measured) if premise == occupancy.premise else None
            agreed = None if lived is None else overlap(lived, order.validity)
            if agreed is not None:
                return occupancy, agreed
    raise ConsentOutsideOccupancy("the point never measured at your home in that time", metering_point=f"meters/{order.point}")
