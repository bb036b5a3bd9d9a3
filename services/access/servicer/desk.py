"""What the methods share: the books, the news and the caller of one request, inside one transaction."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol, TypeVar

import grpc
from google.protobuf.message import Message
from joserfc.jwk import OKPKey
from sqlalchemy import Connection

from access.domain.actor import Actor
from access.domain.ports import Books, News
from access.wire.audit import AuditQuestion
from access.wire.entry import Exchanged
from access.wire.people import actor_from_call
from runtime.audit import AuditEntry
from runtime.call import current_call
from runtime.changes import Changes, Transaction
from runtime.outbox import Outbox
from runtime.relational import Database
from vocabulary.names import PersonId, TerritoryId

M = TypeVar("M", bound=Message)
T = TypeVar("T")

Context = grpc.aio.ServicerContext[Any, Any]


class Exchange(Protocol):
    """Turns credentials into internal tokens."""

    async def of_subject(self, token: str, territory: TerritoryId, purpose: str) -> Exchanged:
        """Exchange an ID token."""
        ...

    async def of_refresh(self, token: str, territory: TerritoryId, purpose: str) -> Exchanged:
        """Exchange a refresh token."""
        ...

    def of_service(self, service: str, secret: str, territory: TerritoryId | None, purpose: str) -> Exchanged:
        """Exchange a service's secret."""
        ...

    def is_service(self, service: str, secret: str) -> bool:
        """Tell whether the secret is that of a service of this installation."""
        ...

    async def sign_in_locally(self, person: PersonId, territory: TerritoryId, *, from_inside: bool) -> str:
        """Return a subject token of the local issuer."""
        ...

    async def sign_out(self, token: str) -> None:
        """End the session of a refresh token."""
        ...


class Keys(Protocol):
    """The keys that sign internal tokens."""

    def jwks_json(self) -> str:
        """Return the public keys as a JSON Web Key Set."""
        ...

    def proposed(self) -> AbstractAsyncContextManager[OKPKey]:
        """Yield a new key for the block to rotate to."""
        ...

    def rotate(self, connection: Connection, key: OKPKey, at: datetime) -> datetime:
        """Make `key` the newest one; return when the former stops verifying."""
        ...


class Tries(Protocol):
    """The wrong codes that people tried."""

    def one_more(self, territory: TerritoryId, person: str, at: datetime) -> AbstractAsyncContextManager[None]:
        """Let the block try one code."""
        ...


class Trail(Protocol):
    """The audit log."""

    async def keep(self, entries: list[AuditEntry]) -> int:
        """Keep entries of other services; return how many were new."""
        ...

    async def page(self, territory: TerritoryId, question: AuditQuestion, after: tuple[str, ...], limit: int) -> list[AuditEntry]:
        """Return entries of the territory, newest first."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """What the service's methods work with."""

    database: Database
    changes: Changes
    outbox: Outbox
    books: Callable[[Connection, TerritoryId], Books]
    news: Callable[[Transaction, TerritoryId], News]
    exchange: Exchange
    keys: Keys
    tries: Tries
    trail: Trail
    code_digest: Callable[[TerritoryId, str], bytes]
    code_lifetime: timedelta


class Desk(NamedTuple):
    """One request's books, news and caller: the first arguments of every rule that changes something."""

    books: Books
    news: News
    actor: Actor


class Methods:
    """Runs rules at a desk."""

    def __init__(self, tools: Tools) -> None:
        """Work with `tools`."""
        self._tools = tools

    async def _change(self, request: Message, rule: Callable[[Desk], M], response: type[M], *, kept: Callable[[M], M] | None = None) -> M:
        """Let `rule` change something once per request id; `kept` is what may be stored of the response."""

        def work(transaction: Transaction) -> M:
            territory = transaction.call.territory
            books, news = self._tools.books(transaction.connection, territory), self._tools.news(transaction, territory)
            return rule(Desk(books=books, news=news, actor=actor_from_call(transaction.call)))

        return await self._tools.changes(request, work, response, kept=kept)

    async def _read(self, question: Callable[[Books], T]) -> T:
        """Ask the books of the caller's territory."""
        territory = current_call().territory
        return await self._tools.database.read(lambda connection: question(self._tools.books(connection, territory)))
