"""What figures under differential privacy tell: of one home, by repeating, over a year; each succeeds when the defence it names is gone."""

import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from comparison_service import TOWN, Sources, World
from comparison_world import JANUARY, Town, building

from comparison.adapters import private_figures, store
from comparison.adapters.tables import CLOSED, LEDGER, RELEASE, TOTAL
from comparison.closing import FLUXES
from comparison.domain.months import after
from comparison.domain.privacy import BUDGET, EPSILON
from comparison.domain.releases import value_of
from vocabulary.flux import Flux
from vocabulary.role import Role

Serve = Any
pytestmark = pytest.mark.skipif(private_figures.draws() is None, reason="OpenDP is missing: install the extra `privacy`")
DRAWS = 20_000 if os.environ.get("MULTIFLUX_ATTACK_TIMING") else 2_000
"""Draws with and without the target; `make attack` draws so many that little is missed."""
SURE = 3.3
"""Standard deviations beyond which less than one in a thousand lies, by chance."""
CANDIDATES = tuple(value_of(step) for step in range(58, 87))
OTHERS = [1.05 * value_of(step) for step in range(60, 81)]
TARGETS = {0.5: 1.05 * value_of(85), 0.2: 1.05 * value_of(59)}
"""A home that moves the quantile by one rank, by the quantile's level."""


def told_apart(level: float) -> float:
    """Return by how much the odds of some outcome certainly differ with and without the target: the logarithm, less what chance may do.

    It asks the very function that draws what is published; outcomes are that a figure lies on one side of a step.
    """
    without, present = (
        np.array([private_figures.drawn(values, level, CANDIDATES) for _ in range(DRAWS)]) for values in (OTHERS, [*OTHERS, TARGETS[level]])
    )
    found = 0.0
    for step in CANDIDATES[1:]:
        for side in (np.less, np.greater_equal):
            one, other = ((side(drawn, step).sum() + 0.5) / (DRAWS + 1) for drawn in (without, present))
            chance = SURE * np.sqrt((1 - one) / (DRAWS * one) + (1 - other) / (DRAWS * other))
            found = max(found, abs(np.log(one / other)) - chance)
    return float(found)


def exact(level: float, candidates: Sequence[float]) -> Callable[[Any], float]:
    """Return what names the candidate that the mechanism favours, without noise."""

    def nearest(values: Any) -> float:
        off = [abs((1 - level) * (values < one).sum() - level * (values > one).sum()) for one in candidates]
        return candidates[int(np.argmin(off))]

    return nearest


@pytest.mark.parametrize("level", TARGETS)
def test_whether_a_home_is_in_a_figure_changes_no_odds_by_more_than_is_declared(level: float) -> None:
    found = told_apart(level)
    print(f"quantile {level}: odds differ by e^{found:.3f} at least (≤ {EPSILON}), {DRAWS} draws each")  # noqa: T201 - what make attack shows
    assert found <= EPSILON


@pytest.mark.parametrize("level", TARGETS)
def test_without_noise_it_is_seen_at_once(level: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_figures, "_mechanism", exact)
    assert told_apart(level) > 1


def test_with_a_tenth_of_the_noise_it_is_seen_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_figures, "_RHO", 100 * private_figures._RHO)
    private_figures._mechanism.cache_clear()
    found = told_apart(0.5)
    private_figures._mechanism.cache_clear()
    assert found > EPSILON


def two_communes() -> Town:
    """More than two thousand homes; a group of few on the border lies in both communes."""
    first = {building(1, at, neighbourhood=1): 50 for at in range(20)} | {building(1, 1, neighbourhood=2): 10}
    houses = {building(1, at, neighbourhood=3, commune="c2"): 5 for at in range(3)}
    second = {building(2, at, neighbourhood=3 + at % 2, commune="c2"): 50 for at in range(20)}
    return Town({**first, **houses, **second})


async def of_eight_months(world: World) -> tuple[int, float]:
    """Return how many releases of eight months have figures, and what the most charged household is charged."""
    world.clock.advance(timedelta(days=210))
    service, months = world.with_role(Role.SERVICE), [after(JANUARY, at) for at in range(8)]
    for month in months:
        for flux in FLUXES:
            await world.close(month, flux=flux)
    released = [one for flux in FLUXES for month in months for one in await service.releases(flux, month)]
    charged = [one.spent_epsilon for flux in FLUXES for one in await service.privacy_ledgers(flux, 2026)]
    return sum(one.private_median_amount is not None for one in released), max(charged)


async def test_who_lives_in_two_communes_is_charged_no_more_than_the_budget(serve: Serve) -> None:
    async with serve(Sources(town=two_communes(), asking=frozenset())) as world:
        released, charged = await of_eight_months(world)
    assert (released, charged) == (38, pytest.approx(2.386, abs=0.001))
    assert charged <= BUDGET


async def test_without_the_refusal_they_are_charged_beyond_it(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "affordable", lambda _: True)
    async with serve(Sources(town=two_communes(), asking=frozenset())) as world:
        released, charged = await of_eight_months(world)
    assert released == 48
    assert charged > 1.1 * BUDGET


def unlike_homes() -> Town:
    """Two thousand homes that use very different amounts, five hundred of them in a commune of their own: there noise moves figures."""
    first = {building(1, at, neighbourhood=1 + at % 2): 50 for at in range(10)}
    return Town({**first, **{building(2, at, neighbourhood=3 + at % 2, commune="c2"): 50 for at in range(30)}}, spread=1.2)


async def draws_seen(world: World, closings: int, forget: Callable[[], Any]) -> set[tuple[int | None, int | None]]:
    """Return the different figures that one sees who has a month closed again and again."""
    service, seen = world.with_role(Role.SERVICE), set[tuple[int | None, int | None]]()
    for _ in range(closings):
        await service.close_month(Flux.WATER, JANUARY)
        released = await service.releases(Flux.WATER, JANUARY)
        seen |= {(one.private_median_amount, one.private_fifth_amount) for one in released if one.places == ("c1",)}
        await forget()
    return seen


async def nothing_forgotten() -> None:
    pass


async def test_who_asks_again_and_again_sees_one_draw(serve: Serve) -> None:
    async with serve(Sources(town=unlike_homes(), asking=frozenset())) as world:
        assert len(await draws_seen(world, 20, nothing_forgotten)) == 1
        assert len(await world.with_role(Role.SERVICE).privacy_ledgers(Flux.WATER, 2026)) == 2


async def test_without_what_is_kept_they_see_the_noise_and_average_it_out(serve: Serve) -> None:
    async with serve(Sources(town=unlike_homes(), asking=frozenset())) as world:

        async def forget() -> None:
            # As if figures were drawn when they are asked for.
            for table in (RELEASE, TOTAL, CLOSED, LEDGER):
                await world.database.write(
                    lambda connection, table=table: connection.execute(table.delete().where(table.c.territory == TOWN))
                )

        assert len(await draws_seen(world, 20, forget)) > 1
