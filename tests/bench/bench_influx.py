"""InfluxDB 2 behind the series store: `PYTHONPATH=services:tests python tests/bench/bench_influx.py [--points N] [--days N] [--rounds N]`.

Ingest: the same readings through our projection, journal and ledger included, and through the `Point` API of influxdb-client, each into a
bucket of its own of one server, in turn. Then what is asked of a full store: the embedded form against InfluxDB, through the same port.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from influxd import WANTED, Influxd
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write.point import Point
from influxdb_client.client.write_api import SYNCHRONOUS
from series_load import DAY_HOURS, HOUR, START, Load, batches, meter, real_load

from metering.adapters.influx_store.store import InfluxSeriesStore
from metering.adapters.series_store.store import EmbeddedSeriesStore
from metering.domain.series.batch import Batch
from metering.domain.series.columns import Columns, ReadingKind, SeriesName
from metering.domain.series.ports import SeriesStore
from vocabulary.interval import Interval
from vocabulary.names import PointId, TerritoryId

TOWN = TerritoryId("town")
LINES_PER_WRITE = 8_000
MONTHS = [date(2018, month, 1) for month in range(1, 13)]


def main() -> None:
    arguments = _arguments()
    program = os.environ.get("MULTIFLUX_INFLUXD2")
    if not program:
        print(f"no {WANTED}x to measure: name its influxd in MULTIFLUX_INFLUXD2")
        return
    load = real_load(arguments.points, arguments.days)
    print(f"{load.rows:,} readings of {load.points} points, {load.days} days", file=sys.stderr)
    with Influxd(program) as influxd, tempfile.TemporaryDirectory(prefix="multiflux-bench-") as folder:
        path = Path(folder)
        ours: list[tuple[float, float]] = []
        peer: list[tuple[float, float]] = []
        for turn in range(arguments.rounds):
            ours.append(projected(load, influxd, path / f"ours-{turn}.sqlite", f"ours{turn}-"))
            peer.append(by_points(load, influxd, f"peer{turn}", arguments.peer_rows))
            for name, (wall, cpu) in (("our projection", ours[-1]), ("Point API", peer[-1])):
                print(f"  round {turn + 1}: {name:15} {wall / 1e3:7.0f} k/s, {cpu / 1e3:7.0f} k/client CPU-s", file=sys.stderr, flush=True)
        walls, cpus = ([statistics.median(one[at] for one in rates) for rates in (ours, peer)] for at in (0, 1))
        print(f"\n{'ingest, thousand readings':50} {'projection':>12} {'Point API':>12} {'ratio':>7}   land")
        print(f"{'per second':50} {walls[0] / 1e3:12.0f} {walls[1] / 1e3:12.0f} {walls[0] / walls[1]:6.1f}×   ≥ 3×")
        print(f"{'per CPU-second of the client':50} {cpus[0] / 1e3:12.0f} {cpus[1] / 1e3:12.0f} {cpus[0] / cpus[1]:6.1f}×")
        queries(load, influxd, path)


def projected(load: Load, influxd: Influxd, path: Path, prefix: str) -> tuple[float, float]:
    """Return our readings per second and per CPU-second, from the first batch to the last line in InfluxDB."""
    store = InfluxSeriesStore(path, influxd.address(prefix))
    began, spent = time.perf_counter(), time.process_time()
    fill(load, store)
    assert store.file_everything(timeout_s=3600)
    wall, cpu = time.perf_counter() - began, time.process_time() - spent
    store.close()
    return load.rows / wall, load.rows / cpu


def fill(load: Load, store: SeriesStore) -> None:
    names = [
        SeriesName(territory=TOWN, meter=PointId(meter(point)), channel="import", kind=ReadingKind.INTERVAL) for point in range(load.points)
    ]
    numbers = store.numbers(names)
    waiting = []
    for columns in batches(load, 24_000):
        told = Columns(
            series=numbers[columns.series], time=columns.time, duration=columns.duration, value=columns.value, quality=columns.quality
        )
        waiting.append(store.submit(Batch(territory=TOWN, columns=told)))
        if len(waiting) > 8:
            waiting.pop(0).result()
    for one in waiting:
        one.result()


def by_points(load: Load, influxd: Influxd, bucket: str, most: int) -> tuple[float, float]:
    """Return the peer's readings per second and per CPU-second: the same tags and fields, one Point a reading, no journal."""
    client = InfluxDBClient(url=influxd.url, token=influxd.token, org="multiflux", timeout=60_000)
    organisation = client.organizations_api().find_organizations(org="multiflux")[0].id
    client.buckets_api().create_bucket(bucket_name=bucket, org_id=organisation)
    writes = client.write_api(write_options=SYNCHRONOUS)
    rows = 0
    began, spent = time.perf_counter(), time.process_time()
    for sequence, columns in enumerate(batches(load, LINES_PER_WRITE), 1):
        parts = (columns.series, columns.time, columns.duration, columns.value, columns.quality)
        points = [
            Point("reading")
            .tag("meter", meter(series))
            .tag("channel", "import")
            .tag("kind", "interval")
            .field("value", value)
            .field("duration", duration)
            .field("quality", quality)
            .field("sequence", sequence)
            .time(at, "s")
            for series, at, duration, value, quality in zip(*(part.tolist() for part in parts), strict=True)
        ]
        writes.write(bucket=bucket, record=points, write_precision="s")  # pyright: ignore[reportArgumentType]
        rows += len(points)
        # A rate does not need all of them.
        if rows >= most:
            break
    wall, cpu = time.perf_counter() - began, time.process_time() - spent
    writes.close()
    client.close()
    return rows / wall, rows / cpu


def queries(load: Load, influxd: Influxd, path: Path) -> None:
    """Ask both forms the same, in turn."""
    embedded = EmbeddedSeriesStore(path / "embedded.sqlite")
    fill(load, embedded)
    assert embedded.file_everything(timeout_s=3600)
    influx = InfluxSeriesStore(path / "ours-0.sqlite", influxd.address("ours0-"))
    whole = Interval(start=_at(0), end=_at(load.days))
    day = Interval(start=_at(3), end=_at(4))
    points = [point * 37 % load.points for point in range(20)]
    months = [month for month in MONTHS if month < _at(load.days).date()]
    asked: dict[str, Callable[[SeriesStore, int], object]] = {
        f"{load.days} days hourly of one point": lambda store, point: store.read(_number(store, point), whole).columns.value.sum(),
        "a day hourly of one point": lambda store, point: store.read(_number(store, point), day).columns.value.sum(),
        "every revision of one point": lambda store, point: len(store.revisions(_number(store, point), whole).kept),
        f"{len(months) * load.points:,} monthly totals": lambda store, _: sum(int(store.totals(month).total.sum()) for month in months),
        f"last of all {load.points:,}": lambda store, _: int(store.latest().value.sum()),
    }
    print(f"\n{'asked of the store, median ms':50} {'embedded':>12} {'InfluxDB 2':>12} {'ratio':>7}")
    for name, ask in asked.items():
        times: list[list[float]] = [[], []]
        for point in points if "one point" in name else points[:3]:
            answers = []
            for store, took in zip((embedded, influx), times, strict=True):
                began = time.perf_counter()
                answers.append(ask(store, point))
                took.append((time.perf_counter() - began) * 1e3)
            assert answers[0] == answers[1], (name, answers)
        ours, theirs = (statistics.median(one) for one in times)
        print(f"{name:50} {ours:12.1f} {theirs:12.1f} {theirs / ours:6.1f}×")
    embedded.close()
    influx.close()


def _number(store: SeriesStore, point: int) -> int:
    name = SeriesName(territory=TOWN, meter=PointId(meter(point)), channel="import", kind=ReadingKind.INTERVAL)
    return int(store.find([name])[0])


def _at(day: int) -> datetime:
    return datetime.fromtimestamp(START + day * DAY_HOURS * HOUR, UTC)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=200)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--rounds", type=int, default=3, help="how often both write, in turn")
    parser.add_argument("--peer-rows", type=int, default=200_000, help="readings of each round through the Point API")
    return parser.parse_args()


if __name__ == "__main__":
    main()
