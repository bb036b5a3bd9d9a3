"""TALQ's calendars and control programs as the controllers of a simulated gateway understand them: days begin at noon (`dayOffset` 12)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from simulation.controllers import Course

_NOON = time(12)
_DAY = timedelta(days=1)

Json = Mapping[str, Any]


class NotUnderstood(Exception):
    """A program or calendar is well formed, and cannot be followed here."""


@dataclass(frozen=True, slots=True)
class _Point:
    at: float
    level: float
    ramp_s: float


def checked_program(program: Json) -> None:
    """Refuse a program that these controllers cannot follow; NotUnderstood."""
    if program["type"] != "ControlProgramOne":
        raise NotUnderstood(f"{program['type']} is not supported")
    for period in program["activePeriods"]:
        if period["name"] not in ("AbsoluteActivePeriod", "AstroClockActivePeriod"):
            raise NotUnderstood(f"{period['name']} is not supported")
        if period["name"] == "AbsoluteActivePeriod" and period["startTime"] != period["endTime"]:
            raise NotUnderstood("an AbsoluteActivePeriod must be the whole day here")
    if program.get("astroClockTimeControls") or program.get("dynamicControls"):
        raise NotUnderstood("fixed time controls alone are supported")
    times = [_from_noon(point["startTime"]) for point in program["fixedTimeControls"]]
    if any(later <= earlier for earlier, later in pairwise(times)):
        raise NotUnderstood("fixed time controls must be in rising order, from noon on")
    for point in program["fixedTimeControls"]:
        state = point["command"]["state"]
        if state["name"] != "LevelState" or not 0 <= state["value"] <= 100:  # noqa: PLR2004 - per cent
            raise NotUnderstood(f"{state} is no level of a lamp")


def nights_of(calendar: Json) -> Mapping[date, str]:
    """Return the program of each night that a calendar's rules name; the first rule that fits a night holds."""
    found: dict[date, str] = {}
    for rule in calendar.get("rules", ()):
        if "condition" in rule or "startDate" not in rule or "endDate" not in rule:
            raise NotUnderstood("rules must name their first and last date, and no other condition")
        day, last = date.fromisoformat(rule["startDate"]), date.fromisoformat(rule["endDate"])
        while day <= last:
            found.setdefault(day, rule["program"])
            day += _DAY
    return found


def span_of(nights: Mapping[date, str], zone: ZoneInfo) -> tuple[float, float]:
    """Return the UTC seconds from the first noon of a calendar to the last."""
    return _instant(min(nights), _NOON, zone), _instant(max(nights) + _DAY, _NOON, zone)


def course_of(
    lamps: Sequence[str], nights: Mapping[date, str], programs: Mapping[str, Json], zone: ZoneInfo, *, first_time: bool = True
) -> Course:
    """Return what lamps do that follow a calendar.

    TALQ does not say what happens at local times that clocks show twice: it does so the first time alone, as the platform means it, or
    (not `first_time`) whenever clocks show them, in a gateway that looks at its clock and not at what it did.
    """
    start: list[float] = []
    start_level: list[float] = []
    level: list[float] = []

    def from_(at: float, begins: float, ends: float) -> None:
        if start and start[-1] == at:
            start_level[-1], level[-1] = begins, ends
            return
        start.append(at)
        start_level.append(begins)
        level.append(ends)

    points = sorted(_points(nights, programs, zone, first_time=first_time), key=lambda point: point.at)
    reached, since, until = 0.0, 0.0, 0.0
    for number, point in enumerate(points):
        if number and since < point.at < until:
            # The ramp is cut short: it ends where it has come to.
            reached = start_level[-1] + (reached - start_level[-1]) * (point.at - since) / (until - since)
            level[-1] = reached
        elif number and point.at >= until > since:
            from_(until, reached, reached)
        from_(point.at, reached if point.ramp_s else point.level, point.level)
        reached, since, until = point.level, point.at, point.at + point.ramp_s
    if until > since:
        from_(until, reached, reached)
    return Course(lamps=tuple(lamps), start=start, start_level=start_level, level=level)


def _points(nights: Mapping[date, str], programs: Mapping[str, Json], zone: ZoneInfo, *, first_time: bool) -> Iterator[_Point]:
    for night, program in nights.items():
        before, put_back = 0.0, False
        for control in programs[program]["fixedTimeControls"]:
            shown, command = time.fromisoformat(control["startTime"]), control["command"]
            day = night if shown >= _NOON else night + _DAY
            level, ramp_s = float(command["state"]["value"]), float(command.get("rampToLevelTime", 0))
            at, again = (_instant(day, shown, zone, fold) for fold in (0, 1))
            yield _Point(at, level, ramp_s)
            if again > at and not first_time:
                if not put_back:
                    # The clock is put back to before this point, and comes to it again.
                    yield _Point(_put_back(at, again, zone), before, 0)
                    put_back = True
                yield _Point(again, level, ramp_s)
            before = level


def _put_back(at: float, again: float, zone: ZoneInfo) -> float:
    """Return when clocks were put back, between the first and the second time that they show a time."""
    low, high = int(at), int(again)
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).fold:
            high = middle
        else:
            low = middle
    return float(high)


def _instant(day: date, shown: time, zone: ZoneInfo, fold: int = 0) -> float:
    return datetime.combine(day, shown, zone).replace(fold=fold).timestamp()


def _from_noon(text: str) -> tuple[bool, time]:
    shown = time.fromisoformat(text)
    return shown < _NOON, shown
