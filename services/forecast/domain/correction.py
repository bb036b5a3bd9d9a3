"""What the last days say beyond the regression: recent residuals, weighed as they would have served at past origins."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecast.domain.columns import Bools, Floats, Int64s, Singles
from forecast.domain.rules import PanelRules

_MANY_STEPS, _EVERY = 24, 5
_DOUBT = 0.05
"""The share of slots by which a mean of few is held back."""

PAST_DAYS = 28
"""Residuals of so many days before an origin are looked at."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Weights:
    """What each feature counts, by horizon bucket: (buckets, points, features)."""

    values: Singles


def features(past: Singles, residual: Singles, known: Bools, base: Singles, rules: PanelRules) -> Singles:
    """Return what is known at an origin about the error of `base`: (points, horizon, features).

    past, residual: amounts and residuals of the 28 days before, (points, slots), and which of them are `known`: the other residuals are 0.
    base: the regression's forecast, (points, horizon).
    """
    per_day, points, horizon = rules.slots_per_day, len(base), base.shape[1]
    step: Int64s = np.arange(horizon, dtype=np.int64)
    week = 7 * per_day
    sure = known.astype(np.float32)

    def level(slots: int) -> Singles:
        return np.repeat(_mean(residual[:, -slots:], sure[:, -slots:])[:, None], horizon, axis=1)

    found = [level(days * per_day) for days in (1, 3, 7, 28)]
    if per_day > 1:
        # Origins lie anywhere in the day: the same slot of the day is a whole number of days before.
        by_day, sure_days = (column.reshape(points, PAST_DAYS, per_day) for column in (residual, sure))
        found += [_mean(by_day[:, -days:], sure_days[:, -days:])[:, step % per_day] for days in (1, 3, 7)]
        found += [level(slots) for slots in (1, 4)]
    weeks, sure_weeks = (column.reshape(points, PAST_DAYS // 7, week) for column in (residual, sure))
    found += [_mean(weeks[:, -count:], sure_weeks[:, -count:])[:, step % week] for count in (1, 2, 4)]
    last = past.reshape(points, PAST_DAYS // 7, week)[:, :, step % week]
    found += [last[:, -1] - base, last.mean(axis=1) - base]
    return np.stack(found, axis=2)


def _mean(values: Singles, sure: Singles) -> Singles:
    """Return the mean of what is known along the second axis; where little is known, it tends to 0."""
    return values.sum(axis=1) / (sure.sum(axis=1) + np.float32(_DOUBT * values.shape[1]))


def bucket_edges(rules: PanelRules) -> list[tuple[int, int]]:
    """Return the horizon buckets as ranges of steps."""
    return list(zip((0, *rules.buckets[:-1]), rules.buckets, strict=True))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Samples:
    """What features would have explained at past origins, by horizon bucket, in units of each point's scale.

    found: (points, origins, steps, features). errors: of the regression, (points, origins, steps); both 0 where nothing is known.
    """

    found: tuple[Singles, ...]
    errors: tuple[Singles, ...]
    rules: PanelRules

    @staticmethod
    def of(found: Sequence[Singles], errors: Singles, known: Bools, scale: Singles, rules: PanelRules, *, features: int) -> "Samples":
        """Collect the features of each origin, (points, horizon, features), and errors, (points, origins, horizon), where `known`."""
        parts, targets = list[Singles](), list[Singles]()
        unit = np.where(known, 1 / scale[:, None, None], 0).astype(np.float32)
        for first, last in bucket_edges(rules):
            nothing = np.zeros((len(scale), 0, last - first, features), np.float32)
            part = np.stack([one[:, first:last] for one in found], axis=1) if found else nothing
            part *= unit[:, :, first:last, None]
            parts.append(part)
            targets.append(errors[:, :, first:last] * unit[:, :, first:last])
        return Samples(found=tuple(parts), errors=tuple(targets), rules=rules)

    def weights(self, of: slice, importance: Sequence[Singles] | None = None) -> Weights:
        """Return the weights that some origins bear out, each sample counting by its importance."""
        grams, products = list[Floats](), list[Floats]()
        for at, (found, errors) in enumerate(zip(self.found, self.errors, strict=True)):
            points, _, steps, count = found.shape
            # Neighbouring steps say nearly the same: of long buckets some are enough, at all hours.
            some = slice(None, None, _EVERY if steps > _MANY_STEPS else None)
            part = found[:, of, some].reshape(points, -1, count)
            counted = part if importance is None else part * importance[at][:, of, some].reshape(points, -1, 1)
            turned = counted.transpose(0, 2, 1)
            grams.append((turned @ part).astype(np.float64))
            products.append((turned @ errors[:, of, some].reshape(points, -1, 1))[:, :, 0].astype(np.float64))
        return _solved(np.stack(grams), np.stack(products), self.rules)

    def explained(self, weights: Weights, of: slice) -> Singles:
        """Return what the weights explain at some origins; (points, origins, horizon)."""
        parts = list[Singles]()
        for at, found in enumerate(self.found):
            points, origins, steps, count = found[:, of].shape
            part = found[:, of].reshape(points, -1, count) @ weights.values[at][:, :, None]
            parts.append(part.reshape(points, origins, steps))
        return np.concatenate(parts, axis=2)

    def importance(self, weights: Weights) -> list[Singles]:
        """Return how much each sample counts for what minimises absolute errors: the less, the further it is off (a step of IRLS)."""
        off = np.abs(np.concatenate(self.errors, axis=2) - self.explained(weights, slice(None)))
        counts = (self.rules.nearly / np.maximum(off, self.rules.nearly)).astype(np.float32)
        return [counts[:, :, first:last] for first, last in bucket_edges(self.rules)]


def _solved(gram: Floats, products: Floats, rules: PanelRules) -> Weights:
    """Solve the sums (buckets, points, features, features): everybody's weights, and each point's own as far as its past goes."""
    count = gram.shape[-1]
    pooled = _solutions(gram.sum(axis=1) + rules.correction_penalty * np.eye(count), products.sum(axis=1))
    strength = np.trace(gram, axis1=2, axis2=3)[:, :, None, None] / count
    own = gram + (rules.own * strength + 1e-6) * np.eye(count)
    expected: Floats = np.matmul(gram, pooled[:, None, :, None])[:, :, :, 0]
    shift = products - expected
    return Weights(values=(pooled[:, None] + _solutions(own, shift)).astype(np.float32))


def _solutions(matrices: Floats, sides: Floats) -> Floats:
    found: Floats = np.asarray(np.linalg.solve(matrices, sides[..., None]), np.float64)
    return found[..., 0]


def corrected(base: Singles, found: Singles, weights: Weights, rules: PanelRules) -> Singles:
    """Return the regression's forecast with its expected error added."""
    result = base.copy()
    for at, (first, last) in enumerate(bucket_edges(rules)):
        result[:, first:last] += (found[:, first:last] @ weights.values[at][:, :, None])[:, :, 0]
    return result
