"""The calendars of the lighting: which programme each night follows, and the form that changes the rules and their order."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from babel.dates import format_date, get_day_names

from dashboard.gateway import Gateway
from dashboard.operator_words import OPERATOR_WORDS, OperatorWords
from dashboard.programmes import NEW, ListPage, ListRow
from dashboard.words import Words
from multiflux_client.lighting_records import Calendar, CalendarRule, HolidayKind
from vocabulary.failure import Failure, FieldViolation, InvalidRequest, Kind
from vocabulary.names import is_id

_ROWS, _MOST_ROWS = 6, 200
_WEEK = range(1, 8)
_OCCURRENCES = {"-1": -1, "1": 1, "2": 2, "3": 3, "4": 4, "5": 5}


class CalendarMissing(Failure):
    """There is no such calendar."""

    reason, kind = "CALENDAR_MISSING", Kind.MISSING


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarPage:
    """Everything that the form shows."""

    op: OperatorWords
    heading: str
    address: str
    is_new: bool
    form: Mapping[str, str]
    rows: range
    programmes: tuple[tuple[str, str], ...]
    days: tuple[tuple[int, str], ...]
    problem: str
    simulated: bool


async def calendars_page(gateway: Gateway, words: Words) -> ListPage:
    """List the calendars, with their rules in words; RemoteFailure."""
    op, names = OPERATOR_WORDS[words.language], dict(await _programmes(gateway))
    rows = [
        ListRow(address=one.name.partition("/")[2], name=one.display_name or one.name, text=_rules(words, one, names))
        async for one in gateway.lighting.calendars()
    ]
    return ListPage(
        op=op,
        heading=op.calendars,
        collection="calendars",
        rows=tuple(rows),
        empty=op.no_calendars,
        new=op.new_calendar,
        simulated=(await gateway.registry.territory()).simulated,
    )


async def calendar_page(
    gateway: Gateway, words: Words, name: str, *, form: Mapping[str, str] | None = None, problem: str = ""
) -> CalendarPage:
    """Show a calendar, or an empty form for a new one; with what was sent wrongly, that; CalendarMissing, RemoteFailure."""
    op, calendar = OPERATOR_WORDS[words.language], await _calendar(gateway, name)
    named = get_day_names("abbreviated", locale=words.language)
    return CalendarPage(
        op=op,
        heading=op.new_calendar if name == NEW else calendar.display_name or calendar.name,
        address=name,
        is_new=name == NEW,
        form=_filled(calendar) if form is None else form,
        rows=range(max(_ROWS, len(calendar.rules) + 2)),
        programmes=await _programmes(gateway),
        days=tuple((day, named[day - 1]) for day in _WEEK),
        problem=problem,
        simulated=(await gateway.registry.territory()).simulated,
    )


async def keep_calendar(gateway: Gateway, name: str, form: Mapping[str, str]) -> str:
    """Keep what a form says of a calendar; return the last part of its name. InvalidRequest names every field that is wrong."""
    wrong: list[str] = []
    await _calendar(gateway, name)
    identifier = form.get("identifier", "") if name == NEW else name
    if not is_id(identifier) or identifier == NEW:
        wrong.append("identifier")
    if not form.get("display_name", "").strip():
        wrong.append("display_name")
    numbers = [row for row in range(_MOST_ROWS) if form.get(f"programme-{row}")]
    rules = [(_order(form.get(f"order-{row}", ""), row, wrong), _rule(form, row, wrong)) for row in numbers]
    if wrong:
        raise InvalidRequest(*(FieldViolation(field=field, description="cannot be") for field in dict.fromkeys(wrong)))
    changed = Calendar(
        name=f"calendars/{identifier}",
        display_name=form["display_name"].strip(),
        rules=tuple(rule for _, rule in sorted(rules, key=lambda one: one[0])),
        default_programme=form.get("default_programme", ""),
        etag=form.get("etag", ""),
    )
    return (await gateway.lighting.put_calendar(changed)).name.partition("/")[2]


async def _calendar(gateway: Gateway, name: str) -> Calendar:
    if name == NEW:
        return Calendar()
    async for one in gateway.lighting.calendars():
        if one.name == f"calendars/{name}":
            return one
    raise CalendarMissing(f"there is no calendar {name}", calendar=name)


async def _programmes(gateway: Gateway) -> tuple[tuple[str, str], ...]:
    return tuple([(one.name, one.display_name or one.name) async for one in gateway.lighting.programmes()])


def _filled(calendar: Calendar) -> dict[str, str]:
    """Return the fields of the form for a calendar."""
    form = {"display_name": calendar.display_name, "etag": calendar.etag, "default_programme": calendar.default_programme}
    for row, rule in enumerate(calendar.rules):
        form |= {
            f"order-{row}": str(row + 1),
            f"programme-{row}": rule.programme,
            f"first-{row}": rule.first_date or "",
            f"last-{row}": rule.last_date or "",
            f"yearly-{row}": "on" if rule.every_year else "",
            f"occurrences-{row}": " ".join(str(one) for one in rule.occurrences),
            f"dates-{row}": " ".join(rule.dates),
        }
        form |= {f"day-{row}-{day}": "on" for day in rule.weekdays} | {f"holiday-{row}-{kind.name}": "on" for kind in rule.holidays}
    return form


def _rule(form: Mapping[str, str], row: int, wrong: list[str]) -> CalendarRule:
    occurrences = form.get(f"occurrences-{row}", "").split()
    if not set(occurrences) <= _OCCURRENCES.keys():
        wrong.append("occurrences")
    return CalendarRule(
        programme=form[f"programme-{row}"],
        first_date=_day(form.get(f"first-{row}", ""), wrong) or None,
        last_date=_day(form.get(f"last-{row}", ""), wrong) or None,
        every_year=form.get(f"yearly-{row}") == "on",
        weekdays=tuple(day for day in _WEEK if form.get(f"day-{row}-{day}") == "on"),
        occurrences=tuple(_OCCURRENCES.get(one, 0) for one in occurrences),
        dates=tuple(_day(one, wrong) for one in form.get(f"dates-{row}", "").split()),
        holidays=tuple(kind for kind in HolidayKind if form.get(f"holiday-{row}-{kind.name}") == "on"),
    )


def _order(text: str, row: int, wrong: list[str]) -> tuple[int, int]:
    """Return where a rule comes: by its number, and of the same number by its row; without one at its row."""
    if text and not (text.isascii() and text.isdecimal()):
        wrong.append("order")
        return (0, row)
    return (int(text) if text else row + 1, row)


def _day(text: str, wrong: list[str]) -> str:
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError:
        wrong.append("dates")
        return ""


def _rules(words: Words, calendar: Calendar, names: Mapping[str, str]) -> str:
    """Say a calendar's rules in their order, and what the other nights follow."""
    op = OPERATOR_WORDS[words.language]
    told = [f"{_nights(words, rule)} → {names.get(rule.programme, rule.programme)}" for rule in calendar.rules]
    default = names.get(calendar.default_programme, calendar.default_programme) or op.always_full
    return " ; ".join([*told, f"{op.other_nights} → {default}"])


def _nights(words: Words, rule: CalendarRule) -> str:
    op, named = OPERATOR_WORDS[words.language], get_day_names("wide", locale=words.language)
    form = "d MMMM" if rule.every_year else "d MMM y"

    def written(day: str) -> str:
        return format_date(date.fromisoformat(day), format=form, locale=words.language)

    parts: list[str] = []
    if rule.first_date or rule.last_date:
        parts.append("–".join(written(one) if one else "…" for one in (rule.first_date, rule.last_date)))
    if rule.weekdays:
        parts.append(", ".join(named[day - 1] for day in rule.weekdays))
    if rule.occurrences:
        parts.append(f"{op.occurrences} {', '.join(str(one) for one in rule.occurrences)}")
    parts += [op.holidays[kind.name] for kind in rule.holidays]
    parts += [format_date(date.fromisoformat(day), format="d MMM y", locale=words.language) for day in rule.dates]
    return ", ".join(parts) or op.every_night
