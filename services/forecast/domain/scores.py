"""How good a forecast was, against what happened and against the plainest forecast."""

import numpy as np

from forecast.domain.columns import Bools, Floats
from forecast.domain.rules import QUANTILES


def naive_scale(amounts: Floats, season: int) -> Floats:
    """Return the mean absolute error of repeating what was a season before, over a history (points, slots) with NaN for what is missing.

    The denominator of MASE (Hyndman and Koehler, 2006).
    """
    return np.nanmean(np.abs(amounts[:, season:] - amounts[:, :-season]), axis=1)


def mase(actual: Floats, expected: Floats, scale: Floats) -> Floats:
    """Return each point's mean absolute error in units of `scale`; NaN of `actual` is left out."""
    return np.nanmean(np.abs(actual - expected), axis=1) / scale


def wape(actual: Floats, expected: Floats) -> float:
    """Return the absolute errors as a share of what happened."""
    known = np.isfinite(actual)
    return float(np.abs(actual - expected)[known].sum() / np.abs(actual[known]).sum())


def pinball(actual: Floats, quantiles: Floats) -> Floats:
    """Return the mean quantile loss per slot, twice, as is usual, so that it is an absolute error where the spread is nil."""
    levels = np.array(QUANTILES)
    off = actual[..., None] - quantiles
    return 2 * np.maximum(levels * off, (levels - 1) * off).mean(axis=-1)


def covered(actual: Floats, quantiles: Floats, low: float, high: float) -> Bools:
    """Return which of the known amounts lie between two quantiles."""
    lower, upper = quantiles[..., QUANTILES.index(low)], quantiles[..., QUANTILES.index(high)]
    known = np.isfinite(actual)
    return ((actual >= lower) & (actual <= upper))[known]
