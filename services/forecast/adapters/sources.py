"""What a forecast is made from: consumption, weather and holidays, asked of metering and put on one grid of slots."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from forecast.adapters.refusals import passed_on
from forecast.domain.columns import Floats, Int64s
from forecast.domain.failures import InsufficientHistory, NoPoints
from forecast.domain.kept import WeatherBasis
from forecast.domain.month_end import Prices
from forecast.domain.task import HISTORY, ForecastTask, Prepared, horizon_of, least_days_of, rules_of
from multiflux_client.consumption import ConsumptionSeries
from multiflux_client.costs import CostClient, CostStatement
from multiflux_client.failures import RemoteFailure
from multiflux_client.lighting import LightingClient
from multiflux_client.metering import MeteringClient
from multiflux_client.places import Territory
from multiflux_client.registry import RegistryClient
from multiflux_client.tables import PriceComponent, PriceUnit, ReferenceTable
from multiflux_client.weather import WeatherClient
from vocabulary.civil import Granularity, slots
from vocabulary.flux import JOULES_PER_WATT_HOUR, MILLILITRES_PER_CUBIC_METRE, Flux
from vocabulary.interval import Interval
from vocabulary.names import PlaceId, PointId, TerritoryId, point_id
from vocabulary.quality import Quality

_WEATHER_DAYS, _AHEAD_DAYS = 1_000, 40
"""How far back and ahead of now the weather is asked for."""
_HOUR_S = 3_600
_STEP_S = {Granularity.HOUR: _HOUR_S, Granularity.DAY: 24 * _HOUR_S}
"""How long the last slot of a plan is taken to be."""
_LEAST_COVERAGE = 50
"""Per cent of a slot that must be measured: estimates are not learnt from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Clients:
    """The services, as this one calls them for one territory."""

    registry: RegistryClient
    metering: MeteringClient
    weather: WeatherClient
    costs: CostClient
    lighting: LightingClient


class Sources:
    """Asks the other services for one territory's forecasts; what they refuse is raised as a failure of this service."""

    def __init__(
        self, clients: Callable[[TerritoryId], Clients], metering_as: Callable[[str], MeteringClient], weather_error_celsius: float
    ) -> None:
        """Ask `clients`, and metering with a caller's own token; weather forecasts are off by so much a week ahead."""
        self._clients = clients
        self._metering_as = metering_as
        self._error = weather_error_celsius

    @passed_on()
    async def territory(self, territory: TerritoryId) -> Territory:
        """Return what the registry knows of the territory."""
        return await self._clients(territory).registry.territory()

    @passed_on()
    async def flux_of(self, territory: TerritoryId, point: PointId) -> Flux:
        """Return what a metering point measures; ResourceUnknown."""
        return (await self._clients(territory).registry.metering_point(point)).flux

    @passed_on()
    async def points_in(self, territory: TerritoryId, place: PlaceId, flux: Flux) -> list[PointId]:
        """Return the points of a flux in a place, by name."""
        return [point.id async for point in self._clients(territory).registry.metering_points(within=place, flux=flux)]

    @passed_on()
    async def check_told(self, token: str, resource: str, flux: Flux, now: datetime) -> None:
        """Refuse whoever metering would not tell the readings, of today as of ever: the rule is its own.

        Raises SeveralHouseholds, OtherHousehold, ReadingsDenied.
        """
        day = Interval(start=now - timedelta(days=1), end=now)
        await self._metering_as(token).consumption(resource, flux, day, Granularity.DAY, profile_allowed=True)

    @passed_on()
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
        during = _history(granularity, now, since, ZoneInfo(territory.time_zone))
        found: dict[str, list[ConsumptionSeries]] = {}
        async for series in self._clients(territory.id).metering.consumptions(place, flux, during, granularity):
            found.setdefault(series.resource, []).append(series)
        return await self._prepared(territory, f"places/{place}", found, granularity, during, now, together=together)

    @passed_on()
    async def of_point(
        self, territory: Territory, point: PointId, flux: Flux, granularity: Granularity, now: datetime, since: datetime | None
    ) -> Prepared:
        """Prepare a task of one point, from readings since a time; InsufficientHistory."""
        during = _history(granularity, now, since, ZoneInfo(territory.time_zone))
        name = f"meters/{point}"
        series = await self._clients(territory.id).metering.consumption(name, flux, during, granularity)
        return await self._prepared(territory, name, {name: [series]}, granularity, during, now, together=False)

    @passed_on()
    async def used(self, territory: Territory, point: PointId, flux: Flux, during: Interval) -> int:
        """Return what a point is known to have used, in base units."""
        if during.start >= during.end:
            return 0
        by_day = Granularity.GAS_DAY if flux is Flux.GAS else Granularity.DAY
        series = await self._clients(territory.id).metering.consumption(f"meters/{point}", flux, during, by_day, profile_allowed=True)
        inside = (series.qualities > 0) & (series.starts >= int(during.start.timestamp())) & (series.ends <= int(during.end.timestamp()))
        return int(series.amounts[inside].sum())

    @passed_on()
    async def prices(self, territory: Territory, point: PointId, flux: Flux, during: Interval) -> tuple[Prices | None, tuple[str, ...]]:
        """Return what a point paid over whole days, None when the price of its consumption is missing, and the prices that are."""
        statement = await self._clients(territory.id).costs.statement(point, during)
        missing = tuple(sorted({gap.component.name for gap in statement.missing_prices}))
        return (None if missing else _prices(statement, flux, during)), missing

    async def _prepared(
        self,
        territory: Territory,
        location: str,
        found: dict[str, list[ConsumptionSeries]],
        granularity: Granularity,
        during: Interval,
        now: datetime,
        *,
        together: bool,
    ) -> Prepared:
        zone = ZoneInfo(territory.time_zone)
        if not found:
            raise NoPoints(f"{location} has no point that is read so often", resource=location)
        starts, ends = _grid(during, granularity, zone)
        scaled = granularity is Granularity.MONTH
        amounts = np.array([_row(parts, starts, scaled=scaled) for parts in found.values()]).reshape(len(found), len(starts))
        origin = _origin(amounts)
        if not origin:
            raise _too_little(granularity)
        # Nothing is forecast for slots before the last one that most points know.
        amounts, first = amounts[:, :origin], int(np.flatnonzero(np.isfinite(amounts).any(axis=0))[0])
        latest = datetime.fromtimestamp(int(ends[origin - 1]), UTC)
        ahead_starts, ahead_ends = _ahead(latest, granularity, zone)
        first = max(0, min(first, origin - min(origin, _least_slots(granularity))))
        whole = np.concatenate((starts[first:origin], ahead_starts))
        temperature, basis = await self._temperature(territory, location, whole, granularity, now)
        public, school = await self._holidays(territory)
        task = ForecastTask(
            granularity=granularity,
            amounts=amounts[:, first:],
            starts=whole,
            temperature=temperature,
            error_celsius=self._error if basis is WeatherBasis.FORECAST else 0.0,
            time_zone=territory.time_zone,
            public_holidays=public,
            school_holidays=school,
            together=together,
            planned=await self._planned(territory, list(found), whole, granularity),
        )
        return Prepared(task=task, resources=tuple(found), ahead_starts=ahead_starts, ahead_ends=ahead_ends, basis=basis, latest=latest)

    async def _temperature(
        self, territory: Territory, location: str, starts: Int64s, granularity: Granularity, now: datetime
    ) -> tuple[Floats, WeatherBasis]:
        """Return the temperature of each slot, NaN where nobody knows it, and what is known of the time ahead."""
        weather = self._clients(territory.id).weather
        first, last = (datetime.fromtimestamp(int(at), UTC) for at in (starts[0], starts[-1] + 30 * 3_600))
        # Points share the weather of their town: those of one station are forecast together.
        place = location if location.startswith("places/") else f"places/{territory.root_place}"
        known = Interval(
            start=max(first, min(last, now) - timedelta(days=_WEATHER_DAYS)), end=min(last, max(first, now) + timedelta(days=_AHEAD_DAYS))
        )
        try:
            past = await weather.weather(place, known)
        except RemoteFailure:
            # Without a station the year alone says what is usual.
            return np.full(len(starts), np.nan), WeatherBasis.CLIMATOLOGY
        hours = {int(at): celsius / 100 for at, celsius in zip(past.starts.tolist(), past.centidegrees.tolist(), strict=True)}
        try:
            ahead = await weather.weather(place, known, forecast_time=now)
            hours = {int(at): c / 100 for at, c in zip(ahead.starts.tolist(), ahead.centidegrees.tolist(), strict=True)} | hours
        except RemoteFailure:
            pass
        temperature = _by_slot(hours, starts, granularity)
        foreseen = np.isfinite(temperature[-horizon_of(granularity) :]).all()
        return temperature, WeatherBasis.FORECAST if foreseen else WeatherBasis.CLIMATOLOGY

    async def _planned(self, territory: Territory, resources: list[str], starts: Int64s, granularity: Granularity) -> dict[int, Floats]:
        """Return by row what the lighting plans of points draw in each slot, in joules; nothing while lighting is away."""
        if granularity not in _STEP_S:
            return {}
        step_s, found = _STEP_S[granularity], dict[int, Floats]()
        during = Interval(
            start=datetime.fromtimestamp(int(starts[0]), UTC), end=datetime.fromtimestamp(int(starts[-1]), UTC) + timedelta(hours=26)
        )
        during = replace(during, end=during.start + (during.duration // timedelta(seconds=_HOUR_S)) * timedelta(seconds=_HOUR_S))
        lighting = self._clients(territory.id).lighting
        try:
            cabinets = await lighting.metered_cabinets()
            for row, resource in enumerate(resources):
                cabinet = cabinets.get(point_id(resource)) if resource.startswith("meters/") else None
                if cabinet is not None:
                    watts = np.array(await lighting.planned_power_w(cabinet, during, _HOUR_S))
                    joules = np.concatenate(([0.0], np.cumsum(watts * _HOUR_S)))
                    first = (starts - int(during.start.timestamp())) // _HOUR_S
                    found[row] = joules[np.append(first[1:], first[-1] + step_s // _HOUR_S)] - joules[first]
        except (RemoteFailure, OSError):
            return {}
        return found

    async def _holidays(self, territory: Territory) -> tuple[frozenset[date], frozenset[date]]:
        registry, zone = self._clients(territory.id).registry, ZoneInfo(territory.time_zone)
        public, school = set[date](), set[date]()
        async for row in registry.reference_rows(ReferenceTable.PUBLIC_HOLIDAYS):
            if row.public_holiday is not None and row.public_holiday.subdivision in ("", territory.public_holiday_subdivision):
                public |= _days(row.validity.start, row.validity.end, zone)
        async for row in registry.reference_rows(ReferenceTable.SCHOOL_HOLIDAYS):
            if row.school_holiday is not None and row.school_holiday.zone == territory.school_holiday_zone:
                school |= _days(row.validity.start, row.validity.end, zone)
        return frozenset(public), frozenset(school)


_PER_UNIT = {PriceUnit.KILOWATT_HOUR: 1_000 * JOULES_PER_WATT_HOUR, PriceUnit.CUBIC_METRE: MILLILITRES_PER_CUBIC_METRE}


def _prices(statement: CostStatement, flux: Flux, during: Interval) -> Prices | None:
    """Return the prices that a statement comes to; None when nothing was consumed, or what was is not priced by its amount."""
    unit = PriceUnit.CUBIC_METRE if flux is Flux.WATER else PriceUnit.KILOWATT_HOUR
    of_amount = [line for line in statement.lines if line.unit is unit]
    consumed = sum(line.unit_count for line in of_amount if line.component is PriceComponent.COMMODITY) * _PER_UNIT[unit]
    if not consumed:
        return None
    standing = sum(line.gross_micros for line in statement.lines if line.unit is not unit)
    return Prices(
        per_base_unit=sum(line.gross_micros for line in of_amount) / consumed,
        per_day=standing / (during.duration / timedelta(days=1)),
        currency=statement.currency_code,
    )


def _history(granularity: Granularity, now: datetime, since: datetime | None, zone: ZoneInfo) -> Interval:
    """Return the whole slots of the history up to now, or of the part of it since a time; InsufficientHistory."""
    *_, last = slots(Interval(start=now - timedelta(days=2), end=now), granularity, zone)
    start = last.start - HISTORY[granularity]
    if since is not None:
        start = max(start, since)
    if start >= last.start:
        raise _too_little(granularity)
    return Interval(start=start, end=last.start)


def _grid(during: Interval, granularity: Granularity, zone: ZoneInfo) -> tuple[Int64s, Int64s]:
    whole = [slot for slot in slots(during, granularity, zone) if slot.start >= during.start]
    starts = np.array([int(slot.start.timestamp()) for slot in whole], np.int64)
    return starts, np.array([int(slot.end.timestamp()) for slot in whole], np.int64)


def _ahead(latest: datetime, granularity: Granularity, zone: ZoneInfo) -> tuple[Int64s, Int64s]:
    """Return where the slots of the horizon start and end."""
    hours = {Granularity.HOUR: 1, Granularity.MONTH: 31 * 24}.get(granularity, 24)
    horizon = horizon_of(granularity)
    starts, ends = _grid(Interval(start=latest, end=latest + timedelta(hours=hours) * (horizon + 2)), granularity, zone)
    return starts[:horizon], ends[:horizon]


def _least_slots(granularity: Granularity) -> int:
    """Return how long a history is made at least: a point of a few weeks has gaps before it, which the model fills with its usual week."""
    if granularity is Granularity.MONTH:
        return 0
    rules = rules_of(granularity)
    return (rules.first_days + 14) * rules.slots_per_day


def _row(parts: list[ConsumptionSeries], starts: Int64s, *, scaled: bool) -> Floats:
    """Return the measured amounts of a point on the grid, `scaled`: as if the whole slot had been measured."""
    row = np.full(len(starts), np.nan)
    for part in parts:
        usable = (part.qualities > 0) & (part.qualities < Quality.SUSPECT.value) & (part.coverage_percents >= _LEAST_COVERAGE)
        at = np.searchsorted(starts, part.starts)
        inside = usable & (at < len(starts)) & (starts[np.minimum(at, len(starts) - 1)] == part.starts)
        row[at[inside]] = part.amounts[inside] * (100 / part.coverage_percents[inside] if scaled else 1)
    return row


def _origin(amounts: Floats) -> int:
    """Return up to which slot half of the points that know anything know something; 0 when none does."""
    last = [int(np.flatnonzero(known)[-1]) + 1 for known in np.isfinite(amounts) if known.any()]
    return int(np.median(last)) if last else 0


def _by_slot(hours: dict[int, float], starts: Int64s, granularity: Granularity) -> Floats:
    if granularity is Granularity.HOUR:
        return np.array([hours.get(int(at), np.nan) for at in starts])
    length = (28 if granularity is Granularity.MONTH else 1) * 24
    means = [[hours[at] for at in range(int(start), int(start) + length * _HOUR_S, _HOUR_S) if at in hours] for start in starts]
    return np.array([np.mean(some) if len(some) > length // 2 else np.nan for some in means])


def _days(start: datetime | None, end: datetime | None, zone: ZoneInfo) -> set[date]:
    if start is None or end is None:
        return set()
    first, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    return {first + timedelta(days=number) for number in range((last - first).days)}


def _too_little(granularity: Granularity) -> InsufficientHistory:
    least = least_days_of(granularity)
    return InsufficientHistory(f"{least} days of readings are needed, 0 are there", days_required=str(least), days_available="0")
