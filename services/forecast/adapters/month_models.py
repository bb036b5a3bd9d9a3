"""Models of months by statsmodels, where it is installed (the extra `statsmodels`)."""

import warnings
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from forecast.domain.columns import Floats
from forecast.domain.monthly import OWN_MODELS, MonthModel, Months

_YEAR = 12
_PLAIN = (("add", None, None), ("add", "add", None))
_SEASONAL = (("add", None, "add"), ("add", "add", "add"))
_OF_RATIOS = (("mul", None, "mul"), ("mul", None, "add"))
"""Error, trend (damped) and season of the exponential smoothings that are tried; the last ones where no rate is 0."""


def month_models() -> tuple[MonthModel, ...]:
    """Return every model that can be used here."""
    return (*OWN_MODELS, ExponentialSmoothing(), Sarimax()) if find_spec("statsmodels") else OWN_MODELS


@dataclass(frozen=True, slots=True)
class ExponentialSmoothing:
    """The exponential smoothing that the corrected Akaike criterion prefers.

    Hyndman and others, Forecasting with Exponential Smoothing, 2008; Hurvich and Tsai, Biometrika 76, 1989.
    """

    name: str = "exponential smoothing"

    def ahead(self, rates: Floats, months: Months) -> Floats:
        """Extrapolate; a season is fitted to two years or more."""
        usual, steps = float(rates.mean()), len(months.numbers) - len(rates)
        if usual <= 0:
            return np.zeros(steps)
        forms = _PLAIN if len(rates) < 2 * _YEAR else _PLAIN + _SEASONAL
        forms += _OF_RATIOS if len(rates) >= 2 * _YEAR and rates.min() > 0 else ()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fits: list[Any] = []
            for error, trend, season in forms:
                damped = trend is not None
                model: Any = _module("statsmodels.tsa.exponential_smoothing.ets").ETSModel(
                    rates / usual, error=error, trend=trend, damped_trend=damped, seasonal=season, seasonal_periods=_YEAR
                )
                fits.append(model.fit(disp=False, maxiter=200))
        best = min(fits, key=lambda fit: _corrected(float(fit.aic), len(fit.params), len(rates)))
        return np.maximum(np.asarray(best.forecast(steps)), 0) * usual


@dataclass(frozen=True, slots=True)
class Sarimax:
    """A regression on heating degrees and the time of year whose errors follow the month before (statsmodels SARIMAX)."""

    name: str = "sarimax"

    def ahead(self, rates: Floats, months: Months) -> Floats:
        """Extrapolate."""
        count, usual = len(rates), float(rates.mean())
        if usual <= 0:
            return np.zeros(len(months.numbers) - count)
        phase = 2 * np.pi * months.numbers / _YEAR
        columns = np.stack([np.ones(len(phase)), months.heating / 4, np.cos(phase), np.sin(phase)], axis=1)
        # Without heating its column is nothing but zeros.
        columns = columns[:, np.abs(columns[:count]).sum(axis=0) > 0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model: Any = _module("statsmodels.tsa.statespace.sarimax").SARIMAX(rates / usual, exog=columns[:count], order=(1, 0, 0))
            fitted: Any = model.fit(disp=False, maxiter=100)
            found = np.asarray(fitted.forecast(len(phase) - count, exog=columns[count:]))
        return np.maximum(found, 0) * usual


def _module(name: str) -> Any:
    """Import a module that is optional, slow to import, and has no types."""
    return import_module(name)


def _corrected(akaike: float, parameters: int, count: int) -> float:
    corrected = akaike + 2 * parameters * (parameters + 1) / max(count - parameters - 1, 1)
    return corrected if np.isfinite(corrected) else np.inf
