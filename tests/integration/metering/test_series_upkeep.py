"""A full disk, damaged bytes, backups: what an operator meets."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from metering.adapters.series_store import upkeep
from metering.adapters.series_store.filing import FilingRules
from metering.adapters.series_store.merger import Merger
from metering.adapters.series_store.store import EmbeddedSeriesStore, StoreRules
from metering.domain.series.batch import Batch, Origin
from metering.domain.series.columns import Columns, ReadingKind, SeriesName
from metering.domain.series.failures import CorruptChunk, StoreBroken, StoreBusy, StoreFormat, StoreFull, StoreInUse
from vocabulary.interval import Interval
from vocabulary.names import PointId, TerritoryId

ALWAYS = Interval(start=datetime(2000, 1, 1, tzinfo=UTC), end=datetime(2100, 1, 1, tzinfo=UTC))
START, HOUR = 1_767_225_600, 3600
TOWN = TerritoryId("town")
NAMES = [SeriesName(territory=TOWN, meter=PointId(meter), channel="import", kind=ReadingKind.INTERVAL) for meter in ("a", "b")]


def batch(series: int, count: int, *, origin: Origin | None = None, at: int = 0) -> Batch:
    value = np.random.default_rng(series).integers(0, 2**40, at + count)[at:]
    columns = Columns(
        series=np.full(count, series, np.int32),
        time=START + HOUR * np.arange(at, at + count),
        duration=np.full(count, HOUR, np.int32),
        value=value,
        quality=np.full(count, 2, np.int8),
    )
    return Batch(territory=TOWN, columns=columns, origin=origin)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "series.db"


@pytest.fixture
def store(path: Path) -> Iterator[EmbeddedSeriesStore]:
    made = EmbeddedSeriesStore(path)
    made.numbers(NAMES)
    yield made
    made.close()


FILL_THE_DISK = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import test_series_upkeep as own
from vocabulary.failure import Failure, Kind
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = own.EmbeddedSeriesStore(Path(sys.argv[1]))
store.numbers(own.NAMES)
resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, resource.RLIM_INFINITY))
stored = 0
try:
    while True:
        store.record(own.batch(0, 20_000, at=stored))
        stored += 20_000
except Failure as failure:
    assert failure.kind is Kind.BUSY, failure
    print(stored, failure.reason, len(store.read(0, own.ALWAYS)))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.record(own.batch(1, 10))
store.close()
"""


def test_a_full_disk_fails_by_name_before_anything_is_acknowledged(path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    command = [sys.executable, "-c", FILL_THE_DISK, str(path), str(Path(__file__).parent)]
    told = subprocess.run(command, capture_output=True, text=True, env=environment, check=True, timeout=120).stdout.split()
    stored, reason, readable = int(told[0]), told[1], int(told[2])
    assert reason in {StoreFull.reason, StoreBroken.reason}
    assert stored > 0
    assert readable == stored
    store = EmbeddedSeriesStore(path)
    assert (len(store.read(0, ALWAYS)), len(store.read(1, ALWAYS))) == (stored, 10)
    store.close()
    assert upkeep.verify(path).faults == ()


def damage(path: Path, key: int) -> None:
    connection = sqlite3.connect(path)
    body = connection.execute("SELECT body FROM chunk WHERE id = ?", (key,)).fetchone()[0]
    changed = body[:40] + bytes([body[40] ^ 1]) + body[41:]
    connection.execute("UPDATE chunk SET body = ? WHERE id = ?", (changed, key))
    connection.commit()
    connection.close()


def test_a_corrupt_chunk_is_named_and_keeps_nothing_else_from_being_read_or_stored(path: Path) -> None:
    store = EmbeddedSeriesStore(path)
    store.numbers(NAMES)
    store.record(batch(0, 1000))
    store.record(batch(1, 1000))
    assert store.file_everything(timeout_s=60)
    store.close()
    january = 56 * 12 << 24
    damage(path, january)
    assert upkeep.verify(path).faults == ("the readings of series 0 in 2026-01 are damaged",)
    store = EmbeddedSeriesStore(path)
    for _ in range(2):
        with pytest.raises(CorruptChunk) as caught:
            store.read(0, ALWAYS)
        assert caught.value.metadata == {"series": "0", "month": "2026-01"}
        assert len(store.read(1, ALWAYS)) == 1000
        february = Interval(start=datetime(2026, 2, 1, tzinfo=UTC), end=ALWAYS.end)
        assert len(store.read(0, february)) == 1000 - 31 * 24
        # The same readings again: those of the damaged month are new to the store, and filing them sets the damaged chunk aside.
        store.record(batch(0, 1000))
        assert store.file_everything(timeout_s=60)
    assert store.totals(date(2026, 1, 1)).series.tolist() == [0, 1]
    assert store.repair(0, date(2026, 1, 1)) == 1
    assert len(store.read(0, ALWAYS)) == 1000
    store.close()
    assert upkeep.verify(path).faults == ()


def test_a_backup_of_a_running_store_is_whole_and_can_be_restored(store: EmbeddedSeriesStore, path: Path, tmp_path: Path) -> None:
    store.record(batch(0, 1000, origin=Origin(stream="s", number=1)))
    assert store.file_everything(timeout_s=60)
    store.record(batch(1, 100))
    upkeep.backup(path, tmp_path / "copy.db")
    store.record(batch(1, 200))
    with pytest.raises(upkeep.BackupExists):
        upkeep.backup(path, tmp_path / "copy.db")
    report = upkeep.restore(tmp_path / "copy.db", tmp_path / "again.db")
    assert (report.readings, report.journal_entries, report.faults) == (1000, 1, ())
    again = EmbeddedSeriesStore(tmp_path / "again.db")
    assert (len(again.read(0, ALWAYS)), len(again.read(1, ALWAYS)), again.position("s")) == (1000, 100, 1)
    again.close()


def test_a_damaged_backup_is_not_put_in_place(store: EmbeddedSeriesStore, path: Path, tmp_path: Path) -> None:
    store.record(batch(0, 1000))
    assert store.file_everything(timeout_s=60)
    upkeep.backup(path, tmp_path / "copy.db")
    damage(tmp_path / "copy.db", 56 * 12 << 24)
    with pytest.raises(upkeep.StoreDamaged):
        upkeep.restore(tmp_path / "copy.db", tmp_path / "again.db")
    assert not (tmp_path / "again.db").exists()


def test_one_file_is_open_in_one_store_only(store: EmbeddedSeriesStore, path: Path) -> None:
    assert store.sequence() == 0
    with pytest.raises(StoreInUse):
        EmbeddedSeriesStore(path)


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE t(x)")
    connection.close()
    with pytest.raises(StoreFormat):
        EmbeddedSeriesStore(other)


def test_senders_are_told_to_wait_when_nothing_is_filed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A merger that never delivers: the tail fills up to twice the threshold.
    monkeypatch.setattr(Merger, "_merge", lambda _self, _wanted: None)
    store = EmbeddedSeriesStore(path, StoreRules(filing=FilingRules(least_rows=1000, rows_per_series=1), patience_s=0.2))
    store.numbers(NAMES)
    for at in range(4):
        store.record(batch(0, 500, at=500 * at))
    with pytest.raises(StoreBusy):
        store.record(batch(0, 500, at=2000))
    stored = 2000
    assert len(store.read(0, ALWAYS)) == stored
    store.close()


def test_a_merger_that_dies_is_started_again(path: Path) -> None:
    store = EmbeddedSeriesStore(path)
    store.numbers(NAMES)
    store.start_merger()
    merger = store.merger_pid
    assert merger
    os.kill(merger, signal.SIGKILL)
    store.record(batch(0, 1000))
    assert store.file_everything(timeout_s=60)
    assert store.merger_pid != merger
    assert len(store.read(0, ALWAYS)) == 1000
    store.close()


def test_erased_readings_leave_no_bytes_behind(store: EmbeddedSeriesStore, path: Path) -> None:
    value = 0x1122334455667788
    columns = Columns(
        series=np.zeros(2, np.int32),
        time=START + HOUR * np.arange(2),
        duration=np.full(2, HOUR, np.int32),
        value=np.array([value, value], np.int64),
        quality=np.full(2, 2, np.int8),
    )
    store.record(Batch(territory=TOWN, columns=columns))
    mark = value.to_bytes(8, "little")
    files = [path, path.with_name("series.db-wal")]
    assert any(mark in file.read_bytes() for file in files)
    store.forget(0, ALWAYS)
    assert not any(mark in file.read_bytes() for file in files if file.exists())
