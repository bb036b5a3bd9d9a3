"""Closings computed in processes of their own: the same as here, and a process that ends is replaced."""

import os
import signal

import pytest
from comparison_world import JANUARY, town

from comparison.adapters.workers import WorkerLost, Workers
from comparison.domain.task import ClosingTask, carried_out


async def test_a_worker_computes_what_would_be_computed_here_and_is_replaced_when_it_ends() -> None:
    made = town()
    task = ClosingTask(month=JANUARY, survey=made.survey(), readings=made.readings(), living=(), living_areas=())
    workers = Workers(1)
    try:
        groups, areas = await workers.compute(task)
        here = carried_out(task)
        assert (groups.releases, areas.totals) == (here[0].releases, here[1].totals)
        assert workers._pool is not None
        (process,) = workers._pool._processes.values()
        assert process.pid != os.getpid()
        os.kill(process.pid or 0, signal.SIGKILL)
        with pytest.raises(WorkerLost):
            await workers.compute(task)
        assert (await workers.compute(task))[0].releases == here[0].releases
    finally:
        workers.close()
