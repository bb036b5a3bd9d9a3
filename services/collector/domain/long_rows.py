"""Reads delimited rows that each stand for one instant: one meter per row, or one column per meter."""

from dataclasses import dataclass, replace

import numpy as np

from collector.domain.assembly import Assembly
from collector.domain.cells import Channelled, Filter, Placed, Qualities
from collector.domain.intervals import (
    Clock,
    StepInference,
    Stretches,
    civil_stretches,
    in_range,
    last_of_each,
    step_seconds,
    stretches,
)
from collector.domain.mapping import CivilStep, Mapping, Measures, StampAt, ValueMapping
from collector.domain.parsed import Flags, Ints, Reason
from collector.domain.stamps import StampColumn, StampParser
from collector.domain.steps import LIKELY_STEPS_S
from collector.domain.table import Header, Splitter, Table
from vocabulary.quality import Quality

_MOST_HELD = 100_000
"""Rows held back for what follows them; with more, the clock is settled with what is known."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Located:
    """Rows whose meter and stamp could be read."""

    table: Table
    meter: Ints
    clock: Ints
    """Which sequence of stamps the row continues: one per meter, and per filter where rows of several channels are mixed."""
    stamps: StampColumn
    fresh: Flags
    """False: the row was held back by the block before."""

    def kept(self, keep: Flags) -> "_Located":
        if keep.all():
            return self
        stamps = StampColumn(seconds=self.stamps.seconds[keep], has_offset=self.stamps.has_offset[keep], ok=self.stamps.ok[keep])
        return _Located(table=self.table.kept(keep), meter=self.meter[keep], clock=self.clock[keep], stamps=stamps, fresh=self.fresh[keep])


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Value:
    """One column of values and how it is read."""

    column: int
    unit_column: int | None
    filter: Filter
    reader: Channelled


class LongRows:
    """Reads one table of such rows, block by block."""

    def __init__(
        self,
        mapping: Mapping,
        header: Header,
        assembly: Assembly,
        *,
        likely_steps: tuple[int, ...] = LIKELY_STEPS_S,
        on_the_clock: bool = False,
    ) -> None:
        """Find the columns. Raises UnknownColumn when the header lacks some."""
        self._mapping, self._header, self._assembly = mapping, header, assembly
        self._identifiers: list[str] = [mapping.identifier] if mapping.identifier is not None else []
        self._numbers: dict[str, int] = {}
        self._at_identifier = None if mapping.identifier_column is None else header.index(mapping.identifier_column, "identifier_column")
        self._at_time = [header.index(column, "time.columns") for column in mapping.time.columns]
        step_column = mapping.time.step_column
        self._at_step = None if step_column is None else header.index(step_column, "time.step_column")
        quality = tuple((header.index(entry.column, f"quality.{at}.column"), entry) for at, entry in enumerate(mapping.quality))
        self._qualities = Qualities(quality)
        self._at_quality = [at for at, _ in quality]
        self._filter_columns: set[int] = set()
        self._values = self._meter_columns() if mapping.identifiers_in_header else self._value_columns()
        header.check()
        self._splitter = Splitter(mapping.delimiter, self._used(), header)
        self._parser = StampParser(mapping.time.formats)
        self._clock = Clock(mapping.time)
        ends = mapping.time.stamp_at is StampAt.END
        self._inference = StepInference(likely_steps, ends=ends, on_the_clock=on_the_clock) if self._infers() else None
        self._held: tuple[list[str], Ints] = ([], np.zeros(0, np.int64))

    def read(self, lines: list[str], row: Ints, *, final: bool = False) -> None:
        """Add what the lines hold to the assembly; some of the last rows may be held back until more is known, unless `final`."""
        held_lines, held_row = self._held
        table, problems = self._splitter.split(held_lines + lines, np.concatenate((held_row, row)))
        self._assembly.problems(problems)
        self._assembly.met(rows=len(table.row) + len(problems) - len(held_row))
        located = self._located(table, len(held_row))
        resolved = self._clock.place(located.clock, located.stamps, self._open_ended(located, final=final))
        held = resolved.held | self._awaiting_step(located, final=final)
        right = held | (~resolved.missing & in_range(resolved.utc))
        for at in np.flatnonzero(~right).tolist():
            reason = Reason.NONEXISTENT_LOCAL_TIME if resolved.missing[at] else Reason.TIME_OUT_OF_RANGE
            self._refuse_time(located.table, at, reason)
        self._place(located.kept(right), resolved.utc[right], resolved.unsure[right], held[right])

    def _place(self, located: _Located, utc: Ints, unsure: Flags, held: Flags) -> None:
        """Emit the rows whose interval is known, and hold the others."""
        span = self._span(located, utc, held)
        qualities = self._qualities.read(located.table.columns, len(held))
        qualities[unsure & (qualities > 0)] = Quality.SUSPECT
        placed = Placed(meter=located.meter, stamp=utc, start=span.start, duration=span.duration, quality=qualities, row=located.table.row)
        self._emit(placed, located.table, ~held)
        self._held = ([located.table.lines[at] for at in np.flatnonzero(held).tolist()], located.table.row[held])

    def _value_columns(self) -> list[_Value]:
        return [self._value(value, at, None) for at, value in enumerate(self._mapping.values)]

    def _value(self, value: ValueMapping, at: int, column: int | None) -> _Value:
        index = self._header.index
        filters = tuple((index(row_filter.column, f"values.{at}.where"), row_filter) for row_filter in value.where)
        self._filter_columns |= {position for position, _ in filters}
        if column is None:
            column = 0 if value.column is None else index(value.column, f"values.{at}.column")
        return _Value(
            column=column,
            unit_column=None if value.unit_column is None else index(value.unit_column, f"values.{at}.unit_column"),
            filter=Filter(filters),
            reader=Channelled(self._mapping, value, self._assembly, self._identifiers),
        )

    def _meter_columns(self) -> list[_Value]:
        """Return one value for each column that has no other meaning; its name is the identifier."""
        template = self._mapping.values[0]
        first = self._value(template, 0, 0)
        taken = {*self._at_time, *self._at_quality, *self._filter_columns, first.unit_column, self._at_step}
        values: list[_Value] = []
        for at, name in enumerate(self._header.names or []):
            if at not in taken and name.strip():
                reader = Channelled(self._mapping, template, self._assembly, [name.strip()])
                values.append(replace(first, column=at, reader=reader))
        return values

    def _used(self) -> set[int]:
        used = {*self._at_time, *self._at_quality, *self._filter_columns, *(value.column for value in self._values)}
        used |= {value.unit_column for value in self._values if value.unit_column is not None}
        return used | {at for at in (self._at_identifier, self._at_step) if at is not None}

    def _infers(self) -> bool:
        time = self._mapping.time
        return time.step is None and time.step_column is None and self._has_intervals()

    def _has_intervals(self) -> bool:
        return any(value.measures is not Measures.REGISTER for value in self._mapping.values)

    def _located(self, table: Table, held: int) -> _Located:
        fresh = np.arange(len(table.row)) >= held
        channel = self._channels(table)
        if (channel < 0).any():
            self._assembly.met(skipped=int((channel < 0).sum()))
            table, fresh, channel = table.kept(channel >= 0), fresh[channel >= 0], channel[channel >= 0]
        texts = table.columns[self._at_time[0]]
        if len(self._at_time) > 1:
            texts = [f"{day} {clock}" for day, clock in zip(texts, table.columns[self._at_time[1]], strict=True)]
        stamps = self._parser.parse(texts)
        meter = self._meters(table)
        located = _Located(table=table, meter=meter, clock=meter * len(self._values) + channel, stamps=stamps, fresh=fresh)
        return located.kept(self._readable(table, stamps, meter))

    def _channels(self, table: Table) -> Ints:
        """Return the first value whose filters let each row pass, -1 where none does."""
        channel = np.full(len(table.row), -1, np.int64)
        for number, value in enumerate(self._values):
            channel[(channel < 0) & value.filter.passes(table.columns, len(channel))] = number
            if (channel >= 0).all():
                break
        return channel

    def _meters(self, table: Table) -> Ints:
        """Return the number of the identifier of each row, -1 where it is empty."""
        if self._at_identifier is None:
            return np.zeros(len(table.row), np.int64)
        texts = table.columns[self._at_identifier]
        for text in dict.fromkeys(texts):
            if text not in self._numbers:
                self._numbers[text] = self._number(text.strip())
        return np.fromiter(map(self._numbers.__getitem__, texts), np.int64, len(texts))

    def _number(self, identifier: str) -> int:
        if not identifier:
            return -1
        if identifier in self._numbers:
            return self._numbers[identifier]
        self._identifiers.append(identifier)
        self._numbers[identifier] = len(self._identifiers) - 1
        return self._numbers[identifier]

    def _readable(self, table: Table, stamps: StampColumn, meter: Ints) -> Flags:
        readable = stamps.ok & (meter >= 0)
        for at in np.flatnonzero(~readable).tolist():
            row, line = int(table.row[at]), table.lines[at]
            if not line.strip(f'{self._mapping.delimiter}" '):
                self._assembly.met(skipped=1)
            elif not stamps.ok[at]:
                self._refuse_time(table, at, Reason.BAD_TIME)
            else:
                label = self._header.label(self._at_identifier or 0)
                self._assembly.problem(row, label, Reason.MISSING_IDENTIFIER, "the row names no meter", line)
        return readable

    def _refuse_time(self, table: Table, at: int, reason: Reason) -> None:
        texts = {
            Reason.BAD_TIME: "not a time in the formats of the mapping",
            Reason.NONEXISTENT_LOCAL_TIME: f"the clock of {self._mapping.time.zone} skipped this time",
            Reason.TIME_OUT_OF_RANGE: "the year is not between 1970 and 2099",
        }
        excerpt = " ".join(table.columns[column][at] for column in self._at_time)
        self._assembly.problem(int(table.row[at]), self._header.label(self._at_time[0]), reason, texts[reason], excerpt)

    def _open_ended(self, located: _Located, *, final: bool) -> Flags:
        """Tell for which rows more of their meter may follow: not at the end, and not when the last block brought nothing."""
        if final or len(located.clock) == 0 or len(self._held[1]) > _MOST_HELD:
            return np.zeros(len(located.clock), np.bool_)
        return np.bincount(located.clock, weights=located.fresh)[located.clock] > 0

    def _awaiting_step(self, located: _Located, *, final: bool) -> Flags:
        if self._inference is None:
            return np.zeros(len(located.meter), np.bool_)
        return self._open_ended(located, final=final) & last_of_each(located.clock)

    def _span(self, located: _Located, utc: Ints, unsettled: Flags) -> Stretches:
        """Return the interval of each row."""
        time = self._mapping.time
        if not self._has_intervals():
            return Stretches(start=utc, duration=np.zeros(len(utc), np.int64))
        if isinstance(time.step, CivilStep):
            return civil_stretches(utc, time.step, time.stamp_at, self._clock.zone)
        if time.step is not None:
            step = np.full(len(utc), time.step, np.int64)
        elif self._at_step is not None:
            texts = located.table.columns[self._at_step]
            known = {text: step_seconds(text, time.step_column_unit_s) for text in set(texts)}
            step = np.fromiter(map(known.__getitem__, texts), np.int64, len(texts))
        elif self._inference is not None:
            step = self._inference.steps(located.clock, utc, unsettled)
        else:
            step = np.zeros(len(utc), np.int64)
        return stretches(utc, step, time.stamp_at)

    def _emit(self, placed: Placed, table: Table, settled: Flags) -> None:
        placed, table = placed.kept(settled), table.kept(settled)
        for value in self._values:
            about = value.filter.passes(table.columns, len(table.row))
            rows, cells = placed.kept(about), table.kept(about)
            units = None if value.unit_column is None else cells.columns[value.unit_column]
            label = self._header.label(value.column)
            value.reader.read(rows, cells.columns[value.column], units, lambda _at, label=label: label)
