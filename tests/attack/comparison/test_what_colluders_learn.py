"""What neighbours who put together all that they know learn of the one who does not; the attack succeeds when the coarse grid is gone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from comparison_service import TownSources
from comparison_world import FLATS_EACH, JANUARY, Town

from comparison.domain import releases
from comparison.domain.releases import step_of
from comparison.domain.similarity import shipped
from multiflux_client.comparison import Reach
from vocabulary.flux import Flux
from vocabulary.names import PlaceId

Serve = Any
NEAR = 0.2
LEVELS = {Reach.BUILDING: (FLATS_EACH,), Reach.NEIGHBOURHOOD: (3 * FLATS_EACH, 4 * FLATS_EACH), Reach.COMMUNE: (10 * FLATS_EACH,)}
"""The groups around a home that attackers look at, and of how many homes each is."""
QUANTILES = ((0.5, "median_amount"), (0.2, "fifth_amount"), (0.8, "four_fifths_amount"))


def quantile_with(others: np.ndarray, own: np.ndarray, level: float) -> np.ndarray:
    """Return the quantile of sorted others (targets, n - 1) together with one's own (targets,)."""
    place = others.shape[1] * level
    low = int(place)

    def at(rank: int) -> np.ndarray:
        below = others[:, rank - 1] if rank else np.zeros(len(own))
        above = others[:, rank] if rank < others.shape[1] else np.full(len(own), np.inf)
        return np.clip(own, below, above)

    return at(low) if place == low else (1 - place + low) * at(low) + (place - low) * at(low + 1)


@dataclass
class Group:
    """The members of a group, by their numbers, and the steps that were told of it, by quantile."""

    members: list[int]
    steps: dict[float, int]


def excluded(group: Group, indices: np.ndarray, times: float) -> np.ndarray:
    """Tell for each member whether what was told rules out that it used so many times what it did; all others' use is known."""
    own = indices[group.members]
    others = np.sort(np.array([np.delete(own, at) for at in range(len(own))]), axis=1)
    out = np.zeros(len(own), np.bool_)
    for level, step in group.steps.items():
        out |= np.vectorize(step_of)(quantile_with(others, times * own, level)) != step
    return out


async def told(serve: Serve, made: Town) -> dict[Reach, list[Group]]:
    """Return what colluders are told of each group: one of each building asks, and it is the same for all."""
    above, inside = {one.id: (one.id, one.neighbourhood, one.commune) for one in made.homes}, dict[PlaceId, list[int]]()
    for number, one in enumerate(made.contributors()):
        for place in above[one.building]:
            inside.setdefault(place, []).append(number)
    asking = [PlaceId(f"{building.id}-h{number}") for building in made.homes for number in (0, 1)]
    found: dict[Reach, dict[PlaceId, Group]] = {reach: {} for reach in LEVELS}
    async with serve(TownSources(town=made, asking=frozenset(asking))) as world:
        await world.close(JANUARY)
        for home, neighbour in zip(asking[::2], asking[1::2], strict=True):
            answer = await world.household(home).mine(Flux.WATER, JANUARY)
            others = await world.household(neighbour).mine(Flux.WATER, JANUARY)
            assert [one.release for one in others.groups] == [one.release for one in answer.groups]
            for release in (one.release for one in answer.groups if one.release.reach in LEVELS):
                amounts = {level: getattr(release, name) for level, name in QUANTILES}
                steps = {level: step_of(amount) for level, amount in amounts.items() if amount is not None}
                found[release.reach][release.places[0]] = Group(members=inside[release.places[0]], steps=steps)
    return {reach: list(groups.values()) for reach, groups in found.items()}


async def pinned(serve: Serve, made: Town) -> tuple[dict[Reach, float], float]:
    """Return the share of targets of whom all others of a group know within a fifth what they used, by level and from all three."""
    survey, used = made.survey(), made.readings(1).totals()
    similarity = shipped(Flux.WATER)
    indices = np.array([used[one.premise] / (similarity.factor(survey.attributes[one.premise]) or 1.0) for one in made.contributors()])
    shares, either_below, either_above = dict[Reach, float](), np.zeros(len(indices), np.bool_), np.zeros(len(indices), np.bool_)
    for reach, groups in (await told(serve, made)).items():
        below, above = np.zeros(len(indices), np.bool_), np.zeros(len(indices), np.bool_)
        assert {len(group.members) for group in groups} == set(LEVELS[reach])
        for group in groups:
            below[group.members], above[group.members] = excluded(group, indices, 1 - NEAR), excluded(group, indices, 1 + NEAR)
        shares[reach] = float((below & above).mean())
        either_below |= below
        either_above |= above
    return shares, float((either_below & either_above).mean())


async def test_all_others_of_a_group_pin_hardly_anybody(serve: Serve, equal_buildings: Town) -> None:
    shares, jointly = await pinned(serve, equal_buildings)
    assert len(equal_buildings.contributors()) >= 10_000
    print({reach.name: f"{share:.2%}" for reach, share in shares.items()}, f"jointly {jointly:.2%}")  # noqa: T201 - what make attack shows
    assert max(shares.values()) <= 0.01
    assert jointly <= 0.02


async def test_without_the_coarse_grid_they_pin_many(serve: Serve, equal_buildings: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "RATIO", 1.001)
    shares, jointly = await pinned(serve, equal_buildings)
    print("without the grid", {reach.name: f"{share:.2%}" for reach, share in shares.items()}, f"jointly {jointly:.2%}")  # noqa: T201 - what make attack shows
    assert shares[Reach.BUILDING] > 0.05
    assert jointly > 0.1
