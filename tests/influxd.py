"""InfluxDB 2 as a real server on loopback, with a folder of its own: started, taken away, brought back, stopped."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import httpx
import psutil
import pytest

from metering.adapters.influx_store.server import InfluxAddress

WANTED = "InfluxDB v2."


def program() -> str:
    """Return the program that MULTIFLUX_INFLUXD2 names; skip where it names none of version 2."""
    found = os.environ.get("MULTIFLUX_INFLUXD2")
    if not found:
        pytest.skip("no InfluxDB 2: install it, and name its influxd in MULTIFLUX_INFLUXD2")
    version = subprocess.run([found, "version"], capture_output=True, text=True, check=True).stdout
    if not version.startswith(WANTED):
        pytest.skip(f"{found} is {version.strip()}, not InfluxDB 2: name one in MULTIFLUX_INFLUXD2")
    return found


class Influxd:
    """A server that keeps its port and folder while it is away."""

    def __init__(self, found: str) -> None:
        self._program = found
        self.folder = Path(tempfile.mkdtemp(prefix="multiflux-influxd2-"))
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = int(listener.getsockname()[1])
        self.token = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def address(self, prefix: str) -> InfluxAddress:
        return InfluxAddress(url=self.url, token=self.token, prefix=prefix)

    def start(self) -> None:
        words = ["--http-bind-address", f"127.0.0.1:{self.port}", "--reporting-disabled", "--log-level", "error"]
        folders = ["--bolt-path", "bolt", "--sqlite-path", "sqlite", "--engine-path", "engine"]
        paths = [str(self.folder / word) if at % 2 else word for at, word in enumerate(folders)]
        # A home of its own, so that nobody's configuration is met.
        environment = {"HOME": str(self.folder), "PATH": os.environ["PATH"]}
        self._process = subprocess.Popen(
            [self._program, "run", *words, *paths], env=environment, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                if httpx.get(f"{self.url}/health", timeout=5, trust_env=False).is_success:
                    return
            except httpx.TransportError:
                pass
            assert self._process.poll() is None, "influxd ended"
            assert time.monotonic() < deadline, "influxd did not become ready"
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(60)
            self._process = None

    def cpu(self) -> float:
        assert self._process
        return sum(psutil.Process(self._process.pid).cpu_times()[:2])

    def bytes_on_disk(self) -> int:
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())
