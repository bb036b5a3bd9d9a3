"""What happens around every call, of whatever arity: request id, limits, token, permission, failures, counts, logs."""

import logging
import re
import time
from asyncio import CancelledError, Task, create_task, get_running_loop, shield, timeout
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self, TypeVar, cast
from uuid import uuid4

import grpc
from google.protobuf.message import Message

from runtime.call import NOBODY, Call, Caller, current_call, enter_call
from runtime.clock import Clock
from runtime.limits import RateLimits
from runtime.metrics import CallMetrics
from runtime.permissions import Permission, PermissionCheck, Scope, permission_of, resource_in
from runtime.statuses import translated
from runtime.tokens import TokenMissing, TokenVerifier
from vocabulary.failure import Failure, InvalidRequest, Kind

_log = logging.getLogger(__name__)

REQUEST_ID = "x-request-id"
"""Metadata key of the id that correlates one user action over services and logs."""

_REQUEST_ID_FORM = re.compile(r"[A-Za-z0-9._:/-]{1,128}")
_BEARER = "Bearer "
_PROTOCOLS = frozenset({"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"})
"""Everybody may ask for health and for the public contract; these servicers bring their own statuses."""

_REFUSALS = frozenset({Kind.UNAUTHENTICATED, Kind.DENIED})

_HEAR_OUT_S, _PAUSE_S = 2.0, 0.2
"""How long a refused caller may go on sending, and the longest pause after which it is taken to wait for an answer."""

_Context = grpc.aio.ServicerContext[Any, Any]

_Look = Callable[[str, Any], Awaitable[tuple[Message | None, Any]]]
"""Looks at what was asked, as far as the permission needs it: returns the first request, and all that was asked, whole."""

Q = TypeVar("Q")
R = TypeVar("R")


class StreamExpired(Failure):
    """The token with which the stream was opened expired: open it again with a new one."""

    reason, kind = "STREAM_EXPIRED", Kind.BUSY


class Refusals(Protocol):
    """Where refused calls are kept."""

    async def refused(self, call: Call, failure: Failure, resource: str) -> None:
        """Keep that `call` was refused, for `resource` if it named one."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """What a call must pass before it is answered."""

    clock: Clock
    verifier: TokenVerifier
    permissions: PermissionCheck
    limits: RateLimits
    refusals: Refusals

    async def admit(self, call: Call, context: _Context, request: Message | None) -> Call:
        """Return the call with its caller, or raise why it may not pass; refusals are kept."""
        permission = permission_of(call.method)
        try:
            caller = await self._caller(context, permission)
            self.limits.take(caller.subject or _peer(context))
            call = replace(call, caller=caller)
            await self.permissions.check(call, permission, request)
        except Failure as failure:
            if failure.kind in _REFUSALS:
                await self.refusals.refused(call, failure, _resource(request, permission))
            raise
        return call

    @asynccontextmanager
    async def keeping_refusals(self, request: Message | None) -> AsyncGenerator[None]:
        """Keep what the block refuses: after the gate, a service's own rules refuse too."""
        try:
            yield
        except Failure as failure:
            if failure.kind in _REFUSALS:
                call = current_call()
                await self.refusals.refused(call, failure, _resource(request, permission_of(call.method)))
            raise

    async def _caller(self, context: _Context, permission: Permission | None) -> Caller:
        # An open method is for those who have no token yet, or an expired one.
        if permission is not None and permission.scope is Scope.OPEN:
            return NOBODY
        try:
            return await self.verifier.verify(_token(context))
        except Failure:
            # Guessing tokens is limited too; it is the address that guesses.
            self.limits.take(_peer(context))
            raise


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every method of a server in the same steps."""

    def __init__(self, gate: Gate, metrics: CallMetrics) -> None:
        """Let calls in by `gate`, count them in `metrics`."""
        self._gate = gate
        self._metrics = metrics

    async def intercept_service(
        self,
        continuation: "Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Q, R] | None]]",
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "grpc.RpcMethodHandler[Q, R] | None":
        """Return the method's handler, rebuilt for its arity."""
        handler = await continuation(handler_call_details)
        method: str = handler_call_details.method
        # A method that does not exist has no handler: the server answers UNIMPLEMENTED.
        if handler is None or _service(method) in _PROTOCOLS:
            return handler
        return self._rebuilt(handler, method)

    def _rebuilt(self, handler: "grpc.RpcMethodHandler[Q, R]", method: str) -> "grpc.RpcMethodHandler[Q, R]":
        codecs: Any = {"request_deserializer": handler.request_deserializer, "response_serializer": handler.response_serializer}
        match handler.request_streaming, handler.response_streaming:
            case False, False:
                return grpc.unary_unary_rpc_method_handler(self._to_one(handler.unary_unary, method, _itself), **codecs)
            case False, True:
                return grpc.unary_stream_rpc_method_handler(self._to_many(handler.unary_stream, method, _itself), **codecs)
            case True, False:
                return grpc.stream_unary_rpc_method_handler(self._to_one(handler.stream_unary, method, _first_if_needed), **codecs)
            case _:
                return grpc.stream_stream_rpc_method_handler(self._to_many(handler.stream_stream, method, _first_if_needed), **codecs)

    # grpc types handlers as synchronous; those of a grpc.aio server are coroutines and async generators: hence Any.
    def _to_one(self, answer: Any, method: str, look: _Look) -> Any:
        async def handle(asked: Any, context: _Context) -> Any:
            async with self._answering(method, context) as call, _heard_out(asked) as requests:
                first, whole = await look(method, requests)
                await self._enter(call, context, first)
                async with self._gate.keeping_refusals(first):
                    return await answer(whole, context)

        return handle

    def _to_many(self, answer: Any, method: str, look: _Look) -> Any:
        async def handle(asked: Any, context: _Context) -> AsyncGenerator[Any]:
            async with self._answering(method, context) as call, _heard_out(asked) as requests:
                first, whole = await look(method, requests)
                caller = await self._enter(call, context, first)
                async with self._gate.keeping_refusals(first), aclosing(answer(whole, context)) as responses:
                    async for response in responses:
                        self._refuse_expired(caller)
                        yield response

        return handle

    @asynccontextmanager
    async def _answering(self, method: str, context: _Context) -> AsyncGenerator[Call]:
        call = Call(caller=NOBODY, request_id=_request_id(context), method=method, at=self._gate.clock.now())
        enter_call(call)
        started = time.perf_counter()
        code = grpc.StatusCode.OK
        try:
            async with translated(context, area=_area(method), request_id=call.request_id):
                yield call
        except grpc.aio.AbortError:
            code = _code(context)
            raise
        except (CancelledError, GeneratorExit):
            code = _ended_by_caller(context)
            raise
        finally:
            seconds = time.perf_counter() - started
            self._metrics.count(method, code, seconds)
            facts = {"method": method, "code": code.name, "ms": round(seconds * 1_000, 1), "request_id": call.request_id}
            _log.info("call", extra=facts)

    async def _enter(self, call: Call, context: _Context, request: Message | None) -> Caller:
        admitted = await self._gate.admit(call, context, request)
        enter_call(admitted)
        context.set_trailing_metadata(((REQUEST_ID, call.request_id),))
        return admitted.caller

    def _refuse_expired(self, caller: Caller) -> None:
        if caller.expires is not None and self._gate.clock.now() >= caller.expires:
            raise StreamExpired("the token of this stream expired: open it again")


async def _itself(_method: str, request: Message) -> tuple[Message, Message]:
    """Look at the only request."""
    return request, request


async def _first_if_needed(method: str, requests: AsyncIterator[Message]) -> tuple[Message | None, AsyncIterator[Message]]:
    """Look at a stream's first request where the permission depends on it; None when it does not, or none came."""
    permission = permission_of(method)
    if permission is None or not permission.resource_field:
        return None, requests
    rest = aiter(requests)
    first = await anext(rest, None)
    return first, _chained(first, rest)


class _Requests:
    """The requests of a stream; who is cancelled while it waits for one loses none."""

    def __init__(self, received: AsyncIterator[Message]) -> None:
        self._received = received
        self._next: Task[Message | None] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        if self._next is None:
            self._next = create_task(self._receive())
        request = await shield(self._next)
        if request is None:
            raise StopAsyncIteration
        self._next = None
        return request

    async def _receive(self) -> Message | None:
        return await anext(self._received, None)

    async def read_on(self) -> None:
        """Receive the rest, unless the caller makes a pause or does not come to an end."""
        with suppress(TimeoutError):
            async with timeout(_HEAR_OUT_S), timeout(_PAUSE_S) as pause:
                async for _ in self:
                    pause.reschedule(get_running_loop().time() + _PAUSE_S)

    def close(self) -> None:
        """Receive no more."""
        if self._next is not None:
            self._next.cancel()


@asynccontextmanager
async def _heard_out(asked: Any) -> AsyncGenerator[Any]:
    """Yield what is asked; let a caller that streams finish before it is refused, for a while.

    A client of grpc.aio whose write fails because the call ended takes INTERNAL for the status, and loses the refusal.
    """
    if isinstance(asked, Message):
        yield asked
        return
    requests = _Requests(asked)
    try:
        yield requests
    except Failure:
        await requests.read_on()
        raise
    finally:
        requests.close()


async def _chained(first: Message | None, rest: AsyncIterator[Message]) -> AsyncGenerator[Message]:
    if first is not None:
        yield first
    async for request in rest:
        yield request


def _resource(request: Message | None, permission: Permission | None) -> str:
    try:
        return resource_in(request, permission.resource_field) if permission is not None and permission.resource_field else ""
    except InvalidRequest:
        return ""


def _metadata(context: _Context, key: str) -> str:
    for name, value in context.invocation_metadata() or ():
        if name == key and isinstance(value, str):
            return value
    return ""


def _request_id(context: _Context) -> str:
    sent = _metadata(context, REQUEST_ID)
    return sent if _REQUEST_ID_FORM.fullmatch(sent) else str(uuid4())


def _token(context: _Context) -> str:
    authorization = _metadata(context, "authorization")
    if not authorization.startswith(_BEARER):
        raise TokenMissing("the call needs a token, as authorization: Bearer …")
    return authorization.removeprefix(_BEARER)


def _peer(context: _Context) -> str:
    """Return the caller's address without its port, such as `ipv4:192.0.2.1`."""
    return context.peer().rpartition(":")[0]


def _service(method: str) -> str:
    """Return the full service name in `/package.Service/Method`."""
    return method.split("/")[1]


def _area(method: str) -> str:
    """Return `metering` for `/multiflux.metering.v1.MeteringService/…`."""
    parts = _service(method).split(".")
    return parts[1] if len(parts) > 1 else parts[0]


def _code(context: _Context) -> grpc.StatusCode:
    number: object = context.code()
    return next((code for code in grpc.StatusCode if number in (code, code.value[0])), grpc.StatusCode.UNKNOWN)


def _ended_by_caller(context: _Context) -> grpc.StatusCode:
    remaining_s = cast("float | None", context.time_remaining())
    return grpc.StatusCode.DEADLINE_EXCEEDED if remaining_s is not None and remaining_s <= 0 else grpc.StatusCode.CANCELLED
