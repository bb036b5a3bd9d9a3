"""Consumption as a file: what its rows say, and what writes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol
from zoneinfo import ZoneInfo

from metering.domain.figures.consumption import ConsumptionAnswer
from vocabulary.failure import Failure, Kind
from vocabulary.flux import base_unit
from vocabulary.quality import Quality


class FileFormat(Enum):
    """How a file is written."""

    CSV = 1
    PARQUET = 2


class ParquetUnavailable(Failure):
    """The library that writes Parquet is not installed."""

    reason, kind = "PARQUET_UNAVAILABLE", Kind.CONFLICT


@dataclass(frozen=True, kw_only=True, slots=True)
class FileRow:
    """One slot: local times with their offset; amount (base unit) and quality are None where there is no figure: missing is not zero."""

    start: datetime
    end: datetime
    amount: int | None
    unit: str
    quality: str | None
    coverage_percent: int


def file_rows(answer: ConsumptionAnswer, zone: ZoneInfo) -> Iterator[FileRow]:
    """Yield the rows of an answer, in order."""
    slots, unit = answer.slots, base_unit(answer.kind.quantity).value
    columns = (slots.start, slots.end, slots.value, slots.known, slots.quality, slots.whole_percents())
    for start, end, value, known, quality, percent in zip(*(column.tolist() for column in columns), strict=True):
        yield FileRow(
            start=datetime.fromtimestamp(start, zone),
            end=datetime.fromtimestamp(end, zone),
            amount=value if known else None,
            unit=unit,
            quality=Quality(quality).name.lower() if known else None,
            coverage_percent=percent,
        )


class ConsumptionFile(Protocol):
    """Writes files of one format."""

    def written(self, answer: ConsumptionAnswer, zone: ZoneInfo) -> bytes:
        """Return the file."""
        ...
