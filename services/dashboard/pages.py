"""The consumption page of a place or a metering point: the three fluxes over a period, and the way to what lies within."""

import asyncio
import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from dashboard.figures import period_name
from dashboard.gateway import Gateway
from dashboard.neighbours import Standing, standings
from dashboard.outlook import DAYS, Outlook, outlook
from dashboard.panels import Panel, View, css_class, empty_panel, panel
from dashboard.periods import Period, Span, containing, slots_for
from dashboard.words import Words
from multiflux_client.consumption import ConsumptionSeries
from multiflux_client.failures import RemoteFailure
from multiflux_client.places import Place, Territory
from multiflux_client.points import MeteringPoint
from vocabulary.civil import Granularity
from vocabulary.failure import Kind
from vocabulary.flux import Flux, Quantity
from vocabulary.names import PlaceId, PointId
from vocabulary.place import PlaceLevel
from vocabulary.quality import Quality

_TOWN_FLUXES = (Flux.ELECTRICITY, Flux.GAS, Flux.WATER)
_MOST_LINKS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A way to another page."""

    text: str
    address: str
    current: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsumptionPage:
    """Everything that the template shows."""

    heading: str
    kind: str
    period_name: str
    crumbs: tuple[Link, ...]
    spans: tuple[Link, ...]
    earlier: str
    later: str
    panels: tuple[Panel, ...]
    outlooks: tuple[Outlook | str, ...]
    standings: tuple[Standing, ...]
    places: tuple[Link, ...]
    points: tuple[Link, ...]
    simulated: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What the address asks for: a place or a metering point (never both), in a language and a period."""

    words: Words
    period: Period
    territory: Territory
    place: PlaceId | None = None
    point: PointId | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the territory."""
        return ZoneInfo(self.territory.time_zone)

    @property
    def resource(self) -> str:
        """The resource name of the place or point."""
        return f"places/{self.place}" if self.point is None else f"meters/{self.point}"

    def address(self, resource: str = "", period: Period | None = None) -> str:
        """Return the address of another resource or period, all else being the same."""
        shown = period or self.period
        query = urlencode({"span": shown.span.value, "day": shown.first.isoformat()})
        return f"/{self.words.language}/{resource or self.resource}?{query}"


async def consumption_page(gateway: Gateway, asked: Asked, now: datetime) -> ConsumptionPage:
    """Ask the services for all that the page shows.

    A flux whose figures fail becomes a panel that says why; RemoteFailure when the place or point itself fails.
    """
    if asked.point is None:
        place = await gateway.registry.place(PlaceId(str(asked.place)))
        above, within, points, panels = await asyncio.gather(
            _above(gateway, place, now), _within(gateway, place), _points(gateway, place), _panels(gateway, asked, _TOWN_FLUXES)
        )
        heading, kind = place.display_name, asked.words.levels[place.level]
        fluxes = tuple(dict.fromkeys(one.flux for one in points)) if place.level is PlaceLevel.PREMISE else ()
    else:
        point = await gateway.registry.metering_point(asked.point)
        place = await gateway.registry.place(point.places[-1].place)
        above, panels = await asyncio.gather(_above(gateway, place, now), _panels(gateway, asked, (point.flux,)))
        above, within, points, fluxes = (*above, place), (), (), (point.flux,)
        heading, kind = point.display_name or f"{asked.words.fluxes[point.flux]} · {place.display_name}", asked.words.fluxes[point.flux]
    outlooks, compared = await asyncio.gather(
        _outlooks(gateway, asked, fluxes, now),
        standings(gateway, asked.words, place.id, fluxes if place.dwelling is not None and asked.point is None else ()),
    )
    return ConsumptionPage(
        heading=heading,
        kind=kind,
        period_name=period_name(asked.period, asked.words.language),
        crumbs=tuple(Link(text=one.display_name, address=asked.address(f"places/{one.id}")) for one in above),
        spans=tuple(
            Link(
                text=asked.words.spans[span.value],
                address=asked.address(period=containing(asked.period.first, span)),
                current=span is asked.period.span,
            )
            for span in Span
        ),
        earlier=asked.address(period=asked.period.previous),
        later=asked.address(period=asked.period.following) if asked.period.following.interval(asked.zone).start < now else "",
        panels=panels,
        outlooks=outlooks,
        standings=compared,
        places=tuple(Link(text=one.display_name, address=asked.address(f"places/{one.id}")) for one in within),
        points=tuple(
            Link(text=one.display_name or asked.words.fluxes[one.flux], address=asked.address(f"meters/{one.id}")) for one in points
        ),
        simulated=asked.territory.simulated,
    )


def consumption_csv(series: ConsumptionSeries, zone: ZoneInfo) -> str:
    """Return the figures of a chart as CSV: local times with offset, amounts in joules or millilitres."""
    text = io.StringIO()
    writer = csv.writer(text)
    unit = "joules" if series.quantity is Quantity.ENERGY else "millilitres"
    writer.writerow(["start", "end", unit, "quality", "coverage_percent"])
    for start, end, value, quality, coverage in zip(
        series.starts.tolist(),
        series.ends.tolist(),
        series.amounts.tolist(),
        series.qualities.tolist(),
        series.coverage_percents.tolist(),
        strict=True,
    ):
        times = [datetime.fromtimestamp(at, UTC).astimezone(zone).isoformat() for at in (start, end)]
        writer.writerow([*times, *(["", ""] if quality == 0 else [value, Quality(quality).name.lower()]), coverage])
    return text.getvalue()


async def flux_consumption(gateway: Gateway, asked: Asked, flux: Flux, period: Period | None = None) -> ConsumptionSeries:
    """Return the consumption of one flux over the period, or over another one of the same span."""
    during = (period or asked.period).interval_of(flux, asked.zone)
    slots = slots_for(flux, asked.period.span)
    return await gateway.metering.consumption(asked.resource, flux, during, slots, profile_allowed=asked.point is None)


async def _panels(gateway: Gateway, asked: Asked, fluxes: tuple[Flux, ...]) -> tuple[Panel, ...]:
    return tuple(await asyncio.gather(*(_panel(gateway, asked, flux) for flux in fluxes)))


async def _panel(gateway: Gateway, asked: Asked, flux: Flux) -> Panel:
    view = View(words=asked.words, period=asked.period, zone=asked.zone)
    try:
        now, before = await asyncio.gather(flux_consumption(gateway, asked, flux), _year_before(gateway, asked, flux))
    except RemoteFailure as failure:
        return _failed(view, flux, failure)
    csv_address = asked.address().replace("?", f"/{css_class(flux)}.csv?", 1)
    return panel(view, now, before, csv=csv_address)


async def _outlooks(gateway: Gateway, asked: Asked, fluxes: tuple[Flux, ...], now: datetime) -> tuple[Outlook | str, ...]:
    """Return what lies ahead of a period that is not over, or a sentence that says why it is not known."""
    if asked.period.following.interval(asked.zone).start <= now:
        return ()
    found = await asyncio.gather(*(_outlook(gateway, asked, flux) for flux in fluxes if flux in _TOWN_FLUXES))
    return tuple(one for one in found if one)


async def _outlook(gateway: Gateway, asked: Asked, flux: Flux) -> Outlook | str:
    view = View(words=asked.words, period=asked.period, zone=asked.zone)
    try:
        expected = await gateway.forecast.forecast(asked.resource, flux, Granularity.DAY, slot_count=DAYS)
        return outlook(view, expected, None if asked.point is None else await gateway.forecast.month_end(asked.point))
    except RemoteFailure as failure:
        if failure.reason == "INSUFFICIENT_HISTORY":
            days, known = (failure.metadata[name] for name in ("days_required", "days_available"))
            return asked.words.outlook_too_young.format(days=days, known=known)
        return "" if failure.kind in (Kind.MISSING, Kind.DENIED) else asked.words.outlook_away


async def _year_before(gateway: Gateway, asked: Asked, flux: Flux) -> ConsumptionSeries | None:
    try:
        return await flux_consumption(gateway, asked, flux, asked.period.a_year_before())
    except RemoteFailure:
        # The page says what it knows of now; the comparison is only left out.
        return None


def _failed(view: View, flux: Flux, failure: RemoteFailure) -> Panel:
    words = view.words
    if failure.reason == "FINER_THAN_DATA":
        return empty_panel(flux, f"{words.fluxes[flux]} — {words.finer_than_data}", words.no_readings_next)
    if failure.kind is Kind.DENIED:
        said, next_step = words.refusals["DENIED"]
        return empty_panel(flux, f"{words.fluxes[flux]} — {said}", next_step)
    if failure.kind is Kind.MISSING:
        return empty_panel(flux, words.no_point.format(of_flux=words.of_fluxes[flux]), "")
    said, next_step = words.refusals["READINGS_AWAY" if failure.reason == "READINGS_AWAY" else "AWAY"]
    return empty_panel(flux, f"{words.fluxes[flux]} — {said}", next_step)


async def _above(gateway: Gateway, place: Place, now: datetime) -> tuple[Place, ...]:
    """Return the places above, the largest first, and the place itself."""
    chain = [place]
    while chain[0].level is not PlaceLevel.TERRITORY:
        parent = next((link.parent for link in chain[0].parents if link.validity.contains(now)), None)
        if parent is None:
            break
        try:
            chain.insert(0, await gateway.registry.place(parent))
        except RemoteFailure as failure:
            if failure.kind is Kind.DENIED:
                # A household sees its own home, and not what lies around it.
                break
            raise
    return tuple(chain)


async def _within(gateway: Gateway, place: Place) -> tuple[Place, ...]:
    """Return the places of the next smaller level that has any."""
    for level in PlaceLevel:
        if level > place.level:
            page = await gateway.registry.places(within=place.id, level=level).page(size=_MOST_LINKS)
            if page.items:
                return tuple(sorted(page.items, key=lambda one: (one.position_in_parent, one.display_name)))
    return ()


async def _points(gateway: Gateway, place: Place) -> tuple[MeteringPoint, ...]:
    """Return the metering points of a building or premise; larger places have too many to list."""
    if place.level < PlaceLevel.BUILDING:
        return ()
    return (await gateway.registry.metering_points(within=place.id).page(size=_MOST_LINKS)).items
