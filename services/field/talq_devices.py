"""Cabinets and lamps as a simulated TALQ gateway describes them: devices with their functions, attributes and events."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from simulation.controllers import CabinetFault, Controller, Lamp, LampFault
from simulation.measuring import MeasuredLamp, measured

Json = dict[str, Any]
_FULL = 100.0
_HOUR_S = 3_600.0
_LAMP_EVENTS = ("lampFailure", "dimmingFailure", "lampUnexpectedOn", "lampPowerTooHigh", "lampPowerTooLow", "cyclingFailure")
ACTUATOR, MONITOR, LINK = "actuator", "monitor", "communication"
DOOR, METER = "cabinet", "meter"


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What is known of a lamp: the level in per cent that it is driven to, what it measures, and what it finds wrong with itself."""

    told: float
    measured: MeasuredLamp | None
    """None: the gateway cannot ask it."""
    events: frozenset[str]
    """TALQ's names."""


def address_of(name: str) -> str:
    """Return the TALQ address of what is called so here, always the same."""
    return str(_uuid(name))


def _uuid(name: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"urn:multiflux:field:{name}")


def seen(controller: Controller, at: float) -> Mapping[str, Seen]:
    """Return what the gateway sees of each lamp at a UTC second; ask in rising time."""
    found, told = measured(controller, at), controller.levels(at)
    answers = {one.lamp: one for one in found.lamps} if found is not None else {}
    stuck = CabinetFault.CONTACTOR_STUCK in controller.cabinet_faults
    return {
        name: Seen(
            told=told[name],
            measured=answers.get(name),
            events=frozenset(_events(controller.lamp_faults.get(name), told[name], stuck=stuck)) if name in answers else frozenset(),
        )
        for name in controller.lamps
    }


def _events(fault: LampFault | None, told: float, *, stuck: bool) -> Iterator[str]:
    if not told:
        if stuck or fault is LampFault.ALWAYS_ON:
            yield "lampUnexpectedOn"
        return
    match fault:
        case LampFault.DEAD:
            yield "lampFailure"
        case LampFault.STUCK_FULL:
            if told < _FULL:
                yield "dimmingFailure"
        case LampFault.POWER_HIGH:
            yield "lampPowerTooHigh"
        case LampFault.POWER_LOW:
            yield "lampPowerTooLow"
        case LampFault.CYCLING:
            yield "cyclingFailure"
        case LampFault.ALWAYS_ON | LampFault.MUTE | None:
            return


def lamp_device(lamp: Lamp, state: Seen, calendar: str, told: Json) -> Json:
    """Return a lamp as a device; `told` is the command that it was told last."""
    found = state.measured
    level = {"actualLightState": level_state(found.level)} if found is not None and found.level is not None else {}
    return {
        "address": address_of(lamp.id),
        "name": lamp.id,
        "class": "Luminaire",
        "functions": [
            {"id": "basic", "type": "BasicFunction", "assetId": _string(lamp.id)},
            {"id": LINK, "type": "CommunicationFunction", "communicationFailure": _boolean(found is None)},
            {
                "id": ACTUATOR,
                "type": "LampActuatorFunction",
                "defaultLightState": level_state(_FULL),
                "targetLightCommand": {"type": "AttributeCommand", "value": told},
                **level,
                "calendarID": _string(calendar),
            },
            {
                "id": MONITOR,
                "type": "LampMonitorFunction",
                **_meters(found),
                **{name: _boolean(name in state.events) for name in _LAMP_EVENTS},
            },
        ],
    }


def _meters(found: MeasuredLamp | None) -> Json:
    if found is None:
        return {}
    values = {
        "activePower": None if found.power_w is None else _float(found.power_w),
        "operatingHours": None if found.burning_s is None else _float(found.burning_s / _HOUR_S),
        "switchOnCounter": None if found.switch_count is None else {"type": "AttributeInteger", "value": found.switch_count},
    }
    return {name: value for name, value in values.items() if value is not None}


def cabinet_device(controller: Controller) -> Json:
    """Return a cabinet as a device: its door, its meter, and a segment for each circuit."""
    faults = controller.cabinet_faults
    segments = [
        {
            "id": f"segment-{circuit}",
            "type": "SegmentMonitorFunction",
            "segmentReference": _string(str(circuit)),
            "circuitBreakerTripped": _boolean(circuit == 1 and CabinetFault.TRIPPED in faults),
            "switchingErrorOn": _boolean(CabinetFault.CONTACTOR_STUCK in faults),
        }
        for circuit in sorted({lamp.circuit for lamp in controller.lamps.values()})
    ]
    return {
        "address": address_of(controller.cabinet),
        "name": controller.cabinet,
        "class": "Cabinet",
        "functions": [
            {"id": "basic", "type": "BasicFunction", "assetId": _string(controller.cabinet)},
            {"id": DOOR, "type": "CabinetMonitorFunction", "cabinetDoorOpen": _boolean(CabinetFault.DOOR_OPEN in faults)},
            {"id": METER, "type": "ElectricalMeterFunction", "supplyLoss": _boolean(CabinetFault.NO_SUPPLY in faults)},
            *segments,
        ],
    }


def flags_of(device: Json) -> Mapping[tuple[str, str], bool]:
    """Return the events of a device that may begin and end, by function and name, and whether they last."""
    return {
        (f"{device['address']}/{function['id']}", name): attribute["value"]
        for function in device["functions"]
        for name, attribute in _attributes(function)
        if attribute["type"] == "AttributeBoolean"
    }


def _attributes(function: Json) -> Iterator[tuple[str, Json]]:
    return ((name, attribute) for name, attribute in function.items() if name not in ("id", "type"))


def measured_of(device: Json, wanted: Mapping[str, frozenset[str]]) -> Iterator[tuple[str, str, Json]]:
    """Yield the attributes of a device that a logger wants, by type of function: source, name, and attribute."""
    for function in device["functions"]:
        for name in sorted(wanted.get(function["type"], frozenset()) & function.keys()):
            yield f"{device['address']}/{function['id']}", name, function[name]


def level_state(level: float) -> Json:
    """Return a level as an attribute."""
    return {"type": "AttributeLevelState", "value": state_of(level)}


def state_of(level: float) -> Json:
    """Return a level as a state: whole per cent, as TALQ has it."""
    return {"name": "LevelState", "value": round(level)}


def _float(value: float) -> Json:
    return {"type": "AttributeFloat", "value": value}


def _boolean(value: bool) -> Json:  # noqa: FBT001 - the value itself
    return {"type": "AttributeBoolean", "value": value}


def _string(value: str) -> Json:
    return {"type": "AttributeString", "value": value}
