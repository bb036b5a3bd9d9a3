"""Erasing a person from every table, and remembering that without its name."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Table, delete, func, or_, select, update

from access.adapters.digests import Digests
from access.adapters.people import SqlPeople
from access.adapters.tables import AccessTables
from access.domain.ids import ERASED
from runtime.audit import AuditEntry
from vocabulary.failure import Failure
from vocabulary.names import PersonId, TerritoryId, person_id

_PEOPLE = "people/"
_TOKENS_LIVE = timedelta(minutes=15)
"""Longer than any internal token: until then, calls that an erased person still makes may be refused, and audited under its name."""


class SqlErasures:
    """Who was erased in one territory, inside one transaction."""

    def __init__(self, connection: Connection, tables: AccessTables, territory: TerritoryId, digests: Digests) -> None:
        """Read and write with `connection`."""
        self._connection = connection
        self._tables = tables
        self._territory = territory
        self._digests = digests

    def covers(self, person: PersonId) -> bool:
        """Tell whether a person of this id was erased."""
        table = self._tables.erasure
        digest = self._digests.erased(self._territory, person)
        query = select(table.c.receipt).where(table.c.territory == self._territory, table.c.person_digest == digest)
        return self._connection.execute(query).one_or_none() is not None

    def erase(self, person: PersonId, receipt: str, at: datetime) -> None:
        """Delete everything that is kept of the person, put `people/erased` into the audit log, and keep a receipt."""
        SqlPeople(self._connection, self._tables, self._territory).remove(person)
        self._delete_records(person)
        self._delete_copies(person)
        _rename(self._connection, self._tables, self._territory, person)
        digest = self._digests.erased(self._territory, person)
        self._connection.execute(
            self._tables.erasure.insert(), {"territory": self._territory, "person_digest": digest, "receipt": receipt, "erased": at}
        )

    def without_erased(self, entries: Iterable[AuditEntry]) -> list[AuditEntry]:
        """Return the entries with `people/erased` in place of whoever was erased."""
        erased: dict[str, bool] = {}

        def name(text: str) -> str:
            if text not in erased:
                erased[text] = self.names_erased(text)
            return ERASED if erased[text] else text

        return [replace(entry, actor=name(entry.actor), subject=name(entry.subject), resource=name(entry.resource)) for entry in entries]

    def names_erased(self, name: str) -> bool:
        """Tell whether `name`, as it stands in an audit entry, is that of an erased person."""
        if not name.startswith(_PEOPLE):
            return False
        try:
            return self.covers(person_id(name))
        except Failure:
            return False

    def _delete_records(self, person: PersonId) -> None:
        grant, occupancy, delegation = self._tables.role_grant, self._tables.occupancy, self._tables.delegation
        self._delete(grant, grant.c.person == person)
        self._delete(delegation, or_(delegation.c.giver == person, delegation.c.receiver == person))
        for table in (occupancy, self._tables.consent, self._tables.code_try):
            self._delete(table, table.c.person == person)

    def _delete_copies(self, person: PersonId) -> None:
        """Delete answers and events that name the person: both are messages, in which a name stands after its length."""
        name = f"{_PEOPLE}{person}".encode()
        needle = bytes([len(name)]) + name
        answered, outbox = self._tables.runtime.answered_request, self._tables.runtime.outbox
        self._connection.execute(delete(answered).where(self._holds(answered.c.response, needle)))
        self._delete(outbox, self._holds(outbox.c.payload, needle))

    def _delete(self, table: Table, condition: ColumnElement[bool]) -> None:
        self._connection.execute(delete(table).where(table.c.territory == self._territory, condition))

    def _holds(self, column: ColumnElement[bytes], needle: bytes) -> ColumnElement[bool]:
        place = func.instr if self._connection.dialect.name == "sqlite" else func.pg_catalog.position
        return place(column, needle) > 0


def sweep(connection: Connection, tables: AccessTables, digests: Digests, at: datetime) -> int:
    """Put `people/erased` into audit entries that came in under the name of somebody just erased; return how many names."""
    erasure, audit = tables.erasure, tables.runtime.audit_entry
    since = at - _TOKENS_LIVE
    swept = 0
    for territory in connection.execute(select(erasure.c.territory).where(erasure.c.erased > since).distinct()).scalars().all():
        erasures = SqlErasures(connection, tables, TerritoryId(territory), digests)
        recent = select(audit.c.actor, audit.c.subject, audit.c.resource).where(audit.c.territory == territory, audit.c.at > since)
        names = {name for row in connection.execute(recent) for name in row if name.startswith(_PEOPLE) and name != ERASED}
        erased = [name for name in names if erasures.names_erased(name)]
        for name in erased:
            _rename(connection, tables, TerritoryId(territory), person_id(name))
        swept += len(erased)
    return swept


def _rename(connection: Connection, tables: AccessTables, territory: TerritoryId, person: PersonId) -> None:
    audit = tables.runtime.audit_entry
    for column in (audit.c.actor, audit.c.subject, audit.c.resource):
        connection.execute(
            update(audit).where(audit.c.territory == territory, column == f"{_PEOPLE}{person}").values({column.name: ERASED})
        )
