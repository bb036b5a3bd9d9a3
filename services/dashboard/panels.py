"""Turns the consumption of one flux into what a page shows of it: a finding, a chart, its table, and notes on coverage and quality."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from dashboard.charts import Chart, Slot, bars
from dashboard.figures import Unit, amount, display_unit, moment, number, period_name, share, slot_name, tick_name
from dashboard.periods import Period
from dashboard.words import Words
from multiflux_client.consumption import ConsumptionSeries
from vocabulary.civil import Granularity
from vocabulary.flux import Flux
from vocabulary.quality import Quality

_SAME_WITHIN = 0.005
_FULL_COVERAGE = 0.95


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A line of the table behind a chart."""

    time: str
    amount: str
    quality: str
    coverage: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """What a page shows of one flux; without a chart, `next_step` says what to do."""

    css: str
    finding: str
    chart: Chart | None = None
    axis: str = ""
    notes: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    csv: str = ""
    next_step: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """How a page is seen: its words, its period and its time zone."""

    words: Words
    period: Period
    zone: ZoneInfo


def panel(view: View, now: ConsumptionSeries, year_before: ConsumptionSeries | None, *, csv: str) -> Panel:
    """Return the panel of a flux; a series without any figure becomes a panel that says so."""
    known = now.qualities > 0
    of_flux = view.words.of_fluxes[now.flux]
    if not known.any():
        if not now.points:
            return empty_panel(now.flux, view.words.no_point.format(of_flux=of_flux), "")
        finding = view.words.no_readings.format(period=_period(view), of_flux=of_flux)
        return empty_panel(now.flux, finding, view.words.no_readings_next)
    unit = display_unit(now.quantity, int(now.amounts[known].max()))
    slots = [_slot(view, now, n, unit) for n in range(len(now.starts))]
    return Panel(
        css=css_class(now.flux),
        finding=_finding(view, now, year_before),
        chart=bars(slots, lambda value: number(value, view.words.language)),
        axis=view.words.axis.format(unit=unit.symbol, slot=_slot_word(view, now.granularity)),
        notes=_notes(view, now),
        rows=tuple(_row(view, slot, int(now.coverage_percents[n]), unit) for n, slot in enumerate(slots)),
        csv=csv,
    )


def empty_panel(flux: Flux, finding: str, next_step: str) -> Panel:
    """Return the panel of a flux that has nothing to draw, and why."""
    return Panel(css=css_class(flux), finding=finding, next_step=next_step)


def css_class(flux: Flux) -> str:
    """Return the style sheet's class of a flux."""
    return flux.name.lower()


def _period(view: View) -> str:
    name = period_name(view.period, view.words.language)
    return name[:1].upper() + name[1:]


def _slot_word(view: View, granularity: Granularity) -> str:
    french = view.words.language == "fr"
    if granularity is Granularity.GAS_DAY:
        return "jour gazier (de 6 h à 6 h)" if french else "gas day (06:00 to 06:00)"
    match view.period.span.value:
        case "day":
            return "demi-heure" if french else "half-hour"
        case "year":
            return "mois" if french else "month"
        case _:
            return "jour" if french else "day"


def _slot(view: View, series: ConsumptionSeries, n: int, unit: Unit) -> Slot:
    start = datetime.fromtimestamp(int(series.starts[n]), UTC)
    name = slot_name(start, view.period.span, view.zone, view.words.language)
    tick = tick_name(start, view.period.span, view.zone, view.words.language)
    if series.qualities[n] == 0:
        return Slot(value=None, quality=None, name=name, tick=tick, text=f"{name} : {view.words.gap}")
    quality = Quality(int(series.qualities[n]))
    written = f"{number(int(series.amounts[n]) / unit.base_units, view.words.language)} {unit.symbol}"
    return Slot(
        value=int(series.amounts[n]) / unit.base_units,
        quality=quality,
        name=name,
        tick=tick,
        text=f"{name} : {written}, {view.words.qualities[quality]}",
    )


def _row(view: View, slot: Slot, coverage_percent: int, unit: Unit) -> Row:
    language = view.words.language
    return Row(
        time=slot.name,
        amount="—" if slot.value is None else f"{number(slot.value, language)} {unit.symbol}",
        quality=view.words.gap if slot.quality is None else view.words.qualities[slot.quality],
        coverage=share(coverage_percent / 100, language),
    )


def _finding(view: View, now: ConsumptionSeries, year_before: ConsumptionSeries | None) -> str:
    known = now.qualities > 0
    total = int(now.amounts[known].sum())
    words = {
        "period": _period(view),
        "amount": amount(total, display_unit(now.quantity, total), view.words.language),
        "of_flux": view.words.of_fluxes[now.flux],
    }
    change = _change(now, year_before)
    if change is None:
        return view.words.finding.format(**words)
    if abs(change) < _SAME_WITHIN:
        return view.words.finding_same.format(**words)
    form = view.words.finding_more if change > 0 else view.words.finding_less
    return form.format(**words, difference=share(abs(change), view.words.language))


def _change(now: ConsumptionSeries, before: ConsumptionSeries | None) -> float | None:
    """Return the change against the year before over the slots that both know, None when those are fewer than the slots known now."""
    if before is None or not len(before.starts):
        return None
    length = min(len(now.starts), len(before.starts))
    now_known, before_known = now.qualities > 0, before.qualities[:length] > 0
    both = now_known[:length] & before_known
    if both.sum() < now_known.sum():
        return None
    former = int(before.amounts[:length][both].sum())
    return None if former <= 0 else int(now.amounts[:length][both].sum()) / former - 1


def _notes(view: View, series: ConsumptionSeries) -> tuple[str, ...]:
    words, notes = view.words, list[str]()
    coverage = float(np.mean([point.coverage_percent for point in series.points])) / 100 if series.points else 0.0
    if coverage < _FULL_COVERAGE:
        notes.append(words.coverage.format(coverage=share(coverage, words.language)))
    if (series.qualities == Quality.ESTIMATED).any():
        notes.append(words.estimated_part)
    if series.profile:
        notes.append(words.profile)
    if suspects := sum(point.suspect_count for point in series.points):
        notes.append(words.suspects.format(count=suspects))
    latest = max((point.latest_time for point in series.points if point.latest_time), default=None)
    if latest is not None:
        notes.append(words.latest.format(moment=moment(latest, view.zone, words.language)))
    notes.append(words.source.format(count=len(series.points)))
    return tuple(notes)
