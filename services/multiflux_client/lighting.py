"""Street lighting: inventory files, drafts made and published, plans, commands, the planned power."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from datetime import date, datetime

from multiflux.lighting.v1 import command_pb2, plan_pb2, programme_pb2
from multiflux.lighting.v1 import lighting_service_pb2 as pb
from multiflux.lighting.v1.lighting_service_pb2_grpc import LightingServiceStub
from multiflux.type.v1 import interval_pb2
from multiflux_client.channel import Connection, new_request_id
from multiflux_client.lighting_records import (
    Cabinet,
    Calendar,
    Check,
    Command,
    Delivery,
    Fault,
    Group,
    InventoryContent,
    InventoryFormat,
    InventoryImport,
    LampReport,
    LightingScope,
    LuminairePlan,
    NightEnergy,
    Plan,
    Programme,
    Rehearsal,
)
from multiflux_client.listing import Listing, listing
from multiflux_client.records import fill_interval, record_from_proto, record_to_proto, timestamp
from vocabulary.interval import Interval
from vocabulary.names import PointId, point_id

BLOCK_BYTES = 1 << 20
_REHEARSAL_DEADLINE_S = 120.0


class LightingClient:
    """Calls LightingService. Changes take the caller's `request_id` (a UUID) and make one where none is given."""

    def __init__(self, connection: Connection) -> None:
        """Call over `connection`."""
        self._connection = connection
        self._stub = LightingServiceStub(connection.channel)

    async def import_file(
        self,
        content: InventoryContent,
        form: InventoryFormat,
        blocks: Iterable[bytes] | AsyncIterable[bytes],
        *,
        validate_only: bool = False,
    ) -> AsyncIterator[InventoryImport]:
        """Send an inventory file and yield what became of it, with its refused rows in portions."""
        first = pb.ImportInventoryRequest(
            content=pb.InventoryContent.ValueType(content.value),
            format=pb.FileFormat.ValueType(form.value),
            validate_only=validate_only,
            request_id=new_request_id(),
        )
        async for response in self._connection.exchange(self._stub.ImportInventory, _requests(first, blocks)):
            yield record_from_proto(InventoryImport, response)

    async def export_file(self, content: InventoryContent, form: InventoryFormat) -> AsyncIterator[bytes]:
        """Yield the bytes of a file that `import_file` takes."""
        request = pb.ExportInventoryRequest(
            content=pb.InventoryContent.ValueType(content.value), format=pb.FileFormat.ValueType(form.value)
        )
        async for response in self._connection.receive(self._stub.ExportInventory, request):
            yield response.block

    async def put_programme(self, programme: Programme, *, request_id: str = "") -> Programme:
        """Make a programme, or with its etag replace it."""
        message = record_to_proto(programme, programme_pb2.Programme())
        request = pb.PutProgrammeRequest(programme=message, request_id=request_id or new_request_id())
        return record_from_proto(Programme, (await self._connection.call(self._stub.PutProgramme, request)).programme)

    async def put_calendar(self, calendar: Calendar, *, request_id: str = "") -> Calendar:
        """Make a calendar, or with its etag replace it."""
        message = record_to_proto(calendar, programme_pb2.Calendar())
        request = pb.PutCalendarRequest(calendar=message, request_id=request_id or new_request_id())
        return record_from_proto(Calendar, (await self._connection.call(self._stub.PutCalendar, request)).calendar)

    async def put_group(self, group: Group, *, request_id: str = "") -> Group:
        """Make a group, or with its etag replace it."""
        message = record_to_proto(group, plan_pb2.Group())
        request = pb.PutGroupRequest(group=message, request_id=request_id or new_request_id())
        return record_from_proto(Group, (await self._connection.call(self._stub.PutGroup, request)).group)

    def groups(self) -> Listing[Group]:
        """List the groups, by name."""
        return listing(self._connection, self._stub.ListGroups, pb.ListGroupsRequest(), lambda page: page.groups, Group)

    def programmes(self) -> Listing[Programme]:
        """List the programmes, by name."""
        return listing(self._connection, self._stub.ListProgrammes, pb.ListProgrammesRequest(), lambda page: page.programmes, Programme)

    def calendars(self) -> Listing[Calendar]:
        """List the calendars, by name."""
        return listing(self._connection, self._stub.ListCalendars, pb.ListCalendarsRequest(), lambda page: page.calendars, Calendar)

    async def legality(self, first: date, last: date, *, draft: bool = False) -> tuple[Check, ...]:
        """Check what the plans, or the drafts, do from first to last night, both included, against every rule."""
        request = pb.CheckLegalityRequest(first_date=first.isoformat(), last_date=last.isoformat(), draft=draft)
        response = await self._connection.call(self._stub.CheckLegality, request, deadline_s=_REHEARSAL_DEADLINE_S)
        return tuple(record_from_proto(Check, check) for check in response.checks)

    async def rehearse(self, groups: Sequence[str], first: date, last: date, *, request_id: str = "") -> Rehearsal:
        """Return what the drafts of groups (`groups/x`; none: all) would do from first to last night, both included."""
        request = pb.RehearsePlanRequest(
            groups=groups, first_date=first.isoformat(), last_date=last.isoformat(), request_id=request_id or new_request_id()
        )
        response = await self._connection.call(self._stub.RehearsePlan, request, deadline_s=_REHEARSAL_DEADLINE_S)
        return record_from_proto(Rehearsal, response.rehearsal)

    async def publish(self, group: str, etag: str, reason: str, *, first: date | None = None, request_id: str = "") -> Plan:
        """Publish a group's draft (`groups/x`) from a night on (None: the next that begins)."""
        request = pb.PublishPlanRequest(
            group=group, etag=etag, reason=reason, first_date=first.isoformat() if first else "", request_id=request_id or new_request_id()
        )
        return record_from_proto(Plan, (await self._connection.call(self._stub.PublishPlan, request)).plan)

    async def roll_back(self, group: str, version: int, reason: str, *, request_id: str = "") -> Plan:
        """Publish a former version of a group again."""
        request = pb.RollBackRequest(group=group, version=version, reason=reason, request_id=request_id or new_request_id())
        return record_from_proto(Plan, (await self._connection.call(self._stub.RollBack, request)).plan)

    async def versions(self, group: str) -> tuple[Plan, ...]:
        """Return the published versions of a group (`groups/x`), newest first, and how far each has come."""
        response = await self._connection.call(self._stub.ListPlans, pb.ListPlansRequest(group=group))
        return tuple(record_from_proto(Plan, plan) for plan in response.plans)

    async def plans(self, luminaires: Sequence[str], during: Interval) -> tuple[LuminairePlan, ...]:
        """Return what luminaires (`luminaires/x`) are to do in an interval."""
        request = pb.QueryPlanRequest(luminaires=luminaires, interval=_interval(during))
        response = await self._connection.call(self._stub.QueryPlan, request)
        return tuple(record_from_proto(LuminairePlan, plan) for plan in response.plans)

    def cabinets(self) -> Listing[Cabinet]:
        """List cabinets."""
        return listing(self._connection, self._stub.ListCabinets, pb.ListCabinetsRequest(), lambda page: page.cabinets, Cabinet)

    def deliveries(self) -> Listing[Delivery]:
        """List how far the latest order of each cabinet has come; cabinets without a gateway have none."""
        return listing(self._connection, self._stub.ListDeliveries, pb.ListDeliveriesRequest(), lambda page: page.deliveries, Delivery)

    def faults(self, *, ended: bool = False) -> Listing[Fault]:
        """List open faults, those that began first come first; with `ended` those that are over too."""
        return listing(self._connection, self._stub.ListFaults, pb.ListFaultsRequest(ended=ended), lambda page: page.faults, Fault)

    async def night_energy(self, cabinet: str, first: date, last: date) -> tuple[NightEnergy, ...]:
        """Return what was planned and what was metered in each night (by its evening's date, 62 at most) of a cabinet (`cabinets/x`)."""
        request = pb.QueryNightEnergyRequest(cabinet=cabinet, first_date=first.isoformat(), last_date=last.isoformat())
        response = await self._connection.call(self._stub.QueryNightEnergy, request)
        return tuple(record_from_proto(NightEnergy, night) for night in response.nights)

    async def lamps(self, luminaires: Sequence[str]) -> tuple[LampReport, ...]:
        """Return what is wanted of luminaires (`luminaires/x`, 1,000 at most) now, and what was seen of them last."""
        response = await self._connection.call(self._stub.QueryLamps, pb.QueryLampsRequest(luminaires=luminaires))
        return tuple(record_from_proto(LampReport, lamp) for lamp in response.lamps)

    async def metered_cabinets(self) -> dict[PointId, str]:
        """Return the cabinets that are measured (`cabinets/x`), by metering point; of several at one point the last by name."""
        return {point_id(one.metering_point): one.name async for one in self.cabinets() if one.metering_point}

    async def planned_power_w(self, resource: str, during: Interval, step_s: int) -> tuple[float, ...]:
        """Return the mean power in watts of a luminaire, cabinet or group (by its resource name) in each step of an interval."""
        request = pb.QueryPlannedPowerRequest(resource=resource, interval=_interval(during), step_seconds=step_s)
        return tuple((await self._connection.call(self._stub.QueryPlannedPower, request)).power_w)

    async def override(
        self, scope: LightingScope, level_percent: int, reason: str, *, until: datetime | None = None, request_id: str = ""
    ) -> Command:
        """Set a level above the plan until a time (None: until somebody ends it)."""
        request = pb.OverrideLevelRequest(
            scope=record_to_proto(scope, command_pb2.Scope()),
            level_percent=level_percent,
            reason=reason,
            until_time=timestamp(until) if until else None,
            request_id=request_id or new_request_id(),
        )
        return record_from_proto(Command, (await self._connection.call(self._stub.OverrideLevel, request)).command)

    async def lock_out(self, scope: LightingScope, reason: str, *, until: datetime | None = None, request_id: str = "") -> Command:
        """Lock luminaires out for works. This is no electrical isolation."""
        request = pb.LockOutRequest(
            scope=record_to_proto(scope, command_pb2.Scope()),
            reason=reason,
            until_time=timestamp(until) if until else None,
            request_id=request_id or new_request_id(),
        )
        return record_from_proto(Command, (await self._connection.call(self._stub.LockOut, request)).command)

    async def declare_emergency(
        self, level_percent: int, reason: str, *, scope: LightingScope | None = None, stage_s: int = 0, request_id: str = ""
    ) -> Command:
        """Light by emergency: without a scope all roads; cabinets start `stage_s` seconds one after the other."""
        request = pb.DeclareEmergencyRequest(
            scope=record_to_proto(scope, command_pb2.Scope()) if scope else None,
            level_percent=level_percent,
            stage_seconds=stage_s,
            reason=reason,
            request_id=request_id or new_request_id(),
        )
        return record_from_proto(Command, (await self._connection.call(self._stub.DeclareEmergency, request)).command)

    async def end_command(self, name: str, *, request_id: str = "") -> Command:
        """End a command (`commands/x`) now."""
        request = pb.EndCommandRequest(name=name, request_id=request_id or new_request_id())
        return record_from_proto(Command, (await self._connection.call(self._stub.EndCommand, request)).command)

    def commands(self, *, ended: bool = False) -> Listing[Command]:
        """List commands that hold or will hold; with `ended` those that are over too."""
        request = pb.ListCommandsRequest(ended=ended)
        return listing(self._connection, self._stub.ListCommands, request, lambda page: page.commands, Command)


def _interval(during: Interval) -> interval_pb2.Interval:
    message = interval_pb2.Interval()
    fill_interval(message, during)
    return message


async def _requests(
    first: pb.ImportInventoryRequest, blocks: Iterable[bytes] | AsyncIterable[bytes]
) -> AsyncIterator[pb.ImportInventoryRequest]:
    yield first
    async for block in _each(blocks):
        for start in range(0, len(block), BLOCK_BYTES):
            yield pb.ImportInventoryRequest(block=block[start : start + BLOCK_BYTES])


async def _each(blocks: Iterable[bytes] | AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    if isinstance(blocks, AsyncIterable):
        async for block in blocks:
            yield block
    else:
        for block in blocks:
            yield block
