"""Atoms: the smallest groups that anything is published of. They are formed by place and count alone, never by consumption.

Whatever is published is about unions of whole atoms: the difference, union or intersection of two published groups is again a union of
whole atoms, or empty, so that no one can be found by taking one from the other.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import groupby

from comparison.domain.homes import Building, Contributor
from vocabulary.names import PersonId, PlaceId

FORMED = 20
"""Distinct holders that an atom is formed of at least."""


class Reach(Enum):
    """How far a cohort reaches: the widest that its atoms touch."""

    BUILDING = 1
    STREET = 2
    STREETS = 3
    NEIGHBOURHOOD = 4
    COMMUNE = 5
    TERRITORY = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Atom:
    """Contributors of whole buildings; `area` holds all of its buildings, those without contributors too."""

    members: tuple[Contributor, ...]
    area: frozenset[PlaceId]

    @property
    def count(self) -> int:
        """Return of how many contributors it was formed."""
        return len(self.members)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cohort:
    """A union of whole atoms, by their numbers. `places` are those that it is named by: a building, streets, or one wider place."""

    atoms: frozenset[int]
    reach: Reach
    places: tuple[PlaceId, ...]


def formed(buildings: Sequence[Building], contributors: Iterable[Contributor], least: int = FORMED) -> list[Atom]:
    """Return atoms of contributors, one vote per holder, in buildings that are in no atom yet; none when there are too few in all."""
    found = list[Atom]()
    of, carried = _by_building(contributors), _nothing()
    for _, some in groupby(sorted(buildings, key=_along), key=lambda one: (one.commune, one.neighbourhood)):
        whole, carried = _of_neighbourhood(list(some), of, carried, least)
        found += whole
        if whole and carried.count:
            # The last rest joins the atom before it, so that it need not leave its neighbourhood.
            found[-1], carried = joined(found[-1], carried), _nothing()
    if carried.area and found:
        found[-1] = joined(found[-1], carried)
    return found


def _of_neighbourhood(
    buildings: Sequence[Building], of: dict[PlaceId, list[Contributor]], carried: Atom, least: int
) -> tuple[list[Atom], Atom]:
    """Return the atoms of a neighbourhood, and the rest, too few for one; `carried` is the rest of neighbourhoods before."""
    own, rests = list[Atom](), list[Atom]()
    for _, street in groupby(buildings, key=lambda one: one.street):
        rest = _nothing()
        for building in street:
            one = Atom(members=tuple(of.get(building.id, ())), area=frozenset({building.id}))
            if one.count >= least:
                own.append(one)
            else:
                rest = joined(rest, one)
        carried = joined(carried, rest)
        if carried.count >= least:
            rests.append(carried)
            carried = _nothing()
    return [*own, *rests], carried


def cohorts_of(atoms: Sequence[Atom], buildings: Sequence[Building]) -> list[Cohort]:
    """Return the cohorts that atoms make up: each by itself, then all that touch a neighbourhood, a commune, and the territory."""
    where = {building.id: building for building in buildings}
    single = [named(number, atom, where) for number, atom in enumerate(atoms)]
    found = {cohort.atoms: cohort for cohort in reversed(single)}
    for reach, level in ((Reach.NEIGHBOURHOOD, "neighbourhood"), (Reach.COMMUNE, "commune")):
        touched = dict[PlaceId, set[int]]()
        for number, atom in enumerate(atoms):
            for place in {getattr(where[building], level) for building in atom.area if building in where}:
                touched.setdefault(place, set()).add(number)
        for place, numbers in sorted(touched.items()):
            found.setdefault(frozenset(numbers), Cohort(atoms=frozenset(numbers), reach=reach, places=(place,)))
    if atoms:
        everything = frozenset(range(len(atoms)))
        found.setdefault(everything, Cohort(atoms=everything, reach=Reach.TERRITORY, places=()))
    return sorted(found.values(), key=lambda cohort: (cohort.reach.value, sorted(cohort.atoms)))


def named(number: int, atom: Atom, where: Mapping[PlaceId, Building]) -> Cohort:
    """Return the cohort of one atom alone, named by what it holds."""
    inside = [where[building] for building in atom.area if building in where]
    streets = sorted({one.street for one in inside})
    if len(atom.area) == 1:
        return Cohort(atoms=frozenset({number}), reach=Reach.BUILDING, places=tuple(atom.area))
    if len(streets) == 1:
        return Cohort(atoms=frozenset({number}), reach=Reach.STREET, places=tuple(streets))
    return Cohort(atoms=frozenset({number}), reach=Reach.STREETS, places=tuple(streets))


def _along(building: Building) -> tuple[object, ...]:
    neighbourhood, street, own = building.order
    return building.commune, neighbourhood, building.neighbourhood, street, building.street, own, building.id


def _by_building(contributors: Iterable[Contributor]) -> dict[PlaceId, list[Contributor]]:
    """Return contributors by building; of a holder of several homes only the first home counts."""
    found, seen = dict[PlaceId, list[Contributor]](), set[PersonId]()
    for one in sorted(contributors, key=lambda one: one.premise):
        if one.holder not in seen:
            seen.add(one.holder)
            found.setdefault(one.building, []).append(one)
    return found


def joined(one: Atom, other: Atom) -> Atom:
    """Return two atoms as one."""
    return replace(one, members=one.members + other.members, area=one.area | other.area)


def _nothing() -> Atom:
    return Atom(members=(), area=frozenset())


def covering(cohorts: Iterable[Cohort], atom: int) -> Iterator[Cohort]:
    """Yield the cohorts that an atom belongs to."""
    return (cohort for cohort in cohorts if atom in cohort.atoms)
