"""InfluxDB 1.x as the peer: started on loopback with a folder and configuration of its own, fsync on, and stopped again."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import psutil

WANTED = "v1.6"
_CONFIGURATION = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  wal-fsync-delay = "0s"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{http}"
  log-enabled = false
  max-body-size = 0
[continuous_queries]
  enabled = false
[logging]
  level = "error"
"""


class PeerMissing(Exception):  # named for what is the matter, as all failures here
    """There is no InfluxDB 1.6 to compare with."""


def program() -> str:
    """Return the program that MULTIFLUX_BENCH_INFLUXD names, or the one in the path; PeerMissing when it is not version 1.6."""
    found = os.environ.get("MULTIFLUX_BENCH_INFLUXD") or shutil.which("influxd")
    if not found:
        raise PeerMissing("no influxd: install the package influxdb, or name an InfluxDB 1.6 in MULTIFLUX_BENCH_INFLUXD")
    version = subprocess.run([found, "version"], capture_output=True, text=True, check=True).stdout
    if WANTED not in version:
        raise PeerMissing(f"{found} is {version.strip()}, not InfluxDB 1.6: name one in MULTIFLUX_BENCH_INFLUXD")
    return found


class Influx:
    """A running InfluxDB."""

    def __init__(self) -> None:
        self._program = program()

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="multiflux-influx-"))
        rpc, self._port = _free_port(), _free_port()
        configuration = self.folder / "influxdb.conf"
        configuration.write_text(_CONFIGURATION.format(folder=self.folder, rpc=rpc, http=self._port))
        self._process = subprocess.Popen(
            [self._program, "-config", str(configuration)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._connect()
        self.query("CREATE DATABASE b", write=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        self._process.terminate()
        self._process.wait(30)
        shutil.rmtree(self.folder)

    def _connect(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                self._http = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
                self._http.request("GET", "/ping")
                self._http.getresponse().read()
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def cpu(self) -> float:
        return sum(psutil.Process(self._process.pid).cpu_times()[:2])

    def write(self, bodies: Iterable[bytes]) -> None:
        for body in bodies:
            self._http.request("POST", "/write?db=b&precision=s", body)
            response = self._http.getresponse()
            answer = response.read()
            if response.status != 204:
                raise RuntimeError(answer.decode())

    def query(self, text: str, *, write: bool = False) -> Any:
        parameters = urlencode({"db": "b", "epoch": "s", "q": text})
        self._http.request("POST" if write else "GET", f"/query?{parameters}")
        answer = json.loads(self._http.getresponse().read())
        if "error" in json.dumps(answer)[:200]:
            raise RuntimeError(str(answer)[:500])
        return answer

    def bytes_on_disk(self) -> int:
        return sum(file.stat().st_size for kind in ("data", "wal") for file in (self.folder / kind).rglob("*") if file.is_file())


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
