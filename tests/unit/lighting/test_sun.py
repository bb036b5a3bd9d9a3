"""Sunset and sunrise against libastro (VSOP87), which shares nothing with the equations of NOAA used here."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lighting.domain.inventory import Clock
from lighting.domain.nights import nights_at

ephem = pytest.importorskip("ephem", reason="the independent source is missing: install the dev group")

TOLERANCE_S = 15.0
PLACES = {
    "Lille": (50.633, 3.067, "Europe/Paris"),
    "Paris": (48.857, 2.351, "Europe/Paris"),
    "Marseille": (43.296, 5.381, "Europe/Paris"),
    "Saint-Denis de La Réunion": (-20.879, 55.448, "Indian/Reunion"),
}


def _astronomer(latitude: float, longitude: float) -> Any:
    observer = ephem.Observer()
    observer.lat, observer.lon = str(latitude), str(longitude)
    # Refraction is in the horizon already; 0.833° less half the sun's width is the centre's depth.
    observer.pressure, observer.horizon = 0, "-0:50"
    return observer


def _seconds(moment: Any) -> float:
    return ephem.Date(moment).datetime().replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize("place", PLACES)
def test_a_year_of_sunsets_and_sunrises_is_within_a_quarter_of_a_minute_of_an_independent_source(place: str) -> None:
    latitude, longitude, zone = PLACES[place]
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    nights = nights_at([Clock(latitude_degrees=latitude, longitude_degrees=longitude)], days, ZoneInfo(zone))
    observer = _astronomer(latitude, longitude)
    worst = 0.0
    for row in range(len(days)):
        observer.date = datetime.fromtimestamp(nights.start[row], UTC).replace(tzinfo=None)
        sunset = _seconds(observer.next_setting(ephem.Sun(), use_center=True))
        observer.date = datetime.fromtimestamp(nights.end[row], UTC).replace(tzinfo=None)
        sunrise = _seconds(observer.previous_rising(ephem.Sun(), use_center=True))
        worst = max(worst, abs(sunset - nights.sunset[row]), abs(sunrise - nights.sunrise[row]))
    assert worst < TOLERANCE_S


def test_the_southern_summer_has_short_nights() -> None:
    latitude, longitude, zone = PLACES["Saint-Denis de La Réunion"]
    nights = nights_at(
        [Clock(latitude_degrees=latitude, longitude_degrees=longitude)], [date(2026, 6, 21), date(2026, 12, 21)], ZoneInfo(zone)
    )
    winter, summer = (nights.sunrise - nights.sunset).tolist()
    assert winter > summer + 2 * 3_600


def test_where_the_sun_does_not_rise_the_night_lasts_from_noon_to_noon_and_where_it_stays_up_there_is_none() -> None:
    north = Clock(latitude_degrees=78, longitude_degrees=15)
    nights = nights_at([north], [date(2026, 12, 21), date(2026, 6, 21)], ZoneInfo("Arctic/Longyearbyen"))
    polar, bright = (nights.sunrise - nights.sunset).tolist()
    assert polar > 23 * 3_600
    assert bright <= 0
