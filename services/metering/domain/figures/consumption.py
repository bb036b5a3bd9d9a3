"""Answers what was consumed at a point or in a place, slot by slot."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from metering.domain.consumption.channel import consumption, evenly
from metering.domain.consumption.disclosure import Asker, PremiseUse, ReachedPremise, disclosed
from metering.domain.consumption.pieces import NOTHING, Pieces, clipped, joined
from metering.domain.consumption.places import PointUse, UseKind, place_totals
from metering.domain.consumption.slots import NOMINAL_S, Consumption, FinerThanData, meets, require_fine_enough, slots_of
from metering.domain.figures.point_use import KnownUse, ReadChannel, Wanted, counts, known_use
from metering.domain.figures.scene import Scene
from vocabulary.civil import Granularity
from vocabulary.failure import Failure, Kind
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.interval import Interval
from vocabulary.names import PlaceId, PointId, TerritoryId

_LONGEST = {
    Granularity.TEN_MINUTES: timedelta(days=400),
    Granularity.FIFTEEN_MINUTES: timedelta(days=400),
    Granularity.THIRTY_MINUTES: timedelta(days=400),
    Granularity.HOUR: timedelta(days=1_200),
}
LONGEST_CIVIL = timedelta(days=40 * 366)
"""The longest question by civil slots, and about costs."""


class IntervalTooLong(Failure):
    """The question asks for more slots than one answer holds."""

    reason, kind = "INTERVAL_TOO_LONG", Kind.INVALID


class NoPoints(Failure):
    """No metering point of the place counts what is asked for."""

    reason, kind = "NO_POINTS", Kind.MISSING


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsumptionQuestion:
    """What was consumed at `resource` (`places/x`, `meters/x`) in `during`, cut by `granularity`.

    A missing flux is the point's own; a missing quantity is volume for water, energy for all else. `known_sequence` 0 takes all readings.
    """

    territory: TerritoryId
    resource: str
    flux: Flux | None
    quantity: Quantity | None
    direction: Direction
    during: Interval
    granularity: Granularity
    profile_allowed: bool = False
    known_sequence: int = 0
    register_set: str = ""
    tariff_slot: str = ""

    def __post_init__(self) -> None:
        """Refuse what no answer could hold."""
        longest = _LONGEST.get(self.granularity, LONGEST_CIVIL)
        if self.during.duration > longest:
            raise IntervalTooLong(
                f"at most {longest.days} days by {self.granularity.name.lower()}",
                granularity=self.granularity.name,
                most_days=str(longest.days),
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class PointShare:
    """How a boundary point took part: coverage 0 to 1, worst quality (0: no reading), the last reading's UTC second (0: none)."""

    point: PointId
    coverage: float
    quality: int
    latest: int
    suspect: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ConsumptionAnswer:
    """The figures of a question, of which kind they are, and who took part."""

    kind: UseKind
    slots: Consumption
    points: tuple[PointShare, ...]
    simulated: bool


def answered(question: ConsumptionQuestion, scene: Scene, asker: Asker, read_of: Callable[[PointId], ReadChannel]) -> ConsumptionAnswer:
    """Answer a question from its scene and the readings of its points.

    Raises SeveralHouseholds, OtherHousehold, NoPoints, NoSuchChannel, FinerThanData.
    """
    kind = kind_of(question, scene)
    whole = slots_of(question.during, question.granularity, scene.zone)
    during = Interval(start=_instant(whole.start[0]), end=_instant(whole.end[-1]))
    allowed = allowed_time(scene, asker, during)
    wanted = wanted_of(question, kind)
    members = [one for one in scene.members if one.point.flux is kind.flux and counts(one.point, wanted)]
    if not members:
        raise NoPoints(f"{scene.resource} has no such {kind.flux.name.lower()} point", resource=scene.resource, flux=kind.flux.name)
    uses = {
        one.point.point_id: _cut(
            known_use(one.point, wanted, during, read_of(one.point.point_id), scene.zone, scene.coefficients), allowed, during
        )
        for one in members
    }
    if scene.place is None:
        return _of_point(question, scene, kind, uses)
    return _of_place(question, scene, scene.place, kind, uses)


def kind_of(question: ConsumptionQuestion, scene: Scene) -> UseKind:
    """Return what the question is about, with what it leaves to the scene."""
    flux = question.flux or (scene.members[0].point.flux if scene.place is None and scene.members else Flux.ELECTRICITY)
    quantity = question.quantity or (Quantity.VOLUME if flux is Flux.WATER else Quantity.ENERGY)
    return UseKind(flux=flux, quantity=quantity, direction=question.direction)


def wanted_of(question: ConsumptionQuestion, kind: UseKind) -> Wanted:
    """Return what of each point a question asks for."""
    return Wanted(
        quantity=kind.quantity,
        direction=kind.direction,
        register_set=question.register_set,
        tariff_slot=question.tariff_slot,
        finest_s=NOMINAL_S[question.granularity],
    )


def is_cut(question: ConsumptionQuestion, scene: Scene, asker: Asker) -> bool:
    """Tell whether the asker may be told of a part of the question's time only; SeveralHouseholds, OtherHousehold."""
    return allowed_time(scene, asker, question.during) != (question.during,)


def allowed_time(scene: Scene, asker: Asker, during: Interval) -> tuple[Interval, ...]:
    """Return the parts of `during` that the asker may be told of; SeveralHouseholds, OtherHousehold."""
    reached = [ReachedPremise(premise=home, use=PremiseUse.HOUSEHOLD) for home in scene.homes]
    return disclosed(scene.place or PlaceId(scene.resource), reached, asker, during, simulated=scene.simulated).during


def _cut(use: KnownUse, allowed: Sequence[Interval], during: Interval) -> KnownUse:
    """Leave out what lies outside the times that the asker may be told of."""
    if tuple(allowed) == (during,):
        return use
    parts = [clipped(use.pieces, int(part.start.timestamp()), int(part.end.timestamp())) for part in allowed]
    return replace(use, pieces=joined(parts) if parts else NOTHING)


def _of_point(question: ConsumptionQuestion, scene: Scene, kind: UseKind, uses: dict[PointId, KnownUse]) -> ConsumptionAnswer:
    (point, use), *_ = uses.items()
    slots = consumption(use.pieces, question.during, question.granularity, scene.zone, profile=evenly if question.profile_allowed else None)
    return ConsumptionAnswer(kind=kind, slots=slots, points=(share_of(point, use, slots),), simulated=scene.simulated)


def _of_place(
    question: ConsumptionQuestion, scene: Scene, place: PlaceId, kind: UseKind, uses: dict[PointId, KnownUse]
) -> ConsumptionAnswer:
    totals = place_totals(
        place,
        scene.layout(),
        [PointUse(point=point, kind=kind, pieces=use.pieces) for point, use in uses.items()],
        question.during,
        question.granularity,
        scene.zone,
        by_profile=question.profile_allowed,
    )
    if kind not in totals:
        raise NoPoints(f"{scene.resource} had no such {kind.flux.name.lower()} point then", resource=scene.resource, flux=kind.flux.name)
    total = totals[kind]
    if not question.profile_allowed:
        _require_one_fine_enough([uses[point].pieces for point in total.points], question, scene.zone)
    shares = tuple(share_of(point, uses[point], slots) for point, slots in total.points.items())
    return ConsumptionAnswer(kind=kind, slots=total.total, points=shares, simulated=scene.simulated)


def _require_one_fine_enough(parts: Sequence[Pieces], question: ConsumptionQuestion, zone: ZoneInfo) -> None:
    """Refuse slots that are finer than the readings of every point; where only some are coarse, the place's coverage says so."""
    into = slots_of(question.during, question.granularity, zone)
    refusals = list[FinerThanData]()
    for pieces in parts:
        try:
            require_fine_enough(pieces, into, question.granularity)
        except FinerThanData as refusal:
            refusals.append(refusal)
        else:
            if meets(pieces, into):
                return
    if refusals:
        raise refusals[0]


def share_of(point: PointId, use: KnownUse, slots: Consumption) -> PointShare:
    """Return how a point took part in slots."""
    lasting = slots.end - slots.start
    covered = float(np.average(slots.coverage, weights=lasting)) if len(slots) else 0.0
    worst = int(slots.quality.max()) if len(slots) else 0
    return PointShare(point=point, coverage=covered, quality=worst, latest=use.latest, suspect=use.suspect)


def _instant(second: np.int64) -> datetime:
    return datetime.fromtimestamp(int(second), UTC)
