"""Answers what every point of a place consumed, point by point."""

from collections.abc import Sequence
from dataclasses import replace

from metering.domain.consumption.channel import consumption
from metering.domain.consumption.pieces import NOTHING, Pieces, clipped, joined
from metering.domain.consumption.places import PointPlace, UseKind
from metering.domain.consumption.slots import NOMINAL_S, FinerThanData
from metering.domain.figures.consumption import ConsumptionAnswer, ConsumptionQuestion, kind_of, share_of
from metering.domain.figures.point_use import ReadChannel, Wanted, counts, known_use
from metering.domain.figures.scene import Member, Scene


def listed_members(question: ConsumptionQuestion, scene: Scene) -> list[Member]:
    """Return the points that count what is asked for and were in the place at some time in question, by name."""
    wanted = _wanted(question, kind_of(question, scene))
    return [
        one
        for one in sorted(scene.members, key=lambda member: member.point.point_id)
        if one.point.flux is question.flux
        and counts(one.point, wanted)
        and any(stay.validity.within(question.during) for stay in one.places)
    ]


def point_answer(question: ConsumptionQuestion, scene: Scene, member: Member, read: ReadChannel) -> ConsumptionAnswer | None:
    """Return what a point consumed while it was in the place; None when its readings are coarser than the slots."""
    kind = kind_of(question, scene)
    use = known_use(member.point, _wanted(question, kind), question.during, read, scene.zone, scene.coefficients)
    use = replace(use, pieces=_during_stays(use.pieces, member.places))
    try:
        slots = consumption(use.pieces, question.during, question.granularity, scene.zone)
    except FinerThanData:
        return None
    share = share_of(member.point.point_id, use, slots)
    return ConsumptionAnswer(kind=kind, slots=slots, points=(share,), simulated=scene.simulated)


def _wanted(question: ConsumptionQuestion, kind: UseKind) -> Wanted:
    return Wanted(quantity=kind.quantity, direction=kind.direction, finest_s=NOMINAL_S[question.granularity])


def _during_stays(known: Pieces, stays: Sequence[PointPlace]) -> Pieces:
    if not len(known):
        return known
    span = known.span()
    parts = [part for stay in stays if (part := stay.validity.within(span))]
    clips = [clipped(known, int(part.start.timestamp()), int(part.end.timestamp())) for part in parts]
    return joined(clips) if clips else NOTHING
