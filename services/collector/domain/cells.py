"""Turns the cells of placed rows into readings, gaps and problems of one channel."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from collector.domain.assembly import Assembly, Rows
from collector.domain.mapping import Mapping, Measures, QualityMapping, QualityName, RowFilter, ValueMapping, unit_fits
from collector.domain.numbers import NumberFormat, marked, parse_numbers
from collector.domain.parsed import Flags, Identifier, Ints, ReadingKind, Reason, Series
from collector.domain.table import folded
from collector.domain.units import FACTORS, unit_named
from vocabulary.quality import Quality

MISSING_QUALITY = 0
"""In a column of qualities: the sender says that there is no value."""
REFUSED_QUALITY = -1
"""In a column of qualities: nobody knows what the sender says."""

_TEXTS = {
    Reason.NOT_A_NUMBER: "not a number",
    Reason.VALUE_OUT_OF_RANGE: "too large",
    Reason.NEGATIVE_VALUE: "an index, or a quantity of one direction, is never negative",
    Reason.UNKNOWN_UNIT: "not a unit of this channel",
    Reason.UNKNOWN_QUALITY: "the mapping does not say what this means for the value",
    Reason.STEP_UNKNOWN: "nothing tells how long the interval is",
}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Placed:
    """Cells whose meter and time are known; all columns have one length."""

    meter: Ints
    """Number of the identifier in this file."""
    stamp: Ints
    """UTC seconds of the stamp itself: when a register showed its index."""
    start: Ints
    duration: Ints
    """Seconds; 0 where unknown."""
    quality: NDArray[np.int8]
    row: Ints

    def kept(self, keep: Flags) -> "Placed":
        """Return the rows for which the flag is set."""
        if keep.all():
            return self
        names = ("meter", "stamp", "start", "duration", "quality", "row")
        return replace(self, **{name: getattr(self, name)[keep] for name in names})


class Channelled:
    """Reads the cells of one value mapping."""

    def __init__(self, mapping: Mapping, value: ValueMapping, assembly: Assembly, identifiers: list[str]) -> None:
        """Read as `value` says; `identifiers` is the growing list that `Placed.meter` points into."""
        self._value = value
        self._scheme = mapping.identifier_scheme
        self._missing = mapping.missing
        self._zero_is_missing = mapping.zero_is_missing
        self._form = NumberFormat(decimal_sign=mapping.decimal_sign, thousands_sign=mapping.thousands_sign)
        self._assembly = assembly
        self._identifiers = identifiers
        self._numbers: Ints = np.zeros(0, np.int64)
        self._kind = ReadingKind.REGISTER if value.measures is Measures.REGISTER else ReadingKind.INTERVAL

    def read(self, placed: Placed, texts: list[str], units: list[str] | None, label: Callable[[int], str]) -> None:
        """Add the readings, gaps and problems of the cells; `units`: texts of the unit column; `label`: position → name of its column."""
        empty = marked(texts, self._missing) | (placed.quality == MISSING_QUALITY)
        factor, refused = self._factors(len(texts), units)
        refused.update(dict.fromkeys(np.flatnonzero(placed.quality == REFUSED_QUALITY).tolist(), Reason.UNKNOWN_QUALITY))
        if self._kind is ReadingKind.INTERVAL:
            refused.update(dict.fromkeys(np.flatnonzero(placed.duration <= 0).tolist(), Reason.STEP_UNKNOWN))
        filled = np.flatnonzero(~empty)
        chosen = texts if len(filled) == len(texts) else [texts[at] for at in filled.tolist()]
        if self._value.measures is Measures.MEAN_POWER:
            factor = factor * placed.duration
        numbers = parse_numbers(chosen, factor[filled] if isinstance(factor, np.ndarray) else factor, self._form)
        refused.update({int(filled[at]): reason for at, reason in numbers.reasons.items()})
        value = np.zeros(len(texts), np.int64)
        value[filled] = numbers.value
        refused.update({at: Reason.NEGATIVE_VALUE for at in np.flatnonzero(value < 0).tolist() if at not in refused})
        if self._zero_is_missing:
            wrong = np.zeros(len(texts), np.bool_)
            wrong[[*refused]] = True
            empty |= (value == 0) & ~wrong
        self._add(placed, texts, value, empty, refused, label)

    def _add(
        self, placed: Placed, texts: list[str], value: Ints, empty: Flags, refused: dict[int, Reason], label: Callable[[int], str]
    ) -> None:
        good = ~empty
        for at in sorted(refused):
            if good[at]:
                good[at] = False
                self._assembly.problem(int(placed.row[at]), label(at), refused[at], _TEXTS[refused[at]], texts[at])
        self._assembly.readings(self._rows(placed.kept(good), value[good]))
        if self._value.missing_is_gap:
            self._assembly.gaps(self._rows(placed.kept(empty), None))

    def _rows(self, placed: Placed, value: Ints | None) -> Rows:
        at_instant = self._kind is ReadingKind.REGISTER
        return Rows(
            of=self._series(placed.meter),
            time=placed.stamp if at_instant else placed.start,
            duration=np.zeros(len(placed.row), np.int64) if at_instant else placed.duration,
            row=placed.row,
            value=value,
            quality=None if value is None else placed.quality,
        )

    def _series(self, meter: Ints) -> Ints:
        """Return the series numbers of the meters, making the series of new ones."""
        if len(self._numbers) < len(self._identifiers):
            self._numbers = np.concatenate((self._numbers, np.full(len(self._identifiers) - len(self._numbers), -1, np.int64)))
        new: list[int] = meter[self._numbers[meter] < 0].tolist()
        for number in dict.fromkeys(new):
            identifier = Identifier(scheme=self._scheme, value=self._identifiers[number])
            self._numbers[number] = self._assembly.number(Series(identifier=identifier, channel=self._value.channel, kind=self._kind))
        return self._numbers[meter]

    def _factors(self, size: int, units: list[str] | None) -> tuple[int | Ints, dict[int, Reason]]:
        """Return base units per written unit, one for all or one each, and which rows have no unit that fits."""
        if self._value.unit is not None or units is None:
            return (1 if self._value.unit is None else FACTORS[self._value.unit][0]), {}
        known: dict[str, int] = {}
        for text in set(units):
            unit = unit_named(text)
            known[text] = FACTORS[unit][0] if unit is not None and unit_fits(unit, self._value) else 0
        factors = np.fromiter((known[text] for text in units), np.int64, size)
        return factors, dict.fromkeys(np.flatnonzero(factors == 0).tolist(), Reason.UNKNOWN_UNIT)


class Filter:
    """Tells which rows a value mapping is about."""

    def __init__(self, filters: tuple[tuple[int, RowFilter], ...]) -> None:
        """Take the filters with the positions of their columns."""
        self._filters = [(at, frozenset(folded(text) for text in row_filter.equals)) for at, row_filter in filters]

    def passes(self, columns: dict[int, list[str]], size: int) -> Flags:
        """Return a flag for each row."""
        result = np.ones(size, np.bool_)
        for at, wanted in self._filters:
            known = {text: folded(text) in wanted for text in set(columns[at])}
            result &= np.fromiter(map(known.__getitem__, columns[at]), np.bool_, size)
        return result


class Qualities:
    """Reads the quality columns; the worst one counts."""

    def __init__(self, mappings: tuple[tuple[int, QualityMapping], ...]) -> None:
        """Take the mappings with the positions of their columns."""
        self._mappings = [
            (at, {folded(text): _number(name) for text, name in mapping.values.items()}, _number(mapping.otherwise))
            for at, mapping in mappings
        ]

    def read(self, columns: dict[int, list[str]], size: int) -> NDArray[np.int8]:
        """Return the quality of each row: measured where no column says otherwise, else as `MISSING_QUALITY` and the numbers have it."""
        result = np.full(size, Quality.MEASURED if not self._mappings else Quality.CORRECTED, np.int8)
        absent, refused = np.zeros(size, np.bool_), np.zeros(size, np.bool_)
        for at, values, otherwise in self._mappings:
            known = {text: values.get(folded(text), otherwise) for text in set(columns[at])}
            said = np.fromiter(map(known.__getitem__, columns[at]), np.int8, size)
            absent |= said == MISSING_QUALITY
            refused |= said == REFUSED_QUALITY
            result = np.maximum(result, said)
        return np.where(absent, MISSING_QUALITY, np.where(refused, REFUSED_QUALITY, result)).astype(np.int8)


def _number(name: QualityName | None) -> int:
    if name is None:
        return REFUSED_QUALITY
    return MISSING_QUALITY if name.quality is None else int(name.quality)
