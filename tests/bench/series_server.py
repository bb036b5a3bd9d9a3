"""A metering server of readings alone, as a process to load, measure and kill: `python series_server.py DATABASE [REPORT_EVERY]`.

It serves MeteringService on a free port of 127.0.0.1 with the real runtime and the real checks; everybody is a collector of one territory,
and every meter exists.
Orders come as lines on standard input and are answered with one JSON line each.
"""

import asyncio
import json
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from joserfc.jwk import KeySet

from metering.adapters.series_store.filing import FilingRules
from metering.adapters.series_store.store import EmbeddedSeriesStore, StoreRules
from metering.app import opened
from metering.domain.series.arrival import Limits
from metering.domain.series.columns import ReadingKind, SeriesName
from metering.reading_tools import ReadingTools
from metering.series_servicer import SeriesMethods
from metering.settings import MeteringSettings
from multiflux.metering.v1 import metering_service_pb2_grpc as pb_grpc
from runtime.call import Call, Caller, Grant
from runtime.clock import SystemClock
from runtime.limits import RateLimits
from runtime.permissions import NoPlaces, PermissionCheck
from runtime.server import Endpoint, Service, serving
from runtime.settings import ServiceSettings
from runtime.tokens import TokenVerifier
from vocabulary.failure import Failure
from vocabulary.flux import BaseUnit
from vocabulary.interval import Interval
from vocabulary.names import TerritoryId
from vocabulary.role import Role

_ALWAYS = Interval(start=datetime(1990, 1, 1, tzinfo=UTC), end=datetime(2100, 1, 1, tzinfo=UTC))
LIMITS = Limits(
    kind=ReadingKind.INTERVAL, unit=BaseUnit.JOULE, lowest=0, highest=20_000_000, per_second=True, shortest_s=600, longest_s=86_400
)


class EveryMeter:
    """A registry in which every metering point has a 20 MW connection."""

    def limits(self, names: Sequence[SeriesName]) -> Sequence[Limits | None]:
        return [LIMITS if name.kind is ReadingKind.INTERVAL else None for name in names]

    def revision(self) -> int:
        return 1


class _Settings(ServiceSettings, env_prefix="MULTIFLUX_SERIESBENCH_"):
    port: int = 0


class _NoKeys:
    def key_set(self) -> KeySet:
        return KeySet([])

    async def refresh(self) -> None:
        """There is nothing to refresh."""


class _Everybody(TokenVerifier):
    """Takes every token for that of the installation's own collector."""

    async def verify(self, token: str) -> Caller:
        del token
        grant = Grant(role=Role.SERVICE, place=None)
        return Caller(subject="services/bench", territory=TerritoryId("town"), grants=(grant,))


class _NoRefusals:
    async def refused(self, call: Call, failure: Failure, resource: str) -> None:
        """Nobody is refused."""


class _Servicer(SeriesMethods, pb_grpc.MeteringServiceServicer):  # pyright: ignore[reportIncompatibleMethodOverride]
    """The methods about readings; the others answer that they are not there."""


class Orders:
    """What the measuring process may ask beside gRPC."""

    def __init__(self, store: EmbeddedSeriesStore) -> None:
        self._store = store
        self._own = psutil.Process()

    def cpu(self) -> tuple[float, float]:
        """CPU-seconds of this process, and of the merger."""
        self._store.start_merger()
        merger = psutil.Process(self._store.merger_pid)
        return sum(self._own.cpu_times()[:2]), sum(merger.cpu_times()[:2])

    def threads(self) -> dict[str, str]:
        """Names by native id, for whoever wants to know where the CPU goes."""
        return {str(thread.native_id): thread.name for thread in threading.enumerate()}

    def file(self) -> bool:
        return self._store.file_everything(timeout_s=600)

    def tidy(self) -> bool:
        self._store.tidy()
        return True

    def merger(self) -> int | None:
        return self._store.merger_pid

    def totals(self, months: list[str]) -> tuple[float, int, int]:
        """Milliseconds, totals, and their sum."""
        started = time.perf_counter()
        found = [self._store.totals(date.fromisoformat(month)) for month in months]
        took = time.perf_counter() - started
        return took * 1e3, sum(len(one.series) for one in found), int(sum(int(one.total.sum()) for one in found))

    def latest(self) -> tuple[float, int]:
        started = time.perf_counter()
        found = self._store.latest()
        return (time.perf_counter() - started) * 1e3, len(found)

    def check(self) -> dict[str, tuple[int, int]]:
        """Readings and their sum, per meter: what a crash must not have changed."""
        kept: dict[str, tuple[int, int]] = {}
        latest = self._store.latest()
        for number, name in zip(latest.series.tolist(), self._store.names(latest.series), strict=True):
            values = self._store.read(number, _ALWAYS).columns.value
            kept[name.meter] = (len(values), int(np.sum(values)))
        return kept


def _answer(orders: Orders, ended: Any) -> None:
    for line in sys.stdin:
        order = json.loads(line)
        answer = getattr(orders, order["order"])(*order.get("with", []))
        print(json.dumps(answer), flush=True)
    ended()


async def _serve(path: Path, rules: StoreRules) -> None:
    store = EmbeddedSeriesStore(path, rules)
    store.start_merger()
    clock = SystemClock()
    with ThreadPoolExecutor(4) as executor:
        registry = path.parent / "registry"
        registry.mkdir(exist_ok=True)
        kept = opened(MeteringSettings(data_directory=registry), clock)
        quotas = RateLimits(per_minute=1e12, burst=1 << 60, clock=clock)
        tools = ReadingTools(store=store, known=EveryMeter(), clock=clock, executor=executor, changes=kept.changes, quotas=quotas)
        servicer = _Servicer(tools)  # pyright: ignore[reportAbstractUsage]
        endpoint = Endpoint(
            name="multiflux.metering.v1.MeteringService", add=pb_grpc.add_MeteringServiceServicer_to_server, servicer=servicer
        )
        service = Service(
            name="metering",
            settings=_Settings(drain_s=1, data_directory=path.parent),
            clock=clock,
            endpoints=(endpoint,),
            verifier=_Everybody(_NoKeys(), clock),
            permissions=PermissionCheck(NoPlaces()),
            refusals=_NoRefusals(),
            closers=(kept.database.close, store.close),
        )
        async with serving(service) as port:
            loop, ended = asyncio.get_running_loop(), asyncio.Event()
            print(json.dumps(port), flush=True)
            threading.Thread(target=_answer, args=(Orders(store), lambda: loop.call_soon_threadsafe(ended.set)), daemon=True).start()
            await ended.wait()


if __name__ == "__main__":
    least = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    asyncio.run(_serve(Path(sys.argv[1]), StoreRules(filing=FilingRules(least_rows=least, rows_per_series=1)) if least else StoreRules()))
