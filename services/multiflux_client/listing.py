"""Lists that come in pages."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import grpc
from google.protobuf.message import Message

from multiflux_client.channel import Connection
from multiflux_client.records import record_from_proto

T = TypeVar("T")
Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=Message)


@dataclass(frozen=True, kw_only=True, slots=True)
class Page(Generic[T]):
    """Some items, and the token of the next page; empty at the end."""

    items: tuple[T, ...]
    next_page_token: str


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A list on a service. Iterate to read all of it, page after page, or take one `page`; nothing is asked before."""

    fetch: Callable[[int, str], Awaitable[Page[T]]]

    async def page(self, *, size: int = 0, token: str = "") -> Page[T]:
        """Return one page of at most `size` items (0: as many as the service likes), from the `next_page_token` before."""
        return await self.fetch(size, token)

    async def __aiter__(self) -> AsyncIterator[T]:
        """Yield every item."""
        token = ""
        while True:
            page = await self.fetch(0, token)
            for item in page.items:
                yield item
            token = page.next_page_token
            if not token:
                return


def listing(
    connection: Connection,
    method: grpc.aio.UnaryUnaryMultiCallable[Q, A],
    request: Q,
    rows: Callable[[A], Iterable[Message]],
    kind: type[T],
) -> Listing[T]:
    """Return the list that `method` gives page by page: `rows` finds a page's messages in a response."""

    async def fetch(size: int, token: str) -> Page[T]:
        asked: Any = type(request)()
        asked.CopyFrom(request)
        asked.page_size, asked.page_token = size, token
        response: Any = await connection.call(method, asked)
        return Page(items=tuple(record_from_proto(kind, row) for row in rows(response)), next_page_token=response.next_page_token)

    return Listing(fetch)
