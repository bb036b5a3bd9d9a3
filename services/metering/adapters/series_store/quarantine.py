"""The list of readings that were refused at arrival."""

import json
import sqlite3
from collections.abc import Sequence

import numpy as np

from metering.adapters.series_store.numbering import Numbering
from metering.domain.series.arrival import Refusal
from metering.domain.series.batch import RefusedReading
from metering.domain.series.columns import SeriesName
from vocabulary.names import TerritoryId

_Row = tuple[int, int | None, str, int, int, int, int, int, int]

_PAGE = """
SELECT id, series, sent_name, time, duration, value, quality, reason, seq FROM refused WHERE territory = ? AND id > ? ORDER BY id LIMIT ?
"""
_AMONG = """
SELECT id, series, sent_name, time, duration, value, quality, reason, seq FROM refused
WHERE territory = ? AND id IN (SELECT value FROM json_each(?)) ORDER BY id
"""


def refused(
    connection: sqlite3.Connection, numbering: Numbering, territory: TerritoryId, *, after: int, limit: int
) -> Sequence[RefusedReading]:
    """Return refused readings of a territory in order of number."""
    return [_reading(numbering, territory, row) for row in connection.execute(_PAGE, (territory, after, limit))]


def refused_among(
    connection: sqlite3.Connection, numbering: Numbering, territory: TerritoryId, numbers: Sequence[int]
) -> Sequence[RefusedReading]:
    """Return those of a territory's refused readings that have one of the numbers."""
    return [_reading(numbering, territory, row) for row in connection.execute(_AMONG, (territory, json.dumps(list(numbers))))]


def discard(connection: sqlite3.Connection, territory: TerritoryId, numbers: Sequence[int]) -> int:
    """Remove refused readings; return how many there were."""
    return connection.executemany("DELETE FROM refused WHERE id = ? AND territory = ?", [(one, territory) for one in numbers]).rowcount


def _reading(numbering: Numbering, territory: TerritoryId, row: _Row) -> RefusedReading:
    number, series, sent_name, time, duration, value, quality, reason, sequence = row
    return RefusedReading(
        number=number,
        territory=territory,
        series=_name(numbering, series),
        sent_name=sent_name,
        time=time,
        duration=duration,
        value=value,
        quality=quality,
        reason=Refusal(reason),
        sequence=sequence,
    )


def _name(numbering: Numbering, series: int | None) -> SeriesName | None:
    return None if series is None else numbering.names(np.array([series], np.int32))[0]
