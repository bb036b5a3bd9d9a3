"""Processes of their own that compute closings, so that no household waits for them."""

import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from comparison.domain.task import ClosingTask, Computed, carried_out
from vocabulary.failure import Failure, Kind


class WorkerLost(Failure):
    """The process that computed the closing ended: ask again."""

    reason, kind = "WORKER_LOST", Kind.BUSY


class Workers:
    """A pool of spawned processes; one that ends is replaced."""

    def __init__(self, processes: int) -> None:
        """Start them when they are first needed."""
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None

    async def compute(self, task: ClosingTask) -> Computed:
        """Compute a task; WorkerLost."""
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self._processes, mp_context=multiprocessing.get_context("spawn"))
        pool = self._pool
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, carried_out, task)
        except BrokenProcessPool:
            if self._pool is pool:
                self._pool = None
            raise WorkerLost("the process that computed the closing ended") from None

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
