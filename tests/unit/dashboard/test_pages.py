"""What a page shows of figures: periods, units, bars, and the finding above them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import grpc
import numpy as np
import pytest

from dashboard.charts import Form, Slot, axis_steps, bars
from dashboard.figures import amount, display_unit, number, share
from dashboard.pages import _failed, consumption_csv
from dashboard.panels import Panel, View, panel
from dashboard.periods import Period, Span, containing, period_from
from dashboard.words import ENGLISH, FRENCH, Words
from multiflux_client.consumption import ConsumptionSeries, PointCoverage
from multiflux_client.failures import RemoteFailure
from vocabulary.civil import Granularity, local_midnight
from vocabulary.failure import InvalidRequest
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.names import PointId
from vocabulary.quality import Quality

PARIS = ZoneInfo("Europe/Paris")
OCTOBER = Period(span=Span.MONTH, first=date(2026, 10, 1))
KWH = 3_600_000


def series(amounts: list[int], qualities: list[int], *, day: date = OCTOBER.first, coverage: float = 100.0) -> ConsumptionSeries:
    starts = [int(local_midnight(day + timedelta(days=n), PARIS).timestamp()) for n in range(len(amounts) + 1)]
    return ConsumptionSeries(
        resource="places/town",
        flux=Flux.ELECTRICITY,
        direction=Direction.IMPORT,
        quantity=Quantity.ENERGY,
        granularity=Granularity.DAY,
        time_zone="Europe/Paris",
        starts=np.array(starts[:-1], np.int64),
        ends=np.array(starts[1:], np.int64),
        amounts=np.array(amounts, np.int64),
        qualities=np.array(qualities, np.uint8),
        coverage_percents=np.full(len(amounts), int(coverage), np.uint8),
        points=(
            PointCoverage(
                metering_point=PointId("a"),
                coverage_percent=coverage,
                quality=Quality.MEASURED,
                latest_time=datetime(2026, 10, 3, 21, 30, tzinfo=UTC),
                suspect_count=2,
            ),
        ),
        profile=False,
        simulated=True,
        known_sequence=7,
    )


def shown(words: Words, now: ConsumptionSeries, before: ConsumptionSeries | None = None) -> Panel:
    return panel(View(words=words, period=OCTOBER, zone=PARIS), now, before, csv="/x.csv")


def test_a_month_with_its_neighbours_has_no_hole() -> None:
    assert OCTOBER.previous.interval(PARIS).end == OCTOBER.interval(PARIS).start
    assert OCTOBER.interval(PARIS).end == OCTOBER.following.interval(PARIS).start
    assert OCTOBER.interval(PARIS).duration == timedelta(days=31, hours=1), "clocks go back in October"


def test_a_day_is_compared_with_the_same_weekday() -> None:
    day = Period(span=Span.DAY, first=date(2026, 10, 7))
    assert day.a_year_before().first.weekday() == day.first.weekday()


def test_an_address_without_a_day_shows_yesterday() -> None:
    now = datetime(2026, 10, 1, 8, tzinfo=UTC)
    assert period_from("", "", now=now, zone=PARIS) == containing(date(2026, 9, 30), Span.MONTH)


@pytest.mark.parametrize(("span", "day"), [("decade", ""), ("day", "2026-13-01"), ("day", "yesterday")])
def test_an_address_that_means_nothing_is_refused(span: str, day: str) -> None:
    with pytest.raises(InvalidRequest):
        period_from(span, day, now=datetime(2026, 10, 1, tzinfo=UTC), zone=PARIS)


def test_numbers_have_three_digits_and_the_separators_of_their_language() -> None:
    assert [number(value, "en") for value in (1234.5, 123.4, 12.34, 1.234, 0)] == ["1,230", "123", "12.3", "1.23", "0"]
    assert number(12.34, "fr") == "12,3"
    assert amount(182 * KWH, display_unit(Quantity.ENERGY, 182 * KWH), "fr") == "182\u202fkWh"
    assert amount(45_000 * KWH, display_unit(Quantity.ENERGY, 45_000 * KWH), "en") == "45\u202fMWh"
    assert share(0.09, "fr") == "9\u202f%"


def test_an_axis_begins_at_zero_and_reaches_the_greatest_value() -> None:
    for greatest in (0.3, 1.0, 7.0, 99.0, 12_345.0):
        steps = axis_steps(greatest)
        assert steps[0] == 0.0
        assert steps[-1] >= greatest
        assert 3 <= len(steps) <= 7


def test_the_form_of_a_bar_tells_its_quality_and_a_gap_has_no_height() -> None:
    slots = [
        Slot(value=value, quality=quality, name="", tick="", text="")
        for value, quality in ((2.0, Quality.MEASURED), (1.0, Quality.ESTIMATED), (None, None))
    ]
    drawn = bars(slots, str).bars
    assert [bar.form for bar in drawn] == [Form.MEASURED, Form.ESTIMATED, Form.GAP]
    assert drawn[0].height == 2 * drawn[1].height > 0 == drawn[2].height


def test_the_finding_compares_with_the_year_before_in_both_languages() -> None:
    now, before = series([90 * KWH, 92 * KWH], [2, 2]), series([100 * KWH, 100 * KWH], [2, 2], day=date(2025, 10, 1))
    assert shown(FRENCH, now, before).finding == "Octobre 2026 : 182\u202fkWh d’électricité, 9\u202f% de moins qu’un an avant"
    assert shown(ENGLISH, now, before).finding == "October 2026: 182\u202fkWh of electricity, 9% less than a year before"


def test_there_is_no_comparison_with_a_year_that_is_less_known() -> None:
    now, before = series([90 * KWH, 92 * KWH], [2, 2]), series([100 * KWH, 0], [2, 0], day=date(2025, 10, 1))
    assert shown(ENGLISH, now, before).finding == "October 2026: 182\u202fkWh of electricity"


def test_a_gap_is_no_zero_in_sum_table_and_file() -> None:
    now = series([90 * KWH, 0, 10 * KWH], [2, 0, 3], coverage=66.0)
    page = shown(ENGLISH, now)
    assert page.finding == "October 2026: 100\u202fkWh of electricity"
    assert [row.amount for row in page.rows] == ["90 kWh", "—", "10 kWh"]
    assert [row.quality for row in page.rows] == ["measured", "no data", "estimated"]
    assert any("66%" in note for note in page.notes)
    assert any("2 suspect" in note for note in page.notes)
    lines = consumption_csv(now, PARIS).splitlines()
    assert lines[2].endswith(",,,66")
    assert lines[1].startswith("2026-10-01T00:00:00+02:00,")


def test_no_figure_at_all_says_what_to_do() -> None:
    page = shown(FRENCH, series([0, 0], [0, 0]))
    assert page.chart is None
    assert page.next_step == FRENCH.no_readings_next


def marks(text: str) -> set[str]:
    return {part.partition("}")[0] for part in text.split("{")[1:]}


def test_both_languages_fill_in_the_same_facts() -> None:
    for name in Words.__slots__:
        french, english = getattr(FRENCH, name), getattr(ENGLISH, name)
        if isinstance(french, str):
            assert marks(french) == marks(english), name
        elif isinstance(french, dict):
            assert french.keys() == english.keys()


@pytest.mark.parametrize(("words", "said"), [(FRENCH, "rien n’est perdu"), (ENGLISH, "nothing is lost")])
def test_a_page_says_that_filed_readings_are_away_and_draws_no_zero(words: Words, said: str) -> None:
    failure = RemoteFailure("away", code=grpc.StatusCode.UNAVAILABLE, reason="READINGS_AWAY")
    shown = _failed(View(words=words, period=OCTOBER, zone=PARIS), Flux.ELECTRICITY, failure)
    assert said in shown.finding
    assert shown.next_step
    assert (
        said
        not in _failed(
            View(words=words, period=OCTOBER, zone=PARIS), Flux.WATER, RemoteFailure("", code=grpc.StatusCode.UNAVAILABLE)
        ).finding
    )
