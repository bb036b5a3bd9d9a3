"""A forecast as it is kept: whole while it is new, then only what one looks back for."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from forecast.domain.columns import Floats, Int64s
from forecast.domain.failures import HorizonTooLong
from vocabulary.civil import Granularity
from vocabulary.flux import Flux, Quantity
from vocabulary.names import TerritoryId

MODEL, MONTH_MODEL, PLAN_MODEL = "panel/1", "months/1", "plan/1"

THIN_LEVELS = (0.1, 0.5, 0.9)
"""The median and the 80 % interval."""


class WeatherBasis(Enum):
    """What was known of the temperature ahead."""

    FORECAST = 1
    CLIMATOLOGY = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What a forecast is about: a point or place, `meters/x` or `places/x`, of a territory; one flux; hours, days or gas days."""

    territory: TerritoryId
    resource: str
    flux: Flux
    granularity: Granularity


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """What is to be forecast anew: all points of a flux in a territory, by hours or days (gas days for gas)."""

    territory: TerritoryId
    flux: Flux
    granularity: Granularity


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelScore:
    """How a model did at past origins of a point: what it was off by, as a share of what was consumed (WAPE)."""

    model: str
    wape: float
    origins: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Forecast:
    """What a subject is expected to consume.

    starts, ends: UTC seconds of the slots. levels: of the quantiles. mean: (slots,), None once it was left out; quantiles: (slots, levels);
    sums: quantiles of the sum up to each slot, (slots, levels), None of hours and once they were left out; all in the base unit of the
    quantity. parts: per cent of the sum that calendar, weather and recent level make. latest: the end of the
    last slot that is known. scores: of the models that were weighed, the one that was chosen first; empty where there was no choice.
    """

    subject: Subject
    issued: datetime
    model: str
    basis: WeatherBasis
    starts: Int64s
    ends: Int64s
    levels: tuple[float, ...]
    mean: NDArray[np.float32] | None
    quantiles: NDArray[np.float32]
    sums: NDArray[np.float32] | None
    parts: tuple[float, float, float]
    latest: datetime
    scores: tuple[ModelScore, ...] = ()

    @property
    def quantity(self) -> Quantity:
        """What is counted: volume for water, energy for all else."""
        return quantity_of(self.subject.flux)

    def first(self, slots: int) -> "Forecast":
        """Return its first slots; 0: all. Raises HorizonTooLong."""
        if slots > len(self.starts):
            raise HorizonTooLong(f"at most {len(self.starts)} slots ahead", most_slots=str(len(self.starts)))
        if slots in (0, len(self.starts)):
            return self
        mean = None if self.mean is None else self.mean[:slots]
        sums = None if self.sums is None else self.sums[:slots]
        return replace(self, starts=self.starts[:slots], ends=self.ends[:slots], mean=mean, quantiles=self.quantiles[:slots], sums=sums)

    def thinned(self) -> "Forecast":
        """Return what is kept of an older forecast."""
        if self.mean is None:
            return self
        places = [self.levels.index(level) for level in THIN_LEVELS]
        return replace(self, mean=None, sums=None, levels=THIN_LEVELS, quantiles=self.quantiles[:, places])


def quantity_of(flux: Flux) -> Quantity:
    """Return what is counted of a flux."""
    return Quantity.VOLUME if flux is Flux.WATER else Quantity.ENERGY


def shares(parts: Floats) -> tuple[float, float, float]:
    """Return three parts of a sum in per cent of it; without any sum, all is the calendar."""
    whole = float(parts.sum())
    if abs(whole) <= 1e-9 * float(np.abs(parts).sum()) or whole == 0:
        return 100.0, 0.0, 0.0
    calendar, weather, recent = (100 * parts / whole).tolist()
    return calendar, weather, recent
