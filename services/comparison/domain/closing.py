"""Closing a month: who contributes, which groups are formed, and what is published of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from comparison.domain.atoms import Atom, Cohort, Reach, cohorts_of, formed
from comparison.domain.homes import Attributes, Building, Contributor
from comparison.domain.months import EPOCH_MONTHS, after, forms_groups
from comparison.domain.privacy import Draw, PrivateFigures, drawn_figures
from comparison.domain.releases import Release, released
from comparison.domain.similarity import Similarity, comparable
from vocabulary.flux import Flux
from vocabulary.names import PersonId, PlaceId, TerritoryId

LEAST_DAYS = 90
"""Measured days before a home contributes."""
_VALID_SHARE = 0.9
_MOST_IDLE = 0.8
"""A home that used nothing on more days than this share is not lived in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """Months to be closed: from the one after the last that is closed, where none is from `first`, through `last`."""

    territory: TerritoryId
    flux: Flux
    first: date
    last: date


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HomeMonths:
    """Daily amounts of homes in base units, NaN where not measured, (homes, days); the last `month_days` are of the month closed."""

    premises: tuple[PlaceId, ...]
    amounts: NDArray[np.float64]
    month_days: int

    def measured(self) -> dict[PlaceId, int]:
        """Return how many days of each home were measured."""
        return dict(zip(self.premises, np.isfinite(self.amounts).sum(axis=1).tolist(), strict=True))

    def totals(self) -> dict[PlaceId, float]:
        """Return what each home used in the month, of those with a valid one: nearly all days measured, and lived in."""
        month = self.amounts[:, -self.month_days :]
        known = np.isfinite(month).sum(axis=1)
        idle = (month == 0).sum(axis=1)
        valid = (known >= _VALID_SHARE * self.month_days) & (idle <= _MOST_IDLE * np.maximum(known, 1))
        scaled = np.nansum(month, axis=1) * self.month_days / np.maximum(known, 1)
        return {self.premises[at]: float(scaled[at]) for at in np.flatnonzero(valid)}

    def days(self) -> dict[PlaceId, NDArray[np.float64]]:
        """Return what each home used day by day, of those with nearly all days of the month measured; the others are its mean day."""
        month = self.amounts[:, -self.month_days :]
        known = np.isfinite(month).sum(axis=1)
        valid = known >= _VALID_SHARE * self.month_days
        means = np.nansum(month, axis=1) / np.maximum(known, 1)
        filled = np.where(np.isfinite(month), month, means[:, None])
        return {self.premises[at]: filled[at] for at in np.flatnonzero(valid)}

    def sums(self) -> dict[PlaceId, float]:
        """Return what was measured of each home in all of these days."""
        return dict(zip(self.premises, np.nansum(self.amounts, axis=1).tolist(), strict=True))


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """A territory's homes at the time of a closing, and those with a meter of this flux.

    occupants: who lives there, verified. holders: those of them who consent to be compared by this flux.
    """

    flux: Flux
    buildings: tuple[Building, ...]
    building_of: Mapping[PlaceId, PlaceId]
    attributes: Mapping[PlaceId, Attributes]
    holders: Mapping[PlaceId, PersonId]
    vacant: frozenset[PlaceId] = frozenset()
    occupants: Mapping[PlaceId, PersonId] = field(default_factory=dict[PlaceId, PersonId])
    metered: frozenset[PlaceId] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Formation:
    """Groups that were formed together. `first_month` is the first that is published, `end_month` the one after the last."""

    flux: Flux
    first_month: date
    end_month: date
    areas: tuple[frozenset[PlaceId], ...]
    counts: tuple[int, ...]
    cohorts: tuple[Cohort, ...]
    similarity: Similarity

    def lives(self, month: date) -> bool:
        """Tell whether a month is published of these groups."""
        return self.first_month <= month < self.end_month

    def atom_of(self, places: Sequence[PlaceId]) -> int | None:
        """Return the atom in whose area one of some buildings lies."""
        return next((number for number, area in enumerate(self.areas) if not area.isdisjoint(places)), None)

    def cohorts_with(self, atom: int) -> list[int]:
        """Return the numbers of the cohorts that an atom belongs to."""
        return [number for number, cohort in enumerate(self.cohorts) if atom in cohort.atoms]

    def count_of(self, cohort: Cohort) -> int:
        """Return of how many homes a cohort was formed."""
        return sum(self.counts[number] for number in cohort.atoms)


Members = Mapping[PlaceId, tuple[PersonId, int]]
"""The holder and the atom of each home that a formation's atoms were formed of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Living:
    """A formation whose groups still live, and its members."""

    formation: Formation
    members: Members


@dataclass(frozen=True, kw_only=True, slots=True)
class Closing:
    """What closing a month comes to. releases, private figures: by formation's first month and the number of the cohort."""

    formation: Formation | None
    atoms: tuple[Atom, ...]
    releases: Mapping[tuple[date, int], Release]
    private: Mapping[tuple[date, int], PrivateFigures] = field(default_factory=dict[tuple[date, int], PrivateFigures])


def closed(
    month: date, survey: Survey, readings: HomeMonths, living: Sequence[Living], similarity: Similarity, draw: Draw | None = None
) -> Closing:
    """Return what is formed and published in a month; `similarity` is frozen with what is formed. Without `draw` no figures are drawn."""
    made, atoms = None, tuple[Atom, ...]()
    if forms_groups(month) or not living:
        made, atoms = _formation(month, survey, readings, living, similarity)
    every = [*living, *([Living(formation=made, members=members_of(atoms))] if made else [])]
    totals = readings.totals()
    releases, private = dict[tuple[date, int], Release](), dict[tuple[date, int], PrivateFigures]()
    for one in every:
        indices = _indices(one, survey, totals)
        for number, cohort in enumerate(one.formation.cohorts):
            inside = [index for atom in sorted(cohort.atoms) for index in indices[atom]]
            count = one.formation.count_of(cohort)
            found = released(inside, count)
            if found is not None:
                releases[one.formation.first_month, number] = found
            if found is not None and draw is not None and cohort.reach is Reach.COMMUNE:
                figures = drawn_figures(survey.flux, inside, count, draw)
                if figures is not None:
                    private[one.formation.first_month, number] = figures
    return Closing(formation=made, atoms=atoms, releases=releases, private=private)


def members_of(atoms: Sequence[Atom]) -> Members:
    """Return the members of atoms by home."""
    return {one.premise: (one.holder, number) for number, atom in enumerate(atoms) for one in atom.members}


def contributors(survey: Survey, measured: Mapping[PlaceId, int]) -> list[Contributor]:
    """Return the homes that contribute: consenting, verified, lived in, comparable by this flux, and measured for long enough."""
    return [
        Contributor(premise=premise, holder=holder, building=survey.building_of[premise])
        for premise, holder in survey.holders.items()
        if premise in survey.building_of
        and premise not in survey.vacant
        and measured.get(premise, 0) >= LEAST_DAYS
        and comparable(survey.flux, survey.attributes.get(premise, Attributes()))
    ]


def _formation(
    month: date, survey: Survey, readings: HomeMonths, living: Sequence[Living], similarity: Similarity
) -> tuple[Formation | None, tuple[Atom, ...]]:
    """Return groups of the buildings that are in no living one."""
    taken = frozenset[PlaceId]().union(*(area for one in living for area in one.formation.areas))
    holders = {holder for one in living for holder, _ in one.members.values()}
    free = [building for building in survey.buildings if building.id not in taken]
    candidates = [one for one in contributors(survey, readings.measured()) if one.building not in taken and one.holder not in holders]
    atoms = tuple(formed(free, candidates))
    if not atoms:
        return None, ()
    formation = Formation(
        flux=survey.flux,
        first_month=month,
        end_month=after(month, EPOCH_MONTHS),
        areas=tuple(atom.area for atom in atoms),
        counts=tuple(atom.count for atom in atoms),
        cohorts=tuple(cohorts_of(atoms, survey.buildings)),
        similarity=similarity,
    )
    return formation, atoms


def _indices(one: Living, survey: Survey, totals: Mapping[PlaceId, float]) -> list[list[float]]:
    """Return the indices of each atom's members that still live there, still consent, and have a valid month."""
    found: list[list[float]] = [[] for _ in one.formation.areas]
    for premise, (holder, atom) in one.members.items():
        factor = one.formation.similarity.factor(survey.attributes.get(premise, Attributes()))
        if survey.holders.get(premise) == holder and premise in totals and premise not in survey.vacant and factor is not None:
            found[atom].append(totals[premise] / factor)
    return found
