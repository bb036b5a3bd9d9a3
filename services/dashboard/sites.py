"""The first page of a building manager: what all public sites used, which needs attention first, and a table that can be sorted."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from unicodedata import combining, normalize
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel.dates import format_date

from dashboard.figures import NARROW_NO_BREAK_SPACE, amount, display_unit, number, share, signed_share
from dashboard.gateway import Gateway
from dashboard.panels import css_class
from dashboard.site_words import WORDS, SiteWords
from dashboard.words import Words
from multiflux_client.sites import FluxYear, SiteAttention, SitePortfolio, SiteYear
from vocabulary.failure import invalid
from vocabulary.flux import JOULES_PER_WATT_HOUR, Flux, Quantity

_JOULES_A_KWH = 1_000 * JOULES_PER_WATT_HOUR
_MILLILITRES_A_LITRE = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """The head of a column: its text, the address that sorts by it, and how it is sorted now (as `aria-sort` says it)."""

    text: str
    address: str
    sorted: str
    number: bool
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteRow:
    """A line of the table; cells are in the order of the columns after the first."""

    name: str
    address: str
    what: str
    cells: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A sentence about one flux, and where it leads."""

    css: str
    text: str
    address: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SitesPage:
    """Everything that the template shows."""

    site_words: SiteWords
    year: str
    totals: tuple[Line, ...]
    attentions: tuple[Line, ...]
    columns: tuple[Column, ...]
    rows: tuple[SiteRow, ...]
    csv: str
    simulated: bool


async def sites_page(gateway: Gateway, words: Words, sort: str) -> SitesPage:
    """Ask metering for the caller's sites; `sort`: a column, with a minus for the greatest first. InvalidRequest, RemoteFailure."""
    portfolio = await gateway.sites.portfolio()
    zone = ZoneInfo((await gateway.registry.territory()).time_zone)
    table = _Table(words=words, text=WORDS[words.language], fluxes=tuple(total.flux for total in portfolio.totals))
    last = portfolio.year.end.astimezone(zone).date() - timedelta(days=1)
    return SitesPage(
        site_words=table.text,
        year=table.text.year.format(day=format_date(last, format="long", locale=words.language)),
        totals=tuple(
            Line(
                css=css_class(total.flux),
                text=table.text.total.format(
                    amount=amount(total.amount, display_unit(total.quantity, total.amount), words.language),
                    of_flux=words.of_fluxes[total.flux],
                    count=total.site_count,
                ),
            )
            for total in portfolio.totals
        ),
        attentions=tuple(_attention(words, table.text, one) for one in portfolio.attentions),
        columns=table.columns(sort),
        rows=tuple(table.row(site) for site in table.sorted(portfolio.sites, sort)),
        csv=f"/{words.language}/sites.csv",
        simulated=portfolio.simulated,
    )


def sites_csv(portfolio: SitePortfolio) -> str:
    """Return a line for each flux of each site: amounts in joules or millilitres, shares from 0 to 1, empty where not known."""
    text = io.StringIO()
    writer = csv.writer(text)
    columns = ("amount", "amount_per_square_metre", "missing_day_count", "change", "compared_day_count", "weather_adjusted", "night_share")
    writer.writerow(["place", "name", "use", "area_square_metres", "flux", "unit", *columns])
    for site in portfolio.sites:
        for year in site.fluxes:
            unit = "joules" if year.quantity is Quantity.ENERGY else "millilitres"
            facts = [site.site, site.display_name, site.use.name.lower() if site.use else "", site.area_square_metres]
            writer.writerow([*facts, css_class(year.flux), unit, *(getattr(year, column) for column in columns)])
    return text.getvalue()


def what_of(words: Words, site: SiteYear) -> str:
    """Return what a site is: its use and its area, as far as they are declared."""
    text = WORDS[words.language]
    area = None if site.area_square_metres is None else text.square_metres.format(area=number(site.area_square_metres, words.language))
    return " · ".join(part for part in (text.uses[site.use.name] if site.use else None, area) if part)


def _attention(words: Words, text: SiteWords, one: SiteAttention) -> Line:
    said = text.concerns[one.concern.name].format(
        site=one.display_name,
        amount=amount(one.amount, display_unit(one.quantity, one.amount), words.language),
        of_flux=words.of_fluxes[one.flux],
        days=one.silent_day_count,
    )
    return Line(css=css_class(one.flux), text=said, address=f"/{words.language}/sites/{one.site}")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Table:
    words: Words
    text: SiteWords
    fluxes: tuple[Flux, ...]

    def columns(self, sort: str) -> tuple[Column, ...]:
        named = [("name", self.text.name)]
        for flux in self.fluxes:
            unit = self.text.per_square_metre.format(unit="l" if flux is Flux.WATER else "kWh")
            named += [(css_class(flux), f"{self.words.fluxes[flux]} ({unit})"), (f"{css_class(flux)}-trend", self.text.trend)]
        named += [("missing", self.text.missing), ("night", self.text.night)]
        return tuple(self._column(key, name, sort) for key, name in named)

    def _column(self, key: str, name: str, sort: str) -> Column:
        down = sort == key if key == "name" else sort != f"-{key}"
        query = urlencode({"sort": f"-{key}" if down else key})
        current = {key: "ascending", f"-{key}": "descending"}.get(sort, "none")
        label = self.text.sort_by.format(column=name)
        return Column(text=name, address=f"/{self.words.language}/sites?{query}", sorted=current, number=key != "name", label=label)

    def sorted(self, sites: tuple[SiteYear, ...], sort: str) -> list[SiteYear]:
        """Return the sites by a column, those without a figure last."""
        key = sort.removeprefix("-")
        if key == "name":
            return sorted(sites, key=lambda site: _plain(site.display_name), reverse=sort.startswith("-"))
        value = self._values().get(key)
        if value is None:
            raise invalid("sort", f"{sort!r} is no column")
        known = [(found, site) for site in sites if (found := value(site)) is not None]
        ordered = sorted(known, key=lambda pair: pair[0], reverse=sort.startswith("-"))
        return [site for _, site in ordered] + [site for site in sites if value(site) is None]

    def _values(self) -> dict[str, Callable[[SiteYear], float | None]]:
        found: dict[str, Callable[[SiteYear], float | None]] = {"missing": _missing, "night": _night}
        for flux in self.fluxes:
            found[css_class(flux)] = lambda site, flux=flux: (year := _year(site, flux)) and year.amount_per_square_metre
            found[f"{css_class(flux)}-trend"] = lambda site, flux=flux: (year := _year(site, flux)) and year.change
        return found

    def row(self, site: SiteYear) -> SiteRow:
        language = self.words.language
        cells: list[str] = []
        for flux in self.fluxes:
            year = _year(site, flux)
            cells += ["", ""] if year is None else [_per_square_metre(year, language), _trend(year, language)]
        night = _night(site)
        cells += [str(_missing(site)), "—" if night is None else share(night, language)]
        return SiteRow(name=site.display_name, address=f"/{language}/sites/{site.site}", what=what_of(self.words, site), cells=tuple(cells))


def _plain(name: str) -> str:
    """Return a name as it is sorted: an É stands with the E."""
    return "".join(letter for letter in normalize("NFKD", name.casefold()) if not combining(letter))


def _year(site: SiteYear, flux: Flux) -> FluxYear | None:
    return next((year for year in site.fluxes if year.flux is flux), None)


def _missing(site: SiteYear) -> int:
    """Return the days that were not measured, of the flux that lacks most."""
    return max((year.missing_day_count for year in site.fluxes), default=0)


def _night(site: SiteYear) -> float | None:
    year = _year(site, Flux.ELECTRICITY)
    return None if year is None else year.night_share


def _per_square_metre(year: FluxYear, language: str) -> str:
    if year.amount_per_square_metre is None:
        return amount(year.amount, display_unit(year.quantity, year.amount), language)
    return number(year.amount_per_square_metre / (_JOULES_A_KWH if year.quantity is Quantity.ENERGY else _MILLILITRES_A_LITRE), language)


def _trend(year: FluxYear, language: str) -> str:
    if year.change is None:
        return "—"
    return f"{'≈' + NARROW_NO_BREAK_SPACE if year.weather_adjusted else ''}{signed_share(year.change, language)}"
