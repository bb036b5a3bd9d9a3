"""What neighbours who put together all that they know learn of the one who does not; each attack succeeds when its defence is gone."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from comparison_world import JANUARY, Town, building

from comparison.domain import releases
from comparison.domain.closing import Closing, HomeMonths, Living, Survey, closed, members_of
from comparison.domain.releases import step_of
from comparison.domain.similarity import shipped
from vocabulary.names import PersonId, PlaceId

TARGETS = 10_000
TYPICAL_WH = 250_000.0
"""The median of a household's month, and how unlike households are: lognormal, sigma 0.6."""
NEAR = 0.2
LEVELS = ((20, (0.5,)), (60, (0.5, 0.2)), (200, (0.5, 0.2, 0.8)))
"""Three groups around a home, of so many homes, and what is published of each."""
FEBRUARY = date(2026, 2, 1)


def households(count: int, seed: int) -> np.ndarray:
    return TYPICAL_WH * np.random.default_rng(seed).lognormal(0, 0.6, (TARGETS, count))


def quantile_with(others: np.ndarray, own: np.ndarray, level: float) -> np.ndarray:
    """Return the quantile of sorted others (targets, n - 1) together with one's own (targets,)."""
    place = others.shape[1] * level
    low = int(place)

    def at(rank: int) -> np.ndarray:
        below = others[:, rank - 1] if rank else np.zeros(len(own))
        above = others[:, rank] if rank < others.shape[1] else np.full(len(own), np.inf)
        return np.clip(own, below, above)

    return at(low) if place == low else (1 - place + low) * at(low) + (place - low) * at(low + 1)


def excluded(own: np.ndarray, guess: np.ndarray, others: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Tell for each target whether what was published rules a guess out: all others of the group are known to the colluders."""
    steps = np.vectorize(step_of)
    out = np.zeros(len(own), np.bool_)
    for level in levels:
        out |= steps(quantile_with(others, own, level)) != steps(quantile_with(others, guess, level))
    return out


def pinned(groups: tuple[tuple[int, tuple[float, ...]], ...]) -> float:
    """Return the share of targets of whom n - 1 colluders in each group know within a fifth what they used."""
    own = households(1, 1)[:, 0]
    everybody = np.sort(households(groups[-1][0] - 1, 2), axis=1)
    shuffled = np.random.default_rng(3).permuted(everybody, axis=1)
    below, above = np.zeros(TARGETS, np.bool_), np.zeros(TARGETS, np.bool_)
    for count, levels in groups:
        others = np.sort(shuffled[:, : count - 1], axis=1)
        below |= excluded(own, (1 - NEAR) * own, others, levels)
        above |= excluded(own, (1 + NEAR) * own, others, levels)
    return float((below & above).mean())


@pytest.mark.parametrize("group", LEVELS)
def test_all_others_of_a_group_pin_hardly_anybody_from_a_release(group: tuple[int, tuple[float, ...]]) -> None:
    assert pinned((group,)) <= 0.01


def test_nor_from_three_groups_around_a_home_together() -> None:
    assert pinned(LEVELS) <= 0.02


def test_without_the_coarse_grid_they_pin_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "RATIO", 1.01)
    assert pinned(LEVELS[:1]) > 0.05


def newcomer(made: Town) -> tuple[Survey, HomeMonths, PlaceId]:
    """Return the town after a home that uses a thousand times as much moved in and consented."""
    survey, readings = made.survey(), made.readings()
    home = PlaceId("newcomer")
    joined = replace(
        survey,
        building_of={**survey.building_of, home: next(iter(made.homes)).id},
        holders={**survey.holders, home: PersonId("new")},
    )
    amounts = np.vstack([readings.amounts, np.full((1, readings.amounts.shape[1]), 1_000 * readings.amounts.max())])
    return joined, HomeMonths(premises=(*readings.premises, home), amounts=amounts, month_days=readings.month_days), home


def test_who_joins_changes_nothing_that_is_published_of_their_neighbours_until_groups_are_formed_anew() -> None:
    made = Town({building(1, 1): 21})
    first = closed(JANUARY, made.survey(), made.readings(), (), shipped(made.flux))
    assert first.formation is not None
    living = Living(formation=first.formation, members=members_of(first.atoms))
    joined, readings, home = newcomer(made)

    def february(survey: Survey, read: HomeMonths, *frozen: Living) -> Closing:
        return closed(FEBRUARY, survey, read, frozen, shipped(made.flux))

    assert february(joined, readings, living).releases == february(made.survey(), made.readings(), living).releases
    # Without frozen groups the newcomer would be in the very next one.
    assert home in members_of(february(joined, readings).atoms)


def test_who_leaves_leaves_no_group_small_enough_to_be_seen_through() -> None:
    made = Town({building(1, 1): 24})
    first = closed(JANUARY, made.survey(), made.readings(), (), shipped(made.flux))
    assert first.formation is not None
    living = Living(formation=first.formation, members=members_of(first.atoms))
    survey = made.survey()
    for stay, published in ((15, True), (14, False)):
        holders = dict(list(survey.holders.items())[:stay])
        found = closed(FEBRUARY, replace(survey, holders=holders), made.readings(), (living,), shipped(made.flux))
        assert bool(found.releases) is published


def test_a_landlord_of_many_homes_is_one_vote_and_makes_no_group() -> None:
    made = Town({building(1, 1): 40})
    survey = made.survey()
    owned = {premise: (PersonId("landlord") if at < 25 else holder) for at, (premise, holder) in enumerate(sorted(survey.holders.items()))}
    assert closed(JANUARY, replace(survey, holders=owned), made.readings(), (), shipped(made.flux)).formation is None
    assert closed(JANUARY, survey, made.readings(), (), shipped(made.flux)).formation is not None
