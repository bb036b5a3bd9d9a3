"""The audit log and the events."""

from collections.abc import AsyncGenerator

from access.servicer.desk import Context, Methods
from access.wire import audit, events
from multiflux.access.v1 import access_service_pb2 as pb
from runtime.call import current_call
from runtime.pages import page


class LogMethods(Methods):
    """The audit log and the events."""

    async def ListAuditEntries(self, request: pb.ListAuditEntriesRequest, context: Context) -> pb.ListAuditEntriesResponse:
        """List audit entries, newest first."""
        del context
        asked, call = page(request, default_size=50), current_call()
        rows = await self._tools.trail.page(call.territory, audit.question_from_proto(request, call), asked.after, asked.size + 1)
        shown, token = asked.cut(rows, audit.audit_key)
        return pb.ListAuditEntriesResponse(entries=map(audit.entry_to_proto, shown), next_page_token=token)

    async def RecordAuditEntries(self, request: pb.RecordAuditEntriesRequest, context: Context) -> pb.RecordAuditEntriesResponse:
        """Keep the audit entries of another service."""
        del context
        return pb.RecordAuditEntriesResponse(recorded_count=await self._tools.trail.keep(audit.entries_from_proto(request, current_call())))

    async def WatchEvents(self, request: pb.WatchEventsRequest, context: Context) -> AsyncGenerator[pb.WatchEventsResponse]:
        """Stream events from a cursor on."""
        del context
        async for stored in self._tools.outbox.watch(request.cursor, current_call().caller.territory):
            yield events.event_to_proto(stored)
