"""Coming in: who a verified account is in a territory, what its token grants, and how a session goes on."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from access.domain.actor import Actor
from access.domain.grant import TokenGrant
from access.domain.ids import PLATFORM, SessionId
from access.domain.occupancy import overlap
from access.domain.person import Identity, Person
from access.domain.ports import Books, News, Sessions
from access.domain.registration import NewPerson, register
from access.domain.session import RefreshToken, RefreshTokenInvalid, Session, SubjectClaims, SubjectUnknown, TokenReplayed
from vocabulary.failure import invalid
from vocabulary.interval import Validity
from vocabulary.names import PersonId, TerritoryId
from vocabulary.role import Role


@dataclass(frozen=True, kw_only=True, slots=True)
class Lifetimes:
    """How long a sign-in lasts: a refresh token unused, and a session at all."""

    refresh: timedelta
    session: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Refresh:
    """A refresh token to exchange: its digest, for which territory, and the issuer that is trusted now."""

    digest: bytes
    territory: TerritoryId
    issuer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Entrant:
    """A person at the door: its id, the territory whose people it is one of, and the issuer that vouches for it."""

    person: PersonId
    home: TerritoryId
    issuer: str


def recognise(asked: Books, platform: Books, claims: SubjectClaims) -> Entrant:
    """Return who the account is in the territory asked for, or else among the platform's operators; SubjectUnknown."""
    identity = Identity(issuer=claims.issuer, subject=claims.subject)
    for books in (asked, platform):
        person = books.people.signing_in_with(identity)
        if person is not None:
            return Entrant(person=person.id, home=books.territory, issuer=claims.issuer)
    raise SubjectUnknown("nobody in this territory signs in with this account", territory=f"territories/{asked.territory}")


def admit(asked: Books, news: News, claims: SubjectClaims, at: datetime, *, new_id: PersonId) -> Entrant:
    """Make a person without roles of an account that is new to the territory; SubjectUnknown when there is no such territory."""
    if not asked.places.is_territory():
        raise SubjectUnknown("nobody in this territory signs in with this account", territory=f"territories/{asked.territory}")
    order = NewPerson(
        id=new_id,
        display_name=claims.display_name or "—",
        email=claims.email,
        language_code="fr",
        identities=(Identity(issuer=claims.issuer, subject=claims.subject),),
    )
    person = register(asked, news, Actor(subject=f"people/{new_id}", grants=(), at=at), order)
    return Entrant(person=person.id, home=asked.territory, issuer=claims.issuer)


def token_grants(asked: Books, entrant: Entrant, at: datetime) -> tuple[TokenGrant, ...]:
    """Return what the person's token for the territory asked for grants at the instant.

    An operator of the platform gets that role alone. A household keeps its past: ended occupancies are there, with the validity that
    figures are cut to.
    """
    if entrant.home == PLATFORM:
        return (TokenGrant(role=Role.PLATFORM_OPERATOR),)
    granted = [
        TokenGrant(role=grant.role, place=grant.place, validity=grant.validity)
        for grant in asked.grants.of_person(entrant.person)
        if grant.validity.contains(at)
    ]
    homes = [
        TokenGrant(role=Role.HOUSEHOLD, place=occupancy.premise, validity=occupancy.validity)
        for occupancy in asked.occupancies.of_person(entrant.person)
        if occupancy.start <= at
    ]
    return (*granted, *homes, *_delegated(asked, entrant.person, at), TokenGrant(role=Role.PUBLIC))


def open_session(
    sessions: Sessions, entrant: Entrant, purpose: str, at: datetime, lifetimes: Lifetimes, *, new_id: SessionId, refresh_digest: bytes
) -> Session:
    """Keep a new session and its first refresh token."""
    session = Session(
        id=new_id,
        home=entrant.home,
        person=entrant.person,
        issuer=entrant.issuer,
        purpose=purpose,
        opened=at,
        expires=at + lifetimes.session,
        ended=None,
    )
    sessions.add(session)
    _add_refresh(sessions, session, refresh_digest, at, lifetimes)
    return session


def refreshed(sessions: Sessions, order: Refresh, at: datetime, lifetimes: Lifetimes, *, next_digest: bytes) -> Session | TokenReplayed:
    """Use up a refresh token, keep the next one and return the session; RefreshTokenInvalid, InvalidRequest.

    A token that was used before ends the session and is returned as a failure, for the ending to be kept: its thief and its owner cannot be
    told apart (RFC 9700, 4.14.2).
    """
    found = sessions.refresh(order.digest)
    if found is None:
        raise RefreshTokenInvalid("sign in again")
    token, session = found
    if token.used is not None:
        sessions.end(session.id, at)
        return TokenReplayed("the refresh token was used before: its session is over")
    if not session.goes_on(at, order.issuer) or at >= token.expires:
        raise RefreshTokenInvalid("sign in again")
    if session.home not in (order.territory, PLATFORM):
        raise invalid("territory", "is not the one of the session")
    sessions.use_refresh(order.digest, at)
    _add_refresh(sessions, session, next_digest, at, lifetimes)
    return session


def signs_in_locally(person: Person | None, issuer: str) -> Identity | None:
    """Return the account with which the person signs in at the local issuer, None when it has none there."""
    accounts = () if person is None else person.identities
    return next((identity for identity in accounts if identity.issuer == issuer), None)


def _add_refresh(sessions: Sessions, session: Session, digest: bytes, at: datetime, lifetimes: Lifetimes) -> None:
    expires = min(at + lifetimes.refresh, session.expires)
    sessions.add_refresh(RefreshToken(digest=digest, session=session.id, expires=expires, used=None))


def _delegated(asked: Books, person: PersonId, at: datetime) -> list[TokenGrant]:
    grants: list[TokenGrant] = []
    for delegation in asked.delegations.received_by(person):
        occupancy = asked.occupancies.get(delegation.occupancy)
        seen: Validity | None = None if occupancy is None else overlap(delegation.validity, occupancy.validity)
        if occupancy is not None and seen is not None and seen.contains(at):
            grants.append(TokenGrant(role=Role.DELEGATE, place=occupancy.premise, validity=seen))
    return grants
