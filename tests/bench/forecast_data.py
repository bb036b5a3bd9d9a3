"""Real series for the forecast benchmark, by hours, days and months: cleaned, cut and split in two halves in one way for every model.

Constants of our model were tuned on the points of one half and at other origins; scores are read on the other half.
"""

import hashlib
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import holidays
import numpy as np
import pandas as pd

from forecast.domain.calendar import calendar_of
from forecast.domain.monthly import Months
from forecast.domain.surroundings import Surroundings

SHARED = Path(os.environ.get("MULTIFLUX_SHARED", Path(__file__).parents[3] / "shared"))
HORIZON = 168
DAY = 86_400
HISTORY_H = 365 * 24
DAYS_AHEAD, DAYS_BEFORE = 28, 730
LEAST_KNOWN_DAYS = int(180 * 0.8)
FLUXES = ("electricity", "gas", "water")
_WINTER = (11, 12, 1, 2, 3)
_LONGEST_GAP_S = 2.5 * 3_600


@dataclass(frozen=True)
class Panel:
    """Amounts (points, slots) of one flux by hours or days, NaN where missing, and the temperature beside them."""

    flux: str
    ids: tuple[str, ...]
    starts: np.ndarray
    amounts: np.ndarray
    temperature: np.ndarray
    zone: ZoneInfo
    public_holidays: frozenset[date]
    per_day: int = 24

    @property
    def horizon(self) -> int:
        """Return how many slots ahead are scored."""
        return HORIZON if self.per_day > 1 else DAYS_AHEAD

    def scored(self) -> np.ndarray:
        """Tell which points belong to the half that is scored."""
        return np.array([hashlib.sha256(one.encode()).digest()[0] % 2 == 0 for one in self.ids])


@dataclass(frozen=True)
class Window:
    """One origin of a panel: the history and the horizon after it, for the points that know enough of both."""

    panel: Panel
    at: int
    points: np.ndarray
    history: np.ndarray
    actual: np.ndarray
    scale: np.ndarray

    def surroundings(self, temperature: str = "known") -> Surroundings:
        """Return calendar and weather, the temperature ahead being `known`, `unknown`, or `noisy`: off by up to 3 °C after a week."""
        first = self.at - self.history.shape[1]
        span = slice(first, self.at + self.panel.horizon)
        celsius = self.panel.temperature[span].copy()
        length = self.history.shape[1]
        if temperature == "unknown":
            celsius[length:] = np.nan
        elif temperature == "noisy":
            steps = np.random.default_rng(self.at).normal(size=len(celsius) - length)
            celsius[length:] += 3.0 * steps.cumsum() / np.sqrt(HORIZON)
        return Surroundings(
            calendar=calendar_of(self.panel.starts[span], self.panel.zone, self.panel.public_holidays, frozenset()),
            temperature=celsius,
            error_celsius=3.0 if temperature == "noisy" else 0.0,
        )


@cache
def panel_of(flux: str) -> Panel:
    """Return one flux's panel: Cambridge buildings for electricity and gas, homes of Alicante for water."""
    if flux == "water":
        return _water()
    folder = SHARED / "data" / "cambridge-estates"
    table = pd.read_parquet(folder / f"{flux}_hourly_kwh.parquet")
    weather = pd.read_parquet(folder / "weather_hourly.parquet").iloc[:, 0]
    british = holidays.country_holidays("GB", subdiv="ENG", years=range(2016, 2024))
    return Panel(
        flux=flux,
        ids=tuple(table.columns),
        starts=table.index.to_numpy().astype("datetime64[s]").astype(np.int64),
        amounts=_cleaned(table, flux),
        temperature=weather.reindex(table.index).to_numpy(float),
        zone=ZoneInfo("Europe/London"),
        public_holidays=frozenset(british),
    )


@cache
def by_days(flux: str) -> Panel:
    """Return a flux's panel by civil days; a day of which a fifth is missing is missing."""
    hours = panel_of(flux)
    local = pd.to_datetime(hours.starts, unit="s", utc=True).tz_convert(hours.zone).tz_localize(None).to_numpy().astype("datetime64[D]")
    _, first = np.unique(local, return_index=True)
    spans = _spans(first, len(local))
    known = np.stack([np.isfinite(hours.amounts[:, span]).mean(axis=1) for span in spans], axis=1)
    means = np.stack([np.nan_to_num(hours.amounts[:, span]).sum(axis=1) for span in spans], axis=1) / np.maximum(known, 0.8)
    warmth = np.array([hours.temperature[span].mean() for span in spans])
    return replace(hours, starts=hours.starts[first], amounts=np.where(known >= 0.8, means, np.nan), temperature=warmth, per_day=1)


def _spans(first: np.ndarray, end: int) -> list[slice]:
    return [slice(start, after) for start, after in pairwise([*first.tolist(), end])]


def windows(flux: str, origins: Iterator[str] | list[str], *, scored: bool | None = True, days: bool = False) -> Iterator[Window]:
    """Yield the origins (dates) at which some points of a half know enough before and at least 80 % after."""
    panel = by_days(flux) if days else panel_of(flux)
    longest, week = (DAYS_BEFORE, 7) if days else (HISTORY_H, 168)
    half = np.ones(len(panel.ids), bool) if scored is None else panel.scored() == scored
    for origin in origins:
        at = int(np.searchsorted(panel.starts, np.datetime64(origin, "s").astype(np.int64)))
        first = max(0, at - longest)
        history, actual = panel.amounts[:, first:at], panel.amounts[:, at : at + panel.horizon]
        enough = np.isfinite(history).sum(axis=1) >= LEAST_KNOWN_DAYS * panel.per_day
        enough &= np.isfinite(history).mean(axis=1) > 0.5
        points = np.flatnonzero(half & enough & (np.isfinite(actual).mean(axis=1) >= 0.8))
        if len(points):
            before = panel.amounts[points, max(0, at - 365 * panel.per_day - week) : at]
            scale = np.nanmean(np.abs(before[:, week:] - before[:, :-week]), axis=1)
            sound = scale > 0
            yield Window(panel, at, points[sound], history[points[sound]], actual[points[sound]], scale[sound])


def dates(first: str, step_days: float, count: int) -> list[str]:
    """Return dates, evenly spaced."""
    start = np.datetime64(first, "D")
    return [str(start + np.timedelta64(int(step_days * number), "D")) for number in range(count)]


def monthly(flux: str, first_ahead: str) -> tuple[np.ndarray, np.ndarray, Months]:
    """Return amounts (points, months) before a month and of the twelve from it on, of the points that are scored, and the months of both.

    Months of which half is known count, as if all were; points know 18 months before and 10 after. The temperature ahead is unknown.
    """
    panel = by_days(flux)
    month = (panel.starts + DAY // 2).astype("datetime64[s]").astype("datetime64[M]")
    names, first = np.unique(month, return_index=True)
    spans = _spans(first, len(month))
    lengths = np.array([float(span.stop - span.start) for span in spans])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        means = np.stack([np.nanmean(panel.amounts[:, span], axis=1) for span in spans], axis=1)
    known = np.stack([np.isfinite(panel.amounts[:, span]).mean(axis=1) for span in spans], axis=1) >= 0.5
    amounts = np.where(known, means * lengths, np.nan)
    at = int(np.searchsorted(names, np.datetime64(first_ahead, "M")))
    rows = panel.scored() & (known[:, :at].sum(axis=1) >= 18) & (known[:, at : at + 12].sum(axis=1) >= 10)
    warmth = np.array([panel.temperature[span].mean() for span in spans[: at + 12]])
    warmth[at:] = np.nan
    numbers = names[: at + 12].astype(np.int64) % 12 + 1
    return amounts[rows, :at], amounts[rows, at : at + 12], Months.of(numbers, lengths[: at + 12], warmth)


SCORED = {"electricity": dates("2019-01-15", 45.6, 8), "gas": dates("2019-01-15", 45.6, 8), "water": dates("2016-09-15", 30, 5)}
LATER = dates("2020-02-01", 120, 9)


def _cleaned(table: pd.DataFrame, flux: str) -> np.ndarray:
    """Turn what the publisher wrote as 0 for missing into missing: electricity zeros, and a day or more of gas zeros in winter."""
    amounts = table.to_numpy(float).T.copy()
    if flux == "electricity":
        amounts[amounts == 0] = np.nan
        return amounts
    month = table.index.to_numpy().astype("datetime64[M]").astype(np.int64) % 12 + 1
    winter = np.isin(month, _WINTER)
    for row in amounts:
        edges = np.flatnonzero(np.diff(np.concatenate(([0], (row == 0).astype(int), [0]))))
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            if last - first >= 24 and winter[first:last].all():
                row[first:last] = np.nan
    return amounts


def _water() -> Panel:
    table = pd.read_csv(SHARED / "data" / "daiad-water" / "readings.csv.gz", sep=";")
    local = pd.to_datetime(table["datetime"], format="%d/%m/%Y %H:%M:%S")
    table["time"] = local.dt.tz_localize("Europe/Madrid", ambiguous="NaT", nonexistent="NaT").dt.tz_convert("UTC")
    table = table.dropna(subset=["time"])
    table["second"] = table["time"].dt.tz_localize(None).astype("datetime64[s]").astype(np.int64)
    edges = np.arange(table["second"].min() // 3_600 * 3_600, table["second"].max() // 3_600 * 3_600 + 1, 3_600)
    homes = {str(home): _hourly(rows.sort_values("second"), edges) for home, rows in table.groupby("user.key")}
    spanish = holidays.country_holidays("ES", subdiv="VC", years=range(2015, 2019))
    return Panel(
        flux="water",
        ids=tuple(homes),
        starts=edges[:-1],
        amounts=np.array(list(homes.values())),
        temperature=np.full(len(edges) - 1, np.nan),
        zone=ZoneInfo("Europe/Madrid"),
        public_holidays=frozenset(spanish),
    )


def _hourly(rows: pd.DataFrame, edges: np.ndarray) -> np.ndarray:
    """Return litres per hour from a register read at odd minutes; an hour whose readings are too far apart is missing."""
    second, register = rows["second"].to_numpy(), rows["meter.reading"].to_numpy(float)
    rising = register >= np.maximum.accumulate(register)
    second, register = second[rising], register[rising]
    at = np.interp(edges, second, register, left=np.nan, right=np.nan)
    after = np.searchsorted(second, edges, "right")
    inside = (after > 0) & (after < len(second))
    gap = np.where(inside, second[np.minimum(after, len(second) - 1)] - second[np.maximum(after - 1, 0)], np.inf)
    at[gap > _LONGEST_GAP_S] = np.nan
    return np.diff(at)
