"""Planned against metered energy over a year of the simulated town: `python tests/bench/bench_lighting_energy.py`.

Ten cabinets, night by night, as their meters count them by half-hour: with two contactors that stick, a circuit that is dead, a façade
that burns too late, Christmas decorations, clocks that lose time, and what cabinets draw for themselves. One night in twenty lacks six
hours of readings. A night has a fault when the town's list says so for two hours of it or more.
"""

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from lighting_field import town_estate

from lighting.domain.levels import CabinetId
from lighting.domain.reckoning import HALF_HOUR_S, PlannedNight, Reckoning, Verdict, planned_nights, reckoned
from simulation.faults import Fault, FaultKind
from simulation.lighting import CabinetLoad, cabinet_power_w
from simulation.scene import scene
from simulation.town import Town, build_town

_START, _END = date(2025, 4, 1), date(2026, 4, 1)
_GAP_STEPS = 12
_LEAST_S = 7_200


@dataclass
class Night:
    """A night that was reckoned, and what was wrong in it."""

    decorated: bool
    holed: bool
    faults: Mapping[FaultKind, float]
    """Faults of the night, with their size."""
    found: Reckoning


def nights_of(town: Town) -> Iterator[Night]:
    """Yield every night of every cabinet."""
    estate, rng, stage = town_estate(town), np.random.default_rng(1), scene(town.draws, town.start, town.end)
    for cabinet in town.cabinets:
        load = CabinetLoad.of([one for one in town.luminaires if one.cabinet == cabinet.id])
        own = [fault for fault in town.faults if fault.point == cabinet.point]
        watts = cabinet_power_w(cabinet, load, own, stage)
        joules = dict(zip(stage.start.tolist(), (watts * HALF_HOUR_S).tolist(), strict=True))
        for planned in planned_nights(estate, CabinetId(cabinet.id), town.start, town.end - timedelta(days=2)):
            start = int(planned.start.timestamp())
            metered: list[float | None] = [joules[start + HALF_HOUR_S * step] for step in range(len(planned.power_w))]
            holed = rng.random() < 0.05
            if holed:
                first = int(rng.integers(0, len(metered) - _GAP_STEPS))
                metered[first : first + _GAP_STEPS] = [None] * _GAP_STEPS
            hung = cabinet.decorated and (planned.night >= date(2025, 12, 3)) and (planned.night < date(2026, 1, 7))
            yield Night(decorated=hung, holed=holed, faults=_faults(own, planned), found=reckoned(planned, metered))


def _faults(faults: Sequence[Fault], planned: PlannedNight) -> Mapping[FaultKind, float]:
    start = planned.start.timestamp()
    end = start + HALF_HOUR_S * len(planned.power_w)
    return {one.kind: one.size for one in faults if min(one.end_s, end) - max(one.start_s, start) >= _LEAST_S}


def table(nights: Sequence[Night]) -> Iterator[str]:
    """Yield what was found of each kind of fault, and what was told of nights without one."""
    whole = [one for one in nights if not one.holed]
    told = {
        FaultKind.LAMPS_BY_DAY: lambda one: one.found.by_day.lamps,
        FaultKind.LAMPS_OUT: lambda one: one.found.lamps_out,
        FaultKind.FACADE_LATE: lambda one: one.found.by_night.lamps,
    }
    yield f"{'nights with':<16}{'nights':>8}{'told':>6}{'recall':>9}{'told without':>14}{'precision':>11}{'lamps off by':>14}"
    for kind, lamps in told.items():
        having = [one for one in whole if kind in one.faults]
        caught = [one for one in having if lamps(one)]
        # A contactor that sticks where the plan is dark at night makes lamps burn then too.
        false = [one for one in whole if lamps(one) and kind not in one.faults and FaultKind.LAMPS_BY_DAY not in one.faults]
        off = [abs(lamps(one) - one.faults[kind]) for one in caught] if kind is not FaultKind.FACADE_LATE else []
        precision = len(caught) / max(len(caught) + len(false), 1)
        yield (
            f"{kind.value:<16}{len(having):>8}{len(caught):>6}{100 * len(caught) / len(having):>7.1f} %{len(false):>14}"
            f"{100 * precision:>9.1f} %" + (f"{sum(off) / len(off):>14.2f}" if off else f"{'-':>14}")
        )
    verdicts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in nights:
        what = "with holes" if one.holed else "with faults" if one.faults else "decorated" if one.decorated else "sound"
        verdicts[what][one.found.verdict.name] += 1
    yield f"{'nights':<16}" + "".join(f"{verdict.name.lower().replace('_', ' '):>14}" for verdict in Verdict)
    for what, counts in sorted(verdicts.items()):
        yield f"{what:<16}" + "".join(f"{counts[verdict.name]:>14}" for verdict in Verdict)


def main() -> None:
    """Print the tables."""
    began = time.perf_counter()
    nights = list(nights_of(build_town(7, _START, _END)))
    print(f"{len(nights):,} nights of 10 cabinets in {time.perf_counter() - began:.0f} s")
    for line in table(nights):
        print(line)
    off = [one.found.difference for one in nights if not one.faults and not one.decorated and one.found.difference is not None]
    print(
        "sound nights, metered against planned: " + ", ".join(f"p{at} {100 * float(np.percentile(off, at)):+.1f} %" for at in (1, 50, 99))
    )


if __name__ == "__main__":
    main()
