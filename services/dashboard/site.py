"""The page of one public site: its hours, what it uses when nobody is there, how it follows the weather, and what lies ahead."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from babel.dates import format_date

from dashboard.charts import BOTTOM, HEIGHT, LEFT, TOP, WIDTH, Tick, axis_steps
from dashboard.figures import NARROW_NO_BREAK_SPACE, Unit, amount, display_unit, number, per_hour_unit, rate, share, signed_share
from dashboard.gateway import Gateway
from dashboard.heat_map import HOURS, HeatMap, Hours, heat_map, hours_of
from dashboard.outlook import Outlook
from dashboard.pages import Asked, outlook_of
from dashboard.panels import css_class
from dashboard.periods import Span, containing
from dashboard.site_words import WORDS, SiteWords
from dashboard.sites import what_of
from dashboard.words import Words
from multiflux_client.failures import RemoteFailure
from multiflux_client.sites import BaseLoad, EnergyProgress, FluxAnalysis, WeatherSignature
from vocabulary.civil import Granularity, local_midnight
from vocabulary.flux import Flux, Quantity
from vocabulary.interval import Interval
from vocabulary.names import PlaceId

_YEAR_DAYS = 365
_KEPT = timedelta(minutes=10)
_MOST_KEPT = 200
_MOST_TICKS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """The table behind a chart."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Dot:
    """A week in the scatter, with the words that a pointer or a screen reader finds."""

    x: float
    y: float
    baseline: bool
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Plot:
    """Dots and a line in a box of WIDTH × HEIGHT SVG units."""

    dots: tuple[Dot, ...]
    line: str
    across: tuple[Tick, ...]
    values: tuple[Tick, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FluxSection:
    """What the page shows of one flux; without a map or a signature, a sentence says why."""

    css: str
    heat: HeatMap | None
    heat_title: str
    heat_axis: str
    heat_table: Table | None
    load: tuple[str, ...]
    signature_title: str
    signature: Plot | None
    signature_notes: tuple[str, ...]
    cusum_title: str
    cusum: Plot | None
    cusum_axis: str
    weeks: Table | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SitePage:
    """Everything that the template shows."""

    site_words: SiteWords
    heading: str
    what: str
    back: str
    consumption: str
    progress: tuple[str, ...]
    fluxes: tuple[FluxSection, ...]
    outlooks: tuple[Outlook | str, ...]
    simulated: bool


class KeptHours:
    """The hours of sites over a year, kept for a few minutes: what they are is asked for often, and changes by an hour in an hour.

    They are told only to whom metering has just told the analysis of the same site and flux.
    """

    def __init__(self) -> None:
        """Start without any."""
        self._kept: OrderedDict[tuple[PlaceId, Flux], tuple[datetime, Hours | None]] = OrderedDict()

    async def of(self, gateway: Gateway, site: PlaceId, flux: Flux, zone: ZoneInfo, now: datetime) -> Hours | None:
        """Return the hours of the year before today, None where readings are further apart, or metering tells nothing."""
        kept = self._kept.get((site, flux))
        if kept is not None and now - kept[0] < _KEPT:
            return kept[1]
        today = now.astimezone(zone).date()
        year = Interval(start=local_midnight(today - timedelta(days=_YEAR_DAYS), zone), end=local_midnight(today, zone))
        try:
            series = await gateway.metering.consumption(f"places/{site}", flux, year, Granularity.HOUR)
        except RemoteFailure as failure:
            if failure.reason != "FINER_THAN_DATA":
                return None
            found = None
        else:
            found = hours_of(series, zone) if (series.qualities > 0).any() else None
        self._kept[site, flux] = now, found
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return found


async def site_page(gateway: Gateway, kept: KeptHours, words: Words, site: PlaceId, now: datetime) -> SitePage:
    """Ask metering and forecast for a site; RemoteFailure when metering does not tell."""
    territory, analysis = await asyncio.gather(gateway.registry.territory(), gateway.sites.analysis(site))
    zone = ZoneInfo(territory.time_zone)
    asked = Asked(words=words, period=containing(now.astimezone(zone).date(), Span.MONTH), territory=territory, place=site)
    fluxes = [one.flux for one in analysis.fluxes]
    hours, outlooks = await asyncio.gather(
        asyncio.gather(*(kept.of(gateway, site, flux, zone, now) for flux in fluxes)),
        asyncio.gather(*(outlook_of(gateway, asked, flux) for flux in fluxes)),
    )
    drawing = _Drawing(words=words, text=WORDS[words.language])
    return SitePage(
        site_words=drawing.text,
        heading=analysis.site.display_name,
        what=what_of(words, analysis.site),
        back=f"/{words.language}/sites",
        consumption=f"/{words.language}/places/{site}",
        progress=drawing.progress(analysis.progress),
        fluxes=tuple(drawing.section(one, by_hour) for one, by_hour in zip(analysis.fluxes, hours, strict=True)),
        outlooks=tuple(one for one in outlooks if one),
        simulated=analysis.simulated,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Drawing:
    words: Words
    text: SiteWords

    def section(self, flux: FluxAnalysis, hours: Hours | None) -> FluxSection:
        name = self.words.fluxes[flux.flux]
        heat = None if hours is None else heat_map(hours, self._month, self._hour)
        line = flux.signature
        unit = None if line is None else display_unit(flux.quantity, max(week.amount for week in line.weeks))
        shown = line is not None and line.reliable
        return FluxSection(
            css=css_class(flux.flux),
            heat=heat,
            heat_title=self.text.too_coarse.format(flux=name) if hours is None else self._heat_finding(name, hours, flux.quantity),
            heat_axis="" if heat is None else self._heat_axis(heat, flux.quantity),
            heat_table=None if hours is None else self._heat_table(hours, flux.quantity),
            load=() if flux.base_load is None else self._load(name, flux.base_load, flux.quantity),
            signature_title=self._signature_finding(name, line),
            signature=self._scatter(line, unit) if shown and line and unit else None,
            signature_notes=self._signature_notes(line, unit, flux.quantity) if shown and line and unit else (),
            cusum_title=self._cusum_finding(line, flux.quantity) if shown and line else "",
            cusum=self._cusum(line, flux.quantity) if shown and line else None,
            cusum_axis=self.text.cusum_axis.format(unit=_saved_unit(line, flux.quantity).symbol) if shown and line else "",
            weeks=self._weeks(line, flux.quantity) if shown and line else None,
        )

    def progress(self, progress: EnergyProgress | None) -> tuple[str, ...]:
        if progress is None:
            return (self.text.no_progress,)

        def written(joules: int) -> str:
            return amount(joules, display_unit(Quantity.ENERGY, joules), self.words.language)

        change = signed_share(progress.adjusted_joules / progress.reference_joules - 1, self.words.language)
        facts = self.text.progress_facts.format(
            reference=written(progress.reference_joules),
            start=self._day(date.fromisoformat(progress.reference_start_date)),
            latest=written(progress.latest_joules),
            adjusted=written(progress.adjusted_joules),
            target=written(progress.target_joules),
        )
        shared = self.text.progress_shared.format(days=progress.shared_day_count) if progress.shared_day_count else ""
        return tuple(said for said in (self.text.progress_finding.format(change=change), facts, shared) if said)

    def _heat_finding(self, name: str, hours: Hours, quantity: Quantity) -> str:
        means = np.nan_to_num(np.nanmean(np.where(np.isfinite(hours.grid).any(axis=1, keepdims=True), hours.grid, 0.0), axis=1))
        most, least = int(means.argmax()), int(means.argmin())
        language = self.words.language
        return self.text.heat_map.format(
            flux=name,
            most_hour=self._hour(most),
            most=rate(float(means[most]), quantity, language),
            least_hour=self._hour(least),
            least=rate(float(means[least]), quantity, language),
        )

    def _heat_axis(self, heat: HeatMap, quantity: Quantity) -> str:
        most = rate(heat.greatest, quantity, self.words.language)
        return f"{self.text.heat_map_axis.format(unit=per_hour_unit(quantity)[0], most=most)}. {self.text.heat_map_gap}"

    def _heat_table(self, hours: Hours, quantity: Quantity) -> Table:
        days = [date.fromordinal(hours.first.toordinal() + at) for at in range(hours.grid.shape[1])]
        months = list(dict.fromkeys((day.year, day.month) for day in days))
        columns = [hours.grid[:, [at for at, day in enumerate(days) if (day.year, day.month) == month]] for month in months]
        base_units = per_hour_unit(quantity)[1]

        def mean(values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> str:
            known = values[np.isfinite(values)]
            return number(float(known.mean()) / base_units, self.words.language) if len(known) else "—"

        return Table(
            heads=(self.text.hour, *(format_date(date(*month, 1), format="MMM yy", locale=self.words.language) for month in months)),
            rows=tuple((self._hour(hour), *(mean(column[hour]) for column in columns)) for hour in range(HOURS)),
        )

    def _load(self, name: str, load: BaseLoad, quantity: Quantity) -> tuple[str, ...]:
        language = self.words.language
        night, weekend, working = (
            rate(one, quantity, language)
            for one in (load.night_amount_per_hour, load.weekend_amount_per_hour, load.working_amount_per_hour)
        )
        said = [self.text.base_load_of.format(night=night, weekend=weekend, working=working)]
        if load.working_amount_per_hour > 0:
            of_working = share(load.night_amount_per_hour / load.working_amount_per_hour, language)
            said.insert(0, self.text.base_load.format(flux=name, night=night, share=of_working))
        if load.closed_share is not None:
            said.append(self.text.closed.format(share=share(load.closed_share, language)))
        return tuple(said)

    def _signature_finding(self, name: str, line: WeatherSignature | None) -> str:
        if line is None:
            return self.text.no_signature.format(flux=name)
        if not line.reliable:
            return self.text.unreliable.format(flux=name, r_squared=number(line.r_squared, self.words.language))
        return self.text.signature_of.format(flux=name, share=share(line.r_squared, self.words.language))

    def _signature_notes(self, line: WeatherSignature, unit: Unit, quantity: Quantity) -> tuple[str, ...]:
        language = self.words.language
        per_day, per_degree_day = (
            amount(value, display_unit(quantity, abs(value)), language) for value in (line.amount_per_day, line.amount_per_degree_day)
        )
        axis = self.text.signature_axis.format(
            unit=unit.symbol, base=number(line.base_celsius, language), baseline=line.baseline_week_count
        )
        said = self.text.signature_line.format(per_day=per_day, per_degree_day=per_degree_day, r_squared=number(line.r_squared, language))
        return axis, said

    def _scatter(self, line: WeatherSignature, unit: Unit) -> Plot:
        coldest = axis_steps(max(week.heating_degree_days for week in line.weeks))
        expected = [(0.0, 7 * line.amount_per_day), (coldest[-1], 7 * line.amount_per_day + line.amount_per_degree_day * coldest[-1])]
        greatest = max(*(week.amount for week in line.weeks), *(value for _, value in expected)) / unit.base_units
        steps = axis_steps(greatest)

        def point(degrees: float, value: float) -> tuple[float, float]:
            return LEFT + (WIDTH - LEFT - TOP) * degrees / coldest[-1], _height(value / unit.base_units, 0.0, steps[-1])

        return Plot(
            dots=tuple(
                Dot(
                    x=point(week.heating_degree_days, week.amount)[0],
                    y=point(week.heating_degree_days, week.amount)[1],
                    baseline=at < line.baseline_week_count,
                    text=f"{self._day(date.fromisoformat(week.start_date))} : {amount(week.amount, unit, self.words.language)}",
                )
                for at, week in enumerate(line.weeks)
            ),
            line=" ".join(f"{x:.1f},{y:.1f}" for x, y in (point(*one) for one in expected)),
            across=tuple(Tick(at=point(step, 0)[0], text=number(step, self.words.language)) for step in coldest),
            values=self._values(steps, 0.0, steps[-1]),
        )

    def _cusum(self, line: WeatherSignature, quantity: Quantity) -> Plot:
        unit = _saved_unit(line, quantity)
        saved = [week.saved_amount / unit.base_units for week in line.weeks]
        least = -axis_steps(-min(saved))[-1] if min(saved) < 0 else 0.0
        most = axis_steps(max(saved))[-1] if max(saved) > 0 else 0.0
        pitch = (WIDTH - LEFT - TOP) / max(len(saved) - 1, 1)
        every = -(-len(saved) // _MOST_TICKS)
        return Plot(
            dots=(),
            line=" ".join(f"{LEFT + pitch * at:.1f},{_height(value, least, most):.1f}" for at, value in enumerate(saved)),
            across=tuple(
                Tick(at=LEFT + pitch * at, text=format_date(date.fromisoformat(line.weeks[at].start_date), "MMM yy", self.words.language))
                for at in range(0, len(saved), every)
            ),
            values=self._values(
                [step for step in (least, 0.0, most) if step == 0 or abs(step) > (most - least) / _MOST_TICKS], least, most
            ),
        )

    def _cusum_finding(self, line: WeatherSignature, quantity: Quantity) -> str:
        saved = line.weeks[-1].saved_amount
        said = amount(abs(saved), display_unit(quantity, abs(saved)), self.words.language)
        return (self.text.cusum_saved if saved >= 0 else self.text.cusum_lost).format(amount=said)

    def _weeks(self, line: WeatherSignature, quantity: Quantity) -> Table:
        unit, of_saved = display_unit(quantity, max(week.amount for week in line.weeks)), _saved_unit(line, quantity)
        language = self.words.language
        return Table(
            heads=(self.text.week, self.text.degree_days, self.words.table_amount, self.text.saved),
            rows=tuple(
                (
                    self._day(date.fromisoformat(week.start_date)),
                    number(week.heating_degree_days, language),
                    amount(week.amount, unit, language),
                    amount(week.saved_amount, of_saved, language),
                )
                for week in line.weeks
            ),
        )

    def _values(self, steps: list[float], least: float, most: float) -> tuple[Tick, ...]:
        return tuple(Tick(at=_height(step, least, most), text=number(step, self.words.language)) for step in steps)

    def _day(self, day: date) -> str:
        return format_date(day, format="long", locale=self.words.language)

    def _month(self, day: date) -> str:
        return format_date(day, format="MMM", locale=self.words.language)

    def _hour(self, hour: int) -> str:
        return f"{hour}{NARROW_NO_BREAK_SPACE}h" if self.words.language == "fr" else f"{hour:02d}:00"


def _saved_unit(line: WeatherSignature, quantity: Quantity) -> Unit:
    return display_unit(quantity, max(abs(week.saved_amount) for week in line.weeks))


def _height(value: float, least: float, most: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value - least) / (most - least or 1.0)
