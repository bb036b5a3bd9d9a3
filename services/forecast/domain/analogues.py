"""What happened at the same hour of like days: a mean over past days, weighing most those of like temperature, day type and time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecast.domain.calendar import SUNDAY, Calendar
from forecast.domain.columns import Floats, Int64s, Singles
from forecast.domain.rules import PanelRules

_SATURDAY = 5
_OTHER_WEEKDAY, _OTHER_TYPE, _OTHER_SCHOOL = 0.6, 0.02, 0.5
"""How much a day of another weekday, of another type, of term against holidays counts."""
_LEAST = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Analogues:
    """The weights of past slots for each slot ahead, hour by hour: (slots ahead, slots past, weights between them)."""

    horizon: int
    hours: tuple[tuple[Int64s, Int64s, Singles], ...]

    def mean(self, amounts: Singles) -> Singles:
        """Return the weighted mean of amounts (slots, points) for each slot ahead, (slots ahead, points)."""
        found = np.zeros((self.horizon, amounts.shape[1]), np.float32)
        for ahead, past, weights in self.hours:
            found[ahead] = weights @ amounts[past]
        return found


def analogues(
    past: Calendar, past_felt: Sequence[Floats], ahead: Calendar, ahead_felt: Sequence[Floats], rules: PanelRules, half_life_days: float
) -> Analogues:
    """Return the weights that past slots have for those ahead; `felt` are the temperatures of each smoothing."""
    hours = list[tuple[Int64s, Int64s, Singles]]()
    for hour in np.unique(ahead.hour):
        rows, columns = np.flatnonzero(ahead.hour == hour), np.flatnonzero(past.hour == hour)
        if len(columns):
            age = (len(past) - columns) / rules.slots_per_day
            weights = 0.5 ** (age / half_life_days)[None] * _likeness(past, columns, ahead, rows)
            for before, after in zip(past_felt, ahead_felt, strict=True):
                weights *= np.exp(-0.5 * ((before[columns][None] - after[rows][:, None]) / rules.likeness_celsius) ** 2) + _LEAST
            hours.append((rows, columns, (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)))
    return Analogues(horizon=len(ahead), hours=tuple(hours))


def _likeness(past: Calendar, columns: Int64s, ahead: Calendar, rows: Int64s) -> Floats:
    weekday, weekdays = ahead.weekday[rows][:, None], past.weekday[columns][None]
    alike = np.where(_kind(weekday) == _kind(weekdays), np.where(weekday == weekdays, 1.0, _OTHER_WEEKDAY), _OTHER_TYPE)
    return alike * np.where(ahead.school[rows][:, None] == past.school[columns][None], 1.0, _OTHER_SCHOOL)


def _kind(weekday: Int64s) -> Int64s:
    """Return 0 for working days, 1 for Saturdays, 2 for Sundays."""
    return (weekday >= _SATURDAY).astype(np.int64) + (weekday == SUNDAY)
