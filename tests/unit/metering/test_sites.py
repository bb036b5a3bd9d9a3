"""What is told of public sites: their year, what needs attention, the line through weather, CUSUM, base load, progress."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from metering.domain.consumption.places import UseKind
from metering.domain.registry.premises import OpeningHours, SiteUse
from metering.domain.sites.base_load import base_load
from metering.domain.sites.portfolio import Concern, FluxYear, Site, attentions, flux_year, totals
from metering.domain.sites.signature import DailyWeather, progress, signature
from metering.domain.sites.uses import DailyUse, HourlyUse, local_clock
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.names import PlaceId

GAS = UseKind(flux=Flux.GAS, quantity=Quantity.ENERGY, direction=Direction.IMPORT)
MONDAY = date(2024, 1, 1)
DAYS = 3 * 364
PER_DAY, PER_DEGREE_DAY, BASE = 1_000, 300, 16


def weather(days: int = DAYS) -> DailyWeather:
    middle = 11 - 9 * np.cos(2 * np.pi * np.arange(days) / 365) + 3 * np.sin(np.arange(days) * 1.7)
    return DailyWeather(first=MONDAY, lowest=middle - 4, highest=middle + 4, known=np.ones(days, np.bool_))


def heated(around: DailyWeather, *, more: float = 0.0, since: int = DAYS) -> DailyUse:
    """Return a site that follows the weather, and from a day on uses a share more."""
    value = PER_DAY + PER_DEGREE_DAY * around.degree_days(BASE)
    value[since:] *= 1 + more
    known = np.ones(len(value), np.bool_)
    return DailyUse(first=MONDAY, value=np.rint(value).astype(np.int64), known=known, measured=known.copy())


def hours(value: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> HourlyUse:
    clock = local_clock(np.arange(len(value), dtype=np.int64) * 3_600 + int(datetime(2026, 1, 5, tzinfo=UTC).timestamp()), ZoneInfo("UTC"))
    return HourlyUse(value=value, known=np.ones(len(value), np.bool_), weekday=clock[0], minute=clock[1])


def test_a_heated_site_has_its_own_line_and_base() -> None:
    line = signature(heated(weather()), weather())
    assert line is not None
    assert (line.base_celsius, line.reliable, line.baseline_weeks) == (BASE, True, 52)
    assert line.per_day == pytest.approx(PER_DAY, abs=2)
    assert line.per_degree_day == pytest.approx(PER_DEGREE_DAY, abs=1)
    assert line.r_squared == pytest.approx(1.0, abs=1e-6)


def test_what_is_used_more_after_the_baseline_shows_as_a_falling_sum_and_not_in_the_line() -> None:
    since = 2 * 364
    line = signature(heated(weather(), more=0.1, since=since), weather())
    assert line is not None
    before, after = [week for week in line.weeks if week.monday < MONDAY + timedelta(days=since)], line.weeks[since // 7 :]
    assert max(abs(week.saved) for week in before) < 100
    assert [week.saved for week in after] == sorted((week.saved for week in after), reverse=True)
    assert after[-1].saved == pytest.approx(-sum(week.amount for week in after) * 0.1 / 1.1, rel=0.01)


def test_a_site_that_does_not_follow_the_weather_is_not_judged_by_it() -> None:
    noise = np.random.default_rng(1).integers(900, 1_100, DAYS)
    line = signature(replace(heated(weather()), value=noise), weather())
    assert line is not None
    assert not line.reliable


def test_a_week_with_an_unknown_day_is_left_out_and_fewer_than_ten_weeks_make_no_line() -> None:
    around, use = weather(), heated(weather())
    use.known[3] = False
    around.known[10] = False
    line = signature(use, around)
    assert line is not None
    assert line.weeks[0].monday == MONDAY + timedelta(days=14)
    short = weather(9 * 7 + 6)
    assert signature(heated(short), short) is None


def test_the_year_is_compared_in_like_weather_where_the_line_is_good_and_over_known_days_alone() -> None:
    around = weather()
    around.lowest[-200:] -= 5
    around.highest[-200:] -= 5
    use = heated(around, more=0.1, since=DAYS - 365)
    use.known[-30:], use.measured[-30:] = False, False
    plain, alike = flux_year(GAS, use, None, None, None), flux_year(GAS, use, None, signature(use, around), around)
    assert (plain.compared_days, alike.compared_days, alike.missing_days, alike.silent_days) == (335, 335, 30, 30)
    assert plain.change is not None
    assert plain.change > 0.3, "it was colder"
    assert alike.change == pytest.approx(0.1, abs=0.03)
    assert (plain.weather_adjusted, alike.weather_adjusted) == (False, True)


def test_with_less_than_four_weeks_to_compare_there_is_no_change() -> None:
    around = weather()
    use = heated(around)
    use.known[: DAYS - 364 - 20] = False
    assert flux_year(GAS, use, None, None, None).change is None


def a_site(name: str, use: SiteUse | None = SiteUse.OFFICE, **facts: object) -> Site:
    year = FluxYear(
        kind=GAS, amount=1_000, missing_days=0, change=None, compared_days=0, weather_adjusted=False, night_share=None, silent_days=0
    )
    return Site(place=PlaceId(name), name=name, use=use, area=100, fluxes=(replace(year, **facts),))  # pyright: ignore[reportArgumentType]


def test_what_is_at_stake_orders_attention_and_each_site_is_named_once() -> None:
    sites = [
        a_site("rising", change=0.25),
        a_site("by night and rising", change=0.06, night_share=0.6),
        a_site("silent", silent_days=20, missing_days=20),
        a_site("lamps", SiteUse.LIGHTING, night_share=0.9),
        a_site("calm", change=0.04, night_share=0.25, silent_days=2),
    ]
    found = [(one.site.name, one.concern, one.amount) for one in attentions(sites)]
    assert found == [("by night and rising", Concern.NIGHT, 400), ("rising", Concern.RISING, 200), ("silent", Concern.SILENT, 58)]
    (total,) = totals(sites)
    assert (total.amount, total.sites) == (5_000, 5)


def test_the_base_load_is_what_is_used_when_nobody_is_there() -> None:
    use = hours(np.tile(np.concatenate([np.full(8, 10), np.full(10, 50), np.full(6, 10)]), 21).astype(np.int64))
    weekend = use.weekday >= 6
    use.value[weekend] = 20
    load = base_load(use, [OpeningHours(weekday=day, start_minute=480, end_minute=1_080) for day in range(1, 6)])
    assert load is not None
    assert (load.night, load.weekend, load.working) == (13, 20, 50)
    assert load.closed_share == pytest.approx((5 * 140 + 2 * 480) / (5 * 640 + 2 * 480))
    unknown = base_load(use, [])
    assert unknown is not None
    assert unknown.closed_share is None


def test_progress_is_told_in_the_references_weather_and_only_of_known_years() -> None:
    around = weather()
    around.lowest[-365:] += 3
    around.highest[-365:] += 3
    use = heated(around)
    found = progress([(use, signature(use, around))], around)
    assert found is not None
    assert (found.reference_start, found.shared_days) == (MONDAY, 0)
    assert found.target == round(found.reference * 0.6)
    assert found.latest < 0.85 * found.reference, "it was warmer"
    assert found.adjusted == pytest.approx(found.reference, rel=0.03)
    use.known[-60:] = False
    assert progress([(use, None)], around) is None
    assert progress([], around) is None


def test_hours_know_the_local_clock_over_a_change_of_clocks() -> None:
    before = int(datetime(2026, 10, 24, 23, tzinfo=UTC).timestamp())
    weekday, minute = local_clock(np.array([before, before + 3_600, before + 7_200], np.int64), ZoneInfo("Europe/Paris"))
    assert weekday.tolist() == [7, 7, 7]
    assert minute.tolist() == [60, 120, 120]
