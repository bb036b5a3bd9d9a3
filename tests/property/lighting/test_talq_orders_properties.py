"""An order survives its way through TALQ's programs and calendars, on every night of the year."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from talq_schemas import check_as, needed
from talq_world import OWNER, PARIS, bounds, controller, course_level, handed_over, order, repeated

from lighting.adapters.talq_orders import programmed
from lighting.domain.orders import Stretch

REUNION = ZoneInfo("Indian/Reunion")
FIRST_NIGHTS = st.one_of(
    st.dates(date(2025, 1, 2), date(2027, 12, 1)), st.sampled_from([date(2026, 3, 20), date(2026, 10, 20), date(2026, 10, 24)])
)
LEVELS = st.integers(0, 100)


@st.composite
def stretches(draw: st.DrawFn, first: date, zone: ZoneInfo) -> Sequence[Stretch]:
    """Levels that tile the order's time at whole seconds; many changes lie close together, and around the change of clocks."""
    start, end = bounds(first, zone)
    last_s = int((end - start).total_seconds()) - 60
    anywhere = st.integers(60, last_s)
    # Around 02:00 UTC of the fifth night, which is that of the change where the first night is five days before.
    hour = st.integers(0, 13 * 4).map(lambda steps: min(5 * 86_400 - 86_400 // 2 + 900 * steps, last_s))
    at = [0, *sorted(draw(st.lists(st.one_of(anywhere, hour), max_size=25, unique=True)))]
    ends = [*at[1:], last_s + 60]
    found: list[Stretch] = []
    for after, until in zip(at, ends, strict=True):
        level = draw(LEVELS)
        ramps = until - after >= 60 and draw(st.booleans())
        begins = draw(st.one_of(LEVELS, st.just(found[-1].level if found else 0))) if ramps else level
        found.append(Stretch(start=start + timedelta(seconds=after), start_level=begins, level=level))
    return found


@given(data=st.data(), first=FIRST_NIGHTS, zone=st.sampled_from([PARIS, REUNION]))
@settings(deadline=None, max_examples=200)
def test_controllers_that_follow_the_programs_do_what_the_order_says(data: st.DataObject, first: date, zone: ZoneInfo) -> None:
    asked = order(first, {("l-1",): data.draw(stretches(first, zone))}, zone=zone)
    lamps = handed_over(asked, controller("l-1"), zone).controllers[0]
    course = asked.courses[0]
    moments = [one.start + timedelta(seconds=after) for one in course.stretches for after in (-1, 0, 2, 599)]
    for at in [one for one in moments if asked.start <= one < asked.end]:
        expected, stretch, slope = course_level(asked, course, at)
        if repeated(at, zone) or repeated(stretch.start, zone):
            continue
        assert abs(lamps.levels(at.timestamp())["l-1"] - expected) <= slope + 1e-6, (at, stretch)


@given(data=st.data(), first=FIRST_NIGHTS)
@settings(deadline=None, max_examples=50)
def test_nights_follow_each_other_and_switch_points_rise_from_noon(data: st.DataObject, first: date) -> None:
    resources = programmed(order(first, {("l-1",): data.draw(stretches(first, PARIS))}), 3, OWNER, PARIS, clock_after=False)
    (calendar,) = resources.calendars.values()
    dates = [date.fromisoformat(rule["startDate"]) for rule in calendar["rules"]]
    assert dates == [first + timedelta(days=number) for number in range(14)]
    assert [rule["program"] for rule in calendar["rules"]] == list(resources.programs)
    for program in resources.programs.values():
        shown = [point["startTime"] for point in program["fixedTimeControls"]]
        assert shown[0] == "12:00:00"
        after_noon = [(one < "12:00:00", one) for one in shown]
        assert all(a < b for a, b in pairwise(after_noon))


@needed
@given(data=st.data(), first=FIRST_NIGHTS)
@settings(deadline=None, max_examples=10)
def test_programs_and_calendars_are_of_talqs_schemas(data: st.DataObject, first: date) -> None:
    resources = programmed(order(first, {("l-1",): data.draw(stretches(first, PARIS))}), 3, OWNER, PARIS, clock_after=True)
    for program in resources.programs.values():
        check_as("ControlProgram", program)
    for calendar in resources.calendars.values():
        check_as("Calendar", calendar)
