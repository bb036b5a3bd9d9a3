"""What days of the same type around a hole usually used, by time of day."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import TypeAlias
from zoneinfo import ZoneInfo

import numpy as np

from metering.domain.consumption.columns import Floats, Int64s, int64s
from metering.domain.consumption.pieces import Method, Pieces
from metering.domain.consumption.slots import Slots, counted, edge_of_day
from vocabulary.quality import Quality

BASIS_DAYS = 28
"""Days before and after a hole among which reference days are looked for."""

REFERENCE_DAYS = 10
"""At most so many of them, the nearest, are averaged."""

LEAST_REFERENCE_DAYS = 3
"""Fewer are no basis."""

_STEPS = (600, 900, 1_800, 3_600)
_DAY_S = 86_400
_FULL = 0.999

DayType: TypeAlias = Callable[[date], int]
"""Tells days that are alike: equal numbers mean the same type."""

_SATURDAY = 5


def weekday_type(day: date) -> int:
    """Tell working days, Saturdays and Sundays apart; a territory with a calendar counts its public holidays as Sundays."""
    return max(day.weekday() - _SATURDAY + 1, 0)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DayProfile:
    """The measured days of a channel, cut into cells of equal length.

    step_s: seconds of a cell, a day or a part of the hour; 0 where readings are too far apart to know days. offset_s: local second of day
    at which days start. used: [days × cells], base units, NaN where not measured whole. first: the first day's ordinal. types: one per day.
    """

    zone: ZoneInfo
    day_type: DayType
    step_s: int
    offset_s: int = 0
    first: int = 0
    used: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    types: Int64s = field(default_factory=lambda: int64s([]))

    def cells_in(self, start: int, end: int) -> tuple[Int64s, Floats]:
        """Return the cells [n × 2] that `[start, end)` cuts, and what each is expected to use, NaN without a basis."""
        if not self.step_s:
            return int64s([[start, end]]), np.array([np.nan])
        edges = _edges(start, end, self.step_s, self.offset_s, self.zone)
        day, cell = _keys(edges[:-1], self.step_s, self.offset_s, self.zone)
        expected = np.full(len(day), np.nan)
        for ordinal in range(int(day[0]), int(day[-1]) + 1):
            today = day == ordinal
            expected[today] = self._reference(ordinal)[cell[today]]
        inner = np.clip(edges, start, end)
        return np.column_stack((inner[:-1], inner[1:])), expected * (np.diff(inner) / np.diff(edges))

    def _reference(self, ordinal: int) -> Floats:
        """Return the mean of the nearest days of the same type, cell by cell; NaN where fewer than three were measured."""
        away = np.abs(np.arange(self.first, self.first + len(self.types)) - ordinal)
        alike = np.flatnonzero((self.types == self.day_type(date.fromordinal(ordinal))) & (away <= BASIS_DAYS) & (away > 0))
        rows = self.used[alike[np.argsort(away[alike], kind="stable")]]
        measured = ~np.isnan(rows)
        chosen = measured & (np.cumsum(measured, axis=0) <= REFERENCE_DAYS)
        count = chosen.sum(axis=0)
        total = np.where(chosen, rows, 0.0).sum(axis=0)
        return np.where(count >= LEAST_REFERENCE_DAYS, total / np.maximum(count, 1), np.nan)


def day_profile(known: Pieces, zone: ZoneInfo, day_type: DayType = weekday_type) -> DayProfile:
    """Return the days of what was measured: only pieces that a device measured or a person corrected count."""
    basis = known.where((known.method == Method.METERED) & (known.quality <= Quality.MEASURED))
    if not len(basis):
        return DayProfile(zone=zone, day_type=day_type, step_s=0)
    step = _step(float(np.median(basis.duration)))
    if not step:
        return DayProfile(zone=zone, day_type=day_type, step_s=0)
    offset = _usual_second_of_day(basis.start, zone) if step == _DAY_S else 0
    edges = _edges(int(basis.start[0]), int(basis.end[-1]), step, offset, zone)
    day, cell = _keys(edges[:-1], step, offset, zone)
    use = counted(basis, Slots(start=edges[:-1], end=edges[1:], nominal_s=step))
    first, days = int(day[0]), int(day[-1] - day[0]) + 1
    used = _table(np.where(use.coverage >= _FULL, use.value, np.nan), day - first, cell, (days, max(_DAY_S // step, 1)))
    types = int64s([day_type(date.fromordinal(first + at)) for at in range(days)])
    return DayProfile(zone=zone, day_type=day_type, step_s=step, offset_s=offset, first=first, used=used, types=types)


def _table(value: Floats, day: Int64s, cell: Int64s, shape: tuple[int, int]) -> Floats:
    """Return [days × cells]: the mean where a cell occurs twice, in autumn; NaN where it does not occur or was not measured."""
    measured = ~np.isnan(value)
    place, size = (day * shape[1] + cell)[measured], shape[0] * shape[1]
    total = np.bincount(place, weights=value[measured], minlength=size).reshape(shape)
    count = np.bincount(place, minlength=size).reshape(shape)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _step(typical_s: float) -> int:
    """Return the cell that suits readings so far apart, 0 when days cannot be known from them."""
    if typical_s > _DAY_S * 1.25:
        return 0
    return next((step for step in _STEPS if typical_s <= step * 1.25), _DAY_S)


def _usual_second_of_day(times: Int64s, zone: ZoneInfo) -> int:
    seconds = (times + _offsets(times, zone)) % _DAY_S
    values, counts = np.unique(seconds, return_counts=True)
    return int(values[int(np.argmax(counts))])


def _edges(start: int, end: int, step: int, offset_s: int, zone: ZoneInfo) -> Int64s:
    """Return the edges of all cells that `[start, end)` meets."""
    if step < _DAY_S:
        return np.arange(start // step * step, -(-end // step) * step + 1, step, dtype=np.int64)
    starts_at = time(offset_s // 3600, offset_s // 60 % 60, offset_s % 60)
    first = datetime.fromtimestamp(start, zone).date().toordinal() - 1
    last = datetime.fromtimestamp(end, zone).date().toordinal() + 1
    edges = int64s([edge_of_day(date.fromordinal(day), starts_at, zone) for day in range(first, last + 1)])
    begin = int(np.searchsorted(edges, start, "right")) - 1
    return edges[begin : int(np.searchsorted(edges, end, "left")) + 1]


def _keys(starts: Int64s, step: int, offset_s: int, zone: ZoneInfo) -> tuple[Int64s, Int64s]:
    """Return the local day (ordinal) and the number of the cell in it."""
    local = starts + _offsets(starts, zone) - offset_s
    return local // _DAY_S + date(1970, 1, 1).toordinal(), (local % _DAY_S) // step if step < _DAY_S else np.zeros_like(local)


def _offsets(times: Int64s, zone: ZoneInfo) -> Int64s:
    """Return the offset from UTC, in seconds, at each instant."""
    day = times // _DAY_S
    new = np.append(True, day[1:] != day[:-1])[: len(day)]
    days, place = day[new], np.cumsum(new) - 1
    at_start = int64s([_offset(day * _DAY_S, zone) for day in days.tolist()])
    at_end = int64s([_offset((day + 1) * _DAY_S, zone) for day in days.tolist()])
    first, following = at_start[place], at_end[place]
    changing = np.flatnonzero(first != following)
    offsets = first.copy()
    offsets[changing] = [_offset(int(second), zone) for second in times[changing].tolist()]
    return offsets


def _offset(second: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(second, zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
