"""The series store and its wire against InfluxDB 1.6 in the same run: `PYTHONPATH=services:tests/bench python -m bench_metering [--quick]`.

Rates are readings per CPU-second of the server's processes: ours with merging to the very end, checks at arrival included; the peer's up to
its last acknowledgement.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from influx_peer import Influx, PeerMissing
from series_load import DAY_HOURS, HOUR, START, Load, lines, meter, real_load, requests

from multiflux.metering.v1 import metering_service_pb2 as pb
from multiflux.metering.v1 import reading_pb2

_STREAM = "/multiflux.metering.v1.MeteringService/StreamReadings"
_SERIES = "/multiflux.metering.v1.MeteringService/StreamSeries"
_TOKEN = (("authorization", "Bearer bench"),)
_WINDOW = 24
_MONTHS = [f"2018-{month:02d}-01" for month in range(1, 13)]


class Ours:
    """Our server in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        server = Path(__file__).with_name("series_server.py")
        self.process = subprocess.Popen(
            [sys.executable, str(server), str(folder / "series.db")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.channel = grpc.insecure_channel(
            f"127.0.0.1:{self._line()}",
            options=[("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)],
        )

    def close(self) -> None:
        self.channel.close()
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(60)

    def order(self, order: str, *arguments: object) -> Any:
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"order": order, "with": arguments}).encode() + b"\n")
        self.process.stdin.flush()
        return self._line()

    def _line(self) -> Any:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    def send(self, messages: list[bytes], *, per_s: float | None = None, rows: int = 0) -> list[float]:
        """Send a stream; return the seconds from each batch's sending to its acknowledgement."""
        sent: list[float] = []
        # A sender holds a few batches that are not acknowledged, not as many as fit the buffers between here and there.
        window = threading.BoundedSemaphore(_WINDOW)
        started = time.perf_counter()

        def paced() -> Iterator[bytes]:
            for at, message in enumerate(messages):
                if per_s and at:
                    # A pace, not a wait for something to happen.
                    time.sleep(max(0.0, started + at * rows / per_s - time.perf_counter()))
                if at:
                    window.acquire()
                    sent.append(time.perf_counter())
                yield message

        call = self.channel.stream_stream(_STREAM, request_serializer=bytes, response_deserializer=pb.StreamReadingsResponse.FromString)
        acknowledged: list[float] = []
        for response in call(paced(), metadata=_TOKEN, timeout=900):
            if response.WhichOneof("part") == "acknowledgement":
                acknowledged.append(time.perf_counter())
                window.release()
                assert not response.acknowledgement.refusals
                assert response.acknowledgement.stored_count or response.acknowledgement.replayed
        assert len(acknowledged) == len(messages) - 1
        return [done - begun for begun, done in zip(sent, acknowledged, strict=True)]

    def year(self, point: int, days: int = 365) -> tuple[float, int]:
        """Return the seconds that a year of one point takes, and its readings."""
        call = self.channel.unary_stream(
            _SERIES, request_serializer=pb.StreamSeriesRequest.SerializeToString, response_deserializer=pb.StreamSeriesResponse.FromString
        )
        request = pb.StreamSeriesRequest(
            metering_point=f"meters/{meter(point)}", channel_id="import", kind=reading_pb2.READING_KIND_INTERVAL
        )
        request.interval.start_time.seconds, request.interval.end_time.seconds = START, START + days * DAY_HOURS * HOUR
        started = time.perf_counter()
        values = [np.frombuffer(response.block.values, "<i8") for response in call(request, metadata=_TOKEN, timeout=60)]
        return time.perf_counter() - started, sum(len(one) for one in values)

    def bytes_on_disk(self) -> int:
        return sum(file.stat().st_size for file in self.folder.iterdir())


@contextmanager
def ours() -> Generator[Ours]:
    folder = Path(tempfile.mkdtemp(prefix="multiflux-series-"))
    server = Ours(folder)
    try:
        yield server
    finally:
        server.close()
        shutil.rmtree(folder)


@dataclass
class Row:
    name: str
    ours: str
    peer: str
    ratio: str
    bars: str


def _ms(seconds: list[float], percentile: float) -> float:
    return float(np.percentile(seconds, percentile)) * 1e3


def _timed(work: Callable[[], object], times: int) -> list[float]:
    took: list[float] = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        took.append(time.perf_counter() - started)
    return took


def ingest(
    load: Load, size: int, rounds: int, *, after: Callable[[Ours, Influx | None], None] | None, peer: bool
) -> tuple[float, float, list[float]]:
    """Return the medians of our and the peer's readings per CPU-second, and our acknowledgement times, over rounds in turn."""
    rates: list[float] = []
    peers: list[float] = []
    waits: list[float] = []
    for turn in range(rounds):
        messages = requests(load, size, stream="bench")
        with ours() as server:
            before = server.order("cpu")
            waits += server.send(messages)
            assert server.order("file")
            spent = [after_ - before_ for after_, before_ in zip(server.order("cpu"), before, strict=True)]
            rates.append(load.rows / sum(spent))
            parts = [one / load.rows * 1e9 for one in spent]
            del messages
            if peer:
                with Influx() as influx:
                    began = influx.cpu()
                    influx.write(lines(load, size))
                    peers.append(load.rows / (influx.cpu() - began))
                    if after and turn == rounds - 1:
                        after(server, influx)
            elif after and turn == rounds - 1:
                after(server, None)
        against = f"{peers[-1] / 1e3:.0f}" if peers else "–"
        print(
            f"  round {turn + 1}: {rates[-1] / 1e3:.0f} k/CPU-s (server {parts[0]:.0f}, merger {parts[1]:.0f} ns), peer {against}",
            file=sys.stderr,
        )
    return statistics.median(rates), statistics.median(peers) if peers else float("nan"), waits


def queries(load: Load, table: list[Row]) -> Callable[[Ours, Influx | None], None]:
    """Measure what is asked of a full store, ours and the peer's alternately."""

    def measure(server: Ours, influx: Influx | None) -> None:
        server.order("tidy")
        size = server.bytes_on_disk() / load.rows
        points = [point * 37 % load.points for point in range(60)]
        years = [server.year(point, load.days)[0] for point in points]
        assert server.year(points[0], load.days)[1] == load.days * DAY_HOURS
        totals = [server.order("totals", _MONTHS) for _ in range(7)]
        latest = [server.order("latest") for _ in range(7)]
        peer_years = peer_totals = peer_latest = [float("nan")]
        peer_size = float("nan")
        if influx:
            span = f"time >= {START}s AND time < {START + load.days * DAY_HOURS * HOUR}s"
            peer_size = influx.bytes_on_disk() / load.rows
            # Nobody else writes these queries.
            asked = [f"SELECT v FROM r WHERE m = '{meter(point)}' AND {span}" for point in points[:20]]  # noqa: S608
            peer_years = [_timed(partial(influx.query, one), 1)[0] for one in asked]
            months = [f"SELECT sum(v) FROM r WHERE {one} GROUP BY m" for one in _month_spans()]  # noqa: S608
            peer_totals = [sum(_timed(partial(influx.query, one), 1)[0] for one in months)]
            peer_latest = _timed(partial(influx.query, "SELECT last(v) FROM r GROUP BY m"), 3)
        count = totals[0][1]
        ms = statistics.median(one[0] for one in totals)
        last = statistics.median(one[0] for one in latest)
        table.append(Row("bytes per reading, whole file, day by day", f"{size:.2f}", f"{peer_size:.2f}", "", "≤ 1.6 / ≤ 1.3"))
        table.append(_query_row(f"{load.days} days hourly of one point, gRPC p50", _ms(years, 50), _ms(peer_years, 50), "≤ 8 / ≤ 3 ms"))
        table.append(_query_row(f"{count} monthly totals", ms, _ms(peer_totals, 50), "≤ 100 / ≤ 40 ms"))
        table.append(_query_row(f"last of all {latest[0][1]}", last, _ms(peer_latest, 50), ""))

    return measure


def _month_spans() -> Iterator[str]:
    starts = [int(np.datetime64(month, "s").astype(np.int64)) for month in [*_MONTHS, "2019-01-01"]]
    for start, end in pairwise(starts):
        yield f"time >= {start}s AND time < {end}s"


def _query_row(name: str, ms: float, peer: float, bars: str) -> Row:
    return Row(name, f"{ms:.1f} ms", f"{peer:.1f} ms", f"{peer / ms:.1f}×", bars)


def latency(load: Load, size: int, table: list[Row]) -> None:
    """Measure acknowledgements at a pace of a million readings per second, with a reader asking all the while and merging under way."""
    with ours() as server:
        messages = requests(load, size, stream="paced")
        blocked: list[float] = []
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                blocked.append(server.year(len(blocked) * 37 % load.points, load.days)[0])
                # A household page now and then, not a second load.
                done.wait(0.02)

        reader = threading.Thread(target=read)
        try:
            server.send(messages[:2])
            reader.start()
            waits = server.send(messages, per_s=1e6, rows=size)
        finally:
            done.set()
            reader.join()
        server.order("file")
    text = f"{_ms(waits, 50):.0f} / {_ms(waits, 99):.0f} ms"
    table.append(Row("acknowledgement p50 / p99 at 1 M/s while merging", text, "", "", "p99 ≤ 100 / ≤ 40 ms"))
    table.append(Row(f"longest wait of a reader meanwhile, of {len(blocked)}", f"{max(blocked) * 1e3:.0f} ms", "", "", "≤ 100 ms"))


def main() -> None:
    arguments = _arguments()
    table: list[Row] = []
    peer = not arguments.without_peer
    if peer:
        try:
            Influx()
        except PeerMissing as missing:
            print(f"no peer: {missing}")
            peer = False
    small = real_load(1_000, arguments.days)
    wide = real_load(10_000, max(arguments.days * 31 // 365, 2))
    rates: dict[tuple[int, int], float] = {}
    for load, size, bars in (
        (small, 24_000, "≥ 5× / ≥ 8×"),
        (wide, 24_000, "≥ 4× / ≥ 6×"),
        (small, 5_000, "≥ 4× / ≥ 6×"),
        (wide, 5_000, "≥ 4× / ≥ 6×"),
    ):
        if arguments.only and f"{load.points}/{size}" not in arguments.only:
            continue
        print(f"{load.points} points, batches of {size}, {load.rows / 1e6:.1f} M readings", file=sys.stderr, flush=True)
        first = load is small and size == 24_000
        after = queries(small, table) if first else None
        rate, against, waits = ingest(load, size, arguments.rounds, after=after, peer=peer)
        rates[load.points, size] = rate
        name = f"readings per server CPU-s, {load.points} points, batches of {size}"
        table.append(Row(name, f"{rate / 1e3:,.0f} k", f"{against / 1e3:,.0f} k", f"{rate / against:.1f}×", bars))
        if first:
            table.append(
                Row(
                    "acknowledgement p50 / p99, saturated",
                    f"{_ms(waits, 50):.0f} / {_ms(waits, 99):.0f} ms",
                    "",
                    "",
                    "p99 ≤ 1000 / ≤ 400 ms",
                )
            )
    for size in (24_000, 5_000):
        if (1_000, size) in rates and (10_000, size) in rates:
            share = rates[10_000, size] / rates[1_000, size]
            table.append(Row(f"10,000 points against 1,000, batches of {size}", f"{share:.2f}", "", "", "≥ 0.5 / ≥ 0.7"))
    if not arguments.only or "latency" in arguments.only:
        latency(small, 24_000, table)
    _print(table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365, help="days of hourly readings for 1,000 points; 10,000 points get a twelfth")
    parser.add_argument("--rounds", type=int, default=2, help="how often each load is sent to us and to the peer in turn")
    parser.add_argument("--only", nargs="*", help="some of 1000/24000 10000/24000 1000/5000 10000/5000 latency")
    parser.add_argument("--without-peer", action="store_true", help="leave InfluxDB out")
    parser.add_argument("--quick", action="store_const", dest="days", const=120, help="a third of the year")
    return parser.parse_args()


def _print(table: list[Row]) -> None:
    print(f"\n{'':60} {'ours':>18} {'InfluxDB 1.6':>14} {'ratio':>7}   land / aim")
    for row in table:
        print(f"{row.name:60} {row.ours:>18} {row.peer:>14} {row.ratio:>7}   {row.bars}")


if __name__ == "__main__":
    main()
