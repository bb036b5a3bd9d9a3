"""Holds what gateways report against the plan, and keeps the faults that this shows."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from lighting.domain.diagnosis import diagnosed, waited
from lighting.domain.estate import Estate
from lighting.domain.expectations import CabinetPlan, cabinet_plan, expected
from lighting.domain.faults import Diagnosis, Fault, Watch
from lighting.domain.levels import CabinetId
from lighting.domain.nights import night_of
from lighting.domain.ports import Faults
from lighting.domain.reports import Report
from lighting.workers.telling import told
from multiflux.lighting.v1 import lighting_event_pb2
from runtime.clock import Clock
from runtime.outbox import Outbox
from runtime.relational import Database
from vocabulary.names import TerritoryId

_FAULT = lighting_event_pb2.LIGHTING_CHANGE_FAULT
_LATE = timedelta(minutes=5)
"""A fault that is still there is written again when it was seen so much later than is written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """A territory as it is now: its estate at a revision, and the version of each cabinet's latest order."""

    territory: TerritoryId
    estate: Estate
    revision: int
    versions: dict[CabinetId, int]


@dataclass(slots=True)
class _Town:
    """What is remembered of a territory between reports."""

    watches: dict[CabinetId, Watch]
    plans: dict[CabinetId, CabinetPlan] = field(default_factory=dict[CabinetId, CabinetPlan])
    plans_of: tuple[int, date] | None = None
    written: dict[tuple[CabinetId, object], datetime] = field(default_factory=dict[tuple[CabinetId, object], datetime])


@dataclass(slots=True)
class Watchman:
    """Watches the cabinets of all territories. What one report alone said is forgotten when the process ends; faults are kept."""

    database: Database
    faults: Callable[[Connection, TerritoryId], Faults]
    outbox: Outbox
    clock: Clock
    executor: Executor
    _towns: dict[TerritoryId, _Town] = field(default_factory=dict[TerritoryId, _Town])

    async def saw(self, look: Look, reports: Sequence[Report]) -> None:
        """Take reports in, and keep and tell the faults that they opened or closed."""
        town = await self._town(look)

        def judge() -> list[Diagnosis]:
            found: list[Diagnosis] = []
            for report in reports:
                watch, plan = self._watch(town, report.cabinet), self._plan(town, look, report.cabinet, report.at)
                due = expected(plan, report.at, watch.heard, version=look.versions.get(report.cabinet))
                found.append(diagnosed(watch, due, report))
                town.watches[report.cabinet] = found[-1].watch
            return found

        await self._keep(look.territory, town, await self._compute(judge))

    async def waited(self, look: Look) -> None:
        """Take in that nothing more was said until now, and keep and tell the faults that this opened or closed."""
        town, now = await self._town(look), self.clock.now()

        def judge() -> list[Diagnosis]:
            found: list[Diagnosis] = []
            for cabinet in look.estate.cabinets.values():
                if cabinet.gateway is None or cabinet.id not in look.versions:
                    continue
                watch, plan = self._watch(town, cabinet.id), self._plan(town, look, cabinet.id, now)
                found.append(waited(watch, expected(plan, now, watch.heard, version=look.versions[cabinet.id])))
                town.watches[cabinet.id] = found[-1].watch
            return found

        await self._keep(look.territory, town, await self._compute(judge))

    async def _town(self, look: Look) -> _Town:
        town = self._towns.get(look.territory)
        if town is None:
            open_faults = await self.database.read(lambda connection: self.faults(connection, look.territory).some(ended=False))
            now, watches = self.clock.now(), dict[CabinetId, Watch]()
            for _, fault in open_faults:
                watch = watches.get(fault.cabinet, Watch(cabinet=fault.cabinet, since=now))
                watches[fault.cabinet] = replace(watch, faults={**watch.faults, fault.symptom: fault})
            town = self._towns[look.territory] = _Town(watches=watches)
        return town

    def _watch(self, town: _Town, cabinet: CabinetId) -> Watch:
        return town.watches.get(cabinet) or Watch(cabinet=cabinet, since=self.clock.now())

    def _plan(self, town: _Town, look: Look, cabinet: CabinetId, at: datetime) -> CabinetPlan:
        night = night_of(at, look.estate.zone)
        if town.plans_of != (look.revision, night):
            town.plans, town.plans_of = {}, (look.revision, night)
        if cabinet not in town.plans:
            town.plans[cabinet] = cabinet_plan(look.estate, cabinet, night, night)
        return town.plans[cabinet]

    async def _compute(self, judge: Callable[[], list[Diagnosis]]) -> list[Diagnosis]:
        return await asyncio.get_running_loop().run_in_executor(self.executor, judge)

    async def _keep(self, territory: TerritoryId, town: _Town, found: Sequence[Diagnosis]) -> None:
        changed = [fault for one in found for fault in (*one.opened, *one.closed)]
        lasting: list[Fault] = []
        for watch in {one.watch.cabinet: one.watch for one in found}.values():
            for fault in watch.faults.values():
                written = town.written.setdefault((fault.cabinet, fault.symptom), fault.last_seen)
                if fault.last_seen - written >= _LATE:
                    town.written[fault.cabinet, fault.symptom] = fault.last_seen
                    lasting.append(fault)
        if not (changed or lasting):
            return

        def put(connection: Connection) -> None:
            faults = self.faults(connection, territory)
            for fault in (*lasting, *changed):
                faults.put(fault)
            self.outbox.append(connection, [told(territory, _FAULT, f"cabinets/{fault.cabinet}", self.clock) for fault in changed])

        await self.database.write(put)
        self.outbox.wake()
