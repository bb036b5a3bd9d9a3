"""Commands above the plan, and the events of lighting."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Any
from uuid import uuid4

from google.protobuf.message import Message

from lighting.domain.commanding import ended, given
from lighting.domain.commands import Command, CommandKind, Scope
from lighting.domain.editing import found
from lighting.domain.levels import CommandId
from lighting.domain.ports import Records, Shelf
from lighting.servicer.desk import Context, Methods, View, told
from lighting.servicer.progress import Progress, progress_of
from lighting.wire.records import id_from_proto, record_from_proto, record_to_proto
from multiflux.lighting.v1 import command_pb2, field_pb2, lighting_event_pb2
from multiflux.lighting.v1 import lighting_service_pb2 as pb
from runtime.call import current_call
from runtime.changes import Transaction
from runtime.pages import page
from wire.instants import optional_instant

_COMMAND = lighting_event_pb2.LIGHTING_CHANGE_COMMAND


class CommandMethods(Methods):
    """Commands."""

    async def OverrideLevel(self, request: pb.OverrideLevelRequest, context: Context) -> pb.OverrideLevelResponse:
        """Set a level above the plan."""
        del context
        times = optional_instant(request, "start_time"), optional_instant(request, "until_time")
        return await self._give(CommandKind.OVERRIDE, request, pb.OverrideLevelResponse, request.level_percent, times)

    async def DeclareEmergency(self, request: pb.DeclareEmergencyRequest, context: Context) -> pb.DeclareEmergencyResponse:
        """Light by emergency."""
        del context
        return await self._give(CommandKind.EMERGENCY, request, pb.DeclareEmergencyResponse, request.level_percent, (None, None))

    async def LockOut(self, request: pb.LockOutRequest, context: Context) -> pb.LockOutResponse:
        """Lock luminaires out for works."""
        del context
        times = optional_instant(request, "start_time"), optional_instant(request, "until_time")
        return await self._give(CommandKind.LOCK_OUT, request, pb.LockOutResponse, 0, times)

    async def RecordLocalOverride(self, request: pb.RecordLocalOverrideRequest, context: Context) -> pb.RecordLocalOverrideResponse:
        """Record a switch at a cabinet."""
        del context
        times = optional_instant(request, "start_time"), optional_instant(request, "until_time")
        return await self._give(CommandKind.LOCAL, request, pb.RecordLocalOverrideResponse, request.level_percent, times)

    async def EndCommand(self, request: pb.EndCommandRequest, context: Context) -> pb.EndCommandResponse:
        """End a command now."""
        del context
        command = CommandId(id_from_proto(request.name, "commands", "name"))

        def work(records: Records, view: View, transaction: Transaction) -> pb.EndCommandResponse:
            before: Command = found(records, Shelf.COMMAND, command).value
            view.check(view.estate.meant(before.scope))
            after = ended(records, command, transaction.at)
            told(transaction, _COMMAND, request.name)
            return pb.EndCommandResponse(command=record_to_proto(after, command_pb2.Command()))

        return await self._change(request, work, pb.EndCommandResponse)

    async def ListCommands(self, request: pb.ListCommandsRequest, context: Context) -> pb.ListCommandsResponse:
        """List commands by name."""
        del context
        asked, view, now = page(request), await self._view(), current_call().at
        after = "".join(asked.after)
        held: list[Command] = [one for one in view.books.shelf(Shelf.COMMAND) if request.ended or one.end is None or one.end > now]
        rows = [one for one in held if one.id > after][: asked.size + 1]
        some, token = asked.cut(rows, lambda one: (one.id,))
        progress = await progress_of(self._tools, view)
        return pb.ListCommandsResponse(commands=[_with_reach(one, progress) for one in some], next_page_token=token)

    async def WatchLightingEvents(
        self, request: pb.WatchLightingEventsRequest, context: Context
    ) -> AsyncGenerator[pb.WatchLightingEventsResponse]:
        """Stream events from a cursor on."""
        del context
        async with aclosing(self._tools.outbox.watch(request.cursor, current_call().caller.territory)) as events:
            async for stored in events:
                event = lighting_event_pb2.LightingEvent.FromString(stored.payload)
                yield pb.WatchLightingEventsResponse(event=event, cursor=stored.cursor)

    async def _give(
        self, kind: CommandKind, request: Message, response: type[Any], level: int, times: tuple[datetime | None, datetime | None]
    ) -> Any:
        asked: Any = request
        scope = record_from_proto(Scope, asked.scope, "scope")
        now = current_call().at
        command = Command(
            id=CommandId(f"{int(now.timestamp() * 1_000):012x}{uuid4().hex[:12]}"),
            kind=kind,
            scope=scope,
            level=level,
            start=times[0] or now,
            expiry=times[1],
            stage_s=asked.stage_seconds if kind is CommandKind.EMERGENCY else 0,
            author=current_call().caller.subject,
            reason=asked.reason,
            created=now,
        )

        def work(records: Records, view: View, transaction: Transaction) -> Any:
            kept = given(records, view.estate, command, transaction.at)
            view.check(view.estate.meant(kept.scope))
            told(transaction, _COMMAND, f"commands/{kept.id}")
            return response(command=record_to_proto(kept, command_pb2.Command()))

        return await self._change(request, work, response)


def _with_reach(command: Command, progress: Progress) -> command_pb2.Command:
    message = record_to_proto(command, command_pb2.Command())
    message.reach.CopyFrom(record_to_proto(progress.of_command(command), field_pb2.Reach()))
    return message
