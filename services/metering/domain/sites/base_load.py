"""What a site uses when nobody is there: at night, at week-ends, and outside its opening hours."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metering.domain.consumption.columns import Bools
from metering.domain.registry.premises import OpeningHours
from metering.domain.sites.uses import HourlyUse

BASE_LOAD_DAYS = 91
_NIGHT_STARTS, _NIGHT_ENDS = 60, 5 * 60
_WORK_STARTS, _WORK_ENDS = 8 * 60, 18 * 60
_SATURDAY = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseLoad:
    """Means of an hour in base units; `closed_share` is None where no opening hours are declared."""

    night: int
    weekend: int
    working: int
    closed_share: float | None


def base_load(hours: HourlyUse, opening: Sequence[OpeningHours]) -> BaseLoad | None:
    """Return what the hours tell; None where nights, week-ends or working hours are not known at all."""
    weekend = hours.weekday >= _SATURDAY
    night = (hours.minute >= _NIGHT_STARTS) & (hours.minute < _NIGHT_ENDS)
    working = ~weekend & (hours.minute >= _WORK_STARTS) & (hours.minute < _WORK_ENDS)
    means = [_mean(hours, part) for part in (night, weekend, working)]
    if any(mean is None for mean in means):
        return None
    at_night, at_weekends, at_work = (mean or 0 for mean in means)
    return BaseLoad(night=at_night, weekend=at_weekends, working=at_work, closed_share=_closed_share(hours, opening) if opening else None)


def _mean(hours: HourlyUse, part: Bools) -> int | None:
    values = hours.value[part & hours.known]
    return round(float(values.mean())) if len(values) else None


def _closed_share(hours: HourlyUse, opening: Sequence[OpeningHours]) -> float | None:
    opened = np.zeros(len(hours.value), np.bool_)
    for one in opening:
        opened |= (hours.weekday == one.weekday) & (hours.minute >= one.start_minute) & (hours.minute < one.end_minute)
    whole = int(hours.value[hours.known].sum())
    return int(hours.value[hours.known & ~opened].sum()) / whole if whole > 0 else None
