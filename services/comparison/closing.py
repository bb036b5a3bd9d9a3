"""Closes months: asks who lives where and what they used, and keeps what is formed and published, in one transaction a month.

When months are due is told by the clock; they are closed by whoever handles that: a worker, or the service itself.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from comparison.domain import months
from comparison.domain.atoms import FORMED
from comparison.domain.closing import Due, HomeMonths, Survey
from comparison.domain.failures import MonthOpen, MonthPassed
from comparison.domain.ports import AreaRecords, Records
from comparison.domain.privacy import Draw
from comparison.domain.task import ClosingTask, Computed
from multiflux_client.failures import RemoteFailure
from multiflux_client.places import Territory
from runtime.clock import Clock
from runtime.relational import Database
from vocabulary.failure import Failure
from vocabulary.flux import Flux
from vocabulary.names import TerritoryId

T = TypeVar("T")

_log = logging.getLogger(__name__)

_AGAIN = timedelta(hours=1)
"""Months that are not closed so long after they were asked for are asked for again: it may have failed for good."""
FLUXES = (Flux.ELECTRICITY, Flux.WATER, Flux.GAS)


class Sources(Protocol):
    """What a closing is made of."""

    async def territory(self, territory: TerritoryId, now: datetime) -> Territory:
        """Return what the registry knows of a territory."""
        ...

    async def survey(self, territory: TerritoryId, flux: Flux, at: datetime, since: datetime) -> Survey:
        """Return the homes of a territory, and who lives there and consents at a time, and did so from `since` on."""
        ...

    async def readings(self, territory: Territory, flux: Flux, month: date) -> HomeMonths:
        """Return what homes used day by day in a month and the three before."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Closed:
    """How many releases a month has, and how many groups were formed then."""

    releases: int
    formed_groups: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Closer:
    """Closes months of a territory."""

    sources: Sources
    database: Database
    records: Callable[[Connection, TerritoryId, Flux], Records]
    area_records: Callable[[Connection, TerritoryId, Flux], AreaRecords]
    compute: Callable[[ClosingTask], Awaitable[Computed]]
    clock: Clock
    draw: Draw | None = None
    """Draws figures of communes under differential privacy."""

    async def close(self, territory: Territory, flux: Flux, month: date) -> Closed:
        """Close a month unless it is closed; MonthOpen, MonthPassed. It can be ended anywhere and done again."""
        zone, now = ZoneInfo(territory.time_zone), self.clock.now()
        if not months.is_closable(month, now, zone):
            raise MonthOpen(f"{month:%Y-%m} has not been over for ten days", month=f"{month:%Y-%m}")
        done, last = await self.read(territory.id, flux, lambda records: (records.is_closed(month), records.last_closed()))
        if not done:
            if last is not None and month < last:
                raise MonthPassed(f"{last:%Y-%m} is closed already", month=f"{last:%Y-%m}")
            await self._close(territory, flux, month, now)
        return await self.read(
            territory.id, flux, lambda records: Closed(releases=len(records.releases([month])), formed_groups=records.formed_groups(month))
        )

    async def read(self, territory: TerritoryId, flux: Flux, question: Callable[[Records], T]) -> T:
        """Ask what is kept."""
        return await self.database.read(lambda connection: question(self.records(connection, territory, flux)))

    async def read_areas(self, territory: TerritoryId, flux: Flux, question: Callable[[AreaRecords], T]) -> T:
        """Ask what is kept of areas."""
        return await self.database.read(lambda connection: question(self.area_records(connection, territory, flux)))

    async def _close(self, territory: Territory, flux: Flux, month: date, now: datetime) -> None:
        survey = await self.sources.survey(territory.id, flux, now, months.interval_of(month, ZoneInfo(territory.time_zone)).start)
        readings = await self.sources.readings(territory, flux, month)
        living = await self.read(territory.id, flux, lambda records: records.living(month))
        living_areas = await self.read_areas(territory.id, flux, lambda records: records.living(month))
        closing, areas = await self.compute(
            ClosingTask(
                month=month, survey=survey, readings=readings, living=tuple(living), living_areas=tuple(living_areas), draw=self.draw
            )
        )

        def keep(connection: Connection) -> int:
            records = self.records(connection, territory.id, flux)
            if records.is_closed(month):
                # What was drawn here is dropped, and nobody has seen it: it costs nothing.
                return 0
            self.area_records(connection, territory.id, flux).close(month, areas, now)
            return records.close(month, closing, now)

        refused = await self.database.write(keep)
        _log.info(
            "month closed",
            extra={
                "territory": territory.id,
                "flux": flux.name,
                "month": f"{month:%Y-%m}",
                "releases": len(closing.releases),
                "totals": len(areas.totals),
                "private_figures_refused": refused,
            },
        )


async def close_due(closer: Closer, due: Due) -> None:
    """Close the months that are due, the oldest first; done again, it closes none a second time. Raises what the sources refuse."""
    territory = await closer.sources.territory(due.territory, closer.clock.now())
    last = await closer.read(due.territory, due.flux, lambda records: records.last_closed())
    month = due.first if last is None else months.after(last)
    while month <= due.last:
        await closer.close(territory, due.flux, month)
        month = months.after(month)


class AutomaticClosing:
    """Asks for each territory's months to be closed when they are due."""

    def __init__(
        self,
        closer: Closer,
        territories: Callable[[], AsyncIterator[Territory]],
        ask: Callable[[Due], Awaitable[None]],
        months_back: int,
    ) -> None:
        """Look at months of `territories`, of a new one so many before the latest; `ask` has them closed, by a worker or here."""
        self._closer = closer
        self._territories = territories
        self._ask = ask
        self._back = months_back
        self._holders: dict[tuple[TerritoryId, Flux], int] = {}
        self._asked: dict[Due, datetime] = {}

    async def tick(self) -> None:
        """Ask for what is due; a service that is away is asked again at the next tick."""
        try:
            async for territory in self._territories():
                for flux in FLUXES:
                    await self._ask_for_due(territory, flux)
        except (RemoteFailure, Failure, OSError) as failure:
            _log.warning("closing waits", extra={"reason": getattr(failure, "reason", type(failure).__name__)})

    async def _ask_for_due(self, territory: Territory, flux: Flux) -> None:
        now = self._closer.clock.now()
        latest = months.latest_closable(now, ZoneInfo(territory.time_zone))
        last = await self._closer.read(territory.id, flux, lambda records: records.last_closed())
        if last is None and not await self._is_settled(territory, flux):
            return
        first = months.after(latest, -self._back) if last is None else months.after(last)
        due = Due(territory=territory.id, flux=flux, first=first, last=latest)
        if first <= latest and now - self._asked.get(due, now - _AGAIN) >= _AGAIN:
            await self._ask(due)
            self._asked[due] = now

    async def _is_settled(self, territory: Territory, flux: Flux) -> bool:
        """Tell whether a new territory has people, and no more than at the last look: groups must not be formed of the first who come."""
        at = self._closer.clock.now()
        now = len((await self._closer.sources.survey(territory.id, flux, at, at)).holders)
        before = self._holders.get((territory.id, flux))
        self._holders[territory.id, flux] = now
        return now >= FORMED and now == before
