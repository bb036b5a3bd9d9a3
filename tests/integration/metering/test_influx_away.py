"""InfluxDB away while readings come in: acknowledged is stored, answers say what they lack, and it catches up."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from influxd import Influxd, program

from metering.adapters.influx_store import moving
from metering.adapters.influx_store.server import InfluxServer
from metering.adapters.influx_store.store import InfluxSeriesStore
from metering.adapters.series_store.schema import open_for_reading
from metering.adapters.series_store.store import EmbeddedSeriesStore, StoreRules
from metering.domain.series.batch import Batch
from metering.domain.series.columns import ReadingKind, SeriesName, columns_of
from metering.domain.series.failures import ReadingsAway, ReadingsMoved
from metering.domain.series.ports import SeriesStore
from vocabulary.interval import Interval
from vocabulary.names import PointId, TerritoryId
from vocabulary.quality import Quality

pytestmark = pytest.mark.server

TOWN = TerritoryId("town")
MARCH = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
HOUR = 3_600
ALWAYS = Interval(start=datetime(2000, 1, 1, tzinfo=UTC), end=datetime(2100, 1, 1, tzinfo=UTC))


@pytest.fixture
def influxd() -> Iterator[Influxd]:
    with Influxd(program()) as server:
        yield server


@pytest.fixture
def store(influxd: Influxd, tmp_path: Path) -> Iterator[InfluxSeriesStore]:
    made = InfluxSeriesStore(tmp_path / "series.db", influxd.address("away-"))
    yield made
    made.close()


def number(store: SeriesStore, meter: str = "a") -> int:
    return int(store.numbers([SeriesName(territory=TOWN, meter=PointId(meter), channel="import", kind=ReadingKind.INTERVAL)])[0])


def record(store: SeriesStore, series: int, values: range | list[int], *, at: int = 0, quality: Quality = Quality.MEASURED) -> int:
    rows = [(series, MARCH + (at + hour) * HOUR, HOUR, value, quality) for hour, value in enumerate(values)]
    return store.record(Batch(territory=TOWN, columns=columns_of(rows))).stored


def read(store: SeriesStore, series: int) -> list[int]:
    return store.read(series, ALWAYS).columns.value.tolist()


def test_what_was_acknowledged_while_influxdb_was_away_is_there_when_it_returns(store: InfluxSeriesStore, influxd: Influxd) -> None:
    a = number(store)
    record(store, a, range(10))
    assert store.file_everything(timeout_s=60)
    influxd.stop()
    assert record(store, a, range(10, 20), at=10) == 10
    # Whether these are new cannot be known now: they are taken, and told apart when they are filed.
    record(store, a, range(5))
    record(store, a, [99], at=3, quality=Quality.CORRECTED)
    with pytest.raises(ReadingsAway) as lacking:
        read(store, a)
    assert (lacking.value.metadata["lacking"], lacking.value.metadata["lacking_from"]) == ("10", "2026-03-01T00:00:00+00:00")
    for question in (lambda: store.totals(date(2026, 3, 1)), store.latest):
        with pytest.raises(ReadingsAway):
            question()
    april = Interval(start=datetime(2026, 4, 1, tzinfo=UTC), end=datetime(2026, 5, 1, tzinfo=UTC))
    record(store, a, [7], at=31 * 24)
    assert store.read(a, april).columns.value.tolist() == [7]
    influxd.start()
    assert store.file_everything(timeout_s=60)
    assert read(store, a) == [0, 1, 2, 99, *range(4, 20), 7]
    assert store.revisions(a, ALWAYS).others.columns.value.tolist() == [3]
    assert store.read(a, ALWAYS).sequence.tolist()[:4] == [1, 1, 1, 4]


def test_a_store_that_starts_while_influxdb_is_away_takes_readings(influxd: Influxd, tmp_path: Path) -> None:
    influxd.stop()
    store = InfluxSeriesStore(tmp_path / "series.db", influxd.address("start-"))
    record(store, number(store), range(3))
    assert read(store, number(store)) == [0, 1, 2]
    store.close()
    influxd.start()
    again = InfluxSeriesStore(tmp_path / "series.db", influxd.address("start-"))
    assert again.file_everything(timeout_s=60)
    assert read(again, number(again)) == [0, 1, 2]
    again.close()


def test_what_is_forgotten_while_influxdb_is_away_is_in_no_answer_and_erased_when_it_returns(
    store: InfluxSeriesStore, influxd: Influxd
) -> None:
    a = number(store)
    record(store, a, range(10))
    assert store.file_everything(timeout_s=60)
    influxd.stop()
    start = datetime.fromtimestamp(MARCH, UTC)
    receipt = store.forget(a, Interval(start=start, end=start + timedelta(hours=4)))
    assert receipt.erased == 0
    influxd.start()
    assert store.wait_until_erased(timeout_s=60)
    assert read(store, a) == [4, 5, 6, 7, 8, 9]
    assert store.receipts(a)[0].erased == 4
    server = InfluxServer(influxd.address("away-"))
    everything = server.rows('from(bucket: "away-town") |> range(start: 0) |> filter(fn: (r) => r._field == "value")')
    rows = [row for table in everything for row in table.rows]
    server.close()
    assert len(rows) == 6


@pytest.mark.parametrize("written", [1, 2, 3])
def test_lines_written_before_a_crash_and_again_after_it_change_nothing(influxd: Influxd, tmp_path: Path, written: int) -> None:
    address = influxd.address("crash-")
    store = InfluxSeriesStore(tmp_path / "series.db", address, StoreRules())
    a = number(store)
    record(store, a, range(10))
    record(store, a, [50], at=2)
    record(store, a, [60, 61], at=4, quality=Quality.CORRECTED)
    expected = [store.read(a, ALWAYS), store.revisions(a, ALWAYS).others]
    # InfluxDB got some of it, and the journal never heard.
    with closing(open_for_reading(tmp_path / "series.db")) as connection:
        assert len(list(store._projection.steps(connection, after=0, upto=written))) == 1
    assert store.file_everything(timeout_s=60)
    found = [store.read(a, ALWAYS), store.revisions(a, ALWAYS).others]
    for old, new in zip(expected, found, strict=True):
        assert (new.columns.value.tolist(), new.sequence.tolist()) == (old.columns.value.tolist(), old.sequence.tolist())
        assert new.columns.quality.tolist() == old.columns.quality.tolist()
    store.close()
    assert moving.compare(tmp_path / "series.db", address).faults == ()


def test_an_embedded_store_moves_and_is_compared(influxd: Influxd, tmp_path: Path) -> None:
    path = tmp_path / "series.db"
    address = influxd.address("moved-")
    store = EmbeddedSeriesStore(path)
    a, b = number(store, "a"), number(store, "b")
    record(store, a, range(2_000))
    record(store, b, range(50))
    record(store, a, [77, 78], at=5)
    record(store, b, [9], at=1, quality=Quality.CORRECTED)
    assert store.file_everything(timeout_s=60)
    record(store, b, range(50, 60), at=50)
    questions = (lambda one: read(one, a), lambda one: read(one, b), lambda one: one.revisions(a, ALWAYS).others.columns.value.tolist())
    expected = [question(store) for question in questions]
    totals = store.totals(date(2026, 3, 1))
    store.close()
    with pytest.raises(ReadingsMoved):
        InfluxSeriesStore(path, address)
    steps: list[moving.Progress] = []
    told = moving.move(path, address, steps.append)
    assert (told.faults, told.ledger_readings, told.influx_readings, told.waiting_readings) == ((), 2_050, 2_050, 10)
    assert steps[-1].chunks == steps[-1].of_chunks > 0
    with pytest.raises(ReadingsMoved):
        EmbeddedSeriesStore(path)
    moved = InfluxSeriesStore(path, address)
    assert [question(moved) for question in questions] == expected
    assert moved.totals(date(2026, 3, 1)).total.tolist() == totals.total.tolist()
    assert moved.totals(date(2026, 3, 1)).used.tolist() == totals.used.tolist()
    moved.close()


def test_a_move_that_was_interrupted_goes_on_and_takes_up_what_changed_since(influxd: Influxd, tmp_path: Path) -> None:
    path = tmp_path / "series.db"
    address = influxd.address("resumed-")
    store = EmbeddedSeriesStore(path)
    numbers = [number(store, f"m{at}") for at in range(500)]
    for one in numbers:
        record(store, one, range(3))
    assert store.file_everything(timeout_s=60)
    store.close()

    def interrupt(progress: moving.Progress) -> None:
        if progress.chunks:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        moving.move(path, address, interrupt)
    # The installation goes on as it was, until somebody moves it again.
    store = EmbeddedSeriesStore(path)
    record(store, numbers[0], [9], at=1, quality=Quality.CORRECTED)
    start = datetime.fromtimestamp(MARCH, UTC)
    store.forget(numbers[1], Interval(start=start, end=start + timedelta(hours=2)))
    store.forget(numbers[2], ALWAYS)
    assert store.file_everything(timeout_s=60)
    store.close()
    steps: list[moving.Progress] = []
    told = moving.move(path, address, steps.append)
    assert (told.faults, told.influx_readings) == ((), 1_500 - 2 - 3)
    assert 0 < steps[0].chunks < steps[-1].chunks == 499
    moved = InfluxSeriesStore(path, address)
    assert [read(moved, one) for one in numbers[:4]] == [[0, 9, 2], [2], [], [0, 1, 2]]
    moved.close()


def test_a_reading_that_influxdb_lost_is_named(store: InfluxSeriesStore, influxd: Influxd, tmp_path: Path) -> None:
    a = number(store)
    record(store, a, range(24))
    assert store.file_everything(timeout_s=60)
    address = influxd.address("away-")
    assert moving.compare(tmp_path / "series.db", address).faults == ()
    server = InfluxServer(address)
    server.erase(TOWN, MARCH + HOUR, MARCH + 2 * HOUR, 'meter="a"')
    server.close()
    (fault,) = moving.compare(tmp_path / "series.db", address).faults
    assert fault == "InfluxDB holds 23 readings of series 0 in 2026-03, not 24"
