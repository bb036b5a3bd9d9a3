"""Adds a place's consumption up from the day figures of its points."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from metering.domain.consumption.columns import Bools, Int64s, int8s
from metering.domain.consumption.places import Stretches, UseKind, boundary_stretches
from metering.domain.consumption.slots import NOMINAL_S, Consumption, Slots, counted, edge_of_day, slots_of
from metering.domain.figures.consumption import ConsumptionAnswer, ConsumptionQuestion, NoPoints, PointShare, kind_of, wanted_of
from metering.domain.figures.daily import DailyFigures, DayFigures, Month, joined_days
from metering.domain.figures.point_use import ReadChannel, Wanted, counts, known_use
from metering.domain.figures.scene import Member, Scene
from vocabulary.civil import GAS_DAY_STARTS_AT, Granularity
from vocabulary.interval import Interval
from vocabulary.names import PlaceId, PointId

OF_DAYS = frozenset(
    {Granularity.DAY, Granularity.GAS_DAY, Granularity.WEEK, Granularity.MONTH, Granularity.HEATING_SEASON, Granularity.YEAR}
)
"""Slots that are made of whole days: gas days of themselves, all others of civil days."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Calendar:
    """The days of a question's months, and the slots that they make."""

    day: Granularity
    months: tuple[Month, ...]
    days: Slots
    slots: Slots


def answered_from_days(
    question: ConsumptionQuestion, scene: Scene, place: PlaceId, kept: DailyFigures, read_of: Callable[[PointId], ReadChannel]
) -> ConsumptionAnswer | None:
    """Answer a question about whole days; None when a point joined or left the place within a day, which days cannot tell.

    The question allows a profile, takes all readings, and nothing of it is to be cut. Raises NoPoints.
    """
    kind = kind_of(question, scene)
    wanted = wanted_of(question, kind)
    members = {one.point.point_id: one for one in scene.members if one.point.flux is kind.flux and counts(one.point, wanted)}
    calendar = _calendar(question, scene)
    start, end = int(calendar.slots.start[0]), int(calendar.slots.end[-1])
    boundary = boundary_stretches(place, scene.layout(), frozenset(members), start, end)
    if not boundary:
        raise NoPoints(f"{scene.resource} has no such {kind.flux.name.lower()} point", resource=scene.resource, flux=kind.flux.name)
    if not _whole_days(boundary.values(), calendar.days):
        return None
    total = _Sum.over(len(calendar.days))
    shares = list[PointShare]()
    for point, stretches in boundary.items():
        figures = _figures(question, scene, kind, members[point], kept, calendar, read_of)
        inside = _inside(stretches, calendar.days)
        total.add(figures, inside, calendar.days)
        shares.append(_share(point, figures, inside, calendar.days))
    return ConsumptionAnswer(kind=kind, slots=total.answer(calendar), points=tuple(shares), simulated=scene.simulated)


def _calendar(question: ConsumptionQuestion, scene: Scene) -> _Calendar:
    day = Granularity.GAS_DAY if question.granularity is Granularity.GAS_DAY else Granularity.DAY
    slots = slots_of(question.during, question.granularity, scene.zone)
    months = _months(int(slots.start[0]), int(slots.end[-1]), GAS_DAY_STARTS_AT if day is Granularity.GAS_DAY else time(), scene.zone)
    span = Interval(start=_instant(months[0][0]), end=_instant(months[-1][1]))
    return _Calendar(day=day, months=months, days=slots_of(span, day, scene.zone), slots=slots)


def _months(start: int, end: int, starts_at: time, zone: ZoneInfo) -> tuple[Month, ...]:
    """Return the months that meet `[start, end)`, whose days begin at a local time of day."""
    first = _instant(start).astimezone(zone).date().replace(day=1)
    if edge_of_day(first, starts_at, zone) > start:
        first = (first - timedelta(days=1)).replace(day=1)
    edges = [edge_of_day(first, starts_at, zone)]
    while edges[-1] < end:
        first = (first + timedelta(days=31)).replace(day=1)
        edges.append(edge_of_day(first, starts_at, zone))
    return tuple(pairwise(edges))


def _figures(
    question: ConsumptionQuestion,
    scene: Scene,
    kind: UseKind,
    member: Member,
    kept: DailyFigures,
    calendar: _Calendar,
    read_of: Callable[[PointId], ReadChannel],
) -> DayFigures:
    point = member.point

    def compute(months: Sequence[Month]) -> Sequence[DayFigures]:
        during = Interval(start=_instant(months[0][0]), end=_instant(months[-1][1]))
        use = known_use(point, _by_day(wanted_of(question, kind)), during, read_of(point.point_id), scene.zone, scene.coefficients)
        computed = list[DayFigures]()
        for start, end in months:
            days = slots_of(Interval(start=_instant(start), end=_instant(end)), calendar.day, scene.zone)
            answer = counted(use.pieces, days, by_profile=True)
            lasting = days.end - days.start
            computed.append(
                DayFigures(
                    value=answer.value,
                    measured=np.rint(answer.coverage * lasting).astype(np.int64),
                    estimated=np.rint(answer.estimated * lasting).astype(np.int64),
                    quality=answer.quality,
                    method=answer.method,
                    latest=use.latest,
                    suspect=use.suspect,
                )
            )
        return computed

    return joined_days(kept.of((question.territory, point.point_id, kind, calendar.day), point, calendar.months, compute))


def _by_day(wanted: Wanted) -> Wanted:
    # The same days serve every question: they must not depend on the slots of the one that was first.
    return replace(wanted, finest_s=NOMINAL_S[Granularity.DAY])


def _whole_days(boundary: Iterable[Stretches], days: Slots) -> bool:
    edges = set(days.start.tolist()) | {int(days.end[-1])}
    return all(start in edges and end in edges for stretches in boundary for start, end in stretches)


def _inside(stretches: Stretches, days: Slots) -> Bools:
    inside = np.zeros(len(days), dtype=np.bool_)
    for start, end in stretches:
        inside |= (days.start >= start) & (days.end <= end)
    return inside


def _share(point: PointId, figures: DayFigures, inside: Bools, days: Slots) -> PointShare:
    lasting = int((days.end - days.start)[inside].sum())
    covered = int(figures.measured[inside].sum()) / lasting if lasting else 0.0
    worst = int(figures.quality[inside].max()) if inside.any() else 0
    return PointShare(point=point, coverage=covered, quality=worst, latest=figures.latest, suspect=figures.suspect)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Sum:
    """Sums per day; times in seconds."""

    value: Int64s
    expected: Int64s
    measured: Int64s
    estimated: Int64s
    quality: Int64s
    method: Int64s

    @staticmethod
    def over(days: int) -> "_Sum":
        value, expected, measured, estimated, quality, method = np.zeros((6, days), dtype=np.int64)
        return _Sum(value=value, expected=expected, measured=measured, estimated=estimated, quality=quality, method=method)

    def add(self, figures: DayFigures, inside: Bools, days: Slots) -> None:
        for column in ("value", "measured", "estimated"):
            own: Int64s = getattr(self, column)
            own += np.where(inside, getattr(figures, column), 0)
        np.add(self.expected, np.where(inside, days.end - days.start, 0), out=self.expected)
        np.maximum(self.quality, np.where(inside, figures.quality, 0), out=self.quality)
        np.maximum(self.method, np.where(inside, figures.method, 0), out=self.method)

    def answer(self, calendar: _Calendar) -> Consumption:
        """Return the sums per slot: each is made of whole days."""
        slots, days = calendar.slots, calendar.days
        first, last = np.searchsorted(days.start, slots.start), np.searchsorted(days.end, slots.end, "right")
        value, expected, measured, estimated = (
            _between(column, first, last) for column in (self.value, self.expected, self.measured, self.estimated)
        )
        quality, method = (
            np.array([column[a:b].max() for a, b in zip(first, last, strict=True)]) for column in (self.quality, self.method)
        )
        return Consumption(
            start=slots.start,
            end=slots.end,
            value=value,
            known=measured + estimated > 0,
            coverage=np.divide(measured, expected, out=np.zeros(len(slots)), where=expected > 0),
            estimated=np.divide(estimated, expected, out=np.zeros(len(slots)), where=expected > 0),
            quality=int8s(quality),
            method=int8s(method),
            profile=bool((estimated > 0).any()),
        )


def _between(column: Int64s, first: Int64s, last: Int64s) -> Int64s:
    before = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(column)))
    return before[last] - before[first]


def _instant(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
