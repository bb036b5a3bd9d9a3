"""Exchanges credentials for internal tokens, and keeps the sessions that come of it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hmac import compare_digest
from uuid import uuid4

from sqlalchemy import Connection

from access.adapters.books import SqlBooks
from access.adapters.digests import Digests, secret_digest
from access.adapters.local_issuer import LocalIssuer
from access.adapters.news import TransactionNews
from access.adapters.sessions import SqlSessions
from access.adapters.signing_keys import SigningKeys
from access.adapters.subject_tokens import SubjectTokens
from access.adapters.tables import AccessTables
from access.domain.demo import LOCAL_ISSUER
from access.domain.entry import Entrant, Lifetimes, Refresh, admit, open_session, recognise, refreshed, signs_in_locally, token_grants
from access.domain.grant import TokenGrant
from access.domain.ids import PLATFORM, SessionId
from access.domain.session import (
    LocalIssuerOff,
    NotALocalPerson,
    RefreshTokenInvalid,
    ServiceSecretInvalid,
    SubjectClaims,
    SubjectUnknown,
    TokenReplayed,
)
from access.wire.entry import Exchanged
from runtime.call import Caller, Grant, current_call
from runtime.changes import Changes, Transaction
from runtime.relational import Database
from vocabulary.names import PersonId, TerritoryId
from vocabulary.role import Role

_REFRESH_BYTES = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Door:
    """What decides who comes in: the trusted issuer's tokens, the local issuer if it is on, the services' secrets, and the rules."""

    subjects: SubjectTokens
    local: LocalIssuer | None
    services: Mapping[str, str]
    lifetimes: Lifetimes
    admit_unknown: bool


class TokenExchange:
    """Turns credentials into internal tokens."""

    def __init__(self, database: Database, changes: Changes, tables: AccessTables, digests: Digests, keys: SigningKeys, door: Door) -> None:
        """Sign with `keys` what `door` lets in."""
        self._database = database
        self._changes = changes
        self._tables = tables
        self._digests = digests
        self._keys = keys
        self._door = door

    async def of_subject(self, token: str, territory: TerritoryId, purpose: str) -> Exchanged:
        """Exchange an ID token, once; SubjectTokenInvalid, SubjectTokenExpired, TokenReplayed, SubjectUnknown, IssuerAway."""
        claims = await self._door.subjects.verified(token)
        refresh_token = _new_refresh_token()

        def enter(transaction: Transaction) -> Caller:
            sessions = SqlSessions(transaction.connection, self._tables)
            if not sessions.spend(claims.digest, claims.expires):
                raise TokenReplayed("the subject token was exchanged before")
            entrant = self._entrant(transaction, territory, claims)
            open_session(
                sessions,
                entrant,
                purpose,
                transaction.at,
                self._door.lifetimes,
                new_id=SessionId(str(uuid4())),
                refresh_digest=secret_digest(refresh_token),
            )
            transaction.audit(resource=f"people/{entrant.person}", subject=f"people/{entrant.person}", purpose=purpose)
            return self._caller(transaction.connection, entrant, territory, purpose, transaction.at)

        return self._signed(await self._changes.unasked(enter), refresh_token)

    async def of_refresh(self, token: str, territory: TerritoryId, purpose: str) -> Exchanged:
        """Exchange a refresh token, once; RefreshTokenInvalid, TokenReplayed, after which the session is over."""
        refresh_token, at = _new_refresh_token(), current_call().at
        order = Refresh(digest=secret_digest(token), territory=territory, issuer=self._door.subjects.issuer)

        def go_on(connection: Connection) -> Caller | TokenReplayed:
            sessions = SqlSessions(connection, self._tables)
            session = refreshed(sessions, order, at, self._door.lifetimes, next_digest=secret_digest(refresh_token))
            if isinstance(session, TokenReplayed):
                return session
            if self._books(connection, session.home).people.get(session.person) is None:
                raise RefreshTokenInvalid("sign in again")
            entrant = Entrant(person=session.person, home=session.home, issuer=session.issuer)
            return self._caller(connection, entrant, territory, purpose or session.purpose, at)

        caller = await self._database.write(go_on)
        if isinstance(caller, TokenReplayed):
            raise caller
        return self._signed(caller, refresh_token)

    def of_service(self, service: str, secret: str, territory: TerritoryId | None, purpose: str) -> Exchanged:
        """Exchange a service's secret, as often as it likes; ServiceSecretInvalid."""
        if not self.is_service(service, secret):
            raise ServiceSecretInvalid("the service secret is not the one of this installation")
        caller = Caller(subject=f"services/{service}", territory=territory, grants=(Grant(role=Role.SERVICE, place=None),), purpose=purpose)
        return self._signed(caller, "")

    def is_service(self, service: str, secret: str) -> bool:
        """Tell whether the secret is that of a service of this installation."""
        # An unknown service takes as long as a wrong secret.
        expected = self._door.services.get(service, "")
        return compare_digest(expected.encode(), secret.encode()) and bool(expected)

    async def sign_in_locally(self, person: PersonId, territory: TerritoryId, *, from_inside: bool) -> str:
        """Return a subject token of the local issuer, to this machine and to services alone; LocalIssuerOff, NotALocalPerson."""
        local = self._door.local
        if local is None or not from_inside:
            raise LocalIssuerOff("the local issuer is off, or you are not on this machine")
        identity = await self._database.read(
            lambda connection: signs_in_locally(self._books(connection, territory).people.get(person), LOCAL_ISSUER)
        )
        if identity is None:
            raise NotALocalPerson("nobody of that name signs in with the local issuer")
        return local.subject_token(identity)

    async def sign_out(self, token: str) -> None:
        """End the session of a refresh token; an unknown one has none."""
        at = current_call().at

        def end(connection: Connection) -> None:
            sessions = SqlSessions(connection, self._tables)
            found = sessions.refresh(secret_digest(token))
            if found is not None:
                sessions.end(found[1].id, at)

        await self._database.write(end)

    def _entrant(self, transaction: Transaction, territory: TerritoryId, claims: SubjectClaims) -> Entrant:
        """Return who comes in, and make that person the one whom the transaction's audit entries name."""
        asked, platform = self._books(transaction.connection, territory), self._books(transaction.connection, PLATFORM)
        try:
            entrant = recognise(asked, platform, claims)
            _acts(transaction, entrant.person, territory)
        except SubjectUnknown:
            if not self._door.admit_unknown:
                raise
            new_id = PersonId(str(uuid4()))
            _acts(transaction, new_id, territory)
            entrant = admit(asked, TransactionNews(transaction, territory), claims, transaction.at, new_id=new_id)
        return entrant

    def _caller(self, connection: Connection, entrant: Entrant, territory: TerritoryId, purpose: str, at: datetime) -> Caller:
        grants = token_grants(self._books(connection, territory), entrant, at)
        return Caller(subject=f"people/{entrant.person}", territory=territory, grants=tuple(map(_grant, grants)), purpose=purpose)

    def _signed(self, caller: Caller, refresh_token: str) -> Exchanged:
        token, signed = self._keys.sign(caller, current_call().at)
        return Exchanged(token=token, caller=signed, refresh_token=refresh_token)

    def _books(self, connection: Connection, territory: TerritoryId) -> SqlBooks:
        return SqlBooks(connection, self._tables, self._digests, territory)


def _acts(transaction: Transaction, person: PersonId, territory: TerritoryId) -> None:
    transaction.call = replace(transaction.call, caller=Caller(subject=f"people/{person}", territory=territory))


def _grant(grant: TokenGrant) -> Grant:
    return Grant(role=grant.role, place=grant.place, validity=grant.validity)


def _new_refresh_token() -> str:
    return secrets.token_urlsafe(_REFRESH_BYTES)
