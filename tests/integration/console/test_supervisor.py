"""The supervisor over real processes: order of health, crashes, stopping, and nothing left behind."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from console.supervisor import AllHealthy, Child, Crashed, Healthy, Notice, Patience, Stopped, Supervisor, SupervisorFailure

QUICK = Patience(start_s=20, stop_s=10, poll_s=0.01, first_wait_s=0.01, longest_wait_s=0.02)

LISTENER = """
import os, pathlib, signal, socket, subprocess, sys, time
port, notes = int(sys.argv[1]), pathlib.Path(sys.argv[2])
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with notes.open("a") as file:
    file.write(f"{os.getpid()} {worker.pid} {time.monotonic_ns()}\\n")
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
listener = socket.create_server(("127.0.0.1", port), reuse_port="sharing" in sys.argv)
while True:
    listener.accept()[0].close()
"""
BROKEN = "import sys; print('the disk is full'); sys.exit(3)"


@dataclass
class Town:
    """Children over fake services, and what is known of their processes."""

    folder: Path
    children: list[Child] = field(default_factory=list[Child])
    notices: asyncio.Queue[Notice] = field(default_factory=asyncio.Queue[Notice])
    seen: list[Notice] = field(default_factory=list[Notice])

    def add(self, name: str, *, after: tuple[str, ...] = (), port: int = 0, program: str = LISTENER, words: tuple[str, ...] = ()) -> Child:
        chosen = port or unused_port()
        child = Child(
            name=name,
            command=(sys.executable, "-c", program, str(chosen), str(self.folder / f"{name}.pids"), *words),
            host="127.0.0.1",
            port=chosen,
            address=f"127.0.0.1:{chosen}",
            after=after,
            log=self.folder / "log" / f"{name}.log",
            environment=dict(os.environ),
            port_variable=f"MULTIFLUX_{name.upper()}_PORT",
        )
        self.children.append(child)
        return child

    def supervisor(self, patience: Patience = QUICK) -> Supervisor:
        return Supervisor(self.children, listens, self.notices.put_nowait, patience)

    async def next_of(self, kind: type[Notice]) -> Notice:
        while True:
            notice = await self.notices.get()
            self.seen.append(notice)
            if isinstance(notice, kind):
                return notice

    def starts(self, name: str) -> list[list[int]]:
        """Process id, worker's process id and start time of each start."""
        notes = self.folder / f"{name}.pids"
        return [[int(word) for word in line.split()] for line in notes.read_text().splitlines()] if notes.exists() else []

    def alive(self) -> list[int]:
        pids = [pid for child in self.children for start in self.starts(child.name) for pid in start[:2]]
        return [pid for pid in pids if running(pid)]


def running(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


async def listens(child: Child) -> bool:
    try:
        _, writer = await asyncio.open_connection(child.host, child.port)
    except OSError:
        return False
    writer.close()
    return True


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def gone(pids: Callable[[], list[int]]) -> None:
    """Wait until none of the processes is there: the kernel takes a killed one away a moment later."""
    while pids():  # noqa: ASYNC110  # another process cannot set an event here
        await asyncio.sleep(0.01)


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    town = Town(folder=tmp_path)
    yield town
    for pid in town.alive():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def test_a_child_starts_when_those_that_it_needs_are_healthy(town: Town) -> None:
    town.add("access")
    town.add("metering", after=("access",))
    town.add("dashboard", after=("access", "metering"))
    supervisor = town.supervisor()
    task = asyncio.create_task(supervisor.run())
    assert await town.next_of(AllHealthy) == AllHealthy(names=("access", "metering", "dashboard"))
    assert [notice.name for notice in town.seen if isinstance(notice, Healthy)] == ["access", "metering", "dashboard"]
    started = [town.starts(name)[0][2] for name in ("access", "metering", "dashboard")]
    assert started == sorted(started)
    supervisor.stop()
    await task


async def test_stopping_goes_in_reverse_order_and_leaves_neither_children_nor_their_workers(town: Town) -> None:
    town.add("access")
    town.add("metering", after=("access",))
    supervisor = town.supervisor()
    task = asyncio.create_task(supervisor.run())
    await town.next_of(AllHealthy)
    assert len(town.alive()) == 4
    supervisor.stop()
    await task
    assert [await town.next_of(Stopped) for _ in range(2)] == [Stopped(name="metering", killed=False), Stopped(name="access", killed=False)]
    await gone(town.alive)


async def test_a_crashed_child_is_started_again_and_its_workers_are_gone(town: Town) -> None:
    town.add("access")
    town.add("metering", after=("access",))
    supervisor = town.supervisor()
    task = asyncio.create_task(supervisor.run())
    await town.next_of(AllHealthy)
    (first,) = town.starts("access")
    os.kill(first[0], signal.SIGKILL)
    crashed = await town.next_of(Crashed)
    assert isinstance(crashed, Crashed)
    assert (crashed.name, crashed.exit_code) == ("access", -signal.SIGKILL)
    healthy = await town.next_of(Healthy)
    assert isinstance(healthy, Healthy)
    assert (healthy.name, healthy.pid) == ("access", town.starts("access")[1][0])
    await gone(lambda: [pid for pid in first[:2] if running(pid)])
    assert len(town.starts("metering")) == 1
    supervisor.stop()
    await task
    await gone(town.alive)


async def test_a_child_that_does_not_stop_is_killed(town: Town) -> None:
    town.add("access", words=("deaf",))
    supervisor = town.supervisor(Patience(poll_s=0.01, stop_s=0.05))
    task = asyncio.create_task(supervisor.run())
    await town.next_of(AllHealthy)
    supervisor.stop()
    await task
    assert await town.next_of(Stopped) == Stopped(name="access", killed=True)
    await gone(town.alive)


async def test_asked_twice_nothing_is_waited_for(town: Town) -> None:
    town.add("access", words=("deaf",))
    supervisor = town.supervisor(Patience(poll_s=0.01, stop_s=10_000))
    task = asyncio.create_task(supervisor.run())
    await town.next_of(AllHealthy)
    supervisor.stop()
    supervisor.stop()
    await task
    assert await town.next_of(Stopped) == Stopped(name="access", killed=True)
    await gone(town.alive)


async def test_a_taken_port_is_named_and_nothing_starts(town: Town) -> None:
    town.add("access")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        town.add("metering", port=port)
        with pytest.raises(SupervisorFailure, match=rf"metering cannot listen on 127\.0\.0\.1:{port}.*MULTIFLUX_METERING_PORT") as caught:
            await town.supervisor().run()
    assert caught.value.reason == "PORT_TAKEN"
    assert town.starts("access") == []


async def test_a_child_that_is_never_healthy_is_given_up_with_the_end_of_its_log(town: Town) -> None:
    town.add("access")
    town.add("metering", after=("access",), program=BROKEN)
    with pytest.raises(SupervisorFailure, match=r"(?s)metering ended with 3 .*the disk is full") as caught:
        await town.supervisor().run()
    assert caught.value.reason == "NEVER_HEALTHY"
    assert (town.folder / "log" / "metering.log").read_text().count("the disk is full") == QUICK.first_tries
    await gone(town.alive)


async def test_a_child_that_hangs_at_its_start_is_killed_and_tried_again(town: Town) -> None:
    town.add("access", program="import time; time.sleep(600)")
    with pytest.raises(SupervisorFailure, match="access ended with -9"):
        await town.supervisor(Patience(start_s=0.3, poll_s=0.01, first_wait_s=0.01)).run()
    crashes = [notice for notice in [town.notices.get_nowait() for _ in range(town.notices.qsize())] if isinstance(notice, Crashed)]
    assert len(crashes) == Patience().first_tries - 1


async def test_a_large_log_is_put_aside_at_the_start(town: Town) -> None:
    child = town.add("access")
    child.log.parent.mkdir()
    with child.log.open("wb") as log:
        log.truncate(21 << 20)
    supervisor = town.supervisor()
    task = asyncio.create_task(supervisor.run())
    await town.next_of(AllHealthy)
    supervisor.stop()
    await task
    assert child.log.with_suffix(".log.1").stat().st_size == 21 << 20
    assert child.log.stat().st_size == 0


async def test_a_child_whose_settings_are_wrong_is_not_tried_again(town: Town) -> None:
    town.add("access", program="import sys; print('MULTIFLUX_ACCESS_PORT: no'); sys.exit(2)")
    with pytest.raises(SupervisorFailure, match=r"(?s)access ended with 2 .*MULTIFLUX_ACCESS_PORT: no"):
        await town.supervisor().run()
    assert (town.folder / "log" / "access.log").read_text().count("MULTIFLUX_ACCESS_PORT") == 1


async def test_somebody_else_on_the_port_does_not_pass_for_a_crashed_child(town: Town) -> None:
    child = town.add("access", words=("sharing",))
    supervisor = town.supervisor()
    task = asyncio.create_task(supervisor.run())
    await town.next_of(AllHealthy)
    (first,) = town.starts("access")
    with socket.create_server((child.host, child.port), reuse_port=True):
        os.kill(first[0], signal.SIGKILL)
        for _ in range(3):
            await town.next_of(Crashed)
        assert len(town.starts("access")) == 1
    await town.next_of(Healthy)
    assert len(town.starts("access")) == 2
    supervisor.stop()
    await task
