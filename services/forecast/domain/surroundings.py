"""What the points of a station share: calendar and weather, and all that can be computed of them before any reading is looked at."""

from dataclasses import dataclass

import numpy as np

from forecast.domain import correction, intervals
from forecast.domain.analogues import Analogues, analogues
from forecast.domain.calendar import Calendar
from forecast.domain.columns import Floats, Int64s, Singles
from forecast.domain.design import design, penalties
from forecast.domain.regression import Factor
from forecast.domain.rules import PanelRules
from forecast.domain.weather import climatology, felt


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Surroundings:
    """What is known of the slots of history and horizon together.

    temperature: Celsius, NaN where unknown; beyond the origin it is a forecast, and NaN there asks for what is usual at that time of year.
    error_celsius: how far that forecast is off a week ahead, as a root mean square; 0 where the temperature is known.
    """

    calendar: Calendar
    temperature: Floats
    error_celsius: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class World:
    """What the points of a station share, at each origin as it was seen then; the last origin is the present one.

    history: the design of the past, (slots, columns). futures: that of each horizon. past_kinds, kinds: kinds of slot, in the past and in
    each horizon. factors: of the regression, for each half-life.
    """

    origins: tuple[int, ...]
    history: Singles
    futures: tuple[Singles, ...]
    past_kinds: Int64s
    kinds: tuple[Int64s, ...]
    analogues: tuple[tuple[Analogues, ...], ...]
    factors: tuple[Factor, ...]

    @staticmethod
    def of(surroundings: Surroundings, length: int, rules: PanelRules) -> "World":
        """Return the world of a history of `length` slots."""
        calendar = surroundings.calendar
        usual = _usual(surroundings, length)
        known = np.where(np.isfinite(surroundings.temperature), surroundings.temperature, usual)
        past = felt(known[:length], rules)
        origins = _origins(length, len(calendar), rules)
        futures, kinds, like = list[Singles](), list[Int64s](), list[tuple[Analogues, ...]]()
        for origin in origins:
            part = calendar.part(origin, min(origin + rules.horizon, len(calendar)))
            temperature = _seen(surroundings, known, usual, origin, length, len(part), rules)
            ahead = felt(temperature, rules, np.array([one[origin - 1] for one in past]))
            futures.append(design(part, ahead, rules))
            kinds.append(intervals.kind_of_slot(part))
            before, behind = calendar.part(0, origin), tuple(one[:origin] for one in past)
            like.append(tuple(analogues(before, behind, part, ahead, rules, life) for life in rules.analogue_half_lives))
        history = design(calendar.part(0, length), past, rules)
        lives = (rules.half_life_days, *rules.other_half_lives)
        return World(
            origins=tuple(origins),
            history=history,
            futures=tuple(futures),
            past_kinds=intervals.kind_of_slot(calendar.part(0, length)),
            kinds=tuple(kinds),
            analogues=tuple(like),
            factors=tuple(Factor.of(history, origins, penalties(rules), life * rules.slots_per_day) for life in lives),
        )


def _usual(surroundings: Surroundings, length: int) -> Floats:
    calendar, temperature = surroundings.calendar, surroundings.temperature.copy()
    temperature[length:] = np.nan
    return climatology(temperature, calendar.phase, calendar.hour)


def _origins(length: int, end: int, rules: PanelRules) -> list[int]:
    """Return past origins, whole strides before the present one, which is the last; all at its time of day, their horizons before `end`."""
    stride = rules.stride_days * rules.slots_per_day
    first = max(rules.first_days, correction.PAST_DAYS) * rules.slots_per_day
    past = [length - step * stride for step in range(rules.origins, 0, -1)]
    return [*(origin for origin in past if first <= origin <= end - rules.horizon), length]


def _seen(surroundings: Surroundings, known: Floats, usual: Floats, origin: int, length: int, steps: int, rules: PanelRules) -> Floats:
    """Return the temperature of a horizon as it was foreseen at its origin: as badly then as the present one is now."""
    temperature, expected = known[origin : origin + steps], usual[origin : origin + steps]
    if origin < length:
        foreseen = np.isfinite(surroundings.temperature[length:])
        foreseen = np.concatenate((foreseen, np.zeros(max(steps - len(foreseen), 0), np.bool_)))[:steps]
        off = np.random.default_rng(origin).normal(size=steps).cumsum() / np.sqrt(7 * rules.slots_per_day)
        temperature = np.where(foreseen, temperature + surroundings.error_celsius * off, expected)
    if surroundings.error_celsius == 0:
        return temperature
    # The further ahead, the less a forecast says beyond what is usual.
    variance = float(np.var(known[:length] - usual[:length])) + 1e-6
    trust = variance / (variance + surroundings.error_celsius**2 * np.arange(1, steps + 1) / (7 * rules.slots_per_day))
    return expected + trust * (temperature - expected)
