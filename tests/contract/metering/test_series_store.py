"""What every series store does, whichever way it keeps readings."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from influxd import Influxd, program

from metering.adapters.influx_store.server import InfluxAddress
from metering.adapters.influx_store.store import InfluxSeriesStore
from metering.adapters.memory_series_store import MemorySeriesStore
from metering.adapters.series_store.store import EmbeddedSeriesStore, StoreRules
from metering.domain.series.arrival import Refusal, Refusals
from metering.domain.series.batch import Batch, Origin
from metering.domain.series.columns import Columns, ReadingKind, SeriesName, Versions, columns_of
from metering.domain.series.failures import OutOfOrder
from metering.domain.series.ports import SeriesStore
from vocabulary.interval import Interval
from vocabulary.names import PointId, TerritoryId
from vocabulary.quality import Quality

TOWN = TerritoryId("town")
MARCH = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
HOUR, DAY = 3600, 86_400
ALWAYS = Interval(start=datetime(2000, 1, 1, tzinfo=UTC), end=datetime(2100, 1, 1, tzinfo=UTC))
MEASURED, ESTIMATED, CORRECTED, SUSPECT = Quality.MEASURED, Quality.ESTIMATED, Quality.CORRECTED, Quality.SUSPECT

Settle = Callable[[SeriesStore], None]


def leave(_: SeriesStore) -> None:
    """Leave readings where they arrived."""


def file(store: SeriesStore) -> None:
    """Move readings to where they are kept for good."""
    if isinstance(store, EmbeddedSeriesStore | InfluxSeriesStore):
        assert store.file_everything(timeout_s=60)


@pytest.fixture(
    params=[
        "memory",
        "embedded, in the journal",
        "embedded, in chunks",
        "InfluxDB away, in the journal",
        pytest.param("InfluxDB, in the journal", marks=pytest.mark.server),
        pytest.param("InfluxDB, filed", marks=pytest.mark.server),
    ]
)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def influxd() -> Iterator[Influxd]:
    with Influxd(program()) as server:
        yield server


@pytest.fixture
def store(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[SeriesStore]:
    path = tmp_path / "series.db"
    made: SeriesStore
    match kind.partition(",")[0]:
        case "memory":
            made = MemorySeriesStore()
        case "embedded":
            made = EmbeddedSeriesStore(path)
        case "InfluxDB away":
            # Nobody listens on port 1, and nobody may without being root.
            made = InfluxSeriesStore(path, InfluxAddress(url="http://127.0.0.1:1", token="none"), StoreRules())
        case _:
            server: Influxd = request.getfixturevalue("influxd")
            # Rules of its own: in the journal, nothing may be filed behind the test's back.
            made = InfluxSeriesStore(path, server.address(f"{uuid4().hex}-"), StoreRules())
    yield made
    made.close()


@pytest.fixture
def settle(kind: str) -> Settle:
    return file if kind in ("embedded, in chunks", "InfluxDB, filed") else leave


def series_name(meter: str, kind: ReadingKind = ReadingKind.INTERVAL) -> SeriesName:
    return SeriesName(territory=TOWN, meter=PointId(meter), channel="import", kind=kind)


def number(store: SeriesStore, meter: str = "a") -> int:
    return int(store.numbers([series_name(meter)])[0])


def hours(series: int, values: list[int], *, start: int = MARCH, quality: Quality = MEASURED) -> Columns:
    return columns_of([(series, start + at * HOUR, HOUR, value, quality) for at, value in enumerate(values)])


def batch(columns: Columns, **more: object) -> Batch:
    return Batch(territory=TOWN, columns=columns, **more)  # pyright: ignore[reportArgumentType]


def values(versions: Versions) -> list[tuple[int, int]]:
    return list(zip(versions.columns.value.tolist(), versions.columns.quality.tolist(), strict=True))


def test_what_was_recorded_is_read_back_in_order_of_time(store: SeriesStore, settle: Settle) -> None:
    a, b = number(store, "a"), number(store, "b")
    store.record(batch(hours(a, [30, 40], start=MARCH + 2 * HOUR)))
    store.record(batch(hours(b, [7])))
    store.record(batch(hours(a, [10, 20])))
    settle(store)
    found = store.read(a, ALWAYS)
    assert found.columns.value.tolist() == [10, 20, 30, 40]
    assert found.columns.time.tolist() == [MARCH + at * HOUR for at in range(4)]
    assert found.columns.duration.tolist() == [HOUR] * 4
    assert found.columns.quality.tolist() == [MEASURED] * 4
    assert found.sequence.tolist() == [3, 3, 1, 1]


def test_an_interval_holds_its_start_and_not_its_end(store: SeriesStore, settle: Settle) -> None:
    a = number(store)
    store.record(batch(hours(a, [1, 2, 3, 4])))
    settle(store)
    start = datetime.fromtimestamp(MARCH, UTC)
    found = store.read(a, Interval(start=start + timedelta(hours=1), end=start + timedelta(hours=3)))
    assert found.columns.value.tolist() == [2, 3]


def test_readings_of_many_months_come_back_whole(store: SeriesStore, settle: Settle) -> None:
    a = number(store)
    rng = np.random.default_rng(7)
    sent = [int(value) for value in rng.integers(-(2**60), 2**60, 200)] + [0, 5, 5]
    store.record(batch(columns_of([(a, MARCH + at * 11 * DAY + at % 3, DAY, value, MEASURED) for at, value in enumerate(sent)])))
    settle(store)
    assert store.read(a, ALWAYS).columns.value.tolist() == sent


def test_a_reading_sent_again_is_a_duplicate_and_stored_once(store: SeriesStore, settle: Settle) -> None:
    a = number(store)
    first = store.record(batch(hours(a, [10, 20])))
    settle(store)
    again = store.record(batch(hours(a, [10, 20, 30])))
    settle(store)
    assert (first.stored, first.duplicates) == (2, 0)
    assert (again.stored, again.duplicates) == (1, 2)
    assert store.record(batch(hours(a, [10, 20, 30]))).duplicates == 3
    assert store.read(a, ALWAYS).columns.value.tolist() == [10, 20, 30]
    assert store.read(a, ALWAYS).sequence.tolist() == [1, 1, 2]


def test_a_reading_twice_in_one_batch_is_stored_once(store: SeriesStore, settle: Settle) -> None:
    a = number(store)
    row = (a, MARCH, HOUR, 10, MEASURED)
    told = store.record(batch(columns_of([row, row])))
    settle(store)
    assert (told.stored, told.duplicates) == (1, 1)
    assert values(store.read(a, ALWAYS)) == [(10, MEASURED)]


@pytest.mark.parametrize(
    ("versions", "kept"),
    [
        ([(5, ESTIMATED), (6, MEASURED)], (6, MEASURED)),
        ([(6, MEASURED), (5, ESTIMATED)], (6, MEASURED)),
        ([(6, MEASURED), (7, MEASURED)], (6, SUSPECT)),
        ([(6, MEASURED), (7, MEASURED), (8, CORRECTED)], (8, CORRECTED)),
        ([(8, CORRECTED), (7, MEASURED), (6, MEASURED)], (8, CORRECTED)),
        ([(5, ESTIMATED), (5, MEASURED)], (5, MEASURED)),
        ([(6, MEASURED), (7, MEASURED), (1, ESTIMATED)], (6, SUSPECT)),
        ([(9, SUSPECT)], (9, SUSPECT)),
        ([(9, SUSPECT), (8, MEASURED)], (8, MEASURED)),
        ([(8, MEASURED), (9, SUSPECT)], (8, MEASURED)),
    ],
)
def test_the_best_quality_holds_and_contradictions_are_suspect(
    store: SeriesStore, settle: Settle, versions: list[tuple[int, Quality]], kept: tuple[int, Quality]
) -> None:
    a = number(store)
    for value, quality in versions:
        store.record(batch(hours(a, [value], quality=quality)))
        settle(store)
    assert values(store.read(a, ALWAYS)) == [kept]
    resolution = store.revisions(a, ALWAYS)
    everything = set(values(resolution.others)) | ({kept} if kept[1] != SUSPECT else set())
    assert everything == set(versions)


def test_a_corrected_reading_still_shows_what_was_known_before(store: SeriesStore, settle: Settle) -> None:
    a = number(store)
    for value, quality in ((5, ESTIMATED), (6, MEASURED), (7, MEASURED), (8, CORRECTED)):
        store.record(batch(hours(a, [value, 100], quality=quality)))
        settle(store)
    seen = [values(store.read(a, ALWAYS, known_at=sequence))[:1] for sequence in range(5)]
    assert seen == [[], [(5, ESTIMATED)], [(6, MEASURED)], [(6, SUSPECT)], [(8, CORRECTED)]]


def test_refused_rows_are_listed_and_their_neighbours_stored(store: SeriesStore, settle: Settle) -> None:
    a = number(store)
    rows = [(a, MARCH, HOUR, 1, MEASURED), (a, MARCH + HOUR, HOUR, -5, MEASURED), (-1, MARCH, HOUR, 3, MEASURED)]
    refusals = Refusals(rows=np.array([1, 2], np.int32), reasons=np.array([Refusal.VALUE_IMPOSSIBLE, Refusal.UNKNOWN_SERIES], np.int8))
    told = store.record(batch(columns_of(rows), refusals=refusals, unknown=("meters/x/channels/y",)))
    settle(store)
    assert (told.stored, len(told.refusals)) == (1, 2)
    assert store.read(a, ALWAYS).columns.value.tolist() == [1]
    first, second = store.refused(TOWN)
    assert (first.series, first.value, first.reason, first.time) == (series_name("a"), -5, Refusal.VALUE_IMPOSSIBLE, MARCH + HOUR)
    assert (second.series, second.sent_name, second.reason) == (None, "meters/x/channels/y", Refusal.UNKNOWN_SERIES)
    assert store.refused(TerritoryId("elsewhere")) == []
    assert store.refused(TOWN, after=first.number) == [second]


def test_a_batch_that_takes_up_a_refused_reading_removes_it_from_the_list(store: SeriesStore) -> None:
    a = number(store)
    wrong = columns_of([(a, MARCH, HOUR, -5, MEASURED)] * 2)
    refusals = Refusals(rows=np.array([0, 1], np.int32), reasons=np.array([Refusal.VALUE_IMPOSSIBLE] * 2, np.int8))
    store.record(batch(wrong, refusals=refusals))
    first, second = store.refused(TOWN)
    store.record(batch(hours(a, [5], quality=CORRECTED), settles=(first.number,)))
    assert store.refused(TOWN) == [second]
    assert store.discard(TerritoryId("elsewhere"), [second.number]) == 0
    assert store.discard(TOWN, [second.number]) == 1
    assert store.refused(TOWN) == []
    assert values(store.read(a, ALWAYS)) == [(5, CORRECTED)]


def test_a_stream_is_stored_once_and_in_its_order(store: SeriesStore) -> None:
    a = number(store)
    store.record(batch(hours(a, [1]), origin=Origin(stream="s", number=1)))
    again = store.record(batch(hours(a, [1]), origin=Origin(stream="s", number=1)))
    assert (again.replayed, again.stored, again.duplicates) == (True, 0, 0)
    with pytest.raises(OutOfOrder):
        store.record(batch(hours(a, [1, 2, 3]), origin=Origin(stream="s", number=3)))
    assert store.read(a, ALWAYS).columns.value.tolist() == [1]
    store.record(batch(hours(a, [1, 2]), origin=Origin(stream="s", number=2)))
    assert (store.position("s"), store.position("other")) == (2, 0)


def test_totals_count_usable_readings_of_the_month(store: SeriesStore, settle: Settle) -> None:
    a, b = number(store, "a"), number(store, "b")
    store.record(batch(hours(a, [1, 2, 3])))
    store.record(batch(hours(a, [100], start=MARCH - HOUR)))
    settle(store)
    store.record(batch(hours(a, [9], start=MARCH + HOUR)))
    store.record(batch(hours(a, [10], start=MARCH + 5 * HOUR)))
    store.record(batch(hours(b, [4, 5])))
    store.record(batch(hours(b, [5], start=MARCH + HOUR, quality=CORRECTED)))
    totals = store.totals(date(2026, 3, 1))
    assert totals.series.tolist() == [a, b]
    assert totals.count.tolist() == [4, 2]
    assert totals.used.tolist() == [3, 2]
    assert totals.total.tolist() == [14, 9]
    settle(store)
    assert store.totals(date(2026, 3, 1)).total.tolist() == [14, 9]
    assert store.totals(date(2026, 2, 1)).total.tolist() == [100]
    assert len(store.totals(date(2025, 2, 1)).series) == 0


def test_the_latest_reading_of_every_series_is_the_one_that_holds(store: SeriesStore, settle: Settle) -> None:
    a, b, c, _unread = (number(store, meter) for meter in "abcd")
    store.record(batch(hours(a, [1, 2])))
    store.record(batch(hours(b, [3, 4])))
    store.record(batch(hours(c, [5, 6])))
    settle(store)
    store.record(batch(hours(a, [7], start=MARCH + 40 * DAY)))
    store.record(batch(hours(b, [8], start=MARCH + HOUR)))
    store.record(batch(hours(c, [9], start=MARCH)))
    expected = [(a, 7, MEASURED), (b, 4, SUSPECT), (c, 6, MEASURED)]
    for _ in range(2):
        found = store.latest()
        assert list(zip(found.series.tolist(), found.value.tolist(), found.quality.tolist(), strict=True)) == expected
        settle(store)


def test_forgotten_readings_are_gone_everywhere_and_stay_away(store: SeriesStore, settle: Settle) -> None:
    a, b = number(store, "a"), number(store, "b")
    both = columns_of([(one, MARCH + at * HOUR, HOUR, at, MEASURED) for one in (a, b) for at in range(4)])
    refusals = Refusals(rows=np.array([1], np.int32), reasons=np.array([Refusal.VALUE_IMPOSSIBLE], np.int8))
    store.record(batch(both, refusals=refusals))
    store.record(batch(hours(a, [77], start=MARCH + 2 * HOUR)))
    settle(store)
    store.record(batch(hours(a, [99], start=MARCH + 2 * HOUR)))
    start = datetime.fromtimestamp(MARCH, UTC)
    gone = Interval(start=start + timedelta(hours=1), end=start + timedelta(hours=3))
    receipt = store.forget(a, gone)
    assert receipt.erased == 4 if isinstance(store, MemorySeriesStore) else receipt.erased >= 4
    assert store.read(a, ALWAYS).columns.value.tolist() == [0, 3]
    assert store.read(b, ALWAYS).columns.value.tolist() == [0, 1, 2, 3]
    assert len(store.revisions(a, gone).others) == 0
    assert store.refused(TOWN) == []
    again = store.record(batch(both, origin=Origin(stream="again", number=1)))
    settle(store)
    assert (again.stored, again.duplicates) == (0, 6)
    assert again.refusals.reasons.tolist() == [Refusal.FORGOTTEN] * 2
    assert store.refused(TOWN) == []
    assert store.read(a, ALWAYS).columns.value.tolist() == [0, 3]
    assert [one.number for one in store.receipts(a)] == [receipt.number]
    assert store.receipts(b) == []


def test_the_latest_reading_moves_back_when_it_is_forgotten(store: SeriesStore, settle: Settle) -> None:
    a = number(store)
    store.record(batch(hours(a, [1, 2, 3])))
    settle(store)
    start = datetime.fromtimestamp(MARCH, UTC)
    store.forget(a, Interval(start=start + timedelta(hours=2), end=start + timedelta(hours=9)))
    assert store.latest().value.tolist() == [2]
    store.forget(a, Interval(start=start, end=start + timedelta(hours=9)))
    assert len(store.latest()) == 0


def test_events_name_series_and_times_in_commit_order(store: SeriesStore, settle: Settle) -> None:
    a, b = number(store, "a"), number(store, "b")
    store.record(batch(hours(b, [1, 2])))
    store.record(batch(hours(b, [1, 2])))
    store.record(batch(columns_of([(a, MARCH, HOUR, 1, MEASURED), (b, MARCH + DAY, HOUR, 1, MEASURED)])))
    settle(store)
    events = store.events(after=0)
    assert [(one.sequence, one.series.tolist(), one.start, one.end, one.forgotten) for one in events] == [
        (1, [b], MARCH, MARCH + HOUR + 1, False),
        (2, [a, b], MARCH, MARCH + DAY + 1, False),
    ]
    assert [one.sequence for one in store.events(after=1)] == [2]
    assert store.sequence() == 2


def test_forgetting_leaves_an_event_in_place_of_those_that_named_the_series(store: SeriesStore) -> None:
    a, b = number(store, "a"), number(store, "b")
    store.record(batch(hours(a, [1])))
    store.record(batch(columns_of([(a, MARCH, HOUR, 2, MEASURED), (b, MARCH + DAY, HOUR, 1, MEASURED)])))
    start = datetime.fromtimestamp(MARCH, UTC)
    store.forget(a, Interval(start=start, end=start + timedelta(hours=1)))
    events = store.events(after=0)
    assert [(one.sequence, one.series.tolist(), one.forgotten) for one in events] == [(2, [b], False), (3, [a], True)]
    assert (events[-1].start, events[-1].end) == (MARCH, MARCH + DAY + 1)


def test_numbers_are_stable_and_names_come_back(store: SeriesStore) -> None:
    names = [series_name("a"), series_name("b"), series_name("a", ReadingKind.REGISTER)]
    numbers = store.numbers(names)
    assert len(set(numbers.tolist())) == 3
    assert store.numbers(list(reversed(names))).tolist() == numbers.tolist()[::-1]
    assert list(store.names(numbers)) == names
    assert store.find([series_name("never")]).tolist() == [-1]
