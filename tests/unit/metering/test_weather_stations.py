"""Weather stations: what is refused, and which places they may serve."""

import pytest

from metering.domain.registry.failures import FieldFault, RepeatedValue, UnknownPlace
from metering.domain.registry.geometry import Position
from metering.domain.weather.failures import PlaceHasStation
from metering.domain.weather.stations import WeatherStation, check_places
from vocabulary.names import PlaceId, WeatherStationId

CHURCH, TOWN = PlaceId("church"), PlaceId("town")
HILL, VALLEY = WeatherStationId("hill"), WeatherStationId("valley")


def station(*places: PlaceId, name: str = "The hill", altitude: int = 430) -> WeatherStation:
    position = Position(latitude=45.29, longitude=3.38)
    return WeatherStation(station_id=HILL, display_name=name, position=position, altitude_metres=altitude, places=places)


def test_places_are_held_by_id() -> None:
    assert station(TOWN, CHURCH).places == (CHURCH, TOWN)


def test_a_place_named_twice_is_refused() -> None:
    with pytest.raises(RepeatedValue):
        station(TOWN, TOWN)


@pytest.mark.parametrize(("name", "altitude"), [("", 0), ("a\nb", 0), ("Hill", 9_001), ("Hill", -501)])
def test_what_no_station_has_is_refused(name: str, altitude: int) -> None:
    with pytest.raises(FieldFault):
        station(name=name, altitude=altitude)


def test_an_unknown_place_is_refused() -> None:
    with pytest.raises(UnknownPlace) as refused:
        check_places(station(CHURCH, TOWN), {TOWN}, {})
    assert refused.value.metadata["place"] == CHURCH


def test_a_place_of_another_station_is_refused_and_its_own_is_not() -> None:
    check_places(station(TOWN), {TOWN}, {TOWN: HILL})
    with pytest.raises(PlaceHasStation) as refused:
        check_places(station(TOWN), {TOWN}, {TOWN: VALLEY})
    assert refused.value.metadata == {"place": TOWN, "weather_station": VALLEY}
