"""The columns that all points of a weather station share: time of week, time of year, and the response to felt temperature."""

from dataclasses import dataclass

import numpy as np

from forecast.domain.calendar import Calendar
from forecast.domain.columns import Floats, Singles
from forecast.domain.rules import PanelRules

_SATURDAY = 5
_DAY_HARMONICS = 2
_YEAR_HARMONICS = 2


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Groups:
    """Which columns of a design say what."""

    calendar: slice
    year: slice
    weather: slice


def design(calendar: Calendar, felt: tuple[Floats, ...], rules: PanelRules) -> Singles:
    """Return the matrix (slots, columns) of a calendar and of the temperatures that buildings feel, in Celsius, one per smoothing."""
    parts = [*_week(calendar, rules), _year(calendar), *_weather(calendar, felt, rules)]
    return np.concatenate(parts, axis=1, dtype=np.float32)


def groups(rules: PanelRules) -> Groups:
    """Return where each group of columns lies."""
    week = _week_columns(rules)
    year = 2 * _YEAR_HARMONICS
    return Groups(calendar=slice(0, week), year=slice(week, week + year), weather=slice(week + year, week + year + _weather_columns(rules)))


def penalties(rules: PanelRules) -> Floats:
    """Return how strongly each column is shrunk, in readings."""
    whole = [0.01]
    if rules.slots_per_day > 1:
        whole += [rules.hour_penalty] * (2 * rules.slots_per_day)
    whole += [rules.slot_penalty] * (7 * rules.slots_per_day) + [rules.hour_penalty]
    whole += [rules.year_penalty] * (2 * _YEAR_HARMONICS)
    whole += [rules.heat_penalty] * _weather_columns(rules)
    return np.array(whole)


def _week_columns(rules: PanelRules) -> int:
    return 1 + (2 * rules.slots_per_day if rules.slots_per_day > 1 else 0) + 7 * rules.slots_per_day + 1


def _weather_columns(rules: PanelRules) -> int:
    harmonics = 2 * _DAY_HARMONICS if rules.slots_per_day > 1 else 0
    return len(rules.smoothings_h) * len(rules.bends_celsius) * (2 + harmonics)


def _week(calendar: Calendar, rules: PanelRules) -> list[Floats]:
    count = len(calendar)
    parts = [np.ones((count, 1))]
    if rules.slots_per_day > 1:
        hours = np.eye(rules.slots_per_day)[calendar.hour]
        parts += [hours, hours * (calendar.weekday >= _SATURDAY)[:, None]]
        parts.append(np.eye(7 * rules.slots_per_day)[calendar.weekday * rules.slots_per_day + calendar.hour])
    else:
        parts.append(np.eye(7)[calendar.weekday])
    parts.append(calendar.school[:, None].astype(np.float64))
    return parts


def _year(calendar: Calendar) -> Floats:
    waves = [wave(order * calendar.phase) for order in range(1, _YEAR_HARMONICS + 1) for wave in (np.cos, np.sin)]
    return np.stack(waves, axis=1)


def _weather(calendar: Calendar, felt: tuple[Floats, ...], rules: PanelRules) -> list[Floats]:
    weekend = (calendar.weekday >= _SATURDAY).astype(np.float64)
    shapes = [np.ones(len(calendar)), weekend]
    if rules.slots_per_day > 1:
        angle = 2 * np.pi * calendar.hour / rules.slots_per_day
        shapes += [wave(order * angle) for order in range(1, _DAY_HARMONICS + 1) for wave in (np.cos, np.sin)]
    shape = np.stack(shapes, axis=1)
    *heating, cooling = rules.bends_celsius
    parts = list[Floats]()
    for temperature in felt:
        bends = [np.maximum(bend - temperature, 0) for bend in heating] + [np.maximum(temperature - cooling, 0)]
        # Tens of degrees and shares of a day then have like sizes.
        parts += [bend[:, None] / 8 * shape for bend in bends]
    return parts
