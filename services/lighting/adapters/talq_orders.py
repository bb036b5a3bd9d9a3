"""An order as TALQ's resources: control programs, calendars, who follows which, and override commands. Nothing here speaks to anybody.

A night of a course is one control program, that is active from local noon to local noon, and a calendar of single dates puts the nights
of a course in a row. Ids say the cabinet, the version of the order, the course and the night: `c-12.v7.c0.2026-10-24`.

What TALQ cannot say, and what is done about it:

- Levels are whole per cent: others are rounded, and what is lit stays lit.
- Two switch points cannot share a second, so a jump that a ramp follows takes a second before the ramp begins.
- Switch times are local clock times. In the hour that clocks show twice, a change that is due the second time waits for the hour's end.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from lighting.domain.levels import CabinetId, CommandId, LuminaireId
from lighting.domain.nights import dates_between, night_of
from lighting.domain.orders import Course, Hold, Order

VERSION = "2.7.1"
"""Of TALQ."""

Json = dict[str, Any]
_NOON = time(12)
_NOON_TEXT = "12:00:00"
_DAY, _MINUTE, _SECOND = timedelta(days=1), timedelta(minutes=1), timedelta(seconds=1)
_LEAST_RAMP_S = 2
_FULL = 100
_ID = re.compile(r"(?P<cabinet>[^.]+)\.v(?P<version>\d+)\.[^.]+(\.[^.]+)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Programmed:
    """What a gateway must hold for an order, each by its id."""

    programs: Mapping[str, Json]
    calendars: Mapping[str, Json]
    followers: Mapping[str, tuple[LuminaireId, ...]]
    """The luminaires that follow each calendar."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Override:
    """A command's level for some luminaires; `start` None: at once, `end` None: until it is taken back."""

    start: datetime | None
    end: datetime | None
    level: int
    command: CommandId


@dataclass(frozen=True, slots=True)
class _Step:
    """From `at` on a lamp goes to `level`, within `ramp_s` seconds."""

    at: datetime
    level: int
    ramp_s: int = 0


def programmed(order: Order, version: int, owner: str, zone: ZoneInfo, *, clock_after: bool) -> Programmed:
    """Return the resources of an order; `clock_after`: when its nights are over, the gateway's astronomical clock holds."""
    name = f"{order.cabinet}.v{version}"
    fallback = f"{name}.clock"
    programs: dict[str, Json] = {fallback: _program(fallback, owner, [_astronomical()], [_entry(_NOON_TEXT, _FULL)])} if clock_after else {}
    calendars: dict[str, Json] = {}
    followers: dict[str, tuple[LuminaireId, ...]] = {}
    nights = dates_between(night_of(order.start, zone), night_of(order.end - _SECOND, zone))
    for number, course in enumerate(order.courses):
        calendar, steps = f"{name}.c{number}", tuple(_steps(course, order.end))
        by_night = {f"{calendar}.{night}": (night, _switch_points(steps, night, zone)) for night in nights}
        programs |= {name: _program(name, owner, [_whole_day()], entries) for name, (_, entries) in by_night.items()}
        rules = [{"startDate": str(night), "endDate": str(night), "program": name} for name, (night, _) in by_night.items()]
        default = {"defaultProgram": fallback} if clock_after else {}
        calendars[calendar] = {"id": calendar, "ownerCMS": owner, "rules": rules, **default}
        followers[calendar] = course.luminaires
    return Programmed(programs=programs, calendars=calendars, followers=followers)


def order_named(resource: str) -> tuple[CabinetId, int] | None:
    """Return the cabinet and the version in the id of a calendar or program; None when it is not ours."""
    found = _ID.fullmatch(resource)
    return (CabinetId(found["cabinet"]), int(found["version"])) if found else None


def overrides_by_luminaire(holds: Iterable[Hold], now: datetime) -> Mapping[LuminaireId, tuple[Override, ...]]:
    """Return what commands ask of each luminaire from now on, in time order."""
    found: dict[LuminaireId, tuple[Override, ...]] = {}
    for hold in sorted(holds, key=lambda one: one.start):
        if hold.end is None or hold.end > now:
            start = hold.start if hold.start > now else None
            override = Override(start=start, end=hold.end, level=_whole(hold.level), command=hold.command)
            for luminaire in hold.luminaires:
                found[luminaire] = (*found.get(luminaire, ()), override)
    return found


def still_due(overrides: Sequence[Override], now: datetime) -> tuple[Override, ...]:
    """Return what is left of overrides that were sent before."""
    return tuple(
        Override(start=one.start if one.start is not None and one.start > now else None, end=one.end, level=one.level, command=one.command)
        for one in overrides
        if one.end is None or one.end > now
    )


def override_command(devices: Sequence[str], override: Override | None) -> Json:
    """Return the message that overrides devices; None: that takes every override of theirs back."""
    message: Json = {"addresses": references(devices)}
    if override is not None:
        command: Json = {"state": _state(override.level), "reason": "override", "cmsRefId": override.command}
        if override.start is not None:
            command["start"] = override.start.isoformat()
        if override.end is not None:
            command["expiration"] = override.end.isoformat()
        message["targetCommand"] = command
    return message


def assign_command(devices: Sequence[str], calendar: str) -> Json:
    """Return the message that has devices follow a calendar."""
    return {"addresses": references(devices), "entity": {"resource": "calendars", "address": calendar}, "cmsRefId": calendar}


def references(devices: Iterable[str]) -> list[Json]:
    """Return references to devices."""
    return [{"resource": "devices", "address": device} for device in devices]


def _steps(course: Course, end: datetime) -> Iterator[_Step]:
    reached: float | None = None
    stretches = course.stretches
    for stretch, until in zip(stretches, [*(one.start for one in stretches[1:]), end], strict=True):
        at = _whole_second(stretch.start)
        lasts_s = int((_whole_second(until) - at).total_seconds())
        if stretch.start_level == stretch.level or lasts_s < _LEAST_RAMP_S:
            if stretch.level != reached:
                yield _Step(at, _whole(stretch.level))
        elif stretch.start_level == reached:
            yield _Step(at, _whole(stretch.level), lasts_s)
        else:
            yield _Step(at, _whole(stretch.start_level))
            yield _Step(at + _SECOND, _whole(stretch.level), lasts_s - 1)
        reached = stretch.level


def _switch_points(steps: Sequence[_Step], night: date, zone: ZoneInfo) -> list[Json]:
    """Return the fixed time controls of a night, from noon on."""
    start, end = (datetime.combine(day, _NOON, zone) for day in (night, night + _DAY))
    points: dict[str, Json] = {_NOON_TEXT: _entry(_NOON_TEXT, 0)}
    for step in steps:
        if step.at < end:
            # What began before noon goes on: the program of the new day says it again.
            at = _shown_once(max(step.at, start), zone)
            left_s = step.ramp_s - int((at - step.at).total_seconds())
            shown = at.astimezone(zone).strftime("%H:%M:%S")
            # Two that would share a second: the later one holds.
            points[shown] = _entry(shown, step.level, max(left_s, 0))
    return sorted(points.values(), key=lambda point: (point["startTime"] < _NOON_TEXT, point["startTime"]))


def _shown_once(at: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant, or the end of the repeated hour if clocks show it for the second time."""
    while at.astimezone(zone).fold:
        at = at.replace(second=0, microsecond=0) + _MINUTE
    return at


def _program(name: str, owner: str, periods: list[Json], points: list[Json]) -> Json:
    return {"type": "ControlProgramOne", "id": name, "ownerCMS": owner, "activePeriods": periods, "fixedTimeControls": points}


def _whole_day() -> Json:
    return {"name": "AbsoluteActivePeriod", "startTime": _NOON_TEXT, "endTime": _NOON_TEXT}


def _astronomical() -> Json:
    return {"name": "AstroClockActivePeriod", "sunsetOffset": 0, "sunriseOffset": 0}


def _entry(shown: str, level: int, ramp_s: int = 0) -> Json:
    ramp = {"rampToLevelTime": ramp_s} if ramp_s else {}
    return {"startTime": shown, "command": {"state": _state(level), **ramp}}


def _state(level: int) -> Json:
    return {"name": "LevelState", "value": level}


def _whole(level: float) -> int:
    return max(round(level), 1) if level > 0 else 0


def _whole_second(at: datetime) -> datetime:
    return at.replace(microsecond=0) + (_SECOND if at.microsecond >= 500_000 else timedelta())  # noqa: PLR2004 - half a second
