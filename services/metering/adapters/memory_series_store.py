"""The series store's twin in memory: the same ports, obvious rather than fast; for tests and for trying things out."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import date
from time import time as now
from uuid import uuid4

import numpy as np

from metering.domain.series.arrival import Refusal, Refusals
from metering.domain.series.batch import Batch, MonthTotals, Receipt, RefusedReading, SeriesEvent, Stored
from metering.domain.series.columns import Columns, Int32, SeriesName, Versions, columns_of, joined_versions
from metering.domain.series.failures import OutOfOrder
from metering.domain.series.resolve import Resolution, resolve
from vocabulary.failure import Failure
from vocabulary.interval import Interval
from vocabulary.names import TerritoryId
from vocabulary.quality import Quality

Row = tuple[int, int, int, int, int]


class MemorySeriesStore:
    """Readings in a dictionary; implements `SeriesStore`."""

    def __init__(self) -> None:
        """Start empty."""
        self._numbers: dict[SeriesName, int] = {}
        self._versions: dict[Row, int] = {}
        self._streams: dict[str, int] = {}
        self._refused: list[RefusedReading] = []
        self._refused_ever = 0
        self._receipts: list[Receipt] = []
        self._events: list[SeriesEvent] = []
        self._sequence = 0
        self._id = uuid4().hex

    def numbers(self, names: Sequence[SeriesName]) -> Int32:
        """Return the number of each series, giving new ones theirs."""
        return np.array([self._numbers.setdefault(name, len(self._numbers)) for name in names], np.int32)

    def find(self, names: Sequence[SeriesName]) -> Int32:
        """Return the number of each series, -1 for one without."""
        return np.array([self._numbers.get(name, -1) for name in names], np.int32)

    def names(self, numbers: Int32) -> Sequence[SeriesName]:
        """Return the names behind numbers."""
        known = list(self._numbers)
        wanted: list[int] = numbers.tolist()
        return [known[number] for number in wanted]

    def submit(self, batch: Batch) -> Future[Stored]:
        """Store a batch at once."""
        done: Future[Stored] = Future()
        try:
            done.set_result(self.record(batch))
        except Failure as failure:
            done.set_exception(failure)
        return done

    def record(self, batch: Batch) -> Stored:
        """Store a batch."""
        origin = batch.origin
        if origin:
            position = self.position(origin.stream)
            if origin.number <= position:
                return Stored(sequence=0, stored=0, duplicates=0, refusals=batch.refusals, replayed=True)
            if origin.number != position + 1:
                raise OutOfOrder(origin.stream, origin.number, position + 1)
            self._streams[origin.stream] = origin.number
        refused = dict(zip(batch.refusals.rows.tolist(), batch.refusals.reasons.tolist(), strict=True))
        rows = _rows(batch.columns)
        refused |= {at: int(Refusal.FORGOTTEN) for at, row in enumerate(rows) if self._is_forgotten(row)}
        accepted = [row for at, row in enumerate(rows) if at not in refused]
        new = [row for row in dict.fromkeys(accepted) if row not in self._versions]
        sequence = self._keep(new)
        self._keep_refused(batch, rows, refused)
        self._refused = [one for one in self._refused if one.number not in batch.settles or one.territory != batch.territory]
        ordered = sorted(refused.items())
        refusals = Refusals(rows=np.array([at for at, _ in ordered], np.int32), reasons=np.array([why for _, why in ordered], np.int8))
        return Stored(sequence=sequence, stored=len(new), duplicates=len(accepted) - len(new), refusals=refusals)

    def position(self, stream: str) -> int:
        """Return the number of the last batch of a stream."""
        return self._streams.get(stream, 0)

    def read(self, series: int, during: Interval, *, known_at: int | None = None) -> Versions:
        """Return what holds for a series."""
        return resolve(self._of(series, during), known_at=known_at).kept

    def revisions(self, series: int, during: Interval) -> Resolution:
        """Return what holds for a series, and every version beside it."""
        return resolve(self._of(series, during))

    def totals(self, month: date) -> MonthTotals:
        """Return the month's totals of all series."""
        first = np.datetime64(month, "M")
        start, end = (int(one.astype("datetime64[s]").astype(np.int64)) for one in (first, first + 1))
        sums: dict[int, list[int]] = {}
        for series, time, _, value, quality in _rows(self._kept().columns):
            if start <= time < end:
                total = sums.setdefault(series, [0, 0, 0])
                usable = quality < Quality.SUSPECT
                total[0] += 1
                total[1] += usable
                total[2] += value if usable else 0
        table = np.array([[series, *sums[series]] for series in sorted(sums)], np.int64).reshape(-1, 4)
        return MonthTotals(series=table[:, 0].astype(np.int32), count=table[:, 1], used=table[:, 2], total=table[:, 3])

    def latest(self) -> Columns:
        """Return the last reading of every series."""
        return columns_of(list({row[0]: row for row in _rows(self._kept().columns)}.values()))

    def sequence(self) -> int:
        """Return the receive sequence of the last batch."""
        return self._sequence

    def refused(self, territory: TerritoryId, *, after: int = 0, limit: int = 1000) -> Sequence[RefusedReading]:
        """Return refused readings of a territory."""
        return [one for one in self._refused if one.territory == territory and one.number > after][:limit]

    def refused_among(self, territory: TerritoryId, numbers: Sequence[int]) -> Sequence[RefusedReading]:
        """Return refused readings by number."""
        return [one for one in self._refused if one.territory == territory and one.number in numbers]

    def discard(self, territory: TerritoryId, numbers: Sequence[int]) -> int:
        """Remove refused readings."""
        before = len(self._refused)
        self._refused = [one for one in self._refused if one.number not in numbers or one.territory != territory]
        return before - len(self._refused)

    def forget(self, series: int, during: Interval) -> Receipt:
        """Erase a series' readings."""
        start, end = _span(during)
        name = self.names(np.array([series], np.int32))[0]
        gone = [row for row in self._versions if row[0] == series and start <= row[1] < end]
        for row in gone:
            del self._versions[row]
        left = [one for one in self._refused if not (_is_of(one, name) and start <= one.time < end)]
        erased, self._refused = len(gone) + len(self._refused) - len(left), left
        self._sequence += 1
        noticed = self._take_out_of_events(series, start, end)
        self._events.append(
            SeriesEvent(
                sequence=self._sequence,
                forgotten=True,
                start=noticed[0],
                end=noticed[1],
                series=np.array([series], np.int32),
                occurred=int(now()),
            )
        )
        receipt = Receipt(number=len(self._receipts) + 1, series=series, start=start, end=end, sequence=self._sequence, erased=erased)
        self._receipts.append(receipt)
        return receipt

    def receipts(self, series: int) -> Sequence[Receipt]:
        """Return the receipts of a series."""
        return [one for one in self._receipts if one.series == series]

    def events(self, *, after: int, limit: int = 100) -> Sequence[SeriesEvent]:
        """Return events in commit order."""
        return [one for one in self._events if one.sequence > after][:limit]

    def store_id(self) -> str:
        """Return what tells this store's sequences from those of others."""
        return self._id

    def close(self) -> None:
        """Nothing to let go of."""

    def _keep(self, new: list[Row]) -> int:
        if not new:
            return 0
        self._sequence += 1
        self._versions |= dict.fromkeys(new, self._sequence)
        times = [row[1] for row in new]
        series = np.unique(np.array([row[0] for row in new], np.int32))
        self._events.append(
            SeriesEvent(
                sequence=self._sequence,
                forgotten=False,
                start=min(times),
                end=max(times) + 1,
                series=series,
                corrected=any(row[4] == Quality.CORRECTED for row in new),
                occurred=int(now()),
            )
        )
        return self._sequence

    def _keep_refused(self, batch: Batch, rows: list[Row], refused: dict[int, int]) -> None:
        known = list(self._numbers)
        for at, reason in sorted(refused.items()):
            if reason == Refusal.FORGOTTEN:
                continue
            series, time, duration, value, quality = rows[at]
            self._refused_ever += 1
            self._refused.append(
                RefusedReading(
                    number=self._refused_ever,
                    territory=batch.territory,
                    series=known[series] if series >= 0 else None,
                    sent_name=batch.unknown[-1 - series] if series < 0 and -series <= len(batch.unknown) else "",
                    time=time,
                    duration=duration,
                    value=value,
                    quality=quality,
                    reason=Refusal(reason),
                    sequence=self._sequence,
                )
            )

    def _is_forgotten(self, row: Row) -> bool:
        return any(one.series == row[0] and one.start <= row[1] < one.end for one in self._receipts)

    def _take_out_of_events(self, series: int, start: int, end: int) -> tuple[int, int]:
        left: list[SeriesEvent] = []
        first, last = start, end
        for event in self._events:
            if event.start >= end or event.end <= start or series not in event.series:
                left.append(event)
                continue
            first, last = min(first, event.start), max(last, event.end)
            others = event.series[event.series != series]
            if len(others):
                left.append(replace(event, series=others))
        self._events = left
        return first, last

    def _of(self, series: int, during: Interval) -> Versions:
        start, end = _span(during)
        return _versions([(row, sequence) for row, sequence in self._versions.items() if row[0] == series and start <= row[1] < end])

    def _kept(self) -> Versions:
        return resolve(_versions(list(self._versions.items()))).kept


def _span(during: Interval) -> tuple[int, int]:
    return int(during.start.timestamp()), -int(-during.end.timestamp() // 1)


def _is_of(one: RefusedReading, name: SeriesName) -> bool:
    sent = f"meters/{name.meter}/channels/{name.channel}"
    return one.territory == name.territory and (one.series == name or (one.series is None and one.sent_name == sent))


def _rows(columns: Columns) -> list[Row]:
    parts = (columns.series, columns.time, columns.duration, columns.value, columns.quality)
    return list(zip(*(part.tolist() for part in parts), strict=True))


def _versions(rows: list[tuple[Row, int]]) -> Versions:
    if not rows:
        return joined_versions([])
    rows = sorted(rows)
    return Versions(columns=columns_of([row for row, _ in rows]), sequence=np.array([sequence for _, sequence in rows], np.int64))
