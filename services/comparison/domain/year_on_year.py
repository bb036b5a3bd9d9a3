"""A home beside itself a year before, at the weather of this year.

The year before is what the home is measured by: its monthly use a day against its heating degrees a day. Where a line fits them, the same
month is told as it would have been with the degrees of this year: moved along the line. The bar for the fit is that of ISO 50006.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum

import numpy as np

from comparison.domain.months import EPOCH_MONTHS, after
from vocabulary.flux import Flux

_LEAST_MONTHS = 10
_LEAST_FIT = 0.75
"""R², below which use does not follow the weather."""


class Correction(Enum):
    """Whether the amount of a year before is moved to the weather of this year."""

    CORRECTED = 1
    UNKNOWN = 2
    """It is not: too little is known of the weather, or of the year before."""
    NOT_NEEDED = 3
    """It is not: what is used does not follow the weather."""


@dataclass(frozen=True, kw_only=True, slots=True)
class YearOnYear:
    """What a home used a year before, as it was and at this year's weather, None where not corrected; `change`: 0.1 is a tenth more now."""

    month: date
    amount: float
    corrected: float | None
    correction: Correction
    change: float


def year_on_year(flux: Flux, month: date, amounts: Mapping[date, float], degrees: Mapping[date, float]) -> YearOnYear | None:
    """Compare a month with the one a year before, given a home's own months and their heating degree days; None: one is not known."""
    before = after(month, -EPOCH_MONTHS)
    if month not in amounts or amounts.get(before, 0) <= 0:
        return None
    corrected, correction = None, Correction.NOT_NEEDED
    if flux is not Flux.WATER:
        corrected, correction = _corrected(month, before, amounts, degrees)
    beside = amounts[before] if corrected is None else corrected
    return YearOnYear(month=before, amount=amounts[before], corrected=corrected, correction=correction, change=amounts[month] / beside - 1)


def _corrected(month: date, before: date, amounts: Mapping[date, float], degrees: Mapping[date, float]) -> tuple[float | None, Correction]:
    known = [one for at in range(EPOCH_MONTHS) if (one := after(before, at)) in amounts and one in degrees]
    if len(known) < _LEAST_MONTHS or before not in degrees or month not in degrees:
        return None, Correction.UNKNOWN
    days = np.array([(after(one) - one).days for one in known])
    cold = np.array([degrees[one] for one in known]) / days
    used = np.array([amounts[one] for one in known]) / days
    if float(np.ptp(cold)) == 0 or float(np.ptp(used)) == 0:
        return None, Correction.NOT_NEEDED
    slope = float(np.polyfit(cold, used, 1)[0])
    if slope <= 0 or float(np.corrcoef(cold, used)[0, 1]) ** 2 < _LEAST_FIT:
        return None, Correction.NOT_NEEDED
    moved = amounts[before] + slope * (degrees[month] - degrees[before])
    return (moved, Correction.CORRECTED) if moved > 0 else (None, Correction.UNKNOWN)
