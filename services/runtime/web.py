"""Serves a web application inside a process that has other work and its own way to stop."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from runtime.server import refuse_taken_port

_SERVING_S = 10.0
_DRAIN_S = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Door:
    """Where to listen; port 0 takes any free one."""

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None


class _Server(uvicorn.Server):
    """A server that leaves the process's signals to the process."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture none."""
        yield


@asynccontextmanager
async def web_served(application: Callable[..., Coroutine[Any, Any, None]], door: Door) -> AsyncGenerator[int]:
    """Serve inside the block, and drain after it; yields the port. PortTaken, AddressUnusable."""
    refuse_taken_port(door.host, door.port)
    family = socket.AF_INET6 if ":" in door.host else socket.AF_INET
    with socket.create_server((door.host, door.port), family=family) as listening:
        server = _Server(
            uvicorn.Config(
                application,
                ssl_certfile=door.certificate,
                ssl_keyfile=door.key,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_DRAIN_S,
            )
        )
        running = asyncio.create_task(server.serve([listening]))
        try:
            async with asyncio.timeout(_SERVING_S):
                while not server.started:
                    if running.done():
                        running.result()
                    await asyncio.sleep(0.01)
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await running
