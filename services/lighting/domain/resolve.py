"""The plan of every night: which level, by which rule, for every luminaire; worked out by kind, many nights at once.

From the rule that yields to the rule that wins: default, calendar (or a switch-off by decision), effects, override, emergency, the
switch at the
cabinet, lock-out. Software levels are then clamped.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from lighting.domain.clamps import Traits, clamped
from lighting.domain.commands import Command, CommandKind, in_order
from lighting.domain.curves import cabinet_steps, dark_steps, programme_steps
from lighting.domain.estate import Content, Estate, Kind
from lighting.domain.inventory import Limits
from lighting.domain.levels import CabinetId, Clamp, Control, GroupId, LuminaireId, Rank, Source
from lighting.domain.nights import Nights, dates_between, nights_at
from lighting.domain.programmes import Programme, Reference, SwitchPoint
from lighting.domain.steps import Flags, Floats, Ints, Steps, overlaid

_HEARS_NOTHING = (Control.SELF_DIMMING, Control.NONE)
_FOREVER = 1e12
_ROWS_AT_ONCE = 20_000
_NO_LIMITS = Traits(limits=Limits(), minimum_level=0, control=Control.INDIVIDUAL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pattern:
    """Luminaires whose nights are the same: one kind, one group, the same commands."""

    kind: Kind
    group: GroupId | None
    commands: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Block:
    """Resolved nights: by row, which pattern, which night and its sunset and sunrise; and the steps."""

    pattern: Ints
    nights: Nights
    steps: Steps


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Resolution:
    """The resolved nights from a first to a last date. A luminaire has one pattern for each stretch between changes of plans."""

    patterns: tuple[Pattern, ...]
    members: tuple[tuple[LuminaireId, ...], ...]
    """The luminaires of each pattern."""
    sources: tuple[Source, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Base:
    """What a row follows before commands: a programme, the cabinet's clock, or darkness."""

    source: int
    programme: Programme | None = None
    points: tuple[SwitchPoint, ...] = ()
    dark: bool = False
    own_dimming: bool = False


@dataclass(slots=True)
class _Work:
    """A resolution being worked out."""

    estate: Estate
    commands: Sequence[Command]
    triggered: bool
    stage: Mapping[CabinetId, int]
    patterns: list[Pattern] = field(default_factory=list[Pattern])
    members: list[list[LuminaireId]] = field(default_factory=list[list[LuminaireId]])
    sources: dict[Source, int] = field(default_factory=dict[Source, int])
    blocks: list[Block] = field(default_factory=list[Block])

    def number(self, source: Source) -> int:
        return self.sources.setdefault(source, len(self.sources))


def resolved(estate: Estate, luminaires: Iterable[LuminaireId], first: date, last: date, *, triggered: bool = False) -> Resolution:
    """Return the nights from first to last date, both included; `triggered` takes effects for active. UnknownLamp, UnknownCabinet."""
    wanted = list(dict.fromkeys(luminaires))
    for one in wanted:
        estate.luminaire(one)
    commands = in_order(one for one in estate.commands if _may_touch(one, first, last))
    stage = {cabinet: number for number, cabinet in enumerate(sorted(estate.cabinets))}
    work = _Work(estate=estate, commands=commands, triggered=triggered, stage=stage)
    commanded = _commanded(estate, commands, wanted)
    for days in _epochs(estate, first, last):
        _resolve_epoch(work, wanted, commanded, days)
    return Resolution(
        patterns=tuple(work.patterns),
        members=tuple(tuple(members) for members in work.members),
        sources=tuple(work.sources),
        blocks=tuple(work.blocks),
    )


def _may_touch(command: Command, first: date, last: date) -> bool:
    # A day on both sides covers every time zone; nights that a command does not reach are left alone later.
    day = timedelta(days=2)
    begins = datetime(first.year, first.month, first.day, tzinfo=UTC) - day
    ends = datetime(last.year, last.month, last.day, tzinfo=UTC) + day
    return command.start < ends and (command.end is None or command.end > begins)


def _commanded(estate: Estate, commands: Sequence[Command], wanted: Sequence[LuminaireId]) -> Mapping[LuminaireId, tuple[int, ...]]:
    """Return, for luminaires that commands mean, their numbers in order."""
    found: dict[LuminaireId, tuple[int, ...]] = {}
    for number, command in enumerate(commands):
        for one in wanted:
            luminaire = estate.luminaires[one]
            software = command.kind is not CommandKind.LOCAL
            if software and luminaire.control in _HEARS_NOTHING:
                continue
            if estate.is_meant(command.scope, luminaire):
                found[one] = (*found.get(one, ()), number)
    return found


def _epochs(estate: Estate, first: date, last: date) -> Iterable[tuple[date, ...]]:
    """Yield the dates, cut where a plan begins."""
    starts = {plan.first_night for plans in estate.plans.values() for plan in plans}
    cuts = sorted({first, *(day for day in starts if first < day <= last)})
    for start, following in zip(cuts, [*cuts[1:], last + timedelta(days=1)], strict=True):
        yield dates_between(start, following - timedelta(days=1))


def _resolve_epoch(
    work: _Work, wanted: Sequence[LuminaireId], commanded: Mapping[LuminaireId, tuple[int, ...]], days: tuple[date, ...]
) -> None:
    contents = work.estate.contents_on(days[0])
    new = _patterns(work, wanted, commanded, contents)
    cabinets = sorted({work.patterns[number].kind.cabinet for number in new})
    if not cabinets:
        return
    nights = nights_at([work.estate.cabinets[cabinet].clock for cabinet in cabinets], days, work.estate.zone)
    offset = {cabinet: number * len(days) for number, cabinet in enumerate(cabinets)}
    rows: defaultdict[tuple[_Base, tuple[int, ...]], list[tuple[int, int]]] = defaultdict(list)
    followed: dict[tuple[GroupId | None, Kind | None], list[_Base]] = {}
    for number in new:
        pattern = work.patterns[number]
        key = (pattern.group, pattern.kind if pattern.kind.traits.control in _HEARS_NOTHING else None)
        if key not in followed:
            followed[key] = _bases(work, pattern, contents.get(pattern.group) if pattern.group else None, days)
        at = offset[pattern.kind.cabinet]
        touching = _touching(work, pattern, nights, at, len(days))
        for day, base in enumerate(followed[key]):
            rows[base, touching[day]].append((number, at + day))
    for (base, commands), members in rows.items():
        for some in range(0, len(members), _ROWS_AT_ONCE):
            _resolve_rows(work, base, commands, np.array(members[some : some + _ROWS_AT_ONCE]), nights)


def _patterns(
    work: _Work, wanted: Sequence[LuminaireId], commanded: Mapping[LuminaireId, tuple[int, ...]], contents: Mapping[GroupId, Content]
) -> Sequence[int]:
    group_of = {luminaire: group for group, content in contents.items() for luminaire in content.luminaires}
    kinds, new = work.estate.kinds, dict[tuple[int, GroupId | None, tuple[int, ...]], int]()
    for one in wanted:
        key = (kinds.of[one], group_of.get(one), commanded.get(one, ()))
        number = new.get(key)
        if number is None:
            number = new[key] = len(work.patterns)
            work.patterns.append(Pattern(kind=kinds.kinds[key[0]], group=key[1], commands=key[2]))
            work.members.append([])
        work.members[number].append(one)
    return list(new.values())


def _bases(work: _Work, pattern: Pattern, content: Content | None, days: Sequence[date]) -> list[_Base]:
    """Return what the pattern follows on each day, commands aside."""
    kind = pattern.kind
    if kind.traits.control in _HEARS_NOTHING:
        own = _own_points(kind)
        return [_Base(source=work.number(Source(rank=Rank.DEFAULT)), points=own, own_dimming=bool(own))] * len(days)
    if content is not None and content.switch_off is not None:
        return [_Base(source=work.number(Source(rank=Rank.SWITCHED_OFF)), dark=True)] * len(days)
    by_default = _Base(source=work.number(Source(rank=Rank.DEFAULT)))
    if content is None or content.calendar is None:
        return [by_default] * len(days)
    programmes, calendar, found = {one.id: one for one in content.programmes}, content.calendar, list[_Base]()
    for day in days:
        rule = calendar.rule_of(day, work.estate.holidays)
        programme = calendar.programme_of(rule)
        if programme is None:
            found.append(by_default)
        else:
            rank = Rank.EFFECT if work.triggered and programmes[programme].effects else Rank.CALENDAR
            source = work.number(Source(rank=rank, programme=programme, calendar_rule=rule))
            found.append(_Base(source=source, programme=programmes[programme]))
    return found


def _own_points(kind: Kind) -> tuple[SwitchPoint, ...]:
    own = kind.self_dimming
    if kind.traits.control is not Control.SELF_DIMMING or own is None:
        return ()
    return (
        SwitchPoint(reference=Reference.MIDDLE, offset_minutes=-own.before_minutes, level=own.level),
        SwitchPoint(reference=Reference.MIDDLE, offset_minutes=own.after_minutes, level=100),
    )


def _touching(work: _Work, pattern: Pattern, nights: Nights, at: int, days: int) -> list[tuple[int, ...]]:
    """Return, for each night of a pattern, the numbers of the commands that reach into it."""
    if not pattern.commands:
        return [()] * days
    start, end = nights.start[at : at + days], nights.end[at : at + days]
    reaches: list[Flags] = []
    for number in pattern.commands:
        since, until = _window(work, number, pattern.kind.cabinet)
        reaches.append((since < end) & (until > start) & (since < until))
    return [tuple(number for number, reach in zip(pattern.commands, reaches, strict=True) if reach[day]) for day in range(days)]


def _window(work: _Work, number: int, cabinet: CabinetId) -> tuple[float, float]:
    """Return from when until when a command holds at a cabinet (UTC seconds)."""
    command = work.commands[number]
    start = command.start.timestamp() + command.stage_s * work.stage[cabinet]
    return start, _FOREVER if command.end is None else command.end.timestamp()


def _resolve_rows(work: _Work, base: _Base, commands: tuple[int, ...], members: Ints, nights: Nights) -> None:
    pattern, chosen = members[:, 0], nights.of(members[:, 1])
    steps = _base_steps(work, base, chosen)
    numbers: list[int] = pattern.tolist()
    kinds = [work.patterns[number].kind for number in numbers]
    if commands:
        # A ramp is clamped as a whole, and only then cut by commands: after one, it goes on as it would have been.
        steps = _within_limits(work, base, steps, kinds, chosen)
    for number in commands:
        command = work.commands[number]
        source = work.number(Source(rank=command.kind.rank, command=command.id))
        windows = np.array([_window(work, number, kind.cabinet) for kind in kinds])
        steps = overlaid(steps, windows[:, 0], windows[:, 1], float(command.level), source)
    work.blocks.append(Block(pattern=pattern, nights=chosen, steps=_within_limits(work, base, steps, kinds, chosen)))


def _within_limits(work: _Work, base: _Base, steps: Steps, kinds: Sequence[Kind], nights: Nights) -> Steps:
    if base.own_dimming:
        dimmed = (steps.level != steps.asked.max(axis=1, keepdims=True)) & steps.lit
        return replace(steps, clamp=np.where(dimmed, Clamp.OWN_DIMMING.value, steps.clamp))
    ranks = [source.rank for source in work.sources]
    return clamped(steps, [_traits(kind) for kind in kinds], ranks, nights.sunset, nights.sunrise)


def _traits(kind: Kind) -> Traits:
    return kind.traits if kind.traits.control not in _HEARS_NOTHING else _NO_LIMITS


def _base_steps(work: _Work, base: _Base, nights: Nights) -> Steps:
    if base.dark:
        return dark_steps(nights, base.source)
    if base.programme is None:
        return cabinet_steps(base.points, nights, base.source)
    return programme_steps(base.programme, nights, base.source, triggered=work.triggered)


def levels_at(steps: Steps, time: Floats) -> Floats:
    """Return each row's level at an instant of its own (UTC seconds, inside its night)."""
    of = np.clip((steps.bounds <= time[:, None]).sum(axis=1) - 1, 0, steps.level.shape[1] - 1)
    row = np.arange(len(of))
    start, end = steps.bounds[row, of], steps.bounds[row, of + 1]
    before, after = steps.start_level[row, of], steps.level[row, of]
    return before + (after - before) * (time - start) / np.where(end > start, end - start, 1.0)


def patterns_by_luminaire(resolution: Resolution) -> Mapping[LuminaireId, Sequence[int]]:
    """Return the numbers of the patterns of every luminaire."""
    found: defaultdict[LuminaireId, list[int]] = defaultdict(list)
    for number, members in enumerate(resolution.members):
        for luminaire in members:
            found[luminaire].append(number)
    return found
