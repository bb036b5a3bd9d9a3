"""The whole installation as one person starts it: the real services, signed in at, filled, asked and stopped by the command."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from console.programs import PROGRAMS
from multiflux_client.channel import Connection, Target
from multiflux_client.credentials import FixedToken
from multiflux_client.places import Territory
from multiflux_client.registry import RegistryClient
from vocabulary.names import TerritoryId

DEMO = TerritoryId("demo")


@dataclass
class Installation:
    """A running installation and the commands that reach it."""

    folder: Path
    environment: dict[str, str]
    up: asyncio.subprocess.Process

    async def run(self, *words: str) -> tuple[int | None, str, str]:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "console", *words, cwd=self.folder, env=self.environment, stdout=pipe, stderr=pipe
        )
        said, errors = await process.communicate()
        return process.returncode, said.decode(), errors.decode()

    async def sign_in(self, person: str, territory: str = DEMO) -> str:
        """Sign in as a demo person and return its token."""
        code, said, errors = await self.run("token", "--person", person, "--territory", territory)
        assert code == 0, errors
        return said.strip()

    async def territory(self) -> Territory:
        """Make the demo territory, as its operator."""
        address = f"127.0.0.1:{self.environment['MULTIFLUX_METERING_PORT']}"
        tokens = FixedToken(await self.sign_in("platform-operator", "platform"))
        async with Connection.open(Target(address=address), tokens=tokens) as connection:
            return await RegistryClient(connection).create_territory(Territory(display_name="Demo"), DEMO)


def unused_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture
async def installation(tmp_path: Path) -> AsyncIterator[Installation]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MULTIFLUX_")}
    environment |= {"MULTIFLUX_DATA_DIRECTORY": str(tmp_path / "var"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    for program, port in zip(PROGRAMS, unused_ports(len(PROGRAMS)), strict=True):
        environment |= {program.port_variable: str(port), f"MULTIFLUX_{program.name.upper()}_METRICS_PORT": "0"}
    pipe = asyncio.subprocess.PIPE
    up = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "console", "up", "--json", cwd=tmp_path, env=environment, stdout=pipe, stderr=pipe
    )
    yield Installation(folder=tmp_path, environment=environment, up=up)
    if up.returncode is None:
        up.terminate()
        await up.communicate()


async def all_healthy(up: asyncio.subprocess.Process) -> None:
    assert up.stdout is not None
    async for line in up.stdout:
        if json.loads(line)["event"] == "all-healthy":
            return
    _, errors = await up.communicate()
    pytest.fail(errors.decode())


@pytest.mark.timeout(600)
async def test_one_command_starts_it_people_work_with_it_and_ctrl_c_leaves_nothing(installation: Installation) -> None:
    await all_healthy(installation.up)
    code, said, _ = await installation.run("status", "--json")
    assert code == 0
    assert {json.loads(line)["health"] for line in said.splitlines()} == {"serving"}

    root = (await installation.territory()).root_place
    await installation.sign_in("administrator")
    places = f"id,level,display_name,parents\nville,commune,Ville-Neuve,{root}\nlune,moon,Mare Imbrium,{root}\n"
    (installation.folder / "places.csv").write_text(places)
    code, said, errors = await installation.run("registry", "import", "places.csv", "--content", "places", "--json")
    assert code == 3, errors
    refused, counts = (json.loads(line) for line in said.splitlines())
    assert (refused["line"], refused["column"]) == (3, "level")
    assert (counts["rows"], counts["created"], counts["refused"]) == (2, 1, 1)

    code, said, _ = await installation.run("registry", "export", "--content", "places")
    assert code == 0
    assert "ville,commune,Ville-Neuve" in said
    (installation.folder / "again.csv").write_text(said)
    code, said, errors = await installation.run("registry", "import", "again.csv", "--content", "places", "--json")
    assert code == 0, said + errors
    assert _counts(said)["unchanged"] == _counts(said)["rows"] == 2

    code, said, _ = await installation.run("audit", "--limit", "0", "--json")
    assert code == 0
    assert {json.loads(line)["actor"] for line in said.splitlines()} >= {"people/administrator"}

    await installation.sign_in("collector")
    code, _, errors = await installation.run("registry", "export", "--content", "places", "-o", "stolen.csv", "--json")
    assert (code, json.loads(errors)["error"]["reason"]) == (5, "NOT_PERMITTED")

    children = psutil.Process(installation.up.pid).children(recursive=True)
    installation.up.send_signal(signal.SIGINT)
    said_last, errors_last = await installation.up.communicate()
    assert installation.up.returncode == 0, errors_last
    assert [(line["event"], line["killed"]) for line in map(json.loads, said_last.splitlines())] == [("stopped", False)] * len(PROGRAMS)
    assert not any(child.is_running() for child in children)


def _counts(said: str) -> dict[str, Any]:
    return json.loads(said.splitlines()[-1])
