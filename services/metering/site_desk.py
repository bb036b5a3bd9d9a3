"""Where the figures of public sites are worked out: which sites a caller manages, their readings, their weather."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection

from metering.desk import Answering, Desk
from metering.domain.consumption.disclosure import Asker, OtherHousehold, SeveralHouseholds
from metering.domain.consumption.places import UseKind
from metering.domain.consumption.slots import FinerThanData, edge_of_day, slots_of
from metering.domain.figures.consumption import ConsumptionQuestion, NoPoints
from metering.domain.figures.scene import Scene
from metering.domain.registry.failures import TerritoryMissing
from metering.domain.registry.places import Place
from metering.domain.registry.ports import PlaceFilter, Records
from metering.domain.registry.premises import PublicSite
from metering.domain.registry.reach import Reach
from metering.domain.sites.base_load import BASE_LOAD_DAYS, base_load
from metering.domain.sites.portfolio import FluxYear, Site, attentions, flux_year, totals
from metering.domain.sites.signature import DailyWeather, Signature, progress, signature
from metering.domain.sites.statements import Analysis, FluxAnalysis, Portfolio
from metering.domain.sites.uses import YEAR_DAYS, DailyUse, HourlyUse, daily_use, hourly_use, local_clock
from metering.domain.weather.daily import civil_days, day_extremes
from metering.domain.weather.ports import WeatherRecords
from runtime.relational import Database
from vocabulary.civil import GAS_DAY_STARTS_AT, Granularity, local_midnight
from vocabulary.failure import Failure, Kind
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.interval import Interval
from vocabulary.names import PlaceId, TerritoryId, WeatherStationId
from vocabulary.place import PlaceLevel

MOST_SITES = 1_000
_ANALYSED_DAYS = 3 * 365
_KEPT = timedelta(minutes=10)
"""An analysis takes tens of milliseconds, a page shows that of every site: it is worked out anew no sooner than after this."""
_MOST_KEPT = 5_000
_UNTOLD = (NoPoints, SeveralHouseholds, OtherHousehold)


class NotASite(Failure):
    """The place is no public site."""

    reason, kind = "NOT_A_SITE", Kind.MISSING


@dataclass(frozen=True, kw_only=True, slots=True)
class _Territory:
    territory: TerritoryId
    zone: ZoneInfo
    simulated: bool
    today: date

    def days_back(self, days: int) -> Interval:
        """Return so many whole days before today."""
        start, end = self.today - timedelta(days=days), self.today
        return Interval(start=local_midnight(start, self.zone), end=local_midnight(end, self.zone))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Site:
    """A site as it is declared, and its weather."""

    place: Place
    declared: PublicSite
    weather: DailyWeather | None


class SiteDesk:
    """Answers questions about public sites; keeps what it worked out for a few minutes."""

    def __init__(
        self,
        desk: Desk,
        database: Database,
        *,
        records: Callable[[Connection], Records],
        weather: Callable[[Connection], WeatherRecords],
    ) -> None:
        """Take figures from `desk`, sites and weather from `database`."""
        self._desk = desk
        self._database = database
        self._records = records
        self._weather = weather
        self._kept: OrderedDict[tuple[TerritoryId, PlaceId, Asker], tuple[datetime, Analysis]] = OrderedDict()

    async def portfolio(self, territory: TerritoryId, reach: Reach, asker: Asker, at: datetime) -> Portfolio:
        """Return the year of the sites within reach."""
        wanted = PlaceFilter(at=at, level=PlaceLevel.PREMISE, homes=False)

        def find(connection: Connection) -> tuple[_Territory, list[PlaceId]]:
            records = self._records(connection)
            return _territory(records, territory, at), [
                PlaceId(one.own_id) for one in records.places.page(territory, wanted, reach, "", MOST_SITES)
            ]

        around, places = await self._database.read(find)
        analyses = await self._analyses(around, places, asker, at)
        sites = tuple(sorted((one.site for one in analyses), key=lambda site: (site.name.casefold(), site.place)))
        year = around.days_back(YEAR_DAYS)
        return Portfolio(year=year, sites=sites, totals=totals(sites), attentions=attentions(sites), simulated=around.simulated)

    async def analysis(self, territory: TerritoryId, own_id: PlaceId, asker: Asker, at: datetime) -> Analysis:
        """Return how a site uses what it uses; NotASite."""
        around = await self._database.read(lambda connection: _territory(self._records(connection), territory, at))
        found = await self._analyses(around, [own_id], asker, at)
        if not found:
            raise NotASite(f"{own_id} is no public site", place=own_id)
        return found[0]

    async def _analyses(self, around: _Territory, places: Sequence[PlaceId], asker: Asker, at: datetime) -> list[Analysis]:
        """Return the analyses of those of the places that are public sites."""

        def key(place: PlaceId) -> tuple[TerritoryId, PlaceId, Asker]:
            return around.territory, place, asker

        fresh = {place: kept[1] for place in places if (kept := self._kept.get(key(place))) is not None and at - kept[0] < _KEPT}
        sites = await self._database.read(
            lambda connection: self._sites(connection, around, [one for one in places if one not in fresh], at)
        )
        made = await asyncio.gather(
            *(
                self._desk.worked(around.territory, f"places/{site.place.place_id}", asker, partial(_analysis, around, site))
                for site in sites
            )
        )
        for one in made:
            self._kept[key(one.site.place)] = at, one
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        found = fresh | {one.site.place: one for one in made}
        return [found[place] for place in places if place in found]

    def _sites(self, connection: Connection, around: _Territory, places: Sequence[PlaceId], at: datetime) -> list[_Site]:
        """Return which of the places are public sites, each with the weather of its station."""
        weather = self._weather(connection)
        observed: dict[WeatherStationId, DailyWeather] = {}
        found: list[_Site] = []
        for kept in self._records(connection).places.get(around.territory, places).values():
            place, station = kept.value, weather.nearest_station(around.territory, kept.value.place_id, at)
            if station is not None and station not in observed:
                observed[station] = _daily_weather(weather, around, station)
            if isinstance(place.premise, PublicSite):
                found.append(_Site(place=place, declared=place.premise, weather=None if station is None else observed[station]))
        return found


def _territory(records: Records, territory: TerritoryId, at: datetime) -> _Territory:
    kept = records.territories.get(territory)
    if kept is None:
        raise TerritoryMissing(f"there is no territory {territory}", territory=territory)
    zone = ZoneInfo(kept.value.time_zone)
    return _Territory(territory=territory, zone=zone, simulated=kept.value.simulated, today=at.astimezone(zone).date())


def _daily_weather(records: WeatherRecords, around: _Territory, station: WeatherStationId) -> DailyWeather:
    during = around.days_back(_ANALYSED_DAYS)
    complete, low, high = day_extremes(civil_days(during, around.zone), records.observations(around.territory, station, during))
    lowest, highest = np.zeros(len(complete)), np.zeros(len(complete))
    lowest[complete], highest[complete] = low, high
    return DailyWeather(first=around.today - timedelta(days=_ANALYSED_DAYS), lowest=lowest, highest=highest, known=complete)


def _analysis(around: _Territory, site: _Site, scene: Scene, answer: Answering) -> Analysis:
    years: list[FluxYear] = []
    fluxes: list[FluxAnalysis] = []
    energy: list[tuple[DailyUse, Signature | None]] = []
    for kind in _kinds(scene):
        days = _days(around, scene, answer, kind)
        if days is None:
            continue
        hours = _hours(around, scene, answer, kind)
        line = None if site.weather is None else signature(days, site.weather)
        years.append(flux_year(kind, days, hours, line, site.weather))
        load = None if hours is None else base_load(hours, site.declared.opening_hours)
        fluxes.append(FluxAnalysis(kind=kind, base_load=load, signature=line))
        if kind.quantity is Quantity.ENERGY:
            energy.append((days, line))
    place, declared = site.place, site.declared
    return Analysis(
        site=Site(place=place.place_id, name=place.display_name, use=declared.use, area=declared.area_square_metres, fluxes=tuple(years)),
        fluxes=tuple(fluxes),
        progress=progress(energy, site.weather),
        simulated=around.simulated,
    )


def _kinds(scene: Scene) -> Sequence[UseKind]:
    """Return what is metered, in the order of the fluxes."""
    fluxes = sorted({member.point.flux for member in scene.members}, key=lambda flux: flux.value)
    return [
        UseKind(flux=flux, quantity=Quantity.VOLUME if flux is Flux.WATER else Quantity.ENERGY, direction=Direction.IMPORT)
        for flux in fluxes
    ]


def _days(around: _Territory, scene: Scene, answer: Answering, kind: UseKind) -> DailyUse | None:
    """Return the use of every day that is analysed, gas by gas days; None where nothing is metered, or may be told."""
    first = around.today - timedelta(days=_ANALYSED_DAYS)
    gas = kind.flux is Flux.GAS
    starts_at = GAS_DAY_STARTS_AT if gas else time()
    start, end = (_instant(edge_of_day(day, starts_at, around.zone)) for day in (first, around.today))
    question = _question(scene, kind, Interval(start=start, end=end), Granularity.GAS_DAY if gas else Granularity.DAY, profile=True)
    try:
        return daily_use(answer(question).slots, first)
    except _UNTOLD:
        return None


def _hours(around: _Territory, scene: Scene, answer: Answering, kind: UseKind) -> HourlyUse | None:
    """Return the use of the last hours; None where readings are coarser, nothing is metered, or may be told."""
    during = around.days_back(BASE_LOAD_DAYS)
    try:
        slots = answer(_question(scene, kind, during, Granularity.HOUR, profile=False)).slots
    except (FinerThanData, *_UNTOLD):
        return None
    return hourly_use(slots, local_clock(slots_of(during, Granularity.HOUR, around.zone).start, around.zone))


def _question(scene: Scene, kind: UseKind, during: Interval, granularity: Granularity, *, profile: bool) -> ConsumptionQuestion:
    return ConsumptionQuestion(
        territory=scene.territory,
        resource=scene.resource,
        flux=kind.flux,
        quantity=kind.quantity,
        direction=kind.direction,
        during=during,
        granularity=granularity,
        profile_allowed=profile,
    )


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
