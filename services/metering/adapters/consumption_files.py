"""Consumption written as CSV and as Parquet."""

import csv
from importlib import import_module
from io import BytesIO, StringIO
from typing import Any
from zoneinfo import ZoneInfo

from metering.domain.figures.consumption import ConsumptionAnswer
from metering.domain.figures.files import ParquetUnavailable, file_rows

_COLUMNS = ("start", "end", "amount", "unit", "quality", "coverage_percent")


class CsvConsumption:
    """UTF-8 with a header row; times are ISO 8601 with offset; an empty amount is a gap."""

    def written(self, answer: ConsumptionAnswer, zone: ZoneInfo) -> bytes:
        """Return the file."""
        text = StringIO()
        writer = csv.writer(text)
        writer.writerow(_COLUMNS)
        for row in file_rows(answer, zone):
            start, end = row.start.isoformat(), row.end.isoformat()
            writer.writerow((start, end, row.amount, row.unit, row.quality, row.coverage_percent))
        return text.getvalue().encode()


class ParquetConsumption:
    """The same columns; times are instants with the territory's zone, a null amount is a gap."""

    def written(self, answer: ConsumptionAnswer, zone: ZoneInfo) -> bytes:
        """Return the file; ParquetUnavailable."""
        try:
            # An optional library, and slow to load: only a process that writes Parquet has it in memory.
            pa: Any = import_module("pyarrow")
            parquet: Any = import_module("pyarrow.parquet")
        except ImportError:
            raise ParquetUnavailable(
                "Parquet needs pyarrow on the server: install multiflux[parquet]", install="multiflux[parquet]"
            ) from None
        times = pa.timestamp("s", zone.key)
        types = (times, times, pa.int64(), pa.string(), pa.string(), pa.int8())
        rows = list(file_rows(answer, zone))
        columns = [pa.array([getattr(row, name) for row in rows], kind) for name, kind in zip(_COLUMNS, types, strict=True)]
        file = BytesIO()
        parquet.write_table(pa.table(columns, names=list(_COLUMNS)), file)
        return file.getvalue()
