"""Tells what changed: events for the outbox, and entries for the audit log, of one transaction."""

from collections.abc import Generator
from contextlib import contextmanager

from google.protobuf.message import Message
from sqlalchemy import Connection

from access.adapters.tables import AccessTables
from access.domain.consent import Consent
from access.domain.ids import ERASED
from access.domain.occupancy import Delegation, Occupancy
from access.wire import events
from runtime.audit import keep_entries
from runtime.call import Call
from runtime.changes import Transaction
from runtime.outbox import Outbox
from vocabulary.names import PersonId, TerritoryId


class TransactionNews:
    """The news of one transaction about one territory."""

    def __init__(self, transaction: Transaction, territory: TerritoryId) -> None:
        """Publish when `transaction` commits."""
        self._transaction = transaction
        self._territory = territory

    def person_changed(self, person: PersonId, *, resource: str) -> None:
        """The person, or what it may do, changed; `resource` is what exactly."""
        self._tell(events.person_changed(person), resource, f"people/{person}")

    def person_erased(self, person: PersonId) -> None:
        """All about the person is gone."""
        self._tell(events.person_erased(person), ERASED, ERASED)

    def occupancy_changed(self, occupancy: Occupancy) -> None:
        """The occupancy began, changed or ended."""
        self._tell(events.occupancy_changed(occupancy), f"occupancies/{occupancy.id}", f"people/{occupancy.person}")

    def delegation_changed(self, delegation: Delegation) -> None:
        """The delegation began, changed or ended."""
        self._tell(events.delegation_changed(delegation), f"delegations/{delegation.id}", f"people/{delegation.giver}")
        self._transaction.audit(resource=f"delegations/{delegation.id}", subject=f"people/{delegation.receiver}")

    def delegation_removed(self, delegation: Delegation) -> None:
        """The delegation was taken back before it began."""
        self._tell(events.delegation_removed(delegation), f"delegations/{delegation.id}", f"people/{delegation.giver}")
        self._transaction.audit(resource=f"delegations/{delegation.id}", subject=f"people/{delegation.receiver}")

    def consent_changed(self, consent: Consent) -> None:
        """The consent was given, cut or withdrawn."""
        self._tell(events.consent_changed(consent), f"consents/{consent.id}", f"people/{consent.person}")

    def noted(self, *, resource: str) -> None:
        """Something changed that only the audit log tells."""
        self._transaction.audit(resource=resource)

    def _tell(self, event: Message, resource: str, subject: str) -> None:
        self._transaction.publish(event, territory=self._territory)
        self._transaction.audit(resource=resource, subject=subject)


@contextmanager
def telling(connection: Connection, tables: AccessTables, outbox: Outbox, call: Call) -> Generator[Transaction]:
    """Yield a transaction for a change that no request asked for: what the block tells is kept with the connection's own transaction."""
    transaction = Transaction(connection, call)
    yield transaction
    keep_entries(connection, tables.runtime, transaction.entries)
    outbox.append(connection, transaction.pending)
