"""Where lighting's audit entries go to stay: the access service."""

from collections.abc import Callable, Sequence

from multiflux_client.access import AccessClient
from multiflux_client.failures import RemoteFailure
from multiflux_client.people import AuditEntry as KeptEntry
from multiflux_client.people import AuditOutcome, TerritoryAuditEntry
from runtime.audit import AuditEntry, Outcome
from vocabulary.failure import Failure, Kind


class AuditSinkAway(Failure):
    """The access service does not take entries now; they wait here."""

    reason, kind = "AUDIT_SINK_AWAY", Kind.BUSY


class AccessAudit:
    """The audit log of the installation."""

    def __init__(self, client: Callable[[], AccessClient]) -> None:
        """Ask for the client at each batch: the secret it signs in with may be made after this service started."""
        self._client = client

    async def keep(self, entries: Sequence[AuditEntry]) -> None:
        """Keep the entries; AuditSinkAway."""
        try:
            await self._client().record_audit_entries([_kept_entry(entry) for entry in entries])
        except (RemoteFailure, OSError) as failure:
            raise AuditSinkAway("the access service takes no audit entries now") from failure


def _kept_entry(entry: AuditEntry) -> TerritoryAuditEntry:
    outcome = AuditOutcome.CHANGED if entry.outcome is Outcome.CHANGED else AuditOutcome.REFUSED
    return TerritoryAuditEntry(
        territory=entry.territory,
        entry=KeptEntry(
            entry_id=entry.entry_id,
            occur_time=entry.at,
            actor=entry.actor,
            method=entry.action,
            outcome=outcome,
            reason=entry.reason,
            resource=entry.resource,
            subject=entry.subject,
            correlation_id=entry.request_id,
        ),
    )
