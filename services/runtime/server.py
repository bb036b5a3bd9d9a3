"""A service's process: starts, tells its health, answers calls, drains at SIGTERM, and ends."""

import asyncio
import errno
import inspect
import logging
import signal
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc
from google.protobuf import descriptor_pool
from grpc_reflection.v1alpha import reflection
from prometheus_client import CollectorRegistry

from runtime.clock import Clock
from runtime.health import Health
from runtime.interceptor import CallInterceptor, Gate, Refusals
from runtime.limits import RateLimits
from runtime.logs import configure_logs
from runtime.metrics import CallMetrics, metrics_served
from runtime.permissions import PermissionCheck, permission_of
from runtime.settings import ServiceSettings, load
from runtime.tokens import TokenVerifier
from vocabulary.failure import Failure, Kind

_log = logging.getLogger(__name__)

S = TypeVar("S", bound=ServiceSettings)

EXIT_FAILED = 1
EXIT_MISCONFIGURED = 2
"""Starting again does not help: the environment must change."""

_MIB = 1 << 20


class PortTaken(Failure):
    """Another process listens on the port."""

    reason, kind = "PORT_TAKEN", Kind.CONFLICT


class AddressUnusable(Failure):
    """This machine cannot listen on the address."""

    reason, kind = "ADDRESS_UNUSABLE", Kind.INVALID


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """One gRPC service: its full name, the generated function that adds it to a server, and what answers."""

    name: str
    add: Callable[[Any, grpc.aio.Server], None]
    servicer: object


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """All that a process serves, put together by the service's `app`."""

    name: str
    settings: ServiceSettings
    clock: Clock
    endpoints: tuple[Endpoint, ...]
    verifier: TokenVerifier
    permissions: PermissionCheck
    refusals: Refusals
    tasks: tuple[Callable[[], Coroutine[Any, Any, None]], ...] = ()
    """Run beside the server until it stops; one that raises ends the process, which its supervisor starts again."""
    on_drain: tuple[Callable[[], None], ...] = ()
    """Called when the drain begins, to end what would not end by itself, such as watchers."""
    closers: tuple[Callable[[], Awaitable[None] | None], ...] = ()
    """Called in order at the very end, even when the start failed."""
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)


def run(build: Callable[[S], Awaitable[Service]], settings: type[S]) -> int:
    """Serve until SIGTERM or SIGINT; return the process's exit code. A named failure at the start is one clear log line."""
    try:
        loaded = load(settings)
    except Failure as failure:
        configure_logs(level="INFO", style="text")
        _log_failure(failure)
        return EXIT_MISCONFIGURED
    configure_logs(level=loaded.log_level, style=loaded.log_format)
    return asyncio.run(_run(build, loaded))


@asynccontextmanager
async def serving(service: Service) -> AsyncGenerator[int]:
    """Serve inside the block, and drain after it; yields the port."""
    async with _started(service) as running:
        yield running.port


async def periodically(interval_s: float, work: Callable[[], Awaitable[object]]) -> None:
    """Do `work` now and then until cancelled; when a part is busy, the next time will do."""
    while True:
        try:
            await work()
        except Failure as failure:
            _log.warning("periodic work failed", extra={"reason": failure.reason})
        await asyncio.sleep(interval_s)


def refuse_taken_port(host: str, port: int) -> None:
    """Raise PortTaken, or AddressUnusable, when nobody can listen there; port 0 is always free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do: a port that a stopped process left is free at once.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen()
        except OSError as error:
            raise _unusable(host, port, error.errno) from None


@dataclass(frozen=True, slots=True)
class _Running:
    port: int
    tasks: list[asyncio.Task[None]]


async def _run(build: Callable[[S], Awaitable[Service]], settings: S) -> int:
    told_to_stop = asyncio.create_task(_signal())
    try:
        # Before anything is opened: another process of this service may be using the same files.
        refuse_taken_port(settings.host, settings.port)
        async with _started(await build(settings)) as running:
            done, _ = await asyncio.wait({told_to_stop, *running.tasks}, return_when=asyncio.FIRST_COMPLETED)
    except Failure as failure:
        _log_failure(failure)
        return EXIT_FAILED
    failed = [task for task in done - {told_to_stop} if task.exception() is not None]
    for task in failed:
        _log.critical("task failed", exc_info=task.exception())
    return EXIT_FAILED if failed else 0


async def _signal() -> None:
    """Return at SIGTERM or SIGINT."""
    received = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, received.set)
    await received.wait()


@asynccontextmanager
async def _started(service: Service) -> AsyncGenerator[_Running]:
    async with AsyncExitStack() as ending:
        for closer in reversed(service.closers):
            ending.push_async_callback(_called, closer)
        _check_declarations(service)
        settings = service.settings
        refuse_taken_port("127.0.0.1", settings.metrics_port)
        ending.enter_context(metrics_served(service.registry, settings.metrics_port))
        server, health = _server(service), Health([endpoint.name for endpoint in service.endpoints])
        await health.add_to(server)
        port = _listen(server, settings)
        await server.start()
        tasks = [asyncio.create_task(task()) for task in service.tasks]
        ending.push_async_callback(_drain, service, server, health, tasks)
        await health.serving()
        _log.info("serving", extra={"service": service.name, "host": settings.host, "port": port})
        yield _Running(port, tasks)


def _server(service: Service) -> grpc.aio.Server:
    settings = service.settings
    limits = RateLimits(per_minute=settings.calls_per_minute, burst=settings.call_burst, clock=service.clock)
    gate = Gate(clock=service.clock, verifier=service.verifier, permissions=service.permissions, limits=limits, refusals=service.refusals)
    options = (
        # Otherwise two processes could listen on one port, each for half of the calls.
        ("grpc.so_reuseport", 0),
        # Clients ping every minute while a call runs, so that a watcher notices a server that is gone; the default forbids that.
        ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
        ("grpc.max_receive_message_length", settings.max_message_mib * _MIB),
    )
    server = grpc.aio.server(interceptors=(CallInterceptor(gate, CallMetrics(service.registry)),), options=options)
    for endpoint in service.endpoints:
        endpoint.add(endpoint.servicer, server)
    reflection.enable_server_reflection([*(endpoint.name for endpoint in service.endpoints), reflection.SERVICE_NAME], server)
    return server


def _check_declarations(service: Service) -> None:
    """Raise ValueError for a method whose permission makes no sense; warn of one that nobody may call."""
    pool = descriptor_pool.Default()
    for endpoint in service.endpoints:
        for method in pool.FindServiceByName(endpoint.name).methods:
            if permission_of(f"/{endpoint.name}/{method.name}") is None:
                _log.warning("method without permission", extra={"method": method.full_name})


def _listen(server: grpc.aio.Server, settings: ServiceSettings) -> int:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"{host}:{settings.port}"
    try:
        if settings.tls_certificate is not None and settings.tls_key is not None:
            pair = (settings.tls_key.read_bytes(), settings.tls_certificate.read_bytes())
            return server.add_secure_port(address, grpc.ssl_server_credentials([pair]))
        return server.add_insecure_port(address)
    except RuntimeError:
        raise _unusable(settings.host, settings.port, errno.EADDRINUSE) from None


async def _drain(service: Service, server: grpc.aio.Server, health: Health, tasks: list[asyncio.Task[None]]) -> None:
    _log.info("draining", extra={"service": service.name})
    await health.stopping()
    for end in service.on_drain:
        end()
    await server.stop(service.settings.drain_s)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    _log.info("stopped", extra={"service": service.name})


async def _called(closer: Callable[[], Awaitable[None] | None]) -> None:
    closing = closer()
    if inspect.isawaitable(closing):
        await closing


def _unusable(host: str, port: int, number: int | None) -> Failure:
    if number == errno.EADDRINUSE:
        return PortTaken(f"port {port} on {host} is taken by another process", host=host, port=str(port))
    return AddressUnusable(f"this machine cannot listen on {host}, port {port}", host=host, port=str(port))


def _log_failure(failure: Failure) -> None:
    _log.error(failure.message, extra={"reason": failure.reason, **failure.metadata})
