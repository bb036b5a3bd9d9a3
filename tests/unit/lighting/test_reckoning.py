"""What a night's energy says against its plan."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from lighting_field import town_estate

from lighting.domain.estate import Estate
from lighting.domain.failures import Unfit, UnknownCabinet
from lighting.domain.levels import CabinetId
from lighting.domain.reckoning import Burning, PlannedNight, Verdict, planned_nights, reckoned
from simulation.town import build_town

ESTATE = town_estate(build_town(7, date(2025, 4, 1), date(2025, 6, 1)))
CENTRE, PARK = CabinetId("c01"), CabinetId("c06")
DAY = date(2026, 1, 14)


def planned(cabinet: CabinetId = CENTRE, day: date = DAY, estate: Estate = ESTATE) -> PlannedNight:
    return planned_nights(estate, cabinet, day, day)[0]


def metered(of: PlannedNight, extra_w: float = 0.0) -> list[float | None]:
    return [float(power + extra_w) * of.step_s for power in of.power_w]


def test_a_night_as_planned_is_as_planned() -> None:
    found = reckoned(planned(), metered(planned(), 12.0))
    assert (found.verdict, found.coverage, found.by_day, found.lamps_out) == (Verdict.AS_PLANNED, 1.0, Burning(), 0)
    assert found.difference == pytest.approx(12 * 86_400 / found.planned_joules)


def test_three_lamps_burning_by_day_are_about_three() -> None:
    night = planned()
    lamp_w = night.full_w / night.lamps
    found = reckoned(night, ((night.power_w + 3 * lamp_w * night.by_day) * 1_800).tolist())
    assert (found.verdict, found.by_day.lamps, found.lamps_out, found.by_night) == (Verdict.ABOVE, 3, 0, Burning())
    # The sun is up for eight and a half hours.
    assert 7 <= found.by_day.hours <= 9


def test_lamps_that_burn_in_the_night_when_the_plan_is_dark_are_told_with_their_hours() -> None:
    night = planned(PARK)
    power = night.power_w.copy()
    late = slice(24, 27)  # 0:00 to 1:30; the park is dark from 23:00
    power[late] += night.full_w
    found = reckoned(night, (power * 1_800).tolist())
    assert (found.by_night, found.by_day) == (Burning(lamps=18, hours=1.5), Burning())


def test_four_lamps_out_are_about_four_and_the_night_is_below_plan() -> None:
    night = planned()
    found = reckoned(night, (night.power_w * (1 - 4 / 34) * 1_800).tolist())
    assert (found.verdict, found.lamps_out) == (Verdict.BELOW, 4)


def test_what_is_missing_is_not_zero() -> None:
    night = planned()
    some = metered(night)
    some[10] = None
    found = reckoned(night, some)
    assert (found.verdict, found.difference) == (Verdict.AS_PLANNED, 0.0)
    assert found.coverage == pytest.approx(47 / 48)


def test_with_less_than_nine_tenths_nobody_can_tell() -> None:
    night = planned()
    found = reckoned(night, [None] * 5 + metered(night)[5:])
    assert (found.verdict, found.difference, found.lamps_out) == (Verdict.CANNOT_TELL, None, 0)
    assert reckoned(night, [None] * 48).verdict is Verdict.CANNOT_TELL


def test_where_nothing_is_planned_nobody_can_tell() -> None:
    nothing = planned(estate=replace(ESTATE, luminaires={}))
    assert reckoned(nothing, [1_000.0] * 48).verdict is Verdict.CANNOT_TELL


def test_nights_of_clock_changes_have_their_own_length() -> None:
    spring, autumn = planned(day=date(2026, 3, 28)), planned(day=date(2026, 10, 24))
    assert (len(spring.power_w), len(autumn.power_w)) == (46, 50)


def test_a_night_alone_is_as_it_is_among_others() -> None:
    many = planned_nights(ESTATE, CENTRE, date(2026, 1, 10), date(2026, 1, 20))
    assert [one.night.day for one in many] == list(range(10, 21))
    one = planned()
    np.testing.assert_allclose(many[4].power_w, one.power_w)
    assert (many[4].start, many[4].by_day.tolist()) == (one.start, one.by_day.tolist())


def test_readings_of_another_length_and_unknown_cabinets_are_refused() -> None:
    with pytest.raises(Unfit):
        reckoned(planned(), [0.0] * 47)
    with pytest.raises(Unfit):
        planned_nights(ESTATE, CENTRE, DAY, DAY, 7)
    with pytest.raises(UnknownCabinet):
        planned_nights(ESTATE, CabinetId("nowhere"), DAY, DAY)


def test_light_that_is_moved_to_another_hour_is_no_lamp_out() -> None:
    night = planned()
    late = np.roll(night.power_w, 2)
    found = reckoned(night, (late * 1_800).tolist())
    assert (found.lamps_out, found.difference) == (0, pytest.approx(0, abs=1e-9))


def test_a_night_before_the_first_plan_is_held_against_none() -> None:
    begun = {group: tuple(replace(plan, first_night=DAY) for plan in plans) for group, plans in ESTATE.plans.items()}
    estate = replace(ESTATE, plans=begun)
    before, first = planned_nights(estate, CENTRE, date(2026, 1, 13), DAY)
    assert reckoned(before, metered(before)).verdict is Verdict.CANNOT_TELL
    assert reckoned(first, metered(first)).verdict is Verdict.AS_PLANNED
