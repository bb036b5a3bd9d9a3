"""A real Mosquitto of its own, for tests and benchmarks that need a broker."""

import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

_WAIT_S = 10.0


@dataclass
class Mosquitto:
    """A broker on a loopback port; it keeps sessions and retained messages in its folder over a restart."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    def start(self) -> None:
        """Start, and wait until it listens."""
        lines = (f"listener {self.port} 127.0.0.1", "allow_anonymous true", "persistence true", f"persistence_location {self.folder}/")
        more = ("autosave_interval 1", "autosave_on_changes true", "max_inflight_messages 0", "max_queued_messages 0", "log_dest none")
        settings = self.folder / "mosquitto.conf"
        settings.write_text("\n".join((*lines, *more, "user root")) + "\n", "utf-8")
        self.process = subprocess.Popen([str(program()), "-c", str(settings)], stdin=subprocess.DEVNULL)
        until = time.monotonic() + _WAIT_S
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise TimeoutError("Mosquitto does not listen")

    def kill(self) -> None:
        """End it without warning."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def program() -> Path:
    """Return the program; the test is skipped where there is none."""
    found = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/sbin")
    if found is None:
        pytest.skip("Mosquitto is missing: install mosquitto")
    return Path(found)
