"""A home beside itself a year before, at the weather of this year."""

from datetime import date

import pytest

from comparison.domain.months import after
from comparison.domain.wording import year_sentence
from comparison.domain.year_on_year import Correction, YearOnYear, year_on_year
from vocabulary.flux import Flux

NOW, BEFORE = date(2026, 1, 1), date(2025, 1, 1)
YEAR = [after(BEFORE, at) for at in range(12)]
DEGREES = dict(zip(YEAR, (400.0, 330.0, 280.0, 170.0, 80.0, 20.0, 5.0, 10.0, 60.0, 160.0, 290.0, 380.0), strict=True))
HEATED = {month: 30 * (after(month) - month).days + 2 * degrees for month, degrees in DEGREES.items()}


def test_a_warmer_month_is_no_saving_and_a_colder_one_no_waste() -> None:
    for degrees in (200.0, 400.0, 550.0):
        same_habits = {**HEATED, NOW: 30 * 31 + 2 * degrees}
        found = year_on_year(Flux.GAS, NOW, same_habits, {**DEGREES, NOW: degrees})
        assert found is not None
        assert (found.correction, found.amount) == (Correction.CORRECTED, HEATED[BEFORE])
        assert found.corrected == pytest.approx(same_habits[NOW], rel=0.01)
        assert found.change == pytest.approx(0, abs=0.01)


def test_a_tenth_less_with_the_same_weather_is_a_tenth_less() -> None:
    found = year_on_year(Flux.ELECTRICITY, NOW, {**HEATED, NOW: 0.9 * HEATED[BEFORE]}, {**DEGREES, NOW: DEGREES[BEFORE]})
    assert found is not None
    assert found.change == pytest.approx(-0.1)


@pytest.mark.parametrize(
    "degrees", [{}, DEGREES, {month: DEGREES[month] for month in YEAR[1:]} | {NOW: 300.0}, {BEFORE: 400.0, NOW: 300.0}]
)
def test_without_enough_weather_it_is_not_corrected_and_says_so(degrees: dict[date, float]) -> None:
    found = year_on_year(Flux.GAS, NOW, {**HEATED, NOW: HEATED[BEFORE]}, degrees)
    assert found is not None
    assert (found.correction, found.corrected, found.change) == (Correction.UNKNOWN, None, 0)
    assert "not corrected" in year_sentence(Flux.GAS, found).english
    assert "sans correction" in year_sentence(Flux.GAS, found).french


@pytest.mark.parametrize("used", [[100.0] * 12, [100.0, 300.0] * 6, [50.0 + at * (11 - at) for at in range(12)]])
def test_what_does_not_follow_the_weather_is_not_corrected(used: list[float]) -> None:
    found = year_on_year(Flux.ELECTRICITY, NOW, {**dict(zip(YEAR, used, strict=True)), NOW: 100.0}, {**DEGREES, NOW: 100.0})
    assert found is not None
    assert (found.correction, found.corrected) == (Correction.NOT_NEEDED, None)


def test_water_is_never_corrected() -> None:
    found = year_on_year(Flux.WATER, NOW, {**HEATED, NOW: 1.5 * HEATED[BEFORE]}, {**DEGREES, NOW: 0.0})
    assert found is not None
    assert (found.correction, round(found.change, 6)) == (Correction.NOT_NEEDED, 0.5)
    assert year_sentence(Flux.WATER, found).english == "You used 50% more than in the same month a year earlier."
    assert year_sentence(Flux.WATER, found).french == "Vous avez consommé 50 % de plus que le même mois un an plus tôt."


def test_without_one_of_the_two_months_there_is_nothing_to_say() -> None:
    assert year_on_year(Flux.GAS, NOW, HEATED, DEGREES) is None
    assert year_on_year(Flux.GAS, NOW, {NOW: 10.0}, DEGREES) is None
    assert year_on_year(Flux.GAS, NOW, {NOW: 10.0, BEFORE: 0.0}, DEGREES) is None


def test_less_than_half_a_percent_is_about_as_much() -> None:
    found = YearOnYear(month=BEFORE, amount=1_000, corrected=1_000, correction=Correction.CORRECTED, change=0.004)
    assert year_sentence(Flux.GAS, found).english == "With the same weather, you used about as much as in the same month a year earlier."
