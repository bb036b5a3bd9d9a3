"""The messages between the lighting service and gateways that speak MQTT."""

from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.message import DecodeError

from lighting.domain.faults import Fault
from lighting.domain.inventory import Gateway
from lighting.domain.levels import CabinetId, CommandId, LuminaireId
from lighting.domain.orders import Course, Hold, Order, Stretch
from lighting.domain.reckoning import Reckoning
from lighting.domain.reports import Answer, LampState, Outcome, Report
from lighting.wire.records import id_from_proto, record_from_proto, record_to_proto
from multiflux.lighting.v1 import field_pb2
from vocabulary.failure import Failure
from vocabulary.names import TerritoryId
from wire.instants import instant_to_proto

_MOST_REASON = 500


def order_to_proto(order: Order, version: int = 0) -> field_pb2.Order:
    """Return an order as gateways read it."""
    return field_pb2.Order(
        cabinet=f"cabinets/{order.cabinet}",
        version=version,
        start_time=instant_to_proto(order.start),
        end_time=instant_to_proto(order.end),
        courses=[
            field_pb2.Course(
                luminaires=[f"luminaires/{one}" for one in course.luminaires],
                start_seconds=[(one.start - order.start).total_seconds() for one in course.stretches],
                start_level_percent=[one.start_level for one in course.stretches],
                level_percent=[one.level for one in course.stretches],
            )
            for course in order.courses
        ],
        holds=[
            field_pb2.Hold(
                luminaires=[f"luminaires/{one}" for one in hold.luminaires],
                start_time=instant_to_proto(hold.start),
                end_time=None if hold.end is None else instant_to_proto(hold.end),
                level_percent=hold.level,
                command=f"commands/{hold.command}",
            )
            for hold in order.holds
        ],
        gateway=record_to_proto(order.gateway, field_pb2.Gateway()),
    )


def order_message(order: Order, version: int) -> bytes:
    """Return an order under its version, as a gateway receives it."""
    return order_to_proto(order, version).SerializeToString()


def order_document(order: Order) -> bytes:
    """Return an order as bytes to be kept."""
    return order_to_proto(order).SerializeToString(deterministic=True)


def order_from_document(data: bytes) -> Order:
    """Return an order from its bytes."""
    message = field_pb2.Order.FromString(data)
    start = message.start_time.ToDatetime(UTC)
    return Order(
        cabinet=CabinetId(id_from_proto(message.cabinet, "cabinets", "cabinet")),
        gateway=record_from_proto(Gateway, message.gateway),
        start=start,
        end=message.end_time.ToDatetime(UTC),
        courses=tuple(
            Course(
                luminaires=_luminaires(course.luminaires),
                stretches=tuple(
                    Stretch(start=start + timedelta(seconds=after), start_level=before, level=level)
                    for after, before, level in zip(course.start_seconds, course.start_level_percent, course.level_percent, strict=True)
                ),
            )
            for course in message.courses
        ),
        holds=tuple(
            Hold(
                luminaires=_luminaires(hold.luminaires),
                start=hold.start_time.ToDatetime(UTC),
                end=hold.end_time.ToDatetime(UTC) if hold.HasField("end_time") else None,
                level=hold.level_percent,
                command=CommandId(id_from_proto(hold.command, "commands", "command")),
            )
            for hold in message.holds
        ),
    )


class Unreadable(Exception):  # named like the failures of the services
    """A gateway's message cannot be read."""


def answer_from_bytes(data: bytes, territory: TerritoryId, cabinet: CabinetId, gateway: Gateway, at: datetime) -> Answer:
    """Return a gateway's answer that arrived at an instant; Unreadable."""
    message = _parsed(field_pb2.Acknowledgement, data)
    try:
        outcome = Outcome(message.outcome)
    except ValueError:
        raise Unreadable(f"{message.outcome} is no outcome") from None
    return Answer(
        territory=territory,
        cabinet=cabinet,
        gateway=gateway,
        version=message.version,
        outcome=outcome,
        reason=message.reason[:_MOST_REASON],
        at=at,
    )


def report_from_bytes(data: bytes, territory: TerritoryId, cabinet: CabinetId, gateway: Gateway, at: datetime) -> Report:
    """Return a gateway's report that arrived at an instant; Unreadable."""
    message = _parsed(field_pb2.FieldReport, data)
    try:
        lamps = tuple(
            LampState(
                luminaire=LuminaireId(id_from_proto(lamp.luminaire, "luminaires", f"lamps[{number}].luminaire")),
                level=_known(lamp, "level_percent"),
                power_w=_known(lamp, "power_w"),
                burning_s=_known(lamp, "burning_seconds"),
                switch_count=_known(lamp, "switch_count"),
            )
            for number, lamp in enumerate(message.lamps)
        )
    except Failure as failure:
        raise Unreadable(str(failure)) from None
    return Report(
        territory=territory,
        cabinet=cabinet,
        gateway=gateway,
        at=at,
        supplied=_known(message, "supplied"),
        door_open=_known(message, "door_open"),
        tripped_circuits=tuple(message.tripped_circuits),
        version=message.version,
        lamps=lamps,
    )


def lamp_to_proto(state: LampState) -> field_pb2.LampState:
    """Return what is known of a luminaire."""
    return field_pb2.LampState(
        luminaire=f"luminaires/{state.luminaire}",
        level_percent=state.level,
        power_w=state.power_w,
        burning_seconds=state.burning_s,
        switch_count=state.switch_count,
    )


def fault_to_proto(name: str, fault: Fault) -> field_pb2.Fault:
    """Return a fault under its id."""
    symptom, evidence = fault.symptom, fault.evidence
    return field_pb2.Fault(
        name=f"faults/{name}",
        kind=field_pb2.FaultKind.ValueType(symptom.kind.value),
        cabinet=f"cabinets/{fault.cabinet}",
        luminaire="" if symptom.luminaire is None else f"luminaires/{symptom.luminaire}",
        circuit=symptom.circuit or 0,
        start_time=instant_to_proto(fault.start),
        end_time=None if fault.end is None else instant_to_proto(fault.end),
        see_time=instant_to_proto(fault.last_seen),
        expected_w=evidence.expected_w,
        seen_w=evidence.seen_w,
        expected_level_percent=evidence.expected_level,
        seen_level_percent=evidence.seen_level,
        lamps=evidence.lamps,
        of_lamps=evidence.of_lamps,
    )


def night_energy_to_proto(reckoning: Reckoning) -> field_pb2.NightEnergy:
    """Return what a night's energy says."""
    return field_pb2.NightEnergy(
        night_date=reckoning.night.isoformat(),
        verdict=field_pb2.EnergyVerdict.ValueType(reckoning.verdict.value),
        coverage_percent=100 * reckoning.coverage,
        planned_joules=reckoning.planned_joules,
        metered_joules=reckoning.metered_joules,
        difference_percent=None if reckoning.difference is None else 100 * reckoning.difference,
        by_day=field_pb2.Burning(lamps=reckoning.by_day.lamps, hours=reckoning.by_day.hours),
        by_night=field_pb2.Burning(lamps=reckoning.by_night.lamps, hours=reckoning.by_night.hours),
        lamps_out=reckoning.lamps_out,
    )


def _parsed(kind: Any, data: bytes) -> Any:
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise Unreadable("is no message of the contract") from error


def _known(message: Any, field: str) -> Any:
    return getattr(message, field) if message.HasField(field) else None


def _luminaires(names: Any) -> tuple[LuminaireId, ...]:
    return tuple(LuminaireId(id_from_proto(name, "luminaires", "luminaires")) for name in names)
