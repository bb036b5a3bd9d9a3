"""Erasure: every trace of a series' readings in an interval goes, a receipt stays, and the same readings are refused from then on."""

import sqlite3
from collections.abc import Callable

import numpy as np

from metering.adapters.series_store import chunk, frame
from metering.adapters.series_store.chunk import ChunkRow
from metering.adapters.series_store.filing import Filing
from metering.adapters.series_store.frame import columns_of_runs, runs_of
from metering.adapters.series_store.intake import Intake, decode_series, encode_series, note
from metering.adapters.series_store.tail import Tail
from metering.domain.series.batch import Receipt
from vocabulary.interval import Interval

Span = tuple[int, int]


def forgotten(connection: sqlite3.Connection) -> dict[int, list[Span]]:
    """Return the forgotten times of each series."""
    found: dict[int, list[Span]] = {}
    for series, start, end in connection.execute("SELECT series, start, until FROM receipt"):
        found.setdefault(series, []).append((start, end))
    return found


EraseFiled = Callable[[sqlite3.Connection, int, Span], int]
"""Erases the filed readings of a series with times in a span inside the open transaction; returns how many there were."""


def forget(
    connection: sqlite3.Connection, intake: Intake, filing: Filing, erase_filed: EraseFiled, series: int, during: Interval
) -> Receipt:
    """Erase inside the open transaction; memory follows when it is durable."""
    span = (int(during.start.timestamp()), -int(-during.end.timestamp() // 1))
    # A merge under way has read what is erased now: it must not bring it back.
    filing.abandon()
    erased = _from_journal(connection, series, span) + erase_filed(connection, series, span)
    erased += _from_refused(connection, series, span)
    intake.sequence += 1
    noticed = _from_events(connection, series, span)
    connection.execute("INSERT INTO journal VALUES(?, 0, x'')", (intake.sequence,))
    note(connection, intake.sequence, noticed, np.array([series], np.int32), forgotten=True)
    number = connection.execute(
        "INSERT INTO receipt(series, start, until, seq, erased) VALUES(?, ?, ?, ?, ?)", (series, *span, intake.sequence, erased)
    ).lastrowid
    _remember(connection, intake, series, span)
    return Receipt(number=number or 0, series=series, start=span[0], end=span[1], sequence=intake.sequence, erased=erased)


def _remember(connection: sqlite3.Connection, intake: Intake, series: int, span: Span) -> None:
    """Let memory follow once the erasure is durable."""
    tail = Tail()
    applied = connection.execute("SELECT applied FROM mark").fetchone()[0]
    fill(connection, tail, applied)
    last = _last_time(connection, tail, series)

    def follow() -> None:
        intake.tail.take_over(tail)
        intake.novelty.reset(series, last)
        intake.forgotten.setdefault(series, []).append(span)

    intake.then(follow)


def recall(connection: sqlite3.Connection, intake: Intake, series: int) -> None:
    """Let memory know the last time of a series anew once the open transaction, which erased of what was filed, is durable."""
    last = _last_time(connection, intake.tail, series)
    intake.then(lambda: intake.novelty.reset(series, last))


def _last_time(connection: sqlite3.Connection, tail: Tail, series: int) -> int:
    """Return the last time of a series' readings in what is filed and in a tail, -1 where it has none."""
    bounds = connection.execute("SELECT min(id), max(id) FROM summary").fetchone()
    months = range((bounds[0] or 0) >> chunk.SERIES_BITS, ((bounds[1] or 0) >> chunk.SERIES_BITS) + 1)
    filed = [
        row[0]
        for month in months
        for row in connection.execute("SELECT last_time FROM summary WHERE id = ?", (chunk.key_of(series, month),))
    ]
    owners, times = tail.latest_times()
    return max([-1, *filed, *times[owners == series].tolist()])


def fill(connection: sqlite3.Connection, tail: Tail, applied: int) -> int:
    """Fill a tail from the journal entries after `applied`; return the last receive sequence."""
    sequence = applied
    for sequence, body in connection.execute("SELECT seq, frame FROM journal WHERE seq > ? ORDER BY seq", (applied,)):
        if body:
            tail.append(sequence, frame.decode(sequence, body))
    tail.publish()
    return sequence


def _from_journal(connection: sqlite3.Connection, series: int, span: Span) -> int:
    erased = 0
    for sequence, body in connection.execute("SELECT seq, frame FROM journal WHERE readings > 0 ORDER BY seq").fetchall():
        rows = frame.decode(sequence, body)
        if not (rows.run_series == series).any():
            continue
        columns = columns_of_runs(rows)
        gone = (columns.series == series) & (columns.time >= span[0]) & (columns.time < span[1])
        if gone.any():
            kept = runs_of(columns.take(~gone))
            erased += int(gone.sum())
            body_kept = frame.encode(kept) if len(kept) else b""
            connection.execute("UPDATE journal SET readings = ?, frame = ? WHERE seq = ?", (len(kept), body_kept, sequence))
    return erased


def from_chunks(connection: sqlite3.Connection, series: int, span: Span) -> int:
    """Erase from the chunks of the store's file, and from what is kept beside them."""
    bounds = chunk.month_of(np.clip(np.array([span[0], span[1] - 1]), 0, chunk.LAST_TIME_S)).tolist()
    erased = 0
    for month in range(bounds[0], bounds[1] + 1):
        key = chunk.key_of(series, month)
        connection.execute("DELETE FROM damaged WHERE id = ?", (key,))
        found: ChunkRow | None = connection.execute("SELECT id, crc, body FROM chunk WHERE id = ?", (key,)).fetchone()
        if not found:
            continue
        connection.execute("DELETE FROM chunk WHERE id = ?", (key,))
        connection.execute("DELETE FROM summary WHERE id = ?", (key,))
        if chunk.checksum(found[0], found[2]) != found[1]:
            continue  # What cannot be read cannot be kept in part.
        rows = chunk.decode([found])
        gone = (rows.time >= span[0]) & (rows.time < span[1])
        erased += int(gone.sum())
        if not gone.all():
            chunks, summaries = chunk.encode(rows.take(~gone), open_from=month + 1)
            connection.execute("INSERT INTO chunk VALUES(?, ?, ?)", chunks[0])
            connection.execute("INSERT INTO summary VALUES(?, ?, ?, ?, ?, ?, ?)", summaries[0])
    beside = connection.execute("DELETE FROM superseded WHERE series = ? AND time >= ? AND time < ?", (series, *span)).rowcount
    return erased + beside


def _from_refused(connection: sqlite3.Connection, series: int, span: Span) -> int:
    territory, meter, channel = connection.execute("SELECT territory, meter, channel FROM series WHERE id = ?", (series,)).fetchone()
    # A reading refused while its series was unknown has only the name that was sent.
    return connection.execute(
        "DELETE FROM refused WHERE territory = ? AND time >= ? AND time < ? AND (series = ? OR (series IS NULL AND sent_name = ?))",
        (territory, *span, series, f"meters/{meter}/channels/{channel}"),
    ).rowcount


def _from_events(connection: sqlite3.Connection, series: int, span: Span) -> Span:
    """Take the series out of events that touch the interval; return what consumers must read anew in their place."""
    start, end = span
    query = "SELECT seq, start, until, series FROM event WHERE start < ? AND until > ?"
    for sequence, first, last, body in connection.execute(query, (span[1], span[0])).fetchall():
        named = decode_series(body)
        if series not in named:
            continue
        start, end = min(start, first), max(end, last)
        others = named[named != series]
        if len(others):
            connection.execute("UPDATE event SET series = ? WHERE seq = ?", (encode_series(others), sequence))
        else:
            connection.execute("DELETE FROM event WHERE seq = ?", (sequence,))
    return start, end


def wipe(connection: sqlite3.Connection) -> None:
    """Let go of the pages and the log in which erased readings may still stand."""
    connection.executescript("PRAGMA incremental_vacuum")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def receipts(connection: sqlite3.Connection, series: int) -> list[Receipt]:
    """Return the receipts of a series, oldest first."""
    query = "SELECT id, series, start, until, seq, erased FROM receipt WHERE series = ? ORDER BY id"
    return [
        Receipt(number=number, series=of, start=start, end=end, sequence=sequence, erased=erased)
        for number, of, start, end, sequence, erased in connection.execute(query, (series,))
    ]
