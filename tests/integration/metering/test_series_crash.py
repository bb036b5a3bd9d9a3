"""Killed at any moment, the store has every acknowledged reading, once."""

import importlib
import importlib.util
import multiprocessing
import os
import queue
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from metering.adapters.series_store import upkeep
from metering.adapters.series_store.store import EmbeddedSeriesStore
from multiflux.metering.v1 import metering_service_pb2 as pb
from vocabulary.interval import Interval

_HERE = Path(__file__).parent
_PROGRAM = _HERE / "series_crash_process.py"
ALWAYS = Interval(start=datetime(2000, 1, 1, tzinfo=UTC), end=datetime(2200, 1, 1, tzinfo=UTC))
KILLS = 100
_FORK = multiprocessing.get_context("fork")


def _load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


crash: Any = _load(_PROGRAM)
sys.path.append(str(_HERE.parents[1] / "bench"))
series_load: Any = importlib.import_module("series_load")


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


@contextmanager
def _running(*command: str) -> Generator["subprocess.Popen[str]"]:
    # Standard input stays open: a server takes its end for the order to stop.
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=_environment())
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdin
        assert process.stdout
        process.stdin.close()
        process.stdout.close()


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"


def _readings(store: EmbeddedSeriesStore, series: int) -> tuple[list[int], bool]:
    found = store.read(series, ALWAYS).columns
    expected = crash.value(np.full(len(found), series, np.int32), found.time)
    return found.time.tolist(), bool((found.value == expected).all() and (found.quality == 2).all())


def _say_and_record(path: str, begin: int, heard: Connection) -> None:
    crash.record(path, begin, lambda text: heard.send_bytes(text.encode()))


def _heard(connection: Connection) -> list[int]:
    """Everything that was acknowledged and not yet heard: what is still in the pipe counts too."""
    found: list[int] = []
    with suppress(EOFError):
        while True:
            found.append(int(connection.recv_bytes()))
    return found


@pytest.mark.timeout(900)
def test_no_acknowledged_reading_is_lost_or_doubled_in_a_hundred_kills(tmp_path: Path) -> None:
    path = tmp_path / "series.db"
    chance = random.Random(1)  # moments of death, not secrets
    acknowledged = begin = 0
    for _ in range(KILLS):
        # Forked, so that a hundred starts do not import everything a hundred times; nothing with threads runs here.
        ours, theirs = _FORK.Pipe(duplex=False)
        process = _FORK.Process(target=_say_and_record, args=(str(path), begin, theirs))
        process.start()
        theirs.close()
        merger = int(ours.recv_bytes().split()[1])
        for _ in range(chance.randrange(1, 30)):
            acknowledged = int(ours.recv_bytes())
        process.kill()
        process.join()
        acknowledged = max([acknowledged, *_heard(ours)])
        ours.close()
        deadline = time.monotonic() + 10
        while not _gone(merger) and time.monotonic() < deadline:
            time.sleep(0.001)
        assert _gone(merger), "the merging process outlived its store"
        # Sent again from a little before: whoever did not hear the acknowledgement does so.
        begin = max(acknowledged - 3, 0)
    assert _applied(path) > 0, "nothing was ever merged: the test shows nothing"
    store = EmbeddedSeriesStore(path)
    first = [crash.START + crash.HOUR * at for at in range((acknowledged + 1) * crash.PER_SERIES)]
    for series in range(crash.SERIES):
        times, right = _readings(store, series)
        assert right
        assert times[: len(first)] == first
        assert len(set(times)) == len(times)
    store.close()
    assert upkeep.verify(path).faults == ()


def _applied(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT applied FROM mark").fetchone()[0]
    finally:
        connection.close()


@pytest.mark.server
def test_every_acknowledgement_comes_after_a_sync(tmp_path: Path) -> None:
    if not shutil.which("strace"):
        pytest.skip("install strace: it shows the order of system calls, which no crash of a process can")
    trace = tmp_path / "trace"
    traced = "trace=fsync,fdatasync,write,pwrite64,openat"
    with _running(
        "strace", "-f", "-qq", "-e", traced, "-s", "24", "-o", str(trace), sys.executable, str(_PROGRAM), str(tmp_path / "series.db"), "0"
    ) as process:
        assert process.stdout
        process.stdout.readline()
        for _ in range(40):
            process.stdout.readline()
        os.kill(int(trace.read_text().split(maxsplit=1)[0]), signal.SIGKILL)
    _check_order(trace.read_text().splitlines())


def _check_order(lines: list[str]) -> None:
    """Before every acknowledgement on standard output there must be a finished sync of the log that its batch was written to."""
    log = _descriptor(lines, "series.db-wal")
    synced, written, acknowledged = 0, 0, 0
    unfinished: set[str] = set()
    for line in lines:
        thread, _, call = line.partition(" ")
        call = call.strip()
        if call.startswith(f"pwrite64({log},"):
            written += 1
        elif call.startswith((f"fdatasync({log})", f"fsync({log})")) and call.endswith("= 0"):
            synced = written
        elif call.startswith((f"fdatasync({log} <", f"fsync({log} <")):
            unfinished.add(thread)
        elif call.startswith(("<... fdatasync resumed", "<... fsync resumed")) and thread in unfinished:
            unfinished.remove(thread)
            synced = written
        elif call.startswith("write(1,") and '"open' not in call:
            acknowledged += 1
            # Batches are pipelined: the log may hold writes of later ones, but the log was synced since the last acknowledgement's batch.
            assert synced > 0
            assert synced >= acknowledged, "a batch was acknowledged before the log was synced"
    assert acknowledged >= 20
    assert synced >= acknowledged


def _descriptor(lines: list[str], name: str) -> str:
    opened = [line for line in lines if name in line and "openat" in line and "= -1" not in line]
    return opened[0].rsplit("=", 1)[1].strip()


def test_no_acknowledged_reading_is_lost_or_doubled_when_the_server_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "series.db"
    load = series_load.Load(np.tile(crash_values(), (200, 1)))
    messages = series_load.requests(load, 300, stream="crash")
    chance = random.Random(2)  # the same
    acknowledged = 0
    for _ in range(10):
        acknowledged = max(acknowledged, _served_and_killed(path, messages, chance.randrange(3, 40)))
    assert acknowledged > 30
    store = EmbeddedSeriesStore(path)
    sent = list(series_load.batches(load, 300))[:acknowledged]
    for series in range(load.points):
        expected = np.concatenate([columns.value[columns.series == series] for columns in sent])
        times = store.read(series, ALWAYS).columns.time
        assert store.read(series, ALWAYS).columns.value[: len(expected)].tolist() == expected.tolist()
        assert len(np.unique(times)) == len(times)
    assert store.position("town/crash") >= acknowledged
    store.close()
    assert upkeep.verify(path).faults == ()


def crash_values() -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.random.default_rng(4).integers(0, 5_000, 60 * 24) * 3_600


def _served_and_killed(path: Path, messages: list[bytes], acknowledgements: int) -> int:
    """Send the stream from where the server says it is; kill the server after so many acknowledgements; return the last that came."""
    server = Path(series_load.__file__).with_name("series_server.py")
    with _running(sys.executable, str(server), str(path), "3000") as process:
        assert process.stdout
        with grpc.insecure_channel(
            f"127.0.0.1:{process.stdout.readline().strip()}", options=[("grpc.use_local_subchannel_pool", 1)]
        ) as channel:
            last = 0
            position: queue.SimpleQueue[int] = queue.SimpleQueue()

            def sending() -> Iterator[bytes]:
                yield messages[0]
                at = position.get(timeout=60)
                # The series are announced with the first batch: it comes again, and is told to be known.
                yield messages[1]
                yield from messages[max(at, 1) + 1 :]

            method = "/multiflux.metering.v1.MeteringService/StreamReadings"
            call = channel.stream_stream(method, request_serializer=bytes, response_deserializer=pb.StreamReadingsResponse.FromString)
            with suppress(grpc.RpcError):
                for response in call(sending(), metadata=(("authorization", "Bearer any"),), timeout=60):
                    if response.WhichOneof("part") == "opened":
                        position.put(response.opened.last_batch_number)
                        continue
                    last = max(last, response.acknowledgement.batch_number)
                    acknowledgements -= 1
                    if not acknowledgements:
                        process.send_signal(signal.SIGKILL)
            return last
