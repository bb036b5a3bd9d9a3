"""The audit log: every change made and every call refused, for the person concerned to read."""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Protocol
from uuid import uuid4

from sqlalchemy import Connection, Row, delete, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from runtime.call import Call
from runtime.relational import Database
from runtime.tables import RuntimeTables
from vocabulary.failure import Failure
from vocabulary.names import TerritoryId

_log = logging.getLogger(__name__)

_BATCH = 500
_IDLE_S = 1.0
_PAUSE_S = 10.0


class Outcome(Enum):
    """How the audited call ended."""

    CHANGED = "changed"
    REFUSED = "refused"
    READ = "read"
    """Somebody else than the subject read its records."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEntry:
    """One thing done or refused: who (`actor`) called what (`action`), on which resource, concerning which person (`subject`)."""

    entry_id: str
    at: datetime
    territory: TerritoryId | None
    actor: str
    action: str
    outcome: Outcome
    reason: str
    resource: str
    subject: str
    request_id: str
    detail: Mapping[str, str]


def entry_for(call: Call, outcome: Outcome, *, resource: str, reason: str = "", subject: str = "", detail: Mapping[str, str]) -> AuditEntry:
    """Return a new entry about `call`."""
    return AuditEntry(
        entry_id=str(uuid4()),
        at=call.at,
        territory=call.caller.territory,
        actor=call.caller.subject,
        action=call.method,
        outcome=outcome,
        reason=reason,
        resource=resource,
        subject=subject,
        request_id=call.request_id,
        detail=detail,
    )


def keep_entries(connection: Connection, tables: RuntimeTables, entries: Sequence[AuditEntry]) -> None:
    """Keep the entries that are not kept yet, known by their id."""
    if not entries:
        return
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    connection.execute(insert(tables.audit_entry).on_conflict_do_nothing(), [_columns(entry) for entry in entries])


def audit_entry_from_row(row: Row[Any]) -> AuditEntry:
    """Return the entry in a row of `audit_entry`."""
    return AuditEntry(
        entry_id=row.entry_id,
        at=row.at,
        territory=None if row.territory is None else TerritoryId(row.territory),
        actor=row.actor,
        action=row.action,
        outcome=Outcome(row.outcome),
        reason=row.reason,
        resource=row.resource,
        subject=row.subject,
        request_id=row.request_id,
        detail=json.loads(row.detail),
    )


class AuditLog:
    """Keeps refused calls in the service's own database."""

    def __init__(self, database: Database, tables: RuntimeTables) -> None:
        """Keep them in `tables.audit_entry`."""
        self._database = database
        self._tables = tables

    async def refused(self, call: Call, failure: Failure, resource: str) -> None:
        """Keep that `call` was refused; a database that is busy loses the entry to the log, not the answer to the caller."""
        entry = entry_for(call, Outcome.REFUSED, resource=resource, reason=failure.reason, detail={})
        try:
            await self._database.write(lambda connection: keep_entries(connection, self._tables, [entry]))
        except Failure as busy:
            _log.error("refusal not kept", extra={"reason": busy.reason, "refused": failure.reason, "method": call.method})


class AuditSink(Protocol):
    """Where entries go to stay: the access service."""

    async def keep(self, entries: Sequence[AuditEntry]) -> None:
        """Keep the entries, those that are known already once; raises when they may not be kept."""
        ...


class AuditForwarder:
    """Ships a service's entries to the sink, at least once, and deletes here what is kept there."""

    def __init__(self, database: Database, tables: RuntimeTables, sink: AuditSink, *, away: tuple[type[Exception], ...] = ()) -> None:
        """Ship from `tables.audit_entry` to `sink`; `away` is how it fails, besides Failure, when asking again later may help."""
        self._away = (*away, Failure)
        self._database = database
        self._table = tables.audit_entry
        self._sink = sink

    async def run(self) -> None:
        """Ship until cancelled; a sink that is away is asked again later."""
        while True:
            try:
                shipped = await self.ship()
            except self._away as error:
                _log.warning("audit entries wait", extra={"reason": getattr(error, "reason", type(error).__name__)})
                await asyncio.sleep(_PAUSE_S)
            else:
                if shipped < _BATCH:
                    await asyncio.sleep(_IDLE_S)

    async def ship(self) -> int:
        """Ship one batch and return its size; the sink raises a Failure when it is away."""
        entries = await self._database.read_aside(self._oldest)
        if entries:
            await self._sink.keep(entries)
            kept = [entry.entry_id for entry in entries]
            await self._database.write(lambda connection: connection.execute(delete(self._table).where(self._table.c.entry_id.in_(kept))))
        return len(entries)

    def _oldest(self, connection: Connection) -> list[AuditEntry]:
        rows = connection.execute(select(self._table).order_by(self._table.c.at, self._table.c.entry_id).limit(_BATCH))
        return [audit_entry_from_row(row) for row in rows]


def _columns(entry: AuditEntry) -> dict[str, object]:
    return {**asdict(entry), "outcome": entry.outcome.value, "detail": json.dumps(dict(entry.detail), ensure_ascii=False)}
