"""Cabinets and lamps as a simulated TALQ gateway describes them: devices with their functions, attributes and events."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from simulation.controllers import CabinetFault, Controller, Lamp, LampFault

Json = dict[str, Any]
_FULL = 100.0
_THIRD = 1 / 3
_CYCLE_S = 180
"""A cycling lamp is lit every other three minutes."""
_LAMP_EVENTS = ("lampFailure", "dimmingFailure", "lampUnexpectedOn", "lampPowerTooHigh", "lampPowerTooLow", "cyclingFailure")
ACTUATOR, MONITOR, LINK = "actuator", "monitor", "communication"
DOOR, METER = "cabinet", "meter"


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What a lamp's controller measures and finds; `answers` is false where the gateway cannot ask it."""

    answers: bool
    told: float
    """The level in per cent that it is driven to."""
    burning: float
    """The level in per cent that it burns at."""
    power_w: float
    events: frozenset[str]
    """TALQ's names of what is wrong with it."""


def address_of(name: str) -> str:
    """Return the TALQ address of what is called so here, always the same."""
    return str(_uuid(name))


def _uuid(name: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"urn:multiflux:field:{name}")


def seen(controller: Controller, at: float) -> Mapping[str, Seen]:
    """Return what the gateway sees of each lamp at a UTC second."""
    return {name: _seen(controller, controller.lamps[name], told, at) for name, told in controller.levels(at).items()}


def _seen(controller: Controller, lamp: Lamp, told: float, at: float) -> Seen:
    cabinet, fault = controller.cabinet_faults, controller.lamp_faults.get(lamp.id)
    dead_line = CabinetFault.NO_SUPPLY in cabinet or (CabinetFault.TRIPPED in cabinet and lamp.circuit == 1)
    unlit = not controller.is_powered(at) and CabinetFault.CONTACTOR_STUCK not in cabinet
    burning = 0.0 if dead_line or unlit else _burning(fault, told or (_FULL if CabinetFault.CONTACTOR_STUCK in cabinet else 0.0), at)
    factor = {LampFault.POWER_HIGH: 1 + _THIRD, LampFault.POWER_LOW: 1 - _THIRD}.get(fault, 1.0) if fault is not None else 1.0
    power_w = 0.0 if dead_line or unlit or fault is LampFault.DEAD else lamp.power_w(burning) * (factor if burning else 1.0)
    silent = dead_line or unlit or fault is LampFault.MUTE or CabinetFault.MUTE in cabinet
    return Seen(
        answers=not silent,
        told=told,
        burning=burning,
        power_w=round(power_w, 2),
        events=frozenset() if silent else frozenset(_events(fault, told, burning)),
    )


def _burning(fault: LampFault | None, told: float, at: float) -> float:
    match fault:
        case LampFault.DEAD:
            return 0.0
        case LampFault.STUCK_FULL:
            return _FULL if told else 0.0
        case LampFault.ALWAYS_ON:
            return told or _FULL
        case LampFault.CYCLING:
            return told if int(at // _CYCLE_S) % 2 else 0.0
        case LampFault.POWER_HIGH | LampFault.POWER_LOW | LampFault.MUTE | None:
            return told


def _events(fault: LampFault | None, told: float, burning: float) -> Iterator[str]:
    if fault is LampFault.CYCLING:
        if told:
            yield "cyclingFailure"
    elif told and not burning:
        yield "lampFailure"
    elif burning and not told:
        yield "lampUnexpectedOn"
    elif burning != told:
        yield "dimmingFailure"
    if burning and fault is LampFault.POWER_HIGH:
        yield "lampPowerTooHigh"
    if burning and fault is LampFault.POWER_LOW:
        yield "lampPowerTooLow"


def lamp_device(lamp: Lamp, state: Seen, calendar: str, told: Json) -> Json:
    """Return a lamp as a device; `told` is the command that it was told last."""
    measured = {"activePower": _float(state.power_w)} if state.answers else {}
    level = {"actualLightState": level_state(state.told)} if state.answers else {}
    return {
        "address": address_of(lamp.id),
        "name": lamp.id,
        "class": "Luminaire",
        "functions": [
            {"id": "basic", "type": "BasicFunction", "assetId": _string(lamp.id)},
            {"id": LINK, "type": "CommunicationFunction", "communicationFailure": _boolean(not state.answers)},
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
                **measured,
                **{name: _boolean(name in state.events) for name in _LAMP_EVENTS},
            },
        ],
    }


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
