"""What a user would pick instead: the same gaps, calendar, history and temperature, one function each from a window to forecasts."""

from importlib import import_module
from typing import Any

import numpy as np
from forecast_data import DAYS_AHEAD, HORIZON, Window

from forecast.domain.calendar import Calendar
from forecast.domain.rules import QUANTILES

WEEK = 168
_TREND_HISTORY_H = 182 * 24


def _peer(module: str) -> Any:
    """Import a peer's module; peers are not installed for tests."""
    return import_module(module)


def weekly_naive(history: np.ndarray, week: int = WEEK) -> np.ndarray:
    """Repeat the week before; where that is missing, an earlier one."""
    ahead = history[:, -week:].copy()
    for back in range(2, 7):
        ahead = np.where(np.isfinite(ahead), ahead, history[:, -week * back : -week * (back - 1)])
    return np.where(np.isfinite(ahead), ahead, np.nanmean(history, axis=1)[:, None])


def filled(row: np.ndarray, week: int = WEEK) -> np.ndarray:
    """Fill gaps from the weeks before, or of months from the years, for models that cannot have any."""
    row = row[np.flatnonzero(np.isfinite(row))[0] :].copy()
    for back in (week, 2 * week, 3 * week, 4 * week):
        missing = ~np.isfinite(row)
        row[missing] = np.concatenate((np.full(back, np.nan), row))[: len(row)][missing]
    row[~np.isfinite(row)] = np.nanmean(row)
    return row


def statsforecast_of(name: str, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the quantiles (steps, 7) of a statsforecast model."""
    models = _peer("statsforecast.models")
    row = filled(row)
    match name:
        case "MSTL":
            model = models.MSTL(season_length=[24, WEEK], trend_forecaster=models.AutoETS(model="ZZN"))
            row = row[-_TREND_HISTORY_H:]
        case "AutoETS":
            model, row = models.AutoETS(season_length=24), row[-8 * WEEK :]
        case _:
            model, row = models.AutoTheta(season_length=24), row[-8 * WEEK :]
    found = model.fit(row).predict(HORIZON, level=[50, 80, 95])
    columns = ("lo-95", "lo-80", "lo-50", "mean", "hi-50", "hi-80", "hi-95")
    return found["mean"], np.stack([found[column] for column in columns], axis=1)


def autoets_of(row: np.ndarray, season: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the quantiles (steps, 7) of AutoETS on days or months."""
    model = _peer("statsforecast.models").AutoETS(season_length=season)
    found = model.fit(filled(row, season)).predict(steps, level=[50, 80, 95])
    columns = ("lo-95", "lo-80", "lo-50", "mean", "hi-50", "hi-80", "hi-95")
    return found["mean"], np.stack([found[column] for column in columns], axis=1)


def lightgbm_days_of(window: Window, temperature: np.ndarray) -> np.ndarray:
    """Return the quantiles (points, days, 7) of one LightGBM model per quantile, trained on all points by days together."""
    lightgbm = _peer("lightgbm")
    scale = np.maximum(np.nanmean(np.abs(window.history), axis=1), 1e-9)
    whole, length = window.history / scale[:, None], window.history.shape[1]
    rows, targets = [], []
    for origin in range(length - DAYS_AHEAD, 5 * 7, -5):
        actual = whole[:, origin : origin + DAYS_AHEAD]
        known = np.isfinite(actual)
        rows.append(_day_columns(whole[:, :origin], window, temperature, origin)[known])
        targets.append(actual[known])
    ahead = _day_columns(whole, window, temperature, length)
    return _quantiles(lightgbm, np.concatenate(rows), np.concatenate(targets), ahead) * scale[:, None, None]


def _day_columns(before: np.ndarray, window: Window, temperature: np.ndarray, origin: int) -> np.ndarray:
    points, steps, calendar = len(before), DAYS_AHEAD, window.surroundings().calendar
    at = slice(origin, origin + steps)
    weeks = [before[:, -7 * back : before.shape[1] - 7 * (back - 1)][:, np.arange(steps) % 7] for back in (1, 2, 3, 4)]
    levels = [np.nanmean(before[:, -span:], axis=1) for span in (3, 7, 28)]
    recent = np.convolve(temperature, np.ones(3) / 3, "full")[: len(temperature)]
    shared = [
        calendar.weekday[at], np.cos(calendar.phase[at]), np.sin(calendar.phase[at]), np.arange(steps), temperature[at], recent[at],
    ]  # fmt: skip
    with np.errstate(all="ignore"):
        mean_week = np.nanmean(np.stack(weeks), axis=0)
    columns = [np.repeat(np.arange(points)[:, None], steps, axis=1), *(np.broadcast_to(one, (points, steps)) for one in shared)]
    columns += [*weeks, mean_week, *(np.repeat(level[:, None], steps, axis=1) for level in levels)]
    return np.stack(columns, axis=2)


def _quantiles(lightgbm: Any, train: np.ndarray, target: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    """Return the quantiles that one model per quantile expects, in order."""
    quantiles = np.empty((*ahead.shape[:2], len(QUANTILES)))
    for at, level in enumerate(QUANTILES):
        rules = {"objective": "quantile", "alpha": level, "learning_rate": 0.08, "num_leaves": 63, "min_data_in_leaf": 40}
        rules |= {"verbose": -1, "num_threads": 1, "feature_fraction": 0.8, "bagging_fraction": 0.7, "bagging_freq": 1, "seed": 1}
        model = lightgbm.train(rules, lightgbm.Dataset(train, target, categorical_feature=[0]), num_boost_round=200)
        quantiles[:, :, at] = model.predict(ahead.reshape(-1, ahead.shape[2])).reshape(ahead.shape[:2])
    return np.sort(quantiles, axis=2)


def lightgbm_of(window: Window, temperature: np.ndarray) -> np.ndarray:
    """Return the quantiles (points, steps, 7) of one LightGBM model per quantile, trained on all points of the window together."""
    lightgbm = _peer("lightgbm")
    scale = np.maximum(np.nanmean(np.abs(window.history), axis=1), 1e-9)
    calendar = window.surroundings().calendar
    length = window.history.shape[1]
    whole = window.history / scale[:, None]
    rows, targets = [], []
    for origin in range(length - WEEK, 5 * WEEK, -6 * 24):
        actual = whole[:, origin : origin + WEEK]
        columns = _columns(whole[:, :origin], calendar, temperature, origin)
        known = np.isfinite(actual)
        rows.append(columns[known])
        targets.append(actual[known])
    ahead = _columns(whole, calendar, temperature, length)
    return _quantiles(lightgbm, np.concatenate(rows), np.concatenate(targets), ahead) * scale[:, None, None]


def _columns(before: np.ndarray, calendar: Calendar, temperature: np.ndarray, origin: int) -> np.ndarray:
    """Return the columns (points, steps, columns) of the week after an origin."""
    points = len(before)
    at = slice(origin, origin + WEEK)
    weeks = [before[:, -WEEK * back : -WEEK * (back - 1) or None] for back in (1, 2, 3, 4)]
    day = np.tile(before[:, -24:], 7)
    levels = [np.nanmean(before[:, -span:], axis=1) for span in (24, 72, WEEK, 4 * WEEK)]
    shared = [
        calendar.hour[at], calendar.weekday[at], np.cos(calendar.phase[at]), np.sin(calendar.phase[at]), np.arange(WEEK),
        temperature[at], _smooth(temperature, origin, 18), _smooth(temperature, origin, 60),
    ]  # fmt: skip
    with np.errstate(all="ignore"):
        mean_week = np.nanmean(np.stack(weeks), axis=0)
    columns = [np.repeat(np.arange(points)[:, None], WEEK, axis=1)]
    columns += [np.broadcast_to(one, (points, WEEK)) for one in shared]
    columns += [*weeks, mean_week, day, *(np.repeat(level[:, None], WEEK, axis=1) for level in levels)]
    return np.stack(columns, axis=2)


def _smooth(temperature: np.ndarray, origin: int, hours: int) -> np.ndarray:
    sums = np.concatenate(([0.0], np.cumsum(temperature)))
    ends = np.arange(origin + 1, origin + WEEK + 1)
    return (sums[ends] - sums[np.maximum(ends - hours, 0)]) / hours
