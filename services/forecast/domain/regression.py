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
    """Return the amounts (slots, points) with what is missing filled.

    With what points that know most did then, in the proportion that the point had to them at such slots around that time: so a point that
    is weeks old has a past, and answers to cold as others do. Where there are too few others, with what the regression expects, in sweeps.
    """
    filled = np.where(missing, 0, amounts)
    gappy = np.flatnonzero(missing.any(axis=0))
    if not len(gappy):
        return filled
    part, holes = filled[:, gappy], missing[:, gappy]
    course, others = _common_course(filled, missing)
    overall = _ratio(_total(part), _total(np.where(holes, 0, course[:, None])))
    for kind in np.unique(kinds):
        rows = np.flatnonzero(kinds == kind)
        then = course[rows][:, None]
        part[rows] = np.where(holes[rows], _proportion(part[rows], then, holes[rows], rows, overall, rules) * then, part[rows])
    rows = np.flatnonzero(holes.any(axis=1))
    for _ in range(rules.sweeps if others < _ENOUGH_OTHERS else 0):
        part[rows] = np.where(holes[rows], columns[rows] @ factor.last_coefficients(part), part[rows])
    filled[:, gappy] = part
    return filled


_TINY = 1e-12
_MOSTLY = 0.6
_ENOUGH_OTHERS = 4


def _proportion(amounts: Singles, course: Singles, holes: Bools, slots: Int64s, overall: Singles, rules: PanelRules) -> Singles:
    """Return what points use in proportion to a course (slots, 1) around each of some slots of a kind; (slots, points).

    Near slots weigh most; where none is known, the kind's proportion over all time counts, and without any that of all kinds, `overall`.
    """
    with_all = np.where(holes, 0, course)
    usual = np.float32(_LITTLE) * course.mean()
    whole = _ratio(_total(amounts) + usual * overall, _total(with_all) + usual)
    near = 0.5 ** (np.abs(slots[:, None] - slots[None]) / (rules.near_days * rules.slots_per_day))
    weights = near.astype(np.float32)
    return _ratio(weights @ amounts + usual * whole, weights @ with_all + usual)


_LITTLE = 0.5
"""As many slots' worth of the wider proportion is mixed into the nearer one."""


def _ratio(part: Singles, whole: Singles) -> Singles:
    return (part / np.maximum(whole, _TINY)).astype(np.float32, copy=False)


def _common_course(amounts: Singles, missing: Bools) -> tuple[Singles, int]:
    """Return how points that know most of the time went together, 1 on the average, (slots,), and how many they are; without any, 1."""
    known = ~missing
    sound = known.mean(axis=0) >= _MOSTLY
    level = _total(amounts) / np.maximum(_total(known), 1)
    sound &= level > 0
    if not sound.any():
        return np.ones(len(amounts), np.float32), 0
    counts = known[:, sound].sum(axis=1)
    together = (amounts[:, sound] / level[sound]).sum(axis=1) / np.maximum(counts, 1)
    return np.where(counts > 0, together, 1).astype(np.float32), int(sound.sum())


def _total(values: Singles | Bools) -> Singles:
    return np.asarray(values.sum(axis=0), np.float32)
