"""Which of several versions of a reading holds.

A version is a distinct (time, duration, value, quality) of a series. The best quality holds: corrected, then measured, then estimated.
Versions of the same best quality that
disagree make the reading suspect: shown, unused until corrected. The outcome depends on the set of versions alone, not on order, repetition
or how they were split into calls.
"""

from dataclasses import dataclass

import numpy as np

from metering.domain.series.columns import Columns, Flags, Versions, joined_versions
from vocabulary.quality import Quality


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Resolution:
    """What holds, and what is kept beside it.

    `kept` has one row per (series, time), ordered by both; a suspect row stands for its versions and is none itself, so that every version
    of it is in `others`.
    `others` has the versions that do not hold. `all_versions` gives back the whole set.
    """

    kept: Versions
    others: Versions


def resolve(versions: Versions, *, known_at: int | None = None) -> Resolution:
    """Return what holds among the versions, or among those of receive sequence `known_at` and before."""
    if known_at is not None:
        versions = versions.take(versions.sequence <= known_at)
    if _settled(versions.columns):
        return Resolution(kept=versions, others=versions.take(slice(0)))
    return _judged(_distinct(versions))


def all_versions(resolution: Resolution) -> Versions:
    """Return every version behind a resolution."""
    trusted = resolution.kept.columns.quality != Quality.SUSPECT
    return joined_versions([resolution.kept.take(trusted), resolution.others])


def _settled(columns: Columns) -> bool:
    """Tell whether the rows are ordered, single and trusted, as nearly all are: then there is nothing to judge."""
    if len(columns) and int(columns.quality.max()) >= Quality.SUSPECT:
        return False
    series, time = columns.series, columns.time
    same = series[1:] == series[:-1]
    return bool(((series[1:] > series[:-1]) | (same & (time[1:] > time[:-1]))).all())


def _distinct(versions: Versions) -> Versions:
    """Return each version once, with its earliest sequence, ordered by series, time, quality, value and duration."""
    columns = versions.columns
    order = np.lexsort((versions.sequence, columns.duration, columns.value, columns.quality, columns.time, columns.series))
    ordered = versions.take(order)
    columns = ordered.columns
    first = _starts(columns) | _changes(columns.quality) | _changes(columns.value) | _changes(columns.duration)
    return ordered.take(first)


def _judged(versions: Versions) -> Resolution:
    columns = versions.columns
    first = _starts(columns)
    last = np.append(first[1:], True) if len(first) else first
    # Within a reading the best quality comes first; a second version of that quality contradicts it.
    contradicted = np.append(~first[1:] & (columns.quality[1:] == columns.quality[:-1]), False) if len(first) else first
    suspect = first & (contradicted & ~last | (columns.quality >= Quality.SUSPECT))
    kept = versions.take(first)
    quality = np.where(suspect[first], np.int8(Quality.SUSPECT), kept.columns.quality)
    kept_columns = Columns(
        series=kept.columns.series, time=kept.columns.time, duration=kept.columns.duration, value=kept.columns.value, quality=quality
    )
    return Resolution(kept=Versions(columns=kept_columns, sequence=kept.sequence), others=versions.take(~first | suspect))


def _starts(columns: Columns) -> Flags:
    return _changes(columns.series) | _changes(columns.time)


def _changes(column: np.ndarray[tuple[int], np.dtype[np.signedinteger]]) -> Flags:
    """Tell where a value differs from the one before; the first always does."""
    changed = np.ones(len(column), np.bool_)
    np.not_equal(column[1:], column[:-1], out=changed[1:])
    return changed
