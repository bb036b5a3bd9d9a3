"""Reads hourly temperatures from a CSV file: columns `start` (ISO 8601 with offset) and `temperature_celsius`."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from vocabulary.failure import Failure, Kind

COLUMNS = ("start", "temperature_celsius")
_LOWEST_CELSIUS, _HIGHEST_CELSIUS = -90.0, 60.0
"""Beyond both records of the World Meteorological Organization (−89.2 and 56.7 °C)."""
_HOUR_S = 3_600


class NotWeather(Failure):
    """The file has not the columns of weather."""

    reason, kind = "NOT_WEATHER", Kind.INVALID


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherProblem:
    """A line of the file that gives no temperature, and why."""

    line: int
    column: str
    reason: str
    description: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ParsedWeather:
    """Hours in order of time: where they start in Unix seconds, and hundredths of a degree Celsius; and the lines that gave none."""

    starts: tuple[int, ...]
    centidegrees: tuple[int, ...]
    problems: tuple[WeatherProblem, ...]


def parse_weather(lines: Iterable[str]) -> ParsedWeather:
    """Return the temperatures of a file; the last line of an hour that comes twice holds. Raises NotWeather."""
    reader = csv.DictReader(lines)
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise NotWeather(f"the file has no column {' and no column '.join(missing)}", columns=" ".join(missing))
    hours: dict[int, int] = {}
    problems = list[WeatherProblem]()
    for row in reader:
        read = _hour(reader.line_num, row["start"] or "", row["temperature_celsius"] or "")
        if isinstance(read, WeatherProblem):
            problems.append(read)
        else:
            hours[read[0]] = read[1]
    starts = sorted(hours)
    return ParsedWeather(starts=tuple(starts), centidegrees=tuple(hours[start] for start in starts), problems=tuple(problems))


def _hour(line: int, start: str, celsius: str) -> tuple[int, int] | WeatherProblem:
    def wrong(column: str, reason: str, description: str) -> WeatherProblem:
        return WeatherProblem(line=line, column=column, reason=reason, description=description)

    try:
        at = datetime.fromisoformat(start.strip())
    except ValueError:
        return wrong("start", "TIME_INVALID", f"{start!r} is not a time such as 2026-01-31T07:00:00+01:00")
    if at.tzinfo is None:
        return wrong("start", "OFFSET_MISSING", f"{start!r} has no offset from UTC")
    second = int(at.timestamp())
    if second % _HOUR_S or at.microsecond:
        return wrong("start", "NOT_AN_HOUR", f"{start!r} does not begin an hour")
    try:
        degrees = float(celsius.strip().replace(",", "."))
    except ValueError:
        return wrong("temperature_celsius", "NUMBER_INVALID", f"{celsius!r} is not a number")
    if not _LOWEST_CELSIUS <= degrees <= _HIGHEST_CELSIUS:
        return wrong("temperature_celsius", "TEMPERATURE_IMPOSSIBLE", f"{celsius} °C was never measured on earth")
    return second, round(degrees * 100)
