"""Made-up streets of homes for tests of comparison."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from comparison.domain.closing import HomeMonths, Survey
from comparison.domain.homes import Attributes, Building, Contributor, HomeType
from vocabulary.flux import Flux
from vocabulary.names import PersonId, PlaceId

MONTH_DAYS = 31
JANUARY = date(2026, 1, 1)


def building(street: int, number: int, *, neighbourhood: int = 1, commune: str = "c1") -> Building:
    return Building(
        id=PlaceId(f"n{neighbourhood}-s{street}-b{number}"),
        street=PlaceId(f"n{neighbourhood}-s{street}"),
        neighbourhood=PlaceId(f"n{neighbourhood}"),
        commune=PlaceId(commune),
        order=(neighbourhood, street, number),
    )


def homes_in(one: Building, count: int) -> Iterator[Contributor]:
    for number in range(count):
        premise = f"{one.id}-h{number}"
        yield Contributor(premise=PlaceId(premise), holder=PersonId(f"p-{premise}"), building=one.id)


@dataclass
class Town:
    """Streets with so many homes in each building; every home consents and uses a reading a day."""

    homes: dict[Building, int]
    flux: Flux = Flux.WATER
    seed: int = 1
    spread: float = 0.4
    """How unlike households are: the sigma of a lognormal."""

    def contributors(self) -> list[Contributor]:
        return [home for one, count in self.homes.items() for home in homes_in(one, count)]

    def survey(self, *, without: frozenset[str] = frozenset()) -> Survey:
        rng = np.random.default_rng(self.seed)
        everybody = self.contributors()
        return Survey(
            flux=self.flux,
            buildings=tuple(self.homes),
            building_of={one.premise: one.building for one in everybody},
            attributes={one.premise: Attributes(type=HomeType.FLAT, occupants=int(rng.integers(1, 6)), area=70) for one in everybody},
            holders={one.premise: one.holder for one in everybody if one.premise not in without},
            occupants={one.premise: one.holder for one in everybody},
            metered=frozenset(one.premise for one in everybody),
        )

    def readings(self, month: int = 0, days: int = 100) -> HomeMonths:
        """Return days of a household's use: of a size of its own, and more with its occupants."""
        rng = np.random.default_rng(self.seed)
        everybody = self.contributors()
        occupants = np.array([int(rng.integers(1, 6)) for _ in everybody])
        own = 100_000 * occupants**0.7 * np.random.default_rng(self.seed + 1).lognormal(0, self.spread, len(everybody))
        daily = np.random.default_rng((self.seed, month)).lognormal(0, 0.3, (len(everybody), days))
        return HomeMonths(premises=tuple(one.premise for one in everybody), amounts=own[:, None] * daily, month_days=MONTH_DAYS)


FLATS_EACH = 22


def equal_town() -> Town:
    """Return 500 buildings of flats, each a group; three or four make a neighbourhood, ten a commune."""
    homes = [building(at, 1, neighbourhood=3 * (at // 10) + min(at % 10 // 3, 2), commune=f"c{at // 10}") for at in range(500)]
    return Town(dict.fromkeys(homes, FLATS_EACH), spread=0.6)


def town(neighbourhoods: int = 3, streets: int = 5, *, seed: int = 1, flux: Flux = Flux.WATER) -> Town:
    """Return a town of houses and of buildings of flats, of sizes that a seed gives."""
    rng = np.random.default_rng(seed)
    sizes = (1, 1, 1, 2, 4, 8, 16, 30)
    homes = {
        building(street, number, neighbourhood=neighbourhood): int(rng.choice(sizes))
        for neighbourhood in range(1, neighbourhoods + 1)
        for street in range(1, streets + 1)
        for number in range(1, 7)
    }
    return Town(homes, flux=flux, seed=seed)
