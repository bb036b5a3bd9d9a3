"""Starts processes in order of health, restarts the crashed ones, and leaves none behind."""

import asyncio
import os
import signal
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

EXIT_FAILED = 1
EXIT_MISCONFIGURED = 2
"""What a service exits with when starting it again does not help: its environment must change."""

_TAIL_LINES = 15
_LOG_BYTES_KEPT = 20 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Child:
    """One process to keep running: it counts as healthy when `healthy` says so, and starts when the children named in `after` are."""

    name: str
    command: tuple[str, ...]
    host: str
    port: int
    address: str
    after: tuple[str, ...]
    log: Path
    environment: Mapping[str, str]
    port_variable: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long to wait for what, in seconds."""

    start_s: float = 120.0
    """For a started process to become healthy."""
    stop_s: float = 15.0
    """For a process to stop before it is killed."""
    poll_s: float = 0.1
    first_wait_s: float = 0.5
    """Before a crashed process is started again; doubles with each crash, up to the longest."""
    longest_wait_s: float = 30.0
    steady_s: float = 60.0
    """A process that ran so long has not crashed before."""
    first_tries: int = 3
    """A process that was never healthy is given up after so many crashes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Healthy:
    """A process became healthy."""

    name: str
    address: str
    pid: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Crashed:
    """A process ended by itself and is started again."""

    name: str
    exit_code: int
    again_in_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Stopped:
    """A process stopped as it was told; `killed` when it had to be."""

    name: str
    killed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class AllHealthy:
    """Every process is healthy for the first time."""

    names: tuple[str, ...]


Notice = Healthy | Crashed | Stopped | AllHealthy


class SupervisorFailure(Exception):  # named like the failures of the services
    """The processes cannot be kept running; `reason` says why, stably."""

    def __init__(self, reason: str, message: str) -> None:
        """Say what happened and what to do."""
        super().__init__(message)
        self.reason = reason


@dataclass(slots=True)
class _Kept:
    child: Child
    healthy: asyncio.Event = field(default_factory=asyncio.Event)
    process: asyncio.subprocess.Process | None = None
    crashes: int = 0


class Supervisor:
    """Keeps children running until it is told to stop."""

    def __init__(
        self,
        children: Sequence[Child],
        healthy: Callable[[Child], Awaitable[bool]],
        announce: Callable[[Notice], None],
        patience: Patience = Patience(),
    ) -> None:
        """Ask `healthy` about each child, and tell `announce` what happens; a child stands behind those that it needs."""
        self._kept = {child.name: _Kept(child=child) for child in children}
        self._healthy = healthy
        self._announce = announce
        self._patience = patience
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()

    def stop(self) -> None:
        """Stop all children, in reverse order; asked a second time, kill them."""
        (self._hurry if self._stopping.is_set() else self._stopping).set()

    async def run(self) -> None:
        """Run until stopped; SupervisorFailure when a port is taken or a child never becomes healthy. No process outlives this call."""
        for kept in self._kept.values():
            refuse_taken_port(kept.child)
        keepers = [asyncio.create_task(self._keep(kept)) for kept in self._kept.values()]
        keepers.append(asyncio.create_task(self._all_healthy()))
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait([stopping, *keepers[:-1]], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._stopping.set()
            for task in (stopping, *keepers):
                task.cancel()
            results = await asyncio.gather(*keepers, return_exceptions=True)
            await self._stop_all()
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _all_healthy(self) -> None:
        for kept in self._kept.values():
            await kept.healthy.wait()
        self._announce(AllHealthy(names=tuple(self._kept)))

    async def _keep(self, kept: _Kept) -> None:
        for name in kept.child.after:
            if name in self._kept:
                await self._kept[name].healthy.wait()
        while True:
            started = asyncio.get_running_loop().time()
            exit_code = await self._live(kept)
            steady = asyncio.get_running_loop().time() - started >= self._patience.steady_s
            kept.crashes = 1 if steady else kept.crashes + 1
            hopeless = exit_code == EXIT_MISCONFIGURED or kept.crashes >= self._patience.first_tries
            if hopeless and not kept.healthy.is_set():
                raise _never_healthy(kept.child, exit_code)
            wait_s = min(self._patience.longest_wait_s, self._patience.first_wait_s * 2 ** (kept.crashes - 1))
            self._announce(Crashed(name=kept.child.name, exit_code=exit_code, again_in_s=wait_s))
            await asyncio.sleep(wait_s)

    async def _live(self, kept: _Kept) -> int:
        """Run the process once and return its exit code."""
        try:
            refuse_taken_port(kept.child)
        except SupervisorFailure:
            # Otherwise somebody else's service would answer for this one. After a crash, what held the port may go yet.
            if not kept.healthy.is_set():
                raise
            return EXIT_FAILED
        process = await _start(kept.child)
        kept.process = process
        ended = asyncio.create_task(process.wait())
        watched = asyncio.create_task(self._watch(kept, process))
        try:
            await asyncio.wait([ended, watched], return_when=asyncio.FIRST_COMPLETED)
            if not ended.done() and not watched.result():
                _kill_group(process)
            return await asyncio.shield(ended)
        finally:
            watched.cancel()
            if process.returncode is not None:
                # What it started may still be there.
                _kill_group(process)

    async def _watch(self, kept: _Kept, process: asyncio.subprocess.Process) -> bool:
        """Wait until the process is healthy; tell whether it got there in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience.start_s):
                while not await self._healthy(kept.child):  # noqa: ASYNC110  # another process cannot set an event here
                    await asyncio.sleep(self._patience.poll_s)
                kept.healthy.set()
                self._announce(Healthy(name=kept.child.name, address=kept.child.address, pid=process.pid))
                return True
        return False

    async def _stop_all(self) -> None:
        for kept in reversed(self._kept.values()):
            if kept.process is not None and kept.process.returncode is None:
                killed = await self._stop(kept.process)
                self._announce(Stopped(name=kept.child.name, killed=killed))

    async def _stop(self, process: asyncio.subprocess.Process) -> bool:
        """Stop one process, and what it started; tell whether it had to be killed."""
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        ended = asyncio.create_task(process.wait())
        hurry = asyncio.create_task(self._hurry.wait())
        await asyncio.wait([ended, hurry], timeout=self._patience.stop_s, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        killed = not ended.done()
        _kill_group(process)
        await ended
        return killed


def refuse_taken_port(child: Child) -> None:
    """Raise SupervisorFailure when somebody listens where the child would."""
    family = socket.AF_INET6 if ":" in child.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Connections of a former run that linger do not count; a listener does.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((child.host, child.port))
        except OSError as error:
            raise SupervisorFailure(
                "PORT_TAKEN",
                f"{child.name} cannot listen on {child.host}:{child.port} ({error.strerror}): is multiflux running already? "
                f"Otherwise choose another port with {child.port_variable}.",
            ) from None


async def _start(child: Child) -> asyncio.subprocess.Process:
    child.log.parent.mkdir(parents=True, exist_ok=True)
    if child.log.exists() and child.log.stat().st_size > _LOG_BYTES_KEPT:
        child.log.replace(child.log.with_suffix(".log.1"))
    with child.log.open("ab") as log:
        # A group of its own: Ctrl-C on the terminal reaches the supervisor alone, which stops the children in order.
        return await asyncio.create_subprocess_exec(
            *child.command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env=dict(child.environment), process_group=0
        )


def _kill_group(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _never_healthy(child: Child, exit_code: int) -> SupervisorFailure:
    return SupervisorFailure(
        "NEVER_HEALTHY",
        f"{child.name} ended with {exit_code} before it was healthy; the end of {child.log}:\n{tail(child.log)}",
    )


def tail(log: Path) -> str:
    """Return the last lines of a log."""
    with log.open(encoding="utf-8", errors="replace") as lines:
        return "".join(f"  {line}" for line in deque(lines, maxlen=_TAIL_LINES))
