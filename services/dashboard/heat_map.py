"""Lays out a year of hours for the template: a column a day, a row an hour of the local clock, darker for more. Pure geometry."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from dashboard.charts import LEFT, WIDTH, Tick
from multiflux_client.consumption import ConsumptionSeries

LEVELS = 8
HOURS = 24
ROW_HEIGHT = 8.0
HEIGHT = HOURS * ROW_HEIGHT + 24.0
_GREATEST_PERCENTILE = 99
"""A single peak must not make all other hours pale."""
_TICKS_H = 6
_DAY_S = 86_400
_EPOCH = date(1970, 1, 1).toordinal()

Grid = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class HeatMap:
    """Paths of equal level, the palest first, in units of a day and an hour, which `scale` stretches; and the axes."""

    paths: tuple[str, ...]
    scale: str
    days: int
    months: tuple[Tick, ...]
    hours: tuple[Tick, ...]
    greatest: float
    height: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Hours:
    """What was used by local hour (rows) of civil days (columns) from `first` on, in base units an hour; NaN is a gap."""

    first: date
    grid: Grid


def hours_of(series: ConsumptionSeries, zone: ZoneInfo) -> Hours:
    """Return hourly slots by the local clock; the hour that comes twice in autumn is the mean of both."""
    local = series.starts + _offsets(series.starts, zone)
    ordinals, hour = local // _DAY_S, local % _DAY_S // 3_600
    known = series.qualities > 0
    day = ordinals - ordinals[0]
    total, count = (np.zeros((HOURS, int(day[-1]) + 1)) for _ in range(2))
    np.add.at(total, (hour[known], day[known]), series.amounts[known].astype(np.float64))
    np.add.at(count, (hour[known], day[known]), 1.0)
    return Hours(
        first=date.fromordinal(_EPOCH + int(ordinals[0])), grid=np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    )


def _offsets(starts: NDArray[np.int64], zone: ZoneInfo) -> NDArray[np.int64]:
    """Return the zone's offsets at instants in order, seconds; asked for by day, and by hour only on a day on which clocks change."""

    def offset(at: int) -> int:
        return int((datetime.fromtimestamp(int(starts[at]), UTC).astimezone(zone).utcoffset() or timedelta()).total_seconds())

    found = np.zeros(len(starts), np.int64)
    for first in range(0, len(starts), HOURS):
        end = min(first + HOURS, len(starts))
        if (same := offset(first)) == offset(end - 1):
            found[first:end] = same
        else:
            found[first:end] = [offset(at) for at in range(first, end)]
    return found


def heat_map(hours: Hours, month_name: Callable[[date], str], hour_name: Callable[[int], str]) -> HeatMap:
    """Lay a year out; levels are shares of nearly the greatest hour."""
    known = hours.grid[np.isfinite(hours.grid)]
    greatest = float(np.percentile(known, _GREATEST_PERCENTILE)) if len(known) else 0.0
    shares = hours.grid / greatest if greatest > 0 else np.where(np.isfinite(hours.grid), 0.0, np.nan)
    levels = np.where(np.isfinite(shares), np.clip(np.nan_to_num(shares) * LEVELS, 0, LEVELS - 1).astype(np.int64), -1)
    days = hours.grid.shape[1]
    width = (WIDTH - LEFT) / days
    firsts = [(at, day) for at in range(days) if (day := date.fromordinal(hours.first.toordinal() + at)).day == 1]
    return HeatMap(
        paths=_paths(levels),
        scale=f"translate({LEFT:.0f} 0) scale({width:.4f} {ROW_HEIGHT:.0f})",
        days=days,
        months=tuple(Tick(at=LEFT + width * at, text=month_name(day)) for at, day in firsts),
        hours=tuple(Tick(at=ROW_HEIGHT * (hour + 0.5), text=hour_name(hour)) for hour in range(0, HOURS, _TICKS_H)),
        greatest=greatest,
        height=HEIGHT,
    )


def _paths(levels: NDArray[np.int64]) -> tuple[str, ...]:
    """Return a path a level; hours of a day that follow each other at one level are one rectangle."""
    parts: list[list[str]] = [[] for _ in range(LEVELS)]
    columns: list[list[int]] = levels.T.tolist()
    for day, column in enumerate(columns):
        start = 0
        for hour in range(1, HOURS + 1):
            if hour == HOURS or column[hour] != column[start]:
                if column[start] >= 0:
                    parts[column[start]].append(f"M{day} {start}h1v{hour - start}h-1z")
                start = hour
    return tuple("".join(part) for part in parts)
