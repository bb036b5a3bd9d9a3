"""No fault without a cause, and none but its own, whatever is planned, commanded and powered."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from lighting_field import EVERYTHING, GATEWAY, LEVEL_ALONE, POWER_ALONE, QUARTER, Patrol
from lighting_plans import CABINET, LAMP, estates, night

from lighting.domain.estate import Estate
from lighting.domain.expectations import cabinet_plan, expected
from lighting.domain.inventory import LampType
from simulation.controllers import CabinetFault, LampFault, Meters

_TOLD = {
    LampFault.DEAD: {"LAMP_FAILURE"},
    LampFault.STUCK_FULL: {"DIMMING_FAILURE"},
    LampFault.ALWAYS_ON: {"UNEXPECTED_ON"},
    LampFault.POWER_HIGH: {"POWER_HIGH", "DIMMING_FAILURE"},
    LampFault.POWER_LOW: {"POWER_LOW"},
    LampFault.MUTE: {"COMMUNICATION"},
}
"""What a fault may be called: one that draws a third more, at 62 to 86 % and never at full light, may as well be stuck at full light."""
_OF_CABINET = {
    CabinetFault.NO_SUPPLY: "SUPPLY",
    CabinetFault.TRIPPED: "CIRCUIT",
    CabinetFault.CONTACTOR_STUCK: "CONTACTOR",
    CabinetFault.DOOR_OPEN: "DOOR",
    CabinetFault.MUTE: "COMMUNICATION",
    CabinetFault.NO_CLOCK: "ORDER_LOST",
}


@st.composite
def patrols(draw: st.DrawFn) -> tuple[Patrol, date]:
    """Draw a cabinet of five lamps that are as the inventory says, with a clock that is up to eight minutes late."""
    estate, day = draw(estates(lamps=5))
    luminaires = {
        one.id: replace(
            one,
            controller="m",
            lamp=LampType.of_led(power_w=draw(st.sampled_from([24.0, 40.0, 116.0])), standby_power_w=0.5, minimum_level=10),
        )
        for one in estate.luminaires.values()
    }
    cabinets = {CABINET: replace(estate.cabinets[CABINET], gateway=GATEWAY)}
    estate = replace(estate, luminaires=luminaires, cabinets=cabinets)
    meters: Meters = draw(st.sampled_from([EVERYTHING, LEVEL_ALONE, POWER_ALONE]))
    patrol = Patrol.of(estate, CABINET, night(estate, day).start, meters, seed=draw(st.integers(0, 99)))
    patrol.controller.late_s = draw(st.integers(0, 480))
    return patrol, day


def _run(patrol: Patrol, day: date, every: timedelta = QUARTER) -> None:
    during = night(patrol.estate, day, 2)
    patrol.run(during.start, during.end, every)


@settings(max_examples=25, deadline=None)
@given(patrols(), st.integers(5, 17))
def test_without_a_cause_there_is_no_fault(drawn: tuple[Patrol, date], minutes: int) -> None:
    patrol, day = drawn
    _run(patrol, day, timedelta(minutes=minutes))
    assert not patrol.told


@settings(max_examples=25, deadline=None)
@given(patrols(), st.sampled_from(sorted(_TOLD, key=lambda one: one.value)))
def test_a_lamp_fault_is_told_of_its_lamp_alone_and_by_its_name(drawn: tuple[Patrol, date], fault: LampFault) -> None:
    patrol, day = drawn
    patrol.controller.lamp_faults[LAMP] = fault
    _run(patrol, day)
    assert {lamp for _, lamp, _ in patrol.told} <= {LAMP}
    assert {kind for kind, _, _ in patrol.told} <= _TOLD[fault]


@settings(max_examples=25, deadline=None)
@given(patrols())
def test_a_dead_lamp_that_should_burn_for_an_hour_is_told(drawn: tuple[Patrol, date]) -> None:
    patrol, day = drawn
    patrol.controller.lamp_faults[LAMP] = LampFault.DEAD
    _run(patrol, day)
    told = ("LAMP_FAILURE", LAMP, None) in patrol.told
    assert told == (_seen_lit(patrol.estate, day) >= 2)


def _seen_lit(estate: Estate, day: date) -> int:
    """Count the quarters in which the lamp should be lit for certain, has power for certain, and is not alone in that of three or more."""
    during, count = night(estate, day, 2), 0
    plan, at = cabinet_plan(estate, CABINET, day, day + timedelta(days=1)), during.start
    while at < during.end:
        found = expected(plan, at, None)
        mine = next(one for one in found.alike if LAMP in one.luminaires)
        count += found.powered_since is not None and mine.low > 0 and not mine.locked
        at += QUARTER
    return count


@settings(max_examples=25, deadline=None)
@given(patrols(), st.sampled_from(sorted(_OF_CABINET, key=lambda one: one.value)))
def test_a_cabinet_fault_is_told_once_and_of_no_lamp(drawn: tuple[Patrol, date], fault: CabinetFault) -> None:
    patrol, day = drawn
    patrol.controller.cabinet_faults.add(fault)
    _run(patrol, day)
    assert patrol.told in ([], [(_OF_CABINET[fault], None, 1 if fault is CabinetFault.TRIPPED else None)])
