"""Energy of a plan, exact to rounding: power follows the level along straight lines, and levels follow time along straight lines."""

import numpy as np

from lighting.domain.inventory import LampType
from lighting.domain.steps import Flags, Floats, Steps


def power_w(lamp: LampType, level: Floats, powered: Flags | None = None) -> Floats:
    """Return the power in watts at levels in per cent; at 0 that of standby, and none where `powered` says that the line is dead."""
    levels, powers = _curve(lamp)
    standby = lamp.standby_power_w if powered is None else np.where(powered, lamp.standby_power_w, 0.0)
    return np.where(level > 0, np.interp(level, levels, powers), standby)


def mean_power_w(lamp: LampType, steps: Steps, powered: Flags | None = None) -> Floats:
    """Return the mean power of each step in watts: over a ramp, the integral of the power's line divided by its length."""
    moving = steps.start_level != steps.level
    constant = power_w(lamp, steps.level, powered)
    if not moving.any():
        return constant
    span = np.where(moving, steps.level - steps.start_level, 1.0)
    ramp = (_integral(lamp, steps.level) - _integral(lamp, steps.start_level)) / span
    return np.where(moving, ramp, constant)


def energy_joules(lamp: LampType, steps: Steps, powered: Flags | None = None) -> Floats:
    """Return the energy of each step in joules."""
    return mean_power_w(lamp, steps, powered) * steps.seconds


def powered_steps(steps: Steps, sunset: Floats, sunrise: Floats, *, by_day: bool) -> Flags:
    """Return in which steps the cabinet's line carries power: at night, and by day where the cabinet has it or the plan lights."""
    dark = (steps.middle >= sunset[:, None]) & (steps.middle < sunrise[:, None])
    return dark | steps.lit | by_day


def _curve(lamp: LampType) -> tuple[Floats, Floats]:
    return np.array([float(point.level) for point in lamp.curve]), np.array([point.power_w for point in lamp.curve])


def _integral(lamp: LampType, level: Floats) -> Floats:
    """Return the power's integral from level 0 to the levels, in watts × per cent; below its lowest point the curve is flat."""
    levels, powers = _curve(lamp)
    levels, powers = np.concatenate([[0.0], levels]), np.concatenate([[powers[0]], powers])
    areas = np.concatenate([[0.0], np.cumsum(np.diff(levels) * (powers[1:] + powers[:-1]) / 2)])
    part = np.clip(np.searchsorted(levels, level, side="right") - 1, 0, len(levels) - 2)
    within = level - levels[part]
    slope = (powers[part + 1] - powers[part]) / np.where(levels[part + 1] > levels[part], levels[part + 1] - levels[part], 1.0)
    return areas[part] + within * powers[part] + slope * within**2 / 2
