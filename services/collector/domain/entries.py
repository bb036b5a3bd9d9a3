"""Turns the entries of documents (JSON, XML, workbooks), which have no lines, into readings, gaps and problems."""

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np

from collector.domain.assembly import Assembly, Rows
from collector.domain.intervals import in_range
from collector.domain.local_time import resolve
from collector.domain.numbers import NumberFormat, parse_numbers
from collector.domain.parsed import Flags, Ints, ReadingKind, Reason, Series
from collector.domain.stamps import StampParser
from vocabulary.quality import Quality

_TEXTS = {
    Reason.BAD_TIME: "not a time",
    Reason.TIME_OUT_OF_RANGE: "the year is not between 1970 and 2099",
    Reason.NONEXISTENT_LOCAL_TIME: "the clock skipped this time",
    Reason.NOT_A_NUMBER: "not a number",
    Reason.VALUE_OUT_OF_RANGE: "too large",
    Reason.NEGATIVE_VALUE: "an index, or a quantity of one direction, is never negative",
    Reason.STEP_UNKNOWN: "nothing tells how long the interval is",
}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Instants:
    """UTC seconds of some texts, and which could not be told and why."""

    utc: Ints
    unsure: Flags
    reasons: dict[int, Reason]


def instants(texts: list[str], formats: tuple[str, ...], zone: ZoneInfo, *, shift_s: int = 0, ends: bool = False) -> Instants:
    """Return the instants of stamps in the order of the document; the clock of the zone is moved on by `shift_s` first (civil days)."""
    stamps = StampParser(formats).parse(texts)
    nothing = np.zeros(len(texts), np.bool_)
    none_before = np.full(1, -1, np.int64)
    local = np.where(stamps.has_offset | ~stamps.ok, 0, stamps.seconds + shift_s)
    resolved = resolve(np.zeros(len(texts), np.int64), local, zone, none_before, ends=ends, open_ended=nothing)
    utc = np.where(stamps.has_offset, stamps.seconds + shift_s, resolved.utc)
    reasons: dict[int, Reason] = dict.fromkeys(np.flatnonzero(~in_range(utc)).tolist(), Reason.TIME_OUT_OF_RANGE)
    reasons.update(dict.fromkeys(np.flatnonzero(resolved.missing & ~stamps.has_offset).tolist(), Reason.NONEXISTENT_LOCAL_TIME))
    reasons.update(dict.fromkeys(np.flatnonzero(~stamps.ok).tolist(), Reason.BAD_TIME))
    return Instants(utc=utc, unsure=resolved.unsure & ~stamps.has_offset, reasons=reasons)


@dataclass(kw_only=True, slots=True)
class Entries:
    """The values of one series, as the document writes them; an empty text is a gap."""

    series: Series
    factor: int
    """Base units in one written unit."""
    stamps: list[str] = field(default_factory=list[str])
    values: list[str] = field(default_factory=list[str])
    qualities: list[int] = field(default_factory=list[int])
    rows: list[int] = field(default_factory=list[int])

    def add(self, stamp: str, value: str, quality: Quality, row: int) -> None:
        """Add one value; `row` numbers the entries of the document from 1."""
        self.stamps.append(stamp)
        self.values.append(value.strip())
        self.qualities.append(int(quality))
        self.rows.append(row)


def add_entries(assembly: Assembly, entries: Entries, start: Instants, duration: Ints, factor: Ints | None = None) -> None:
    """Add what the entries hold; `factor` replaces theirs where every value has its own (mean power)."""
    row = np.array(entries.rows, np.int64)
    empty = np.array([not value for value in entries.values], np.bool_)
    numbers = parse_numbers([value or "0" for value in entries.values], entries.factor if factor is None else factor, NumberFormat())
    refused = dict.fromkeys(np.flatnonzero(numbers.value < 0).tolist(), Reason.NEGATIVE_VALUE)
    refused.update(numbers.reasons)
    if entries.series.kind is ReadingKind.INTERVAL:
        refused.update(dict.fromkeys(np.flatnonzero(duration <= 0).tolist(), Reason.STEP_UNKNOWN))
    refused.update(start.reasons)
    good = np.ones(len(row), np.bool_)
    for at, reason in refused.items():
        good[at] = False
        if not empty[at] or at in start.reasons:
            excerpt = entries.stamps[at] if at in start.reasons else entries.values[at]
            assembly.problem(entries.rows[at], "", reason, _TEXTS[reason], excerpt)
    quality = np.where(start.unsure, int(Quality.SUSPECT), np.array(entries.qualities, np.int64)).astype(np.int8)
    of = np.full(len(row), assembly.number(entries.series), np.int64)
    gap = empty & ~np.isin(np.arange(len(row)), list(start.reasons))
    good &= ~empty
    assembly.readings(
        Rows(of=of[good], time=start.utc[good], duration=duration[good], row=row[good], value=numbers.value[good], quality=quality[good])
    )
    assembly.gaps(Rows(of=of[gap], time=start.utc[gap], duration=duration[gap], row=row[gap]))
