"""Figures of communes under differential privacy: what is drawn, of whom, and what it costs them.

Each figure is chosen among the steps of the public grid by the exponential mechanism, which favours those near the quantile (McSherry and
Talwar 2007): whether one home is in it or not changes the odds of no outcome by more than e^EPSILON. Figures of a year add up by
zero-concentrated differential privacy: one of such a mechanism costs ρ = ε²/8 (Cesar and Rogers 2021), costs add, and of a sum ρ one has
(ρ + 2·√(ρ·ln(1/δ)), δ)-differential privacy (Bun and Steinke 2016). It covers these figures alone, given the published coefficients by
which homes are made alike; it does not cover the other releases.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log, sqrt

from comparison.domain.releases import step_of, value_of
from vocabulary.flux import Flux

LEAST_HOMES = 500
"""Homes that a commune was formed of at least: of fewer, noise drowns what is told."""
EPSILON = 0.1
"""What one figure costs at most, as pure differential privacy."""
BUDGET, DELTA = 2.4, 1e-6
"""What a household may be charged in one year, over all fluxes."""
LEVELS = (0.5, 0.2)
"""The quantiles that are drawn: each is one figure."""
_STEPS = {Flux.WATER: range(58, 87), Flux.ELECTRICITY: range(78, 110), Flux.GAS: range(78, 110)}
"""The grid between 0.4 and 215 m³, and between 10 and 10,000 kWh a month of the reference home: what is drawn must not follow the data."""

Draw = Callable[[Sequence[float], float, tuple[float, ...]], float]
"""Draws one of some candidates near a quantile of values, for EPSILON."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PrivateFigures:
    """Steps of the grid, drawn once."""

    median: int
    fifth: int


def drawn_figures(flux: Flux, indices: Sequence[float], formed_count: int, draw: Draw) -> PrivateFigures | None:
    """Return figures of the indices of a commune that was formed of so many homes; None: it is too small.

    How many homes have a valid month plays no part: whether there are figures must not hang on one home.
    """
    if formed_count < LEAST_HOMES:
        return None
    candidates = tuple(value_of(step) for step in _STEPS[flux])
    median, fifth = (step_of(draw(indices, level, candidates)) for level in LEVELS)
    return PrivateFigures(median=median, fifth=fifth)


def epsilon_of(figures: int) -> float:
    """Return what so many figures cost a household together, beside DELTA."""
    rho = figures * EPSILON**2 / 8
    return rho + 2 * sqrt(rho * log(1 / DELTA))


def affordable(figures: int) -> bool:
    """Tell whether a household that is in so many figures of a year may be in those of another release."""
    return epsilon_of(figures + len(LEVELS)) <= BUDGET
