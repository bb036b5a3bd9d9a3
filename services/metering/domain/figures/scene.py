"""What the registry knows that bears on a question: the points of a place, since when they lie in it, and whose homes they measure."""

from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

from metering.domain.consumption.gas import Coefficient
from metering.domain.consumption.places import Layout, PointParent, PointPlace
from metering.domain.consumption.readings import ChannelFacts, Device
from metering.domain.figures.reading_limits import most_per_hour
from metering.domain.registry.points import MeteringPoint
from metering.domain.registry.reference_rows import ReferenceRow
from vocabulary.failure import Failure, Kind
from vocabulary.flux import Quantity
from vocabulary.names import PlaceId, TerritoryId


class UnknownResource(Failure):
    """No place or metering point has this name."""

    reason, kind = "UNKNOWN_RESOURCE", Kind.MISSING


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A metering point that measures in the question's place, at any depth, and since when until when."""

    point: MeteringPoint
    places: tuple[PointPlace, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """The facts of a question.

    `place` is None when it is about one point; `homes` are all homes that the points measure, alone or with others. `prices` and
    `factors`, for a point alone: what holds in the territory, its own rows before the starter's; `subdivision`: where factors are to hold,
    empty: not said.
    """

    territory: TerritoryId
    zone: ZoneInfo
    simulated: bool
    resource: str
    place: PlaceId | None
    members: tuple[Member, ...]
    homes: frozenset[PlaceId]
    coefficients: tuple[Coefficient, ...]
    prices: tuple[ReferenceRow, ...] = ()
    factors: tuple[ReferenceRow, ...] = ()
    subdivision: str = ""

    def layout(self) -> Layout:
        """Return when each point lies in the place, and behind which other point."""
        return Layout(
            points=tuple(place for member in self.members for place in member.places),
            sub_meters=tuple(
                PointParent(point=member.point.point_id, parent=parent.parent, validity=parent.validity)
                for member in self.members
                for parent in member.point.parents
            ),
        )


class Scenes(Protocol):
    """Where scenes come from."""

    async def scene(self, territory: TerritoryId, resource: str) -> Scene:
        """Return the facts of `places/{place}` or `meters/{meter}`; UnknownResource."""
        ...


def channel_facts(point: MeteringPoint, quantity: Quantity) -> ChannelFacts:
    """Return what a point's devices say about a channel of a quantity."""
    return ChannelFacts(
        devices=tuple(
            Device(
                serial=device.serial,
                validity=device.validity,
                digits=device.digits or None,
                unit=device.register_unit or 1,
                pulse=device.pulse_weight or None,
            )
            for device in point.devices
        ),
        maximum_per_hour=most_per_hour(point, quantity),
    )
