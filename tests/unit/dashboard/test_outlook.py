"""What a page says of the days ahead."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from dashboard.outlook import outlook
from dashboard.panels import View
from dashboard.periods import Period, Span
from dashboard.words import ENGLISH, FRENCH, Words
from multiflux_client.forecast import Forecast, MonthEnd, WeatherBasis
from vocabulary.civil import Granularity
from vocabulary.flux import Flux, Quantity
from vocabulary.interval import Interval
from vocabulary.names import PointId

KWH = 3_600_000
LEVELS = (25, 100, 250, 500, 750, 900, 975)
ISSUED = datetime(2026, 3, 10, 6, tzinfo=UTC)


def view(words: Words) -> View:
    return View(words=words, period=Period(span=Span.MONTH, first=date(2026, 3, 1)), zone=ZoneInfo("Europe/Paris"))


def expected() -> Forecast:
    starts = int(datetime(2026, 3, 9, 23, tzinfo=UTC).timestamp()) + 86_400 * np.arange(7, dtype=np.int64)
    return Forecast(
        resource="meters/a",
        flux=Flux.ELECTRICITY,
        quantity=Quantity.ENERGY,
        granularity=Granularity.DAY,
        time_zone="Europe/Paris",
        issue_time=ISSUED,
        latest_time=ISSUED,
        model="panel/1",
        weather_basis=WeatherBasis.CLIMATOLOGY,
        starts=starts,
        ends=starts + 86_400,
        means=np.full(7, 10 * KWH),
        quantiles={level: np.full(7, (8 + at) * KWH) for at, level in enumerate(LEVELS)},
        sum_quantiles={level: np.arange(1, 8) * (9 * KWH + at * KWH // 3) for at, level in enumerate(LEVELS)},
        calendar_percent=90,
        weather_percent=5,
        recent_percent=5,
        sentence_fr="Parce que.",
        sentence_en="Because.",
        simulated=False,
    )


def month_end(*, priced: bool = True) -> MonthEnd:
    return MonthEnd(
        metering_point=PointId("a"),
        flux=Flux.ELECTRICITY,
        quantity=Quantity.ENERGY,
        month=Interval(start=datetime(2026, 2, 28, 23, tzinfo=UTC), end=datetime(2026, 3, 31, 22, tzinfo=UTC)),
        known_amount=90 * KWH,
        known_time=ISSUED,
        mean_amount=300 * KWH,
        quantiles={100: 280 * KWH, 900: 320 * KWH},
        currency_code="EUR" if priced else "",
        mean_micros=60_000_000,
        bill_quantiles={100: 56_000_000, 900: 64_000_000} if priced else {},
        over_budget_percent=None,
        missing_prices=(),
        issue_time=ISSUED,
        simulated=False,
    )


@pytest.mark.parametrize(
    ("words", "finding", "ends"),
    [
        (FRENCH, "Les 7 prochains jours : de 65,3 à 74,7\u202fkWh d’électricité, huit fois sur dix", "soit 56 à 64\u202f€."),
        (ENGLISH, "The next 7 days: 65.3 to 74.7\u202fkWh of electricity, eight times out of ten", "or 56 to 64\u202f€."),
    ],
)
def test_days_ahead_and_the_month_are_told_as_ranges(words: Words, finding: str, ends: str) -> None:
    shown = outlook(view(words), expected(), month_end())
    assert shown.finding == finding
    assert shown.month_end.endswith(ends)
    assert ("mars" in shown.month_end) == (words is FRENCH)
    assert (len(shown.rows), len(shown.fan.bands), shown.fan.median.count(",")) == (7, 3, 7)
    assert words.outlook_climatology in shown.notes


def test_without_prices_the_month_has_no_bill_and_a_place_has_no_month() -> None:
    assert "€" not in outlook(view(FRENCH), expected(), month_end(priced=False)).month_end
    assert outlook(view(FRENCH), expected(), None).month_end == ""
