"""Making people known, and changing what is known of them."""

from dataclasses import dataclass

from access.domain.actor import Actor, NotPermitted
from access.domain.ids import ERASED_ID, PLATFORM, PLATFORM_PREFIX
from access.domain.person import (
    Identity,
    IdentityTaken,
    Person,
    PersonChange,
    PersonExists,
    PersonIdRetired,
    PersonUnknown,
    changed,
)
from access.domain.ports import Books, News
from vocabulary.failure import invalid
from vocabulary.names import PersonId
from vocabulary.role import Role


@dataclass(frozen=True, kw_only=True, slots=True)
class NewPerson:
    """A person to make known, with the id it gets."""

    id: PersonId
    display_name: str
    email: str
    language_code: str
    identities: tuple[Identity, ...]


def create_person(books: Books, news: News, actor: Actor, order: NewPerson) -> Person:
    """Make a person known; NotPermitted, PersonExists, PersonIdRetired, IdentityTaken, InvalidRequest."""
    if books.territory == PLATFORM:
        raise NotPermitted("who operates the platform is said by its settings")
    if order.id.startswith(PLATFORM_PREFIX) or order.id == ERASED_ID:
        raise invalid("person_id", f"must not be {ERASED_ID!r} nor start with {PLATFORM_PREFIX!r}")
    return register(books, news, actor, order)


def register(books: Books, news: News, actor: Actor, order: NewPerson) -> Person:
    """Keep a new person in whatever territory; PersonExists, PersonIdRetired, IdentityTaken, InvalidRequest."""
    if books.erasures.covers(order.id):
        raise PersonIdRetired("the id belonged to a person who was erased")
    if books.people.get(order.id) is not None:
        raise PersonExists(f"people/{order.id} is known already", person=f"people/{order.id}")
    person = Person(
        id=order.id,
        display_name=order.display_name,
        email=order.email,
        language_code=order.language_code,
        identities=order.identities,
        version=1,
        created=actor.at,
        updated=actor.at,
    )
    _check_identities(books, person)
    books.people.add(person)
    news.person_changed(person.id, resource=f"people/{person.id}")
    return person


def change_person(books: Books, news: News, actor: Actor, person: Person, change: PersonChange) -> Person:
    """Change a person; only an administrator changes who signs in as it. NotPermitted, IdentityTaken, InvalidRequest."""
    if change.identities not in (None, person.identities) and not actor.holds(Role.ADMINISTRATOR):
        raise NotPermitted("only an administrator can change who signs in as a person")
    return _keep(books, news, actor, person, change)


def change_accounts(books: Books, news: News, actor: Actor, person: Person, accounts: tuple[Identity, ...]) -> Person:
    """Change who signs in as a person, whoever asks; IdentityTaken."""
    return _keep(books, news, actor, person, PersonChange(identities=accounts))


def known_person(books: Books, person: PersonId) -> Person:
    """Return the person; PersonUnknown."""
    found = books.people.get(person)
    if found is None:
        raise PersonUnknown(f"people/{person} is unknown", person=f"people/{person}")
    return found


def _keep(books: Books, news: News, actor: Actor, person: Person, change: PersonChange) -> Person:
    after = changed(person, change, actor.at)
    _check_identities(books, after)
    books.people.replace(after)
    if not set(person.identities) <= set(after.identities):
        # Whoever signed in with an account that was taken away must not stay.
        books.people.sign_out(person.id, actor.at)
    news.person_changed(after.id, resource=f"people/{after.id}")
    return after


def _check_identities(books: Books, person: Person) -> None:
    for identity in person.identities:
        holder = books.people.signing_in_with(identity)
        if holder is not None and holder.id != person.id:
            raise IdentityTaken("another person signs in with this account", issuer=identity.issuer, subject=identity.subject)
