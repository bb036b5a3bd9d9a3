"""Sunset and sunrise, by the equations of NOAA's solar calculator (Meeus, Astronomical Algorithms).

The sun's centre stands 0.833° below the horizon then: refraction and half its width. No terrain is known, and none of the legal texts
asks for it.
"""

import numpy as np
import numpy.typing as npt

Seconds = npt.NDArray[np.float64]
Degrees = npt.NDArray[np.float64]

_DAY_S = 86_400.0
_J2000_S = 946_728_000.0
"""2000-01-01T12:00Z in UTC seconds."""
_CENTURY_S = 36_525 * _DAY_S
_DEGREE_S = 240.0
"""The earth turns one degree in so many seconds."""
HORIZON_DEGREES = -0.833
_ROUNDS = 3
"""The sun moves little within the day: the second and third rounds settle the seconds."""


def sunset_after(noon: Seconds, latitude: Degrees, longitude: Degrees) -> Seconds:
    """Return the sunset after each local noon (UTC seconds); where the sun stays up, midnight; where it stays down, noon."""
    return _crossing(noon, latitude, longitude, 1.0)


def sunrise_before(noon: Seconds, latitude: Degrees, longitude: Degrees) -> Seconds:
    """Return the sunrise before each local noon (UTC seconds); where the sun stays up, midnight; where it stays down, noon."""
    return _crossing(noon, latitude, longitude, -1.0)


def _crossing(noon: Seconds, latitude: Degrees, longitude: Degrees, side: float) -> Seconds:
    at = noon
    for _ in range(_ROUNDS):
        declination, equation_s = _declination_and_equation(at)
        at = _transit(noon, longitude, equation_s) + side * _half_day_s(np.radians(latitude), declination)
    return at


def _transit(noon: Seconds, longitude: Degrees, equation_s: Seconds) -> Seconds:
    """Return when the sun stands highest, within half a day of the clock's noon."""
    solar_s = noon % _DAY_S + equation_s + longitude * _DEGREE_S
    return noon - ((solar_s % _DAY_S) - _DAY_S / 2)


def _half_day_s(latitude: Degrees, declination: Degrees) -> Seconds:
    cosine = (np.sin(np.radians(HORIZON_DEGREES)) - np.sin(latitude) * np.sin(declination)) / (np.cos(latitude) * np.cos(declination))
    return np.degrees(np.arccos(np.clip(cosine, -1, 1))) * _DEGREE_S


def _declination_and_equation(time: Seconds) -> tuple[Degrees, Seconds]:
    """Return the sun's declination in radians and the equation of time in seconds."""
    century = (time - _J2000_S) / _CENTURY_S
    longitude = np.radians((280.46646 + century * (36000.76983 + century * 0.0003032)) % 360)
    anomaly = np.radians(357.52911 + century * (35999.05029 - 0.0001537 * century))
    eccentricity = 0.016708634 - century * (0.000042037 + 0.0000001267 * century)
    centre = (
        np.sin(anomaly) * (1.914602 - century * (0.004817 + 0.000014 * century))
        + np.sin(2 * anomaly) * (0.019993 - 0.000101 * century)
        + np.sin(3 * anomaly) * 0.000289
    )
    node = np.radians(125.04 - 1934.136 * century)
    apparent = longitude + np.radians(centre - 0.00569 - 0.00478 * np.sin(node))
    obliquity = np.radians(23.439291 - century * 0.0130042 + 0.00256 * np.cos(node))
    y = np.tan(obliquity / 2) ** 2
    equation = (
        y * np.sin(2 * longitude)
        - 2 * eccentricity * np.sin(anomaly)
        + 4 * eccentricity * y * np.sin(anomaly) * np.cos(2 * longitude)
        - 0.5 * y**2 * np.sin(4 * longitude)
        - 1.25 * eccentricity**2 * np.sin(2 * anomaly)
    )
    return np.arcsin(np.sin(obliquity) * np.sin(apparent)), np.degrees(equation) * _DEGREE_S
