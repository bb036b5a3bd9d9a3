"""How a service's audit entries go to stay: to the access service, signed in as soon as that has made the service's secret."""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Protocol

from multiflux_client.access import AccessClient, ServiceSecret
from multiflux_client.channel import Connection
from multiflux_client.credentials import ServiceIdentity
from multiflux_client.failures import RemoteFailure
from multiflux_client.people import AuditEntry, AuditOutcome, TerritoryAuditEntry
from vocabulary.failure import Failure, Kind
from vocabulary.names import TerritoryId


class KeptHere(Protocol):
    """An audit entry as a service keeps it until access has it."""

    @property
    def entry_id(self) -> str:
        """Its id."""
        ...

    @property
    def territory(self) -> TerritoryId | None:
        """Where it happened."""
        ...

    @property
    def at(self) -> datetime:
        """When."""
        ...

    @property
    def actor(self) -> str:
        """Who did it."""
        ...

    @property
    def action(self) -> str:
        """The method."""
        ...

    @property
    def outcome(self) -> Enum:
        """CHANGED or REFUSED."""
        ...

    @property
    def reason(self) -> str:
        """Why it was refused."""
        ...

    @property
    def resource(self) -> str:
        """What it was about."""
        ...

    @property
    def subject(self) -> str:
        """Whom it concerns."""
        ...

    @property
    def request_id(self) -> str:
        """The call."""
        ...


class AuditSinkAway(Failure):
    """The access service does not take entries now; they wait here."""

    reason, kind = "AUDIT_SINK_AWAY", Kind.BUSY


class AccessAudit:
    """The audit log of the installation."""

    def __init__(self, client: Callable[[], AccessClient]) -> None:
        """Ask for the client at each batch: the secret it signs in with may be made after this service started."""
        self._client = client

    async def keep(self, entries: Sequence[KeptHere]) -> None:
        """Keep the entries; AuditSinkAway."""
        try:
            await self._client().record_audit_entries([_kept_entry(entry) for entry in entries])
        except (RemoteFailure, OSError) as failure:
            raise AuditSinkAway("the access service takes no audit entries now") from failure


class ServiceSignIn:
    """A service of this installation, signed in at access as soon as that has made its secret."""

    def __init__(self, service: str, connection: Connection, secret_file: Path) -> None:
        """Sign in over `connection` with what `secret_file` holds when it is first needed."""
        self._service = service
        self._connection = connection
        self._secret_file = secret_file
        self._identity: ServiceIdentity | None = None

    def identity(self) -> ServiceIdentity:
        """Return the service as a caller; OSError when there is no secret yet."""
        if self._identity is None:
            secret = ServiceSecret(service=self._service, secret=self._secret_file.read_text().strip())
            self._identity = ServiceIdentity(AccessClient(self._connection), secret)
        return self._identity

    def access(self) -> AccessClient:
        """Return access as this service calls it; OSError when there is no secret yet."""
        return AccessClient(self._connection.with_tokens(self.identity().tokens(None)))


def _kept_entry(entry: KeptHere) -> TerritoryAuditEntry:
    return TerritoryAuditEntry(
        territory=entry.territory,
        entry=AuditEntry(
            entry_id=entry.entry_id,
            occur_time=entry.at,
            actor=entry.actor,
            method=entry.action,
            outcome=AuditOutcome[entry.outcome.name],
            reason=entry.reason,
            resource=entry.resource,
            subject=entry.subject,
            correlation_id=entry.request_id,
        ),
    )
