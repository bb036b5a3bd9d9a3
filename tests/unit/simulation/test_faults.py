"""Whether every fault that the town lists can be seen in what its meters count."""

from datetime import date, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from simulation.equipment import site_named
from simulation.faults import FAULT_COLUMNS, Fault, FaultKind, fault_rows
from simulation.flows import Group, Step
from simulation.public_load import site_gas_wh
from simulation.scene import Scene, local_day, scene
from simulation.schedule import scheduled
from simulation.town import Town, build_town

Ints = NDArray[np.int64]
TOWN = build_town(7, date(2025, 4, 1), date(2026, 5, 1))


def seen(town: Town, fault: Fault) -> tuple[Group, int]:
    for group in town.groups:
        if fault.point in group.meters.point:
            return group, group.meters.point.index(fault.point)
    raise AssertionError(fault.point)


def stage_of(fault: Fault) -> Scene:
    """The days of a fault, ten at most, whole ones."""
    first = local_day(fault.start_s)
    last = min(local_day(fault.end_s - 1), first + timedelta(days=10))
    return scene(TOWN.draws, first, last + timedelta(days=1))


def amounts(fault: Fault, stage: Scene) -> tuple[Ints, Ints]:
    """What the fault's point counts by step, and when each step starts."""
    group, row = seen(TOWN, fault)
    flow = group.flow(stage, np.array([row]))
    starts = {Step.HALF_HOUR: stage.start, Step.HOUR: stage.start[::2], Step.GAS_DAY: stage.days.six[1:-1]}[group.step]
    return next(iter(flow.values()))[0], starts


def named(fault: Fault) -> str:
    return fault.id


def test_every_kind_of_fault_is_ordered() -> None:
    assert {fault.kind for fault in TOWN.faults} == set(FaultKind)
    assert len({fault.id for fault in TOWN.faults}) == len(TOWN.faults)


def test_faults_name_a_place_and_the_point_that_measures_there() -> None:
    places = {point.id: point.places[0].place for point in TOWN.points}
    assert all(places[fault.point] == fault.place for fault in TOWN.faults)


def test_the_list_of_faults_is_text_under_its_columns() -> None:
    rows = list(fault_rows(TOWN.faults))
    assert len(rows) == len(TOWN.faults)
    assert all(len(row) == len(FAULT_COLUMNS) for row in rows)
    assert [row[4] for row in rows] == sorted(row[4] for row in rows)


@pytest.mark.parametrize("fault", [one for one in TOWN.faults if one.unit == "l/h"], ids=named)
def test_a_leak_never_pauses_and_is_over_when_it_is_over(fault: Fault) -> None:
    litres, start = amounts(fault, stage_of(fault))
    during = (start >= fault.start_s) & (start < fault.end_s)
    assert litres[during].min() >= 0.9 * fault.size * 1_000
    after = local_day(fault.end_s) + timedelta(days=1)
    later, _ = amounts(fault, scene(TOWN.draws, after, after + timedelta(days=10)))
    assert later.min() == 0


@pytest.mark.parametrize("fault", [one for one in TOWN.faults if one.kind is FaultKind.LAMPS_BY_DAY], ids=named)
def test_lamps_by_day_draw_at_noon_what_they_draw_at_night(fault: Fault) -> None:
    stage = stage_of(fault)
    power, start = amounts(fault, stage)
    noon = (stage.minute == 720) & (start >= fault.start_s) & (start < fault.end_s)
    before = local_day(fault.start_s) - timedelta(days=3)
    sound, _ = amounts(fault, scene(TOWN.draws, before, before + timedelta(days=2)))
    assert power[noon].min() > 0.9 * sound.max()


def test_a_dead_circuit_takes_its_lamps_share() -> None:
    fault = next(one for one in TOWN.faults if one.kind is FaultKind.LAMPS_OUT)
    stage = stage_of(fault)
    power, start = amounts(fault, stage)
    group, row = seen(TOWN, fault)
    dead = power[start >= fault.start_s].max()
    before = local_day(fault.start_s) - timedelta(days=6)
    sound = group.flow(scene(TOWN.draws, before, before + timedelta(days=4)), np.array([row]))["import"].max()
    assert dead < 0.75 * sound


def test_the_facade_burns_after_one_until_it_is_set_right() -> None:
    fault = next(one for one in TOWN.faults if one.kind is FaultKind.FACADE_LATE)
    stage = stage_of(fault)
    power, _ = amounts(fault, stage)
    assert power[stage.minute == 90].min() > 300 * 1_800
    after = local_day(fault.end_s) + timedelta(days=1)
    later = scene(TOWN.draws, after, after + timedelta(days=7))
    assert amounts(fault, later)[0][later.minute == 90].max() < 20 * 1_800


def test_the_gymnasium_burns_more_gas_than_it_would_at_christmas() -> None:
    fault = next(one for one in TOWN.faults if one.kind is FaultKind.HEATED_WHILE_CLOSED)
    stage, gymnasium = stage_of(fault), site_named(fault.place)
    group, row = seen(TOWN, fault)
    burnt = group.flow(stage, np.array([row]))["energy"][0]
    sound = site_gas_wh(gymnasium, (), stage) * 3_600
    assert burnt[stage.days.midnight[1:] >= fault.start_s].min() > 1.5 * sound.min()
    assert burnt.sum() > 2 * sound.sum()


def test_the_library_is_cooled_on_summer_nights() -> None:
    fault = next(one for one in TOWN.faults if one.kind is FaultKind.COOLED_WHILE_CLOSED)
    stage = stage_of(fault)
    power, _ = amounts(fault, stage)
    before = scene(TOWN.draws, local_day(fault.start_s) - timedelta(days=5), local_day(fault.start_s))
    idle = amounts(fault, before)[0][before.minute == 120].mean()
    assert power[stage.minute == 120].mean() - idle == pytest.approx(fault.size * 1_800, rel=0.2)


@pytest.mark.parametrize("fault", [one for one in TOWN.faults if one.kind is FaultKind.SILENT_METER], ids=named)
def test_a_silent_meter_sends_nothing_while_its_neighbours_do(fault: Fault) -> None:
    group, row = seen(TOWN, fault)
    plan = scheduled(group.step, group.meters.take(np.array([row, row + 1])), stage_of(fault), TOWN.faults)
    quiet = (plan.register_time[0] >= fault.start_s) & (plan.register_time[0] < fault.end_s)
    assert quiet.sum() > 100
    assert not (plan.register[0] & quiet).any()
    assert plan.register[1].any()
