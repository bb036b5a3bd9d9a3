"""Reads delimited rows that each hold a whole day of one meter, its values side by side."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from collector.domain.assembly import Assembly
from collector.domain.cells import Channelled, Filter, Placed, Qualities
from collector.domain.intervals import in_range
from collector.domain.local_time import transitions
from collector.domain.mapping import ClockChange, DayMapping, Mapping, StampAt
from collector.domain.parsed import Flags, Ints, Reason
from collector.domain.stamps import StampParser
from collector.domain.table import Header, Splitter, Table, folded
from vocabulary.civil import time_zone
from vocabulary.quality import Quality

_DAY_S = 86_400
_TIME_OF_DAY = re.compile(r"(\d{1,2})[:h](\d{2})(?::00)?")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Slots:
    """The columns of a day: where they stand, when on the clock each begins, and whether it is the second one of that name."""

    columns: list[int]
    begins_s: Ints
    repeated: Flags


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Times:
    """Rows by slots: when each begins, and which of them is a place for a value."""

    start: Ints
    exists: Flags
    unsure: Flags


class DayRows:
    """Reads one table of such rows, block by block."""

    def __init__(self, mapping: Mapping, day: DayMapping, header: Header, assembly: Assembly) -> None:
        """Find the columns. Raises UnknownColumn when the header lacks some."""
        self._mapping, self._day, self._header, self._assembly = mapping, day, header, assembly
        self._zone = time_zone(mapping.time.zone)
        self._identifiers: list[str] = []
        self._numbers: dict[str, int] = {}
        self._at_identifier = None if mapping.identifier_column is None else header.index(mapping.identifier_column, "identifier_column")
        self._at_time = [header.index(column, "time.columns") for column in mapping.time.columns]
        quality = tuple((header.index(entry.column, f"quality.{at}.column"), entry) for at, entry in enumerate(mapping.quality))
        self._qualities = Qualities(quality)
        self._slots = _slots(header, day, mapping.time.stamp_at)
        self._values = [self._value(at) for at in range(len(mapping.values))]
        header.check()
        used = {*self._at_time, *self._slots.columns, *(at for at, _ in quality)}
        used |= {at for at in (self._at_identifier,) if at is not None}
        used |= {at for _, unit, _, filter_columns in self._values for at in (unit, *filter_columns) if at is not None}
        self._splitter = Splitter(mapping.delimiter, used, header)
        self._parser = StampParser(mapping.time.formats)

    def _value(self, at: int) -> tuple[Channelled, int | None, Filter, list[int]]:
        value, index = self._mapping.values[at], self._header.index
        filters = tuple((index(row_filter.column, f"values.{at}.where"), row_filter) for row_filter in value.where)
        unit = None if value.unit_column is None else index(value.unit_column, f"values.{at}.unit_column")
        reader = Channelled(self._mapping, value, self._assembly, self._identifiers)
        return reader, unit, Filter(filters), [position for position, _ in filters]

    def read(self, lines: list[str], row: Ints, *, final: bool = False) -> None:
        """Add what the lines hold to the assembly; a row needs no other one, so nothing is held back, `final` or not."""
        del final
        table, problems = self._splitter.split(lines, row)
        self._assembly.problems(problems)
        self._assembly.met(rows=len(table.row) + len(problems))
        about = [chosen.passes(table.columns, len(table.row)) for _, _, chosen, _ in self._values]
        met = np.logical_or.reduce(about) if len(table.row) else np.zeros(0, np.bool_)
        self._assembly.met(skipped=int((~met).sum()))
        table = table.kept(met)
        midnight, readable = self._midnights(table)
        meter = self._meters(table, readable)
        readable &= meter >= 0
        table, midnight, meter = table.kept(readable), midnight[readable], meter[readable]
        times = self._times(midnight)
        whole = self._whole(table, times)
        times = _Times(start=times.start[whole], exists=times.exists[whole], unsure=times.unsure[whole])
        self._emit(table.kept(whole), meter[whole], times)

    def _midnights(self, table: Table) -> tuple[Ints, Flags]:
        """Return the local midnight of each row in local seconds, and which rows have one."""
        texts = table.columns[self._at_time[0]]
        if len(self._at_time) > 1:
            texts = [f"{day} {clock}" for day, clock in zip(texts, table.columns[self._at_time[1]], strict=True)]
        stamps = self._parser.parse(texts)
        local = np.where(stamps.has_offset, transitions(self._zone, stamps.seconds).to_local(stamps.seconds), stamps.seconds)
        at_midnight = local % _DAY_S == 0
        known = in_range(local)
        for at in np.flatnonzero(~(stamps.ok & at_midnight & known)).tolist():
            if not table.lines[at].strip(f'{self._mapping.delimiter}" '):
                self._assembly.met(skipped=1)
                continue
            wrong = stamps.ok[at] and at_midnight[at]
            text = "the year is not between 1970 and 2099" if wrong else "not a date in the formats of the mapping"
            reason = Reason.TIME_OUT_OF_RANGE if wrong else Reason.BAD_TIME
            self._assembly.problem(int(table.row[at]), self._header.label(self._at_time[0]), reason, text, texts[at])
        return local, stamps.ok & at_midnight & known

    def _meters(self, table: Table, readable: Flags) -> Ints:
        texts = [self._mapping.identifier or ""] * len(table.row) if self._at_identifier is None else table.columns[self._at_identifier]
        numbers = np.fromiter((self._number(text.strip()) for text in texts), np.int64, len(texts))
        label = self._header.label(self._at_identifier or 0)
        for at in np.flatnonzero((numbers < 0) & readable).tolist():
            self._assembly.problem(int(table.row[at]), label, Reason.MISSING_IDENTIFIER, "the row names no meter", table.lines[at])
        return numbers

    def _number(self, identifier: str) -> int:
        if identifier and identifier not in self._numbers:
            self._numbers[identifier] = len(self._identifiers)
            self._identifiers.append(identifier)
        return self._numbers.get(identifier, -1)

    def _times(self, midnight: Ints) -> _Times:
        """Return when each slot of each row begins."""
        table = transitions(self._zone, midnight)
        if self._day.clock_change is ClockChange.ELAPSED:
            start, end = table.first(midnight), table.first(midnight + _DAY_S)
            begins = start[:, None] + np.arange(len(self._slots.columns)) * self._day.step_s
            return _Times(start=begins, exists=begins < end[:, None], unsure=np.zeros(begins.shape, np.bool_))
        local = midnight[:, None] + self._slots.begins_s
        first, second = table.first(local), table.second(local)
        twice = (first != second) & ~table.missing(local)
        exists = np.where(self._slots.repeated, twice, ~table.missing(local))
        named_twice = np.isin(self._slots.begins_s, self._slots.begins_s[self._slots.repeated])
        return _Times(start=np.where(self._slots.repeated, second, first), exists=exists, unsure=twice & ~named_twice)

    def _whole(self, table: Table, times: _Times) -> Flags:
        """Tell which rows fill the slots of their day; the others are refused, because their values may stand in the wrong hours."""
        whole = np.ones(len(table.row), np.bool_)
        if len(table.row) == 0:
            return whole
        odd = np.flatnonzero(~times.exists.all(axis=1) | (self._lacking(times) > 0))
        for at in odd.tolist():
            cells = [table.columns[column][at].strip() for column in self._slots.columns]
            outside = [cell for cell, exists in zip(cells, times.exists[at].tolist(), strict=True) if not exists]
            if all(cell in self._mapping.missing for cell in outside) and not self._lacking(times)[at]:
                continue
            whole[at] = False
            text = f"the day has {self._length(times, at)} slots, the row has {len(cells) - sum(c in self._mapping.missing for c in cells)}"
            self._assembly.problem(int(table.row[at]), "", Reason.SLOT_COUNT_MISMATCH, text, table.lines[at])
        return whole

    def _lacking(self, times: _Times) -> Ints:
        """Return how many slots of the day have no column; the clock has room for all of them."""
        if self._day.clock_change is ClockChange.CLOCK:
            return np.zeros(len(times.start), np.int64)
        return np.array([max(self._length(times, at) - len(self._slots.columns), 0) for at in range(len(times.start))], np.int64)

    def _length(self, times: _Times, at: int) -> int:
        table = transitions(self._zone, times.start[at])
        midnight = int(table.to_local(times.start[at, :1])[0])
        day = table.first(np.array([midnight, midnight + _DAY_S], np.int64))
        return int(day[1] - day[0]) // self._day.step_s

    def _emit(self, table: Table, meter: Ints, times: _Times) -> None:
        width = len(self._slots.columns)
        quality = np.repeat(self._qualities.read(table.columns, len(table.row)), width)
        quality[times.unsure.ravel() & (quality > 0)] = Quality.SUSPECT
        for reader, unit_column, chosen, _ in self._values:
            about = chosen.passes(table.columns, len(table.row))
            cells = [cell for values in zip(*(table.columns[column] for column in self._slots.columns), strict=True) for cell in values]
            units = None if unit_column is None else [unit for unit in table.columns[unit_column] for _ in range(width)]
            keep = np.repeat(about, width) & times.exists.ravel()
            at = np.flatnonzero(keep).tolist()
            reader.read(
                self._placed(table, meter, times, quality).kept(keep),
                [cells[i] for i in at],
                None if units is None else [units[i] for i in at],
                lambda position, at=at: self._header.label(self._slots.columns[at[position] % width]),
            )

    def _placed(self, table: Table, meter: Ints, times: _Times, quality: NDArray[np.int8]) -> Placed:
        width, start = len(self._slots.columns), times.start.ravel()
        ends = self._mapping.time.stamp_at is StampAt.END
        return Placed(
            meter=np.repeat(meter, width),
            stamp=start + self._day.step_s if ends else start,
            start=start,
            duration=np.full(len(start), self._day.step_s, np.int64),
            quality=quality,
            row=np.repeat(table.row, width),
        )


def _slots(header: Header, day: DayMapping, stamp_at: StampAt) -> _Slots:
    """Return the slots: from the first column on, or those named by a time of day, which is the end of the slot where stamps are ends."""
    if day.first_column is not None:
        first = header.index(day.first_column, "day.first_column")
        count = day.slot_count or _DAY_S // day.step_s
        begins = np.arange(count, dtype=np.int64) * day.step_s
        return _Slots(columns=list(range(first, first + count)), begins_s=begins, repeated=begins >= _DAY_S)
    named = [(at, _time_of_day(name)) for at, name in enumerate(header.names or [])]
    columns = [at for at, time in named if time is not None]
    if not columns:
        header.note_missing_slots("day.first_column")
    shift = day.step_s if stamp_at is StampAt.END else 0
    # The end of the last slot is written 24:00 or 00:00.
    begins = np.array([(time - shift) % _DAY_S for _, time in named if time is not None], np.int64)
    repeated = np.array([begin in begins[:at] for at, begin in enumerate(begins)], np.bool_)
    return _Slots(columns=columns, begins_s=begins, repeated=repeated)


def _time_of_day(name: str) -> int | None:
    match = _TIME_OF_DAY.fullmatch(folded(name))
    return None if match is None else int(match[1]) * 3600 + int(match[2]) * 60
