"""Erasing a person: real, and final."""

from access.domain.actor import Actor
from access.domain.granting import check_not_last
from access.domain.ports import Books, News
from access.domain.registration import known_person
from vocabulary.names import PersonId


def erase_person(books: Books, news: News, actor: Actor, person: PersonId, *, receipt: str) -> None:
    """Delete all about a person; PersonUnknown, LastAdministrator: somebody must be able to answer the next request for erasure."""
    known_person(books, person)
    check_not_last(books, actor, {grant.id for grant in books.grants.of_person(person)})
    books.erasures.erase(person, receipt, actor.at)
    news.person_erased(person)
