"""Our forecasts against what a user would pick instead: `make bench-forecast` (`ARGS=--short` for less of it).

Scores are means over points of MASE (scale: repeating the week before, over the year before; clipped at 10), and of the scaled quantile
loss, equal weight per flux. With `--short` the run fails where a bar that it covers is missed.
"""

import argparse
import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from forecast_data import DAYS_AHEAD, FLUXES, LATER, SCORED, Window, monthly, windows
from forecast_peers import autoets_of, lightgbm_days_of, lightgbm_of, statsforecast_of, weekly_naive

from forecast.adapters.month_models import month_models
from forecast.domain import monthly as months
from forecast.domain.panel import forecast, place_forecast
from forecast.domain.rules import DAILY, HOURLY, QUANTILES

_CLIP = 10.0
_YOUNG_H = 21 * 24


def quantile_loss(actual: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Return the mean quantile loss per slot, twice, as is usual, so that it is an absolute error where the spread is nil."""
    levels = np.array(QUANTILES)
    off = actual[..., None] - quantiles
    return 2 * np.maximum(levels * off, (levels - 1) * off).mean(axis=-1)


@dataclass
class Scores:
    """Scores of one model on one flux, one row per window and point."""

    points: list[int] = field(default_factory=list)
    mase: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    inside: dict[str, list[float]] = field(default_factory=dict)

    def add(self, window: Window, median: np.ndarray, quantiles: np.ndarray | None = None, rows: Iterable[int] | None = None) -> None:
        for row in range(len(window.points)) if rows is None else rows:
            actual = window.actual[row]
            self.points.append(int(window.points[row]))
            self.mase.append(min(float(np.nanmean(np.abs(actual - median[row])) / window.scale[row]), _CLIP))
            if quantiles is not None:
                self.loss.append(float(np.nanmean(quantile_loss(actual, quantiles[row])) / window.scale[row]))
                self._count("80", actual, quantiles[row], 1, 5)
                self._count("95", actual, quantiles[row], 0, 6)
                for day in range(7 if window.panel.per_day > 1 else 0):
                    hours = slice(24 * day, 24 * day + 24)
                    self._count(f"day {day + 1}", actual[hours], quantiles[row][hours], 1, 5)

    def _count(self, name: str, actual: np.ndarray, quantiles: np.ndarray, low: int, high: int) -> None:
        known = np.isfinite(actual)
        self.inside.setdefault(name, []).extend(((actual >= quantiles[:, low]) & (actual <= quantiles[:, high]))[known].tolist())

    def by_point(self, values: list[float]) -> dict[int, float]:
        found: dict[int, list[float]] = {}
        for point, value in zip(self.points, values, strict=True):
            found.setdefault(point, []).append(value)
        return {point: float(np.mean(some)) for point, some in found.items()}

    @property
    def mean_mase(self) -> float:
        return float(np.mean(list(self.by_point(self.mase).values())))

    @property
    def mean_loss(self) -> float:
        return float(np.mean(list(self.by_point(self.loss).values())))

    def coverage(self, name: str) -> float:
        return float(np.mean(self.inside[name]))


Table = dict[str, Scores]


def overall(table: Table, value: Callable[[Scores], float]) -> float:
    return float(np.mean([value(table[flux]) for flux in table]))


def ratio_interval(ours: Table, theirs: Table, of: str = "mase", draws: int = 1_000) -> tuple[float, float, float]:
    """Return the ratio of two models' scores and its 95 % interval, by drawing points anew."""
    rng = np.random.default_rng(1)
    pairs = []
    for flux in ours:
        mine, other = (scores.by_point(getattr(scores, of)) for scores in (ours[flux], theirs[flux]))
        both = sorted(mine.keys() & other.keys())
        pairs.append((np.array([mine[point] for point in both]), np.array([other[point] for point in both])))
    drawn = []
    for _ in range(draws):
        picks = [rng.integers(0, len(mine), len(mine)) for mine, _ in pairs]
        top, bottom = (sum(pair[side][pick].mean() for pair, pick in zip(pairs, picks, strict=True)) for side in (0, 1))
        drawn.append(top / bottom)
    whole = sum(mine.mean() for mine, _ in pairs) / sum(other.mean() for _, other in pairs)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(whole), float(low), float(high)


def ours(cases: dict[str, list[Window]], temperature: str = "known", change: Callable[[np.ndarray], np.ndarray] | None = None) -> Table:
    table: Table = {}
    for flux, some in cases.items():
        scores = table[flux] = Scores()
        for window in some:
            history = window.history if change is None else change(window.history)
            found = forecast(history, window.surroundings(temperature), HOURLY)
            scores.add(window, found.median, found.quantiles)
    return table


def naive(cases: dict[str, list[Window]]) -> Table:
    table: Table = {}
    for flux, some in cases.items():
        scores = table[flux] = Scores()
        for window in some:
            scores.add(window, weekly_naive(window.history))
    return table


def _one_series(job: tuple[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    warnings.simplefilter("ignore")
    return statsforecast_of(*job)


def statsforecast(pool: ProcessPoolExecutor, cases: dict[str, list[Window]], name: str, every: int = 1) -> Table:
    table: Table = {}
    for flux, some in cases.items():
        scores = table[flux] = Scores()
        for window in some:
            rows = range(0, len(window.points), every)
            found = list(pool.map(_one_series, [(name, window.history[row]) for row in rows]))
            median, quantiles = np.zeros(window.actual.shape), np.zeros((*window.actual.shape, len(QUANTILES)))
            for row, (mean, levels) in zip(rows, found, strict=True):
                median[row], quantiles[row] = mean, levels
            scores.add(window, median, quantiles, rows)
    return table


def _one_window(window: Window) -> np.ndarray:
    warnings.simplefilter("ignore")
    celsius = window.surroundings().temperature
    return lightgbm_of(window, np.nan_to_num(celsius))


def lightgbm(pool: ProcessPoolExecutor, cases: dict[str, list[Window]]) -> Table:
    table: Table = {}
    for flux, some in cases.items():
        scores = table[flux] = Scores()
        for window, quantiles in zip(some, pool.map(_one_window, some), strict=True):
            scores.add(window, quantiles[:, :, QUANTILES.index(0.5)], quantiles)
    return table


class Bars:
    """What was asked, what was found; misses are counted."""

    def __init__(self) -> None:
        self.missed = 0

    def at_most(self, name: str, found: float, bar: float, note: str = "") -> None:
        self._say(name, found, f"≤ {bar:.3g}", note, fine=found <= bar)

    def at_least(self, name: str, found: float, bar: float, note: str = "") -> None:
        self._say(name, found, f"≥ {bar:.3g}", note, fine=found >= bar)

    def within(self, name: str, found: float, low: float, high: float) -> None:
        self._say(name, found, f"{low:.2f} to {high:.2f}", "", fine=low <= found <= high)

    def _say(self, name: str, found: float, bar: str, note: str, *, fine: bool) -> None:
        self.missed += not fine
        print(f"{name:<66} {found:8.3f}   {bar:<14} {'' if fine else 'MISSED'} {note}", flush=True)


def scale_line(name: str, table: Table) -> None:
    scores = "  ".join(f"{flux} {found.mean_mase:.3f}" + (f"/{found.mean_loss:.3f}" if found.loss else "") for flux, found in table.items())
    print(f"  {name:<24} MASE{'/sCRPS'} {scores}", flush=True)


def compare(bars: Bars, mine: Table, peer: Table, name: str, mase: float, loss: float | None) -> None:
    whole, low, high = ratio_interval(mine, peer)
    bars.at_most(f"hourly MASE against {name}", whole, mase, f"[{low:.3f}, {high:.3f}]")
    if loss is not None:
        whole, low, high = ratio_interval(mine, peer, "loss")
        bars.at_most(f"hourly sCRPS against {name}", whole, loss, f"[{low:.3f}, {high:.3f}]")
    for flux in mine:
        one = {flux: mine[flux]}, {flux: peer[flux]}
        bars.at_most(f"  {flux}", ratio_interval(*one)[0], 1.03)


def coverages(bars: Bars, table: Table) -> None:
    everything = [inside for scores in table.values() for inside in scores.inside["80"]]
    bars.within("80 % intervals cover, overall", float(np.mean(everything)), 0.77, 0.84)
    for flux, scores in table.items():
        bars.within(f"  {flux}", scores.coverage("80"), 0.75, 0.87)
    for day in range(1, 8):
        bars.within(f"  day {day}", float(np.mean([one.coverage(f"day {day}") for one in table.values()])), 0.70, 0.90)


def young(bars: Bars, cases: dict[str, list[Window]]) -> None:
    table: Table = {}
    for flux, some in cases.items():
        scores = table[flux] = Scores()
        for window in some:
            history = window.history.copy()
            rows = np.arange(1, len(history), 2)
            rows = rows[np.isfinite(history[rows, -_YOUNG_H:]).mean(axis=1) > 0.9]
            history[rows, :-_YOUNG_H] = np.nan
            found = forecast(history, window.surroundings(), HOURLY)
            scores.add(window, found.median, found.quantiles, rows.tolist())
    bars.at_least(
        "80 % intervals of points that are 3 weeks old cover", float(np.mean([one.coverage("80") for one in table.values()])), 0.75
    )


def gaps(bars: Bars, cases: dict[str, list[Window]], whole: Table) -> None:
    def at_random(history: np.ndarray) -> np.ndarray:
        return np.where(np.random.default_rng(2).random(history.shape) < 0.25, np.nan, history)

    def in_weeks(history: np.ndarray) -> np.ndarray:
        weeks = np.random.default_rng(3).random((len(history), history.shape[1] // 168 + 1)) < 0.25
        return np.where(np.repeat(weeks, 168, axis=1)[:, : history.shape[1]], np.nan, history)

    before = overall(whole, lambda one: one.mean_mase)
    bars.at_most(
        "25 % missing at random: MASE against none missing",
        overall(ours(cases, change=at_random), lambda one: one.mean_mase) / before,
        1.03,
    )
    bars.at_most("25 % missing in weeks: the same", overall(ours(cases, change=in_weeks), lambda one: one.mean_mase) / before, 1.06)


def doubling(bars: Bars, cases: dict[str, list[Window]]) -> None:
    """Fifteen days after everything doubled."""
    plain, doubled = [], []
    for some in cases.values():
        for window in some:
            history = window.history.copy()
            history[:, -15 * 24 :] *= 2
            once = forecast(window.history, window.surroundings(), HOURLY).median
            twice = forecast(history, window.surroundings(), HOURLY).median
            known = np.isfinite(window.actual)
            total = np.abs(window.actual[known]).sum()
            plain.append(np.abs(window.actual - once)[known].sum() / total)
            doubled.append(np.abs(2 * window.actual - twice)[known].sum() / (2 * total))
    bars.at_most("WAPE 15 days after a doubling, against none", float(np.mean(doubled) / np.mean(plain)), 1.15)


def streets(bars: Bars, cases: dict[str, list[Window]]) -> None:
    """Streets of five points each: their sum against forecasting the sum directly."""
    together, directly, inside = [], [], []
    for flux in ("electricity", "water"):
        for window in cases[flux]:
            complete = np.flatnonzero(np.isfinite(window.actual).all(axis=1) & (np.isfinite(window.history).mean(axis=1) > 0.9))
            for first in range(0, len(complete) - 4, 5):
                rows = complete[first : first + 5]
                history, actual = window.history[rows], window.actual[rows].sum(axis=0)
                summed = place_forecast(history, window.surroundings(), HOURLY)
                direct = forecast(history.sum(axis=0, keepdims=True), window.surroundings(), HOURLY)
                scale = np.nanmean(np.abs(history.sum(axis=0)[168:] - history.sum(axis=0)[:-168]))
                together.append(np.abs(actual - summed.median[0]).mean() / scale)
                directly.append(np.abs(actual - direct.median[0]).mean() / scale)
                inside += ((actual >= summed.quantiles[0, :, 1]) & (actual <= summed.quantiles[0, :, 5])).tolist()
    bars.within("80 % intervals of streets cover", float(np.mean(inside)), 0.75, 0.86)
    bars.at_most("MASE of streets against forecasting them directly", float(np.mean(together) / np.mean(directly)), 1.03)


def speed(bars: Bars, mstl_s: float | None, points: int) -> None:
    window = next(windows("electricity", ["2019-03-10"], scored=None))
    rng = np.random.default_rng(0)
    rows = window.history[rng.integers(0, len(window.history), points)] * rng.uniform(0.5, 2, (points, 1))
    around = window.surroundings()
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    started = time.process_time()
    found = forecast(rows, around, HOURLY)
    spent = time.process_time() - started
    output_mb = (found.quantiles.nbytes + found.mean.nbytes) / 1e6
    bars.at_least("cold points per CPU-second, one thread, 168 h × 7 quantiles", points / spent, 300)
    if mstl_s is not None:
        bars.at_least("  against MSTL in this run", mstl_s * points / spent, 500)
    grown = max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3 - before_mb - output_mb, 0)
    bars.at_most("  MB beyond input and output", grown, 600)


def corruption(bars: Bars) -> None:
    window = next(windows("gas", ["2019-02-10"], scored=None))
    around = window.surroundings()
    once = forecast(window.history, around, HOURLY)
    corrupt = replace(window, actual=window.actual * 1e6)
    again = forecast(corrupt.history, around, HOURLY)
    bars.at_most("bytes that change when all after the origin is corrupted", float((once.quantiles != again.quantiles).sum()), 0)


def _days_of_one(row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    warnings.simplefilter("ignore")
    return autoets_of(row, 7, DAYS_AHEAD)


def _days_of_window(window: Window) -> np.ndarray:
    warnings.simplefilter("ignore")
    return lightgbm_days_of(window, np.nan_to_num(window.surroundings().temperature))


def days(bars: Bars, pool: ProcessPoolExecutor, every: int) -> None:
    """Four weeks ahead by days, temperature known, against AutoETS on some points and LightGBM."""
    mine, ets, trees, plain = Table(), Table(), Table(), Table()
    for flux in FLUXES:
        some = list(windows(flux, SCORED[flux], days=True))
        mine[flux], ets[flux], trees[flux], plain[flux] = Scores(), Scores(), Scores(), Scores()
        for window, of_trees in zip(some, pool.map(_days_of_window, some), strict=True):
            found = forecast(window.history, window.surroundings(), DAILY)
            mine[flux].add(window, found.median, found.quantiles)
            trees[flux].add(window, of_trees[:, :, QUANTILES.index(0.5)], of_trees)
            plain[flux].add(window, np.tile(weekly_naive(window.history, 7), 4))
            rows = range(0, len(window.points), every)
            one_by_one = list(pool.map(_days_of_one, [window.history[row] for row in rows]))
            median, quantiles = np.zeros(window.actual.shape), np.zeros((*window.actual.shape, len(QUANTILES)))
            for row, (mean, levels) in zip(rows, one_by_one, strict=True):
                median[row], quantiles[row] = mean, levels
            ets[flux].add(window, median, quantiles, rows)
    for name, table in (("weekly naive", plain), ("ours", mine), (f"AutoETS (1 in {every})", ets), ("LightGBM", trees)):
        scale_line(f"by days: {name}", table)
    for name, peer, bar in (("AutoETS", ets, 0.90), ("LightGBM", trees, 1.03)):
        whole, low, high = ratio_interval(mine, peer)
        bars.at_most(f"daily MASE against {name}", whole, bar, f"[{low:.3f}, {high:.3f}]")
    inside = [one for scores in mine.values() for one in scores.inside["80"]]
    bars.within("80 % intervals of days cover", float(np.mean(inside)), 0.77, 0.84)


def year_of_months(bars: Bars) -> None:
    """The months of 2019 from two years before: the mean over points of the WAPE, against the better of AutoETS and the year before."""
    ratios = []
    for flux in ("electricity", "gas"):
        history, actual, around = monthly(flux, "2019-01")
        mine = months.forecast(history, around, month_models())
        ets = np.array([autoets_of(row, 12, 12)[0] for row in history])
        year = np.array([months.forecast(row[None], around, (months.SeasonalNaive(),)).mean[0] for row in history])
        ours_wape, ets_wape, naive_wape = (
            float((np.nansum(np.abs(actual - found), axis=1) / np.nansum(actual, axis=1)).mean()) for found in (mine.mean, ets, year)
        )
        print(
            f"  by months: {flux}, {len(history)} points  WAPE ours {ours_wape:.3f}  AutoETS {ets_wape:.3f}  year before {naive_wape:.3f}"
        )
        ratios.append((ours_wape, min(ets_wape, naive_wape)))
        bars.at_most(f"monthly WAPE of {flux} against the better one", ours_wape / min(ets_wape, naive_wape), 1.03)
        inside = (actual >= mine.quantiles[:, :, 1]) & (actual <= mine.quantiles[:, :, 5])
        print(f"  80 % intervals cover {float(inside[np.isfinite(actual)].mean()):.3f}")
    bars.at_most("monthly WAPE over all", sum(ours for ours, _ in ratios) / sum(best for _, best in ratios), 1.0)


def plots(cases: dict[str, list[Window]], folder: Path) -> None:
    """Draw a fan per flux as SVG: history, 50, 80 and 95 %, the median, what happened."""
    folder.mkdir(parents=True, exist_ok=True)
    for flux, some in cases.items():
        window = some[len(some) // 2]
        found = forecast(window.history, window.surroundings(), HOURLY)
        row = len(window.points) // 2
        (folder / f"{flux}.svg").write_text(_fan(window.history[row, -336:], window.actual[row], found.quantiles[row]), encoding="utf-8")


def _fan(history: np.ndarray, actual: np.ndarray, quantiles: np.ndarray) -> str:
    top = float(np.nanmax([np.nanmax(history), np.nanmax(actual), quantiles.max()])) or 1.0
    width, height = 1_000, 300
    steps = len(history) + len(actual)

    def at(step: int, value: float) -> str:
        return f"{step / steps * width:.1f},{height - value / top * height:.1f}"

    def line(values: np.ndarray, first: int, style: str) -> str:
        points = " ".join(at(first + step, value) for step, value in enumerate(values) if np.isfinite(value))
        return f'<polyline fill="none" {style} points="{points}"/>'

    bands = []
    for low, high in ((0, 6), (1, 5), (2, 4)):
        upper = [at(len(history) + step, value) for step, value in enumerate(quantiles[:, high])]
        lower = [at(len(history) + step, value) for step, value in enumerate(quantiles[:, low])][::-1]
        bands.append(f'<polygon fill="#E69F00" fill-opacity="0.2" points="{" ".join(upper + lower)}"/>')
    lines = [
        line(history, 0, 'stroke="#555"'),
        line(actual, len(history), 'stroke="#000"'),
        line(quantiles[:, QUANTILES.index(0.5)], len(history), 'stroke="#B36B00" stroke-width="2" stroke-dasharray="6 3"'),
    ]
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">{"".join(bands + lines)}</svg>'


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="fewer origins and peers; fails on a miss")
    parser.add_argument("--plots", type=Path, help="write a plot per flux into this folder")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    bars = Bars()
    cases = {flux: list(windows(flux, SCORED[flux][:: 3 if options.short else 1])) for flux in FLUXES}
    print("windows and points:", {flux: sum(len(one.points) for one in some) for flux, some in cases.items()}, flush=True)
    plain = naive(cases)
    mine = ours(cases)
    scale_line("weekly naive", plain)
    scale_line("ours, temperature known", mine)
    with ProcessPoolExecutor(2) as pool:
        started = time.perf_counter()
        mstl = statsforecast(pool, cases, "MSTL", every=4 if options.short else 1)
        series = sum(len(one.points) for one in mstl.values())
        mstl_s = (time.perf_counter() - started) * 2 / series
        scale_line("MSTL and ETS", mstl)
        best = mstl
        if not options.short:
            for name, every in (("AutoTheta", 4), ("AutoETS", 16)):
                peer = statsforecast(pool, cases, name, every=every)
                scale_line(f"{name} (1 in {every})", peer)
                if ratio_interval(peer, mstl)[0] < 1:
                    best = peer
        trees = lightgbm(pool, cases)
        scale_line("LightGBM", trees)
        if not options.short:
            days(bars, pool, 2)
    year_of_months(bars)
    bars.at_most("LightGBM against weekly naive, or this run means nothing", ratio_interval(trees, plain)[0], 0.85)
    bars.at_most("MSTL against weekly naive, likewise", ratio_interval(mstl, plain)[0], 1.0)
    compare(bars, mine, best, "the best statsforecast model", 0.80, 0.73)
    compare(bars, mine, trees, "LightGBM", 0.93, 0.93)
    noisy, blind = ours(cases, "noisy"), ours(cases, "unknown")
    bars.at_most("temperature off by up to 3 °C: MASE against statsforecast", ratio_interval(noisy, best)[0], 0.85)
    bars.at_most("temperature unknown: the same", ratio_interval(blind, best)[0], 0.90)
    coverages(bars, mine)
    young(bars, cases)
    some = {flux: list(each[::2]) for flux, each in cases.items()}
    gaps(bars, some, ours(some))
    doubling(bars, some)
    streets(bars, some)
    corruption(bars)
    speed(bars, mstl_s, 2_048 if options.short else 4_096)
    if not options.short:
        later = {flux: list(windows(flux, LATER)) for flux in ("electricity", "gas")}
        bars.at_most("2020 to 2022: MASE against weekly naive", ratio_interval(ours(later), naive(later))[0], 1.0)
    if options.plots:
        plots(cases, options.plots)
    print(f"{bars.missed} missed")
    return 1 if options.short and bars.missed else 0


if __name__ == "__main__":
    sys.exit(main())
