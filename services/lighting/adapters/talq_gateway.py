"""Calls one TALQ gateway: what it refuses, and what means that nobody is there, told apart."""

import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote
from uuid import uuid4

import httpx
from pydantic import TypeAdapter, ValidationError

from lighting.adapters.talq_messages import DEVICES, IDENTIFIED, SERVICES, Json
from lighting.adapters.talq_orders import VERSION
from lighting.domain.ports import LinkAway

_CALL_S = 20.0
_MOST_BYTES = 64 << 20
_MOST_REASON = 300
_AWAY = frozenset({401, 403, 407, 408, 425, 429})
"""Answers that say nothing about the order: who calls, how often, or in which state, must change first."""
_NOT_FOUND, _CONFLICT = 404, 409
_DAYS_FROM_MIDNIGHT = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """A gateway as the settings name it: where it listens, and the tokens that it takes and that it shows."""

    url: str
    token: str = ""
    """What it is shown; empty: it asks for none."""
    push_token: str = ""
    """What it shows when it pushes; empty: it may not push."""
    authority: Path | None = None
    """The authority that signed its certificate; None: one of the system's."""


class GatewayRefused(Exception):
    """The gateway understood, and says no."""


class Conflicting(LinkAway):
    """The gateway has it already, or something else in its place: another look, and another time, will do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """What a gateway says of its control service."""

    day_offset_h: int
    """The hour at which its days begin."""
    astronomical: bool
    """Whether its programs can follow the sun."""


class GatewayClient:
    """The gateway API, as far as lighting needs it. Every call raises LinkAway when nobody is there, and GatewayRefused."""

    def __init__(self, peer: Peer, owner: str) -> None:
        """Call `peer` as the CMS whose address is `owner`."""
        self._owner = owner
        context = ssl.create_default_context(cafile=peer.authority) if peer.authority else True
        self._http = httpx.AsyncClient(
            base_url=peer.url.rstrip("/"),
            headers={"talq-api-version": VERSION} | ({"Authorization": f"Bearer {peer.token}"} if peer.token else {}),
            timeout=_CALL_S,
            verify=context,
            # Neither a proxy of this machine's nor a redirect decides where orders go.
            trust_env=False,
            follow_redirects=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def control(self) -> Control:
        """Return what its control service can do."""
        services = await self._read("/services", SERVICES)
        found = next((one for one in services if one["name"] == "ControlService"), Json())
        types = found.get("supportedTypes", [])
        return Control(day_offset_h=found.get("dayOffset", _DAYS_FROM_MIDNIGHT), astronomical="AstroClockActivePeriod" in types)

    async def devices(self) -> Sequence[Json]:
        """Return all its devices."""
        return await self._read("/devices", DEVICES)

    async def resources(self, collection: str) -> Mapping[str, Json]:
        """Return our programs or calendars that it holds, by id."""
        found = await self._read(f"/{collection}", IDENTIFIED)
        return {one["id"]: one for one in found if one["ownerCMS"] == self._owner}

    async def logger(self, address: str) -> Any:
        """Return the configuration of a logger; None when it has none."""
        try:
            return await self._call("GET", f"/logger-configs/{address}")
        except _NotThere:
            return None

    async def change(self, method: str, path: str, body: Any = None) -> None:
        """Change something."""
        await self._call(method, path, body, talqRequestId=str(uuid4()))

    async def remove(self, collection: str, resource: str) -> None:
        """Delete a program or calendar, unless it is gone already."""
        try:
            await self.change("DELETE", f"/{collection}/{quote(resource, safe='')}")
        except _NotThere:
            return

    async def _read(self, path: str, form: TypeAdapter[Any]) -> list[Json]:
        found = await self._call("GET", path)
        try:
            form.validate_python(found)
        except ValidationError as error:
            raise LinkAway(f"its {path} cannot be read: {error.errors(include_url=False, include_input=False)[0]['msg']}") from None
        return found

    async def _call(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        try:
            parameters = {"clientAddress": self._owner, **query}
            async with self._http.stream(method, path, params=parameters, json=body) as response:
                content = bytearray()
                async for block in response.aiter_bytes():
                    content += block
                    if len(content) > _MOST_BYTES:
                        raise LinkAway(f"its {path} is larger than {_MOST_BYTES >> 20} MiB")
        except httpx.HTTPError as error:
            raise LinkAway(f"{type(error).__name__}: {error}") from error
        return _answer(response.status_code, bytes(content), f"{method} {path}")


class _NotThere(GatewayRefused):
    """What the path names does not exist."""


def _answer(status: int, content: bytes, what: str) -> Any:
    if httpx.codes.is_success(status):
        try:
            return json.loads(content) if content else None
        except ValueError:
            raise LinkAway(f"{what}: the answer is no JSON") from None
    if status == _CONFLICT:
        raise Conflicting(f"{what}: {_reason(content)}")
    if httpx.codes.is_client_error(status) and status not in _AWAY:
        raise (_NotThere if status == _NOT_FOUND else GatewayRefused)(f"{what}: {_reason(content) or status}")
    raise LinkAway(f"{what}: {status} {_reason(content)}".rstrip())


def _reason(content: bytes) -> str:
    """Return what TALQ's error messages say, on one line."""
    try:
        said = json.loads(content)
    except ValueError:
        return ""
    errors = cast("list[Any]", said if isinstance(said, list) else [said])
    told = [cast("Json", one) for one in errors if isinstance(one, dict)]
    texts = [f"{one.get('key', '')}: {one.get('description', '')}".strip(": ") for one in told]
    return " ".join("; ".join(texts).split())[:_MOST_REASON]
