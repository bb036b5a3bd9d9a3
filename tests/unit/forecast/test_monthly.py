"""Months ahead: the model is chosen by what it would have done, and what is not known is not made up."""

from dataclasses import dataclass

import numpy as np
import pytest
from forecast_world import month_starts, winter_months

from forecast.adapters.month_models import month_models
from forecast.domain.columns import Floats
from forecast.domain.failures import InsufficientHistory
from forecast.domain.monthly import OWN_MODELS, DegreeDays, Months, SeasonalNaive, forecast, place_forecast
from forecast.domain.task import ForecastTask, carried_out
from vocabulary.civil import Granularity

COUNT = 36


def months(count: int = COUNT, temperature: Floats | None = None) -> Months:
    numbers = np.arange(count + 12) % 12 + 1
    return Months.of(numbers, np.full(count + 12, 30.0), np.full(count + 12, np.nan) if temperature is None else temperature)


@dataclass(frozen=True)
class Constant:
    """Says the same of every month."""

    rate: float
    name: str = "constant"

    def ahead(self, rates: Floats, months: Months) -> Floats:
        return np.full(len(months.numbers) - len(rates), self.rate)


def test_each_month_is_expected_as_a_year_before_by_the_naive_model() -> None:
    amounts = winter_months(3, COUNT)
    found = forecast(amounts, months(), (SeasonalNaive(),))
    assert found.mean == pytest.approx(amounts[:, -12:])
    assert (np.diff(found.quantiles, axis=2) >= 0).all()


def test_the_model_that_did_best_at_the_points_own_past_origins_is_chosen() -> None:
    amounts = np.full((1, COUNT), 300.0)
    amounts[0, 10::12] = 900.0
    found = forecast(amounts, months(), (Constant(10.0), SeasonalNaive(), Constant(500.0)))
    chosen, *others = found.scores[0]
    assert (chosen.model, chosen.wape, chosen.origins) == ("seasonal naive", 0.0, 5)
    assert all(other.wape > 0 for other in others)
    assert found.mean[0, 10] == 900.0


def test_a_cold_winter_is_not_taken_for_the_usual_one() -> None:
    temperature = 11 - 8 * np.cos(2 * np.pi * np.arange(COUNT + 12) / 12)
    temperature[24:27] -= 6
    temperature[COUNT:] = np.nan
    rates = 2 + np.maximum(15.5 - temperature[:COUNT], 0)
    around = months(temperature=temperature)
    by_weather = DegreeDays().ahead(rates, around)
    usual = 2 + np.maximum(15.5 - (11 - 8 * np.cos(2 * np.pi * np.arange(12) / 12)), 0)
    naive = SeasonalNaive().ahead(rates, around)
    assert np.abs(by_weather - usual)[:3].sum() < 0.5 * np.abs(naive - usual)[:3].sum()


def test_missing_months_are_filled_from_other_years_and_not_with_zero() -> None:
    amounts = winter_months(1, COUNT, noise=0)
    gappy = amounts.copy()
    gappy[0, [25, 29, 30]] = np.nan
    assert forecast(gappy, months(), OWN_MODELS).mean == pytest.approx(forecast(amounts, months(), OWN_MODELS).mean, rel=0.02)


def test_eleven_months_are_too_few_and_twelve_are_enough() -> None:
    with pytest.raises(InsufficientHistory) as caught:
        forecast(winter_months(1, 11), months(11), OWN_MODELS)
    assert caught.value.metadata == {"days_required": "360", "days_available": "330"}
    found = forecast(winter_months(1, 12), months(12), OWN_MODELS)
    assert found.scores == ((),)
    assert (found.quantiles[0, :, 0] < found.mean[0]).all()


def test_a_place_expects_what_its_points_do_together_and_is_surer_than_they_are() -> None:
    amounts = winter_months(30, COUNT, noise=0.2)
    points, place = forecast(amounts, months(), OWN_MODELS), place_forecast(amounts, months(), OWN_MODELS)
    assert place.mean[0] == pytest.approx(points.mean.sum(axis=0))
    widths = points.quantiles[:, :, 5] - points.quantiles[:, :, 1]
    assert (place.quantiles[0, :, 5] - place.quantiles[0, :, 1] < widths.sum(axis=0)).all()


def test_eight_of_ten_months_fall_inside_the_80_percent_interval() -> None:
    amounts = winter_months(200, COUNT + 12, noise=0.15)
    found = forecast(amounts[:, :COUNT], months(), OWN_MODELS)
    actual = amounts[:, COUNT:]
    inside = (actual >= found.quantiles[:, :, 1]) & (actual <= found.quantiles[:, :, 5])
    assert 0.75 < inside.mean() < 0.93


@pytest.mark.parametrize("count", [18, 36])
def test_models_of_statsmodels_take_part_and_an_idle_point_stays_at_zero(count: int) -> None:
    models = month_models()
    assert [model.name for model in models[2:]] == ["exponential smoothing", "sarimax"]
    amounts = np.vstack([winter_months(1, count), np.zeros((1, count))])
    found = forecast(amounts, months(count), models)
    assert {score.model for score in found.scores[0]} == {model.name for model in models}
    assert np.isfinite(found.mean).all()
    assert found.mean[1] == pytest.approx(0)


def test_after_a_lasting_change_of_level_the_year_before_is_not_repeated() -> None:
    amounts = winter_months(1, COUNT, noise=0.02)
    amounts[0, 22:] *= 0.2
    actual = amounts[0, 24:] * 1
    found = forecast(amounts, months(), month_models())
    assert np.abs(found.mean[0] - actual).sum() < 0.25 * actual.sum()


def test_a_task_of_months_leaves_out_points_that_are_too_young() -> None:
    amounts = winter_months(2, COUNT)
    amounts[0, :30] = np.nan
    task = ForecastTask(
        granularity=Granularity.MONTH,
        amounts=amounts,
        starts=month_starts(COUNT + 12),
        temperature=np.full(COUNT + 12, np.nan),
        error_celsius=0.0,
        time_zone="Europe/Paris",
        public_holidays=frozenset(),
        school_holidays=frozenset(),
    )
    computed = carried_out(task)
    assert (computed.rows.tolist(), computed.mean.shape, computed.quantiles.shape) == ([1], (1, 12), (1, 12, 7))
    assert sum(computed.parts[0]) == pytest.approx(100)
