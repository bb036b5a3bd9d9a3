"""Faults injected against faults found, and planned against metered energy: `python tests/bench/bench_lighting_faults.py`.

The simulated town's ten cabinets and 250 luminaires report every quarter of an hour while they have power. A whole year of that would
take longer than five minutes, so each month gives eight days (96 nights by default). In each stretch every second cabinet has a fault of
its own, and one to three lamps of each cabinet have others, at random places, of random begin and length. A fault that never shows for an
hour in a row could not be seen (a lamp that cannot go out, where it need never be dark; a power where none is measured) and is counted
apart. A fault is found when its very kind is told of its very lamp, circuit or cabinet while it lasts; everything else that is told is
false.
"""

import argparse
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from lighting_field import QUARTER, Patrol, meters_of, noon, town_estate

from lighting.domain.estate import Estate
from lighting.domain.faults import Fault, FaultKind
from lighting.domain.levels import CabinetId, LuminaireId
from simulation.controllers import CabinetFault, Controller, Lamp, LampFault
from simulation.town import build_town

_SEED = 7
_START, _END = date(2025, 4, 1), date(2026, 4, 1)
_WARM_UP = timedelta(hours=12)
_HOUR_OF_QUARTERS = 4
_DIMMED = 75
"""At this level and below, full light is told from dimmed light for certain."""
_LAMP_KINDS = {
    LampFault.DEAD: FaultKind.LAMP_FAILURE,
    LampFault.STUCK_FULL: FaultKind.DIMMING_FAILURE,
    LampFault.ALWAYS_ON: FaultKind.UNEXPECTED_ON,
    LampFault.POWER_HIGH: FaultKind.POWER_HIGH,
    LampFault.POWER_LOW: FaultKind.POWER_LOW,
    LampFault.CYCLING: FaultKind.CYCLING,
    LampFault.MUTE: FaultKind.COMMUNICATION,
}
_CABINET_KINDS = {
    CabinetFault.NO_SUPPLY: FaultKind.SUPPLY,
    CabinetFault.TRIPPED: FaultKind.CIRCUIT,
    CabinetFault.CONTACTOR_STUCK: FaultKind.CONTACTOR,
    CabinetFault.DOOR_OPEN: FaultKind.DOOR,
    CabinetFault.MUTE: FaultKind.COMMUNICATION,
    CabinetFault.NO_CLOCK: FaultKind.ORDER_LOST,
}


@dataclass
class Injected:
    """A fault that was put there."""

    fault: LampFault | CabinetFault
    cabinet: CabinetId
    lamp: LuminaireId | None
    start: datetime
    end: datetime
    first_sign: datetime | None = None
    row: int = 0
    longest_row: int = 0
    """Of quarters in which it showed."""
    told: list[Fault] = field(default_factory=list[Fault])

    @property
    def kind(self) -> FaultKind:
        return _LAMP_KINDS[self.fault] if isinstance(self.fault, LampFault) else _CABINET_KINDS[self.fault]

    @property
    def could_be_seen(self) -> bool:
        return self.longest_row > _HOUR_OF_QUARTERS

    def explains(self, fault: Fault) -> bool:
        here = fault.cabinet == self.cabinet and fault.symptom.luminaire == self.lamp and fault.symptom.kind is self.kind
        return here and self.start - QUARTER <= fault.start <= self.end + QUARTER

    def look(self, at: datetime, *, shows: bool) -> None:
        self.row = self.row + 1 if shows else 0
        self.longest_row = max(self.row, self.longest_row)
        if shows and self.first_sign is None:
            self.first_sign = at


def drawn(rng: np.random.Generator, estate: Estate, cabinet: CabinetId, span: tuple[datetime, datetime], turn: int) -> list[Injected]:
    """Return the faults of a cabinet in a stretch: every second time one of its own, and always one to three of its lamps."""
    lamps = sorted(one.id for one in estate.luminaires.values() if one.cabinet == cabinet)
    found: list[Injected] = []
    if turn % 2 == 0:
        kinds = list(_CABINET_KINDS)
        found.append(_placed(rng, kinds[turn // 2 % len(kinds)], cabinet, None, span))
    places: list[int] = rng.permutation(len(lamps)).tolist()
    kinds_of_lamps: list[int] = rng.permutation(len(_LAMP_KINDS)).tolist()
    for place, kind in zip(places[: int(rng.integers(1, 4))], kinds_of_lamps, strict=False):
        found.append(_placed(rng, list(_LAMP_KINDS)[kind], cabinet, lamps[place], span))
    return found


def _placed(
    rng: np.random.Generator,
    fault: LampFault | CabinetFault,
    cabinet: CabinetId,
    lamp: LuminaireId | None,
    span: tuple[datetime, datetime],
) -> Injected:
    begin = span[0] + _WARM_UP + (span[1] - span[0] - timedelta(days=2)) * float(rng.uniform(0, 1))
    end = min(begin + timedelta(hours=float(rng.uniform(6, 96))), span[1])
    return Injected(fault=fault, cabinet=cabinet, lamp=lamp, start=begin, end=end)


def _shows(one: Injected, sound: Controller, at: float, active: set[LampFault | CabinetFault]) -> bool:
    """Tell whether a fault makes a difference at an instant that anybody could see, by what a sound cabinet would do."""
    powered, levels = sound.is_powered(at), sound.levels(at)
    if isinstance(one.fault, CabinetFault):
        return any(level == 0 for level in levels.values()) if one.fault is CabinetFault.CONTACTOR_STUCK else powered
    hidden = any(isinstance(other, CabinetFault) and other is not CabinetFault.DOOR_OPEN for other in active)
    return powered and not hidden and _lamp_shows(one.fault, sound.lamps[one.lamp or ""], levels[one.lamp or ""])


def _lamp_shows(fault: LampFault, lamp: Lamp, level: float) -> bool:
    match fault:
        case LampFault.DEAD | LampFault.CYCLING:
            return level > 0
        case LampFault.STUCK_FULL:
            return 0 < level <= _DIMMED
        case LampFault.ALWAYS_ON:
            return level == 0
        case LampFault.POWER_HIGH | LampFault.POWER_LOW:
            return level > 0 and lamp.meters is not None and lamp.meters.power
        case LampFault.MUTE:
            return level > 0 or not lamp.contactor


def run_through(patrol: Patrol, injected: Sequence[Injected], span: tuple[datetime, datetime]) -> list[Fault]:
    """Let a cabinet report through a stretch with its faults; give each fault what was told of it, and return what was told of none."""
    at, controller = span[0], patrol.controller
    while at < span[1]:
        active = [one for one in injected if one.start <= at < one.end]
        controller.lamp_faults = {one.lamp: one.fault for one in active if one.lamp is not None and isinstance(one.fault, LampFault)}
        controller.cabinet_faults = set()
        for one in active:
            one.look(at, shows=_shows(one, controller, at.timestamp(), {other.fault for other in active}))
        controller.cabinet_faults = {one.fault for one in active if isinstance(one.fault, CabinetFault)}
        patrol.step(at)
        at += QUARTER
    false: list[Fault] = []
    for fault in patrol.opened:
        causes = [one for one in injected if one.explains(fault)]
        for one in causes:
            one.told.append(fault)
        false += [] if causes else [fault]
    return false


def trial(seed: int, days: int) -> tuple[list[Injected], list[Fault], int]:
    """Return every fault that was injected, every one that was told without a cause, and how many reports were judged."""
    town = build_town(_SEED, _START, _END)
    estate, meters, rng = town_estate(town), meters_of(town), np.random.default_rng(seed)
    injected: list[Injected] = []
    false: list[Fault] = []
    reports = 0
    drift = {one.id: one.clock_drift_s_per_day for one in town.cabinets}
    for month in range(12):
        first = (_START.replace(day=1) + timedelta(days=31 * month)).replace(day=11)
        span = noon(first), noon(first + timedelta(days=days))
        for number, cabinet in enumerate(estate.cabinets):
            patrol = Patrol.of(estate, cabinet, span[0], meters[cabinet], seed=seed + month)
            patrol.controller.late_s = drift[cabinet] * (first.toordinal() % 182)
            faults = drawn(rng, estate, cabinet, span, month + number)
            false += run_through(patrol, faults, span)
            injected += faults
            reports += patrol.reports
    return injected, false, reports


def table(injected: Sequence[Injected], false: Sequence[Fault]) -> Iterator[str]:
    """Yield the lines of the table."""
    wrong = Counter(fault.symptom.kind for fault in false)
    yield f"{'kind':<20}{'put':>6}{'seen?':>7}{'found':>7}{'recall':>9}{'false':>7}{'precision':>11}{'told each':>11}{'hours':>8}"
    for kind in [*FaultKind, None]:
        mine = [one for one in injected if kind in (None, one.kind)]
        visible = [one for one in mine if one.could_be_seen]
        found = [one for one in mine if one.told]
        caught = [one for one in visible if one.told]
        lies = len(false) if kind is None else wrong[kind]
        if not mine and not lies:
            continue
        told = sum(len(one.told) for one in mine)
        recall = f"{100 * len(caught) / len(visible):.1f} %" if visible else "-"
        precision = f"{100 * told / (told + lies):.1f} %" if told + lies else "-"
        each = f"{told / len(found):.2f}" if found else "-"
        hours = [(one.told[0].last_seen - one.first_sign) / timedelta(hours=1) for one in found if one.first_sign]
        name = "all" if kind is None else kind.name.lower().replace("_", " ")
        line = f"{name:<20}{len(mine):>6}{len(visible):>7}{len(found):>7}{recall:>9}{lies:>7}{precision:>11}{each:>11}"
        yield line + (f"{statistics.median(hours):>8.2f}" if hours else f"{'-':>8}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=8, help="of each month")
    arguments = parser.parse_args()
    began = time.perf_counter()
    injected, false, reports = trial(arguments.seed, arguments.days)
    took = time.perf_counter() - began
    print(f"{12 * arguments.days} nights of 10 cabinets and 250 luminaires: {reports:,} reports in {took:.0f} s, seed {arguments.seed}")
    for line in table(injected, false):
        print(line)
    many = [one for one in injected if one.lamp is None and len(one.told) > 1]
    print(f"cabinet faults told more than once: {len(many)}; lamp faults told more than once: "
          f"{sum(one.lamp is not None and len(one.told) > 1 for one in injected)}")  # fmt: skip
    for fault in false:
        others = [one for one in injected if one.cabinet == fault.cabinet and one.lamp in (fault.symptom.luminaire, None)]
        has = ", ".join(one.fault.name for one in others if one.start <= fault.start + QUARTER and fault.start <= one.end + QUARTER)
        told = f"{fault.cabinet} {fault.symptom.kind.name} {fault.symptom.luminaire or ''}"
        print(f"false: {told} {fault.start:%d %b %H:%M}; what it has: {has or 'nothing'}")
    for one in injected:
        if one.could_be_seen and not one.told:
            print(f"missed: {one.cabinet} {one.fault.name} {one.lamp} {one.start:%d %b %H:%M} to {one.end:%d %b %H:%M}")


if __name__ == "__main__":
    main()
