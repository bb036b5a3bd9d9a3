"""What a cabinet's gateway would report: levels, powers and counts of its lamps, with what is wrong with them."""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from simulation.controllers import CabinetFault, Controller, Lamp, LampFault, Tally
from simulation.draws import Draws, Floats, Stream

_FULL = 100.0
_NOISE = 0.03
"""What meters in lamps err at most, as a share."""
_THIRD = 1 / 3
_BLINK_S = 180
"""A cycling lamp is lit or dark by chance for so long at a time."""
_TRIPPING = 1
"""The circuit whose breaker trips."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredLamp:
    """What is known of a lamp; None is not measured."""

    lamp: str
    level: float | None
    power_w: float | None
    burning_s: float | None
    switch_count: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What a gateway reports. A lamp that is not named did not answer it."""

    at: float
    supplied: bool
    door_open: bool
    tripped_circuits: tuple[int, ...]
    version: int
    """The order that it follows; 0: none, the cabinet's clock."""
    lamps: tuple[MeasuredLamp, ...]


def measured(controller: Controller, at: float) -> Measured | None:
    """Return what the gateway reports at a UTC second; None where it has no power or is mute.

    Counters go on in `controller.tallies`: ask in rising time, and at least every quarter of an hour. Asked again for the same instant,
    the answer is the same.
    """
    faults = controller.cabinet_faults
    powered = controller.is_powered(at) or CabinetFault.CONTACTOR_STUCK in faults
    driven = controller.levels(at) if powered else dict.fromkeys(controller.lamps, 0.0)
    burning = {lamp.id: _burning(controller, lamp, driven[lamp.id], at) if powered else 0.0 for lamp in controller.lamps.values()}
    for lamp in controller.lamps.values():
        _count(controller, lamp, at, lit=burning[lamp.id] > 0)
    if not powered or CabinetFault.MUTE in faults:
        return None
    return Measured(
        at=at,
        supplied=CabinetFault.NO_SUPPLY not in faults,
        door_open=CabinetFault.DOOR_OPEN in faults,
        tripped_circuits=(_TRIPPING,) if CabinetFault.TRIPPED in faults else (),
        version=controller.followed(at),
        lamps=tuple(_answers(controller, driven, burning, at)),
    )


def _answers(controller: Controller, driven: Mapping[str, float], burning: Mapping[str, float], at: float) -> Iterator[MeasuredLamp]:
    if CabinetFault.NO_SUPPLY in controller.cabinet_faults:
        return
    tripped = CabinetFault.TRIPPED in controller.cabinet_faults
    noise = _noise(controller, at)
    for number, lamp in enumerate(controller.lamps.values()):
        fault, tally, meters = controller.lamp_faults.get(lamp.id), controller.tallies[lamp.id], lamp.meters
        unpowered = (lamp.contactor and not max(driven[lamp.id], burning[lamp.id])) or (tripped and lamp.circuit == _TRIPPING)
        if meters is None or fault is LampFault.MUTE or unpowered:
            continue
        yield MeasuredLamp(
            lamp=lamp.id,
            level=(driven if meters.power else burning)[lamp.id] if meters.level else None,
            power_w=round(_power_w(lamp, fault, burning[lamp.id]) * float(noise[number]), 2) if meters.power else None,
            burning_s=tally.burning_s if meters.switching else None,
            switch_count=tally.switch_count if meters.switching else None,
        )


def _burning(controller: Controller, lamp: Lamp, driven: float, at: float) -> float:
    """Return the level in per cent that a lamp burns at, whatever it is driven to."""
    faults = controller.cabinet_faults
    if CabinetFault.NO_SUPPLY in faults or (CabinetFault.TRIPPED in faults and lamp.circuit == _TRIPPING):
        return 0.0
    if not driven and CabinetFault.CONTACTOR_STUCK in faults:
        driven = _FULL
    match controller.lamp_faults.get(lamp.id):
        case LampFault.DEAD:
            return 0.0
        case LampFault.STUCK_FULL:
            return _FULL if driven else 0.0
        case LampFault.ALWAYS_ON:
            return driven or _FULL
        case LampFault.CYCLING:
            slot = int(at // _BLINK_S)
            return driven if _blinks(controller, lamp, slot, slot)[0] else 0.0
        case LampFault.POWER_HIGH | LampFault.POWER_LOW | LampFault.MUTE | None:
            return driven


def _power_w(lamp: Lamp, fault: LampFault | None, level: float) -> float:
    if fault is LampFault.DEAD:
        return 0.0
    power = lamp.power_w(level)
    if level and fault is LampFault.POWER_HIGH:
        return power * (1 + _THIRD)
    return power * (1 - _THIRD) if level and fault is LampFault.POWER_LOW else power


def _count(controller: Controller, lamp: Lamp, at: float, *, lit: bool) -> None:
    """Let a lamp's counters go on: until now it was as it was seen last."""
    before = controller.tallies.get(lamp.id)
    if before is None:
        controller.tallies[lamp.id] = Tally(until=at, lit=lit)
        return
    if at <= before.until:
        return
    ons = int(lit and not before.lit)
    if controller.lamp_faults.get(lamp.id) is LampFault.CYCLING and (lit or before.lit):
        seen = _blinks(controller, lamp, int(before.until // _BLINK_S), int(at // _BLINK_S))
        ons = int(np.count_nonzero(seen[1:] & ~seen[:-1])) if before.lit == bool(seen[0]) else ons
    burning_s = before.burning_s + (at - before.until) * before.lit
    controller.tallies[lamp.id] = replace(before, until=at, lit=lit, burning_s=burning_s, switch_count=before.switch_count + ons)


def _blinks(controller: Controller, lamp: Lamp, first: int, last: int) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Return whether a cycling lamp is lit in each of some slots."""
    drawn = Draws(seed=controller.seed).uniform(Stream.BLINKING, np.array([_key(lamp.id)]), np.arange(first, last + 1))
    return drawn[0] < 0.5


def _noise(controller: Controller, at: float) -> Floats:
    """Return what to multiply the powers with, lamp by lamp."""
    keys = np.array([_key(lamp) for lamp in controller.lamps])
    return 1 + _NOISE * (2 * Draws(seed=controller.seed).uniform(Stream.LAMP_METER, keys, np.array([int(at)]))[:, 0] - 1)


def _key(lamp: str) -> int:
    return zlib.crc32(lamp.encode())
