"""What is published of a group, and how a home stands beside it."""

import numpy as np
import pytest

from comparison.domain.releases import RATIO, Standing, released, standing, step_of, value_of


def indices(count: int, median: float = 1_000_000.0) -> np.ndarray:
    return median * np.random.default_rng(count).lognormal(0, 0.5, count)


@pytest.mark.parametrize(
    ("formed", "fifth", "four_fifths", "band"),
    [
        (20, False, False, (20, 39)),
        (39, False, False, (20, 39)),
        (40, True, False, (40, 99)),
        (99, True, False, (40, 99)),
        (100, True, True, (100, 499)),
        (700, True, True, (500, None)),
    ],
)
def test_the_larger_a_group_was_formed_the_more_is_published(
    formed: int, *, fifth: bool, four_fifths: bool, band: tuple[int, int | None]
) -> None:
    found = released(indices(formed), formed)
    assert found is not None
    assert (found.fifth is not None, found.four_fifths is not None) == (fifth, four_fifths)
    assert (found.least_count, found.most_count) == band


def test_fifteen_valid_months_are_published_and_fourteen_are_not() -> None:
    assert released(indices(15), 20) is not None
    assert released(indices(14), 20) is None


def test_the_band_is_that_of_the_formation_whoever_is_left() -> None:
    found = released(indices(16), 120)
    assert found is not None
    assert (found.least_count, found.most_count) == (100, 499)


def test_values_lie_on_one_grid_a_quarter_apart() -> None:
    found = released(indices(30), 30)
    assert found is not None
    assert value_of(found.median + 1) == pytest.approx(RATIO * value_of(found.median))
    true = float(np.median(indices(30)))
    assert true / RATIO**0.5 <= value_of(found.median) <= true * RATIO**0.5


def test_a_home_that_uses_nothing_does_not_break_the_grid() -> None:
    found = released(np.zeros(20), 20)
    assert found is not None
    assert found.median == 0


def test_a_home_stands_below_within_or_above_a_cell() -> None:
    step = step_of(1_000_000)
    middle = value_of(step)
    assert [standing(middle * part, step) for part in (0.8, 1.05, 1.3)] == [Standing.BELOW, Standing.WITHIN, Standing.ABOVE]
