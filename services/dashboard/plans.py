"""The plan of a group: its draft, what publishing it would change, and the versions that were published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date

from dashboard.commands import RunningCommand, reach_of, running_commands
from dashboard.figures import NARROW_NO_BREAK_SPACE, moment, number
from dashboard.gateway import Gateway
from dashboard.night import night_of
from dashboard.operator_words import OPERATOR_WORDS, OperatorWords
from dashboard.words import Words
from multiflux_client.lighting_records import Calendar, Check, Figures, Group, Plan, PlanState, Rehearsal, Verdict
from vocabulary.failure import Failure, Kind, invalid

_MOST_NIGHTS = 366
_WEEK = timedelta(days=6)
_JOULES_PER_KILOWATT_HOUR, _MICROS, _GRAMS_PER_KILOGRAM, _SECONDS_PER_HOUR = 3.6e6, 1e6, 1e3, 3_600.0


class GroupMissing(Failure):
    """There is no such group of luminaires."""

    reason, kind = "GROUP_MISSING", Kind.MISSING


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionRow:
    """A published version."""

    number: int
    state: str
    first_night: str
    published: str
    reach: str
    copied: str
    replaced: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class FigureRow:
    """One quantity of the nights rehearsed: now, with the draft, and what that changes."""

    name: str
    current: str
    draft: str
    difference: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LawRow:
    """What a rule says."""

    article: str
    verdict: str
    css: str
    lamps: int
    about: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rehearsed:
    """What publishing a draft would change."""

    heading: str
    rows: tuple[FigureRow, ...]
    conflicts: tuple[str, ...]
    law: str
    law_rows: tuple[LawRow, ...]
    publish: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanPage:
    """Everything that the template shows."""

    op: OperatorWords
    heading: str
    group: str
    etag: str
    draft: str
    calendars: tuple[tuple[str, str, bool], ...]
    """Name, text, whether the draft follows it."""
    first: str
    last: str
    problem: str
    rehearsed: Rehearsed | None
    versions: tuple[VersionRow, ...]
    running: tuple[RunningCommand, ...]
    simulated: bool


async def plan_page(
    gateway: Gateway, words: Words, group: str, now: datetime, *, nights: tuple[date, date] | None = None, problem: str = ""
) -> PlanPage:
    """Ask for a group's draft and versions; with nights, rehearse it; GroupMissing, RemoteFailure."""
    territory = await gateway.registry.territory()
    zone, op = ZoneInfo(territory.time_zone), OPERATOR_WORDS[words.language]
    rehearsed = None if nights is None else await _rehearsed(gateway, words, territory.currency_code, group, nights)
    # After rehearsing: that is part of the draft's state.
    found = await group_of(gateway, group)
    calendars = [one async for one in gateway.lighting.calendars()]
    tonight = night_of(now, zone)
    first, last = nights or (tonight, tonight + _WEEK)
    return PlanPage(
        op=op,
        heading=found.display_name or found.name,
        group=found.name.partition("/")[2],
        etag=found.etag,
        draft=_draft(op, found, calendars),
        calendars=tuple((one.name, one.display_name or one.name, one.name == found.calendar) for one in calendars),
        first=first.isoformat(),
        last=last.isoformat(),
        problem=problem,
        rehearsed=rehearsed,
        versions=tuple(_version(op, one, zone, words.language) for one in await gateway.lighting.versions(found.name)),
        running=await running_commands(gateway, words, zone),
        simulated=territory.simulated,
    )


async def group_of(gateway: Gateway, name: str) -> Group:
    """Return a group by the last part of its name; GroupMissing."""
    async for group in gateway.lighting.groups():
        if group.name == f"groups/{name}":
            return group
    raise GroupMissing(f"there is no group {name}", group=name)


async def change_plan(gateway: Gateway, group: str, form: Mapping[str, str]) -> None:
    """Do what a form asks: publish the draft that was rehearsed, go back to a version, or have the draft follow another calendar."""
    name, reason = f"groups/{group}", form.get("reason", "").strip()
    if "calendar" in form:
        found = await group_of(gateway, group)
        await gateway.lighting.put_group(replace(found, calendar=form["calendar"], etag=form.get("etag", "")))
        return
    if not reason:
        raise invalid("reason", "is missing")
    if "publish" in form:
        await gateway.lighting.publish(name, form["publish"], reason)
        return
    version = form.get("version", "")
    if not (version.isascii() and version.isdecimal()):
        raise invalid("version", "is no number")
    await gateway.lighting.roll_back(name, int(version), reason)


def nights_from(first: str, last: str) -> tuple[date, date]:
    """Return the nights of a form, by their evenings' dates, a year at most; InvalidRequest."""
    try:
        nights = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        raise invalid("first_date", "is no date") from None
    if not 0 <= (nights[1] - nights[0]).days < _MOST_NIGHTS:
        raise invalid("first_date", "must not come after the last, nor more than a year before it")
    return nights


async def _rehearsed(gateway: Gateway, words: Words, currency: str, group: str, nights: tuple[date, date]) -> Rehearsed:
    op = OPERATOR_WORDS[words.language]
    rehearsal = await gateway.lighting.rehearse([f"groups/{group}"], *nights)
    checks = await gateway.lighting.legality(*nights, draft=True)
    first, last = (format_date(one, format="long", locale=words.language) for one in nights)
    count = {verdict.name.lower(): sum(one.verdict is verdict for one in checks) for verdict in Verdict}
    return Rehearsed(
        heading=op.rehearsal.format(first=first, last=last),
        rows=_figures(op, rehearsal, currency, words.language),
        conflicts=tuple(f"{op.conflict_kinds[one.kind.name]} : {len(one.luminaires)}" for one in rehearsal.conflicts),
        law=op.law_sentence.format(**count),
        law_rows=tuple(_law(op, one) for one in sorted(checks, key=lambda one: (one.verdict is not Verdict.FINDING, one.rule.article))),
        publish=op.publish.format(count=rehearsal.draft.luminaires),
    )


def _figures(op: OperatorWords, rehearsal: Rehearsal, currency: str, language: str) -> tuple[FigureRow, ...]:
    def value(amount: float | None, unit: str) -> str:
        return op.unknown if amount is None else f"{number(amount, language)}{NARROW_NO_BREAK_SPACE}{unit}".rstrip()

    def row(name: str, unit: str, current: float | None, draft: float | None) -> FigureRow:
        change = None if current is None or draft is None else draft - current
        sign = "" if change is None or change == 0 else "+" if change > 0 else "−"
        return FigureRow(
            name=name,
            current=value(current, unit),
            draft=value(draft, unit),
            difference=sign + value(None if change is None else abs(change), unit),
        )

    now, then = rehearsal.current, rehearsal.draft
    return (
        row(op.lit_lamps, "", now.luminaires, then.luminaires),
        row(op.energy, "kWh", now.energy_joules / _JOULES_PER_KILOWATT_HOUR, then.energy_joules / _JOULES_PER_KILOWATT_HOUR),
        row(op.cost, currency, _money(now), _money(then)),
        row(op.emission, "kgCO2e", _emission(now), _emission(then)),
        row(op.burning, "h", now.burning_seconds / _SECONDS_PER_HOUR, then.burning_seconds / _SECONDS_PER_HOUR),
    )


def _money(figures: Figures) -> float | None:
    return None if figures.cost_micros is None else figures.cost_micros / _MICROS


def _emission(figures: Figures) -> float | None:
    return None if figures.emission_grams is None else figures.emission_grams / _GRAMS_PER_KILOGRAM


def _law(op: OperatorWords, check: Check) -> LawRow:
    css = "serious" if check.verdict is Verdict.FINDING and not check.derogation else ""
    return LawRow(
        article=check.rule.article, verdict=op.verdicts[check.verdict.name], css=css, lamps=len(check.luminaires), about=check.about
    )


def _draft(op: OperatorWords, group: Group, calendars: Sequence[Calendar]) -> str:
    if group.switch_off is not None:
        return op.dark.format(count=len(group.luminaires), decision=group.switch_off.decision)
    named = next((one.display_name or one.name for one in calendars if one.name == group.calendar), group.calendar)
    return op.follows.format(calendar=named, count=len(group.luminaires))


def _version(op: OperatorWords, plan: Plan, zone: ZoneInfo, language: str) -> VersionRow:
    who = op.by.format(author=plan.author.removeprefix("people/"), reason=plan.reason)
    return VersionRow(
        number=plan.version,
        state=op.states[plan.state.name],
        first_night=format_date(date.fromisoformat(plan.first_date), format="medium", locale=language) if plan.first_date else "",
        published=f"{moment(plan.publish_time, zone, language)} · {who}",
        reach="" if plan.state is PlanState.REPLACED else reach_of(op, plan.reach),
        copied=op.copy_of.format(version=plan.copy_of) if plan.copy_of else "",
        replaced=plan.state is PlanState.REPLACED,
    )
