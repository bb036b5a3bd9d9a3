"""Pages of a list: how many items, after which one, and the token that goes on."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol, TypeVar, cast

from google.protobuf.message import DecodeError, Message

from multiflux.runtime.v1.page_token_pb2 import PageToken
from vocabulary.failure import Failure, Kind, invalid

T = TypeVar("T")


class PageTokenInvalid(Failure):
    """The page token was not given by this service."""

    reason, kind = "PAGE_TOKEN_INVALID", Kind.INVALID


class PageTokenMismatch(Failure):
    """The page token was given for other arguments: start again from the first page."""

    reason, kind = "PAGE_TOKEN_MISMATCH", Kind.INVALID


class _Paged(Protocol):
    page_size: int
    page_token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """What to list: up to `size` items whose sort key comes after `after` (empty: from the first)."""

    size: int
    after: tuple[str, ...]
    arguments_digest: bytes

    def cut(self, rows: Sequence[T], key: Callable[[T], tuple[str, ...]]) -> tuple[list[T], str]:
        """Return this page of `rows`, which are one more than `size` if there are, and the token of the next page, empty after the last."""
        shown = list(rows[: self.size])
        if len(rows) <= self.size:
            return shown, ""
        token = PageToken(after=key(shown[-1]), arguments_digest=self.arguments_digest)
        return shown, urlsafe_b64encode(token.SerializeToString()).decode()


def page(request: Message, *, default_size: int = 100, max_size: int = 1_000) -> Page:
    """Return the page that `request` (with `page_size` and `page_token`) asks for; InvalidRequest, PageTokenInvalid, PageTokenMismatch."""
    asked = cast("_Paged", request)
    if asked.page_size < 0:
        raise invalid("page_size", "must not be negative")
    digest = _arguments_digest(request)
    after: tuple[str, ...] = ()
    if asked.page_token:
        token = _token(asked.page_token)
        if token.arguments_digest != digest:
            raise PageTokenMismatch("the page token was given for other arguments")
        after = tuple(token.after)
    return Page(size=min(asked.page_size or default_size, max_size), after=after, arguments_digest=digest)


def _token(text: str) -> PageToken:
    try:
        token = PageToken.FromString(urlsafe_b64decode(text))
    except (binascii.Error, ValueError, DecodeError):
        token = PageToken()
    if not token.after:
        raise PageTokenInvalid("the page token was not given by this service")
    return token


def _arguments_digest(request: Message) -> bytes:
    arguments = type(request)()
    arguments.CopyFrom(request)
    arguments.ClearField("page_size")
    arguments.ClearField("page_token")
    return sha256(arguments.SerializeToString(deterministic=True)).digest()[:16]
