"""A real RabbitMQ node of the test's own, on free ports, that can be stopped, started again and killed."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""The program itself: the one on the path is a script that changes the user and shares files with the machine's own node."""

_START_S = 90.0
_STOP_S = 30.0


@dataclass
class RabbitmqServer:
    """One node, with the files in `folder`."""

    folder: Path
    port: int
    _epmd_port: int
    _distribution_port: int
    _epmd: subprocess.Popen[bytes] | None = None
    _node: subprocess.Popen[bytes] | None = None
    _environment: dict[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def at(cls, folder: Path) -> "RabbitmqServer":
        probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
        port, epmd, distribution = (probe.getsockname()[1] for probe in probes)
        for probe in probes:
            probe.close()
        return cls(folder=folder, port=port, _epmd_port=epmd, _distribution_port=distribution)

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self) -> None:
        """Start the node unless it runs, on what it kept, and wait until it takes connections."""
        if self._node is not None:
            return
        if self._epmd is None:
            self._epmd = subprocess.Popen(
                ["epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        (self.folder / "enabled_plugins").write_text("[].\n")
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\nlog.console = true\nlog.console.level = warning\n"
            "vm_memory_high_watermark.relative = 0.6\ndisk_free_limit.absolute = 50MB\n"
        )
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RABBITMQ_")} | {
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_NODENAME": f"multiflux-{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
        }
        with (self.folder / "output").open("ab") as output:
            self._node = subprocess.Popen([PROGRAM], env=environment, cwd=self.folder, stdout=output, stderr=output, start_new_session=True)
        self._wait_for_port()

    def stop(self) -> None:
        """Stop the node as its machine's shutdown would."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the node without a word."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """Leave no process of it."""
        self.kill()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait(_STOP_S)
            self._epmd = None

    def _end(self, number: signal.Signals) -> None:
        node, self._node = self._node, None
        if node is None:
            return
        # The script waits for the node: both are in its session's group.
        with suppress(ProcessLookupError):
            os.killpg(node.pid, number)
        try:
            node.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(node.pid, signal.SIGKILL)
            node.wait(_STOP_S)

    def _wait_for_port(self) -> None:
        assert self._node is not None
        until = time.monotonic() + _START_S
        while time.monotonic() < until and self._node.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                # Before it is ready, the node closes what it accepts: the protocol's answer tells.
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                if connection.recv(1):
                    return
            time.sleep(0.2)
        sys.stderr.write((self.folder / "output").read_text(errors="replace"))
        raise RuntimeError("RabbitMQ did not start")


@contextmanager
def rabbitmq_server() -> Generator[RabbitmqServer]:
    """Run a node inside the block."""
    folder = Path(tempfile.mkdtemp(prefix="multiflux-rabbitmq-"))
    server = RabbitmqServer.at(folder)
    try:
        server.start()
        yield server
    finally:
        server.close()
        shutil.rmtree(folder, ignore_errors=True)
