"""The page that is open to everybody: what the town's homes used together, where that is published, and the file of all of it."""

import asyncio
import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from dashboard.charts import Chart, Slot, bars
from dashboard.figures import Unit, amount, display_unit, number, period_name, tick_name
from dashboard.gateway import Gateway
from dashboard.panels import css_class
from dashboard.periods import Period, Span
from dashboard.public_words import WORDS, PublicWords
from dashboard.words import Words
from multiflux_client.comparison import Area, Total
from vocabulary.civil import local_midnight
from vocabulary.flux import Flux, Quantity
from vocabulary.names import PlaceId
from vocabulary.quality import Quality

FLUXES = (Flux.ELECTRICITY, Flux.GAS, Flux.WATER)
MONTHS = 13
_ASKED_AGAIN = timedelta(minutes=10)
SCHEMA = (
    "month: YYYY-MM; flux; area: its id; places: names of the area; reach; homes_least, homes_most: how many homes it was formed of, "
    "between these; unit; amount: of all homes of the area in the month, empty where status is not_published; coverage_percent; status"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Month:
    """What is published of one flux in a month."""

    month: date
    flux: Flux
    areas: tuple[Area, ...]
    totals: dict[str, Total]

    @property
    def sum(self) -> int:
        """What all published areas used together: they are disjoint."""
        return sum(total.amount for total in self.totals.values())


class Published:
    """What comparison has published, asked for once: it never changes. Months of which nothing is published are asked for again later."""

    def __init__(self, gateway: Gateway) -> None:
        """Ask comparison and the registry with `gateway`."""
        self._gateway = gateway
        self._months: dict[tuple[Flux, date], tuple[datetime, Month]] = {}
        self._names: dict[PlaceId, str] = {}

    async def months(self, flux: Flux, now: datetime, today: date) -> tuple[Month, ...]:
        """Return the last months that are over, the oldest first; RemoteFailure."""
        return tuple(await asyncio.gather(*(self._month(flux, month, now) for month in _months_before(today))))

    async def names(self, areas: Iterable[Area]) -> dict[str, str]:
        """Return what the areas are called, by their ids; RemoteFailure."""
        listed = tuple(areas)
        unknown = [place for place in dict.fromkeys(place for area in listed for place in area.places) if place not in self._names]
        found = await asyncio.gather(*(self._gateway.registry.place(place) for place in unknown))
        self._names |= {place.id: place.display_name for place in found}
        return {area.name: ", ".join(self._names[place] for place in area.places) or area.name for area in listed}

    async def _month(self, flux: Flux, month: date, now: datetime) -> Month:
        kept = self._months.get((flux, month))
        if kept is not None and (kept[1].totals or now - kept[0] < _ASKED_AGAIN):
            return kept[1]
        comparison = self._gateway.comparison
        areas = tuple([area async for area in comparison.areas(flux, month)])
        totals = {total.area: total async for total in comparison.totals(flux, month)} if areas else {}
        found = Month(month=month, flux=flux, areas=areas, totals=totals)
        self._months[flux, month] = now, found
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthRow:
    """A line of the table behind the bars."""

    month: str
    amount: str
    published: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AreaRow:
    """An area in the last published month."""

    name: str
    reach: str
    homes: str
    amount: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicFlux:
    """What the page shows of one flux; without a chart, nothing is published of it."""

    css: str
    finding: str
    axis: str
    chart: Chart | None
    months: tuple[MonthRow, ...]
    caption: str
    areas: tuple[AreaRow, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicPage:
    """Everything that the template shows."""

    public_words: PublicWords
    heading: str
    fluxes: tuple[PublicFlux, ...]
    licence: str
    csv: str
    simulated: bool


async def public_page(gateway: Gateway, published: Published, words: Words, licence: str, now: datetime) -> PublicPage:
    """Ask for all that is published of the last months; RemoteFailure."""
    territory = await gateway.registry.territory()
    zone = ZoneInfo(territory.time_zone)
    text = WORDS[words.language]
    found = await asyncio.gather(*(published.months(flux, now, now.astimezone(zone).date()) for flux in FLUXES))
    names = await published.names(area for months in found for month in months for area in month.areas)
    drawing = _Drawing(words=words, text=text, zone=zone, names=names)
    return PublicPage(
        public_words=text,
        heading=text.heading.format(town=territory.display_name),
        fluxes=tuple(drawing.flux(flux, months) for flux, months in zip(FLUXES, found, strict=True)),
        licence=text.licence.format(licence=licence),
        csv=f"/{words.language}/public.csv",
        simulated=territory.simulated,
    )


async def public_csv(gateway: Gateway, published: Published, licence: str, now: datetime) -> str:
    """Return a line for each area and month, after a line with the licence and one with the schema; RemoteFailure."""
    territory = await gateway.registry.territory()
    today = now.astimezone(ZoneInfo(territory.time_zone)).date()
    months = [month for flux in FLUXES for month in await published.months(flux, now, today)]
    names = await published.names(area for month in months for area in month.areas)
    text = io.StringIO()
    text.write(
        f"# licence: {licence}; source: {territory.display_name}{'; simulated' if territory.simulated else ''}\n# schema: {SCHEMA}\n"
    )
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["month", "flux", "area", "places", "reach", "homes_least", "homes_most", "unit", "amount", "coverage_percent", "status"]
    )
    for month in months:
        unit = "millilitres" if month.flux is Flux.WATER else "joules"
        for area in month.areas:
            total = month.totals.get(area.name)
            facts = [f"{month.month:%Y-%m}", css_class(month.flux), area.name, names[area.name], area.reach.name.lower()]
            told = ["", "", "not_published"] if total is None else [total.amount, total.coverage_percent, "published"]
            writer.writerow([*facts, area.least_count, area.most_count, unit, *told])
    return text.getvalue()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Drawing:
    words: Words
    text: PublicWords
    zone: ZoneInfo
    names: dict[str, str]

    def flux(self, flux: Flux, months: tuple[Month, ...]) -> PublicFlux:
        told = [month for month in months if month.totals]
        if not told:
            finding = self.text.nothing.format(flux=self.words.fluxes[flux])
            return PublicFlux(css=css_class(flux), finding=finding, axis="", chart=None, months=(), caption="", areas=())
        quantity = Quantity.VOLUME if flux is Flux.WATER else Quantity.ENERGY
        unit, last = display_unit(quantity, max(month.sum for month in told)), told[-1]
        return PublicFlux(
            css=css_class(flux),
            finding=self.text.finding.format(
                month=self._month(last.month), amount=amount(last.sum, unit, self.words.language), of_flux=self.words.of_fluxes[flux]
            ),
            axis=self.text.axis.format(unit=unit.symbol),
            chart=bars([self._slot(month, unit) for month in months], lambda value: number(value, self.words.language)),
            months=tuple(self._row(month, unit) for month in months),
            caption=self.text.caption.format(month=self._month(last.month).lower()),
            areas=tuple(self._area(area, last.totals.get(area.name), quantity) for area in last.areas),
        )

    def _slot(self, month: Month, unit: Unit) -> Slot:
        row = self._row(month, unit)
        whole = len(month.totals) == len(month.areas)
        return Slot(
            value=month.sum / unit.base_units if month.totals else None,
            quality=Quality.MEASURED if whole else Quality.ESTIMATED,
            name=row.month,
            tick=tick_name(local_midnight(month.month, self.zone).astimezone(UTC), Span.YEAR, self.zone, self.words.language),
            text=f"{row.month} : {row.amount}, {row.published}",
        )

    def _row(self, month: Month, unit: Unit) -> MonthRow:
        return MonthRow(
            month=self._month(month.month),
            amount=amount(month.sum, unit, self.words.language) if month.totals else self.text.hidden,
            published=self.text.published.format(published=len(month.totals), areas=len(month.areas)),
        )

    def _area(self, area: Area, total: Total | None, quantity: Quantity) -> AreaRow:
        homes = self.text.homes_from if area.most_count is None else self.text.homes_between
        return AreaRow(
            name=self.names[area.name],
            reach=self.text.reaches[area.reach],
            homes=homes.format(least=area.least_count, most=area.most_count),
            amount=self.text.hidden if total is None else amount(total.amount, display_unit(quantity, total.amount), self.words.language),
        )

    def _month(self, month: date) -> str:
        name = period_name(Period(span=Span.MONTH, first=month), self.words.language)
        return name[:1].upper() + name[1:]


def _months_before(today: date) -> list[date]:
    months = [today.replace(day=1)]
    while len(months) <= MONTHS:
        months.append((months[-1] - timedelta(days=1)).replace(day=1))
    return months[:0:-1]
