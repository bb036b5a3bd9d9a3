"""Releases: what is published of a cohort for one flux and month, once, on one public grid."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from math import log

import numpy as np
from numpy.typing import NDArray

RATIO = 1.25
"""The public grid is geometric: each step a quarter above the one before, at all levels alike."""
PUBLISHED = 15
"""Members with a valid month below which nothing is published."""
_WITH_FIFTH, _WITH_FOUR_FIFTHS = 40, 100
"""Of so many at formation the 20th percentile is published too, of so many the 80th."""
_BANDS = (20, 40, 100, 500)


class Standing(Enum):
    """Where an index lies beside a published value."""

    BELOW = 1
    WITHIN = 2
    ABOVE = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """Grid steps of the index; None where the cohort is too small for it. `least_count`, `most_count`: its size at formation, a band."""

    median: int
    fifth: int | None
    four_fifths: int | None
    least_count: int
    most_count: int | None


def released(indices: Sequence[float] | NDArray[np.float64], formed_count: int) -> Release | None:
    """Return what is published of the valid indices of a cohort that was formed of so many; None: nothing."""
    valid = np.asarray(indices, np.float64)
    if len(valid) < PUBLISHED:
        return None
    median, fifth, four_fifths = (step_of(float(value)) for value in np.quantile(valid, (0.5, 0.2, 0.8)))
    least, most = band_of(formed_count)
    return Release(
        median=median,
        fifth=fifth if formed_count >= _WITH_FIFTH else None,
        four_fifths=four_fifths if formed_count >= _WITH_FOUR_FIFTHS else None,
        least_count=least,
        most_count=most,
    )


def band_of(count: int) -> tuple[int, int | None]:
    """Return what is told of a size: the least and the most that it may be, None where it is very large."""
    return max(band for band in (0, *_BANDS) if count >= band), next((band - 1 for band in _BANDS if band > count), None)


def step_of(value: float) -> int:
    """Return the step of the grid that is nearest to a value, in base units; what is below one base unit is step 0."""
    return round(log(max(value, 1.0)) / log(RATIO))


def value_of(step: int) -> float:
    """Return the value of a step of the grid."""
    return RATIO**step


def standing(index: float, step: int) -> Standing:
    """Return whether an index lies below, within or above the cell of a step: that is all that the grid lets one say."""
    own = step_of(index)
    if own == step:
        return Standing.WITHIN
    return Standing.BELOW if own < step else Standing.ABOVE
