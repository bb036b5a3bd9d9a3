"""A night of the street lighting: what each group is to do from noon to noon, at which level and by which rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time

from dashboard.charts import LEFT, WIDTH, Tick
from dashboard.commands import RunningCommand, running_commands
from dashboard.field import Field, field_of
from dashboard.gateway import Gateway
from dashboard.operator_words import OPERATOR_WORDS, OperatorWords
from dashboard.words import Words
from multiflux_client.lighting_records import Group, LuminairePlan, Segment
from vocabulary.interval import Interval

HEIGHT = 72.0
"""Of a strip, in SVG units; its last part holds the hours."""
_FOOT, _TOP = 18.0, 6.0
_MOST_ASKED = 500
"""Luminaires whose plans one question asks for."""
_TICKS_H = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A stretch of a strip as an SVG shape, with the words that a pointer or a screen reader finds, and its line in the table."""

    points: str
    text: str
    clamped: bool
    start: str
    end: str
    level: str
    rule: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Strip:
    """What some luminaires of a group do alike."""

    finding: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupNight:
    """A group's night: its ways, the commonest first."""

    anchor: str
    name: str
    heading: str
    strips: tuple[Strip, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class NightPage:
    """Everything that the template shows."""

    heading: str
    earlier: str
    later: str
    groups: tuple[GroupNight, ...]
    ticks: tuple[Tick, ...]
    strip_height: float
    simulated: bool
    field: Field
    op: OperatorWords
    running: tuple[RunningCommand, ...]


def noon_to_noon(day: date, zone: ZoneInfo) -> Interval:
    """Return the night that begins on a civil day: 23, 24 or 25 hours."""
    noon = time(12)
    start, end = (datetime.combine(one, noon, zone).astimezone(UTC) for one in (day, day + timedelta(days=1)))
    return Interval(start=start, end=end)


def night_of(now: datetime, zone: ZoneInfo) -> date:
    """Return the day on which the present night begins, or at noon the next one."""
    local = now.astimezone(zone)
    return local.date() if local.time() >= time(12) else local.date() - timedelta(days=1)


async def night_page(gateway: Gateway, words: Words, day: date) -> NightPage:
    """Ask the lighting service for all that the page shows; RemoteFailure."""
    territory = await gateway.registry.territory()
    zone = ZoneInfo(territory.time_zone)
    during = noon_to_noon(day, zone)
    groups = [group async for group in gateway.lighting.groups()]
    plans: dict[str, LuminairePlan] = {}
    names = [name for group in groups for name in group.luminaires]
    for first in range(0, len(names), _MOST_ASKED):
        found = await gateway.lighting.plans(names[first : first + _MOST_ASKED], during)
        plans |= {plan.luminaire: plan for plan in found}
    drawing = _Drawing(words=words, zone=zone, during=during)
    return NightPage(
        heading=words.night.format(day=format_date(day, format="full", locale=words.language)),
        earlier=f"/{words.language}/lighting?night={day - timedelta(days=1)}",
        later=f"/{words.language}/lighting?night={day + timedelta(days=1)}",
        groups=tuple(drawing.group(number, group, plans) for number, group in enumerate(groups) if group.luminaires),
        ticks=drawing.ticks(),
        strip_height=HEIGHT,
        simulated=territory.simulated,
        field=await field_of(gateway, words.language, zone, _ended(day, zone)),
        op=OPERATOR_WORDS[words.language],
        running=await running_commands(gateway, words, zone),
    )


def _ended(day: date, zone: ZoneInfo) -> date:
    """Return the night, or the last one that has ended where it has not: only then a meter can tell of it."""
    return min(day, night_of(datetime.now(UTC), zone) - timedelta(days=1))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Drawing:
    words: Words
    zone: ZoneInfo
    during: Interval

    def group(self, number: int, group: Group, plans: dict[str, LuminairePlan]) -> GroupNight:
        alike: dict[tuple[Segment, ...], int] = {}
        for name in group.luminaires:
            if name in plans:
                alike[plans[name].segments] = alike.get(plans[name].segments, 0) + 1
        commonest = sorted(alike.items(), key=lambda item: -item[1])
        return GroupNight(
            anchor=f"group-{number}",
            name=group.name.partition("/")[2],
            heading=group.display_name or group.name,
            strips=tuple(self._strip(segments, count) for segments, count in commonest),
        )

    def ticks(self) -> tuple[Tick, ...]:
        hours = int(self.during.duration / timedelta(hours=1))
        times = [self.during.start + timedelta(hours=hour) for hour in range(0, hours, _TICKS_H)]
        return tuple(Tick(at=self._x(at), text=self._clock(at)) for at in times)

    def _strip(self, segments: Sequence[Segment], count: int) -> Strip:
        burning = sum(((one.end_time - one.start_time) for one in segments if one.level_percent > 0), timedelta())
        hours = burning / timedelta(hours=1)
        finding = self.words.strip.format(count=count, hours=f"{hours:.1f}".replace(".", "," if self.words.language == "fr" else "."))
        return Strip(finding=finding, steps=tuple(self._step(one) for one in segments))

    def _step(self, one: Segment) -> Step:
        base, scale = HEIGHT - _FOOT, (HEIGHT - _FOOT - _TOP) / 100
        left, right = self._x(one.start_time), self._x(one.end_time)
        heights = [base - level * scale for level in (one.start_level_percent, one.level_percent)]
        rule = self.words.ranks[one.source.rank.name]
        if one.clamp is not None:
            rule = f"{rule} · {self.words.clamps[one.clamp.name]}"
        level = f"{one.level_percent:.0f}\u202f%" if self.words.language == "fr" else f"{one.level_percent:.0f}%"
        start, end = self._clock(one.start_time), self._clock(one.end_time)
        return Step(
            points=f"{left:.1f},{base:.1f} {left:.1f},{heights[0]:.1f} {right:.1f},{heights[1]:.1f} {right:.1f},{base:.1f}",
            text=f"{start}–{end} : {level}, {rule}",
            clamped=one.clamp is not None,
            start=start,
            end=end,
            level=level,
            rule=rule,
        )

    def _x(self, at: datetime) -> float:
        return LEFT + (WIDTH - LEFT) * ((at - self.during.start) / self.during.duration)

    def _clock(self, at: datetime) -> str:
        return format_time(at.astimezone(self.zone), format="HH:mm", locale=self.words.language)
