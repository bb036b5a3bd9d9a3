"""Line protocol, built in columns: one text per run of alike readings, one join for all of them.

What holds is measurement `reading`, every version beside it is `superseded`, told apart by the tag `rank`.
Tags: `meter`, `channel`, `kind`. Fields, all whole numbers: `value` in the base unit, `duration` in seconds, `quality`, and `sequence`, the
receive sequence. A reading that is or was suspect also has `suspect` (1 or 0) and `unusable` (its value or 0): sums of what is usable are
differences of sums, and no reading is shown as a zero that it was not.
"""

from collections.abc import Callable, Iterator

import numpy as np

from metering.domain.series.columns import Int64, ReadingKind, SeriesName, Versions
from vocabulary.quality import Quality

READING, SUPERSEDED = "reading", "superseded"
LINES_PER_WRITE = 8_000
FIELDS = ("value", "duration", "quality", "sequence")
KINDS = {ReadingKind.REGISTER: "register", ReadingKind.INTERVAL: "interval"}

_ESCAPED = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})


Tags = Callable[[int], str]
"""Returns the tags of a series number, as `tags_of` makes them."""


def reading_lines(versions: Versions, tags: Tags, *, judged: bool) -> Iterator[bytes]:
    """Yield texts of lines of readings that hold, in their order; judged: they may be or may have been suspect."""
    head = (f"{READING},", " value=")
    if not judged:
        return _lines(versions, tags, head, None)
    suspect = versions.columns.quality == Quality.SUSPECT
    unusable = np.where(suspect, versions.columns.value, 0).tolist()
    flagged = [f"suspect={int(flag)}i,unusable={value}i," for flag, value in zip(suspect.tolist(), unusable, strict=True)]
    return _lines(versions, tags, head, flagged)


def superseded_lines(versions: Versions, tags: Tags) -> Iterator[bytes]:
    """Yield the lines of versions that do not hold; those of one reading are ranked by arrival."""
    columns = versions.columns
    order = np.lexsort((columns.duration, columns.value, columns.quality, versions.sequence, columns.time, columns.series))
    versions = versions.take(order)
    columns = versions.columns
    first = np.ones(len(versions), np.bool_)
    first[1:] = (columns.series[1:] != columns.series[:-1]) | (columns.time[1:] != columns.time[:-1])
    starts = np.flatnonzero(first)
    rank = np.arange(len(versions)) - np.repeat(starts, np.diff(np.append(starts, len(versions))))
    for number in range(int(rank.max(initial=-1)) + 1):
        yield from _lines(versions.take(rank == number), tags, (f"{SUPERSEDED},", f",rank={number} value="), None)


_Head = tuple[str, str]
"""What stands before and after the tags of a line."""


def _lines(versions: Versions, tags: Tags, head: _Head, flagged: list[str] | None) -> Iterator[bytes]:
    for start in range(0, len(versions), LINES_PER_WRITE):
        cut = slice(start, start + LINES_PER_WRITE)
        yield _text(versions.take(cut), tags, head, flagged[cut] if flagged else None)


def _text(versions: Versions, tags: Tags, head: _Head, flagged: list[str] | None) -> bytes:
    columns = versions.columns
    # What is the same for many neighbours is written once for all of them.
    changed = np.ones(len(versions), np.bool_)
    changed[1:] = False
    for column in (columns.series, columns.duration, columns.quality, versions.sequence):
        changed[1:] |= column[1:] != column[:-1]
    starts = np.flatnonzero(changed)
    runs = versions.take(starts)
    run_heads = np.array([f"{head[0]}{tags(series)}{head[1]}" for series in runs.columns.series.tolist()], object)
    alike = zip(runs.columns.duration.tolist(), runs.columns.quality.tolist(), runs.sequence.tolist(), strict=True)
    tails = np.array([f"duration={duration}i,quality={quality}i,sequence={sequence}i " for duration, quality, sequence in alike], object)
    lengths = np.diff(np.append(starts, len(versions)))
    rows = [_spread(run_heads, lengths), columns.value.tolist(), _spread(tails, lengths), columns.time.tolist()]
    if flagged:
        return "\n".join([f"{h}{v}i,{f}{t}{at}" for h, v, f, t, at in zip(*rows[:2], flagged, *rows[2:], strict=True)]).encode()
    return "\n".join([f"{h}{v}i,{t}{at}" for h, v, t, at in zip(*rows, strict=True)]).encode()


def _spread(texts: np.ndarray[tuple[int], np.dtype[np.object_]], lengths: Int64) -> list[str]:
    return np.repeat(texts, lengths).tolist()


def tags_of(name: SeriesName) -> str:
    """Return the tags of a series as a line has them."""
    return f"meter={_escaped(name.meter)},channel={_escaped(name.channel)},kind={KINDS[name.kind]}"


def _escaped(text: str) -> str:
    return text.translate(_ESCAPED)
