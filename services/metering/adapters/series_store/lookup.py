"""Queries over filed readings and tail together."""

import sqlite3

import numpy as np

from metering.adapters.series_store.filed import Filed
from metering.adapters.series_store.ragged import Int64
from metering.adapters.series_store.tail import Tail
from metering.domain.series.columns import Int32, Versions, joined_versions
from vocabulary.quality import Quality


def versions(
    filed: Filed, connection: sqlite3.Connection, tail: Tail, series: Int32, start: Int64, end: Int64, *, for_writer: bool = False
) -> Versions:
    """Return every version of each series (distinct, ascending) with times in its `[start, end)`, in no order; a few may be there twice.

    The writer also sees what is about to be durable.
    """
    # The tail first: what is filed in between is then seen twice, which resolving mends, and never not at all.
    recent = tail.versions(series, start, end, unpublished=for_writer)
    return joined_versions([filed.versions(connection, series, start, end, for_writer=for_writer), recent])


def kept_or_versions(filed: Filed, connection: sqlite3.Connection, tail: Tail, series: int, start: int, end: int) -> tuple[Versions, bool]:
    """Return what is filed and in the tail for one series, ordered by time, and whether it holds as it is.

    Where not, all versions are needed.
    """
    one, first, until = np.array([series], np.int32), np.array([start], np.int64), np.array([end], np.int64)
    recent = tail.versions(one, first, until)
    kept = filed.kept(connection, series, start, end)
    if not len(recent):
        return kept, True
    both = joined_versions([kept, recent])
    order = np.argsort(both.columns.time, kind="stable")
    both = both.take(order)
    sent_suspect = int(recent.columns.quality.max()) >= Quality.SUSPECT
    return both, bool((np.diff(both.columns.time) > 0).all()) and not sent_suspect
