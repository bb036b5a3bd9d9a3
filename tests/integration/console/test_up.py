"""`multiflux up` and `multiflux status` as people run them, over stand-ins of the services."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from console.programs import PROGRAMS, Speaks

GRPC_SERVICE = """
import asyncio, os, signal
import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

async def serve():
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    server.add_insecure_port(f"127.0.0.1:{os.environ['MULTIFLUX_NAME_PORT']}")
    await server.start()
    await servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    print("NAME serves", flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await server.stop(None)

asyncio.run(serve())
"""
HTTP_SERVICE = """
import http.server, os, signal, sys

class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["MULTIFLUX_NAME_PORT"])), Answers).serve_forever()
"""


@dataclass
class Machine:
    """A machine on which stand-ins of the services are installed instead of the services."""

    folder: Path
    environment: dict[str, str]

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "console", *words, cwd=self.folder, env=self.environment, stdout=pipe, stderr=pipe
        )

    async def probe(self, name: str) -> tuple[int | None, str]:
        """Ask a service whether it serves, as container runtimes do; return the exit code, and what was said."""
        pipe = asyncio.subprocess.PIPE
        words = (sys.executable, "-m", "console.probe", name)
        process = await asyncio.create_subprocess_exec(*words, cwd=self.folder, env=self.environment, stdout=pipe)
        said, _ = await process.communicate()
        return process.returncode, said.decode()

    async def run(self, *words: str) -> tuple[int | None, list[dict[str, Any]], str]:
        """Run a command that speaks JSON; return its exit code, what it said, and its standard error."""
        process = await self.start(*words)
        said, errors = await process.communicate()
        return process.returncode, [json.loads(line) for line in said.splitlines()], errors.decode()


async def until(process: asyncio.subprocess.Process, event: str) -> list[dict[str, Any]]:
    """Return what the process says, up to an event."""
    assert process.stdout is not None
    said: list[dict[str, Any]] = []
    async for line in process.stdout:
        said.append(json.loads(line))
        if said[-1]["event"] == event:
            return said
    pytest.fail(f"never said {event}, but {said}")


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    # PYTHONPATH goes before what is installed: the stand-ins hide the services.
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "services"), "MULTIFLUX_DATA_DIRECTORY": str(tmp_path / "var")}
    for program in PROGRAMS:
        package = tmp_path / "services" / program.name
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        text = HTTP_SERVICE if program.speaks is Speaks.HTTP else GRPC_SERVICE
        (package / "__main__.py").write_text(text.replace("MULTIFLUX_NAME_PORT", program.port_variable).replace("NAME", program.name))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            environment[program.port_variable] = str(probe.getsockname()[1])
    yield Machine(folder=tmp_path, environment=environment)
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()


def assert_in_turn(services: list[str]) -> None:
    """Every service is there once, and behind those that it needs."""
    assert sorted(services) == sorted(program.name for program in PROGRAMS)
    for program in PROGRAMS:
        assert all(services.index(needed) < services.index(program.name) for needed in program.after)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
async def test_one_command_starts_every_service_and_one_signal_leaves_none(machine: Machine, number: signal.Signals) -> None:
    up = await machine.start("up", "--json")
    said = await until(up, "all-healthy")
    assert_in_turn([line["service"] for line in said if line["event"] == "healthy"])
    children = psutil.Process(up.pid).children(recursive=True)
    assert len(children) == len(PROGRAMS)
    up.send_signal(number)
    rest, errors = await up.communicate()
    assert up.returncode == 0, errors
    assert errors == b""
    stopped = [json.loads(line) for line in rest.splitlines()]
    assert_in_turn([line["service"] for line in reversed(stopped)])
    assert not any(line["killed"] for line in stopped)
    assert not any(child.is_running() for child in children)


async def test_each_service_writes_to_a_log_of_its_own(machine: Machine) -> None:
    up = await machine.start("up", "--json", "--only", "access")
    said = await until(up, "all-healthy")
    assert [line["service"] for line in said if line["event"] == "healthy"] == ["access"]
    up.terminate()
    await up.communicate()
    assert (machine.folder / "var" / "log" / "access.log").read_text() == "access serves\n"


async def test_status_tells_who_serves_and_exits_with_4_when_one_does_not(machine: Machine) -> None:
    up = await machine.start("up", "--json", "--only", "access", "--only", "metering")
    await until(up, "all-healthy")
    code, said, _ = await machine.run("status", "--json")
    health = {line["service"]: line["health"] for line in said}
    assert (health.pop("access"), health.pop("metering"), set(health.values())) == ("serving", "serving", {"away"})
    assert code == 4
    up.terminate()
    await up.communicate()


async def test_status_exits_with_0_when_all_serve(machine: Machine) -> None:
    up = await machine.start("up", "--json")
    await until(up, "all-healthy")
    code, said, _ = await machine.run("status", "--json")
    assert {line["health"] for line in said} == {"serving"}
    assert code == 0
    up.terminate()
    await up.communicate()


async def test_one_service_is_served_in_the_place_of_the_command(machine: Machine) -> None:
    serving = await machine.start("serve", "access")
    while (await machine.probe("access"))[0]:
        assert serving.returncode is None
    assert psutil.Process(serving.pid).children() == []
    serving.send_signal(signal.SIGTERM)
    said, _ = await serving.communicate()
    assert (serving.returncode, said) == (0, b"access serves\n")
    assert await machine.probe("access") == (1, "access: AWAY\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [(("weather",), "no service weather"), (("access", "--worker"), "access has no workers; forecast and comparison have")],
)
async def test_what_is_not_there_is_not_served(machine: Machine, words: Sequence[str], message: str) -> None:
    code, _, errors = await machine.run("serve", *words)
    assert code == 2
    assert message in " ".join(errors.replace("│", " ").split())


async def test_a_taken_port_is_a_clear_error(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        machine.environment["MULTIFLUX_METERING_PORT"] = str(port)
        code, said, errors = await machine.run("up", "--json")
    assert (code, said) == (1, [])
    error = json.loads(errors)["error"]
    assert error["reason"] == "PORT_TAKEN"
    assert f"127.0.0.1:{port}" in error["message"]
    assert "MULTIFLUX_METERING_PORT" in error["message"]


async def test_a_second_supervisor_leaves_the_first_one_alone(machine: Machine) -> None:
    up = await machine.start("up", "--json")
    await until(up, "all-healthy")
    code, _, errors = await machine.run("up", "--json")
    assert code == 1
    assert json.loads(errors)["error"]["reason"] == "PORT_TAKEN"
    assert (await machine.run("status", "--json"))[0] == 0
    up.terminate()
    await up.communicate()
    assert up.returncode == 0


async def test_a_service_that_cannot_start_is_named_with_the_end_of_its_log(machine: Machine) -> None:
    (machine.folder / "services" / "metering" / "__main__.py").write_text("raise SystemExit('the settings are wrong')")
    code, _, errors = await machine.run("up", "--json")
    error = json.loads(errors.splitlines()[-1])["error"]
    assert (code, error["reason"]) == (1, "NEVER_HEALTHY")
    assert "the settings are wrong" in error["message"]


@pytest.mark.parametrize(
    ("words", "setting", "said"),
    [
        (["up", "--only", "nowhere"], {}, "no service nowhere"),
        (["up"], {"MULTIFLUX_ACCESS_PORT": "seven"}, "MULTIFLUX_ACCESS_PORT"),
    ],
)
async def test_what_cannot_be_meant_is_refused(machine: Machine, words: list[str], setting: dict[str, str], said: str) -> None:
    machine.environment |= setting
    code, _, errors = await machine.run(*words)
    assert code in (1, 2)
    assert said in errors
    assert "Traceback" not in errors
