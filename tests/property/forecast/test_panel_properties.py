"""What must hold of forecasts whatever the points are."""

import numpy as np
from forecast_world import Hours
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.domain.panel import forecast
from forecast.domain.rules import HOURLY

WORLD = Hours(90)


@given(factor=st.floats(1e-3, 1e9), seed=st.integers(0, 1_000))
@settings(deadline=None, max_examples=8)
def test_another_unit_gives_the_same_forecast_in_it(factor: float, seed: int) -> None:
    points = WORLD.points(3, seed=seed)[:, : WORLD.length]
    once, scaled = (forecast(each, WORLD.surroundings(), HOURLY).quantiles for each in (points, points * factor))
    assert np.allclose(scaled, once * factor, rtol=2e-2, atol=1e-3 * factor)


@given(order=st.permutations(range(5)), seed=st.integers(0, 1_000))
@settings(deadline=None, max_examples=8)
def test_the_order_of_points_does_not_matter(order: list[int], seed: int) -> None:
    points = WORLD.points(5, seed=seed)[:, : WORLD.length]
    once, again = (forecast(each, WORLD.surroundings(), HOURLY).mean for each in (points, points[order]))
    assert np.allclose(again, once[order], rtol=1e-3, atol=1e-3)
