"""What the registry's methods share: the records of one request's transaction, how far its caller sees, and how changes are told."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from sqlalchemy import Connection

from metering.domain.registry.failures import OutOfReach, TerritoryMissing
from metering.domain.registry.places import Place
from metering.domain.registry.points import MeteringPoint
from metering.domain.registry.ports import Filed, Kept, ReadingsKept, Records, RegistryFiles, Written, nothing
from metering.domain.registry.reach import Reach, Sight
from metering.domain.registry.territories import Territory
from metering.wire.places import place_document, stored_place_to_proto
from metering.wire.points import point_document, stored_point_to_proto
from metering.wire.registry_events import places_changed, points_changed
from metering.wire.registry_files import Format
from multiflux.metering.v1 import metering_point_pb2, place_pb2
from runtime.call import Call, Grant, current_call
from runtime.changes import Changes, Transaction
from runtime.masks import etag
from runtime.outbox import Outbox
from runtime.permissions import permission_of
from runtime.relational import Database
from vocabulary.names import PlaceId, PointId, TerritoryId
from vocabulary.role import Role

M = TypeVar("M", bound=Message)
T = TypeVar("T")

Context = grpc.aio.ServicerContext[Any, Any]

_LIVES_THERE = frozenset({Role.HOUSEHOLD, Role.DELEGATE})
_SEES_PERSONAL = frozenset({Role.ADMINISTRATOR, Role.SERVICE, Role.COLLECTOR})
"""Who sees declarations, identifiers and serials of all homes that its grants cover."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """What the registry's methods work with."""

    database: Database
    changes: Changes
    outbox: Outbox
    records: Callable[[Connection], Records]
    readings: ReadingsKept
    files: Mapping[Format, RegistryFiles]
    new_id: Callable[[], str]
    largest_file_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """One request's records and caller."""

    records: Records
    call: Call
    territory: TerritoryId
    reach: Reach

    @property
    def at(self) -> datetime:
        """When the request came."""
        return self.call.at

    def facts(self) -> Kept[Territory]:
        """Return the caller's territory; TerritoryMissing."""
        kept = self.records.territories.get(self.territory)
        if kept is None:
            raise TerritoryMissing(f"there is no territory {self.territory}", territory=self.territory)
        return kept

    def check_places_in_reach(self, places: Sequence[PlaceId]) -> None:
        """Refuse to work on places that no grant covers; OutOfReach."""
        if self.reach.whole:
            return
        covering = self.records.places.coverings(self.territory, places, self.reach)
        for place in places:
            if not covering[place]:
                raise OutOfReach(f"no grant covers {place}", place=place)

    def check_points_in_reach(self, points: Sequence[PointId]) -> None:
        """Refuse to work on points that no grant covers; OutOfReach."""
        if self.reach.whole:
            return
        covering = self.records.points.coverings(self.territory, points, self.reach)
        for point in points:
            if not covering[point]:
                raise OutOfReach(f"no grant covers {point}", metering_point=point)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeDesk(Desk):
    """A desk at which something is changed."""

    transaction: Transaction = field()
    meanwhile: Callable[[], None] = nothing
    """Called when the store begins to work by itself on something long."""

    def save_places(self, created: Iterable[Place] = (), changed: Iterable[tuple[Kept[Place], Place]] = ()) -> None:
        """Keep the places, and tell it."""
        written = [Written(value=place, document=place_document(place)) for place in created]
        written += [Written(value=place, document=place_document(place), before=before) for before, place in changed]
        self.records.places.save(self.territory, written, self.at)
        for event in places_changed([(each.document, _etag(each)) for each in written]):
            self.transaction.publish(event, territory=self.territory)

    def save_points(self, created: Iterable[MeteringPoint] = (), changed: Iterable[tuple[Kept[MeteringPoint], MeteringPoint]] = ()) -> None:
        """Keep the points, and tell it."""
        written = [Written(value=point, document=point_document(point)) for point in created]
        written += [Written(value=point, document=point_document(point), before=before) for before, point in changed]
        self.records.points.save(self.territory, written, self.at, self.meanwhile)
        for event in points_changed([(each.document, _etag(each)) for each in written]):
            self.transaction.publish(event, territory=self.territory)


def _etag(written: Written[Any]) -> str:
    return etag(written.before.version + 1 if written.before else 1)


class Methods:
    """Runs the registry's rules at a desk."""

    def __init__(self, tools: Tools) -> None:
        """Work with `tools`."""
        self._tools = tools

    async def _change(self, request: Message, rule: Callable[[ChangeDesk], M], response: type[M]) -> M:
        """Let `rule` change something in the caller's territory, once per request id."""
        return await self._tools.changes(request, lambda transaction: rule(self._change_desk(transaction)), response)

    def _change_desk(self, transaction: Transaction, meanwhile: Callable[[], None] = nothing) -> ChangeDesk:
        records, call = self._tools.records(transaction.connection), transaction.call
        return ChangeDesk(
            records=records, call=call, territory=call.territory, reach=reach_of(call), transaction=transaction, meanwhile=meanwhile
        )

    async def _read(self, question: Callable[[Desk], T]) -> T:
        """Ask the records of the caller's territory."""
        call = current_call()
        reach = reach_of(call)

        def ask(connection: Connection) -> T:
            return question(Desk(records=self._tools.records(connection), call=call, territory=call.territory, reach=reach))

        return await self._tools.database.read(ask)


def reach_of(call: Call) -> Reach:
    """Return how far the caller sees: by its grants of the roles that may make this call."""
    permission = permission_of(call.method)
    roles = permission.roles if permission else frozenset[Role]()
    sights = (_sight(grant, call.at) for grant in call.caller.grants if grant.role in roles)
    return Reach(sights=tuple(sight for sight in sights if sight is not None))


def _sight(grant: Grant, at: datetime) -> Sight | None:
    if grant.role in _LIVES_THERE:
        # Nobody lives in a whole territory.
        return None if grant.place is None else Sight(place=grant.place, at=_nearest(grant, at), occupancy=grant.validity, personal=True)
    if not grant.validity.contains(at):
        return None
    return Sight(place=grant.place, at=at, personal=grant.role in _SEES_PERSONAL)


def _nearest(grant: Grant, at: datetime) -> datetime:
    """Return the instant of the grant's validity that is nearest to `at`: where a former tenant's places are looked for."""
    start, end = grant.validity.start, grant.validity.end
    if end is not None and at >= end:
        return end - timedelta(microseconds=1)
    return start if start is not None and at < start else at


def place_message(kept: Kept[Place], shown: Place, *, is_former: bool = False) -> place_pb2.Place:
    """Return a kept place as it is shown; somebody who left is not told what changed since."""
    return stored_place_to_proto(shown, "" if is_former else etag(kept.version), kept.created, kept.updated)


def point_message(kept: Kept[MeteringPoint], shown: MeteringPoint, *, is_former: bool = False) -> metering_point_pb2.MeteringPoint:
    """Return a kept point as it is shown; somebody who left is not told what changed since."""
    return stored_point_to_proto(shown, "" if is_former else etag(kept.version), kept.created, kept.updated)


def kept_as(value: T, before: Kept[T] | None, at: datetime) -> Kept[T]:
    """Return what the store keeps after a value was made, or changed from before."""
    if before is None:
        return Kept(value=value, version=1, created=at, updated=at)
    return Kept(value=value, version=before.version + 1, created=before.created, updated=at)


def taken_up(filed: Filed, read: Callable[[bytes], T]) -> Kept[T]:
    """Return what is kept, read from its bytes."""
    return Kept(value=read(filed.document), version=filed.version, created=filed.created, updated=filed.updated)
