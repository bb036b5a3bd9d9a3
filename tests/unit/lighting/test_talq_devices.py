"""What log reports of a TALQ gateway say of lamps and cabinets."""

from datetime import UTC, datetime
from typing import Any

import pytest

from lighting.adapters.talq_devices import Devices
from lighting.adapters.talq_messages import LOG_REPORT
from lighting.domain.inventory import Gateway, GatewayProtocol
from lighting.domain.levels import CabinetId
from lighting.domain.reports import LampState, Report
from vocabulary.names import TerritoryId

LAMP, OTHER, CABINET = (f"6f9619ff-8b86-4d01-b42d-00cf4fc964f{number}" for number in (1, 2, 3))
AT = datetime(2026, 1, 15, 20, tzinfo=UTC)
GATEWAY = Gateway(protocol=GatewayProtocol.TALQ, address="gw-1")


def text(value: str) -> dict[str, Any]:
    return {"type": "AttributeString", "value": value}


def lamp(address: str, asset: str, **monitor: Any) -> dict[str, Any]:
    functions = [
        {"id": "f0", "type": "BasicFunction", "assetId": text(asset)},
        {"id": "f1", "type": "LampActuatorFunction", "calendarID": text("c-1.v4.c0")},
        {"id": "f2", "type": "LampMonitorFunction", **monitor},
        {"id": "f3", "type": "CommunicationFunction"},
    ]
    return {"address": address, "name": asset, "class": "Luminaire", "functions": functions}


@pytest.fixture
def devices() -> Devices:
    found = Devices()
    segments = [{"id": f"s{number}", "type": "SegmentMonitorFunction", "segmentReference": text(f"Circuit {number}")} for number in (1, 2)]
    functions = [
        {"id": "f0", "type": "BasicFunction", "assetId": text("c-1")},
        {"id": "door", "type": "CabinetMonitorFunction"},
        {"id": "meter", "type": "ElectricalMeterFunction"},
        *segments,
    ]
    found.read([lamp(LAMP, "l-1"), lamp(OTHER, "l-2"), {"address": CABINET, "name": "c", "class": "Cabinet", "functions": functions}])
    return found


def note(devices: Devices, *entries: dict[str, Any]) -> list[bool]:
    report = LOG_REPORT.validate_python({"entries": [{"data": entry} for entry in entries]})
    return [devices.note(entry.data) for entry in report.entries if entry.data is not None]


def event(source: str, kind: str, *, begins: bool | None = True) -> dict[str, Any]:
    flag = {} if begins is None else {"startEndFlag": begins}
    return {"type": "EventLogData", "srcAddress": source, "eventType": kind, "timestamp": "2026-01-15T20:00:00Z", **flag}


def measured(source: str, name: str, value: Any, kind: str = "AttributeFloat") -> dict[str, Any]:
    return {"type": "AttributeLogData", "srcAddress": source, "attributeName": name, "attributeValue": {"type": kind, "value": value}}


def report(devices: Devices) -> Report:
    return devices.report(TerritoryId("town"), GATEWAY, CabinetId("c-1"), AT)


def first(devices: Devices) -> LampState:
    return report(devices).lamps[0]


def test_what_nobody_measured_is_not_known(devices: Devices) -> None:
    found = report(devices)
    assert (found.supplied, found.door_open, found.tripped_circuits, found.version) == (None, None, (), 4)
    assert found.lamps == (LampState(luminaire=first(devices).luminaire), LampState(luminaire=found.lamps[1].luminaire))


def test_measurements_are_taken_in_their_units(devices: Devices) -> None:
    note(
        devices,
        measured(f"{LAMP}/f2", "activePower", 31.5),
        measured(f"{LAMP}/f2", "operatingHours", 100.5),
        measured(f"{LAMP}/f2", "switchOnCounter", 12, "AttributeInteger"),
        measured(f"{LAMP}/f1", "actualLightState", {"name": "LevelState", "value": 60}, "AttributeLevelState"),
    )
    state = first(devices)
    assert (state.power_w, state.burning_s, state.switch_count, state.level) == (31.5, 361_800.0, 12, 60)


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "31", True, None, [31]])
def test_what_is_no_power_is_no_measurement(devices: Devices, value: Any) -> None:
    note(devices, measured(f"{LAMP}/f2", "activePower", value))
    assert first(devices).power_w is None


def test_a_state_change_says_what_was_reached_rather_than_what_was_told(devices: Devices) -> None:
    told = {"name": "LevelState", "value": 80}
    change = {"type": "StateChangeEventLogData", "srcAddress": LAMP, "eventType": "lightStateChange", "command": {"state": told}}
    note(devices, change)
    assert first(devices).level == 80
    note(devices, {**change, "state": {"name": "LevelState", "value": 55}})
    assert first(devices).level == 55


def test_without_a_meter_events_say_what_light_there_is(devices: Devices) -> None:
    note(devices, measured(f"{LAMP}/f1", "actualLightState", {"name": "LevelState", "value": 60}, "AttributeLevelState"))
    note(devices, event(f"{LAMP}/f2", "lampFailure"))
    assert first(devices).level == 0
    note(devices, event(f"{LAMP}/f2", "lampFailure", begins=False), event(LAMP, "lampUnexpectedOn"))
    assert first(devices).level == 100
    note(devices, event(LAMP, "lampUnexpectedOn", begins=False))
    assert first(devices).level == 60


def test_a_lamp_that_does_not_communicate_is_not_named(devices: Devices) -> None:
    note(devices, event(f"{LAMP}/f3", "communicationFailure"))
    assert [one.luminaire for one in report(devices).lamps] == ["l-2"]
    note(devices, event(f"{LAMP}/f3", "communicationFailure", begins=False))
    assert len(report(devices).lamps) == 2


def test_a_cabinet_tells_of_door_supply_and_breakers(devices: Devices) -> None:
    note(
        devices,
        event(f"{CABINET}/door", "cabinetDoorOpen"),
        event(f"{CABINET}/meter", "supplyLoss"),
        event(f"{CABINET}/s2", "circuitBreakerTripped"),
    )
    found = report(devices)
    assert (found.door_open, found.supplied, found.tripped_circuits) == (True, False, (2,))
    note(devices, event(f"{CABINET}/door", "cabinetDoorOpen", begins=False), event(f"{CABINET}/meter", "supplyLoss", begins=False))
    assert (report(devices).door_open, report(devices).supplied) == (False, True)


def test_a_cabinet_follows_the_oldest_order_that_an_answering_lamp_follows(devices: Devices) -> None:
    devices.follow(LAMP, "c-1.v5.c0")
    assert report(devices).version == 4
    note(devices, event(f"{OTHER}/f3", "communicationFailure"))
    assert report(devices).version == 5


def test_a_lamp_that_lost_its_calendar_follows_none_and_one_that_was_given_up_is_not_told_of(devices: Devices) -> None:
    devices.read([lamp(LAMP, "l-1"), {**lamp(OTHER, "l-2"), "functions": [{"id": "f1", "type": "LampActuatorFunction"}]}])
    assert devices.followers(CabinetId("c-1")) == {LAMP: 4, OTHER: 0}
    assert report(devices).version == 0
    devices.follow(OTHER, "")
    assert devices.followers(CabinetId("c-1")) == {LAMP: 4}
    assert report(devices).version == 4


def test_strange_sources_and_events_change_nothing(devices: Devices) -> None:
    before = report(devices)
    known = note(
        devices, event("nobody", "lampFailure"), event(f"{LAMP}/f1", "calendarChange", begins=None), event(LAMP, "heavyTrafficDetected")
    )
    assert known == [False, True, True]
    assert report(devices) == before


def test_a_change_of_some_attributes_keeps_the_others(devices: Devices) -> None:
    note(devices, measured(f"{LAMP}/f2", "activePower", 31.5))
    told = {"address": LAMP, "name": "l-1", "class": "Luminaire"}
    devices.change({**told, "functions": [{"id": "f1", "type": "LampActuatorFunction", "calendarID": text("c-1.v6.c0")}]})
    assert devices.calendar_of(LAMP) == "c-1.v6.c0"
    assert first(devices).power_w == 31.5
    assert len(devices.by_luminaire()) == 2
