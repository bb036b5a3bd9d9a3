"""Events."""

from access.domain.consent import Consent
from access.domain.occupancy import Delegation, Occupancy
from access.wire.homes import consent_to_proto, delegation_to_proto, occupancy_to_proto
from multiflux.access.v1 import access_service_pb2 as pb
from multiflux.access.v1 import event_pb2
from runtime.outbox import Stored
from vocabulary.names import PersonId
from wire.instants import instant_to_proto


def person_changed(person: PersonId) -> event_pb2.Event:
    """Return the event of a person who changed."""
    return event_pb2.Event(person_changed=f"people/{person}")


def person_erased(person: PersonId) -> event_pb2.Event:
    """Return the event of a person who was erased."""
    return event_pb2.Event(person_erased=f"people/{person}")


def occupancy_changed(occupancy: Occupancy) -> event_pb2.Event:
    """Return the event of an occupancy that began, changed or ended."""
    return event_pb2.Event(occupancy_changed=occupancy_to_proto(occupancy))


def delegation_changed(delegation: Delegation) -> event_pb2.Event:
    """Return the event of a delegation that began, changed or ended."""
    return event_pb2.Event(delegation_changed=delegation_to_proto(delegation))


def delegation_removed(delegation: Delegation) -> event_pb2.Event:
    """Return the event of a delegation that was taken back before it began."""
    return event_pb2.Event(delegation_removed=f"delegations/{delegation.id}")


def consent_changed(consent: Consent) -> event_pb2.Event:
    """Return the event of a consent that was given, cut or withdrawn."""
    return event_pb2.Event(consent_changed=consent_to_proto(consent))


def event_to_proto(stored: Stored) -> pb.WatchEventsResponse:
    """Return a kept event with what the outbox knows of it."""
    event = event_pb2.Event.FromString(stored.payload)
    event.event_id = stored.event_id
    event.territory = f"territories/{stored.territory}"
    event.occur_time.CopyFrom(instant_to_proto(stored.occurred))
    return pb.WatchEventsResponse(event=event, cursor=stored.cursor)
