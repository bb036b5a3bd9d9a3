"""What the days ahead are expected to bring: a finding with its range, a fan around the median, and the table behind it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from babel.dates import format_date
from babel.numbers import format_currency

from dashboard.charts import BOTTOM, HEIGHT, LEFT, TOP, WIDTH, Tick, axis_steps
from dashboard.figures import Unit, amount, display_unit, moment, number, slot_name, tick_name
from dashboard.panels import View, css_class
from dashboard.periods import Span
from multiflux_client.forecast import Forecast, MonthEnd, WeatherBasis

DAYS = 7
_BANDS = ((25, 975), (100, 900), (250, 750))
"""The intervals of 95, 80 and 50 %, by the per mille of their bounds."""
_MOST_TICKS = 7
_MICROS = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Fan:
    """Bands, the widest first, and the median, as points of SVG shapes in a box of WIDTH × HEIGHT."""

    bands: tuple[str, ...]
    median: str
    times: tuple[Tick, ...]
    values: tuple[Tick, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Day:
    """A line of the table behind the fan."""

    time: str
    median: str
    low: str
    high: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """What a page shows of the days ahead of one flux."""

    css: str
    finding: str
    axis: str
    fan: Fan
    why: str
    month_end: str
    notes: tuple[str, ...]
    rows: tuple[Day, ...]


def outlook(view: View, expected: Forecast, end: MonthEnd | None) -> Outlook:
    """Return the outlook of the next days."""
    words, language = view.words, view.words.language
    greatest = int(expected.quantiles[_BANDS[0][1]].max(initial=0))
    unit = display_unit(expected.quantity, greatest)
    low, high = (int(expected.sum_quantiles[share][-1]) for share in (100, 900))
    of_total = display_unit(expected.quantity, high)
    basis = words.outlook_weather if expected.weather_basis is WeatherBasis.FORECAST else words.outlook_climatology
    return Outlook(
        css=css_class(expected.flux),
        finding=words.outlook.format(
            days=len(expected.starts),
            low=number(low / of_total.base_units, language),
            high=amount(high, of_total, language),
            of_flux=words.of_fluxes[expected.flux],
        ),
        axis=words.outlook_axis.format(unit=unit.symbol),
        month_end="" if end is None else _month_end(view, end),
        fan=_fan(view, expected, unit),
        why=expected.sentence_fr if language == "fr" else expected.sentence_en,
        notes=(
            words.outlook_range,
            basis,
            words.outlook_issued.format(
                issued=moment(expected.issue_time, view.zone, language), latest=moment(expected.latest_time, view.zone, language)
            ),
        ),
        rows=tuple(_row(view, expected, at, unit) for at in range(len(expected.starts))),
    )


def _month_end(view: View, end: MonthEnd) -> str:
    """Return the month's end in a sentence: a range of the quantity, and of the bill where there are prices."""
    words, language = view.words, view.words.language
    month = format_date(end.month.start.astimezone(view.zone), format="LLLL", locale=language)
    low, high = end.quantiles[100], end.quantiles[900]
    unit = display_unit(end.quantity, high)
    said = words.month_end.format(
        month=month, low=number(low / unit.base_units, language), high=amount(high, unit, language), of_flux=words.of_fluxes[end.flux]
    )
    if not end.bill_quantiles:
        return words.sentence.format(said=said)
    least, most = (round(end.bill_quantiles[share] / _MICROS) for share in (100, 900))
    cost = words.month_end_cost.format(
        low=least, high=format_currency(most, end.currency_code, format="#,##0\u202f¤", locale=language, currency_digits=False)
    )
    return words.sentence.format(said=said + cost)


def _row(view: View, expected: Forecast, at: int, unit: Unit) -> Day:
    def written(per_mille: int) -> str:
        return amount(int(expected.quantiles[per_mille][at]), unit, view.words.language)

    start = datetime.fromtimestamp(int(expected.starts[at]), UTC)
    name = slot_name(start, Span.WEEK, view.zone, view.words.language)
    return Day(time=name, median=written(500), low=written(100), high=written(900))


def _fan(view: View, expected: Forecast, unit: Unit) -> Fan:
    language = view.words.language
    shown = {share: (column / unit.base_units).tolist() for share, column in expected.quantiles.items()}
    steps = axis_steps(max(shown[_BANDS[0][1]], default=0.0))
    zero, scale = HEIGHT - BOTTOM, (HEIGHT - BOTTOM - TOP) / steps[-1]
    pitch = (WIDTH - LEFT) / max(len(expected.starts), 1)
    across = [LEFT + pitch * (at + 0.5) for at in range(len(expected.starts))]
    starts = [datetime.fromtimestamp(int(at), UTC) for at in expected.starts]
    every = max(1, -(-len(starts) // _MOST_TICKS))
    ticks = [tick_name(start, Span.WEEK, view.zone, language) for start in starts]

    def line(values: Sequence[float]) -> list[str]:
        return [f"{x:.1f},{zero - value * scale:.1f}" for x, value in zip(across, values, strict=True)]

    return Fan(
        bands=tuple(" ".join(line(shown[low]) + line(shown[high])[::-1]) for low, high in _BANDS),
        median=" ".join(line(shown[500])),
        times=tuple(Tick(at=across[at], text=ticks[at]) for at in range(0, len(ticks), every)),
        values=_values(steps, zero, scale, lambda value: number(value, language)),
    )


def _values(steps: Sequence[float], zero: float, scale: float, write: Callable[[float], str]) -> tuple[Tick, ...]:
    return tuple(Tick(at=zero - step * scale, text=write(step)) for step in steps)
