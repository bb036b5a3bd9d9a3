"""Watching what happens in the registry."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from metering.registry_servicer.desk import Context, Methods
from metering.wire.registry_events import delivered_event
from multiflux.metering.v1 import registry_event_pb2
from multiflux.metering.v1 import registry_service_pb2 as pb
from runtime.call import current_call

_TYPE = registry_event_pb2.RegistryEvent.DESCRIPTOR.full_name


class EventMethods(Methods):
    """The registry's events."""

    async def WatchRegistryEvents(  # noqa: N802
        self, request: pb.WatchRegistryEventsRequest, context: Context
    ) -> AsyncGenerator[pb.WatchRegistryEventsResponse]:
        """Stream events: of the territory of the caller's token, or of all where it names none."""
        del context
        async with aclosing(self._tools.outbox.watch(request.cursor, current_call().caller.territory)) as stored:
            async for event in stored:
                if event.type_name == _TYPE:
                    delivered = delivered_event(event.payload, event.event_id, event.territory, event.occurred)
                    yield pb.WatchRegistryEventsResponse(event=delivered, cursor=event.cursor)
