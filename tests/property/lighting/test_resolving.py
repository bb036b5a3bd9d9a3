"""What must hold of every plan, whatever is planned and commanded."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lighting_plans import CABINET, LAMP, LEVELS, estates, night
from talq_world import handed_over, repeated

from field.mqtt import stored
from lighting.domain.commands import Command, CommandKind, Scope
from lighting.domain.energy import power_w
from lighting.domain.estate import Estate
from lighting.domain.inventory import Gateway, GatewayProtocol
from lighting.domain.levels import CommandId, Control, Rank, Segment
from lighting.domain.nights import nights_at
from lighting.domain.orders import NIGHTS_AHEAD, orders
from lighting.domain.programmes import Reference, SwitchPoint
from lighting.domain.rates import Rates
from lighting.domain.rehearsal import figures
from lighting.domain.resolve import resolved
from lighting.domain.segments import level_at, planned
from lighting.wire.field import order_document, order_from_document, order_message
from multiflux.lighting.v1 import field_pb2
from simulation.controllers import Controller, Lamp
from simulation.sun import Spot
from vocabulary.failure import Failure
from vocabulary.interval import Interval


def segments(estate: Estate, during: Interval, *, triggered: bool = False) -> tuple[Segment, ...]:
    return planned(estate, [LAMP], during, triggered=triggered)[LAMP]


@settings(max_examples=150, deadline=None)
@given(estates(), st.booleans())
def test_every_instant_of_a_night_has_exactly_one_level(drawn: tuple[Estate, date], triggered: bool) -> None:  # noqa: FBT001
    estate, day = drawn
    during = night(estate, day, 2)
    found = segments(estate, during, triggered=triggered)
    assert (found[0].start, found[-1].end) == (during.start, during.end)
    assert all(before.end == after.start for before, after in pairwise(found))
    assert all(segment.start < segment.end and min(segment.start_level, segment.level) >= 0 for segment in found)
    assert all(max(segment.start_level, segment.level) <= 100 for segment in found)


def _level(found: tuple[Segment, ...], at: datetime) -> tuple[float, Rank]:
    segment = next(one for one in found if one.start <= at < one.end)
    return round(level_at(segment, at), 6), segment.source.rank


@settings(max_examples=100, deadline=None)
@given(estates())
def test_by_day_or_by_week_the_levels_are_the_same(drawn: tuple[Estate, date]) -> None:
    estate, day = drawn
    week = segments(estate, night(estate, day, 7))
    for number in range(7):
        one = night(estate, day + timedelta(days=number))
        for segment in segments(estate, one):
            middle = segment.start + (segment.end - segment.start) / 2
            assert _level(week, middle) == (round(level_at(segment, middle), 6), segment.source.rank)


@settings(max_examples=100, deadline=None)
@given(estates(), st.integers(0, 1_439), st.integers(1, 600), LEVELS)
def test_after_an_override_everything_is_as_it_would_have_been(drawn: tuple[Estate, date], after: int, length: int, level: int) -> None:
    estate, day = drawn
    during = night(estate, day)
    start = during.start + timedelta(minutes=after)
    override = Command(
        id=CommandId("zz"), kind=CommandKind.OVERRIDE, scope=Scope(luminaires=(LAMP,)), level=level, start=start,
        expiry=start + timedelta(minutes=length), author="a", reason="r", created=start,
    )  # fmt: skip
    without, with_it = segments(estate, during), segments(replace(estate, commands=(*estate.commands, override)), during)
    for segment in without:
        middle = segment.start + (segment.end - segment.start) / 2
        if not override.holds(middle):
            assert _level(with_it, middle) == _level(without, middle)


@settings(max_examples=200, deadline=None)
@given(estates(), st.booleans())
def test_no_software_level_breaks_a_limit_and_nothing_breaks_a_lock_out(drawn: tuple[Estate, date], triggered: bool) -> None:  # noqa: FBT001
    estate, day = drawn
    during, lamp = night(estate, day), estate.luminaires[LAMP]
    nights = nights_at([estate.cabinets[CABINET].clock], [day], estate.zone)
    floor = 100 if lamp.limits.never_dimmed or lamp.control is Control.CIRCUIT else max(lamp.limits.not_below, lamp.lamp.minimum_level)
    for segment in segments(estate, during, triggered=triggered):
        middle = segment.start + (segment.end - segment.start) / 2
        locked = any(one.kind is CommandKind.LOCK_OUT and one.holds(middle) for one in estate.commands)
        assert (segment.source.rank is Rank.LOCK_OUT) == locked
        if locked:
            assert segment.level == segment.start_level == 0
            continue
        if segment.source.rank is Rank.LOCAL:
            continue
        low = min(segment.start_level, segment.level)
        assert max(segment.start_level, segment.level) == 0 or low >= floor - 1e-9
        dark = nights.sunset[0] <= middle.timestamp() < nights.sunrise[0]
        assert not (lamp.limits.never_off and dark and low == 0)


@settings(max_examples=60, deadline=None)
@given(estates())
def test_energy_equals_numerical_integration(drawn: tuple[Estate, date]) -> None:
    estate, day = drawn
    cabinet = replace(estate.cabinets[CABINET], powered_by_day=True)
    estate = replace(estate, cabinets={CABINET: cabinet})
    resolution = resolved(estate, [LAMP], day, day)
    exact = figures(estate, resolution, resolution, (day, day), Rates()).energy_joules
    summed = 0.0
    for segment in segments(estate, night(estate, day)):
        count = 2_000
        at = [segment.start + (segment.end - segment.start) * (number + 0.5) / count for number in range(count)]
        levels = np.array([level_at(segment, moment) for moment in at]) if segment.is_ramp else np.array([segment.level])
        summed += float(power_w(estate.luminaires[LAMP].lamp, levels).mean()) * (segment.end - segment.start).total_seconds()
    assert exact == pytest.approx(summed, rel=1e-3)


@given(st.integers(-1_000, 1_000), st.integers(-1_000, 1_000))
def test_a_level_outside_0_to_100_is_never_taken(level: int, ramp: int) -> None:
    if 0 <= level <= 100 and 0 <= ramp <= 7_200:
        return
    with pytest.raises(Failure):
        SwitchPoint(reference=Reference.FIXED, level=level, ramp_s=ramp)


@settings(max_examples=60, deadline=None)
@given(estates(), st.lists(st.floats(0, 0.999_999), min_size=20, max_size=20))
def test_a_controller_that_follows_its_order_does_what_the_plan_says(drawn: tuple[Estate, date], shares: list[float]) -> None:
    estate, day = drawn
    gateway = Gateway(protocol=GatewayProtocol.MQTT, address="g")
    estate = replace(estate, cabinets={CABINET: replace(estate.cabinets[CABINET], gateway=gateway)})
    order = orders(estate, {CABINET: day})[CABINET]
    assert order_from_document(order_document(order)) == order
    lamp = Lamp(id=LAMP, full_power_w=40, fixed_power_w=2, standby_power_w=0)
    controller = Controller(cabinet=CABINET, lamps={LAMP: lamp}, spot=Spot(latitude_degrees=0, longitude_degrees=0))
    controller.take(stored(field_pb2.Order.FromString(order_message(order, 1))))
    during = night(estate, day, NIGHTS_AHEAD)
    assert (order.start, order.end) == (during.start, during.end)
    plan = segments(estate, during)
    for share in shares:
        at = during.start + share * during.duration
        segment = next(one for one in plan if one.start <= at < one.end)
        # An instant from a float is exact to the microsecond, in which the fastest ramp moves less than this.
        assert controller.levels(at.timestamp())[LAMP] == pytest.approx(level_at(segment, at), abs=1e-4)


@settings(max_examples=60, deadline=None)
@given(estates(), st.lists(st.floats(0, 0.999_999), min_size=20, max_size=20))
def test_a_talq_gateway_that_is_told_the_order_does_what_the_plan_says(drawn: tuple[Estate, date], shares: list[float]) -> None:
    estate, day = drawn
    gateway = Gateway(protocol=GatewayProtocol.TALQ, address="g")
    estate = replace(estate, cabinets={CABINET: replace(estate.cabinets[CABINET], gateway=gateway)})
    order = orders(estate, {CABINET: day})[CABINET]
    lamp = Lamp(id=LAMP, full_power_w=40, fixed_power_w=2, standby_power_w=0)
    controller = Controller(cabinet=CABINET, lamps={LAMP: lamp}, spot=Spot(latitude_degrees=0, longitude_degrees=0))
    handed_over(order, controller, estate.zone)
    during = night(estate, day, NIGHTS_AHEAD)
    plan = segments(estate, during)
    for share in shares:
        at = during.start + share * during.duration
        segment = next(one for one in plan if one.start <= at < one.end)
        if repeated(at, estate.zone) or repeated(segment.start, estate.zone):
            continue
        lasts_s = (segment.end - segment.start).total_seconds()
        # Levels are whole per cent there, and a ramp after a jump begins a second late.
        late = abs(segment.level - segment.start_level) / lasts_s
        assert controller.levels(at.timestamp())[LAMP] == pytest.approx(level_at(segment, at), abs=late + 0.5 + 1e-4)
