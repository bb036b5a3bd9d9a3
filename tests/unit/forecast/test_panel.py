"""The panel model on made-up points: what it must get right, and what it must refuse."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from forecast_world import WEEK, Days, Hours

from forecast.domain.failures import HorizonTooLong, InsufficientHistory
from forecast.domain.intervals import kind_of_slot
from forecast.domain.panel import forecast, place_forecast
from forecast.domain.regression import Factor, completed
from forecast.domain.rules import DAILY, HOURLY, QUANTILES
from forecast.domain.surroundings import Surroundings

DAYS = 200


def test_a_rhythm_and_a_response_to_cold_are_found_again() -> None:
    world = Hours(DAYS)
    points = world.points(6, noise=0.05)
    found = forecast(points[:, : world.length], world.surroundings(), HOURLY)
    after = points[:, world.length :]
    week_before = points[:, world.length - WEEK : world.length]
    assert np.abs(found.median - after).mean() < 0.5 * np.abs(week_before - after).mean()


def test_quantiles_ascend_and_cover_what_they_say() -> None:
    world = Hours(DAYS)
    points = world.points(30, noise=0.3)
    found = forecast(points[:, : world.length], world.surroundings(), HOURLY)
    assert found.quantiles.shape == (30, WEEK, len(QUANTILES))
    assert (np.diff(found.quantiles, axis=2) >= 0).all()
    assert (found.quantiles >= 0).all()
    after = points[:, world.length :]
    inside = (after >= found.quantiles[:, :, 1]) & (after <= found.quantiles[:, :, 5])
    assert 0.7 < inside.mean() < 0.9


def test_missing_is_not_zero() -> None:
    world = Hours(DAYS)
    points = world.points(4)[:, : world.length]
    holes = np.where(np.random.default_rng(5).random(points.shape) < 0.4, np.nan, points)
    whole, gappy = (forecast(each, world.surroundings(), HOURLY).median.sum(axis=1) for each in (points, holes))
    assert gappy == pytest.approx(whole, rel=0.05)


def test_a_new_level_is_believed_within_two_weeks() -> None:
    world = Hours(DAYS)
    points = world.points(5)[:, : world.length]
    doubled = points.copy()
    doubled[:, -15 * 24 :] *= 2
    once, twice = (forecast(each, world.surroundings(), HOURLY).median.sum(axis=1) for each in (points, doubled))
    assert twice == pytest.approx(2 * once, rel=0.15)


def test_a_point_of_three_weeks_is_forecast_beside_older_ones() -> None:
    world = Hours(DAYS)
    points = world.points(8)
    history = points[:, : world.length].copy()
    history[0, : -21 * 24] = np.nan
    found = forecast(history, world.surroundings(), HOURLY)
    assert found.median[0].sum() == pytest.approx(points[0, world.length :].sum(), rel=0.2)


def test_three_weeks_alone_are_forecast_with_wide_intervals() -> None:
    world = Hours(56)
    history = world.points(1)[:, : world.length]
    history[:, : -21 * 24] = np.nan
    found = forecast(history, world.surroundings(), HOURLY)
    assert np.isfinite(found.quantiles).all()
    assert (found.quantiles[:, :, 5] > found.quantiles[:, :, 1]).all()


def test_too_few_days_are_refused_with_their_number() -> None:
    world = Hours(56)
    history = world.points(1)[:, : world.length]
    history[:, : -5 * 24] = np.nan
    with pytest.raises(InsufficientHistory) as caught:
        forecast(history, world.surroundings(), HOURLY)
    assert caught.value.metadata == {"days_required": "14", "days_available": "5"}


def test_further_ahead_than_the_rules_allow_is_refused() -> None:
    world = Hours(60)
    with pytest.raises(HorizonTooLong):
        forecast(world.points(1)[:, : world.length - 24], world.surroundings(), HOURLY)


def test_a_place_expects_the_sum_of_its_points() -> None:
    world = Hours(DAYS)
    points = world.points(7)[:, : world.length]
    each, together = forecast(points, world.surroundings(), HOURLY), place_forecast(points, world.surroundings(), HOURLY)
    assert together.mean[0] == pytest.approx(each.mean.sum(axis=0), rel=1e-4)
    assert (np.diff(together.quantiles, axis=2) >= 0).all()


def test_common_errors_do_not_cancel_out_in_a_place() -> None:
    world = Hours(DAYS)
    common = 1 + 0.2 * np.repeat(np.random.default_rng(3).normal(size=world.length // 24), 24)
    points = world.points(6, noise=0.01)[:, : world.length] * common
    each, together = forecast(points, world.surroundings(), HOURLY), place_forecast(points, world.surroundings(), HOURLY)
    widths = each.quantiles[:, :, 5] - each.quantiles[:, :, 1]
    width = (together.quantiles[0, :, 5] - together.quantiles[0, :, 1]).mean()
    assert width > 0.7 * widths.sum(axis=0).mean()


def test_the_parts_of_a_forecast_add_up_to_it() -> None:
    world = Hours(DAYS)
    found = forecast(world.points(3)[:, : world.length], world.surroundings(), HOURLY)
    assert found.parts.sum(axis=1) == pytest.approx(found.mean.sum(axis=1), rel=1e-3)
    assert (found.parts[:, 1] > 0).all()


@pytest.mark.parametrize("origin", [datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC)])
def test_weeks_in_which_clocks_change_are_forecast_by_local_hour(origin: datetime) -> None:
    world = Hours(DAYS, origin)
    points = world.points(4, noise=0.02)
    found = forecast(points[:, : world.length], world.surroundings(), HOURLY)
    after = points[:, world.length :]
    assert np.abs(found.median - after).mean() < 0.15 * after.mean()


def test_without_any_temperature_the_rhythm_remains() -> None:
    world = Hours(DAYS)
    history = world.points(2)[:, : world.length]
    around = Surroundings(calendar=world.calendar, temperature=np.full(len(world.calendar), np.nan))
    found = forecast(history, around, HOURLY)
    assert np.isfinite(found.quantiles).all()


def test_a_home_that_uses_nothing_is_expected_to_use_nothing() -> None:
    world = Hours(DAYS)
    found = forecast(np.zeros((2, world.length)), world.surroundings(), HOURLY)
    assert np.abs(found.quantiles).max() < 1e-6


def test_sums_of_days_are_surer_than_the_sum_of_their_quantiles() -> None:
    days = Days(400)
    found = forecast(days.amounts[:, : days.length], days.surroundings, DAILY)
    assert found.sums is not None
    assert (np.diff(found.sums, axis=2) >= 0).all()
    of_sum = found.sums[:, 27, 5] - found.sums[:, 27, 1]
    of_days = (found.quantiles[:, :28, 5] - found.quantiles[:, :28, 1]).sum(axis=1)
    assert (of_sum < 0.6 * of_days).all()
    total = days.amounts[:, days.length : days.length + 28].sum(axis=1)
    inside = (total >= found.sums[:, 27, 1]) & (total <= found.sums[:, 27, 5])
    assert inside.mean() > 0.6


def test_a_gap_is_filled_with_what_others_did_then_in_the_proportion_of_the_weeks_around_it() -> None:
    world = Hours(120)
    rhythm = world.points(1, noise=0)[0, : world.length].astype(np.float32)
    amounts = np.stack([rhythm * size for size in range(1, 21)], axis=1)
    amounts[60 * 24 :, 0] *= 2
    missing = np.zeros(amounts.shape, np.bool_)
    missing[10 * 24 : 17 * 24, 0] = missing[100 * 24 : 107 * 24, 0] = True
    columns, nothing = np.zeros((world.length, 1), np.float32), Factor.of(np.ones((world.length, 1), np.float32), [100], np.ones(1), 100.0)
    kinds = kind_of_slot(world.calendar.part(0, world.length))
    found = completed(columns, nothing, np.where(missing, np.nan, amounts), missing, kinds, HOURLY)
    assert found[missing] == pytest.approx(amounts[missing], rel=0.15)


def test_a_point_of_three_weeks_is_told_with_wider_intervals_than_its_few_errors_would_give() -> None:
    world = Hours(200)
    amounts = world.points(8, noise=0.3)[:, : world.length]
    amounts[0, : -21 * 24] = np.nan
    believed, doubted = (forecast(amounts, world.surroundings(), replace(HOURLY, youth=youth)).quantiles for youth in (0.0, 0.2))
    widths = [(found[:, :, 5] - found[:, :, 1]).mean(axis=1) for found in (believed, doubted)]
    assert widths[1][0] > 1.1 * widths[0][0]
    assert widths[1][1:] == pytest.approx(widths[0][1:])
