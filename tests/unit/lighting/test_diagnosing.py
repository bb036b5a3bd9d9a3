"""Which faults are told of what a cabinet reports, of what, and how often."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from lighting_field import EVERYTHING, GATEWAY, LEVEL_ALONE, POWER_ALONE, QUARTER, TOWN, Patrol, noon

from lighting.domain.calendars import Calendar
from lighting.domain.commands import Command, CommandKind, Scope
from lighting.domain.estate import Content, Estate, Plan
from lighting.domain.expectations import cabinet_plan, expected
from lighting.domain.failures import UnknownCabinet
from lighting.domain.faults import Fault, FaultKind, Symptom
from lighting.domain.inventory import Cabinet, Clock, LampType, Luminaire
from lighting.domain.levels import CabinetId, CalendarId, CommandId, Control, GroupId, LuminaireId, PlanName, ProgrammeId
from lighting.domain.nights import night_of
from lighting.domain.programmes import ActivePeriod, Effect, EffectOperation, EffectSource, PeriodKind, Programme, Reference, SwitchPoint
from lighting.domain.reports import LampState, Report
from simulation.controllers import CabinetFault, LampFault, Meters
from simulation.measuring import measured
from simulation.scene import ZONE

CABINET, GROUP = CabinetId("c"), GroupId("g")
LAMPS = tuple(LuminaireId(f"l{number}") for number in range(8))
FIRST = LAMPS[0]
DAY = date(2026, 1, 14)
START = noon(DAY)
EVENING, DEEP, NEXT = START + timedelta(hours=7), START + timedelta(hours=14), START + timedelta(days=1)


def estate(
    *, powered_by_day: bool = True, control: Control = Control.INDIVIDUAL, level: int = 50, effects: tuple[Effect, ...] = ()
) -> Estate:
    """Eight lamps on two circuits of one cabinet, at a level from 23:00 on."""
    lamp = LampType.of_led(power_w=40, standby_power_w=0.5, minimum_level=10 if control is Control.INDIVIDUAL else 100)
    luminaires = {
        one: Luminaire(
            id=one, number=one, cabinet=CABINET, circuit=1 + number // 4, latitude_degrees=48, longitude_degrees=2, lamp=lamp,
            control=control, controller=f"m{number}", category="a",
        )
        for number, one in enumerate(LAMPS)
    }  # fmt: skip
    point = SwitchPoint(reference=Reference.FIXED, minute=1_380, level=level)
    night = ActivePeriod(kind=PeriodKind.ASTRO_CLOCK)
    programme = Programme(id=ProgrammeId("p"), display_name="p", periods=(night,), switch_points=(point,), effects=effects)
    calendar = Calendar(id=CalendarId("k"), display_name="k", default_programme=programme.id)
    content = Content(luminaires=LAMPS, calendar=calendar, programmes=(programme,))
    plan = Plan(
        name=PlanName(group=GROUP, version=1), content=content, first_night=date(2025, 1, 1),
        published=datetime(2025, 1, 1, tzinfo=UTC), author="a", reason="r",
    )  # fmt: skip
    cabinet = Cabinet(
        id=CABINET, display_name="c", clock=Clock(latitude_degrees=48, longitude_degrees=2), powered_by_day=powered_by_day,
        gateway=GATEWAY,
    )  # fmt: skip
    return Estate(zone=ZONE, cabinets={CABINET: cabinet}, luminaires=luminaires, plans={GROUP: (plan,)}, drafts={GROUP: content})


def patrol(of: Estate | None = None, meters: Meters = EVERYTHING) -> Patrol:
    return Patrol.of(of or estate(), CABINET, START, meters)


def a_night(of: Estate, change: Callable[[Patrol], object], meters: Meters = EVERYTHING, nights: int = 1) -> Patrol:
    """A sound evening, something that goes wrong at 19:00, and the rest until noon."""
    one = patrol(of, meters)
    one.run(START, EVENING)
    change(one)
    one.run(EVENING, START + timedelta(days=nights))
    return one


def with_lamp(fault: LampFault) -> Callable[[Patrol], object]:
    return lambda one: one.controller.lamp_faults.update({FIRST: fault})


def with_cabinet(fault: CabinetFault) -> Callable[[Patrol], object]:
    return lambda one: one.controller.cabinet_faults.add(fault)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (LampFault.DEAD, "LAMP_FAILURE"),
        (LampFault.STUCK_FULL, "DIMMING_FAILURE"),
        (LampFault.ALWAYS_ON, "UNEXPECTED_ON"),
        (LampFault.POWER_HIGH, "POWER_HIGH"),
        (LampFault.POWER_LOW, "POWER_LOW"),
        (LampFault.CYCLING, "CYCLING"),
        (LampFault.MUTE, "COMMUNICATION"),
    ],
)
def test_a_lamp_fault_is_told_once_of_its_lamp_and_is_over_when_it_is_mended(fault: LampFault, kind: str) -> None:
    one = a_night(estate(), with_lamp(fault))
    assert one.told == [(kind, FIRST, None)]
    assert not one.closed
    one.controller.lamp_faults.clear()
    one.run(NEXT, NEXT + timedelta(days=1))
    assert [fault.symptom for fault in one.closed] == [fault.symptom for fault in one.opened]
    assert not one.watch.faults


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (CabinetFault.NO_SUPPLY, ("SUPPLY", None, None)),
        (CabinetFault.TRIPPED, ("CIRCUIT", None, 1)),
        (CabinetFault.CONTACTOR_STUCK, ("CONTACTOR", None, None)),
        (CabinetFault.DOOR_OPEN, ("DOOR", None, None)),
        (CabinetFault.MUTE, ("COMMUNICATION", None, None)),
        (CabinetFault.NO_CLOCK, ("ORDER_LOST", None, None)),
    ],
)
@pytest.mark.parametrize("powered_by_day", [True, False])
@pytest.mark.parametrize("control", [Control.INDIVIDUAL, Control.CIRCUIT])
def test_a_cabinet_fault_is_told_once_and_of_no_lamp(
    fault: CabinetFault,
    told: tuple[str, None, int | None],
    powered_by_day: bool,  # noqa: FBT001
    control: Control,
) -> None:
    one = a_night(estate(powered_by_day=powered_by_day, control=control), with_cabinet(fault), nights=2)
    assert one.told == [told]
    one.controller.cabinet_faults.clear()
    one.run(START + timedelta(days=2), START + timedelta(days=3))
    assert len(one.closed) == 1
    assert one.told == [told]


@pytest.mark.parametrize("fault", [LampFault.DEAD, LampFault.STUCK_FULL, LampFault.ALWAYS_ON])
def test_where_no_power_is_measured_levels_tell(fault: LampFault) -> None:
    kind = {LampFault.DEAD: "LAMP_FAILURE", LampFault.STUCK_FULL: "DIMMING_FAILURE", LampFault.ALWAYS_ON: "UNEXPECTED_ON"}[fault]
    assert a_night(estate(), with_lamp(fault), LEVEL_ALONE).told == [(kind, FIRST, None)]


def test_where_power_alone_is_measured_a_lamp_that_goes_out_and_comes_back_is_cycling() -> None:
    told = a_night(estate(), with_lamp(LampFault.CYCLING), POWER_ALONE, nights=3).told
    assert told[-1] == ("CYCLING", FIRST, None)
    # Before it came back, nobody could know that it would.
    assert set(told[:-1]) <= {("LAMP_FAILURE", FIRST, None)}


def test_a_dead_lamp_carries_what_it_should_draw_and_what_it_draws() -> None:
    (fault,) = a_night(estate(), with_lamp(LampFault.DEAD)).opened
    assert (fault.evidence.expected_w, fault.evidence.seen_w) == (40.0, 0.0)
    assert (fault.start, fault.end) == (EVENING, None)
    assert fault.last_seen > fault.start


def test_one_report_opens_nothing_and_one_good_report_closes_nothing() -> None:
    one = patrol()
    one.run(START, EVENING)
    one.controller.lamp_faults[FIRST] = LampFault.POWER_LOW
    assert not one.step(EVENING).opened
    assert len(one.step(EVENING + QUARTER).opened) == 1
    one.controller.lamp_faults.clear()
    assert not one.step(EVENING + 2 * QUARTER).closed
    one.controller.lamp_faults[FIRST] = LampFault.POWER_LOW
    assert not one.step(EVENING + 3 * QUARTER).closed
    one.controller.lamp_faults.clear()
    assert not one.step(EVENING + 4 * QUARTER).closed
    (closed,) = one.step(EVENING + 5 * QUARTER).closed
    assert (closed.start, closed.end, closed.last_seen) == (EVENING, EVENING + 4 * QUARTER, EVENING + 3 * QUARTER)


def report(at: datetime, version: int = 1, *, dead: tuple[LuminaireId, ...] = (FIRST,), silent: tuple[LuminaireId, ...] = ()) -> Report:
    lamps = tuple(LampState(luminaire=one, level=100, power_w=0.0 if one in dead else 40.0) for one in LAMPS if one not in silent)
    return Report(territory=TOWN, cabinet=CABINET, gateway=GATEWAY, at=at, version=version, lamps=lamps)


def test_a_report_that_is_told_again_or_comes_late_changes_nothing() -> None:
    one = patrol()
    one.hear(report(EVENING))
    before = one.watch
    for at in (EVENING, EVENING - QUARTER):
        assert one.hear(report(at)).watch == before
    # What a gateway repeats within a minute is no second look.
    assert not one.hear(report(EVENING + timedelta(minutes=1))).opened
    assert len(one.hear(report(EVENING + QUARTER)).opened) == 1


def test_reports_of_a_cabinet_that_does_not_follow_the_newest_order_yet_tell_nothing_of_its_lamps() -> None:
    one = patrol()
    one.step(START)
    one.version = 7
    for number in range(4):
        one.hear(report(EVENING + number * QUARTER, version=6))
    assert not one.told
    for number in range(4, 6):
        one.hear(report(EVENING + number * QUARTER, version=7))
    assert one.told == [("LAMP_FAILURE", FIRST, None)]


def test_a_cabinet_that_never_took_an_order_has_lost_none() -> None:
    one = patrol()
    one.step(START)
    one.controller.order, one.watch, one.version = None, replace(one.watch, followed=0), 3
    one.run(START + QUARTER, EVENING)
    assert not one.told


def test_all_lamps_dark_without_a_word_of_voltage_is_one_fault_of_the_cabinet() -> None:
    one = patrol()
    for number in range(3):
        one.hear(report(EVENING + number * QUARTER, dead=LAMPS))
    assert one.told == [("BLACKOUT", None, None)]
    assert one.opened[0].evidence.lamps == 8
    for number in range(3, 6):
        one.hear(report(EVENING + number * QUARTER, dead=()))
    assert [(fault.symptom.kind, fault.end) for fault in one.closed] == [(FaultKind.BLACKOUT, EVENING + 3 * QUARTER)]


def test_a_circuit_whose_breaker_nobody_watches_is_told_by_its_lamps() -> None:
    for dead, silent in ((LAMPS[4:], ()), ((), LAMPS[4:])):
        one = patrol()
        for number in range(3):
            one.hear(report(EVENING + number * QUARTER, dead=dead, silent=silent))
        assert one.told == [("CIRCUIT", None, 2)]


def test_a_gateway_that_hears_none_of_its_lamps_is_told_instead_of_each_lamp() -> None:
    one = patrol()
    for number in range(3):
        one.hear(report(EVENING + number * QUARTER, dead=(), silent=LAMPS))
    assert one.told == [("COMMUNICATION", None, None)]


def test_three_dead_lamps_of_eight_are_three_faults() -> None:
    one = patrol()
    for number in range(3):
        one.hear(report(EVENING + number * QUARTER, dead=LAMPS[1:4]))
    assert one.told == [("LAMP_FAILURE", lamp, None) for lamp in LAMPS[1:4]]


def command(kind: CommandKind, level: int, hours: int, *, start: datetime = EVENING, scope: Scope | None = None) -> Command:
    return Command(
        id=CommandId("k"), kind=kind, scope=scope or Scope(cabinets=(CABINET,)), level=level, start=start,
        expiry=start + timedelta(hours=hours), author="people/a", reason="r", created=start,
    )  # fmt: skip


@pytest.mark.parametrize(
    "given",
    [
        command(CommandKind.OVERRIDE, 100, 2, start=START + timedelta(hours=1)),
        command(CommandKind.LOCAL, 100, 20),
        command(CommandKind.LOCAL, 0, 6),
        command(CommandKind.EMERGENCY, 100, 20),
    ],
    ids=["test-by-day", "local-on", "local-off", "emergency"],
)
def test_what_is_commanded_is_expected(given: Command) -> None:
    one = patrol(replace(estate(), commands=(given,)))
    one.run(START, START + timedelta(days=2))
    assert not one.told


def test_works_have_no_fault_whatever_lamps_and_cabinet_do() -> None:
    one = patrol(replace(estate(), commands=(command(CommandKind.LOCK_OUT, 0, 24),)))
    one.run(START, EVENING + QUARTER)
    one.controller.lamp_faults |= dict(zip(LAMPS, (LampFault.ALWAYS_ON, LampFault.MUTE, LampFault.CYCLING), strict=False))
    one.controller.cabinet_faults |= {CabinetFault.DOOR_OPEN, CabinetFault.NO_SUPPLY}
    one.run(EVENING + QUARTER, EVENING + timedelta(hours=23))
    assert not one.told


def test_a_lamp_that_works_lock_out_is_not_counted_when_the_others_die() -> None:
    locked = command(CommandKind.LOCK_OUT, 0, 24, scope=Scope(luminaires=LAMPS[:5]))
    one = patrol(replace(estate(), commands=(locked,)))
    for number in range(3):
        one.hear(report(EVENING + (2 + number) * QUARTER, dead=LAMPS))
    assert one.told == [("BLACKOUT", None, None)]
    assert (one.opened[0].evidence.lamps, one.opened[0].evidence.of_lamps) == (3, 3)


def test_an_unpowered_cabinet_is_silent_by_right() -> None:
    one = patrol(estate(powered_by_day=False))
    one.run(START, START + timedelta(days=2))
    assert not one.told


def test_a_silent_gateway_is_told_once_counted_from_when_it_had_power() -> None:
    one = a_night(estate(powered_by_day=False), with_cabinet(CabinetFault.MUTE), nights=3)
    assert one.told == [("COMMUNICATION", None, None)]
    assert one.opened[0].start == EVENING - QUARTER
    unheard = patrol(estate(powered_by_day=False))
    unheard.controller.cabinet_faults.add(CabinetFault.MUTE)
    unheard.run(START, NEXT)
    plan = cabinet_plan(unheard.estate, CABINET, DAY, DAY)
    sunset = datetime.fromtimestamp(plan.sunset[1], UTC)
    assert unheard.opened[0].start == sunset + timedelta(minutes=10)


def test_a_lamp_may_be_brighter_while_a_sensor_sees_somebody() -> None:
    effect = Effect(source=EffectSource.PRESENCE, operation=EffectOperation.SET, value=90)
    one = patrol(estate(effects=(effect,)))
    one.run(START, DEEP)
    for number in range(4):
        seen = measured(one.controller, (DEEP + number * QUARTER).timestamp())
        assert seen is not None
        lamps = tuple(LampState(luminaire=lamp, level=90, power_w=36.0) for lamp in LAMPS)
        one.hear(
            Report(territory=TOWN, cabinet=CABINET, gateway=GATEWAY, at=DEEP + number * QUARTER, supplied=True, version=1, lamps=lamps)
        )
    assert not one.told


def test_a_lamp_that_draws_too_much_at_full_light_is_no_dimming_failure_when_it_is_dimmed() -> None:
    # At 75 %, a third more power is what full light draws.
    assert a_night(estate(level=75), with_lamp(LampFault.POWER_HIGH)).told == [("POWER_HIGH", FIRST, None)]
    assert a_night(estate(level=75), with_lamp(LampFault.STUCK_FULL)).told == [("DIMMING_FAILURE", FIRST, None)]


def test_a_counter_that_begins_anew_after_an_exchange_shows_no_cycling() -> None:
    one = patrol()
    for number, count in enumerate((1_000, 1_000, 0, 0, 0)):
        at = EVENING + number * QUARTER
        lamps = tuple(replace(lamp, switch_count=count) for lamp in report(at, dead=()).lamps)
        one.hear(replace(report(at), lamps=lamps))
    assert not one.told


def test_a_lamp_that_hangs_here_no_more_has_no_fault_here() -> None:
    one = patrol()
    one.hear(report(EVENING))
    one.hear(report(EVENING + QUARTER))
    assert Symptom(kind=FaultKind.LAMP_FAILURE, luminaire=FIRST) in one.watch.faults
    left = {lamp: luminaire for lamp, luminaire in one.estate.luminaires.items() if lamp != FIRST}
    plan = cabinet_plan(replace(one.estate, luminaires=left), CABINET, DAY, DAY)
    closed: list[Fault] = []
    for number in (2, 3):
        closed += one.hear(report(EVENING + number * QUARTER), plan).closed
    assert [fault.symptom.luminaire for fault in closed] == [FIRST]


def test_a_lamp_without_a_controller_owes_no_answer() -> None:
    plain = estate(control=Control.CIRCUIT)
    mute = replace(plain, luminaires={lamp: replace(one, controller="") for lamp, one in plain.luminaires.items()})
    one = patrol(mute)
    one.run(START, NEXT)
    assert not one.told


def test_what_is_expected_spans_what_clocks_may_differ() -> None:
    plan = cabinet_plan(estate(), CABINET, DAY, DAY)
    dimmed = datetime(2026, 1, 14, 22, tzinfo=UTC)  # 23:00 in Paris
    for minutes, levels in ((-11, (100, 100)), (-9, (50, 100)), (0, (50, 100)), (9, (50, 100)), (11, (50, 50))):
        alike = expected(plan, dimmed + timedelta(minutes=minutes), None).alike[0]
        assert (alike.low, alike.high) == levels


def test_a_plan_is_asked_of_a_cabinet_that_there_is() -> None:
    with pytest.raises(UnknownCabinet):
        cabinet_plan(estate(), CabinetId("nowhere"), DAY, DAY)


def test_reports_of_the_first_and_last_minute_of_its_nights_are_within_a_plan() -> None:
    plan = cabinet_plan(estate(), CABINET, DAY, DAY)
    for at in (START, NEXT - timedelta(seconds=1)):
        assert night_of(at, ZONE) == DAY
        assert {(one.low, one.high) for one in expected(plan, at, None).alike} == {(0, 0)}
