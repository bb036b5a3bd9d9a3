"""What a parser gives back: readings and gaps in columns, the problems of single rows, and how many there were of each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from enum import Enum, StrEnum

import numpy as np
from numpy.typing import NDArray

from vocabulary.failure import Failure, Kind
from vocabulary.flux import Direction, Flux, Quantity

Ints = NDArray[np.int64]
"""Whole numbers: seconds since 1970-01-01T00:00Z, base units, row numbers, indices."""
Flags = NDArray[np.bool_]

Progress = Callable[[int], None]
"""Called with the number of bytes read so far."""

EXCERPT_CHARACTERS = 120


def unheard(_read_bytes: int) -> None:
    """Take the progress and do nothing with it."""


class NotThisFormat(Failure):
    """The bytes are not a file of the format that was asked for."""

    reason, kind = "NOT_THIS_FORMAT", Kind.INVALID


class BrokenDocument(Failure):
    """The document cannot be read to its end: it is damaged, or uses what this reader refuses, such as a document type declaration."""

    reason, kind = "BROKEN_DOCUMENT", Kind.INVALID


class UnsupportedEncoding(Failure):
    """The text is in an encoding that cannot be read in blocks (UTF-16, UTF-32)."""

    reason, kind = "UNSUPPORTED_ENCODING", Kind.INVALID


class Reason(StrEnum):
    """Why a row, or one cell of it, was refused; its neighbours were read all the same."""

    MISSING_COLUMNS = "MISSING_COLUMNS"
    EXTRA_COLUMNS = "EXTRA_COLUMNS"
    UNBALANCED_QUOTE = "UNBALANCED_QUOTE"
    LINE_TOO_LONG = "LINE_TOO_LONG"
    BAD_ENCODING = "BAD_ENCODING"
    BAD_TIME = "BAD_TIME"
    TIME_OUT_OF_RANGE = "TIME_OUT_OF_RANGE"
    NONEXISTENT_LOCAL_TIME = "NONEXISTENT_LOCAL_TIME"
    SLOT_COUNT_MISMATCH = "SLOT_COUNT_MISMATCH"
    STEP_UNKNOWN = "STEP_UNKNOWN"
    BAD_STEP = "BAD_STEP"
    NOT_A_NUMBER = "NOT_A_NUMBER"
    NEGATIVE_VALUE = "NEGATIVE_VALUE"
    VALUE_OUT_OF_RANGE = "VALUE_OUT_OF_RANGE"
    UNKNOWN_UNIT = "UNKNOWN_UNIT"
    UNKNOWN_QUALITY = "UNKNOWN_QUALITY"
    MISSING_IDENTIFIER = "MISSING_IDENTIFIER"
    MISSING_FIELD = "MISSING_FIELD"
    UNKNOWN_SECTION = "UNKNOWN_SECTION"


class ReadingKind(Enum):
    """What a value says."""

    REGISTER = 1
    """The index shown at an instant."""
    INTERVAL = 2
    """The quantity over `[time, time + duration)`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Identifier:
    """How the outside world names a metering point, such as scheme `prm` and a number; personal data, so never for logs."""

    scheme: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """What is counted; the values are in the base unit of `quantity`."""

    flux: Flux
    quantity: Quantity
    direction: Direction = Direction.IMPORT
    register_set: str = ""
    """`supplier`, `distributor` or `total` where a meter counts the same energy several times; empty otherwise."""
    tariff_slot: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """The readings of one kind, of one channel of one metering point."""

    identifier: Identifier
    channel: Channel
    kind: ReadingKind


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ReadingColumns:
    """Readings in columns of one length, in the order of the file."""

    series: tuple[Series, ...]
    of: Ints
    """Index into `series`."""
    time: Ints
    """UTC seconds: the start of an interval, the instant of a register."""
    duration: NDArray[np.int32]
    """Seconds; 0 for registers."""
    value: Ints
    """Base units: joules, millilitres, watts, volt-amperes, vars."""
    quality: NDArray[np.int8]
    """Numbers of `vocabulary.quality.Quality`."""
    row: Ints
    """Number of the line (or of the entry, in documents without lines) in the source, from 1."""

    def __len__(self) -> int:
        """Return the number of readings."""
        return len(self.time)

    def by_series(self) -> Iterator[tuple[Series, "ReadingColumns"]]:
        """Yield each series with its own readings, in the order of the file."""
        order = np.argsort(self.of, kind="stable")
        bounds = np.searchsorted(self.of[order], np.arange(len(self.series) + 1))
        for number, series in enumerate(self.series):
            yield series, self._taken(series, order[bounds[number] : bounds[number + 1]])

    def _taken(self, series: Series, at: Ints) -> "ReadingColumns":
        return ReadingColumns(
            series=(series,),
            of=np.zeros(len(at), np.int64),
            time=self.time[at],
            duration=self.duration[at],
            value=self.value[at],
            quality=self.quality[at],
            row=self.row[at],
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class GapColumns:
    """Places where the source says that it has no value; columns as in `ReadingColumns`."""

    series: tuple[Series, ...]
    of: Ints
    time: Ints
    duration: NDArray[np.int32]
    row: Ints

    def __len__(self) -> int:
        """Return the number of gaps."""
        return len(self.time)


@dataclass(frozen=True, kw_only=True, slots=True)
class RowProblem:
    """One row, or one cell, that gave no reading, and why."""

    row: int
    column: str
    """Name of the column, or its number from 1; empty when the whole row is meant."""
    reason: Reason
    text: str
    excerpt: str
    """The beginning of what stood there; may hold personal data, so never for logs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Coefficient:
    """What a cubic metre of gas, as metered, held over some time; on the basis of the gross calorific value (PCS)."""

    identifier: Identifier
    start: int
    """UTC seconds."""
    end: int
    watt_hours_per_cubic_metre: int
    row: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How many of each; those of blocks add up to those of the file."""

    rows: int = 0
    """Data rows met, blank lines left out."""
    readings: int = 0
    gaps: int = 0
    problems: int = 0
    duplicates: int = 0
    """Readings whose series and time the same file gave before, whatever the value; they are among `readings`."""
    skipped: int = 0
    """Rows that the mapping, or the format, leaves out."""

    def __add__(self, other: "Counts") -> "Counts":
        """Add the numbers."""
        return Counts(**{field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(Counts)})


@dataclass(frozen=True, kw_only=True, slots=True)
class ParsedBlock:
    """What one stretch of the source gave."""

    readings: ReadingColumns
    gaps: GapColumns
    problems: tuple[RowProblem, ...]
    counts: Counts
    coefficients: tuple[Coefficient, ...] = ()
    """Only in gas files."""
