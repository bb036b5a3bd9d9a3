"""The town's weather, hour by hour: a year of the Loire country with a cold snap and a heatwave in each; a function of seed and hour."""

from datetime import UTC, date, datetime

import numpy as np

from simulation.draws import Draws, Floats, Ints, Stream

HOUR_S = 3_600
_YEAR_H = 365.2425 * 24
_EPOCH = date(1970, 1, 1)


def temperature_celsius(draws: Draws, hours: Ints) -> Floats:
    """Return the air temperature at hours since 1970-01-01T00:00Z."""
    phase = 2 * np.pi * (hours / _YEAR_H - 201 / 365)
    season = 11.7 + 7.9 * np.cos(phase)
    swing = (3.1 + 1.9 * np.cos(phase)) * (0.55 + 0.75 * clearness(draws, hours))
    # Coldest near 5:30, warmest near 15:30 in local time, in the middle of France.
    daily = swing * (np.cos(2 * np.pi * ((hours % 24) - 14.3) / 24) + 0.18 * np.cos(4 * np.pi * ((hours % 24) - 14.3) / 24))
    wander = (
        1.5 * draws.smooth(Stream.TEMPERATURE_DAYS, 0, hours, 31)
        + 2.2 * draws.smooth(Stream.TEMPERATURE_WEEKS, 0, hours, 113)
        + 0.8 * draws.smooth(Stream.TEMPERATURE_MONTH, 0, hours, 617)
    )
    return season + daily + wander + _spells(draws, hours)


def clearness(draws: Draws, hours: Ints) -> Floats:
    """Return how clear the sky is, from 0, overcast, to 1, blue."""
    sky = 0.9 * draws.smooth(Stream.CLOUD_HOURS, 0, hours, 5) + 1.6 * draws.smooth(Stream.CLOUD_DAYS, 0, hours, 53)
    spell = _spells(draws, hours)
    return 1 / (1 + np.exp(-(sky + 0.15 + 0.25 * np.abs(spell))))


def rain_millimetres(draws: Draws, days: Ints) -> Floats:
    """Return the rain of days since 1970-01-01, half of them dry; heatwaves are dry."""
    drawn = draws.uniform(Stream.RAIN, np.array([0]), days)[0]
    hot = _spells(draws, days * 24 + 12) > 1
    return np.where((drawn > 0.48) & ~hot, -4.2 * np.log(1 - np.clip((drawn - 0.48) / 0.52, 0, 0.999)), 0.0)


def forecast_celsius(draws: Draws, issue_hour: int, hours: Ints) -> Floats:
    """Return what a forecast issued at `issue_hour` says of later hours: the truth, and an error that grows to about 2 °C in five days."""
    ahead = np.clip(hours - issue_hour, 0, 240)
    error = draws.smooth(Stream.FORECAST_ERROR, issue_hour, hours, 17)
    return temperature_celsius(draws, hours) + error * (0.3 + 1.9 * np.sqrt(ahead / 120))


def _spells(draws: Draws, hours: Ints) -> Floats:
    """Return what cold snaps and heatwaves add, in degrees."""
    added = np.zeros(len(hours))
    if not len(hours):
        return added
    first, last = (datetime.fromtimestamp(int(at) * HOUR_S, UTC).year for at in (hours.min(), hours.max()))
    for year in range(first, last + 1):
        added -= _bump(draws, Stream.COLD_SNAP, date(year, 1, 8), hours, (34, 8.0, 10.5))
        added += _bump(draws, Stream.HEATWAVE, date(year, 7, 3), hours, (42, 7.0, 9.0))
    return added


def _bump(draws: Draws, stream: Stream, earliest: date, hours: Ints, shape: tuple[int, float, float]) -> Floats:
    """Return a spell of 7 to 11 days that starts within `shape[0]` days of the earliest, `shape[1]` to `shape[2]` degrees at its height."""
    window_days, least, most = shape
    start, length, height = (draws.one(stream, earliest.year, number) for number in range(3))
    begin_h = ((earliest - _EPOCH).days + round(start * window_days)) * 24
    share = (hours - begin_h) / ((7 + 4 * length) * 24)
    inside = np.clip(np.minimum(share, 1 - share) / 0.22, 0, 1)
    return (least + (most - least) * height) * inside * inside * (3 - 2 * inside)
