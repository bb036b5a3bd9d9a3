"""What a forecast is made of, in words."""

import numpy as np
import pytest

from forecast.domain.explanation import sentences
from forecast.domain.kept import shares


def test_weather_and_recent_days_are_named_in_both_languages() -> None:
    words = sentences((60.0, 45.0, -5.0))
    assert words.french == (
        "45\u202f% de la consommation prévue tient à la température ; "
        "les derniers jours portent la prévision 5\u202f% en dessous de l’habitude."
    )
    assert (
        words.english == "45% of the expected consumption is due to the temperature; the last days put the forecast 5% below what is usual."
    )


def test_the_usual_rhythm_is_said_when_nothing_else_matters() -> None:
    assert sentences((99.0, 0.5, 0.5)).english == "The forecast follows the usual rhythm of hour, day and season."


@pytest.mark.parametrize(("parts", "expected"), [((2.0, 1.0, 1.0), (50.0, 25.0, 25.0)), ((0.0, 0.0, 0.0), (100.0, 0.0, 0.0))])
def test_shares_are_per_cent_of_the_sum(parts: tuple[float, ...], expected: tuple[float, ...]) -> None:
    assert shares(np.array(parts)) == expected
