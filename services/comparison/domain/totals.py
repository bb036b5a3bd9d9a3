"""Totals of dwellings: what whole buildings used together, in areas that stay the same, for anybody to see.

Sums are exact, so that what protects a home is whom it is summed with: areas are disjoint and nothing wider is published beside them, so
that no total can be taken from another; the homes of an area are frozen when it is formed; a total is computed once. It is published
while enough homes are in it and none of them weighs so much that those who know their own part could tell its.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from comparison.domain.atoms import Atom, Cohort, formed, joined, named
from comparison.domain.closing import LEAST_DAYS, HomeMonths, Members, Survey, members_of
from comparison.domain.homes import Contributor
from comparison.domain.months import EPOCH_MONTHS, after, forms_groups
from comparison.domain.releases import PUBLISHED
from vocabulary.flux import Flux
from vocabulary.names import PlaceId

MOST_SHARE = 0.25
"""Of a total, that one home may have used at most."""
INSIDERS, UNCERTAINTY = 2, 0.2
"""The p% rule: so many homes that put their own figures together must stay this share of the largest other one away from knowing it."""
DAILY = 100
"""Homes from which days are published too."""
_COVERAGE_GRAIN = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Areas:
    """Areas that were formed together. `first_month` is the first that is published, `end_month` the one after the last.

    named: how each is named, alone. counts: of how many homes each was formed; metered: how many its buildings had in all.
    """

    flux: Flux
    first_month: date
    end_month: date
    buildings: tuple[frozenset[PlaceId], ...]
    named: tuple[Cohort, ...]
    counts: tuple[int, ...]
    metered: tuple[int, ...]

    def lives(self, month: date) -> bool:
        """Tell whether a month is published of these areas."""
        return self.first_month <= month < self.end_month


@dataclass(frozen=True, kw_only=True, slots=True)
class LivingAreas:
    """Areas that still live, and the homes that they were formed of."""

    areas: Areas
    members: Members


@dataclass(frozen=True, kw_only=True, slots=True)
class Total:
    """What an area used in a month, in base units; coverage in percent of its metered homes, rounded down; days: none, or each."""

    amount: int
    coverage_percent: int
    days: tuple[int | None, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class AreaClosing:
    """What closing a month comes to. totals: by the first month of the areas and the number of the area."""

    formed: LivingAreas | None
    totals: Mapping[tuple[date, int], Total]


def safe(amounts: NDArray[np.float64]) -> bool:
    """Tell whether the sum of what homes used tells nothing of one of them: no share is too large, and the p% rule holds."""
    ordered = np.sort(amounts)[::-1]
    largest, total = float(ordered[0]) if len(ordered) else 0.0, float(ordered.sum())
    # A total of nothing would say of each home that it used nothing.
    return total > 0 and largest <= MOST_SHARE * total and float(ordered[INSIDERS + 1 :].sum()) >= UNCERTAINTY * largest


def closed_areas(month: date, survey: Survey, readings: HomeMonths, living: Sequence[LivingAreas]) -> AreaClosing:
    """Return which areas are formed and what is published of all areas in a month."""
    made = _formed(month, survey, readings, living) if forms_groups(month) or not living else None
    days, totals = readings.days(), dict[tuple[date, int], Total]()
    for one in (*living, *([made] if made else [])):
        inside: list[list[PlaceId]] = [[] for _ in one.areas.buildings]
        for premise, (holder, number) in one.members.items():
            if survey.occupants.get(premise) == holder and premise in days:
                inside[number].append(premise)
        for number, homes in enumerate(inside):
            total = totalled(np.array([days[home] for home in homes]), one.areas.metered[number])
            if total is not None:
                totals[one.areas.first_month, number] = total
    return AreaClosing(formed=made, totals=totals)


def totalled(days: NDArray[np.float64], metered: int) -> Total | None:
    """Return the total of what homes used day by day, (homes, days), of so many in the area; None: it is not published."""
    if len(days) < PUBLISHED or not safe(days.sum(axis=1)):
        return None
    amounts = [round(float(day.sum())) for day in days.T]
    kept = np.array([safe(day) for day in days.T], np.bool_)
    # What is left out of the days is the month less the others: it must be safe too.
    daily = len(days) >= DAILY and (bool(kept.all()) or safe(days[:, ~kept].sum(axis=1)))
    return Total(
        amount=sum(amounts),
        coverage_percent=min(len(days) * 100 // max(metered, 1), 100) // _COVERAGE_GRAIN * _COVERAGE_GRAIN,
        days=tuple(amount if shown else None for amount, shown in zip(amounts, kept, strict=True)) if daily else (),
    )


def _formed(month: date, survey: Survey, readings: HomeMonths, living: Sequence[LivingAreas]) -> LivingAreas | None:
    """Return areas of the buildings that are in no living one."""
    taken = frozenset[PlaceId]().union(*(buildings for one in living for buildings in one.areas.buildings))
    holders = {holder for one in living for holder, _ in one.members.values()}
    measured = readings.measured()
    candidates = [
        Contributor(premise=premise, holder=holder, building=survey.building_of[premise])
        for premise, holder in survey.occupants.items()
        if premise in survey.building_of
        and survey.building_of[premise] not in taken
        and holder not in holders
        and premise not in survey.vacant
        and measured.get(premise, 0) >= LEAST_DAYS
    ]
    free = [building for building in survey.buildings if building.id not in taken]
    atoms = joined_until_safe(formed(free, candidates), readings.sums())
    if not atoms:
        return None
    where = {building.id: building for building in survey.buildings}
    metered = _count_by_building(survey)
    areas = Areas(
        flux=survey.flux,
        first_month=month,
        end_month=after(month, EPOCH_MONTHS),
        buildings=tuple(atom.area for atom in atoms),
        named=tuple(named(number, atom, where) for number, atom in enumerate(atoms)),
        counts=tuple(atom.count for atom in atoms),
        metered=tuple(sum(metered.get(building, 0) for building in atom.area) for atom in atoms),
    )
    return LivingAreas(areas=areas, members=members_of(atoms))


def joined_until_safe(atoms: Iterable[Atom], used: Mapping[PlaceId, float]) -> list[Atom]:
    """Return atoms of which each is safe to sum, joining one that is not with the next, the last with those before it."""
    found, carried = list[Atom](), None
    for atom in atoms:
        whole = atom if carried is None else joined(carried, atom)
        carried = None if _safe(whole, used) else whole
        if carried is None:
            found.append(whole)
    while carried is not None and found:
        whole = joined(found.pop(), carried)
        carried = None if _safe(whole, used) else whole
        if carried is None:
            found.append(whole)
    return found


def _safe(atom: Atom, used: Mapping[PlaceId, float]) -> bool:
    return safe(np.array([used[member.premise] for member in atom.members]))


def _count_by_building(survey: Survey) -> dict[PlaceId, int]:
    found = dict[PlaceId, int]()
    for premise in survey.metered:
        if premise in survey.building_of:
            found[survey.building_of[premise]] = found.get(survey.building_of[premise], 0) + 1
    return found
