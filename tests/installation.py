"""A whole installation as processes of the test's own, and the command beside it."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from console.programs import PROGRAMS
from multiflux_client.access import AccessClient
from multiflux_client.channel import Connection, Target
from multiflux_client.consumption import ConsumptionSeries
from multiflux_client.credentials import ExchangedTokens
from multiflux_client.metering import MeteringClient
from multiflux_client.places import Place, PlaceParent, PublicSite, SiteUse, Territory
from multiflux_client.registry import RegistryClient
from vocabulary.civil import Granularity
from vocabulary.flux import Direction, Flux
from vocabulary.interval import Interval
from vocabulary.names import PersonId, PlaceId, TerritoryId
from vocabulary.place import PlaceLevel

DEMO = TerritoryId("demo")
PIPE = asyncio.subprocess.PIPE


def free_ports(number: int) -> list[int]:
    """Return ports that nobody listens on, all different."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@dataclass
class Installation:
    """Real services in a folder, started and stopped as people do it."""

    folder: Path
    environment: dict[str, str]
    up: asyncio.subprocess.Process | None = None
    root: PlaceId = PlaceId("")
    """The place that is the whole territory."""
    _started: list[asyncio.subprocess.Process] = field(default_factory=list[asyncio.subprocess.Process])

    @classmethod
    def at(cls, folder: Path) -> "Installation":
        names = [program.name.upper() for program in PROGRAMS]
        numbers = free_ports(2 * len(names))
        ports = dict(zip(names, numbers, strict=False))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MULTIFLUX_")} | {
            "MULTIFLUX_DATA_DIRECTORY": str(folder / "var"),
            **{f"MULTIFLUX_{name}_PORT": str(port) for name, port in ports.items()},
            **{f"MULTIFLUX_{name}_METRICS_PORT": str(port) for name, port in zip(names, numbers[len(names) :], strict=True)},
            "MULTIFLUX_ACCESS_REGISTRY_TARGET": f"127.0.0.1:{ports['METERING']}",
            "XDG_CONFIG_HOME": str(folder / "config"),
        }
        return cls(folder=folder, environment=environment)

    @property
    def data(self) -> Path:
        return self.folder / "var"

    @classmethod
    @asynccontextmanager
    async def running(cls, folder: Path, *services: str) -> "AsyncGenerator[Installation]":
        """Start one with an empty territory `demo`, as whose administrator the command is signed in; leave no process of it.

        `services` are those besides access and metering.
        """
        installed = cls.at(folder)
        try:
            await installed.start(*services)
            await installed.make_territory()
            await installed.sign_in()
            yield installed
        finally:
            await installed.kill()

    async def start(self, *services: str) -> None:
        only = [word for service in ("access", "metering", *services) for word in ("--only", service)]
        self.up = await self._command("up", "--json", *only)
        assert self.up.stdout is not None
        async for line in self.up.stdout:
            if json.loads(line)["event"] == "all-healthy":
                return
        assert self.up.stderr is not None
        pytest.fail((await self.up.stderr.read()).decode())

    async def stop(self) -> None:
        if self.up is not None and self.up.returncode is None:
            self.up.send_signal(signal.SIGTERM)
            await self.up.communicate()

    async def kill(self) -> None:
        """Leave nothing running, whatever the test did."""
        await self.stop()
        for process in self._started:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def run(self, *words: str) -> tuple[int | None, list[dict[str, Any]], str]:
        """Run a command that speaks JSON; return its exit code, what it said, and its standard error."""
        process = await self._command(*words, "--json")
        said, errors = await process.communicate()
        return process.returncode, [json.loads(line) for line in said.splitlines()], errors.decode()

    async def sign_in(self) -> None:
        code, _, errors = await self.run("token", "--person", "administrator", "--territory", "demo")
        assert code == 0, errors

    async def make_territory(self) -> None:
        async with self.connection("platform-operator", TerritoryId("platform")) as connection:
            territory = Territory(
                display_name="Demo", time_zone="Europe/Paris", currency_code="EUR", school_holiday_zone="B", simulated=False
            )
            made = await RegistryClient(connection).create_territory(territory, DEMO)
            assert made.root_place is not None
            self.root = made.root_place

    @asynccontextmanager
    async def connection(self, person: str = "administrator", territory: TerritoryId = DEMO) -> AsyncGenerator[Connection]:
        async with AsyncExitStack() as stack:
            access = AccessClient(await stack.enter_async_context(Connection.open(self._target("ACCESS"))))
            metering = await stack.enter_async_context(Connection.open(self._target("METERING")))
            subject = await access.sign_in_locally(PersonId(person), territory)
            yield metering.with_tokens(ExchangedTokens(access, subject, territory=territory, purpose="test"))

    async def new_site(self) -> PlaceId:
        """Make a public site of the test's own."""
        place = Place(level=PlaceLevel.PREMISE, parents=(PlaceParent(parent=self.root),), public_site=PublicSite(use=SiteUse.SCHOOL))
        async with self.connection() as connection:
            return (await RegistryClient(connection).create_place(place)).id

    async def consumption(
        self, place: PlaceId, flux: Flux, start: str, end: str, granularity: Granularity, direction: Direction = Direction.IMPORT
    ) -> ConsumptionSeries:
        during = Interval(start=datetime.fromisoformat(start), end=datetime.fromisoformat(end))
        async with self.connection() as connection:
            return await MeteringClient(connection).consumption(f"places/{place}", flux, during, granularity, direction=direction)

    def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def address(self, service: str) -> str:
        """Return where a service listens, as `host:port`."""
        return f"127.0.0.1:{self.environment[f'MULTIFLUX_{service.upper()}_PORT']}"

    def _target(self, service: str) -> Target:
        return Target(address=self.address(service))

    async def _command(self, *words: str) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "console", *words, cwd=self.folder, env=self.environment, stdout=PIPE, stderr=PIPE
        )
        self._started.append(process)
        return process
