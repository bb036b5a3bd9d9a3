"""What a home is expected to consume against a reference home, by what is declared of it: so homes that differ can be compared.

The index of a home is its consumption divided by this factor: what the reference home (a flat of 70 m² for two people) would have used.
Coefficients are of the logarithm, rounded to 0.1: the shipped ones are rough figures of French homes, and are replaced by a fit of the
territory's own where enough homes bear one out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from comparison.domain.homes import Attributes, HomeType, Source
from vocabulary.flux import Flux

_REFERENCE_AREA = {HomeType.FLAT: 65, HomeType.HOUSE: 105, None: 80}
_USUAL_OCCUPANTS = 2
LEAST_HOMES, LEAST_HELD = 500, 20
"""A fit needs so many homes, and so many at each level of each attribute."""
_GRAIN = 0.1
_ROUNDS, _FAR = 3, 4.5
"""Homes that are off by more than so many times what half of them are, are left out in the next round."""

Coefficients = Mapping[str, float]

SHIPPED: Mapping[Flux, Coefficients] = {
    Flux.ELECTRICITY: {"occupants": 0.4, "area": 0.3, "heated": 1.1, "area heated": 0.4, "water heated": 0.4},
    Flux.WATER: {"occupants": 0.7, "house": 0.1, "garden": 0.2},
    Flux.GAS: {"occupants": 0.2, "area": 0.1, "heated": 2.0, "area heated": 0.6, "water heated": 0.7},
}
"""By flux, what each term of `terms` adds to the logarithm."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Similarity:
    """The coefficients of one flux, frozen for an epoch; `homes` says by how many they were fitted, 0: shipped."""

    flux: Flux
    coefficients: Coefficients
    homes: int = 0

    def factor(self, attributes: Attributes) -> float | None:
        """Return by how much more than the reference home a home is expected to use; None: it is left out of this flux."""
        if not comparable(self.flux, attributes):
            return None
        return exp(sum(self.coefficients[name] * value for name, value in terms(self.flux, attributes).items()))


def shipped(flux: Flux) -> Similarity:
    """Return the coefficients that come with the product."""
    return Similarity(flux=flux, coefficients=SHIPPED[flux])


def comparable(flux: Flux, attributes: Attributes) -> bool:
    """Tell whether a home's meters show what it uses: a collective boiler hides it, for electricity solar panels without a meter."""
    match flux:
        case Flux.ELECTRICITY:
            electric = attributes.heating is Source.ELECTRICITY and attributes.heating_collective
            return not (attributes.solar_panels or electric)
        case Flux.WATER:
            return not attributes.hot_water_collective
        case _:
            return not (attributes.heating_collective or attributes.hot_water_collective)


def terms(flux: Flux, attributes: Attributes) -> dict[str, float]:
    """Return what the logarithm is linear in: numbers of a home beside the reference home."""
    occupants = log((attributes.occupants or _USUAL_OCCUPANTS) / _USUAL_OCCUPANTS)
    if flux is Flux.WATER:
        return {"occupants": occupants, "house": float(attributes.type is HomeType.HOUSE), "garden": float(attributes.garden)}
    by = Source.ELECTRICITY if flux is Flux.ELECTRICITY else Source.GAS
    heated = float(attributes.heating is by and not attributes.heating_collective)
    water = float(attributes.hot_water is by and not attributes.hot_water_collective)
    area = log((attributes.area or _REFERENCE_AREA[attributes.type]) / 70)
    return {"occupants": occupants, "area": area, "heated": heated, "area heated": area * heated, "water heated": water}


def fitted(flux: Flux, homes: Sequence[Attributes], amounts: NDArray[np.float64]) -> Similarity:
    """Return coefficients fitted to a year's amounts of contributors, rounded; the shipped ones where too few homes bear them out.

    Homes that use nothing, or far more or less than such homes do, are not fitted to: one home must not move what all are measured by.
    """
    known = [at for at, home in enumerate(homes) if comparable(flux, home) and amounts[at] > 0]
    if len(known) < LEAST_HOMES:
        return shipped(flux)
    rows = [terms(flux, homes[at]) for at in known]
    names = list(SHIPPED[flux])
    columns = np.array([[row[name] for name in names] for row in rows])
    if any(_thin(column) for column in columns.T):
        return shipped(flux)
    logs = np.log(amounts[known])
    design = np.column_stack([np.ones(len(logs)), columns])
    kept = np.ones(len(logs), np.bool_)
    found = _fit(design, design, logs)
    for _ in range(_ROUNDS):
        found = _fit(design * kept[:, None], design, logs)
        off = np.abs(logs - design @ found)
        kept = off < _FAR * np.median(off)
    rounded = {name: round(round(value / _GRAIN) * _GRAIN, 1) for name, value in zip(names, found[1:].tolist(), strict=True)}
    return Similarity(flux=flux, coefficients=rounded, homes=len(known))


def _fit(weighed: NDArray[np.float64], design: NDArray[np.float64], logs: NDArray[np.float64]) -> NDArray[np.float64]:
    gram: NDArray[np.float64] = weighed.T @ design + 1e-9 * np.eye(design.shape[1])
    return np.asarray(np.linalg.solve(gram, weighed.T @ logs), np.float64)


def _thin(column: NDArray[np.float64]) -> bool:
    """Tell whether some level of an attribute is held by too few homes; of a number, whether it hardly varies."""
    values, counts = np.unique(column, return_counts=True)
    return len(values) < 2 or (len(values) == 2 and int(counts.min()) < LEAST_HELD) or float(column.std()) == 0  # noqa: PLR2004 - two levels
