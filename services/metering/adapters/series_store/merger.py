"""The merger: the thread that gives orders to the merging process and hands its steps to the writer."""

import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from metering.adapters.series_store.merge import Step
from metering.adapters.series_store.merge_process import receive, send

_log = logging.getLogger(__name__)

_PROGRAM = "metering.adapters.series_store.merge_process"

Range = tuple[int, int]
"""Journal entries with receive sequences in `(after, upto]`."""


class Merger:
    """Runs one merge at a time; a process that dies is started again with the next merge, which begins anew."""

    def __init__(self, path: Path, *, deliver: Callable[[Range, Step | None], bool], failed: Callable[[Range], None]) -> None:
        """Hand each step to `deliver`, None after the last; a false answer ends the merge. `failed` says that it must be ordered again."""
        self._path = path
        self._deliver = deliver
        self._failed = failed
        self._process: subprocess.Popen[bytes] | None = None
        self._starting = threading.Lock()
        self._wanted: Range | None = None
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="series-merger", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """The process, None while there is none."""
        return self._process.pid if self._process else None

    def order(self, wanted: Range) -> None:
        """Merge these entries; only when no other merge is under way."""
        with self._changed:
            self._wanted = wanted
            self._changed.notify()

    def close(self) -> None:
        """Stop the process, whatever it is doing: nothing of it is lost."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._stop_process()
        self._thread.join()

    def start_process(self) -> "subprocess.Popen[bytes]":
        """Return the process; start it where it does not run, and wait until it is ready."""
        with self._starting:
            if self._process and self._process.poll() is None:
                return self._process
            self._stop_process()
            command = [sys.executable, "-m", _PROGRAM, str(self._path)]
            # The program is this package's own, and the path is the store's.
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
            self._process = process
            if self._closing or process.stdout is None:
                process.kill()
                raise EOFError
            receive(process.stdout)
            return process

    def _stop_process(self) -> None:
        process = self._process
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._wanted is None and not self._closing:
                    self._changed.wait()
                if self._closing or self._wanted is None:
                    return
                wanted, self._wanted = self._wanted, None
            try:
                self._merge(wanted)
            except (EOFError, OSError, ValueError) as error:
                if self._closing:
                    return
                _log.warning("merger ended early", extra={"error": repr(error)})
                self._stop_process()
                self._failed(wanted)

    def _merge(self, wanted: Range) -> None:
        process = self.start_process()
        if process.stdin is None or process.stdout is None:
            raise EOFError
        send(process.stdin, wanted)
        wanted_still = True
        while True:
            step: Step | None = receive(process.stdout)
            if wanted_still:
                wanted_still = self._deliver(wanted, step)
            if step is None:
                return
