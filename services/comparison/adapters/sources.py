"""What a closing and an answer are made of, asked of the registry, of access and of metering."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from comparison.adapters.kept import Kept
from comparison.domain.closing import HomeMonths, Survey
from comparison.domain.homes import Attributes, Building, HomeType, Source
from comparison.domain.months import after, days_of, interval_of
from comparison.domain.ports import Own
from multiflux_client.access import AccessClient
from multiflux_client.consumption import ConsumptionSeries
from multiflux_client.failures import RemoteFailure
from multiflux_client.metering import MeteringClient
from multiflux_client.people import Purpose
from multiflux_client.places import Dwelling, DwellingType, EnergySource, Place, Territory
from multiflux_client.points import MeteringPoint
from multiflux_client.registry import RegistryClient
from multiflux_client.weather import DegreeDayMethod, WeatherClient
from vocabulary.civil import Granularity, slots
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.interval import Interval
from vocabulary.names import PersonId, PlaceId, PointId, TerritoryId, WeatherStationId
from vocabulary.place import PlaceLevel
from vocabulary.quality import Quality

_MONTHS_LOOKED_AT = 4
"""Ninety measured days are looked for in as many months."""
_LEAST_COVERAGE = 80
_KEPT = timedelta(minutes=5)
_JUST_BEFORE = timedelta(seconds=1)
_GROSS = {Direction.IMPORT: 1, Direction.PRODUCTION: 1, Direction.INJECTION: -1}
"""What a home with solar panels uses: what it draws and makes, less what it gives away."""
_TYPES = {DwellingType.FLAT: HomeType.FLAT, DwellingType.HOUSE: HomeType.HOUSE}
_SOURCES = {EnergySource.ELECTRICITY: Source.ELECTRICITY, EnergySource.GAS: Source.GAS}


@dataclass(frozen=True, kw_only=True, slots=True)
class Clients:
    """The services, as this one calls them for one territory."""

    registry: RegistryClient
    access: AccessClient
    metering: MeteringClient
    weather: WeatherClient


class Sources:
    """Asks the other services for one territory."""

    def __init__(self, clients: Callable[[TerritoryId], Clients]) -> None:
        """Ask `clients`."""
        self._clients = clients
        self._territories = Kept[Territory](_KEPT)
        self._stations = Kept[dict[PlaceId, WeatherStationId]](_KEPT)
        self._degrees = Kept[dict[date, float]](_KEPT)

    async def territory(self, territory: TerritoryId, now: datetime) -> Territory:
        """Return what the registry knows of a territory, or knew minutes before."""
        return await self._territories.get(territory, now, self._clients(territory).registry.territory)

    async def survey(self, territory: TerritoryId, flux: Flux, at: datetime, since: datetime) -> Survey:
        """Return the homes of a territory as they are, and who lives there and consents at a time, and did so from `since` on."""
        clients = self._clients(territory)
        places = {place.id: place async for place in clients.registry.places(at=at)}
        homes = {place.id: place.dwelling for place in places.values() if place.dwelling is not None}
        building_of = {premise: found for premise in homes if (found := _above(places, premise, PlaceLevel.BUILDING, at))}
        buildings = [_building(places, building, at) for building in sorted(set(building_of.values()))]
        points = await self._points(clients, flux, at)
        premise_of, gross = _premises(points, at), _gross_premises(points, at)
        lives = await self._living(clients, at, since)
        holders = await self._holders(clients, premise_of, lives, at, since)
        metered = frozenset(premise_of.values()) & homes.keys()
        return Survey(
            flux=flux,
            buildings=tuple(building for building in buildings if building is not None),
            building_of=building_of,
            attributes={premise: attributes_of(dwelling, gross=premise in gross) for premise, dwelling in homes.items()},
            holders=holders,
            # Of several who live in one home one is enough: it is one holder's.
            occupants={premise: min(people) for premise, people in lives.items() if premise in metered},
            metered=metered,
            vacant=frozenset(premise for premise, dwelling in homes.items() if any(one.contains(at) for one in dwelling.vacancies)),
        )

    async def readings(self, territory: Territory, flux: Flux, month: date) -> HomeMonths:
        """Return what homes used day by day in a month and the three before."""
        clients, zone = self._clients(territory.id), ZoneInfo(territory.time_zone)
        during = Interval(start=interval_of(after(month, 1 - _MONTHS_LOOKED_AT), zone).start, end=interval_of(month, zone).end)
        granularity = Granularity.GAS_DAY if flux is Flux.GAS else Granularity.DAY
        starts = np.array([int(slot.start.timestamp()) for slot in slots(during, granularity, zone) if slot.start >= during.start])
        points = await self._points(clients, flux, during.end)
        premise_of = _premises(points, during.end)
        rows = dict[PlaceId, np.ndarray]()
        if territory.root_place is not None:
            async for series in clients.metering.consumptions(territory.root_place, flux, during, granularity):
                premise = premise_of.get(PointId(series.resource.removeprefix("meters/")))
                if premise is None:
                    continue
                at, inside = _slots_in(series, starts)
                row = rows.setdefault(premise, np.full(len(starts), np.nan))
                # A home with two meters uses what both measure.
                row[at[inside]] = np.nan_to_num(row[at[inside]]) + series.amounts[inside]
        for point in points:
            premise = premise_of.get(point.id)
            if premise is not None and premise in rows and _measures_production(point):
                rows[premise] += await self._kept_from_network(clients, point.id, during, starts)
        amounts = np.array(list(rows.values())).reshape(len(rows), len(starts))
        return HomeMonths(premises=tuple(rows), amounts=amounts, month_days=days_of(interval_of(month, zone), zone))

    async def own(
        self, territory: TerritoryId, premise: PlaceId, above: Sequence[PlaceId], flux: Flux, during: Interval, now: datetime
    ) -> Own:
        """Return what is known of one home, of whole months, for who lives there; `above` are the places that it lies in, nearest first."""
        clients = self._clients(territory)
        # All is asked at once, before it is known whether there is a meter: what is asked must not tell.
        place, (gross, consents), drawn, degrees = await asyncio.gather(
            clients.registry.place(premise),
            self._gross_and_consents(clients, premise, flux, now),
            self._months(clients, premise, flux, during, Direction.IMPORT),
            self._degrees_of(territory, (premise, *above), flux, during, now),
        )
        others = [direction for direction in _GROSS if direction is not Direction.IMPORT] if gross else []
        signs = [_GROSS[direction] for direction in (Direction.IMPORT, *others)]
        parts = [drawn, *await asyncio.gather(*(self._months(clients, premise, flux, during, direction) for direction in others))]
        known = frozenset[date](drawn).intersection(*parts)
        amounts = {month: sum(sign * part[month] for sign, part in zip(signs, parts, strict=True)) for month in known}
        return Own(
            attributes=attributes_of(place.dwelling or Dwelling(), gross=gross),
            consents=consents,
            amounts={month: amount for month, amount in amounts.items() if amount >= 0},
            degrees=degrees,
        )

    async def _gross_and_consents(self, clients: Clients, premise: PlaceId, flux: Flux, now: datetime) -> tuple[bool, bool]:
        """Return whether what a home makes itself is measured, and whether it is consented to comparing it."""
        points = await self._points_of(clients, premise, flux)
        return any(map(_measures_production, points)), await self._consents(clients, points, now)

    async def _points_of(self, clients: Clients, premise: PlaceId, flux: Flux) -> list[MeteringPoint]:
        return [point async for point in clients.registry.metering_points(within=premise, flux=flux)]

    async def _consents(self, clients: Clients, points: Sequence[MeteringPoint], now: datetime) -> bool:
        found = False
        for point in points:
            async for _ in clients.access.consents(metering_point=point.id, purpose=Purpose.PEER_COMPARISON, hold_at=now):
                found = True
        return found

    async def _months(self, clients: Clients, premise: PlaceId, flux: Flux, during: Interval, direction: Direction) -> dict[date, float]:
        """Return what went one way in each month of which that is known."""
        series = await clients.metering.consumption(f"places/{premise}", flux, during, Granularity.MONTH, direction=direction)
        zone = ZoneInfo(series.time_zone)
        known = np.flatnonzero((series.qualities > 0) & (series.coverage_percents >= _LEAST_COVERAGE))
        return {
            datetime.fromtimestamp(int(series.starts[at]), zone).date(): float(series.amounts[at])
            * 100
            / float(series.coverage_percents[at])
            for at in known
        }

    async def _degrees_of(
        self, territory: TerritoryId, places: Sequence[PlaceId], flux: Flux, during: Interval, now: datetime
    ) -> dict[date, float]:
        """Return the heating degree days of each month at the station of the nearest place that has one."""
        if flux is Flux.WATER:
            return {}
        weather = self._clients(territory).weather
        try:
            stations = await self._stations.get(territory, now, lambda: _stations(weather))
            station = next((stations[place] for place in places if place in stations), None)
            if station is None:
                return {}
            return await self._degrees.get((territory, station, during), now, lambda: _degrees(weather, station, during))
        except RemoteFailure:
            return {}

    async def _kept_from_network(
        self, clients: Clients, point: PointId, during: Interval, starts: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return what a home made and used itself, day by day: production less injection, NaN where not both are known."""
        found = np.zeros(len(starts))
        for direction in (Direction.PRODUCTION, Direction.INJECTION):
            series = await clients.metering.consumption(f"meters/{point}", Flux.ELECTRICITY, during, Granularity.DAY, direction=direction)
            at, inside = _slots_in(series, starts)
            part = np.full(len(starts), np.nan)
            part[at[inside]] = series.amounts[inside]
            found += _GROSS[direction] * part
        return found

    async def _living(self, clients: Clients, at: datetime, since: datetime) -> dict[PlaceId, set[PersonId]]:
        """Return who lives where at a time, verified, and did so from `since` on."""
        found = dict[PlaceId, set[PersonId]]()
        async for occupancy in clients.access.occupancies():
            if occupancy.verify_time is not None and occupancy.validity.contains(at) and occupancy.validity.contains(since):
                found.setdefault(occupancy.premise, set()).add(occupancy.person)
        return found

    async def _holders(
        self, clients: Clients, premise_of: dict[PointId, PlaceId], lives: dict[PlaceId, set[PersonId]], at: datetime, since: datetime
    ) -> dict[PlaceId, PersonId]:
        found = dict[PlaceId, PersonId]()
        async for consent in clients.access.consents(purpose=Purpose.PEER_COMPARISON, hold_at=at):
            premise = premise_of.get(consent.metering_point)
            # What a home used before its household came, or consented, is not that household's to give.
            covered = consent.validity.contains(since)
            if premise is not None and consent.person is not None and consent.person in lives.get(premise, ()) and covered:
                found[premise] = consent.person
        return found

    async def _points(self, clients: Clients, flux: Flux, at: datetime) -> list[MeteringPoint]:
        return [point async for point in clients.registry.metering_points(flux=flux, at=at - _JUST_BEFORE)]


async def _stations(weather: WeatherClient) -> dict[PlaceId, WeatherStationId]:
    """Return the station of each place that has one."""
    return {place: station.id async for station in weather.stations() for place in station.places}


async def _degrees(weather: WeatherClient, station: WeatherStationId, during: Interval) -> dict[date, float]:
    """Return the heating degree days of each month of which nearly all days are known."""
    found = await weather.degree_days(f"weatherStations/{station}", during, DegreeDayMethod.METEO)
    by_month = dict[date, list[float]]()
    for day in found.days:
        if day.heating_degree_days is not None:
            by_month.setdefault(day.date.replace(day=1), []).append(day.heating_degree_days)
    lengths = {month: (after(month) - month).days for month in by_month}
    return {
        month: sum(days) * lengths[month] / len(days)
        for month, days in by_month.items()
        if len(days) * 100 >= _LEAST_COVERAGE * lengths[month]
    }


def _premises(points: Sequence[MeteringPoint], at: datetime) -> dict[PointId, PlaceId]:
    """Return the premise of each point just before a time; points of larger places are of no home."""
    return {point.id: one.place for point in points for one in point.places if one.validity.contains(at - _JUST_BEFORE)}


def _gross_premises(points: Sequence[MeteringPoint], at: datetime) -> set[PlaceId]:
    """Return the premises of which what they make themselves is measured too."""
    premise_of = _premises(points, at)
    return {premise_of[point.id] for point in points if point.id in premise_of and _measures_production(point)}


def _measures_production(point: MeteringPoint) -> bool:
    directions = {channel.direction for channel in point.channels if channel.quantity is Quantity.ENERGY}
    return point.flux is Flux.ELECTRICITY and _GROSS.keys() <= directions


def _slots_in(series: ConsumptionSeries, starts: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return where the slots of a series lie among `starts`, and which are known and do."""
    known = (series.qualities > 0) & (series.qualities < Quality.SUSPECT.value) & (series.coverage_percents >= _LEAST_COVERAGE)
    at = np.searchsorted(starts, series.starts)
    return at, known & (at < len(starts)) & (starts[np.minimum(at, len(starts) - 1)] == series.starts)


def attributes_of(dwelling: Dwelling, *, gross: bool = False) -> Attributes:
    """Return what matters of what was declared of a home; gross: what its solar panels make is measured, and counted as used."""
    return Attributes(
        type=_TYPES.get(dwelling.type) if dwelling.type else None,
        area=dwelling.area_square_metres,
        occupants=dwelling.occupants,
        heating=_SOURCES.get(dwelling.heating, Source.OTHER) if dwelling.heating else None,
        heating_collective=dwelling.heating_collective,
        hot_water=_SOURCES.get(dwelling.hot_water, Source.OTHER) if dwelling.hot_water else None,
        hot_water_collective=dwelling.hot_water_collective,
        solar_panels=dwelling.solar_panels and not gross,
        garden=dwelling.garden,
    )


def _above(places: dict[PlaceId, Place], place: PlaceId, level: PlaceLevel, at: datetime) -> PlaceId | None:
    """Return the place of a level that one lies in at a time."""
    current: PlaceId | None = place
    while current is not None and current in places:
        if places[current].level is level:
            return current
        current = next((parent.parent for parent in places[current].parents if parent.validity.contains(at)), None)
    return None


def _building(places: dict[PlaceId, Place], building: PlaceId, at: datetime) -> Building | None:
    street, neighbourhood, commune = (
        _above(places, building, level, at) for level in (PlaceLevel.STREET, PlaceLevel.NEIGHBOURHOOD, PlaceLevel.COMMUNE)
    )
    if street is None or neighbourhood is None or commune is None:
        return None
    order = (places[neighbourhood].position_in_parent, places[street].position_in_parent, places[building].position_in_parent)
    return Building(id=building, street=street, neighbourhood=neighbourhood, commune=commune, order=order)
