"""Lighting points: their plan is known ahead, and trusted as far as it was followed."""

from dataclasses import replace

import numpy as np
import pytest
from forecast_world import WEEK, Hours

from forecast.domain.planned import MODEL, planned_forecast
from forecast.domain.task import ForecastTask, carried_out
from vocabulary.civil import Granularity

DAYS = 60


def plan(slots: int = DAYS * 24 + WEEK) -> np.ndarray:
    """Return a night of twelve hours, dimmed in the middle, day after day."""
    return np.tile([100.0] * 3 + [50.0] * 6 + [100.0] * 3 + [0.0] * 12, slots // 24)


def drawn(planned: np.ndarray, noise: float = 0.03) -> np.ndarray:
    rng = np.random.default_rng(1)
    return 1.1 * planned[: DAYS * 24] * rng.normal(1, noise, DAYS * 24)


def test_a_plan_that_is_followed_says_what_will_be_drawn_in_its_own_proportion() -> None:
    found = planned_forecast(drawn(plan()), plan(), 24)
    assert found is not None
    assert found.mean == pytest.approx(1.1 * plan()[-WEEK:], rel=0.02)
    assert (np.diff(found.quantiles, axis=1) >= 0).all()
    assert found.quantiles[12:24].max() == 0
    assert found.score.model == MODEL
    assert found.score.wape < 0.05


def test_a_change_of_plan_is_known_before_it_happens() -> None:
    changed = plan()
    changed[-WEEK:] *= 0.3
    found = planned_forecast(drawn(plan()), changed, 24)
    assert found is not None
    assert found.mean.sum() == pytest.approx(0.3 * 1.1 * plan()[-WEEK:].sum(), rel=0.02)


def test_a_plan_that_is_not_followed_or_hardly_known_is_not_trusted() -> None:
    followed = drawn(plan())
    assert planned_forecast(np.roll(followed, 12), plan(), 24) is None
    young = followed.copy()
    young[: -10 * 24] = np.nan
    assert planned_forecast(young, plan(), 24) is None
    unknown = plan()
    unknown[-1] = np.nan
    assert planned_forecast(followed, unknown, 24) is None


def task(*, together: bool) -> ForecastTask:
    world = Hours(DAYS)
    others = 50 * world.points(3)[:, : world.length]
    changed = plan()
    changed[-WEEK:] *= 0.3
    return ForecastTask(
        granularity=Granularity.HOUR,
        amounts=np.vstack([others, drawn(plan())]),
        starts=world.starts,
        temperature=world.temperature,
        error_celsius=0.0,
        time_zone="Europe/Paris",
        public_holidays=frozenset(),
        school_holidays=frozenset(),
        together=together,
        planned={3: changed},
    )


def test_points_without_a_plan_are_forecast_as_ever_and_a_place_adds_up() -> None:
    points, place = carried_out(task(together=False)), carried_out(task(together=True))
    assert [[score.model for score in scores] for scores in points.scores] == [[], [], [], [MODEL]]
    assert points.mean[3].sum() == pytest.approx(0.33 * plan()[-WEEK:].sum(), rel=0.05)
    assert place.mean[0] == pytest.approx(points.mean.sum(axis=0), rel=1e-3, abs=0.5)
    width = place.quantiles[0, :, 5] - place.quantiles[0, :, 1]
    assert (width >= 0).all()
    without = carried_out(replace(task(together=False), planned={}))
    assert points.mean[:3] == pytest.approx(without.mean[:3])


def test_a_place_of_lamps_alone_follows_their_plans() -> None:
    lamps = replace(task(together=True), amounts=np.vstack([drawn(plan())] * 2), planned={0: plan(), 1: plan()})
    found = carried_out(lamps)
    assert found.mean[0] == pytest.approx(2 * 1.1 * plan()[-WEEK:], rel=0.02)
    assert found.parts == ((100.0, 0.0, 0.0),)
