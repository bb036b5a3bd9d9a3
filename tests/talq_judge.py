"""Stands before a web application, and holds every exchange against TALQ's OpenAPI."""

import json
from typing import Any
from urllib.parse import parse_qsl

from talq_schemas import Api, present

_OF_HTTP = (401, 413, 500, 501, 503)
"""What any server may answer, without having read what it was asked."""


class Judged:
    """The application, and what was wrong with what was said to it and by it."""

    def __init__(self, application: Any, api: str) -> None:
        self._application = application
        self._api = Api(api) if present() else None
        self.wrong: list[str] = []
        self.exchanges: list[tuple[str, str, int]] = []
        """Method, path and status of every exchange."""
        self.away = False
        """Whether to answer as a server does that is being restarted."""

    def replaced(self, application: Any) -> None:
        """Stand before another application from now on."""
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, answer, status = bytearray(), bytearray(), 0

        async def heard() -> Any:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        async def said(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            answer.extend(message.get("body", b""))
            await send(message)

        if self.away:
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await self._application(scope, heard, said)
        method, path = scope["method"], scope["path"]
        self.exchanges.append((method, path, status))
        if self._api is not None:
            self._judge(method, path, scope, status, bytes(body), bytes(answer))

    def changes(self) -> list[tuple[str, str, int]]:
        """Return the exchanges that were to change something."""
        return [one for one in self.exchanges if one[0] != "GET"]

    def _judge(self, method: str, path: str, scope: Any, status: int, body: bytes, answer: bytes) -> None:
        assert self._api is not None
        if status in (0, *_OF_HTTP):
            # Refused at the door, or left by the caller: perhaps the body was never read.
            return
        query = dict(parse_qsl(scope["query_string"].decode()))
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        try:
            self._api.check_request(method, path, query, headers, json.loads(body) if body else None)
            self._api.check_response(method, path, status, json.loads(answer) if answer else None)
        except AssertionError as error:
            self.wrong.append(f"{method} {path}: {error}")
