"""Who lives in a premise and when, and to whom that household lets its view."""

from dataclasses import dataclass, replace
from datetime import datetime

from access.domain.ids import DelegationId, OccupancyId
from vocabulary.failure import Failure, Kind
from vocabulary.interval import Validity
from vocabulary.names import PersonId, PlaceId


class OccupancyUnknown(Failure):
    """There is no such occupancy, or it is not for the caller to know."""

    reason, kind = "OCCUPANCY_UNKNOWN", Kind.MISSING


class OccupancyEnded(Failure):
    """The occupancy ended before: an end can be moved forward, never back."""

    reason, kind = "OCCUPANCY_ENDED", Kind.CONFLICT


class DelegationUnknown(Failure):
    """There is no such delegation, or it is not for the caller to know."""

    reason, kind = "DELEGATION_UNKNOWN", Kind.MISSING


class DelegationOutsideOccupancy(Failure):
    """A household cannot let a view that it does not have itself."""

    reason, kind = "DELEGATION_OUTSIDE_OCCUPANCY", Kind.INVALID


@dataclass(frozen=True, kw_only=True, slots=True)
class Occupancy:
    """A person lives in a premise from `start` until `end` (None: until further notice)."""

    id: OccupancyId
    person: PersonId
    premise: PlaceId
    start: datetime
    end: datetime | None
    verified: datetime

    @property
    def validity(self) -> Validity:
        """When the person lives there."""
        return Validity(start=self.start, end=self.end)

    def holds_beyond(self, at: datetime) -> bool:
        """Tell whether the occupancy goes on after the instant, having begun before it."""
        return self.start < at and (self.end is None or self.end > at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Delegation:
    """A household (`giver`) lets `receiver` see what it sees of one occupancy; the validity always ends."""

    id: DelegationId
    giver: PersonId
    receiver: PersonId
    occupancy: OccupancyId
    validity: Validity


def overlap(one: Validity, other: Validity) -> Validity | None:
    """Return when both hold, None when they never do."""
    starts = [start for start in (one.start, other.start) if start is not None]
    ends = [end for end in (one.end, other.end) if end is not None]
    start, end = max(starts, default=None), min(ends, default=None)
    if start is not None and end is not None and start >= end:
        return None
    return Validity(start=start, end=end)


def cut(validity: Validity, end: datetime) -> Validity | None:
    """Return the validity up to `end`, None when nothing of it is left."""
    return overlap(validity, Validity(end=end))


def ended(delegation: Delegation, end: datetime) -> Delegation | None:
    """Return the delegation as it stands when it must end at `end`, None when it had not begun by then."""
    validity = cut(delegation.validity, end)
    return None if validity is None else replace(delegation, validity=validity)
