"""Turns the texts of times into seconds, whole columns at once where their form allows it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from collector.domain.numbers import NumberFormat, parse_numbers
from collector.domain.parsed import Flags, Ints

EARLIEST, LATEST = 0, 4_102_444_800
"""UTC seconds of 1970 and 2100: what lies outside is a wrong date, not a meter reading."""

ISO, EPOCH_S, EPOCH_MS = "iso", "epoch_s", "epoch_ms"
"""Formats by name; every other format is written in the directives of strptime."""

DIRECTIVES = frozenset("YymdHIMSfpbBz%")

_WIDTHS = {"Y": 4, "y": 2, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2}
_ISO_FORMS = tuple(
    date + clock + offset
    for date, clock in (
        ("%Y-%m-%d", ""),
        *(("%Y-%m-%d", sign + clock) for sign in ("T", " ") for clock in ("%H:%M", "%H:%M:%S")),
    )
    for offset in ("", "Z", "+%h:%i", "-%h:%i")
    if clock or not offset
)
"""ISO 8601 forms read as columns; `%h:%i` is the offset. All others go through `datetime.fromisoformat`."""

_LONGEST_STAMP = 64
_CACHED = 100_000
_MONTH_LENGTHS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_TWO_DIGIT_YEARS_OF_1900 = 69


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StampColumn:
    """Seconds of each text: since 1970 in UTC where the text has an offset, on the local clock where it has none."""

    seconds: Ints
    has_offset: Flags
    ok: Flags


class StampParser:
    """Reads texts in one of a few formats; the first format that fits counts. Hour 24 is the next day's hour 0."""

    def __init__(self, formats: tuple[str, ...]) -> None:
        """Prepare the formats: `iso`, `epoch_s`, `epoch_ms`, or strptime's directives."""
        self._formats = formats
        self._forms = [form for name in formats for form in _forms_of(name)]
        self._known: dict[str, tuple[int, bool] | None] = {}

    def parse(self, texts: list[str]) -> StampColumn:
        """Return the seconds of each text; parts of a second are cut off. Never raises."""
        size = len(texts)
        column = StampColumn(seconds=np.zeros(size, np.int64), has_offset=np.zeros(size, np.bool_), ok=np.zeros(size, np.bool_))
        if self._formats[0] in {EPOCH_S, EPOCH_MS}:
            _read_epoch(texts, self._formats[0], column)
        else:
            self._read_columns(texts, column)
            self._read_singly(texts, column)
        return column

    def _read_columns(self, texts: list[str], column: StampColumn) -> None:
        plain = texts if "".join(texts).isascii() else [text if text.isascii() else "" for text in texts]
        lengths = np.fromiter(map(len, plain), np.int64, len(plain))
        for form in self._forms:
            at = np.flatnonzero((lengths == form.width) & ~column.ok)
            if len(at) == 0:
                continue
            chosen = plain if len(at) == len(plain) else [plain[i] for i in at.tolist()]
            seconds, ok = form.read(np.array(chosen, dtype=f"S{form.width}").view(np.uint8).reshape(len(at), form.width))
            column.seconds[at[ok]] = seconds[ok]
            column.has_offset[at[ok]] = form.has_offset
            column.ok[at[ok]] = True

    def _read_singly(self, texts: list[str], column: StampColumn) -> None:
        for at in np.flatnonzero(~column.ok).tolist():
            found = self._single(texts[at])
            if found is not None:
                column.seconds[at], column.has_offset[at] = found
                column.ok[at] = True

    def _single(self, text: str) -> tuple[int, bool] | None:
        if text in self._known:
            return self._known[text]
        found = _first_fit(text.strip(), self._formats) if len(text) <= _LONGEST_STAMP else None
        if len(self._known) < _CACHED:
            self._known[text] = found
        return found


def _read_epoch(texts: list[str], name: str, column: StampColumn) -> None:
    numbers = parse_numbers(texts, 1000 if name == EPOCH_S else 1, NumberFormat())
    column.seconds[:] = numbers.value // 1000
    column.ok[:] = numbers.ok
    column.has_offset[:] = True


def _first_fit(text: str, formats: tuple[str, ...]) -> tuple[int, bool] | None:
    for name in formats:
        try:
            time = datetime.fromisoformat(text) if name == ISO else datetime.strptime(text, name)  # noqa: DTZ007 — the zone comes later
            if time.tzinfo is not None:
                return int(time.astimezone(UTC).timestamp() // 1), True
            return int(time.replace(tzinfo=UTC).timestamp() // 1), False
        except (ValueError, OverflowError):
            continue
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Form:
    """A form of fixed width: where the digits of each directive stand, and which characters stand between them."""

    width: int
    fields: dict[str, tuple[int, int]]
    literals: tuple[tuple[int, int], ...]
    has_offset: bool
    offset_sign: int

    def read(self, characters: NDArray[np.uint8]) -> tuple[Ints, Flags]:
        """Return the seconds, and which rows have this form; `characters` is one row of bytes per text."""
        ok = np.ones(len(characters), np.bool_)
        for at, literal in self.literals:
            ok &= characters[:, at] == literal
        values = {name: _digits(characters, at, width, ok) for name, (at, width) in self.fields.items()}
        zero = np.zeros(len(characters), np.int64)
        year = values["Y"] if "Y" in values else _full_year(values["y"])
        days = _days(year, values["m"], values["d"], ok)
        clock = [values.get(name, zero) for name in "HMS"]
        _check_clock(clock[0], clock[1], clock[2], ok)
        offset = self.offset_sign * (values.get("h", zero) * 3600 + values.get("i", zero) * 60)
        return days * 86_400 + clock[0] * 3600 + clock[1] * 60 + clock[2] - offset, ok


def _digits(characters: NDArray[np.uint8], at: int, width: int, ok: Flags) -> Ints:
    value = np.zeros(len(characters), np.int64)
    for place in range(at, at + width):
        digit = characters[:, place].astype(np.int64) - ord("0")
        ok &= (digit >= 0) & (digit <= 9)  # noqa: PLR2004 — the digits
        value = value * 10 + digit
    return value


def _full_year(year: Ints) -> Ints:
    # As POSIX has it: 69 to 99 are of the 20th century.
    return year + np.where(year < _TWO_DIGIT_YEARS_OF_1900, 2000, 1900)


def _days(year: Ints, month: Ints, day: Ints, ok: Flags) -> Ints:
    """Return the days since 1970-01-01 in the Gregorian calendar, and take out of `ok` what is no date."""
    ok &= (month >= 1) & (month <= 12) & (day >= 1)  # noqa: PLR2004 — the months
    within = np.clip(month, 1, 12)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    ok &= day <= _MONTH_LENGTHS[within - 1] + (leap & (within == 2))  # noqa: PLR2004 — February
    # Years that begin in March put the leap day last.
    from_march = year - (within <= 2)  # noqa: PLR2004 — January and February
    day_of_year = (153 * ((within + 9) % 12) + 2) // 5 + day - 1
    return from_march * 365 + from_march // 4 - from_march // 100 + from_march // 400 + day_of_year - 719_468


def _check_clock(hour: Ints, minute: Ints, second: Ints, ok: Flags) -> None:
    midnight = (hour == 24) & (minute == 0) & (second == 0)  # noqa: PLR2004 — the end of a day
    ok &= ((hour <= 23) | midnight) & (minute <= 59) & (second <= 59)  # noqa: PLR2004 — the clock


def _forms_of(name: str) -> list[_Form]:
    if name in {EPOCH_S, EPOCH_MS}:
        return []
    if name == ISO:
        forms = [_form(pattern, has_offset=pattern.endswith(("Z", "i"))) for pattern in _ISO_FORMS]
    else:
        forms = [_form(name, has_offset=False)]
    return [form for form in forms if form is not None]


def _form(pattern: str, *, has_offset: bool) -> _Form | None:
    """Return the fixed form of a pattern, None when a directive has no fixed width."""
    fields: dict[str, tuple[int, int]] = {}
    literals: list[tuple[int, int]] = []
    at = 0
    for directive, literal in re.findall(r"%(.)|(.)", pattern, re.DOTALL):
        width = _WIDTHS.get(directive, 2 if directive and directive in "hi" else 0)
        if directive and (not width or directive in fields):
            return None
        if directive:
            fields[directive] = (at, width)
        else:
            literals.append((at, ord(literal)))
        at += width or 1
    if not ({"m", "d"} <= fields.keys() and {"Y", "y"} & fields.keys()) or not pattern.isascii():
        return None
    sign = -1 if "-%h" in pattern else 1
    return _Form(width=at, fields=fields, literals=tuple(literals), has_offset=has_offset, offset_sign=sign)
