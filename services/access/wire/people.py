"""People and grants."""

from uuid import uuid4

from access.domain.actor import Actor
from access.domain.grant import RoleGrant, TokenGrant
from access.domain.granting import GrantOrder
from access.domain.person import Identity, Person, PersonChange
from access.domain.registration import NewPerson
from access.wire.names import optional_place_from_proto, person_from_proto, place_to_proto, refuse_name
from multiflux.access.v1 import access_service_pb2 as pb
from multiflux.access.v1 import person_pb2
from runtime.call import Call
from runtime.masks import etag, masked_paths
from vocabulary.failure import invalid
from vocabulary.names import InvalidName, PersonId, checked_id
from wire.instants import instant_to_proto
from wire.intervals import validity_from_proto, validity_to_proto
from wire.words import role_from_proto, role_to_proto

_UPDATABLE = ("display_name", "email", "language_code", "identities")
_OWN = ("display_name", "email", "language_code")
_DEFAULT_LANGUAGE = "fr"


def actor_from_call(call: Call) -> Actor:
    """Return who makes the call, as the rules see it."""
    grants = tuple(TokenGrant(role=grant.role, place=grant.place, validity=grant.validity) for grant in call.caller.grants)
    return Actor(subject=call.caller.subject, grants=grants, at=call.at)


def new_person_from_proto(request: pb.CreatePersonRequest) -> NewPerson:
    """Return the person to make, with the id asked for or a new one; InvalidRequest."""
    person = request.person
    if person.name and person.name != f"people/{request.person_id}":
        raise invalid("person.name", "must be empty, or that of person_id")
    return NewPerson(
        id=_new_id(request.person_id),
        display_name=person.display_name,
        email=person.email,
        language_code=person.language_code or _DEFAULT_LANGUAGE,
        identities=_identities(person),
    )


def person_change_from_proto(request: pb.UpdatePersonRequest, *, own: bool) -> PersonChange:
    """Return what is to change; an empty mask is everything, and for one's `own` record everything that one may change oneself."""
    everything = _OWN if own and not request.update_mask.paths else _UPDATABLE
    paths = masked_paths(request.update_mask, everything)
    person = request.person
    return PersonChange(
        display_name=person.display_name if "display_name" in paths else None,
        email=person.email if "email" in paths else None,
        language_code=(person.language_code or _DEFAULT_LANGUAGE) if "language_code" in paths else None,
        identities=_identities(person) if "identities" in paths else None,
    )


def person_to_proto(person: Person) -> person_pb2.Person:
    """Return the person as the contract writes it."""
    return person_pb2.Person(
        name=f"people/{person.id}",
        display_name=person.display_name,
        email=person.email,
        language_code=person.language_code,
        identities=[person_pb2.Identity(issuer=identity.issuer, subject=identity.subject) for identity in person.identities],
        etag=etag(person.version),
        create_time=instant_to_proto(person.created),
        update_time=instant_to_proto(person.updated),
    )


def grant_order_from_proto(grant: person_pb2.Grant) -> GrantOrder:
    """Return the role to give; InvalidRequest, EmptyInterval."""
    refuse_name(grant.name, "grant.name")
    return GrantOrder(
        person=person_from_proto(grant.person, "grant.person"),
        role=role_from_proto(grant.role, "grant.role"),
        place=optional_place_from_proto(grant.place, "grant.place"),
        validity=validity_from_proto(grant),
    )


def grant_to_proto(grant: RoleGrant) -> person_pb2.Grant:
    """Return the grant as the contract writes it."""
    return person_pb2.Grant(
        name=f"grants/{grant.id}",
        person=f"people/{grant.person}",
        role=role_to_proto(grant.role),
        place=place_to_proto(grant.place),
        validity=validity_to_proto(grant.validity),
        create_time=instant_to_proto(grant.created),
    )


def _new_id(asked: str) -> PersonId:
    try:
        return PersonId(checked_id(asked or str(uuid4())))
    except InvalidName as wrong:
        raise invalid("person_id", wrong.message) from None


def _identities(person: person_pb2.Person) -> tuple[Identity, ...]:
    # In the order in which they are kept, so that the same accounts in another order are no change.
    accounts = (Identity(issuer=sent.issuer, subject=sent.subject) for sent in person.identities)
    return tuple(sorted(accounts, key=lambda account: (account.issuer, account.subject)))
