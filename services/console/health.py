"""Asks services whether they are healthy, each in the way it speaks."""

import asyncio
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

from console.programs import Program, Speaks
from multiflux_client.channel import Target
from multiflux_client.health import Health, health

_DEADLINE_S = 2.0


async def program_health(program: Program, authority: Path | None) -> Health:
    """Ask one service where it listens; `authority` is the file of certificates to trust."""
    match program.speaks:
        case Speaks.GRPC:
            target = Target(address=program.address, authority=authority if program.tls else None, tls=program.tls)
            return await health(target, deadline_s=_DEADLINE_S)
        case Speaks.HTTP:
            return await asyncio.to_thread(_http_health, program, authority)


def _http_health(program: Program, authority: Path | None) -> Health:
    connection = HTTPConnection(program.address, timeout=_DEADLINE_S)
    if program.tls:
        connection = HTTPSConnection(program.address, timeout=_DEADLINE_S, context=ssl.create_default_context(cafile=authority))
    try:
        connection.request("GET", "/healthz")
        return Health.SERVING if connection.getresponse().status == 200 else Health.NOT_SERVING  # noqa: PLR2004  # OK
    except (OSError, HTTPException):
        return Health.AWAY
    finally:
        connection.close()
