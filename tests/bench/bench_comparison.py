"""Comparison at the size of a region, and how many homes it can answer: `make bench-comparison`.

Closing is measured from daily columns on. Utility is measured on places and homes of simulated towns, several of which make a larger one,
and of which so many consent; what a home uses follows what is declared of it and a habit of its own, and a fifth of the declared numbers of
occupants are wrong. Habits of water are those of real homes, day by day, with their gaps, drawn anew; others are lognormal.
How soon a household is answered is measured over gRPC, in a town of 2,000 homes whose services are real: see comparison_answers.py.
"""

import asyncio
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from comparison_answers import measured
from forecast_data import by_days

from comparison.domain.atoms import Reach
from comparison.domain.closing import LEAST_DAYS, HomeMonths, Survey, closed, members_of
from comparison.domain.homes import Attributes, Building, HomeType, Source
from comparison.domain.releases import Standing, standing
from comparison.domain.similarity import Similarity, shipped
from simulation.registry import Dwelling, EnergySource
from simulation.town import build_town
from vocabulary.flux import Flux
from vocabulary.names import PersonId, PlaceId
from vocabulary.place import PlaceLevel

JANUARY = date(2026, 1, 1)
HABIT = 0.45
"""How unlike homes with the same attributes are: the sigma of a lognormal."""
WRONG = 0.2
FLUXES = (Flux.ELECTRICITY, Flux.WATER, Flux.GAS)
DAYS, MONTH_DAYS = 120, 31
SEEDS = 20
NEAR_STREETS = 3


@dataclass(frozen=True)
class Homes:
    """Where the homes of a town are, what is true of them, and which have a meter of each flux."""

    buildings: tuple[Building, ...]
    building_of: dict[PlaceId, PlaceId]
    attributes: dict[PlaceId, Attributes]
    metered: dict[Flux, frozenset[PlaceId]]

    def first(self, dwellings: int) -> "Homes":
        """Return the homes of the first neighbourhoods, so many at most."""
        ordered = sorted(self.buildings, key=lambda one: (one.order, one.id))
        inside = dict[PlaceId, list[PlaceId]]()
        for premise, building in self.building_of.items():
            inside.setdefault(building, []).append(premise)
        kept, count = set[PlaceId](), 0
        for building in ordered:
            count += len(inside.get(building.id, ()))
            if count > dwellings:
                break
            kept.add(building.id)
        return replace(
            self,
            buildings=tuple(one for one in ordered if one.id in kept),
            building_of={premise: building for premise, building in self.building_of.items() if building in kept},
        )


def homes_of(seed: int) -> Homes:
    """Return the homes of the simulated town of a seed."""
    town = build_town(seed, date(2025, 1, 1), date(2026, 1, 1))
    places = {place.id: place for place in town.places}

    def above(place: PlaceId, level: PlaceLevel) -> PlaceId:
        while places[place].level is not level:
            place = places[place].parents[0].parent
        return place

    dwellings = {place.id: place.premise for place in town.places if isinstance(place.premise, Dwelling)}
    building_of = {premise: above(premise, PlaceLevel.BUILDING) for premise in dwellings}
    buildings = []
    for building in sorted(set(building_of.values())):
        street, neighbourhood, commune = (
            above(building, level) for level in (PlaceLevel.STREET, PlaceLevel.NEIGHBOURHOOD, PlaceLevel.COMMUNE)
        )
        order = (places[neighbourhood].position_in_parent, places[street].position_in_parent, places[building].position_in_parent)
        buildings.append(Building(id=building, street=street, neighbourhood=neighbourhood, commune=commune, order=order))
    return Homes(
        buildings=tuple(buildings),
        building_of=building_of,
        attributes={premise: _attributes(dwelling) for premise, dwelling in dwellings.items()},
        metered={flux: frozenset(point.places[0].place for point in town.points if point.flux is flux) for flux in FLUXES},
    )


def _attributes(dwelling: Dwelling) -> Attributes:
    sources = {EnergySource.ELECTRICITY: Source.ELECTRICITY, EnergySource.GAS: Source.GAS}
    return Attributes(
        type=HomeType(dwelling.type.value),
        area=dwelling.area_square_metres,
        occupants=dwelling.occupants,
        heating=sources.get(dwelling.heating, Source.OTHER),
        heating_collective=dwelling.heating_collective,
        hot_water=sources.get(dwelling.hot_water, Source.OTHER),
        hot_water_collective=dwelling.hot_water_collective,
        solar_panels=dwelling.solar_panels,
        garden=dwelling.garden,
    )


def together(towns: Sequence[Homes]) -> Homes:
    """Return several towns as the communes of one territory."""
    parts = [_renamed(town, f"t{number}-") for number, town in enumerate(towns)]
    return Homes(
        buildings=tuple(building for part in parts for building in part.buildings),
        building_of={premise: building for part in parts for premise, building in part.building_of.items()},
        attributes={premise: attributes for part in parts for premise, attributes in part.attributes.items()},
        metered={flux: frozenset[PlaceId]().union(*(part.metered[flux] for part in parts)) for flux in FLUXES},
    )


def _renamed(town: Homes, prefix: str) -> Homes:
    def named(place: PlaceId) -> PlaceId:
        return PlaceId(prefix + place)

    return Homes(
        buildings=tuple(
            Building(
                id=named(one.id),
                street=named(one.street),
                neighbourhood=named(one.neighbourhood),
                commune=named(one.commune),
                order=one.order,
            )
            for one in town.buildings
        ),
        building_of={named(premise): named(building) for premise, building in town.building_of.items()},
        attributes={named(premise): attributes for premise, attributes in town.attributes.items()},
        metered={flux: frozenset(map(named, homes)) for flux, homes in town.metered.items()},
    )


def water_habits() -> np.ndarray:
    """Return days of real homes' water beside what such homes use, (windows, DAYS), NaN where not measured: every month of every home."""
    litres = by_days("water").amounts
    windows = [litres[:, start : start + DAYS] for start in range(0, litres.shape[1] - DAYS + 1, MONTH_DAYS)]
    found = np.concatenate([window[np.isfinite(window).sum(axis=1) >= LEAST_DAYS] for window in windows])
    return found / np.median(np.nanmean(found, axis=1))


@dataclass
class Answered:
    """How many contributing homes were answered, near home, and on the wrong side of the median."""

    homes: int = 0
    anywhere: int = 0
    near: int = 0
    told: int = 0
    wrong: int = 0


def answered(homes: Homes, flux: Flux, consent: float, seed: int, found: Answered, habits: np.ndarray) -> None:
    """Count what the homes of a town are answered."""
    rng = np.random.default_rng(seed)
    similarity = shipped(flux)
    consenting = [home for home in sorted(homes.building_of) if home in homes.metered[flux] and rng.random() < consent]
    consenting = [home for home in consenting if similarity.factor(homes.attributes[home]) is not None]
    if not consenting:
        return
    true = {home: homes.attributes[home] for home in consenting}
    declared = {home: _declared(attributes, rng) for home, attributes in true.items()}
    factors = np.array([similarity.factor(true[home]) or 1 for home in consenting])
    if flux is Flux.WATER:
        daily = 1e5 * habits[rng.integers(len(habits), size=len(consenting))] * factors[:, None]
    else:
        daily = np.repeat((1e5 * rng.lognormal(0, HABIT, len(consenting)) * factors)[:, None], DAYS, axis=1)
    read = HomeMonths(premises=tuple(consenting), amounts=daily, month_days=MONTH_DAYS)
    used = read.totals()
    true_index = {home: used[home] / factor for home, factor in zip(consenting, factors, strict=True) if home in used}
    survey = Survey(
        flux=flux,
        buildings=homes.buildings,
        building_of=homes.building_of,
        attributes=declared,
        holders={home: PersonId(f"p-{home}") for home in consenting},
    )
    closing = closed(JANUARY, survey, read, (), similarity)
    found.homes += len(consenting)
    if closing.formation is None:
        return
    members, formation = members_of(closing.atoms), closing.formation
    for home in consenting:
        if home not in members:
            continue
        atom = members[home][1]
        mine = [number for number, cohort in enumerate(formation.cohorts) if atom in cohort.atoms and (JANUARY, number) in closing.releases]
        if not mine:
            continue
        found.anywhere += 1
        cohort = formation.cohorts[mine[0]]
        found.near += cohort.reach in (Reach.BUILDING, Reach.STREET) or len(cohort.places) <= NEAR_STREETS
        if home not in used:
            continue
        group = [true_index[other] for other, (_, number) in members.items() if number in cohort.atoms and other in true_index]
        told = standing(used[home] / (similarity.factor(declared[home]) or 1), closing.releases[JANUARY, mine[0]].median)
        if told is not Standing.WITHIN:
            found.told += 1
            found.wrong += (told is Standing.ABOVE) != (true_index[home] > float(np.median(group)))


def _declared(attributes: Attributes, rng: np.random.Generator) -> Attributes:
    if attributes.occupants is None or rng.random() >= WRONG:
        return attributes
    return replace(attributes, occupants=max(1, attributes.occupants + int(rng.choice((-1, 1)))))


def utility() -> None:
    print(f"{'homes, consent, flux':<34}{'answered':>10}{'near home':>11}{'wrong side':>12}")
    towns, habits = [homes_of(seed) for seed in range(1, 6)], water_habits()
    print(f"water: {len(habits)} windows of {DAYS} days of real homes, drawn anew")
    larger = [together([towns[(seed + at) % len(towns)] for at in range(3)]) for seed in range(len(towns))]
    for dwellings, consent in ((600, 0.5), (600, 0.3), (2_500, 0.3)):
        for flux in FLUXES:
            found = Answered()
            for seed in range(SEEDS):
                town = (towns if dwellings <= len(towns[0].building_of) else larger)[seed % len(towns)]
                answered(town.first(dwellings), flux, consent, seed, found, habits)
            shares = [
                part / max(whole, 1)
                for part, whole in ((found.anywhere, found.homes), (found.near, found.homes), (found.wrong, found.told))
            ]
            print(
                f"{dwellings:>6} {consent:>5.0%} {flux.name.lower():<21}{shares[0]:>9.1%}{shares[1]:>11.1%}{shares[2]:>12.1%}", flush=True
            )


def closing_speed(homes: int = 250_000) -> None:
    """Close one month of three fluxes of so many homes: 25 a building, ten buildings a street."""
    premises = tuple(PlaceId(f"h{number:06}") for number in range(homes))
    building_of = {premise: PlaceId(f"b{number // 25:05}") for number, premise in enumerate(premises)}
    buildings = tuple(
        Building(
            id=PlaceId(f"b{number:05}"),
            street=PlaceId(f"s{number // 10}"),
            neighbourhood=PlaceId(f"n{number // 400}"),
            commune=PlaceId(f"c{number // 4_000}"),
            order=(number // 400, number // 10, number),
        )
        for number in range(homes // 25)
    )
    rng = np.random.default_rng(1)
    attributes = {
        premise: Attributes(type=HomeType.FLAT, occupants=1 + number % 5, area=40 + number % 80) for number, premise in enumerate(premises)
    }
    amounts = rng.lognormal(0, 0.5, (homes, DAYS)) * 1e6
    holders = {premise: PersonId(f"p{premise}") for premise in premises}
    started, releases = time.perf_counter(), 0
    for flux in FLUXES:
        survey = Survey(flux=flux, buildings=buildings, building_of=building_of, attributes=attributes, holders=holders)
        similarity: Similarity = shipped(flux)
        releases += len(
            closed(JANUARY, survey, HomeMonths(premises=premises, amounts=amounts, month_days=MONTH_DAYS), (), similarity).releases
        )
    spent = time.perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{homes:,} homes × 3 fluxes closed, groups formed anew: {spent:.1f} s (≤ 60), {releases:,} releases, {memory:.2f} GB at most (< 2)"
    )


def main() -> int:
    closing_speed()
    utility()
    asyncio.run(measured())
    return 0


if __name__ == "__main__":
    sys.exit(main())
