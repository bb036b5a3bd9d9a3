"""What figures under differential privacy cost, and of whom they are drawn."""

from collections.abc import Sequence

import numpy as np
import pytest
from comparison_world import JANUARY, Town, building

from comparison.adapters.private_figures import drawn
from comparison.domain.closing import Closing, closed
from comparison.domain.privacy import BUDGET, DELTA, EPSILON, affordable, drawn_figures, epsilon_of
from comparison.domain.releases import step_of
from comparison.domain.similarity import shipped
from vocabulary.flux import Flux

dp = pytest.importorskip("opendp.prelude", reason="OpenDP is missing: install the extra `privacy`")


def exact(values: Sequence[float], level: float, candidates: tuple[float, ...]) -> float:
    """Return the candidate nearest to the quantile."""
    ordered = sorted(values)
    return min(candidates, key=lambda one: abs(step_of(one) - step_of(ordered[int(level * len(ordered))])))


def close(homes: int) -> Closing:
    two = {building(street, number, neighbourhood=1 + street): 25 for street in range(2) for number in range(homes // 50)}
    made = Town({**two, building(3, 1): homes % 50})
    return closed(JANUARY, made.survey(), made.readings(), (), shipped(made.flux), exact)


def test_a_year_of_three_fluxes_is_within_the_budget_and_little_more_is() -> None:
    year = 3 * 12 * 2
    assert epsilon_of(year) == pytest.approx(2.32, abs=0.01)
    assert affordable(year - 2)
    assert [figures for figures in range(0, 100, 2) if affordable(figures)][-1] + 2 == 76
    assert epsilon_of(76) <= BUDGET < epsilon_of(78)


@pytest.mark.parametrize("figures", [2, 24, 72, 76])
def test_what_is_charged_is_no_less_than_what_opendp_proves(figures: int) -> None:
    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T=float, nan=False)), dp.symmetric_distance()
    one = dp.binary_search_chain(
        lambda scale: dp.m.make_private_quantile(
            *space, dp.zero_concentrated_divergence(), candidates=[1.0, 2.0, 3.0], alpha=0.2, scale=scale
        ),
        d_in=1,
        d_out=EPSILON**2 / 8,
    )
    together = dp.c.make_fix_delta(dp.c.make_zCDP_to_approxDP(dp.c.make_composition([one] * figures)), DELTA)
    assert together.map(1)[0] <= epsilon_of(figures)


def test_figures_are_drawn_of_communes_of_five_hundred_homes_and_of_nothing_else() -> None:
    assert close(499).private == {}
    found = close(500)
    assert found.formation is not None
    (key,) = found.private
    assert found.formation.cohorts[key[1]].reach.name == "COMMUNE"
    assert abs(found.private[key].median - found.releases[key].median) <= 1


def test_how_many_homes_have_a_valid_month_decides_nothing() -> None:
    assert drawn_figures(Flux.WATER, [1e7] * 499, 500, exact) is not None
    assert drawn_figures(Flux.WATER, [1e7] * 600, 499, exact) is None


def test_a_draw_lies_near_the_quantile_of_many_homes() -> None:
    candidates = tuple(1.25**step for step in range(58, 87))
    values = np.random.default_rng(1).lognormal(np.log(1.25**72), 0.5, 4_000).tolist()
    for level in (0.5, 0.2):
        found = [step_of(drawn(values, level, candidates)) for _ in range(50)]
        assert abs(np.median(found) - step_of(float(np.quantile(values, level)))) <= 1
