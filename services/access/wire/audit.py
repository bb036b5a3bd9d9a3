"""Audit entries."""

from dataclasses import dataclass
from uuid import UUID

from access.domain.actor import NotPermitted
from access.domain.audit import AuditView, audit_view
from access.wire.names import person_from_proto, territory_from_proto
from access.wire.people import actor_from_call
from multiflux.access.v1 import access_service_pb2 as pb
from multiflux.access.v1 import audit_pb2
from runtime.audit import AuditEntry, Outcome
from runtime.call import Call
from vocabulary.failure import FieldViolation, InvalidRequest, invalid
from vocabulary.interval import Interval
from wire.instants import instant, instant_to_proto
from wire.intervals import interval_from_proto

MAX_ENTRIES = 1_000
_MAX_TEXT = 500

_OUTCOMES = {
    audit_pb2.AUDIT_OUTCOME_CHANGED: Outcome.CHANGED,
    audit_pb2.AUDIT_OUTCOME_REFUSED: Outcome.REFUSED,
    audit_pb2.AUDIT_OUTCOME_READ: Outcome.READ,
}
_NUMBERS = {outcome: number for number, outcome in _OUTCOMES.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditQuestion:
    """Which entries to list; None does not cut."""

    view: AuditView
    during: Interval | None
    outcome: Outcome | None


def audit_key(entry: AuditEntry) -> tuple[str, str]:
    """Return the key by which entries are sorted: when, and which."""
    return entry.at.isoformat(), entry.entry_id


def question_from_proto(request: pb.ListAuditEntriesRequest, call: Call) -> AuditQuestion:
    """Return which entries the caller asks for and may see; InvalidRequest, NotPermitted."""
    if request.subject:
        person_from_proto(request.subject, "subject")
    return AuditQuestion(
        view=audit_view(actor_from_call(call), call.territory, request.subject),
        during=interval_from_proto(request) if request.HasField("interval") else None,
        outcome=outcome_from_proto(request.outcome, "outcome") if request.outcome else None,
    )


def outcome_from_proto(number: audit_pb2.AuditOutcome.ValueType, field: str) -> Outcome:
    """Return the outcome; InvalidRequest names `field` when it is unspecified or unknown."""
    if number not in _OUTCOMES:
        raise invalid(field, f"{number} is unknown here" if number else "is required")
    return _OUTCOMES[number]


def entries_from_proto(request: pb.RecordAuditEntriesRequest, call: Call) -> list[AuditEntry]:
    """Return the entries to keep; InvalidRequest, NotPermitted."""
    if len(request.entries) > MAX_ENTRIES:
        raise invalid("entries", f"must be {MAX_ENTRIES} at most")
    entries = [_entry(sent, f"entries[{position}]") for position, sent in enumerate(request.entries)]
    if call.caller.territory is not None and any(entry.territory != call.caller.territory for entry in entries):
        raise NotPermitted("a service with a token for one territory records its entries only")
    return entries


def entry_to_proto(entry: AuditEntry) -> audit_pb2.AuditEntry:
    """Return the entry as the contract writes it."""
    return audit_pb2.AuditEntry(
        entry_id=entry.entry_id,
        occur_time=instant_to_proto(entry.at),
        actor=entry.actor,
        method=entry.action,
        outcome=_NUMBERS[entry.outcome],
        reason=entry.reason,
        resource=entry.resource,
        subject=entry.subject,
        correlation_id=entry.request_id,
    )


def _entry(sent: pb.TerritoryAuditEntry, path: str) -> AuditEntry:
    entry = sent.entry
    texts = {name: getattr(entry, name) for name in ("actor", "method", "reason", "resource", "subject", "correlation_id")}
    long = [
        FieldViolation(field=f"{path}.entry.{name}", description=f"must have {_MAX_TEXT} characters at most")
        for name, text in texts.items()
        if len(text) > _MAX_TEXT
    ]
    if long:
        raise InvalidRequest(*long)
    return AuditEntry(
        entry_id=_uuid(entry.entry_id, f"{path}.entry.entry_id"),
        at=instant(entry, "occur_time", within=f"{path}.entry"),
        territory=territory_from_proto(sent.territory, f"{path}.territory") if sent.territory else None,
        actor=entry.actor,
        action=entry.method,
        outcome=outcome_from_proto(entry.outcome, f"{path}.entry.outcome"),
        reason=entry.reason,
        resource=entry.resource,
        subject=entry.subject,
        request_id=entry.correlation_id,
        detail={},
    )


def _uuid(text: str, field: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise invalid(field, "must be a UUID") from None
