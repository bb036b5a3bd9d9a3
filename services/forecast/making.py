"""Makes forecasts: asks the sources, lets workers compute, keeps what they find."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection

from forecast.domain.accuracy import Accuracy, Issue, accuracies
from forecast.domain.columns import Floats, Int64s
from forecast.domain.failures import InsufficientHistory, NoPoints
from forecast.domain.kept import MODEL, MONTH_MODEL, PLAN_MODEL, THIN_LEVELS, Forecast, ModelScore, Subject
from forecast.domain.month_end import MonthEnd, Prices, month_end, month_of, priced_interval
from forecast.domain.ports import Forecasts
from forecast.domain.rules import QUANTILES
from forecast.domain.task import Computed, ForecastTask, Prepared, rules_of
from multiflux_client.places import Territory
from runtime.clock import Clock
from runtime.relational import Database
from vocabulary.civil import Granularity
from vocabulary.flux import Flux
from vocabulary.interval import Interval
from vocabulary.names import PlaceId, PointId, TerritoryId, place_id, point_id

T = TypeVar("T")


class Sources(Protocol):
    """What forecasts are made from; each method also raises ReadingsDenied, ResourceUnknown and SourceAway."""

    async def territory(self, territory: TerritoryId) -> Territory:
        """Return what the registry knows of the territory."""
        ...

    async def flux_of(self, territory: TerritoryId, point: PointId) -> Flux:
        """Return what a metering point measures."""
        ...

    async def points_in(self, territory: TerritoryId, place: PlaceId, flux: Flux) -> list[PointId]:
        """Return the points of a flux in a place, by name."""
        ...

    async def check_told(self, token: str, resource: str, flux: Flux, now: datetime) -> None:
        """Refuse whoever would not be told the readings; SeveralHouseholds, OtherHousehold."""
        ...

    async def of_place(
        self,
        territory: Territory,
        place: PlaceId,
        flux: Flux,
        granularity: Granularity,
        now: datetime,
        *,
        together: bool,
        since: datetime | None = None,
    ) -> Prepared:
        """Prepare a task of all points in a place, or of their sum, from readings since a time; NoPoints, InsufficientHistory."""
        ...

    async def of_point(
        self, territory: Territory, point: PointId, flux: Flux, granularity: Granularity, now: datetime, since: datetime | None
    ) -> Prepared:
        """Prepare a task of one point, from readings since a time; InsufficientHistory."""
        ...

    async def used(self, territory: Territory, point: PointId, flux: Flux, during: Interval) -> int:
        """Return what a point is known to have used, in base units."""
        ...

    async def prices(self, territory: Territory, point: PointId, flux: Flux, during: Interval) -> tuple[Prices | None, tuple[str, ...]]:
        """Return what a point paid over whole days, None when prices are missing, and which are."""
        ...


class Workers(Protocol):
    """What computes forecasts."""

    async def compute(self, task: ForecastTask) -> Computed:
        """Compute a task; InsufficientHistory, WorkerLost."""
        ...

    async def backtest(self, task: ForecastTask, origins: int) -> list[Accuracy]:
        """Forecast a task's points at past origins; InsufficientHistory, WorkerLost."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Refreshed:
    """How many points have a new forecast, and how many know too little."""

    forecasts: int
    insufficient: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthEndFound:
    """A month's end, the prices that its bill is made of, and the components whose price is missing."""

    end: MonthEnd
    prices: Prices | None
    missing: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Making:
    """What makes forecasts."""

    sources: Sources
    workers: Workers
    database: Database
    records: Callable[[Connection], Forecasts]
    clock: Clock

    async def point(
        self, territory: Territory, point: PointId, flux: Flux, granularity: Granularity, *, since: datetime | None = None
    ) -> Forecast:
        """Make the forecast of one point; from readings since a time it is not kept.

        Raises InsufficientHistory, WorkerLost, and what the sources refuse.
        """
        now = self.clock.now()
        prepared = await self.sources.of_point(territory, point, flux, granularity, now, since)
        (made,) = await self._made(territory, prepared, flux, granularity, now)
        if since is None:
            await self._keep([made])
        return made

    async def place(
        self, territory: Territory, place: PlaceId, flux: Flux, granularity: Granularity, *, since: datetime | None = None
    ) -> Forecast:
        """Make the forecast of what a place consumes in all; from readings since a time it is not kept. Also raises NoPoints."""
        now = self.clock.now()
        prepared = await self.sources.of_place(territory, place, flux, granularity, now, together=True, since=since)
        (made,) = await self._made(territory, prepared, flux, granularity, now, name=f"places/{place}")
        if since is None:
            await self._keep([made])
        return made

    async def month_end(
        self, territory: Territory, point: PointId, days: Forecast, since: datetime | None, budget_micros: int
    ) -> MonthEndFound:
        """Return the end of the month in which the readings before a forecast by days end."""
        zone, flux = ZoneInfo(territory.time_zone), days.subject.flux
        month = month_of(days.latest, zone)
        start = month.start if since is None else max(month.start, since)
        known = await self.sources.used(territory, point, flux, Interval(start=start, end=days.latest)) if start < days.latest else 0
        priced = priced_interval(month, days.latest, since, zone)
        prices, missing = (None, ()) if priced is None else await self.sources.prices(territory, point, flux, priced)
        return MonthEndFound(end=month_end(month, known, days, zone, prices, budget_micros), prices=prices, missing=missing)

    async def points(self, territory: Territory, place: PlaceId, flux: Flux, granularity: Granularity) -> Refreshed:
        """Make the forecasts of all points in a place, and keep them."""
        now = self.clock.now()
        try:
            prepared = await self.sources.of_place(territory, place, flux, granularity, now, together=False)
        except NoPoints:
            return Refreshed(forecasts=0, insufficient=0)
        except InsufficientHistory:
            return Refreshed(forecasts=0, insufficient=1)
        try:
            made = await self._made(territory, prepared, flux, granularity, now)
        except InsufficientHistory:
            return Refreshed(forecasts=0, insufficient=len(prepared.resources))
        await self._keep(made)
        return Refreshed(forecasts=len(made), insufficient=len(prepared.resources) - len(made))

    async def backtest(self, territory: Territory, subject: Subject, since: datetime | None, origins: int) -> list[Accuracy]:
        """Return how a point, or each point of a place, would have been forecast at past origins; as `point` and `place` raise."""
        prepared = await self._prepared(territory, subject, since, together=False)
        return await self.workers.backtest(prepared.task, origins)

    async def accuracy(self, territory: Territory, subject: Subject, since: datetime | None, issued_since: datetime) -> list[Accuracy]:
        """Return how the kept forecasts that were issued since a time did, as far as readings tell."""
        prepared = await self._prepared(territory, subject, since, together=True)
        kept = await self.read(
            lambda forecasts: forecasts.issued_since(subject, issued_since if since is None else max(issued_since, since))
        )
        return accuracies(_together(prepared.task.amounts), _issues(kept, prepared.task.starts), rules_of(subject.granularity))

    async def _prepared(self, territory: Territory, subject: Subject, since: datetime | None, *, together: bool) -> Prepared:
        now, name, flux, granularity = self.clock.now(), subject.resource, subject.flux, subject.granularity
        if not name.startswith("places/"):
            return await self.sources.of_point(territory, point_id(name), flux, granularity, now, since)
        return await self.sources.of_place(territory, place_id(name), flux, granularity, now, together=together, since=since)

    async def read(self, question: Callable[[Forecasts], T]) -> T:
        """Ask what is kept."""
        return await self.database.read(lambda connection: question(self.records(connection)))

    async def trim(self, whole_days: int, kept_days: int) -> int:
        """Thin and forget older forecasts."""
        now = self.clock.now()
        whole, kept = now - timedelta(days=whole_days), now - timedelta(days=kept_days)
        return await self.database.write(lambda connection: self.records(connection).trim(whole, kept))

    async def _made(
        self, territory: Territory, prepared: Prepared, flux: Flux, granularity: Granularity, now: datetime, *, name: str = ""
    ) -> list[Forecast]:
        computed = await self.workers.compute(prepared.task)
        rows: list[int] = computed.rows.tolist()
        names = [name] if name else [prepared.resources[row] for row in rows]
        # Issued when its readings were asked for: what changes while it is computed is not in it.
        of = partial(_forecast, prepared, computed, now)
        return [
            of(at, Subject(territory=territory.id, resource=resource, flux=flux, granularity=granularity))
            for at, resource in enumerate(names)
        ]

    async def _keep(self, forecasts: list[Forecast]) -> None:
        def keep(connection: Connection) -> None:
            self.records(connection).keep(forecasts)

        await self.database.write(keep)


_MOSTLY = 0.9


def _together(amounts: Floats) -> Floats:
    """Return what points consume in all, (1, slots); where a few are missing as if they were like the others, NaN where more are."""
    known: Floats = np.isfinite(amounts).mean(axis=0)
    total: Floats = np.nansum(amounts, axis=0, keepdims=True) / np.maximum(known, _MOSTLY)
    return np.where(known >= _MOSTLY, total, np.nan)


def _issues(kept: list[Forecast], starts: Int64s) -> list[Issue]:
    """Return the forecasts whose first slot lies in the history."""
    found = list[Issue]()
    for one in kept:
        first = int(one.starts[0])
        origin = int(np.searchsorted(starts, first))
        if origin < len(starts) and starts[origin] == first:
            quantiles = one.quantiles.astype(np.float64)
            low, median, high = (quantiles[None, :, one.levels.index(level)] for level in THIN_LEVELS)
            found.append(Issue(origin=origin, median=median, low=low, high=high))
    return found


def _forecast(prepared: Prepared, computed: Computed, issued: datetime, at: int, subject: Subject) -> Forecast:
    scores = computed.scores[at] if computed.scores else ()
    return Forecast(
        subject=subject,
        issued=issued,
        model=_model(subject, scores),
        basis=prepared.basis,
        starts=prepared.ahead_starts,
        ends=prepared.ahead_ends,
        levels=QUANTILES,
        mean=computed.mean[at],
        quantiles=computed.quantiles[at],
        sums=None if computed.sums is None else computed.sums[at],
        parts=computed.parts[at],
        latest=prepared.latest,
        scores=scores,
    )


def _model(subject: Subject, scores: tuple[ModelScore, ...]) -> str:
    if subject.granularity is Granularity.MONTH:
        return MONTH_MODEL
    return PLAN_MODEL if scores else MODEL
