"""The way to one service: address, TLS, keepalive, message sizes, deadlines, retries and the metadata of every call."""

import asyncio
import ipaddress
import random
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, Protocol, Self, TypeVar
from uuid import uuid4

import grpc
from google.protobuf.message import Message

from multiflux_client.failures import RemoteFailure, remote_failure

Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=Message)

DEADLINE_S = 10.0
STREAM_DEADLINE_S = 3600.0
_MAX_MESSAGE_BYTES = 64 << 20

_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
    # A service that restarts is found again within seconds, not minutes.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    # Retries are ours: only for UNAVAILABLE, and for changes only with their request id.
    ("grpc.enable_retries", 0),
)


class TokenSource(Protocol):
    """Gives the internal token for the next call."""

    async def token(self) -> str:
        """Return a token that lives long enough for a call; empty: call as nobody."""
        ...


class PlaintextRefused(ValueError):  # named like the failures of the services
    """Tokens and readings would leave this machine unencrypted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where a service listens.

    Beyond this machine TLS is needed: `authority` names the file of certificates to trust, or `tls` says to trust the system's.
    """

    address: str
    authority: Path | None = None
    tls: bool = False

    def __post_init__(self) -> None:
        """Refuse plaintext beyond loopback."""
        if not self.encrypted and not _loopback(self.address):
            raise PlaintextRefused(f"{self.address} is not on this machine: name the authority that signed its TLS certificate")

    @property
    def encrypted(self) -> bool:
        """Whether calls go over TLS."""
        return self.tls or self.authority is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Retries:
    """How often and how patiently a call is repeated when the service is away; the waits are random up to a doubling bound."""

    attempts: int = 4
    first_wait_s: float = 0.1
    longest_wait_s: float = 2.0

    def wait_s(self, attempt: int, asked_s: float | None, draw: Callable[[], float]) -> float:
        """Return the wait before attempt number `attempt` (from 1); at least what the service asked for."""
        bound = min(self.longest_wait_s, self.first_wait_s * 2 ** (attempt - 1))
        return max(asked_s or 0.0, bound * draw())


def new_request_id() -> str:
    """Return a UUID that makes a change safe to repeat, or names a call in logs."""
    return str(uuid4())


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """One service, and who calls it.

    Every call has a deadline in seconds and the metadata `x-request-id` and, signed in, `authorization`; failures are RemoteFailure.
    `correlation` names the call for logs: a service that answers a call passes that call's own id on.
    `with_tokens` shares the channel: close it once.
    """

    channel: grpc.aio.Channel
    tokens: TokenSource | None = None
    deadline_s: float = DEADLINE_S
    retries: Retries = Retries()
    correlation: Callable[[], str] = new_request_id
    draw: Callable[[], float] = random.random

    @classmethod
    def open(
        cls,
        target: Target,
        *,
        tokens: TokenSource | None = None,
        deadline_s: float = DEADLINE_S,
        correlation: Callable[[], str] = new_request_id,
    ) -> Self:
        """Return a connection that dials when it is first used."""
        return cls(channel=_channel(target), tokens=tokens, deadline_s=deadline_s, correlation=correlation)

    def with_tokens(self, tokens: TokenSource | None) -> "Connection":
        """Return this connection for another caller."""
        return replace(self, tokens=tokens)

    async def close(self) -> None:
        """End the channel and what is still running on it."""
        await self.channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def call(
        self, method: grpc.aio.UnaryUnaryMultiCallable[Q, A], request: Q, *, deadline_s: float | None = None, repeatable: bool | None = None
    ) -> A:
        """Call once, or again while the service is away. A change is repeated only with its request id; `repeatable` overrules that."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + (self.deadline_s if deadline_s is None else deadline_s)
        again = may_repeat(request) if repeatable is None else repeatable
        request_id, attempt = self.correlation(), 1
        while True:
            try:
                return await method(request, timeout=max(ends - loop.time(), 0.001), metadata=await self._metadata(request_id))
            except grpc.aio.AioRpcError as error:
                failure = remote_failure(error, request_id)
            wait_s = self.retries.wait_s(attempt, failure.retry_delay_s, self.draw)
            if (
                not again
                or failure.code is not grpc.StatusCode.UNAVAILABLE
                or attempt >= self.retries.attempts
                or loop.time() + wait_s >= ends
            ):
                raise failure
            attempt += 1
            await asyncio.sleep(wait_s)

    async def receive(
        self, method: grpc.aio.UnaryStreamMultiCallable[Q, A], request: Q, *, deadline_s: float = STREAM_DEADLINE_S
    ) -> AsyncIterator[A]:
        """Yield a stream of responses; never repeated."""
        request_id = self.correlation()
        stream = method(request, timeout=deadline_s, metadata=await self._metadata(request_id))
        async for response in _translated(stream, request_id):
            yield response

    async def exchange(
        self,
        method: grpc.aio.StreamStreamMultiCallable[Q, A],
        requests: AsyncIterable[Q] | Iterable[Q],
        *,
        deadline_s: float = STREAM_DEADLINE_S,
    ) -> AsyncIterator[A]:
        """Send a stream of requests and yield the responses meanwhile; never repeated.

        When the source of requests fails, so does the call, with the same exception.
        """
        request_id = self.correlation()
        source = _Source(requests)
        stream = method(source.items(), timeout=deadline_s, metadata=await self._metadata(request_id))
        try:
            async for response in _translated(stream, request_id):
                yield response
        except (RemoteFailure, asyncio.CancelledError):
            # A source that fails cancels the call: say why, not that.
            source.raise_failure()
            raise

    async def _metadata(self, request_id: str) -> tuple[tuple[str, str], ...]:
        token = "" if self.tokens is None else await self.tokens.token()
        identified = (("x-request-id", request_id),)
        return (*identified, ("authorization", f"Bearer {token}")) if token else identified


class _Source(Generic[Q]):
    """The requests of a stream; keeps the exception that ended them, which grpc would hide."""

    def __init__(self, requests: AsyncIterable[Q] | Iterable[Q]) -> None:
        self._requests = requests
        self._failure: Exception | None = None

    async def items(self) -> AsyncIterator[Q]:
        try:
            if isinstance(self._requests, AsyncIterable):
                async for request in self._requests:
                    yield request
            else:
                for request in self._requests:
                    yield request
        except Exception as failure:
            self._failure = failure
            raise

    def raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


def may_repeat(request: Message) -> bool:
    """Tell whether a call with this request can be sent twice: it changes nothing, or has a request id."""
    return "request_id" not in request.DESCRIPTOR.fields_by_name or bool(getattr(request, "request_id"))  # noqa: B009  # not every message has it


async def _translated(stream: AsyncIterable[A], request_id: str) -> AsyncIterator[A]:
    try:
        async for response in stream:
            yield response
    except grpc.aio.AioRpcError as error:
        raise remote_failure(error, request_id) from None


def _channel(target: Target) -> grpc.aio.Channel:
    if not target.encrypted:
        return grpc.aio.insecure_channel(target.address, options=_OPTIONS)
    trusted = None if target.authority is None else target.authority.read_bytes()
    return grpc.aio.secure_channel(target.address, grpc.ssl_channel_credentials(trusted), options=_OPTIONS)


def _loopback(address: str) -> bool:
    if address.startswith("unix:"):
        return True
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
