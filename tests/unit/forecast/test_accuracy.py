"""How forecasts did, in figures that can be worked out by hand."""

import numpy as np
import pytest
from forecast_world import WEEK, Hours

from forecast.domain.accuracy import Issue, accuracies, backtest
from forecast.domain.rules import HOURLY


def history(weeks: int = 4) -> np.ndarray:
    """Return one point that uses 1 more each week."""
    return np.repeat(np.arange(1.0, weeks + 1), WEEK)[None, :]


def issue(origin: int, median: float, low: float, high: float) -> Issue:
    return Issue(origin=origin, median=np.full((1, WEEK), median), low=np.full((1, WEEK), low), high=np.full((1, WEEK), high))


def test_errors_are_scaled_by_what_repeating_the_week_is_off_by() -> None:
    *days, whole = accuracies(history(), [issue(3 * WEEK, 3.5, 3.0, 4.5)], HOURLY)
    assert (whole.mase, whole.naive_mase, whole.wape, whole.naive_wape) == (0.5, 1.0, 0.125, 0.25)
    assert (whole.coverage, whole.samples) == (1.0, WEEK)
    assert [(day.first_slot, day.slots, day.samples) for day in days] == [(24 * number, 24, 24) for number in range(7)]


def test_what_lies_outside_the_interval_is_not_covered() -> None:
    whole = accuracies(history(), [issue(3 * WEEK, 3.5, 3.0, 3.9), issue(2 * WEEK, 3.0, 2.0, 4.0)], HOURLY)[-1]
    assert (whole.coverage, whole.samples) == (0.5, 2 * WEEK)


def test_what_has_not_come_yet_or_is_missing_is_not_judged() -> None:
    amounts = history()
    amounts[0, -24:] = np.nan
    *days, whole = accuracies(amounts, [issue(3 * WEEK + 24, 4.0, 3.0, 5.0)], HOURLY)
    assert (whole.samples, whole.mase) == (WEEK - 48, 0.0)
    assert days[6].samples == 0
    assert np.isnan(days[6].coverage)
    assert np.isnan(accuracies(amounts, [], HOURLY)[-1].mase)


def test_points_count_alike_whatever_their_size() -> None:
    amounts = np.concatenate([history(), 1_000 * history()])
    both = Issue(
        origin=3 * WEEK,
        median=np.stack([np.full(WEEK, 4.0), np.full(WEEK, 3_000.0)]),
        low=np.zeros((2, WEEK)),
        high=np.full((2, WEEK), 9e9),
    )
    assert accuracies(amounts, [both], HOURLY)[-1].mase == 0.5


def test_a_backtest_forgets_what_came_after_each_origin() -> None:
    world = Hours(120)
    amounts = world.points(2)[:, : world.length]
    first = backtest(amounts, world.surroundings(), HOURLY, 2)[-1]
    changed = amounts.copy()
    changed[:, -WEEK:] *= 1_000
    again = backtest(changed, world.surroundings(), HOURLY, 2)
    assert first.samples == 4 * WEEK
    assert first.mase < 1
    assert again[-1].wape == pytest.approx(1, abs=0.02)


def test_points_too_young_at_an_origin_are_left_out_there() -> None:
    world = Hours(60)
    amounts = world.points(2)[:, : world.length]
    amounts[0, : -20 * 24] = np.nan
    assert backtest(amounts, world.surroundings(), HOURLY, 2)[-1].samples == 2 * WEEK
