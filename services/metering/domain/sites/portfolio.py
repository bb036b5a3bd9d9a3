"""The year of public sites: what each used, beside the year before, and which of them need attention first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from metering.domain.consumption.columns import Floats
from metering.domain.consumption.places import UseKind
from metering.domain.registry.premises import SiteUse
from metering.domain.sites.signature import DailyWeather, Signature
from metering.domain.sites.uses import YEAR_DAYS, DailyUse, HourlyUse
from vocabulary.names import PlaceId

_YEAR_BEFORE_DAYS = 364
"""52 weeks, so that weekdays meet."""
_NIGHT_HOURS = 28 * 24
"""For how long the nights are looked at: long enough for four weekends, short enough to tell of now."""
_LEAST_COMPARED = 28
_NIGHT_STARTS, _NIGHT_ENDS = 22 * 60, 6 * 60
_RISING = 0.05
_NIGHT_MOST, _NIGHT_USUAL = 0.30, 0.20
"""A closed site uses about a fifth of its day's use at night, a constant use a third; from memory, not from a source."""
_SILENT_DAYS = 3
_WORKS_AT_NIGHT = frozenset({SiteUse.LIGHTING, SiteUse.PUMPING_STATION, SiteUse.CARE})
_MOST_ATTENTIONS = 3


class Concern(Enum):
    """Why a site needs attention."""

    RISING = 1
    NIGHT = 2
    SILENT = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class FluxYear:
    """The last 365 days of one flux at a site, in base units; `change` and `night_share` are None where too little is known of them."""

    kind: UseKind
    amount: int
    missing_days: int
    change: float | None
    compared_days: int
    weather_adjusted: bool
    night_share: float | None
    silent_days: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """A public site and the year of each of its fluxes; the area in square metres."""

    place: PlaceId
    name: str
    use: SiteUse | None
    area: int | None
    fluxes: tuple[FluxYear, ...] = ()

    def per_square_metre(self, year: FluxYear) -> int | None:
        """Return what a square metre used."""
        return None if self.area is None else round(year.amount / self.area)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attention:
    """A site that needs attention, and what is at stake in a year, in base units."""

    site: Site
    year: FluxYear
    concern: Concern
    amount: int


@dataclass(slots=True)
class Total:
    """What all sites together used of one kind."""

    kind: UseKind
    amount: int = 0
    sites: int = 0


def flux_year(kind: UseKind, days: DailyUse, hours: HourlyUse | None, line: Signature | None, weather: DailyWeather | None) -> FluxYear:
    """Return the last 365 of the days, beside those 52 weeks before; in like weather where the signature is reliable.

    `hours` are those until now, None where there are none; the weather has the same days.
    """
    year = days.last(YEAR_DAYS)
    colder = None
    if line is not None and weather is not None and line.reliable:
        degrees = np.where(weather.known, weather.degree_days(line.base_celsius), np.nan)
        colder = line.per_degree_day * (degrees[_YEAR_BEFORE_DAYS:] - degrees[:-_YEAR_BEFORE_DAYS])
    change, compared = _change(days, colder)
    unmeasured = ~year.measured
    return FluxYear(
        kind=kind,
        amount=year.total,
        missing_days=int(unmeasured.sum()),
        change=change,
        compared_days=compared,
        weather_adjusted=colder is not None,
        night_share=None if hours is None else _night_share(hours.last(_NIGHT_HOURS)),
        silent_days=int(np.argmin(unmeasured[::-1])) if year.measured.any() else len(unmeasured),
    )


def totals(sites: Iterable[Site]) -> tuple[Total, ...]:
    """Return what all sites together used, in the order of the fluxes."""
    found: dict[UseKind, Total] = {}
    for site in sites:
        for year in site.fluxes:
            total = found.setdefault(year.kind, Total(kind=year.kind))
            total.amount += year.amount
            total.sites += 1
    return tuple(sorted(found.values(), key=lambda total: total.kind.flux.value))


def attentions(sites: Sequence[Site]) -> tuple[Attention, ...]:
    """Return the greatest concern of each site, those at stake for the greatest share of their flux's total first; three at most."""
    whole = {total.kind: total.amount for total in totals(sites)}

    def weight(one: Attention) -> float:
        return one.amount / max(whole[one.year.kind], 1)

    greatest = [max(concerns, key=weight) for site in sites if (concerns := _concerns(site))]
    return tuple(sorted(greatest, key=weight, reverse=True)[:_MOST_ATTENTIONS])


def _concerns(site: Site) -> list[Attention]:
    found: list[Attention] = []
    for year in site.fluxes:
        at_stake: list[tuple[Concern, float]] = []
        if year.change is not None and year.change >= _RISING:
            at_stake.append((Concern.RISING, year.amount * year.change / (1 + year.change)))
        if year.night_share is not None and year.night_share > _NIGHT_MOST and site.use not in _WORKS_AT_NIGHT:
            at_stake.append((Concern.NIGHT, year.amount * (year.night_share - _NIGHT_USUAL)))
        if year.silent_days >= _SILENT_DAYS:
            known = YEAR_DAYS - year.missing_days
            at_stake.append((Concern.SILENT, year.amount / max(known, 1) * year.silent_days))
        found += [Attention(site=site, year=year, concern=concern, amount=round(amount)) for concern, amount in at_stake]
    return found


def _change(days: DailyUse, colder: Floats | None) -> tuple[float | None, int]:
    """Return the change against the year before over the days that both know, and how many those are.

    `colder`: for every day that has one before, what its colder weather added, NaN where that is not known.
    """
    now, before = slice(_YEAR_BEFORE_DAYS, None), slice(None, -_YEAR_BEFORE_DAYS)
    both = days.known[now] & days.known[before]
    if colder is not None:
        both &= np.isfinite(colder)
    both[:-YEAR_DAYS] = False
    compared = int(both.sum())
    former = float(days.value[before][both].sum()) + (0.0 if colder is None else float(colder[both].sum()))
    if compared < _LEAST_COMPARED or former <= 0:
        return None, compared
    return float(days.value[now][both].sum()) / former - 1, compared


def _night_share(hours: HourlyUse) -> float | None:
    night = (hours.minute >= _NIGHT_STARTS) | (hours.minute < _NIGHT_ENDS)
    whole = int(hours.value[hours.known].sum())
    return int(hours.value[hours.known & night].sum()) / whole if whole > 0 else None
