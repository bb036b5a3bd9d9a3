"""Records numbered batches into a store and says after each that it was acknowledged; made to be killed.

`python series_crash_process.py FILE TURN`.
"""

import sys
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import numpy as np

from metering.adapters.series_store.filing import FilingRules
from metering.adapters.series_store.store import EmbeddedSeriesStore, StoreRules
from metering.domain.series.batch import Batch, Stored
from metering.domain.series.columns import Columns, ReadingKind, SeriesName
from vocabulary.names import PointId, TerritoryId

SERIES, PER_SERIES = 20, 25
START, HOUR = 1_767_225_600, 3600
NAMES = [
    SeriesName(territory=TerritoryId("town"), meter=PointId(f"m{at}"), channel="import", kind=ReadingKind.INTERVAL) for at in range(SERIES)
]
RULES = StoreRules(filing=FilingRules(least_rows=4_000, rows_per_series=1))
"""Merges all the time."""


def columns(number: int) -> Columns:
    """The readings of batch `number`: the next stretch of every series, each value told by its series and time."""
    series = np.repeat(np.arange(SERIES, dtype=np.int32), PER_SERIES)
    time = START + HOUR * (number * PER_SERIES + np.tile(np.arange(PER_SERIES), SERIES))
    count = len(series)
    return Columns(
        series=series, time=time, duration=np.full(count, HOUR, np.int32), value=value(series, time), quality=np.full(count, 2, np.int8)
    )


def value(
    series: "np.ndarray[tuple[int], np.dtype[np.int32]]", time: "np.ndarray[tuple[int], np.dtype[np.int64]]"
) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """What a series reads at a time."""
    return (time // HOUR * 7 + series * 1_000_003) % 100_000


def record(path: str, begin: int, say: Callable[[str], object]) -> None:
    """Record batches from `begin` on until somebody ends this process."""
    store = EmbeddedSeriesStore(Path(path), RULES)
    store.start_merger()
    store.numbers(NAMES)
    number = begin
    say(f"open {store.merger_pid}")
    waiting: deque[tuple[int, Future[Stored]]] = deque()
    while True:
        waiting.append((number, store.submit(Batch(territory=TerritoryId("town"), columns=columns(number)))))
        number += 1
        if len(waiting) > 4:
            done, stored = waiting.popleft()
            stored.result()
            say(str(done))


if __name__ == "__main__":
    record(sys.argv[1], int(sys.argv[2]), partial(print, flush=True))
