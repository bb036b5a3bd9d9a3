"""Random numbers that depend on what they are for alone, never on the order or the company in which they are asked."""

from dataclasses import dataclass
from enum import IntEnum, auto, unique
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.floating[Any]]
Flags = NDArray[np.bool_]

# SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
_GOLDEN = 0x9E3779B97F4A7C15
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_WORD = (1 << 64) - 1


@unique
class Stream(IntEnum):
    """What a number is drawn for; the numbers of two streams have nothing to do with each other. Never renumbered: a seed stays a town."""

    TEMPERATURE_DAYS = auto()
    TEMPERATURE_WEEKS = auto()
    TEMPERATURE_MONTH = auto()
    CLOUD_HOURS = auto()
    CLOUD_DAYS = auto()
    COLD_SNAP = auto()
    HEATWAVE = auto()
    RAIN = auto()
    FORECAST_ERROR = auto()
    SUMMER_LEAVE = auto()
    WINTER_LEAVE = auto()
    SCHOOL_LEAVE = auto()
    WEEKEND_LEAVE = auto()
    HOUSEHOLD_HABIT = auto()
    DAY_HABIT = auto()
    ACTIVITY = auto()
    ACTIVITY_HOUR = auto()
    DINNER = auto()
    LUNCH = auto()
    LAUNDRY = auto()
    DISHES = auto()
    CAR = auto()
    TANK = auto()
    HEATING = auto()
    PANELS = auto()
    GAS_DAY = auto()
    WATER_USED = auto()
    WATER_AMOUNT = auto()
    GARDEN = auto()
    SITE_NOISE = auto()
    SITE_EVENT = auto()
    MORNING = auto()
    LATE = auto()
    LATE_AREA = auto()
    GAP_DAY = auto()
    GAP_HOURS = auto()
    GAP_INDEX = auto()
    GAP_UPLINK = auto()
    ESTIMATED = auto()
    JITTER = auto()
    VISIT = auto()
    LAMP_NOISE = auto()
    LAMP_METER = auto()
    BLINKING = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Draws:
    """All random numbers of one seed: a number is a function of (seed, stream, entity, counter)."""

    seed: int

    def uniform(self, stream: Stream, entities: Ints, counters: Ints) -> Floats:
        """Return numbers in [0, 1) of shape (entities, counters), or of the common shape when `counters` has two axes."""
        start = (self.seed * _GOLDEN + int(stream) * 0xD1B54A32D192ED03) & _WORD
        rows = _mixed(entities.astype(np.uint64) * np.uint64(0xA24BAED4963EE407) + np.uint64(start))
        words = _mixed(rows[:, None] + counters.astype(np.uint64) * np.uint64(_GOLDEN))
        words >>= np.uint64(11)
        return words * 2.0**-53

    def normal(self, stream: Stream, entities: Ints, counters: Ints) -> Floats:
        """Return bell-shaped numbers of mean 0 and standard deviation 1 (logistic law), cut at ±6, shaped as by `uniform`."""
        share = np.clip(self.uniform(stream, entities, counters), 2e-5, 1 - 2e-5)
        return np.log(share / (1 - share)) * (np.sqrt(3) / np.pi)

    def one(self, stream: Stream, entity: int, counter: int) -> float:
        """Return a single number in [0, 1)."""
        return float(self.uniform(stream, np.array([entity]), np.array([counter]))[0, 0])

    def smooth(self, stream: Stream, entity: int, at: Ints, step: int) -> Floats:
        """Return a curve of mean 0 and standard deviation about 0.8 that turns every `step` units of `at`; shape of `at`, one axis."""
        knot, rest = np.divmod(at, step)
        if not len(at):
            return np.zeros(0)
        first = int(knot.min())
        heights = self.normal(stream, np.array([entity]), np.arange(first, int(knot.max()) + 2))[0]
        share = (1 - np.cos(np.pi * rest / step)) / 2
        return heights[knot - first] * (1 - share) + heights[knot - first + 1] * share


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    words = words ^ (words >> np.uint64(30))
    words *= _FIRST
    words ^= words >> np.uint64(27)
    words *= _SECOND
    words ^= words >> np.uint64(31)
    return words
