"""How fast nights are resolved, a year is rehearsed, and one luminaire's plan is told: `python tests/bench/bench_lighting.py`.

20,000 luminaires in 400 cabinets of different positions, three lamp types, crossings that are never dimmed, two programmes by weekday;
and a real
service on a port of this machine for the last line.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parents[1]))

from lighting_world import interval, lighting_world, utc

from lighting.domain.calendars import Calendar, CalendarRule
from lighting.domain.estate import Content, Estate, Plan
from lighting.domain.inventory import Cabinet, Clock, LampType, Limits, Luminaire
from lighting.domain.levels import CabinetId, CalendarId, Control, GroupId, LuminaireId, PlanName, ProgrammeId
from lighting.domain.programmes import ActivePeriod, PeriodKind, Programme, Reference, SwitchPoint
from lighting.domain.rates import Rate, Rates, Tariff
from lighting.domain.rehearsal import rehearsed
from lighting.domain.resolve import resolved
from multiflux.lighting.v1 import lighting_service_pb2 as pb
from runtime.clock import SystemClock

_A_CABINET = 50
_RUNS = 5
_CALLS = 300
_GROUP = GroupId("all")


def town(count: int) -> Estate:
    """Return luminaires with a published plan, and a draft that dims more."""
    clocks = (Clock(latitude_degrees=48.8 + number * 1e-3, longitude_degrees=2.3) for number in range(-(-count // _A_CABINET)))
    cabinets = {
        CabinetId(f"c{number}"): Cabinet(id=CabinetId(f"c{number}"), display_name=f"C{number}", clock=clock, tariff="t")
        for number, clock in enumerate(clocks)
    }
    lamps = [LampType.of_led(power_w=power, standby_power_w=0.6, minimum_level=10) for power in (38, 52, 60)]
    luminaires = {LuminaireId(f"l{number}"): _luminaire(number, lamps) for number in range(count)}
    published, draft = (_content(tuple(luminaires), level) for level in (60, 40))
    name, since = PlanName(group=_GROUP, version=1), datetime(2025, 1, 1, tzinfo=UTC)
    plan = Plan(name=name, content=published, first_night=date(2025, 1, 1), published=since, author="", reason="")
    return Estate(zone=ZoneInfo("Europe/Paris"), cabinets=cabinets, luminaires=luminaires, plans={_GROUP: (plan,)}, drafts={_GROUP: draft})


def _luminaire(number: int, lamps: list[LampType]) -> Luminaire:
    crossing = number % 11 == 3
    return Luminaire(
        id=LuminaireId(f"l{number}"),
        number=str(number),
        cabinet=CabinetId(f"c{number // _A_CABINET}"),
        latitude_degrees=48.8,
        longitude_degrees=2.3,
        lamp=lamps[number % 3],
        control=Control.INDIVIDUAL,
        category="a",
        limits=Limits(never_dimmed=crossing, never_off=crossing),
    )


def _content(luminaires: tuple[LuminaireId, ...], level: int) -> Content:
    night = ActivePeriod(kind=PeriodKind.ASTRO_CLOCK)
    week = Programme(
        id=ProgrammeId("week"),
        display_name="week",
        periods=(night,),
        switch_points=(
            SwitchPoint(reference=Reference.SUNSET, level=100, ramp_s=300),
            SwitchPoint(reference=Reference.FIXED, minute=1_380, level=level, ramp_s=60),
            SwitchPoint(reference=Reference.FIXED, minute=300, level=80),
        ),
    )
    off = (SwitchPoint(reference=Reference.FIXED, minute=60, level=0), SwitchPoint(reference=Reference.FIXED, minute=300, level=70))
    weekend = Programme(id=ProgrammeId("weekend"), display_name="weekend", periods=(night,), switch_points=off)
    rules = (CalendarRule(programme=weekend.id, weekdays=(5, 6)),)
    calendar = Calendar(id=CalendarId("k"), display_name="k", rules=rules, default_programme=week.id)
    return Content(luminaires=luminaires, calendar=calendar, programmes=(week, weekend))


def median_s(work: Callable[[], Any], runs: int = _RUNS) -> float:
    """Return the median seconds of some runs."""
    took: list[float] = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return statistics.median(took)


async def plan_of_one_ms() -> tuple[float, float]:
    """Return the median and 95th percentile of one luminaire's night through gRPC, in milliseconds."""
    took: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        async with lighting_world(f"sqlite:///{folder}/lighting.sqlite", Path(folder), SystemClock()) as world:
            await world.small_town()
            await world.published("luminaires/l1-1")
            request = pb.QueryPlanRequest(luminaires=["luminaires/l1-1"], interval=interval(utc(2026, 1, 16, 11), utc(2026, 1, 17, 11)))
            for _ in range(_CALLS):
                start = time.perf_counter()
                await world.call("QueryPlan", request)
                took.append(1e3 * (time.perf_counter() - start))
    return statistics.median(took), sorted(took)[round(0.95 * _CALLS)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--luminaires", type=int, default=20_000)
    parser.add_argument("--rehearsed", type=int, default=5_000)
    arguments = parser.parse_args()
    estate = town(arguments.luminaires)
    everyone, day = list(estate.luminaires), date(2026, 3, 28)
    # A copy of the estate has worked nothing out yet.
    cold = median_s(lambda: resolved(replace(estate), everyone, day, day))
    warm = median_s(lambda: resolved(estate, everyone, day, day))
    small = town(arguments.rehearsed)
    rates = Rates(tariffs=(Tariff(name="t", rates=(Rate(per_kwh=2e5),)),), emissions=(Rate(per_kwh=21.7),))
    span = date(2026, 1, 1), date(2026, 12, 31)
    year = median_s(lambda: rehearsed(small, list(small.luminaires), *span, rates), 3)
    middle, high = asyncio.run(plan_of_one_ms())
    print(f"{'what':<58}{'measured':>12}{'bar':>10}")
    for what, measured, bar in (
        (f"a night of {arguments.luminaires:,} luminaires, first time", f"{cold:.3f} s", "1 s"),
        (f"a night of {arguments.luminaires:,} luminaires, again", f"{warm:.3f} s", "1 s"),
        (f"a year of {arguments.rehearsed:,} luminaires rehearsed, draft and current", f"{year:.2f} s", "5 s"),
        ("a night of one luminaire through gRPC, p50", f"{middle:.2f} ms", "5 ms"),
        ("a night of one luminaire through gRPC, p95", f"{high:.2f} ms", ""),
    ):
        print(f"{what:<58}{measured:>12}{bar:>10}")


if __name__ == "__main__":
    main()
