"""The programmes of the lighting: what a night looks like, and the form that changes it.

The form shows when lamps are on and the levels by time; sensors' effects, and periods that it cannot show, stay as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dashboard.gateway import Gateway
from dashboard.operator_words import OPERATOR_WORDS, OperatorWords
from dashboard.words import Words
from multiflux_client.lighting_records import ActivePeriod, PeriodKind, Programme, Reference, SwitchPoint
from vocabulary.failure import Failure, FieldViolation, InvalidRequest, Kind
from vocabulary.names import is_id

NEW = "new"
_ROWS = 8
_MOST_OFFSET_MINUTES, _MOST_RAMP_MINUTES, _FULL_LEVEL = 720, 120, 100
_DEFAULT = ActivePeriod(kind=PeriodKind.ASTRO_CLOCK)


class ProgrammeMissing(Failure):
    """There is no such programme."""

    reason, kind = "PROGRAMME_MISSING", Kind.MISSING


@dataclass(frozen=True, kw_only=True, slots=True)
class ListRow:
    """A programme or calendar in its list, and what it does in a line."""

    address: str
    name: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ListPage:
    """Everything that a list of programmes or calendars shows."""

    op: OperatorWords
    heading: str
    collection: str
    rows: tuple[ListRow, ...]
    empty: str
    new: str
    simulated: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ProgrammePage:
    """Everything that the form shows."""

    op: OperatorWords
    heading: str
    address: str
    is_new: bool
    form: Mapping[str, str]
    points: tuple[Mapping[str, str], ...]
    """What is in each row of the form."""
    kept: str
    """What stays though the form does not show it; empty: nothing."""
    problem: str
    simulated: bool


async def programmes_page(gateway: Gateway, words: Words) -> ListPage:
    """List the programmes; RemoteFailure."""
    op = OPERATOR_WORDS[words.language]
    rows = [
        ListRow(address=one.name.partition("/")[2], name=one.display_name or one.name, text=_steps(op, one.switch_points))
        async for one in gateway.lighting.programmes()
    ]
    return ListPage(
        op=op,
        heading=op.programmes,
        collection="programmes",
        rows=tuple(rows),
        empty=op.no_programmes,
        new=op.new_programme,
        simulated=(await gateway.registry.territory()).simulated,
    )


async def programme_page(
    gateway: Gateway, words: Words, name: str, *, form: Mapping[str, str] | None = None, problem: str = ""
) -> ProgrammePage:
    """Show a programme, or an empty form for a new one; with what was sent wrongly, that; ProgrammeMissing, RemoteFailure."""
    op, programme = OPERATOR_WORDS[words.language], await _programme(gateway, name)
    shown = _filled(programme) if form is None else form
    return ProgrammePage(
        op=op,
        heading=op.new_programme if name == NEW else programme.display_name or programme.name,
        address=name,
        is_new=name == NEW,
        form={field: shown.get(field, "") for field in ("identifier", "display_name", "sunset", "sunrise", "etag")},
        points=tuple({field: shown.get(f"{field}-{row}", "") for field in ("reference", "time", "level", "ramp")} for row in range(_ROWS)),
        kept=op.kept.format(effects=len(programme.effects)) if _hides(programme) else "",
        problem=problem,
        simulated=(await gateway.registry.territory()).simulated,
    )


async def keep_programme(gateway: Gateway, name: str, form: Mapping[str, str]) -> str:
    """Keep what a form says of a programme; return the last part of its name. InvalidRequest names every field that is wrong."""
    before, wrong = await _programme(gateway, name), list[str]()
    points = _points(form, wrong)
    sunset, sunrise = (_minutes(form.get(field) or "0", wrong, field) for field in ("sunset", "sunrise"))
    identifier = form.get("identifier", "") if name == NEW else name
    if not is_id(identifier) or identifier == NEW:
        wrong.append("identifier")
    if not form.get("display_name", "").strip():
        wrong.append("display_name")
    if wrong:
        raise InvalidRequest(*(FieldViolation(field=field, description="cannot be") for field in dict.fromkeys(wrong)))
    plain = [replace(one, sunset_offset_minutes=sunset, sunrise_offset_minutes=sunrise) for one in before.periods if _is_plain(before)]
    changed = replace(
        before,
        name=f"programmes/{identifier}",
        display_name=form["display_name"].strip(),
        periods=tuple(plain) or before.periods,
        switch_points=points,
        etag=form.get("etag", ""),
    )
    return (await gateway.lighting.put_programme(changed)).name.partition("/")[2]


async def _programme(gateway: Gateway, name: str) -> Programme:
    if name == NEW:
        return Programme(periods=(_DEFAULT,))
    async for one in gateway.lighting.programmes():
        if one.name == f"programmes/{name}":
            return one
    raise ProgrammeMissing(f"there is no programme {name}", programme=name)


def _is_plain(programme: Programme) -> bool:
    """Tell whether the form shows the whole of when lamps are on."""
    return len(programme.periods) == 1 and programme.periods[0].kind is PeriodKind.ASTRO_CLOCK


def _hides(programme: Programme) -> bool:
    return bool(programme.effects) or not _is_plain(programme) or len(programme.switch_points) > _ROWS


def _filled(programme: Programme) -> dict[str, str]:
    """Return the fields of the form for a programme."""
    form = {"display_name": programme.display_name, "etag": programme.etag}
    if _is_plain(programme):
        (period,) = programme.periods
        form |= {"sunset": str(period.sunset_offset_minutes), "sunrise": str(period.sunrise_offset_minutes)}
    for row, point in enumerate(programme.switch_points):
        form |= {
            f"reference-{row}": point.reference.name,
            f"time-{row}": _clock(point.minute) if point.reference is Reference.FIXED else str(point.offset_minutes),
            f"level-{row}": str(point.level_percent),
            f"ramp-{row}": str(point.ramp_seconds // 60) if point.ramp_seconds else "",
        }
    return form


def _points(form: Mapping[str, str], wrong: list[str]) -> tuple[SwitchPoint, ...]:
    """Return the switch points of a form's rows; a row without a level is none."""
    found: list[SwitchPoint] = []
    for row in range(_ROWS):
        level = form.get(f"level-{row}", "").strip()
        if not level:
            if form.get(f"time-{row}", "").strip():
                wrong.append("level_percent")
            continue
        reference = Reference.__members__.get(form.get(f"reference-{row}", ""))
        time, ramp = form.get(f"time-{row}", "").strip(), form.get(f"ramp-{row}", "").strip() or "0"
        if not level.isascii() or not level.isdecimal() or int(level) > _FULL_LEVEL:
            wrong.append("level_percent")
        elif not ramp.isascii() or not ramp.isdecimal() or int(ramp) > _MOST_RAMP_MINUTES:
            wrong.append("ramp")
        elif reference is None:
            wrong.append("time")
        elif reference is Reference.FIXED:
            found.append(
                SwitchPoint(reference=reference, minute=_minute(time, wrong), level_percent=int(level), ramp_seconds=60 * int(ramp))
            )
        else:
            offset = _minutes(time, wrong, "time")
            found.append(SwitchPoint(reference=reference, offset_minutes=offset, level_percent=int(level), ramp_seconds=60 * int(ramp)))
    return tuple(found)


def _minute(text: str, wrong: list[str]) -> int:
    """Return the minute of the day of a time such as 23:30."""
    hours, colon, minutes = text.partition(":")
    if not (colon and text.isascii() and hours.isdecimal() and minutes.isdecimal() and int(hours) < 24 and int(minutes) < 60):  # noqa: PLR2004 - of a day, of an hour
        wrong.append("time")
        return 0
    return 60 * int(hours) + int(minutes)


def _minutes(text: str, wrong: list[str], field: str) -> int:
    digits = text.removeprefix("-").removeprefix("+")
    if not (digits.isascii() and digits.isdecimal() and int(digits) <= _MOST_OFFSET_MINUTES):
        wrong.append(field)
        return 0
    return int(text)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _steps(op: OperatorWords, points: Sequence[SwitchPoint]) -> str:
    """Say the levels of a night in one line."""
    if not points:
        return op.always_full
    return ", ".join(f"{_when(op, one)} → {one.level_percent}\u202f%" for one in points)


def _when(op: OperatorWords, point: SwitchPoint) -> str:
    if point.reference is Reference.FIXED:
        return _clock(point.minute)
    return op.references[point.reference.name] + (f" {point.offset_minutes:+d} min" if point.offset_minutes else "")
