"""Sends what a parser reads from a file: looks up where it goes, sends it, and says of every row that gave nothing why."""

import csv
import os
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from collector.domain.parsed import Counts, ParsedBlock, ReadingColumns
from collector.domain.parsed import Series as FileSeries
from console.metering_points import MeteringPoints, Unmatched
from multiflux_client.readings import Acknowledged, ReadingSender, Series, SeriesReadings

_PRIVATE_FILE = 0o600


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Readings that were not taken: their (first) row in the file, why, and how many. The excerpt may be personal data: never for logs."""

    row: int
    column: str
    reason: str
    description: str
    readings: int = 1
    excerpt: str = ""


@dataclass(kw_only=True, slots=True)
class Tally:
    """What became of the readings of a file."""

    counts: Counts = field(default_factory=Counts)
    sent: int = 0
    stored: int = 0
    duplicates: int = 0
    refused: int = 0
    """Rows and cells that are none, readings without a metering point, and readings that the service refused."""
    coefficients: int = 0
    unmatched: dict[FileSeries, Problem] = field(default_factory=dict[FileSeries, Problem])

    def identifiers(self, reason: str) -> int:
        """Return how many identifiers had no metering point for this reason."""
        return len({series.identifier for series, problem in self.unmatched.items() if problem.reason == reason})


class ReadingImport:
    """The import of one file."""

    def __init__(self, points: MeteringPoints, sender: ReadingSender, note: Callable[[Problem], None]) -> None:
        """Look up in `points`, send by `sender`, and `note` every problem."""
        self._points = points
        self._sender = sender
        self._note = note
        self.tally = Tally()

    async def take(self, block: ParsedBlock) -> None:
        """Send the readings of one block, and return when they are on disk; RemoteFailure."""
        self.tally.counts += block.counts
        self.tally.coefficients += len(block.coefficients)
        for one in block.problems:
            self._refuse(Problem(row=one.row, column=one.column, reason=one.reason, description=one.text, excerpt=one.excerpt))
        of_series = [(series, columns) for series, columns in block.readings.by_series() if len(columns)]
        targets = await self._points.resolve(series for series, _ in of_series)
        sent: list[tuple[Series, ReadingColumns]] = []
        for series, columns in of_series:
            target = targets[series]
            if isinstance(target, Unmatched):
                self._miss(series, target, columns)
            else:
                sent.append((target, columns))
        if sent:
            async for answer in self._sender.send([_readings(target, columns) for target, columns in sent]):
                self._answered(answer, sent)

    def finish(self) -> Tally:
        """Note the series that had no metering point, and return the tally."""
        for problem in self.tally.unmatched.values():
            self._note(problem)
        return self.tally

    def _refuse(self, problem: Problem) -> None:
        self.tally.refused += problem.readings
        self._note(problem)

    def _miss(self, series: FileSeries, why: Unmatched, columns: ReadingColumns) -> None:
        before = self.tally.unmatched.get(series)
        self.tally.refused += len(columns)
        self.tally.unmatched[series] = Problem(
            row=int(columns.row.min()) if before is None else before.row,
            column="",
            reason=why.reason,
            description=why.description,
            readings=len(columns) + (0 if before is None else before.readings),
            excerpt=f"{series.identifier.scheme}:{series.identifier.value}",
        )

    def _answered(self, answer: Acknowledged, sent: list[tuple[Series, ReadingColumns]]) -> None:
        self.tally.sent += answer.readings
        self.tally.stored += answer.stored
        self.tally.duplicates += answer.duplicates
        for one in answer.refused:
            described = f"the service refuses {one.value} {one.series.unit.value} of meters/{one.series.metering_point}"
            row = _row(sent, one.series, one.time, one.value)
            self._refuse(Problem(row=row, column="", reason=one.reason.name, description=described))


def _readings(target: Series, columns: ReadingColumns) -> SeriesReadings:
    return SeriesReadings(
        series=target,
        time=columns.time,
        duration=columns.duration.astype(np.int64),
        value=columns.value,
        quality=columns.quality.astype(np.int64),
    )


def _row(sent: Iterable[tuple[Series, ReadingColumns]], series: Series, time: int, value: int) -> int:
    """Return the row of the file that a reading was on."""
    for target, columns in sent:
        if target == series:
            at = np.flatnonzero((columns.time == time) & (columns.value == value))
            if len(at):
                return int(columns.row[at[0]])
    return 0


@contextmanager
def problem_report(path: Path | None) -> Generator[Callable[[Problem], None]]:
    """Return what writes problems to a CSV file that only its user can read; without a path, to nowhere."""
    if path is None:
        yield lambda _: None
        return
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE_FILE)
    with os.fdopen(opened, "w", newline="", encoding="utf-8") as file:
        report: Any = csv.writer(file)
        report.writerow(("row", "column", "reason", "description", "readings", "excerpt"))
        yield lambda one: report.writerow((one.row, one.column, one.reason, one.description, one.readings, one.excerpt))
