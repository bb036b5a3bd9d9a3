"""One ridge regression for all points of a weather station: one factor per origin, one product for thousands of points."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecast.domain.columns import Bools, Floats, Int64s, Singles
from forecast.domain.rules import PanelRules


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Factor:
    """A regression as it would have been fitted at each origin, older slots weighing less, whatever the amounts.

    weighted: per origin, the columns of the slots since the origin before, weighed; (slots, columns). keeps: what the sums before are
    still worth. inverses: of the normal equations, (columns, columns).
    """

    origins: tuple[int, ...]
    weighted: tuple[Singles, ...]
    keeps: tuple[float, ...]
    inverses: tuple[Singles, ...]

    @staticmethod
    def of(columns: Singles, origins: Sequence[int], penalties: Floats, half_life: float) -> "Factor":
        """Factor the columns (slots, columns) up to each origin; `half_life` in slots."""
        forgetting = 0.5 ** (1 / half_life)
        gram = np.zeros((columns.shape[1], columns.shape[1]))
        weighted, keeps, inverses = list[Singles](), list[float](), list[Singles]()
        start = 0
        for origin in origins:
            block = columns[start:origin]
            fade = forgetting ** np.arange(len(block) - 1, -1, -1)
            weighted.append(block * fade[:, None].astype(np.float32))
            keeps.append(forgetting ** len(block))
            gram = keeps[-1] * gram + weighted[-1].T @ block
            inverses.append(np.linalg.inv(gram + np.diag(penalties)).astype(np.float32))
            start = origin
        return Factor(origins=tuple(origins), weighted=tuple(weighted), keeps=tuple(keeps), inverses=tuple(inverses))

    def coefficients(self, amounts: Singles) -> list[Singles]:
        """Return the coefficients (columns, points) at each origin, for complete amounts (slots, points)."""
        found = list[Singles]()
        products = np.zeros((len(self.inverses[0]), amounts.shape[1]), np.float32)
        start = 0
        for origin, weighted, keep, inverse in zip(self.origins, self.weighted, self.keeps, self.inverses, strict=True):
            products = (keep * products + weighted.T @ amounts[start:origin]).astype(np.float32, copy=False)
            found.append(inverse @ products)
            start = origin
        return found

    def last_coefficients(self, amounts: Singles) -> Singles:
        """Return the coefficients (columns, points) at the last origin alone."""
        products = np.zeros((len(self.inverses[0]), amounts.shape[1]), np.float32)
        start = 0
        for origin, weighted, keep in zip(self.origins, self.weighted, self.keeps, strict=True):
            products = np.float32(keep) * products + weighted.T @ amounts[start:origin]
            start = origin
        return self.inverses[-1] @ products


def completed(columns: Singles, factor: Factor, amounts: Singles, missing: Bools, kinds: Int64s, rules: PanelRules) -> Singles:
    """Return the amounts (slots, points) with what is missing filled by what the regression expects, in a few sweeps.

    It begins with what points that know most did then, in each point's own proportion at that kind of slot: so a point that is weeks old
    has a past, and answers to cold as others do, until it knows better.
    """
    filled = np.where(missing, 0, amounts)
    gappy = np.flatnonzero(missing.any(axis=0))
    if not len(gappy):
        return filled
    part, holes = filled[:, gappy], missing[:, gappy]
    course = _common_course(filled, missing)
    for kind in np.unique(kinds):
        rows = kinds == kind
        then = course[rows][:, None]
        proportion = _total(part[rows]) / np.maximum(_total(np.where(holes[rows], 0, then)), _TINY)
        # A kind of slot of which nothing is known takes the proportion of all.
        proportion = np.where(
            _total(~holes[rows]) > 0, proportion, _total(part) / np.maximum(_total(np.where(holes, 0, course[:, None])), _TINY)
        )
        part[rows] = np.where(holes[rows], proportion * then, part[rows])
    rows = np.flatnonzero(holes.any(axis=1))
    for _ in range(rules.sweeps):
        part[rows] = np.where(holes[rows], columns[rows] @ factor.last_coefficients(part), part[rows])
    filled[:, gappy] = part
    return filled


_TINY = 1e-12
_MOSTLY = 0.6


def _common_course(amounts: Singles, missing: Bools) -> Singles:
    """Return how points that know most of the time went together, 1 on the average; (slots,). Where none knows, 1."""
    known = ~missing
    sound = known.mean(axis=0) >= _MOSTLY
    level = _total(amounts) / np.maximum(_total(known), 1)
    sound &= level > 0
    if not sound.any():
        return np.ones(len(amounts), np.float32)
    counts = known[:, sound].sum(axis=1)
    together = (amounts[:, sound] / level[sound]).sum(axis=1) / np.maximum(counts, 1)
    return np.where(counts > 0, together, 1).astype(np.float32)


def _total(values: Singles | Bools) -> Singles:
    return np.asarray(values.sum(axis=0), np.float32)
