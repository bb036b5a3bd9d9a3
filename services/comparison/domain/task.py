"""What closing a month computes, whole: a worker process is given it and gives back what is to be kept."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from comparison.domain.closing import Closing, HomeMonths, Living, Survey, closed, contributors
from comparison.domain.privacy import Draw
from comparison.domain.similarity import Similarity, fitted
from comparison.domain.totals import AreaClosing, LivingAreas, closed_areas

Computed = tuple[Closing, AreaClosing]
"""What is formed and published of groups, and of areas."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClosingTask:
    """A month of one flux, and all that closing it is made of; `draw` draws figures under differential privacy, None: there are none."""

    month: date
    survey: Survey
    readings: HomeMonths
    living: tuple[Living, ...]
    living_areas: tuple[LivingAreas, ...]
    draw: Draw | None = None


def carried_out(task: ClosingTask) -> Computed:
    """Return what closing the month comes to."""
    month, survey, readings = task.month, task.survey, task.readings
    groups = closed(month, survey, readings, task.living, _similarity(survey, readings), task.draw)
    return groups, closed_areas(month, survey, readings, task.living_areas)


def _similarity(survey: Survey, readings: HomeMonths) -> Similarity:
    """Return the coefficients that are frozen with what is formed now: fitted to what contributors used, where there are enough of them."""
    measured = readings.measured()
    homes = [one.premise for one in contributors(survey, measured)]
    totals = readings.totals()
    homes = [premise for premise in homes if premise in totals]
    return fitted(survey.flux, [survey.attributes[premise] for premise in homes], np.array([totals[premise] for premise in homes]))
