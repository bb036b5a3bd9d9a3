"""Events of what happens in the field, which no call asked for."""

from uuid import uuid4

from multiflux.lighting.v1 import lighting_event_pb2
from runtime.clock import Clock
from runtime.outbox import Pending
from vocabulary.names import TerritoryId
from wire.instants import instant_to_proto


def told(territory: TerritoryId, change: lighting_event_pb2.LightingChange.ValueType, resource: str, clock: Clock) -> Pending:
    """Return the event that something of a territory changed now."""
    event = lighting_event_pb2.LightingEvent(
        event_id=str(uuid4()),
        territory=f"territories/{territory}",
        occur_time=instant_to_proto(clock.now()),
        change=change,
        resource=resource,
    )
    return Pending(event=event, territory=territory)
