"""What must hold of every plan, whatever is planned and commanded."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from talq_world import handed_over, repeated

from field.mqtt import stored
from lighting.domain.calendars import Calendar, CalendarRule
from lighting.domain.commands import Command, CommandKind, Scope
from lighting.domain.energy import power_w
from lighting.domain.estate import Content, Estate, Plan
from lighting.domain.inventory import Cabinet, Clock, CurvePoint, Gateway, GatewayProtocol, LampType, Limits, Luminaire
from lighting.domain.levels import CabinetId, CalendarId, CommandId, Control, GroupId, LuminaireId, PlanName, ProgrammeId, Rank, Segment
from lighting.domain.nights import instant_of, nights_at
from lighting.domain.orders import NIGHTS_AHEAD, orders
from lighting.domain.programmes import ActivePeriod, Effect, EffectOperation, EffectSource, PeriodKind, Programme, Reference, SwitchPoint
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

LAMP, CABINET, GROUP = LuminaireId("l"), CabinetId("c"), GroupId("g")
FIRST = date(2025, 1, 1)
ZONES = st.sampled_from([(48.9, 2.3, "Europe/Paris"), (-20.9, 55.4, "Indian/Reunion"), (50.6, 3.1, "Europe/Paris")])
DAYS = st.one_of(
    st.dates(date(2025, 1, 2), date(2027, 12, 1)), st.sampled_from([date(2026, 3, 28), date(2026, 10, 24), date(2026, 12, 31)])
)
LEVELS = st.integers(0, 100)
MINUTES = st.integers(0, 1_439)
OFFSETS = st.integers(-180, 180)

POINTS = st.builds(
    SwitchPoint,
    reference=st.sampled_from([Reference.FIXED, Reference.SUNSET, Reference.SUNRISE]),
    minute=MINUTES,
    offset_minutes=OFFSETS,
    level=LEVELS,
    ramp_s=st.sampled_from([0, 0, 30, 600, 7_200]),
)
EFFECTS = st.builds(Effect, source=st.just(EffectSource.PRESENCE), operation=st.sampled_from(EffectOperation), value=LEVELS)


@st.composite
def programmes(draw: st.DrawFn, name: str) -> Programme:
    astro = ActivePeriod(kind=PeriodKind.ASTRO_CLOCK, sunset_offset_minutes=draw(OFFSETS), sunrise_offset_minutes=draw(OFFSETS))
    start, end = sorted(draw(st.lists(st.integers(0, 1_439), min_size=2, max_size=2, unique=True)))
    fixed = ActivePeriod(kind=PeriodKind.ABSOLUTE, start_minute=(start + 720) % 1_440, end_minute=(end + 720) % 1_440)
    periods = draw(st.sampled_from([(astro,), (fixed,), (astro, fixed)]))
    points = draw(
        st.lists(
            POINTS,
            max_size=6,
            unique_by=lambda one: (one.reference, one.minute if one.reference is Reference.FIXED else one.offset_minutes),
        )
    )
    effects = tuple(draw(st.lists(EFFECTS, max_size=2)))
    return Programme(id=ProgrammeId(name), display_name=name, periods=periods, switch_points=tuple(points), effects=effects)


@st.composite
def luminaires(draw: st.DrawFn) -> Luminaire:
    low = draw(st.sampled_from([1, 10, 30]))
    curve = (CurvePoint(level=low, power_w=5.0), CurvePoint(level=60, power_w=22.0), CurvePoint(level=100, power_w=40.0))
    return Luminaire(
        id=LAMP,
        number="1",
        cabinet=CABINET,
        latitude_degrees=0,
        longitude_degrees=0,
        lamp=LampType(standby_power_w=0.5, curve=curve),
        control=draw(st.sampled_from([Control.INDIVIDUAL, Control.INDIVIDUAL, Control.CIRCUIT])),
        category="a",
        limits=Limits(never_off=draw(st.booleans()), never_dimmed=draw(st.booleans()), not_below=draw(st.sampled_from([0, 0, 20, 60]))),
    )


@st.composite
def commands(draw: st.DrawFn, around: date) -> Command:
    start = datetime(around.year, around.month, around.day, 12, tzinfo=UTC) + timedelta(minutes=draw(st.integers(-2_000, 3_000)))
    kind = draw(st.sampled_from(CommandKind))
    length = draw(st.one_of(st.none(), st.integers(1, 3_000)))
    return Command(
        id=CommandId(f"k{draw(st.integers(0, 10**6))}"),
        kind=kind,
        scope=Scope(luminaires=(LAMP,)),
        level=0 if kind is CommandKind.LOCK_OUT else draw(LEVELS),
        start=start,
        expiry=start + timedelta(minutes=length) if length else None,
        author="people/a",
        reason="r",
        created=start - timedelta(minutes=draw(st.integers(0, 500))),
    )


@st.composite
def estates(draw: st.DrawFn, *, commanded: bool = True) -> tuple[Estate, date]:
    latitude, longitude, zone = draw(ZONES)
    day = draw(DAYS)
    some, other = draw(programmes("some")), draw(programmes("other"))
    weekdays = tuple(draw(st.lists(st.integers(1, 7), min_size=1, max_size=6, unique=True)))
    calendar = Calendar(
        id=CalendarId("k"),
        display_name="k",
        rules=(CalendarRule(programme=other.id, weekdays=weekdays),),
        default_programme=draw(st.sampled_from([some.id, None])),
    )
    content = Content(luminaires=(LAMP,), calendar=calendar, programmes=(some, other))
    plan = Plan(
        name=PlanName(group=GROUP, version=1),
        content=content,
        first_night=FIRST,
        published=datetime(2025, 1, 1, tzinfo=UTC),
        author="a",
        reason="r",
    )
    clock = Clock(latitude_degrees=latitude, longitude_degrees=longitude, sunset_offset_minutes=draw(st.integers(-30, 30)))
    estate = Estate(
        zone=ZoneInfo(zone),
        cabinets={CABINET: Cabinet(id=CABINET, display_name="c", clock=clock, powered_by_day=draw(st.booleans()))},
        luminaires={LAMP: draw(luminaires())},
        plans={GROUP: (plan,)},
        drafts={GROUP: content},
        commands=tuple(draw(st.lists(commands(day), max_size=4, unique_by=lambda one: one.id))) if commanded else (),
    )
    return estate, day


def night(estate: Estate, day: date, nights: int = 1) -> Interval:
    start, end = (instant_of(one, 720, estate.zone) for one in (day, day + timedelta(days=nights)))
    return Interval(start=datetime.fromtimestamp(start, UTC), end=datetime.fromtimestamp(end, UTC))


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
