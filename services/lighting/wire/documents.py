"""How everything that lighting keeps is written: as messages of its contract."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from lighting.domain.calendars import Calendar
from lighting.domain.commands import Command
from lighting.domain.delivery import Reach
from lighting.domain.estate import Content, Group, Plan
from lighting.domain.inventory import Cabinet, Luminaire
from lighting.domain.legal import Derogation, LegalRule
from lighting.domain.levels import GroupId, PlanName, PlanState
from lighting.domain.ports import Shelf
from lighting.domain.programmes import Programme
from lighting.wire.records import date_from_proto, id_from_proto, record_from_proto, record_to_proto
from multiflux.lighting.v1 import command_pb2, field_pb2, inventory_pb2, legal_pb2, plan_pb2, programme_pb2
from wire.instants import instant, instant_to_proto

RECORDS: dict[Shelf, tuple[type[Any], Callable[[], Message]]] = {
    Shelf.CABINET: (Cabinet, inventory_pb2.Cabinet),
    Shelf.LUMINAIRE: (Luminaire, inventory_pb2.Luminaire),
    Shelf.PROGRAMME: (Programme, programme_pb2.Programme),
    Shelf.CALENDAR: (Calendar, programme_pb2.Calendar),
    Shelf.GROUP: (Group, plan_pb2.Group),
    Shelf.COMMAND: (Command, command_pb2.Command),
    Shelf.LEGAL_RULE: (LegalRule, legal_pb2.LegalRule),
    Shelf.DEROGATION: (Derogation, legal_pb2.Derogation),
}
"""The record and the message of each shelf, plans aside."""


def document(shelf: Shelf, value: Any) -> bytes:
    """Return a kept value as bytes."""
    message = plan_to_proto(value) if shelf is Shelf.PLAN else record_to_proto(value, RECORDS[shelf][1]())
    return message.SerializeToString(deterministic=True)


def from_document(shelf: Shelf, data: bytes) -> Any:
    """Return a kept value from its bytes."""
    if shelf is Shelf.PLAN:
        return plan_from_proto(plan_pb2.Plan.FromString(data))
    kind, made = RECORDS[shelf]
    message = made()
    message.ParseFromString(data)
    return record_from_proto(kind, message)


def plan_to_proto(plan: Plan, reach: Reach | None = None) -> plan_pb2.Plan:
    """Return a plan as the contract writes it, with how far it has come where that is known."""
    return plan_pb2.Plan(
        group=f"groups/{plan.name.group}",
        version=plan.name.version,
        content=record_to_proto(plan.content, plan_pb2.Content()),
        first_date=plan.first_night.isoformat(),
        publish_time=instant_to_proto(plan.published),
        author=plan.author,
        reason=plan.reason,
        copy_of=plan.copy_of,
        state=plan_pb2.PlanState.ValueType(plan.state.value),
        reach=record_to_proto(reach, field_pb2.Reach()) if reach else None,
    )


def plan_from_proto(message: plan_pb2.Plan) -> Plan:
    """Return a plan; InvalidRequest."""
    return Plan(
        name=PlanName(group=GroupId(id_from_proto(message.group, "groups", "group")), version=message.version),
        content=record_from_proto(Content, message.content, "content"),
        first_night=date_from_proto(message.first_date, "first_date"),
        published=instant(message, "publish_time"),
        author=message.author,
        reason=message.reason,
        copy_of=message.copy_of,
        state=PlanState(message.state),
    )
