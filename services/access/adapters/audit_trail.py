"""The audit log of the installation: what this service audits, and what the others send."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from access.adapters.digests import Digests
from access.adapters.erasures import SqlErasures, sweep
from access.adapters.tables import AccessTables
from access.wire.audit import AuditQuestion
from runtime.audit import AuditEntry, audit_entry_from_row, keep_entries
from runtime.clock import Clock
from runtime.relational import Database
from vocabulary.names import TerritoryId


class AuditTrail:
    """Keeps and lists audit entries."""

    def __init__(self, database: Database, tables: AccessTables, digests: Digests, clock: Clock) -> None:
        """Keep them in the runtime's own table."""
        self._database = database
        self._tables = tables
        self._table = tables.runtime.audit_entry
        self._digests = digests
        self._clock = clock

    async def keep(self, entries: list[AuditEntry]) -> int:
        """Keep entries of other services, without the names of who was erased; return how many were new."""
        return await self._database.write(lambda connection: self._keep(connection, entries))

    async def page(self, territory: TerritoryId, question: AuditQuestion, after: tuple[str, ...], limit: int) -> list[AuditEntry]:
        """Return entries of the territory, newest first, after the one with the key `after` (`audit_key`)."""
        table = self._table
        query = select(table).where(*self._conditions(territory, question), *self._older(after))
        query = query.order_by(table.c.at.desc(), table.c.entry_id.desc()).limit(limit)
        return await self._database.read(lambda connection: [audit_entry_from_row(row) for row in connection.execute(query)])

    async def sweep(self) -> int:
        """Rename whoever was erased a moment ago in entries that came in since."""
        now = self._clock.now()
        return await self._database.write(lambda connection: sweep(connection, self._tables, self._digests, now))

    def _keep(self, connection: Connection, entries: list[AuditEntry]) -> int:
        table = self._table
        ids = [entry.entry_id for entry in entries]
        known = set(connection.execute(select(table.c.entry_id).where(table.c.entry_id.in_(ids))).scalars())
        keep_entries(connection, self._tables.runtime, self._without_erased(connection, entries))
        return len(set(ids) - known)

    def _without_erased(self, connection: Connection, entries: list[AuditEntry]) -> list[AuditEntry]:
        kept = [entry for entry in entries if entry.territory is None]
        by_territory: dict[TerritoryId, list[AuditEntry]] = {}
        for entry in entries:
            if entry.territory is not None:
                by_territory.setdefault(entry.territory, []).append(entry)
        for territory, of_territory in by_territory.items():
            kept += SqlErasures(connection, self._tables, territory, self._digests).without_erased(of_territory)
        return kept

    def _conditions(self, territory: TerritoryId, question: AuditQuestion) -> list[ColumnElement[bool]]:
        column, view = self._table.c, question.view
        conditions: list[ColumnElement[bool]] = [column.territory == territory]
        if view.nowhere:
            conditions = [or_(column.territory == territory, column.territory.is_(None))]
        if view.concerning:
            conditions.append(or_(column.subject == view.concerning, column.actor == view.concerning))
        if view.subject:
            conditions.append(column.subject == view.subject)
        if question.during is not None:
            conditions.append(and_(column.at >= question.during.start, column.at < question.during.end))
        if question.outcome is not None:
            conditions.append(column.outcome == question.outcome.value)
        return conditions

    def _older(self, after: tuple[str, ...]) -> list[ColumnElement[bool]]:
        if not after:
            return []
        at, entry_id = after
        column, since = self._table.c, datetime.fromisoformat(at)
        return [or_(column.at < since, and_(column.at == since, column.entry_id < entry_id))]
