"""What operators command above the plan: lock-outs for works, an emergency, levels with an end; what holds, and how far it has come."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard.figures import moment
from dashboard.gateway import Gateway
from dashboard.operator_words import OPERATOR_WORDS, OperatorWords
from dashboard.words import Words
from multiflux_client.failures import RemoteFailure
from multiflux_client.lighting_records import Command, CommandKind, LightingScope, Reach
from vocabulary.failure import FieldViolation, InvalidRequest, Kind

_SERIOUS = frozenset({CommandKind.LOCK_OUT, CommandKind.EMERGENCY})
_FULL_LEVEL = 100
_BY_REASON = {
    "NOT_REHEARSED": "rehearsal",
    "ETAG_STALE": "stale",
    "ALREADY_THERE": "identifier",
    "LOCKED_OUT": "locked_out",
    "UNKNOWN_LUMINAIRE": "scope",
    "UNKNOWN_CABINET": "scope",
    "SCOPE_EMPTY": "scope",
    "NOT_FOUND": "scope",
    "TIME_PAST": "until_time",
    "RULE_EMPTY": "rules",
    "RULE_OVERLAPPED": "rules",
}
"""What refusals of the lighting service concern."""
_FIELDS = ("scope", "lamps", "level_percent", "until_time", "reason")


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningCommand:
    """A command that holds or will hold: its line on every page of the lighting."""

    name: str
    kind: str
    css: str
    scope: str
    level: str
    during: str
    by: str
    reach: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A command that an operator asks for."""

    kind: CommandKind
    scope: LightingScope | None
    """None: all roads."""
    level_percent: int
    until: datetime | None
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandsPage:
    """Everything that the template shows."""

    op: OperatorWords
    running: tuple[RunningCommand, ...]
    scopes: tuple[tuple[str, str], ...]
    """Addresses of selections, and their names."""
    form: Mapping[str, str]
    """What was sent from this page before, to be corrected or confirmed."""
    problem: str
    question: str
    """What is asked before a serious command; empty: nothing."""
    simulated: bool


async def running_commands(gateway: Gateway, words: Words, zone: ZoneInfo) -> tuple[RunningCommand, ...]:
    """Return the commands that hold or will hold, the serious ones first; RemoteFailure."""
    commands = [command async for command in gateway.lighting.commands()]
    names = dict(await _scopes(gateway, words)) if commands else {}
    return tuple(_running(command, words, zone, names) for command in sorted(commands, key=lambda one: one.kind not in _SERIOUS))


async def commands_page(
    gateway: Gateway, words: Words, form: Mapping[str, str], *, problem: str = "", asking: Wanted | None = None
) -> CommandsPage:
    """Ask for what the page shows: with what was sent wrongly, or what is to be confirmed, if anything; RemoteFailure."""
    territory = await gateway.registry.territory()
    op, scopes = OPERATOR_WORDS[words.language], await _scopes(gateway, words)
    return CommandsPage(
        op=op,
        running=await running_commands(gateway, words, ZoneInfo(territory.time_zone)),
        scopes=scopes,
        form={name: form.get(name, "") for name in ("kind", *_FIELDS)},
        problem=problem,
        question="" if asking is None else _question(op, asking, dict(scopes)),
        simulated=territory.simulated,
    )


def problem_of(words: Words, failure: InvalidRequest | RemoteFailure) -> str:
    """Say what is wrong with what was sent; RemoteFailure again when nothing in it is."""
    op = OPERATOR_WORDS[words.language]
    if isinstance(failure, RemoteFailure) and failure.kind not in (Kind.INVALID, Kind.MISSING, Kind.CONFLICT, Kind.EXISTS, Kind.STALE):
        raise failure
    fields = [one.field.split(".")[0] for one in failure.violations] or [_BY_REASON.get(failure.reason, "")]
    return op.not_sent.format(why=" ".join(dict.fromkeys(op.wrong.get(field, op.wrong[""]) for field in fields)))


def wanted(form: Mapping[str, str], zone: ZoneInfo, now: datetime) -> Wanted:
    """Return the command that a form asks for; InvalidRequest names every field that is wrong."""
    wrong: list[str] = []
    kind = CommandKind.__members__.get(form.get("kind", ""))
    level, until = _level(form.get("level_percent", "")), _local(form.get("until_time", ""), zone)
    if kind not in (*_SERIOUS, CommandKind.OVERRIDE):
        wrong.append("kind")
    if kind is not CommandKind.LOCK_OUT and level is None:
        wrong.append("level_percent")
    if kind is CommandKind.OVERRIDE and until is None:
        wrong.append("until_time")
    if form.get("until_time") and (until is None or until <= now):
        wrong.append("until_time")
    if not form.get("reason", "").strip():
        wrong.append("reason")
    scope = _scope(form.get("scope", ""), form.get("lamps", ""))
    if scope == LightingScope():
        wrong.append("scope")
    if wrong or kind is None:
        raise InvalidRequest(*(FieldViolation(field=name, description="cannot be") for name in dict.fromkeys(wrong)))
    return Wanted(kind=kind, scope=scope, level_percent=level or 0, until=until, reason=form["reason"].strip())


def is_serious(command: Wanted) -> bool:
    """Tell whether a command is asked for once more, in words, before it is given."""
    return command.kind in _SERIOUS


async def give_command(gateway: Gateway, command: Wanted) -> None:
    """Give a command; RemoteFailure."""
    match command.kind:
        case CommandKind.LOCK_OUT:
            await gateway.lighting.lock_out(command.scope or _roads(), command.reason, until=command.until)
        case CommandKind.EMERGENCY:
            await gateway.lighting.declare_emergency(command.level_percent, command.reason, scope=command.scope)
        case _:
            await gateway.lighting.override(command.scope or _roads(), command.level_percent, command.reason, until=command.until)


def reach_of(op: OperatorWords, reach: Reach | None) -> str:
    """Say how far a change has come."""
    if reach is None or not reach.cabinets:
        return op.no_gateway
    parts = [op.reach.format(confirmed=reach.confirmed, cabinets=reach.cabinets)]
    parts += [
        text.format(count=count)
        for text, count in ((op.waiting_for_power, reach.waiting_for_power), (op.not_reached, reach.silent))
        if count
    ]
    return ", ".join(parts)


async def _scopes(gateway: Gateway, words: Words) -> tuple[tuple[str, str], ...]:
    op = OPERATOR_WORDS[words.language]
    groups = [(one.name, one.display_name or one.name) async for one in gateway.lighting.groups()]
    cabinets = [(one.name, one.display_name or one.name) async for one in gateway.lighting.cabinets()]
    return (("roads", op.all_roads), ("whole", op.whole), *groups, *cabinets)


def _running(command: Command, words: Words, zone: ZoneInfo, names: Mapping[str, str]) -> RunningCommand:
    op = OPERATOR_WORDS[words.language]
    since = op.since.format(at=moment(command.start_time, zone, words.language))
    end = op.until.format(at=moment(command.expire_time, zone, words.language)) if command.expire_time else op.until_ended
    return RunningCommand(
        name=command.name,
        kind=op.kinds[command.kind.name],
        css="serious" if command.kind in _SERIOUS else "",
        scope=_scope_name(op, command.scope, names),
        level="" if command.kind is CommandKind.LOCK_OUT else f"{command.level_percent}\u202f%",
        during=f"{since}, {end}",
        by=op.by.format(author=command.author.removeprefix("people/"), reason=command.reason),
        reach=reach_of(op, command.reach),
    )


def _scope_name(op: OperatorWords, scope: LightingScope, names: Mapping[str, str]) -> str:
    if scope.whole_territory:
        return op.all_roads if scope.categories else op.whole
    return ", ".join(
        [*(names.get(one, one) for one in (*scope.groups, *scope.cabinets)), *(one.partition("/")[2] for one in scope.luminaires)]
    )


def _question(op: OperatorWords, command: Wanted, names: Mapping[str, str]) -> str:
    text = op.lock_out_ask if command.kind is CommandKind.LOCK_OUT else op.emergency_ask
    return text.format(scope=_scope_name(op, command.scope or _roads(), names), level=command.level_percent)


def _roads() -> LightingScope:
    return LightingScope(whole_territory=True, categories=("a",))


def _scope(chosen: str, lamps: str) -> LightingScope | None:
    if named := lamps.split():
        return LightingScope(luminaires=tuple(f"luminaires/{one.removeprefix('luminaires/')}" for one in named))
    collection = chosen.partition("/")[0]
    match collection:
        case "roads":
            return None
        case "whole":
            return LightingScope(whole_territory=True)
        case "groups":
            return LightingScope(groups=(chosen,))
        case "cabinets":
            return LightingScope(cabinets=(chosen,))
        case _:
            return LightingScope()


def _level(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and int(text) <= _FULL_LEVEL else None


def _local(text: str, zone: ZoneInfo) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.replace(tzinfo=zone) if at.tzinfo is None else None
