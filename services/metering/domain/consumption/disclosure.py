"""Who may be told a figure over a place: one's own home, public sites, and nobody but services the sum of several households' premises."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from vocabulary.failure import Failure, Kind
from vocabulary.interval import Interval, Validity
from vocabulary.names import PlaceId

SERVICE_ROLE = "service"
"""The only role that is given figures over several households' premises."""


class PremiseUse(Enum):
    """Whose premise it is."""

    HOUSEHOLD = 1
    """A dwelling, occupied or vacant."""
    PUBLIC_SITE = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class ReachedPremise:
    """A premise that the question's points measure, alone or with others.

    A point assigned above the premises, such as a building's boiler, reaches every premise beneath its place.
    """

    premise: PlaceId
    use: PremiseUse


@dataclass(frozen=True, kw_only=True, slots=True)
class Occupancy:
    """A premise that the asker occupies, or whose occupant's delegation or consent covers the question, for a time."""

    premise: PlaceId
    validity: Validity


@dataclass(frozen=True, kw_only=True, slots=True)
class Asker:
    """Who asks: the roles of the call, and the occupancies that it may speak for."""

    roles: frozenset[str]
    occupancies: tuple[Occupancy, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Disclosed:
    """The parts of the question's interval that may be answered, in order; simulated: the answer must say that nobody real is in it."""

    during: tuple[Interval, ...]
    simulated: bool = False


class SeveralHouseholds(Failure):
    """The figure covers several households' premises; people get such figures through comparison's releases only."""

    reason, kind = "SEVERAL_HOUSEHOLDS", Kind.DENIED


class OtherHousehold(Failure):
    """The figure covers a household's premise that the asker did not occupy at any time in question."""

    reason, kind = "OTHER_HOUSEHOLD", Kind.DENIED


def disclosed(place: PlaceId, reached: Sequence[ReachedPremise], asker: Asker, during: Interval, *, simulated: bool = False) -> Disclosed:
    """Decide whether, and for which time, an asker may be told a figure over a place.

    reached: every premise that a point in the question measures at some time in `during`. What one's own occupancy covers is cut to it;
    several homes of one asker are answered while all of them are the asker's. Raises SeveralHouseholds or OtherHousehold; neither says how
    many premises there are, nor which.
    """
    homes = {one.premise for one in reached if one.use is PremiseUse.HOUSEHOLD}
    if not homes or SERVICE_ROLE in asker.roles:
        return Disclosed(during=(during,), simulated=simulated)
    own = own_time(homes, asker, during)
    if own:
        return Disclosed(during=own, simulated=simulated)
    if simulated:
        return Disclosed(during=(during,), simulated=True)
    if len(homes) > 1:
        raise SeveralHouseholds("figures over several households' premises are given through comparison only", place=place)
    raise OtherHousehold("the figure belongs to another household", place=place)


def own_time(homes: set[PlaceId], asker: Asker, during: Interval) -> tuple[Interval, ...]:
    """Return the parts of `during`, in order, in which all homes are the asker's; touching parts are one."""
    parts: tuple[Interval, ...] = (during,)
    for home in sorted(homes):
        mine = _merged([part for one in asker.occupancies if one.premise == home and (part := one.validity.within(during))])
        parts = tuple(both for part in parts for own in mine if (both := part.intersection(own)))
    return parts


def _merged(parts: list[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for part in sorted(parts, key=lambda one: one.start):
        if merged and part.start <= merged[-1].end:
            merged[-1] = Interval(start=merged[-1].start, end=max(merged[-1].end, part.end))
        else:
            merged.append(part)
    return merged
