"""The installation of compose.yaml under a name of its own, with the images of a registry or stand-ins built from Debian packages."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import docker
import pytest
import requests
from docker.errors import APIError, ImageNotFound
from docker.models.containers import Container
from installation import free_ports

from multiflux_client.access import AccessClient, ServiceSecret
from multiflux_client.channel import Connection, Target
from multiflux_client.credentials import ExchangedTokens
from vocabulary.names import PersonId, TerritoryId

ROOT = Path(__file__).parents[1]
DEMO = TerritoryId("demo")
IMAGES = {
    "PYTHON_IMAGE": "python:3.11-slim-bookworm",
    "POSTGRES_IMAGE": "postgres:16-bookworm",
    "RABBITMQ_IMAGE": "rabbitmq:3-management",
    "MOSQUITTO_IMAGE": "eclipse-mosquitto:2",
}
_STAND_INS = ROOT / "tests" / "compose" / "stand_ins"
_DEBIAN = "multiflux-stand-in/debian:bookworm"
_PROFILES = ("--profile", "broker", "--profile", "field")
_POLL_S = 0.5


@dataclass
class Stack:
    """A running installation, and what the tests do to it."""

    docker: docker.DockerClient
    name: str
    environment: dict[str, str]
    folder: Path
    pages: str
    secret: ServiceSecret = field(init=False)

    @property
    def authority(self) -> Path:
        """The file of the authority that signed every certificate in it."""
        return self.folder / "authority.pem"

    def compose(self, *words: str, quiet: bool = True) -> str:
        """Run `docker compose` and return what it says; fails the test with what it complains of."""
        files = ("-f", str(ROOT / "compose.yaml"), "-f", str(ROOT / "tests" / "compose" / "published.yaml"))
        done = subprocess.run(
            ["docker", "compose", "-p", self.name, *files, *_PROFILES, *words],
            env=os.environ | self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode and quiet:
            pytest.fail(f"docker compose {' '.join(words)} exited with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        return done.stdout

    def start(self) -> None:
        """Build it and bring all of it up, healthy."""
        self.compose("build", "--quiet", "keys")
        self.up()

    def up(self, *services: str) -> None:
        """Bring services up, healthy; without a name all."""
        self.compose("up", "--detach", "--wait", "--no-build", *services)
        self.authority.write_text(self.read("access", "/run/multiflux/authority.pem"))
        self.secret = ServiceSecret(service="console", secret=self.read("access", "/run/multiflux/services/console").strip())

    def read(self, service: str, path: str) -> str:
        """Return the text of a file in a container."""
        code, said = self.run(service, "cat", path)
        assert code == 0, said
        return said

    def run(self, service: str, *words: str) -> tuple[int, str]:
        """Run a program in a container as its user; return the exit code and what it said."""
        code, said = self.container(service).exec_run(list(words))
        assert isinstance(said, bytes)
        return code or 0, said.decode()

    def lose(self, *volumes: str) -> None:
        """Remove every container, and volumes with all they hold."""
        self.compose("down", "--timeout", "30")
        for volume in volumes:
            self.docker.volumes.get(f"{self.name}_{volume}").remove()

    def container(self, service: str) -> Container:
        """Return the container of a service."""
        labels = [f"com.docker.compose.project={self.name}", f"com.docker.compose.service={service}", "com.docker.compose.oneoff=False"]
        (found,) = self.docker.containers.list(all=True, filters={"label": labels})
        return found

    def kill(self, service: str) -> int:
        """Kill the first process of a container, as a crash does, and return how often the container had been restarted before.

        Docker would not start a container again that it was itself told to kill.
        """
        container = self.container(service)
        restarts, pid = container.attrs["RestartCount"], str(container.attrs["State"]["Pid"])
        self.docker.containers.run(self.environment["PYTHON_IMAGE"], ["sh", "-c", f"kill -KILL {pid}"], pid_mode="host", remove=True)
        return restarts

    def is_back(self, service: str, restarts: int) -> bool:
        """Tell whether a container was started again since then and is healthy."""
        state = self.container(service).attrs
        return state["RestartCount"] > restarts and state["State"].get("Health", {}).get("Status") == "healthy"

    @asynccontextmanager
    async def connection(self, service: str, person: str = "administrator", territory: TerritoryId = DEMO) -> AsyncGenerator[Connection]:
        """Connect to access or metering as a demo person."""
        async with AsyncExitStack() as stack:
            access = AccessClient(await stack.enter_async_context(Connection.open(self._target("ACCESS"))))
            called = await stack.enter_async_context(Connection.open(self._target(service.upper())))
            subject = await access.sign_in_locally(PersonId(person), territory, service=self.secret)
            yield called.with_tokens(ExchangedTokens(access, subject, territory=territory, purpose="test"))

    def _target(self, service: str) -> Target:
        return Target(address=f"127.0.0.1:{self.environment[f'TEST_{service}_PORT']}", authority=self.authority)


@contextmanager
def stack() -> Generator[Stack]:
    """Yield an installation that runs, and leave nothing of it; skips where there is no Docker."""
    client = _docker()
    images = _images(client)
    pages, access, metering = free_ports(3)
    environment = images | {
        "MULTIFLUX_IMAGE": "multiflux:tested",
        "MULTIFLUX_PUBLISH": f"127.0.0.1:{pages}",
        "MULTIFLUX_BROKER_URL": "amqps://multiflux@rabbitmq:5671/",
        "TEST_ACCESS_PORT": str(access),
        "TEST_METERING_PORT": str(metering),
    }
    folder = Path(tempfile.mkdtemp(prefix="multiflux-compose-"))
    started = Stack(
        docker=client,
        name=f"multiflux-test-{uuid4().hex[:8]}",
        environment=environment,
        folder=folder,
        pages=f"https://localhost:{pages}",
    )
    try:
        started.start()
        yield started
    finally:
        started.compose("down", "--volumes", "--timeout", "30", quiet=False)
        shutil.rmtree(folder, ignore_errors=True)
        client.close()


def configuration(environment: dict[str, str] | None = None) -> dict[str, Any]:
    """Return compose.yaml as Docker Compose understands it, with every profile."""
    _docker().close()
    done = subprocess.run(
        ["docker", "compose", "--profile", "*", "config", "--format", "json"],
        cwd=ROOT,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def until(happened: Any, what: str, *, within_s: float = 300.0) -> None:
    """Wait until something has happened."""
    ends = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < ends, f"{what}: not within {within_s:g} s"
        time.sleep(_POLL_S)


def _docker() -> docker.DockerClient:
    if shutil.which("docker") is None:
        pytest.skip("Docker is missing: install docker.io")
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("Docker Compose 2 is missing: install docker-compose-plugin, or docker-compose of Debian 13")
    # Asked of the program: the client leaves its socket open where nobody answers.
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        pytest.skip("Docker does not run: start dockerd")
    return docker.from_env(timeout=600)


def _images(client: docker.DockerClient) -> dict[str, str]:
    """Return the image of each kind: the real one where it is here or a registry gives it, and otherwise a stand-in."""
    images: dict[str, str] = {}
    reachable = True
    for variable, real in IMAGES.items():
        reachable = reachable and _pulled(client, real)
        images[variable] = real if reachable or _is_here(client, real) else _stand_in(client, variable.removesuffix("_IMAGE").lower())
    return images


def _is_here(client: docker.DockerClient, image: str) -> bool:
    try:
        client.images.get(image)
    except ImageNotFound:
        return False
    return True


def _pulled(client: docker.DockerClient, image: str) -> bool:
    try:
        if not _is_here(client, image):
            repository, tag = image.split(":")
            client.images.pull(repository, tag=tag)
    except (APIError, requests.RequestException):
        return False
    return True


def _stand_in(client: docker.DockerClient, name: str) -> str:
    """Build the stand-in of an image, unless it is here."""
    image = f"multiflux-stand-in/{name}:latest"
    if not _is_here(client, image):
        if not _is_here(client, _DEBIAN):
            _import_debian(client)
        client.images.build(path=str(_STAND_INS), dockerfile=f"{name}.Dockerfile", tag=image, rm=True)
    return image


def _import_debian(client: docker.DockerClient) -> None:
    if shutil.which("debootstrap") is None or os.geteuid() != 0:
        pytest.skip("no registry gives the images, and root with debootstrap, who could build stand-ins, is missing: install debootstrap")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "root"
        subprocess.run(["debootstrap", "--variant=minbase", "bookworm", str(made)], check=True, capture_output=True)
        packed = shutil.make_archive(f"{folder}/debian", "tar", made)
        repository, tag = _DEBIAN.split(":")
        client.api.import_image_from_file(packed, repository=repository, tag=tag)
