"""Weather stations, and whose weather theirs is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from metering.domain.registry.failures import MissingValue, OutOfRange, RepeatedValue, UnknownPlace, refuse
from metering.domain.registry.geometry import Position
from metering.domain.registry.identifiers import check_number, check_text
from metering.domain.weather.failures import PlaceHasStation
from vocabulary.names import PlaceId, WeatherStationId

MOST_PLACES = 1_000

_LOWEST_METRES, _HIGHEST_METRES = -500, 9_000
"""The shore of the Dead Sea and the highest summit, rounded outwards."""
_LONGEST_SOURCE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherStation:
    """A station, real or a grid point; `places` are those whose weather it is, by id, `source` who observes it under which licence."""

    station_id: WeatherStationId
    display_name: str
    position: Position
    altitude_metres: int
    places: tuple[PlaceId, ...] = ()
    simulated: bool = False
    source: str = ""

    def __post_init__(self) -> None:
        """Refuse what is wrong whatever else the territory holds; `check_places` does the rest."""
        refuse(
            check_text("display_name", self.display_name) if self.display_name else MissingValue("display_name", "is required"),
            check_number("altitude_metres", self.altitude_metres, _LOWEST_METRES, _HIGHEST_METRES),
            check_text("source", self.source, longest=_LONGEST_SOURCE),
            OutOfRange("places", f"at most {MOST_PLACES:,}") if len(self.places) > MOST_PLACES else None,
            RepeatedValue("places", "names a place twice") if len(set(self.places)) < len(self.places) else None,
        )
        object.__setattr__(self, "places", tuple(sorted(self.places)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Location:
    """Where weather is asked for: at a station, or else in a place."""

    station: WeatherStationId | None = None
    place: PlaceId | None = None


def check_places(station: WeatherStation, known: Collection[PlaceId], served: Mapping[PlaceId, WeatherStationId]) -> None:
    """Refuse places that are not among those `known` (UnknownPlace), and those that another station serves (PlaceHasStation)."""
    refuse(*(UnknownPlace("station.places", f"there is no place {place}", place=place) for place in station.places if place not in known))
    for place in station.places:
        other = served.get(place, station.station_id)
        if other != station.station_id:
            raise PlaceHasStation(f"{place} has the weather of {other}", place=place, weather_station=other)
