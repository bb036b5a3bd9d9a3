"""Sends hourly temperatures from a file to a weather station."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from collector.domain.weather import ParsedWeather, parse_weather
from console import output
from console.connect import signed_in
from console.exits import Exit
from console.settings import load
from multiflux_client.weather import MOST_HOURS, HourlyWeather, WeatherClient
from vocabulary.names import WeatherStationId

_LONGEST_LIFE = timedelta(seconds=240)
_SHOWN_PROBLEMS = 20


async def import_hours(file: Path, station: WeatherStationId, issued: datetime | None, *, as_json: bool) -> Exit:
    """Send the file's hours, as observations or as a forecast of one issue time, and say what was new and what was refused."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        parsed = parse_weather(lines)
    new = 0
    async with signed_in(load(), "metering", load().metering_target, at_least=_LONGEST_LIFE) as connection:
        client = WeatherClient(connection)
        for first in range(0, len(parsed.starts), MOST_HOURS):
            part = slice(first, first + MOST_HOURS)
            starts = np.array(parsed.starts[part], np.int64)
            centidegrees = np.array(parsed.centidegrees[part], np.int32)
            new += await client.record(HourlyWeather(station=station, starts=starts, centidegrees=centidegrees, issue_time=issued))
    _say(parsed, new, as_json=as_json)
    return Exit.ROWS_REFUSED if parsed.problems else Exit.OK


def _say(parsed: ParsedWeather, new: int, *, as_json: bool) -> None:
    counts = {"hours": len(parsed.starts), "new_or_changed": new, "refused": len(parsed.problems)}
    if as_json:
        for one in parsed.problems:
            facts = {"line": one.line, "column": one.column, "reason": one.reason, "description": one.description}
            output.json_line({"event": "refused", **facts})
        output.json_line({"event": "imported", **counts})
        return
    if parsed.problems:
        rows = [(str(one.line), one.column, one.reason, one.description) for one in parsed.problems[:_SHOWN_PROBLEMS]]
        output.table(("line", "column", "reason", "description"), rows)
    output.line("imported: " + ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in counts.items()))
