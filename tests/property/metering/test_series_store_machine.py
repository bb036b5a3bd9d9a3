"""The embedded store against its twin: whatever is recorded, filed, reopened and forgotten, both answer alike."""

import shutil
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from metering.adapters.memory_series_store import MemorySeriesStore
from metering.adapters.series_store import upkeep
from metering.adapters.series_store.store import EmbeddedSeriesStore
from metering.domain.series.batch import Batch, Stored
from metering.domain.series.columns import Columns, ReadingKind, SeriesName, Versions, columns_of
from metering.domain.series.ports import SeriesStore
from vocabulary.interval import Interval
from vocabulary.names import PointId, TerritoryId

TOWN = TerritoryId("town")
START = int(datetime(2026, 3, 31, 12, tzinfo=UTC).timestamp())
ALWAYS = Interval(start=datetime(2000, 1, 1, tzinfo=UTC), end=datetime(2100, 1, 1, tzinfo=UTC))
NAMES = [SeriesName(territory=TOWN, meter=PointId(meter), channel="import", kind=ReadingKind.INTERVAL) for meter in "abc"]

# Hours around the turn of a month, few values: repetitions, contradictions and late readings come by themselves.
ROW = st.tuples(
    st.integers(0, 2),
    st.integers(0, 30).map(lambda hour: START + hour * 3600),
    st.sampled_from([3600, 3600, 3600, 1800]),
    st.integers(0, 3),
    st.sampled_from([2, 2, 2, 2, 1, 3, 4]),
)
STRETCH = st.tuples(st.integers(0, 2), st.integers(0, 25), st.integers(1, 40)).map(
    lambda of: [(of[0], START + (of[1] + at) * 3600, 3600, at % 3, 2) for at in range(of[2])]
)


def shown(columns: Columns) -> list[tuple[int, ...]]:
    parts = (columns.series, columns.time, columns.quality)
    return list(zip(*(part.tolist() for part in parts), strict=True))


def held(versions: Versions) -> list[tuple[int, ...]]:
    columns = versions.columns
    parts = (columns.time, columns.duration, columns.value, columns.quality, versions.sequence)
    # Which of contradicting versions stands for them, and since when, is the store's own affair.
    return [row if row[3] != 4 else (row[0], 4) for row in zip(*(part.tolist() for part in parts), strict=True)]


def told(stored: Stored) -> tuple[Any, ...]:
    return stored.sequence, stored.stored, stored.duplicates, stored.refusals.rows.tolist(), stored.refusals.reasons.tolist()


class Stores(RuleBasedStateMachine):
    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="multiflux-machine-"))
        self.embedded = EmbeddedSeriesStore(self.folder / "series.db")
        self.twin = MemorySeriesStore()
        for store in self.both():
            assert store.numbers(NAMES).tolist() == [0, 1, 2]

    def both(self) -> tuple[SeriesStore, SeriesStore]:
        return self.embedded, self.twin

    @rule(rows=st.lists(ROW, min_size=1, max_size=12))
    def record(self, rows: list[tuple[int, int, int, int, int]]) -> None:
        batch = Batch(territory=TOWN, columns=columns_of(rows))
        assert told(self.embedded.record(batch)) == told(self.twin.record(batch))

    @rule(rows=STRETCH)
    def record_a_stretch(self, rows: list[tuple[int, int, int, int, int]]) -> None:
        self.record(rows)

    @rule()
    def file(self) -> None:
        assert self.embedded.file_everything(timeout_s=60)

    @rule()
    def reopen(self) -> None:
        self.embedded.close()
        self.embedded = EmbeddedSeriesStore(self.folder / "series.db")

    @rule(series=st.integers(0, 2), start=st.integers(0, 30), hours=st.integers(1, 10))
    def forget(self, series: int, start: int, hours: int) -> None:
        during = Interval(
            start=datetime.fromtimestamp(START + start * 3600, UTC), end=datetime.fromtimestamp(START + (start + hours) * 3600, UTC)
        )
        assert self.embedded.forget(series, during).sequence == self.twin.forget(series, during).sequence

    @invariant()
    def both_answer_alike(self) -> None:
        if not hasattr(self, "embedded"):
            return
        for series in range(3):
            assert held(self.embedded.read(series, ALWAYS)) == held(self.twin.read(series, ALWAYS))
            others = [sorted(held(store.revisions(series, ALWAYS).others)) for store in self.both()]
            assert others[0] == others[1]
        middle = self.twin.sequence() // 2
        assert held(self.embedded.read(1, ALWAYS, known_at=middle)) == held(self.twin.read(1, ALWAYS, known_at=middle))
        assert shown(self.embedded.latest()) == shown(self.twin.latest())
        for month in (date(2026, 3, 1), date(2026, 4, 1)):
            ours, twins = self.embedded.totals(month), self.twin.totals(month)
            for name in ("series", "count", "used", "total"):
                assert getattr(ours, name).tolist() == getattr(twins, name).tolist()
        events = [
            [(one.sequence, one.forgotten, one.start, one.end, one.series.tolist()) for one in store.events(after=0, limit=1000)]
            for store in self.both()
        ]
        assert events[0] == events[1]

    def teardown(self) -> None:
        if hasattr(self, "embedded"):
            self.embedded.close()
            assert upkeep.verify(self.folder / "series.db").faults == ()
            shutil.rmtree(self.folder)


TestStores = Stores.TestCase
TestStores.settings = settings(
    max_examples=12, stateful_step_count=18, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def test_a_stream_in_any_order_and_split_ends_as_the_same_readings(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    rows = [
        (at % 3, START + int(hour) * 3600, 3600, int(value), int(quality))
        for at, (hour, value, quality) in enumerate(
            zip(rng.integers(0, 900, 1500), rng.integers(0, 4, 1500), rng.choice([1, 2, 3], 1500), strict=True)
        )
    ]
    outcomes: list[list[list[tuple[int, ...]]]] = []
    for turn in range(3):
        store = EmbeddedSeriesStore(tmp_path / f"{turn}.db")
        store.numbers(NAMES)
        order = rng.permutation(len(rows)) if turn else np.arange(len(rows))
        again = rng.integers(0, len(rows), 200)
        for part in np.array_split(np.concatenate([order, again]), 1 + turn * 7):
            store.record(Batch(territory=TOWN, columns=columns_of([rows[at] for at in part.tolist()])))
            if turn == 2:
                assert store.file_everything(timeout_s=60)
        outcomes.append([[row[:4] for row in held(store.read(series, ALWAYS))] for series in range(3)])
        store.close()
    assert outcomes[0] == outcomes[1] == outcomes[2]
