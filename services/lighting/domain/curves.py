"""Levels that a programme asks for, night by night, before commands and clamps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lighting.domain.nights import Nights
from lighting.domain.programmes import ActivePeriod, Effect, EffectOperation, PeriodKind, Programme, Reference, SwitchPoint
from lighting.domain.steps import Flags, Floats, Steps, asked_steps

_BEFORE_FIRST_POINT = 100.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Curve:
    """Switch points by night, in time order: when, from which level, to which, in how many seconds."""

    time: Floats
    start: Floats
    level: Floats
    ramp_s: Floats

    def at(self, of: "np.ndarray[tuple[int, int], np.dtype[np.int64]]", time: Floats) -> Floats:
        """Return the level at instants of which the last switch point passed is known; −1: none."""
        if not self.time.shape[1]:
            return np.full(time.shape, _BEFORE_FIRST_POINT)
        chosen = np.maximum(of, 0)
        since, start, level, ramp = (np.take_along_axis(side, chosen, axis=1) for side in (self.time, self.start, self.level, self.ramp_s))
        moved = start + (level - start) * np.clip((time - since) / np.where(ramp > 0, ramp, 1.0), 0, 1)
        reached = np.where((ramp > 0) & (time - since < ramp), moved, level)
        return np.where(of < 0, _BEFORE_FIRST_POINT, reached)


def programme_steps(programme: Programme, nights: Nights, source: int, *, triggered: bool = False) -> Steps:
    """Return what a programme asks for; `triggered` takes every effect for active all night."""
    return _steps(programme.periods, programme.switch_points, programme.effects if triggered else (), nights, source)


def cabinet_steps(points: Sequence[SwitchPoint], nights: Nights, source: int) -> Steps:
    """Return what a lamp does by its cabinet's clock alone: lit from sunset to sunrise, dimmed by what its driver reckons."""
    return _steps((ActivePeriod(kind=PeriodKind.ASTRO_CLOCK),), points, (), nights, source)


def dark_steps(nights: Nights, source: int) -> Steps:
    """Return nights without light."""
    bounds = np.stack([nights.start, nights.end], axis=1)
    dark = np.zeros((len(nights), 1))
    return asked_steps(bounds, dark, dark, source)


def _steps(periods: Sequence[ActivePeriod], points: Sequence[SwitchPoint], effects: Sequence[Effect], nights: Nights, source: int) -> Steps:
    starts, ends = _active(periods, nights)
    curve = _curve(points, nights, starts, ends)
    inner = np.concatenate([starts, ends, curve.time, curve.time + curve.ramp_s], axis=1)
    inner = np.clip(inner, nights.start[:, None], nights.end[:, None])
    bounds = np.sort(np.concatenate([nights.start[:, None], inner, nights.end[:, None]], axis=1), axis=1)
    middle = (bounds[:, :-1] + bounds[:, 1:]) / 2
    active = _within(middle, starts, ends)
    of = (curve.time[:, None, :] <= middle[:, :, None]).sum(axis=2) - 1
    before, after = (_affected(curve.at(of, bounds[:, side]), effects) for side in (slice(None, -1), slice(1, None)))
    # A switch point ends the step before it: seen from there, the level is the one that was reached.
    after = np.where(of < 0, before, after)
    return asked_steps(bounds, np.where(active, before, 0.0), np.where(active, after, 0.0), source)


def _active(periods: Sequence[ActivePeriod], nights: Nights) -> tuple[Floats, Floats]:
    """Return when active periods start and end, by night."""
    starts: list[Floats] = []
    ends: list[Floats] = []
    for period in periods:
        if period.kind is PeriodKind.ABSOLUTE:
            starts.append(nights.at(period.start_minute))
            # Noon as an end is the noon on which the night ends.
            ends.append(nights.end if period.end_minute == 720 else nights.at(period.end_minute))  # noqa: PLR2004 - noon
        else:
            starts.append(nights.sunset + 60 * period.sunset_offset_minutes)
            ends.append(nights.sunrise + 60 * period.sunrise_offset_minutes)
    return np.stack(starts, axis=1), np.stack(ends, axis=1)


def _within(time: Floats, starts: Floats, ends: Floats) -> Flags:
    inside: Flags = (starts[:, None, :] <= time[:, :, None]) & (time[:, :, None] < ends[:, None, :])
    return np.any(inside, axis=2)


def _curve(points: Sequence[SwitchPoint], nights: Nights, starts: Floats, ends: Floats) -> _Curve:
    # Fixed points stand last: of two at one instant, the sort, which is stable, lets them hold.
    ordered = sorted(points, key=lambda point: point.reference is Reference.FIXED)
    shape = (len(nights), len(ordered))
    time = np.stack([_time(point, nights) for point in ordered], axis=1) if ordered else np.empty(shape)
    order = np.argsort(time, axis=1, kind="stable")
    time = np.take_along_axis(time, order, axis=1)
    level = np.array([float(point.level) for point in ordered])[order]
    ramp_s = np.array([float(point.ramp_s) for point in ordered])[order]
    burning: Flags = (starts[:, None, :] < time[:, :, None]) & (time[:, :, None] <= ends[:, None, :])
    lit_before: Flags = np.any(burning, axis=2)
    start = np.empty(shape)
    for number in range(shape[1]):
        reached = _reached(time, start, level, ramp_s, number) if number else np.full(shape[0], _BEFORE_FIRST_POINT)
        start[:, number] = np.where(lit_before[:, number], reached, 0.0)
    return _Curve(time=time, start=start, level=level, ramp_s=ramp_s)


def _reached(time: Floats, start: Floats, level: Floats, ramp_s: Floats, number: int) -> Floats:
    """Return the level just before a switch point: where the ramp of the one before has come to."""
    last = number - 1
    elapsed = time[:, number] - time[:, last]
    share = np.where(ramp_s[:, last] > 0, np.clip(elapsed / np.where(ramp_s[:, last] > 0, ramp_s[:, last], 1.0), 0, 1), 1.0)
    return start[:, last] + (level[:, last] - start[:, last]) * share


def _time(point: SwitchPoint, nights: Nights) -> Floats:
    match point.reference:
        case Reference.FIXED:
            return nights.at(point.minute)
        case Reference.SUNSET:
            return nights.sunset + 60 * point.offset_minutes
        case Reference.SUNRISE:
            return nights.sunrise + 60 * point.offset_minutes
        case Reference.MIDDLE:
            return np.rint((nights.sunset + nights.sunrise) / 2) + 60 * point.offset_minutes


def _affected(level: Floats, effects: Sequence[Effect]) -> Floats:
    for effect in effects:
        level = np.clip(_operated(level, effect), 0, 100)
    return level


def _operated(level: Floats, effect: Effect) -> Floats:
    match effect.operation:
        case EffectOperation.SET:
            return np.full_like(level, effect.value)
        case EffectOperation.MAX:
            return np.maximum(level, effect.value)
        case EffectOperation.MIN:
            return np.minimum(level, effect.value)
        case EffectOperation.ADD:
            return level + effect.value
        case EffectOperation.SUBTRACT:
            return level - effect.value
        case EffectOperation.MULTIPLY:
            return level * effect.value / 100
