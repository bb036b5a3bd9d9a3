"""How ramps run."""

from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from lighting.domain.curves import programme_steps
from lighting.domain.inventory import Clock
from lighting.domain.levels import ProgrammeId
from lighting.domain.nights import nights_at
from lighting.domain.programmes import ActivePeriod, PeriodKind, Programme, Reference, SwitchPoint
from lighting.domain.resolve import levels_at

NIGHT = nights_at([Clock(latitude_degrees=48.9, longitude_degrees=2.3)], [date(2026, 1, 15)], ZoneInfo("Europe/Paris"))


def level(after_sunset_s: float, *points: SwitchPoint) -> float:
    programme = Programme(id=ProgrammeId("p"), display_name="p", periods=(ActivePeriod(kind=PeriodKind.ASTRO_CLOCK),), switch_points=points)
    return float(levels_at(programme_steps(programme, NIGHT, 0), np.array([NIGHT.sunset[0] + after_sunset_s]))[0])


def point(offset: int, to: int, ramp_s: int) -> SwitchPoint:
    return SwitchPoint(reference=Reference.SUNSET, offset_minutes=offset, level=to, ramp_s=ramp_s)


def test_a_ramp_at_dusk_starts_from_darkness() -> None:
    assert level(150, point(0, 100, 600)) == pytest.approx(25)
    assert level(600, point(0, 100, 600)) == 100


def test_a_ramp_in_the_night_starts_from_the_level_before() -> None:
    assert level(3_600 + 30, point(0, 80, 0), point(60, 40, 60)) == pytest.approx(60)


def test_the_next_switch_point_cuts_a_ramp_short_and_goes_on_from_there() -> None:
    # After 10 of 20 minutes from 100 to 0 the level is 50; from there 5 minutes lead to 100.
    points = (point(60, 0, 1_200), point(70, 100, 300))
    assert level(4_200 + 150, *points) == pytest.approx(75)
    assert level(4_500, *points) == 100


def test_before_the_first_switch_point_it_is_full_and_outside_the_period_dark() -> None:
    assert level(60, point(60, 40, 0)) == 100
    assert level(-60, point(60, 40, 0)) == 0
