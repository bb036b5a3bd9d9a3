"""Changes: the effect, its events, its audit entry and its answer in one transaction, once per request id."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol, TypeVar, cast
from uuid import UUID

from google.protobuf.message import Message
from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import IntegrityError

from runtime.audit import AuditEntry, Outcome, entry_for, keep_entries
from runtime.call import Call, current_call
from runtime.clock import Clock
from runtime.outbox import Outbox, Pending
from runtime.relational import Database, Overtaken
from runtime.tables import RuntimeTables
from vocabulary.failure import Failure, Kind, invalid
from vocabulary.names import TerritoryId

M = TypeVar("M", bound=Message)
T = TypeVar("T")

_SEVEN_DAYS = timedelta(days=7)


class _Change(Protocol):
    """Every request of a method that changes something."""

    request_id: str


class RequestIdReused(Failure):
    """Another request came with the same id."""

    reason, kind = "REQUEST_ID_REUSED", Kind.CONFLICT


@dataclass(slots=True)
class Transaction:
    """A change under way: its connection, the call that asked for it, and what will be told about it."""

    connection: Connection
    call: Call
    pending: list[Pending] = field(default_factory=list[Pending])
    entries: list[AuditEntry] = field(default_factory=list[AuditEntry])

    @property
    def at(self) -> datetime:
        """When the change was asked for, in UTC."""
        return self.call.at

    def publish(self, event: Message, *, territory: TerritoryId) -> None:
        """Publish `event` when the transaction commits."""
        self.pending.append(Pending(event=event, territory=territory))

    def audit(self, *, resource: str, subject: str = "", **detail: str) -> None:
        """Keep in the audit log that `resource` was changed, and which person (`people/x`) that concerns."""
        self.entries.append(entry_for(self.call, Outcome.CHANGED, resource=resource, subject=subject, detail=detail))


class Changes:
    """The one way to change a service's database on request."""

    def __init__(
        self, database: Database, tables: RuntimeTables, outbox: Outbox, clock: Clock, *, retention: timedelta = _SEVEN_DAYS
    ) -> None:
        """Keep answers for `retention`."""
        self._database = database
        self._tables = tables
        self._outbox = outbox
        self._clock = clock
        self._retention = retention

    async def __call__(
        self, request: Message, work: Callable[[Transaction], M], response: type[M], *, kept: Callable[[M], M] | None = None
    ) -> M:
        """Do `work` and return its response; a request that was answered before gets the same answer, and nothing is done again.

        `work` raises failures freely: then nothing is kept. `kept` returns what may be stored of a response that carries a secret.
        Raises InvalidRequest when `request.request_id` is no UUID, RequestIdReused.
        """
        request_id = _request_id(request)
        fingerprint = _fingerprint(request, current_call())

        def change(connection: Connection) -> M:
            stored = self._answer(connection, request_id, fingerprint)
            if stored is not None:
                return response.FromString(stored)
            transaction = Transaction(connection, current_call())
            answer = work(transaction)
            self._keep_answer(transaction, request_id, fingerprint, kept(answer) if kept else answer)
            self._finish(transaction)
            return answer

        answer = await self._database.write(change)
        self._outbox.wake()
        return answer

    async def elsewhere(
        self, request: Message, work: Callable[[], Awaitable[M]], response: type[M], *, resource: str = "", **detail: str
    ) -> M:
        """Do `work` that keeps its effects in another store, then keep its answer and an audit entry about `resource`, as for a change.

        A process that ends between the two does the work again when it is asked again: it must be safe to repeat.
        Raises InvalidRequest when `request.request_id` is no UUID, RequestIdReused.
        """
        request_id = _request_id(request)
        fingerprint = _fingerprint(request, current_call())
        stored = await self._database.read(lambda connection: self._answer(connection, request_id, fingerprint))
        if stored is not None:
            return response.FromString(stored)
        answer = await work()

        def keep(connection: Connection) -> M:
            earlier = self._answer(connection, request_id, fingerprint)
            if earlier is not None:
                return response.FromString(earlier)
            transaction = Transaction(connection, current_call())
            transaction.audit(resource=resource, **detail)
            self._keep_answer(transaction, request_id, fingerprint, answer)
            self._finish(transaction)
            return answer

        return await self._database.write(keep)

    async def unasked(self, work: Callable[[Transaction], T]) -> T:
        """Do `work` that no request asked for (a first start, an expiry), under `acting_as`: as a change, without a request id."""

        def change(connection: Connection) -> T:
            transaction = Transaction(connection, current_call())
            result = work(transaction)
            self._finish(transaction)
            return result

        result = await self._database.write(change)
        self._outbox.wake()
        return result

    async def trim(self) -> int:
        """Forget answers older than the retention; return how many."""
        table = self._tables.answered_request
        old = delete(table).where(table.c.answered < self._clock.now() - self._retention)
        return await self._database.write(lambda connection: connection.execute(old).rowcount)

    def _answer(self, connection: Connection, request_id: str, fingerprint: bytes) -> bytes | None:
        table = self._tables.answered_request
        row = connection.execute(select(table).where(table.c.request_id == request_id)).one_or_none()
        if row is None:
            return None
        if row.fingerprint != fingerprint:
            raise RequestIdReused(f"request id {request_id} belongs to another request", request_id=request_id)
        return row.response

    def _keep_answer(self, transaction: Transaction, request_id: str, fingerprint: bytes, answer: Message) -> None:
        row = {
            "request_id": request_id,
            "fingerprint": fingerprint,
            "response": answer.SerializeToString(),
            "answered": self._clock.now(),
        }
        try:
            transaction.connection.execute(self._tables.answered_request.insert(), row)
        except IntegrityError as error:
            # The same request, sent twice at once: the other one was faster, and its answer is there now.
            raise Overtaken from error

    def _finish(self, transaction: Transaction) -> None:
        if not transaction.entries:
            transaction.audit(resource="")
        keep_entries(transaction.connection, self._tables, transaction.entries)
        self._outbox.append(transaction.connection, transaction.pending)


def _request_id(request: Message) -> str:
    try:
        return str(UUID(cast("_Change", request).request_id))
    except ValueError:
        raise invalid("request_id", "must be a UUID") from None


def _fingerprint(request: Message, call: Call) -> bytes:
    """Return what makes two requests the same: caller, territory, method and every field."""
    digest = sha256("\0".join((call.caller.subject, call.caller.territory or "", call.method)).encode())
    digest.update(b"\0" + request.SerializeToString(deterministic=True))
    return digest.digest()
