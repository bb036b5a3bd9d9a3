"""Processes of their own that compute forecasts, so that nothing else waits for them."""

import asyncio
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import TypeVar

from forecast.adapters.month_models import month_models
from forecast.domain.accuracy import Accuracy
from forecast.domain.task import Computed, ForecastTask, backtested, carried_out
from vocabulary.failure import Failure, Kind

T = TypeVar("T")


class WorkerLost(Failure):
    """The process that computed the forecast ended: ask again."""

    reason, kind = "WORKER_LOST", Kind.BUSY


class Workers:
    """A pool of spawned processes; one that ends is replaced."""

    def __init__(self, processes: int) -> None:
        """Start them when they are first needed."""
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None

    async def compute(self, task: ForecastTask) -> Computed:
        """Compute a task; InsufficientHistory, WorkerLost."""
        return await self._run(_carried_out, task)

    async def backtest(self, task: ForecastTask, origins: int) -> list[Accuracy]:
        """Forecast a task's points at past origins; InsufficientHistory, WorkerLost."""
        return await self._run(backtested, task, origins)

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self._processes, mp_context=multiprocessing.get_context("spawn"))
        pool = self._pool
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, partial(work, *arguments))
        except BrokenProcessPool:
            if self._pool is pool:
                self._pool = None
            raise WorkerLost("the process that computed the forecast ended") from None

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def _carried_out(task: ForecastTask) -> Computed:
    return carried_out(task, month_models())
