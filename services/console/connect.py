"""The way from a command to the services, as who is signed in."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

from console.programs import PROGRAMS, programs
from console.session import SessionFile, SessionTokens
from console.settings import ConsoleSettings
from multiflux_client.access import AccessClient, ServiceSecret
from multiflux_client.channel import Connection, Target


def target(settings: ConsoleSettings, name: str, address: str) -> Target:
    """Return where a service is: at `address`, or else where this machine's supervisor starts it."""
    local = next(program for program in (*programs(os.environ), *PROGRAMS) if program.name == name)
    tls = settings.tls_authority is not None or (local.tls and not address)
    return Target(address=address or local.address, authority=settings.tls_authority, tls=tls)


def access_target(settings: ConsoleSettings) -> Target:
    """Return where the access service is."""
    return target(settings, "access", settings.access_target)


def own_secret(settings: ConsoleSettings) -> ServiceSecret | None:
    """Return what the command signs demo people in with from another machine than that of access; OSError when its file cannot be read."""
    file = settings.console_service_secret_file
    return None if file is None else ServiceSecret(service="console", secret=file.read_text(encoding="utf-8").strip())


@asynccontextmanager
async def access_connection(settings: ConsoleSettings) -> AsyncGenerator[Connection]:
    """Connect to the access service as nobody."""
    async with Connection.open(access_target(settings)) as connection:
        yield connection


@asynccontextmanager
async def signed_in(
    settings: ConsoleSettings, service: str, address: str, *, at_least: timedelta = timedelta(seconds=60)
) -> AsyncGenerator[Connection]:
    """Connect to a service as who is signed in, with a token that lives `at_least` so long."""
    async with access_connection(settings) as access:
        tokens = SessionTokens(SessionFile(settings.session), AccessClient(access), at=access_target(settings).address, at_least=at_least)
        if service == "access":
            yield access.with_tokens(tokens)
            return
        async with Connection.open(target(settings, service, address), tokens=tokens) as connection:
            yield connection
