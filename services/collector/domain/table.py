"""Splits the lines of a delimited file into columns of text, and finds columns by name."""

import csv
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat

import numpy as np

from collector.domain.mapping import Column, UnknownColumn
from collector.domain.parsed import EXCERPT_CHARACTERS, Flags, Ints, Reason, RowProblem
from vocabulary.failure import FieldViolation


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """Return the text without accents, case, outer spaces and outer brackets, as names are compared."""
    plain = "".join(character for character in unicodedata.normalize("NFKD", text) if not unicodedata.combining(character))
    return plain.strip().strip("[]").strip().casefold()


def cells_of(line: str, delimiter: str) -> list[str]:
    """Return the cells of one line; a quote that is never closed takes the rest of the line."""
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except (csv.Error, StopIteration):
        return line.split(delimiter)


class Header:
    """The names of the columns; collects what is missing, so that one failure lists it all."""

    def __init__(self, names: list[str] | None) -> None:
        """Take the cells of the header line, None where there is none."""
        self.names = names
        self._violations: list[FieldViolation] = []

    def index(self, column: Column, field: str) -> int:
        """Return the position of a column, from 0; notes a violation for `field` where there is none."""
        if isinstance(column, int):
            if self.names is not None and column > len(self.names):
                self._note(field, f"the file has {len(self.names)} columns, not {column}")
            return column - 1
        names = self.names or []
        matches = [at for at, name in enumerate(names) if name == column]
        matches = matches or [at for at, name in enumerate(names) if folded(name) == folded(column)]
        if len(matches) == 1:
            return matches[0]
        self._note(field, f"the header has {'no' if not matches else 'several'} columns {column!r}")
        return 0

    def note_missing_slots(self, field: str) -> None:
        """Note that no column is named by a time of day."""
        self._note(field, "no column of the header is named by a time of day")

    def check(self) -> None:
        """Raise UnknownColumn when a column was not found."""
        if self._violations:
            raise UnknownColumn(*self._violations)

    def label(self, at: int) -> str:
        """Return what a person calls the column at a position: its name, or its number from 1."""
        name = self.names[at].strip() if self.names is not None and at < len(self.names) else ""
        return name or str(at + 1)

    def _note(self, field: str, description: str) -> None:
        self._violations.append(FieldViolation(field=field, description=description))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Table:
    """The rows that could be split, as columns of text."""

    lines: list[str]
    row: Ints
    columns: dict[int, list[str]]

    def kept(self, keep: Flags) -> "Table":
        """Return the rows for which the flag is set."""
        if keep.all():
            return self
        at = np.flatnonzero(keep).tolist()
        columns = {number: [column[i] for i in at] for number, column in self.columns.items()}
        return Table(lines=[self.lines[i] for i in at], row=self.row[keep], columns=columns)


class Splitter:
    """Knows the delimiter, the columns in use, and how many there must be."""

    def __init__(self, delimiter: str, used: set[int], header: Header) -> None:
        """Split at `delimiter` and give the columns `used`."""
        self._delimiter = delimiter
        self._used = sorted(used)
        self._needed = max(used) + 1
        self._width = len(header.names) if header.names is not None else None

    def split(self, lines: list[str], row: Ints) -> tuple[Table, list[RowProblem]]:
        """Return the columns in use of all whole rows, and what is wrong with the others; blank lines are left out."""
        text = "\n".join(lines)
        if not all(lines) or text[:1].isspace() or "\n " in text or "\n\t" in text:
            filled = [at for at, line in enumerate(lines) if line and not line.isspace()]
            lines, row = [lines[at] for at in filled], row[filled]
            text = "\n".join(lines)
        width = lines[0].count(self._delimiter) + 1 if lines else self._needed
        regular = '"' not in text and width >= self._needed and width == (self._width or width)
        if regular and set(map(str.count, lines, repeat(self._delimiter))) <= {width - 1}:
            flat = text.replace("\n", self._delimiter).split(self._delimiter) if lines else []
            return Table(lines=lines, row=row, columns={at: flat[at::width] for at in self._used}), []
        return self._split_singly(lines, row)

    def _split_singly(self, lines: list[str], row: Ints) -> tuple[Table, list[RowProblem]]:
        cells = self._cells(lines)
        problems: list[RowProblem] = []
        keep = np.ones(len(lines), np.bool_)
        for at, (line, found) in enumerate(zip(lines, cells, strict=True)):
            reason = self._refusal(line, found)
            if reason is not None:
                keep[at] = False
                problems.append(_problem(int(row[at]), reason, len(found), line))
        good = [found for found, kept in zip(cells, keep.tolist(), strict=True) if kept]
        columns = {at: [found[at] for found in good] for at in self._used}
        kept_lines = [line for line, kept in zip(lines, keep.tolist(), strict=True) if kept]
        return Table(lines=kept_lines, row=row[keep], columns=columns), problems

    def _cells(self, lines: list[str]) -> list[list[str]]:
        try:
            cells = list(csv.reader(lines, delimiter=self._delimiter))
        except csv.Error:
            cells = []
        # A quote that is never closed would have swallowed lines: then every line stands alone.
        return cells if len(cells) == len(lines) else [cells_of(line, self._delimiter) for line in lines]

    def _refusal(self, line: str, found: list[str]) -> Reason | None:
        if line.count('"') % 2:
            return Reason.UNBALANCED_QUOTE
        if len(found) < self._needed:
            return Reason.MISSING_COLUMNS
        if self._width is not None and any(cell.strip() for cell in found[self._width :]):
            return Reason.EXTRA_COLUMNS
        return None


def _problem(row: int, reason: Reason, found: int, line: str) -> RowProblem:
    text = "a quote is never closed" if reason is Reason.UNBALANCED_QUOTE else f"the row has {found} columns"
    return RowProblem(row=row, column="", reason=reason, text=text, excerpt=line[:EXCERPT_CHARACTERS])
