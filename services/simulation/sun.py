"""Where the sun stands: height, sunrise and sunset, by the equations of NOAA's solar calculator."""

from dataclasses import dataclass

import numpy as np

from simulation.draws import Floats, Ints

_DAY_S = 86_400
_J2000_S = 946_728_000
"""2000-01-01T12:00Z in UTC seconds."""
_CENTURY_S = 36_525 * _DAY_S
HORIZON_DEGREES = -0.833
"""Height of the sun's centre at sunrise and sunset: refraction and half its width."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spot:
    """A point on the earth in degrees, north and east positive."""

    latitude_degrees: float
    longitude_degrees: float


def elevation_degrees(spot: Spot, time: Ints) -> Floats:
    """Return the height of the sun above the horizon at UTC seconds, without refraction."""
    declination, equation_s = _declination_and_equation(time)
    solar_s = time % _DAY_S + equation_s + spot.longitude_degrees * 240
    hour_angle = np.radians(solar_s / 240 - 180)
    latitude = np.radians(spot.latitude_degrees)
    height = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(hour_angle)
    return np.degrees(np.arcsin(height))


def sunrise_and_sunset(spot: Spot, midnight: Ints) -> tuple[Floats, Floats]:
    """Return the UTC seconds of sunrise and sunset of the days that start at `midnight`, for latitudes where there are both."""
    noon = midnight + _DAY_S / 2
    return _crossing(spot, noon, -1), _crossing(spot, noon, 1)


def _crossing(spot: Spot, noon: Floats, side: int) -> Floats:
    latitude = np.radians(spot.latitude_degrees)
    at = noon
    # The sun moves little within the day: the second and third rounds settle the seconds.
    for _ in range(3):
        declination, equation_s = _declination_and_equation(at)
        cosine = (np.sin(np.radians(HORIZON_DEGREES)) - np.sin(latitude) * np.sin(declination)) / (np.cos(latitude) * np.cos(declination))
        half_day_s = np.degrees(np.arccos(np.clip(cosine, -1, 1))) * 240
        day = np.floor(noon / _DAY_S) * _DAY_S
        at = day + _DAY_S / 2 - equation_s - spot.longitude_degrees * 240 + side * half_day_s
    return at


def _declination_and_equation(time: Floats | Ints) -> tuple[Floats, Floats]:
    """Return the sun's declination in radians and the equation of time in seconds."""
    century = (time - _J2000_S) / _CENTURY_S
    longitude = np.radians((280.46646 + century * (36000.76983 + century * 0.0003032)) % 360)
    anomaly = np.radians(357.52911 + century * (35999.05029 - 0.0001537 * century))
    eccentricity = 0.016708634 - century * (0.000042037 + 0.0000001267 * century)
    centre = np.sin(anomaly) * (1.914602 - century * 0.004817) + np.sin(2 * anomaly) * 0.019993 + np.sin(3 * anomaly) * 0.000289
    node = np.radians(125.04 - 1934.136 * century)
    apparent = longitude + np.radians(centre - 0.00569 - 0.00478 * np.sin(node))
    obliquity = np.radians(23.439291 - century * 0.0130042 + 0.00256 * np.cos(node))
    declination = np.arcsin(np.sin(obliquity) * np.sin(apparent))
    y = np.tan(obliquity / 2) ** 2
    equation = (
        y * np.sin(2 * longitude)
        - 2 * eccentricity * np.sin(anomaly)
        + 4 * eccentricity * y * np.sin(anomaly) * np.cos(2 * longitude)
        - 0.5 * y**2 * np.sin(4 * longitude)
        - 1.25 * eccentricity**2 * np.sin(2 * anomaly)
    )
    return declination, np.degrees(equation) * 240
