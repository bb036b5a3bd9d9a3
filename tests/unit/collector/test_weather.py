"""Hourly temperatures from a file: what is read, and what is refused and why."""

from datetime import UTC, datetime

import pytest

from collector.domain.weather import NotWeather, parse_weather

HEAD = "start,temperature_celsius\n"


def second(*at: int) -> int:
    return int(datetime(*at, tzinfo=UTC).timestamp())  # pyright: ignore[reportArgumentType]


def test_hours_come_in_order_with_the_last_word_on_each() -> None:
    lines = [HEAD, "2026-01-31T08:00:00+01:00,3.25\n", '2026-01-31T06:00:00Z,"-1,5"\n', "2026-01-31T07:00:00Z,3.3\n"]
    parsed = parse_weather(lines)
    assert parsed.starts == (second(2026, 1, 31, 6), second(2026, 1, 31, 7))
    assert parsed.centidegrees == (-150, 330)
    assert parsed.problems == ()


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        ("yesterday,3", "start", "TIME_INVALID"),
        ("2026-01-31T07:00:00,3", "start", "OFFSET_MISSING"),
        ("2026-01-31T07:30:00Z,3", "start", "NOT_AN_HOUR"),
        ("2026-01-31T07:00:00Z,warm", "temperature_celsius", "NUMBER_INVALID"),
        ("2026-01-31T07:00:00Z,nan", "temperature_celsius", "TEMPERATURE_IMPOSSIBLE"),
        ("2026-01-31T07:00:00Z,61", "temperature_celsius", "TEMPERATURE_IMPOSSIBLE"),
        ("2026-01-31T07:00:00Z", "temperature_celsius", "NUMBER_INVALID"),
    ],
)
def test_a_bad_line_is_named_and_its_neighbours_are_read(line: str, column: str, reason: str) -> None:
    parsed = parse_weather([HEAD, f"{line}\n", "2026-01-31T09:00:00Z,1\n"])
    (problem,) = parsed.problems
    assert (problem.line, problem.column, problem.reason) == (2, column, reason)
    assert parsed.centidegrees == (100,)


def test_another_file_is_refused_as_a_whole() -> None:
    with pytest.raises(NotWeather) as caught:
        parse_weather(["time,value\n", "1,2\n"])
    assert caught.value.metadata == {"columns": "start temperature_celsius"}
