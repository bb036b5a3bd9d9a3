"""The panel model: all points of a weather station forecast at once, with intervals that past origins bear out."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from forecast.domain import correction, intervals, regression
from forecast.domain.columns import Bools, Floats, Singles
from forecast.domain.design import groups
from forecast.domain.failures import HorizonTooLong, InsufficientHistory
from forecast.domain.rules import QUANTILES, PanelRules
from forecast.domain.surroundings import Surroundings, World

_BLOCK = 96
"""Points that are computed together: their arrays stay in the processor's cache, and memory bounded."""

_RECENT_ORIGINS = 6


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PanelForecast:
    """What is expected per point and slot, in the unit of the amounts given.

    mean: (points, horizon). quantiles: (points, horizon, 7) of `QUANTILES`. sums: quantiles of the sum up to each slot, like those; of days
    alone. parts: how much of the sum over the horizon comes from the calendar, from the weather, and from the level of the last days;
    (points, 3).
    """

    mean: Singles
    quantiles: Singles
    sums: Singles | None
    parts: Singles

    @property
    def median(self) -> Singles:
        """The forecast that is off least in absolute terms."""
        return self.quantiles[:, :, QUANTILES.index(0.5)]


def forecast(amounts: Floats, surroundings: Surroundings, rules: PanelRules) -> PanelForecast:
    """Return the forecast of points that share a station, from amounts (points, slots) up to the origin, NaN where missing.

    Slots after the origin are those by which `surroundings` is longer. Raises HorizonTooLong, and InsufficientHistory for the first point
    that knows too few days; `known_days` tells which do.
    """
    parts = list(_blocks(amounts, surroundings, rules))
    return PanelForecast(
        mean=np.concatenate([one.mean for one in parts]),
        quantiles=np.concatenate([one.quantiles() for one in parts]),
        sums=np.concatenate([one.sums() for one in parts]) if rules.slots_per_day == 1 else None,
        parts=np.concatenate([one.parts for one in parts]),
    )


def place_forecast(amounts: Floats, surroundings: Surroundings, rules: PanelRules) -> PanelForecast:
    """Return the forecast of what points use together, as one row: its mean is the sum of theirs.

    Its intervals come from the errors that all points together would have had at the same past origins: whatever the points have in common,
    such as a cold spell, does not cancel out.
    """
    total: _Judged | None = None
    for one in _blocks(amounts, surroundings, rules):
        total = one.added_up() if total is None else total.plus(one.added_up())
    if total is None:
        raise InsufficientHistory("no point is known", days_required=str(rules.least_days), days_available="0")
    sums = total.sums() if rules.slots_per_day == 1 else None
    return PanelForecast(mean=total.mean, quantiles=total.quantiles(), sums=sums, parts=total.parts)


def known_days(amounts: Floats, rules: PanelRules) -> Floats:
    """Return how many days' worth of amounts each point knows."""
    return np.isfinite(amounts).sum(axis=1) / rules.slots_per_day


def _blocks(amounts: Floats, surroundings: Surroundings, rules: PanelRules) -> Iterator["_Judged"]:
    points, length = amounts.shape
    if len(surroundings.calendar) - length > rules.horizon:
        raise HorizonTooLong(f"at most {rules.horizon} slots ahead", most_slots=str(rules.horizon))
    days = known_days(amounts, rules)
    if points and float(days.min()) < rules.least_days:
        raise InsufficientHistory(
            f"{rules.least_days} days of readings are needed, {days.min():.0f} are there",
            days_required=str(rules.least_days),
            days_available=f"{days.min():.0f}",
        )
    world = World.of(surroundings, length, rules)
    for first in range(0, points, _BLOCK):
        yield _judged(amounts[first : first + _BLOCK], world, rules)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Judged:
    """Forecasts at the present origin, and at past ones beside what then happened.

    mean, centre: what minimises squared and absolute errors, (points, horizon). past, happened, known: (points, origins, horizon).
    scale: what is usual of each point; doubtful: the same, the larger the less of its past is known.
    """

    mean: Singles
    centre: Singles
    past: Singles
    happened: Singles
    known: Bools
    scale: Singles
    doubtful: Singles
    signed: Bools
    parts: Singles
    world: World
    rules: PanelRules

    def quantiles(self) -> Singles:
        """Return the quantiles that the errors at past origins bear out; (points, horizon, 7)."""
        flat, rules = (len(self.mean), -1), self.rules
        errors = self.happened - self.past
        power = intervals.best_power(self.past.reshape(flat), errors.reshape(flat), self.known.reshape(flat), self.scale)
        relative = errors / intervals.spread(self.past.reshape(flat), self.scale, power).reshape(errors.shape)
        growth = intervals.horizon_growth(relative, self.known, rules)
        recent = intervals.recent_growth(relative, self.known, _RECENT_ORIGINS)
        *earlier, present = self.world.kinds
        of_past = np.concatenate(earlier) if earlier else present[:0]
        steps = self.mean.shape[1]
        of_errors = intervals.error_quantiles((relative / growth).reshape(flat), self.known.reshape(flat), of_past, present)
        unit = intervals.spread(self.mean, self.scale, power) * growth[:steps] * (recent * self.doubtful / self.scale)[:, None]
        found = np.sort(self.centre[:, :, None] + of_errors * unit[:, :, None], axis=2)
        return np.where(self.signed[:, None, None], found, np.maximum(found, 0))

    def sums(self) -> Singles:
        """Return quantiles of the sum up to each slot, from the errors of such sums at past origins; (points, horizon, 7)."""
        steps = self.mean.shape[1]
        counts = np.arange(1, steps + 1, dtype=np.float32)
        errors: Singles = np.where(self.known, self.happened - self.past, np.float32(0)).astype(np.float32, copy=False)
        off = np.cumsum(errors, axis=2, dtype=np.float32)[:, :, :steps]
        whole = np.logical_and.accumulate(self.known, axis=2)[:, :, :steps]
        unit = intervals.spread_of_sums(np.cumsum(self.past[:, :, :steps], axis=2, dtype=np.float32), self.scale[:, None, None], counts)
        ahead = np.cumsum(self.mean, axis=1, dtype=np.float32)
        wide = intervals.spread_of_sums(ahead, self.scale[:, None], counts) * (self.doubtful / self.scale)[:, None]
        of_errors = intervals.quantiles_by_step((off / unit).astype(np.float32, copy=False), whole)
        found = np.sort(ahead[:, :, None] + of_errors * wide[:, :, None], axis=2)
        return np.where(self.signed[:, None, None], found, np.maximum(found, 0))

    def added_up(self) -> "_Judged":
        """Return the points together as one; where one is not known, it is taken to have done as forecast."""
        happened = np.where(self.known, self.happened, self.past)
        # Where most are unknown, the sum says nothing of the errors.
        known = self.known.mean(axis=0, keepdims=True) > _MOSTLY
        return self._with(
            (self.mean, self.centre, self.past, happened, self.parts),
            known=known,
            scale=self.scale.sum(keepdims=True),
            doubtful=self.doubtful.sum(keepdims=True),
            signed=np.array([self.signed.any()]),
        )

    def plus(self, other: "_Judged") -> "_Judged":
        """Return this sum and another one together."""
        pairs = tuple(
            np.concatenate((getattr(self, name), getattr(other, name))) for name in ("mean", "centre", "past", "happened", "parts")
        )
        scale, doubtful = self.scale + other.scale, self.doubtful + other.doubtful
        return self._with(pairs, known=self.known & other.known, scale=scale, doubtful=doubtful, signed=self.signed | other.signed)

    def _with(self, columns: tuple[Singles, ...], *, known: Bools, scale: Singles, doubtful: Singles, signed: Bools) -> "_Judged":
        mean, centre, past, happened, parts = (column.sum(axis=0, keepdims=True) for column in columns)
        return _Judged(
            mean=mean,
            # Medians do not add up; means do.
            centre=mean if len(columns[0]) > 1 else centre,
            past=past,
            happened=happened,
            known=known,
            scale=scale,
            doubtful=doubtful,
            signed=signed,
            parts=parts,
            world=self.world,
            rules=self.rules,
        )


_MOSTLY = 0.8


def _judged(amounts: Floats, world: World, rules: PanelRules) -> _Judged:
    across = np.ascontiguousarray(amounts.T, np.float32)
    missing = np.isnan(across)
    scale = intervals.scale_of(across, missing)
    filled = regression.completed(world.history, world.factors[0], across, missing, world.past_kinds, rules)
    bases, found, parts = _seen_from_origins(world, filled, missing, rules)
    happened, known = _what_happened(world, across, missing, rules)
    past = np.stack(bases[:-1], axis=1) if len(bases) > 1 else np.zeros((len(amounts), 0, rules.horizon), np.float32)
    samples = correction.Samples.of(found[:-1], happened - past, known, scale, rules, features=found[-1].shape[2])
    everything, halves = slice(None), (slice(0, None, 2), slice(1, None, 2))
    weights = samples.weights(everything)
    mean = correction.corrected(bases[-1], found[-1], weights, rules)
    importance = samples.importance(weights)
    for _ in range(rules.passes - 1):
        importance = samples.importance(samples.weights(everything, importance))
    centre = correction.corrected(bases[-1], found[-1], samples.weights(everything, importance), rules)
    for own, other in (halves, halves[::-1]):
        # Each half is judged by weights that have not seen it.
        past[:, own] += samples.explained(samples.weights(other, importance), own) * scale[:, None, None]
    signed = np.nanmin(across, axis=0, initial=0) < 0
    recent = (mean - bases[-1]).sum(axis=1, keepdims=True)
    return _Judged(
        mean=np.where(signed[:, None], mean, np.maximum(mean, 0)),
        centre=centre,
        past=past,
        happened=happened,
        known=known,
        scale=scale,
        doubtful=scale * intervals.youth_growth(missing, rules),
        signed=signed,
        parts=np.concatenate((parts, recent), axis=1),
        world=world,
        rules=rules,
    )


def _seen_from_origins(world: World, filled: Singles, missing: Bools, rules: PanelRules) -> tuple[list[Singles], list[Singles], Singles]:
    """Return the regression's forecast at each origin, the features beside it, and what the last is made of."""
    back = correction.PAST_DAYS * rules.slots_per_day
    bases, found = list[Singles](), list[Singles]()
    first, *others = (factor.coefficients(filled) for factor in world.factors)
    for at, origin in enumerate(world.origins):
        before = slice(origin - back, origin)
        coefficients, ahead = first[at], world.futures[at]
        past = filled[before]
        residual = (past - world.history[before] @ coefficients).astype(np.float32, copy=False)
        residual[missing[before]] = 0
        base = np.asarray((ahead @ coefficients).T, np.float32)
        bases.append(base)
        of_residuals = correction.features(np.ascontiguousarray(past.T), np.ascontiguousarray(residual.T), ~missing[before].T, base, rules)
        of_others = [(ahead @ (other[at] - coefficients)).T[:, :, None] for other in others]
        of_analogues = [(one.mean(filled).T - base)[:, :, None] for one in world.analogues[at]]
        found.append(np.concatenate([of_residuals, *of_others, *of_analogues], axis=2, dtype=np.float32))
    of = groups(rules)
    sums = world.futures[-1].sum(axis=0)
    calendar, weather = (sums[part] @ first[-1][part] for part in (slice(of.calendar.start, of.year.stop), of.weather))
    return bases, found, np.stack((calendar, weather), axis=1)


def _what_happened(world: World, across: Singles, missing: Bools, rules: PanelRules) -> tuple[Singles, Bools]:
    """Return the amounts after each past origin and whether they are known; (points, origins, horizon), unknown beyond the history."""
    shape = (across.shape[1], len(world.origins) - 1, rules.horizon)
    actual, known = np.zeros(shape, np.float32), np.zeros(shape, np.bool_)
    for at, origin in enumerate(world.origins[:-1]):
        there = ~missing[origin : origin + rules.horizon]
        known[:, at, : len(there)] = there.T
        actual[:, at, : len(there)] = np.where(there, across[origin : origin + rules.horizon], 0).T
    return actual, known
