"""The town's two weather stations: what they observe, and what is forecast for them."""

from dataclasses import dataclass

import numpy as np

from simulation.draws import Draws, Floats, Ints
from simulation.plans import CHANTELIEU, ORVELLE
from simulation.registry import Position
from simulation.weather import HOUR_S, forecast_celsius, temperature_celsius
from vocabulary.interval import Interval
from vocabulary.names import PlaceId


@dataclass(frozen=True, kw_only=True, slots=True)
class Station:
    """A weather station of a commune."""

    id: str
    commune: PlaceId
    display_name: str
    position: Position
    cooler_celsius: float
    """How much cooler it is there than in the middle of the town."""


STATIONS = (
    Station(
        id="sim-orvelle",
        commune=ORVELLE,
        display_name="Orvelle-sur-Sione (simulée)",
        position=Position(latitude_degrees=48.002, longitude_degrees=2.001),
        cooler_celsius=0.0,
    ),
    Station(
        id="sim-chantelieu",
        commune=CHANTELIEU,
        display_name="Chantelieu-le-Vieil (simulée)",
        position=Position(latitude_degrees=47.986, longitude_degrees=2.026),
        cooler_celsius=0.6,
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Temperatures:
    """Air temperature by the hour: UTC seconds of full hours, and tenths of a degree Celsius exactly."""

    time: Ints
    celsius: Floats


def observed(draws: Draws, station: Station, during: Interval) -> Temperatures:
    """Return what the station observes at the full hours of an interval."""
    hours = _hours(during)
    return _rounded(hours, temperature_celsius(draws, hours) - station.cooler_celsius)


def forecast(draws: Draws, station: Station, during: Interval) -> Temperatures:
    """Return what a forecast issued at the interval's start says of its hours."""
    hours = _hours(during)
    return _rounded(hours, forecast_celsius(draws, int(during.start.timestamp()) // HOUR_S, hours) - station.cooler_celsius)


def _hours(during: Interval) -> Ints:
    first, end = (-int(-at.timestamp() // HOUR_S) for at in (during.start, during.end))
    return np.arange(first, end, dtype=np.int64)


def _rounded(hours: Ints, celsius: Floats) -> Temperatures:
    return Temperatures(time=hours * HOUR_S, celsius=np.round(celsius, 1))
