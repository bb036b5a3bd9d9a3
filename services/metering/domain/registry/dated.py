"""Facts that hold for a time: order, overlap, and cutting at an instant."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Protocol, TypeVar

from metering.domain.registry.failures import OverlappingValidities
from vocabulary.interval import Validity

ALWAYS = Validity()

_BEFORE_EVERYTHING = datetime.min.replace(tzinfo=UTC)


class Dated(Protocol):
    """Anything that holds for a time."""

    @property
    def validity(self) -> Validity:
        """When it holds."""
        ...


D = TypeVar("D", bound=Dated)


def in_order(facts: Sequence[D]) -> tuple[D, ...]:
    """Return the facts by the time at which they begin to hold."""
    if len(facts) < 2:  # noqa: PLR2004 - nothing to sort
        return tuple(facts)
    return tuple(sorted(facts, key=lambda fact: fact.validity.start or _BEFORE_EVERYTHING))


def overlap(field: str, facts: Sequence[Dated]) -> OverlappingValidities | None:
    """Return what is wrong when two of the facts, which are in order, hold at once."""
    for former, latter in pairwise(facts):
        if former.validity.overlaps(latter.validity):
            return OverlappingValidities(
                field, f"only one may hold at a time, but one from {_since(former)} and one from {_since(latter)} overlap"
            )
    return None


def holding_at(facts: Iterable[D], at: datetime) -> D | None:
    """Return the fact that holds at the instant."""
    return next((fact for fact in facts if fact.validity.contains(at)), None)


def shared(one: Validity, other: Validity) -> Validity | None:
    """Return when both hold, None when they never do at once."""
    if not one.overlaps(other):
        return None
    starts = [start for start in (one.start, other.start) if start is not None]
    ends = [end for end in (one.end, other.end) if end is not None]
    return Validity(start=max(starts, default=None), end=min(ends, default=None))


def ended(validity: Validity, at: datetime) -> Validity | None:
    """Return the part before the instant, None when nothing is left."""
    return shared(validity, Validity(end=at))


def united(validities: Sequence[Validity]) -> tuple[Validity, ...]:
    """Return the time covered by any of them, as few validities that share no instant, in order."""
    whole: list[Validity] = []
    for validity in sorted(validities, key=lambda v: v.start or _BEFORE_EVERYTHING):
        if whole and (whole[-1].end is None or (validity.start or _BEFORE_EVERYTHING) <= whole[-1].end):
            last = whole.pop()
            ends = (last.end, validity.end)
            whole.append(Validity(start=last.start, end=None if None in ends else max(end for end in ends if end is not None)))
        else:
            whole.append(validity)
    return tuple(whole)


def _since(fact: Dated) -> str:
    return "ever" if fact.validity.start is None else fact.validity.start.isoformat()
