"""How many events a second two workers handle through a real RabbitMQ, and what is left when things go wrong on the way.

`python tests/bench/bench_events.py [--events 100000] [--database postgresql+pg8000://user@host/empty_database]`

The events are metering's about readings; the workers are the forecast service's own, as processes; the relay reads a real outbox. The first
run is undisturbed. In the second some events are no events at all, so that their handler fails; the broker is restarted and a worker killed
(-9) and replaced on the way. The peer is what nameko offers by itself, in the same run: one message an event, published with confirms.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[1]))

import psutil
import sqlalchemy
from rabbitmq_server import PROGRAM, RabbitmqServer, rabbitmq_server

from forecast.adapters.tables import CHANGED, DELIVERY
from forecast.app import MIGRATIONS, READINGS_QUEUE
from metering.adapters.registry_tables import RUNTIME
from metering.app import MIGRATIONS as METERING_MIGRATIONS
from multiflux.metering.v1 import series_event_pb2
from runtime.broker import DeadQueue, RabbitmqPublisher
from runtime.clock import SystemClock
from runtime.events import BrokerAddress
from runtime.outbox import Outbox, Pending
from runtime.relational import Database
from runtime.relay import relay, stored_events
from vocabulary.names import TerritoryId

_TOWN = TerritoryId("town")
_POINTS = 2_000
_POISON_EVERY = 2_000
_AT_ONCE = 1_000
_PEER_EVENTS = 2_000
_PATIENCE_S = 600
_NOW = datetime.now(UTC)

_PEER = """
import sys, time
import eventlet; eventlet.monkey_patch()
from nameko.events import event_handler
from nameko.runners import ServiceRunner
from nameko.standalone.events import event_dispatcher
uri, events = sys.argv[1], int(sys.argv[2])
class Peer:
    name = "peer"
    handled = 0
    @event_handler("source", "happened")
    def handle(self, payload):
        Peer.handled += 1
config = {"AMQP_URI": uri, "max_workers": 10}
runner = ServiceRunner(config); runner.add_service(Peer); runner.start()
began = time.monotonic()
dispatch = event_dispatcher(config)
for number in range(events):
    dispatch("source", "happened", {"number": number})
while Peer.handled < events:
    eventlet.sleep(0.01)
print(events / (time.monotonic() - began), flush=True)
runner.stop()
"""


@dataclass
class Town:
    """An outbox full of events, a broker, and workers on a database."""

    folder: Path
    broker: RabbitmqServer
    database_url: str
    stack: ExitStack

    def __post_init__(self) -> None:
        self.source = Database.open(f"sqlite:///{self.folder}/metering.sqlite")
        self.source.migrate(METERING_MIGRATIONS)
        self.outbox = Outbox(self.source, RUNTIME, SystemClock())
        self.forecasts = Database.open(self.database_url)
        self.forecasts.migrate(MIGRATIONS)
        self.address = BrokerAddress(url=self.broker.url)
        self.workers = list[subprocess.Popen[bytes]]()

    def start_worker(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MULTIFLUX_")} | {
            "PYTHONPATH": str(Path(__file__).parents[2] / "services"),
            "MULTIFLUX_DATA_DIRECTORY": str(self.folder),
            "MULTIFLUX_FORECAST_DATABASE_URL": self.database_url,
            "MULTIFLUX_BROKER_URL": self.broker.url,
            "MULTIFLUX_EVENT_RETRIES_S": "[0.5, 1.0]",
            "MULTIFLUX_LOG_LEVEL": "ERROR",
        }
        log = self.stack.enter_context((self.folder / f"worker-{len(self.workers)}.log").open("wb"))
        self.workers.append(subprocess.Popen([sys.executable, "-m", "forecast", "work"], env=environment, stdout=log, stderr=log))

    def cpu_s(self) -> float:
        """Return what the workers, and the processes with their connections, have used of the CPU."""
        running = [psutil.Process(worker.pid) for worker in self.workers]
        times = [one.cpu_times() for worker in running for one in (worker, *worker.children(recursive=True))]
        return sum(time.user + time.system for time in times)

    def close(self) -> None:
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            worker.wait(30)
        self.source.close()
        self.forecasts.close()

    async def publish(self, count: int, *, poisoned_every: int = 0) -> int:
        """Publish events about readings of the past; return how many of them nobody can handle."""
        poisoned = 0
        for start in range(0, count, _AT_ONCE):
            pending = list[Pending]()
            for number in range(start, min(start + _AT_ONCE, count)):
                wrong = poisoned_every and number % poisoned_every == poisoned_every - 1
                poisoned += bool(wrong)
                pending.append(Pending(event=_event(number, wrong=bool(wrong)), territory=_TOWN))
            await self.source.write(lambda connection, some=pending: self.outbox.append(connection, some))
        return poisoned

    async def poisoned_ids(self) -> set[str]:
        """Return the ids of the published events that no handler can read."""
        table = RUNTIME.outbox
        rows = await self.source.read(lambda connection: connection.execute(sqlalchemy.select(table.c.event_id, table.c.payload)).all())
        return {row.event_id for row in rows if not series_event_pb2.SeriesEvent.FromString(row.payload).HasField("interval")}

    async def handled(self) -> int:
        query = sqlalchemy.select(sqlalchemy.func.count()).select_from(DELIVERY.handled_event)
        return await self.forecasts.read(lambda connection: connection.execute(query).scalar_one())

    async def relaying(self, work: Callable[[], Awaitable[None]]) -> float:
        """Relay while `work` goes on; return its seconds."""
        publisher = RabbitmqPublisher(self.address)
        stream = partial(stored_events, self.outbox)
        publishing = relay("metering.readings", self.source, RUNTIME, publisher, SystemClock(), open_stream=stream, missed_matter=False)
        relaying = asyncio.create_task(publishing.run())
        began = time.monotonic()
        await work()
        taken = time.monotonic() - began
        relaying.cancel()
        await asyncio.gather(relaying, return_exceptions=True)
        await asyncio.to_thread(publisher.close)
        return taken

    async def all_handled(self, count: int) -> None:
        """Wait until so many events have taken effect."""
        until = time.monotonic() + _PATIENCE_S
        while await self.handled() < count:
            ended = any(worker.poll() not in (None, -signal.SIGKILL) for worker in self.workers)
            if ended or time.monotonic() > until:
                logs = [log.read_text(errors="replace")[-2_000:] for log in sorted(self.folder.glob("worker-*.log"))]
                raise SystemExit(f"only {await self.handled():,} of {count:,} events were handled\n" + "\n".join(logs))
            await asyncio.sleep(0.05)


def _event(number: int, *, wrong: bool) -> series_event_pb2.SeriesEvent:
    event = series_event_pb2.SeriesEvent(
        event_id=str(uuid4()), territory=f"territories/{_TOWN}", change=series_event_pb2.SERIES_CHANGE_RECORDED
    )
    event.occur_time.FromDatetime(_NOW)
    event.metering_points.append(f"meters/m{number % _POINTS}")
    if not wrong:
        event.interval.start_time.FromDatetime(_NOW - timedelta(days=9))
        event.interval.end_time.FromDatetime(_NOW - timedelta(days=8))
    return event


async def measured(town: Town, count: int) -> AsyncIterator[tuple[str, ...]]:
    """Run both runs; yield rows of a table."""
    for _ in range(2):
        town.start_worker()
    # One event says that both the queue and a worker are there.
    await town.publish(1)
    await town.relaying(lambda: town.all_handled(1))
    await asyncio.sleep(3)
    await town.publish(count)
    before = town.cpu_s()
    calm = await town.relaying(lambda: town.all_handled(1 + count))
    cpu_s = town.cpu_s() - before
    said = f"workers used {cpu_s:.1f} s of CPU: {count / cpu_s:,.0f} events a CPU-second; load of the machine {os.getloadavg()[0]:.0f}"
    yield "two workers, undisturbed", f"{count:,}", f"{calm:.1f}", f"{count / calm:,.0f}", said

    poisoned = await town.publish(count, poisoned_every=_POISON_EVERY)
    expected = 1 + 2 * count - poisoned
    stormy = await town.relaying(lambda: _storm(town, count, expected))
    dead = DeadQueue(town.address, READINGS_QUEUE)
    found = [one.event.event_id for one in await _settled(dead, poisoned)]
    exact = sorted(found) == sorted(await town.poisoned_ids())
    lost = expected - await town.handled()
    said = f"lost {lost}; dead queue {len(found)} of {poisoned}, {'exactly the poisoned ones' if exact else 'NOT the poisoned ones'}"
    yield "broker restarted, worker killed, handler failing", f"{count:,}", f"{stormy:.1f}", f"{count / stormy:,.0f}", said
    marked = await town.forecasts.read(lambda c: c.execute(sqlalchemy.select(sqlalchemy.func.count()).select_from(CHANGED)).scalar_one())
    assert marked == _POINTS, f"{marked} points are marked"
    rate = await asyncio.to_thread(_peer, town.broker.url)
    yield "nameko by itself, one message an event", f"{_PEER_EVENTS:,}", f"{_PEER_EVENTS / rate:.1f}", f"{rate:,.0f}", ""
    yield "ratio, undisturbed to the last", "", "", f"{count / calm / rate:,.1f} ×", ""
    if lost or not exact:
        raise SystemExit(said)


async def _storm(town: Town, count: int, expected: int) -> None:
    before = expected - count
    await town.all_handled(before + count // 4)
    await asyncio.to_thread(town.broker.stop)
    await asyncio.to_thread(town.broker.start)
    await town.all_handled(before + count // 2)
    victim = town.workers[0]
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    town.start_worker()
    await town.all_handled(expected)


async def _settled(dead: DeadQueue, count: int) -> list[Any]:
    """Return the poisoned events once they are all given up, or nothing more comes."""
    for _ in range(300):
        if len(await dead.poisoned()) >= count:
            break
        await asyncio.sleep(0.1)
    # Whatever else fails would come now.
    await asyncio.sleep(3)
    return await dead.poisoned()


async def _printed(town: Town, count: int) -> None:
    async for what, events, seconds, rate, said in measured(town, count):
        print(
            f"{what:50} {events:>8} {'events' if events else '':6} {seconds:>7} {'s' if seconds else ' '} {rate:>9} /s  {said}".rstrip(),
            flush=True,
        )


def _peer(url: str) -> float:
    command = [sys.executable, "-W", "ignore", "-c", _PEER, url, str(_PEER_EVENTS)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--database", default="", help="of the workers; empty: SQLite")
    arguments = parser.parse_args()
    if not PROGRAM.exists():
        raise SystemExit("RabbitMQ is missing: install rabbitmq-server")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="multiflux-bench-")))
        town = Town(folder, stack.enter_context(rabbitmq_server()), arguments.database or f"sqlite:///{folder}/forecast.sqlite", stack)
        stack.callback(town.close)
        print(f"database of the workers: {town.forecasts.dialect}")
        asyncio.run(_printed(town, arguments.events))


if __name__ == "__main__":
    main()
