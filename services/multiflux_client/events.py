"""Events that a service streams: read on from a cursor, over expiring tokens and deadlines."""

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from multiflux_client.channel import Connection
from multiflux_client.failures import RemoteFailure
from multiflux_client.records import record_from_proto

T = TypeVar("T")
Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=Message)


async def watched(
    connection: Connection,
    method: grpc.aio.UnaryStreamMultiCallable[Q, A],
    request: Callable[[str], Q],
    cursor: str,
    kind: type[T],
) -> AsyncIterator[tuple[str, T]]:
    """Yield each event with the cursor to store with its effects; ends only with a RemoteFailure: `CURSOR_EXPIRED`, service away."""
    while True:
        try:
            async for response in connection.receive(method, request(cursor)):
                answer: Any = response
                yield answer.cursor, record_from_proto(kind, answer.event)
                cursor = answer.cursor
        except RemoteFailure as failure:
            # A stream lives as long as its token and its deadline; the next one goes on where it ended.
            if failure.reason != "TOKEN_EXPIRED" and failure.code is not grpc.StatusCode.DEADLINE_EXCEEDED:
                raise
