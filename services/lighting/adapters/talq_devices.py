"""A TALQ gateway's devices, as they were read and as log reports changed them since: which luminaire or cabinet each is, and how it is.

A luminaire is the device with a LampActuator whose `assetId` is its id, or else whose address is. It belongs to the cabinet whose
calendar it follows, or followed when it was seen last. Devices whose `assetId` is a cabinet's id tell of its door, its breakers and its
supply.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from lighting.adapters.talq_messages import AttributeLogData, EventLogData, Json, LogData
from lighting.adapters.talq_orders import order_named
from lighting.domain.inventory import Gateway
from lighting.domain.levels import CabinetId, CommandId, LuminaireId
from lighting.domain.reports import LampState, Report
from vocabulary.names import TerritoryId

_ACTUATOR, _MONITOR, _SEGMENT = "LampActuatorFunction", "LampMonitorFunction", "SegmentMonitorFunction"
_NUMBER = re.compile(r"(\d{1,2})\D*$")
_HOUR_S = 3_600.0
_FULL = 100.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Overridden:
    """The override that a lamp's actuator was told last."""

    command: CommandId
    level: int | None
    start: datetime | None
    end: datetime | None


@dataclass(slots=True)
class Devices:
    """Devices by address, as the gateway describes them."""

    all: dict[str, Json] = field(default_factory=dict[str, Json])
    _homes: dict[str, CabinetId] = field(default_factory=dict[str, CabinetId])
    """The cabinet whose order each device follows, or followed until something else happened to it."""

    def read(self, devices: Iterable[Json]) -> None:
        """Take in what the gateway says of all its devices; what it names no more is gone."""
        self.all = {device["address"]: device for device in devices}
        self._homes = {address: home for address, home in self._homes.items() if address in self.all}
        for address in self.all:
            self._settle(address)

    def change(self, device: Json) -> None:
        """Take in what the gateway says of some attributes of a device."""
        known = self.all.setdefault(device["address"], {**device, "functions": []})
        known |= {key: value for key, value in device.items() if key != "functions"}
        for function in device.get("functions", ()):
            mine = next((one for one in known["functions"] if one["id"] == function["id"]), None)
            if mine is None:
                known["functions"].append(function)
            else:
                mine.update(function)
        self._settle(device["address"])

    def note(self, data: LogData) -> bool:
        """Take in an entry of a log report; False when its device is not known."""
        address, _, function = data.src_address.partition("/")
        device = self.all.get(address)
        if device is None:
            return False
        if isinstance(data, AttributeLogData):
            _set(device, function, data.attribute_name, data.attribute_value)
        elif isinstance(data, EventLogData):
            if data.start_end_flag is not None:
                _set(device, function, data.event_type, {"type": "AttributeBoolean", "value": data.start_end_flag})
        else:
            state = data.state if data.state is not None else data.command.get("state")
            _set(device, function, "actualLightState", {"type": "AttributeLevelState", "value": state})
        return True

    def by_luminaire(self) -> Mapping[LuminaireId, str]:
        """Return the address of each luminaire's device."""
        return {LuminaireId(_asset(device)): address for address, device in self.all.items() if _has(device, _ACTUATOR)}

    def calendar_of(self, address: str) -> str:
        """Return the calendar that a device follows; empty: none."""
        return _text(_value(self.all[address], _ACTUATOR, "calendarID"))

    def follow(self, address: str, calendar: str) -> None:
        """Note that a device was told to follow a calendar."""
        _set(self.all[address], "", "calendarID", {"type": "AttributeString", "value": calendar})
        if not calendar:
            self._homes.pop(address, None)
        self._settle(address)

    def followers(self, cabinet: CabinetId) -> Mapping[str, int]:
        """Return the devices of a cabinet, and the version of its order that they follow; 0: none any more."""
        found = {address: order_named(self.calendar_of(address)) for address, home in self._homes.items() if home == cabinet}
        return {address: named[1] if named is not None else 0 for address, named in found.items()}

    def overridden(self, address: str) -> Overridden | None:
        """Return what a device was overridden with last, if that was the last that it was told."""
        told = _value(self.all[address], _ACTUATOR, "targetLightCommand")
        if not isinstance(told, dict):
            return None
        command = cast("Json", told)
        if command.get("reason") != "override":
            return None
        return Overridden(
            command=CommandId(_text(command.get("cmsRefId"))),
            level=_whole(_level(command.get("state"))),
            start=_instant(command.get("start")),
            end=_instant(command.get("expiration")),
        )

    def cabinets(self) -> frozenset[CabinetId]:
        """Return the cabinets that there are devices of."""
        return frozenset(self._homes.values())

    def cabinets_of(self, addresses: Iterable[str]) -> frozenset[CabinetId]:
        """Return the cabinets that devices tell something of, as far as there are any lamps of theirs."""
        return self.cabinets() & {self._homes.get(address) or CabinetId(_asset(self.all[address])) for address in addresses}

    def report(self, territory: TerritoryId, gateway: Gateway, cabinet: CabinetId, at: datetime) -> Report:
        """Return what is known of a cabinet. Lamps that fail to communicate are not named, and their version does not count."""
        followers = self.followers(cabinet)
        answering = {address for address in followers if not _flag(self.all[address], "communicationFailure")}
        own = [device for device in self.all.values() if _asset(device) == cabinet and not _has(device, _ACTUATOR)]
        supply, door = ([found for device in own for found in _flags(device, name)] for name in ("supplyLoss", "cabinetDoorOpen"))
        return Report(
            territory=territory,
            gateway=gateway,
            cabinet=cabinet,
            at=at,
            supplied=not any(supply) if supply else None,
            door_open=any(door) if door else None,
            tripped_circuits=tuple(sorted({circuit for device in own for circuit in _tripped(device)})),
            version=min((followers[address] for address in answering or followers), default=0),
            lamps=tuple(sorted((_lamp(self.all[address]) for address in answering), key=lambda lamp: lamp.luminaire)),
        )

    def _settle(self, address: str) -> None:
        named = order_named(self.calendar_of(address))
        if named is not None:
            self._homes[address] = named[0]


def _lamp(device: Json) -> LampState:
    hours = _number(_value(device, _MONITOR, "operatingHours"))
    power = _number(_value(device, _MONITOR, "activePower"))
    level = _level(_value(device, _ACTUATOR, "actualLightState"))
    if power is None:
        # Without a meter, what the lamp is seen to do goes before what it was told: dark, or lit unasked.
        level = 0.0 if _flag(device, "lampFailure") else _FULL if _flag(device, "lampUnexpectedOn") else level
    return LampState(
        luminaire=LuminaireId(_asset(device)),
        level=level,
        power_w=power,
        burning_s=None if hours is None else hours * _HOUR_S,
        switch_count=_whole(_number(_value(device, _MONITOR, "switchOnCounter"))),
    )


def _tripped(device: Json) -> Iterator[int]:
    for function in _functions(device):
        if function.get("type") == _SEGMENT and _plain(function.get("circuitBreakerTripped")) is True:
            named = _NUMBER.search(_text(_plain(function.get("segmentReference"))) or str(function["id"]))
            if named:
                yield int(named[1])


def _asset(device: Json) -> str:
    return _text(_value(device, "BasicFunction", "assetId")) or str(device["address"])


def _has(device: Json, function_type: str) -> bool:
    return any(function.get("type") == function_type for function in _functions(device))


def _functions(device: Json) -> list[Json]:
    return device.get("functions", [])


def _value(device: Json, function_type: str, name: str) -> Any:
    """Return the value of the first function of the type that has the attribute; None: no such thing."""
    found = (function[name] for function in _functions(device) if function.get("type") == function_type and name in function)
    return _plain(next(found, None))


def _flags(device: Json, name: str) -> list[bool]:
    """Return what the functions of a device say of an event that begins and ends."""
    found = (_plain(function.get(name)) for function in _functions(device))
    return [value for value in found if isinstance(value, bool)]


def _flag(device: Json, name: str) -> bool:
    return any(_flags(device, name))


def _set(device: Json, function_id: str, name: str, attribute: Json) -> None:
    """Set an attribute of the named function; without a name, of the one that has it, or else of the one that lights."""
    functions = _functions(device)
    named = [function for function in functions if function["id"] == function_id]
    having = [function for function in functions if name in function]
    lighting = [function for function in functions if function.get("type") in (_ACTUATOR, _MONITOR)]
    for function in (named or having or lighting or functions)[:1]:
        function[name] = attribute


def _plain(attribute: Any) -> Any:
    return cast("Json", attribute).get("value") if isinstance(attribute, dict) else None


def _level(state: Any) -> float | None:
    level = _number(_plain(state))
    return level if level is not None and 0 <= level <= _FULL else None


def _number(value: Any) -> float | None:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
    return float(value) if fits else None


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _instant(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(_text(value))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
