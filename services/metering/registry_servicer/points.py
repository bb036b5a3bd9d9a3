"""Methods about metering points."""

from collections.abc import Sequence

from metering.domain.registry.failures import PointExists, PointInUse, PointMissing, checked_below
from metering.domain.registry.importing_points import parents_above
from metering.domain.registry.moves import check_points_of_move, moved_home, moved_point
from metering.domain.registry.point_rules import PointSurroundings, check_point, check_point_change, exchanged
from metering.domain.registry.points import MeteringPoint
from metering.domain.registry.ports import Filed, Kept
from metering.domain.registry.reach import Sight, point_seen
from metering.registry_servicer.desk import ChangeDesk, Context, Desk, Methods, kept_as, place_message, point_message, taken_up
from metering.registry_servicer.places import place_kept
from metering.wire.filters import point_filter_from_proto
from metering.wire.moves import move_from_proto
from metering.wire.points import UPDATABLE, exchange_from_proto, filed_point_to_proto, point_from_document, point_from_proto, point_to_proto
from metering.wire.registry_events import household_moved, point_deleted
from multiflux.metering.v1 import metering_point_pb2
from multiflux.metering.v1 import registry_service_pb2 as pb
from runtime.call import current_call
from runtime.masks import check_etag, etag, masked_paths, merged
from runtime.pages import page
from vocabulary.failure import invalid
from vocabulary.names import PointId, checked_id, place_id, point_id

_DEFAULT_PAGE = 50


class PointMethods(Methods):
    """Metering points, and what happens to them."""

    async def CreateMeteringPoint(self, request: pb.CreateMeteringPointRequest, context: Context) -> pb.CreateMeteringPointResponse:  # noqa: N802
        """Make a metering point."""
        del context
        if request.metering_point.name:
            raise invalid("metering_point.name", "must be empty: metering_point_id names it")
        own_id = PointId(checked_id(request.metering_point_id) if request.metering_point_id else self._tools.new_id())
        point = point_from_proto(request.metering_point, own_id, "metering_point")

        def create(desk: ChangeDesk) -> pb.CreateMeteringPointResponse:
            desk.facts()
            if desk.records.points.fluxes(desk.territory, [own_id]):
                raise PointExists(f"there is a metering point {own_id} already", metering_point=own_id)
            desk.check_places_in_reach([place.place for place in point.places])
            desk.check_points_in_reach([parent.parent for parent in point.parents])
            checked_below("metering_point", lambda new: check_point(new, _surroundings(desk, new)), point)
            desk.save_points(created=[point])
            desk.transaction.audit(resource=f"meters/{own_id}")
            return pb.CreateMeteringPointResponse(metering_point=point_message(kept_as(point, None, desk.at), point))

        return await self._change(request, create, pb.CreateMeteringPointResponse)

    async def GetMeteringPoint(self, request: pb.GetMeteringPointRequest, context: Context) -> pb.GetMeteringPointResponse:  # noqa: N802
        """Return a metering point."""
        del context
        own_id = point_id(request.name)

        def get(desk: Desk) -> metering_point_pb2.MeteringPoint:
            kept = _point_kept(desk, own_id)
            covering = desk.records.points.coverings(desk.territory, [own_id], desk.reach)[own_id]
            shown = _seen(desk, kept, covering, is_at_home=bool(_homes(desk, [kept])))
            if shown is None:
                raise _missing(own_id)
            return shown

        return pb.GetMeteringPointResponse(metering_point=await self._read(get))

    async def UpdateMeteringPoint(self, request: pb.UpdateMeteringPointRequest, context: Context) -> pb.UpdateMeteringPointResponse:  # noqa: N802
        """Change a metering point."""
        del context
        own_id = point_id(request.metering_point.name)
        paths = masked_paths(request.update_mask, UPDATABLE)

        def update(desk: ChangeDesk) -> pb.UpdateMeteringPointResponse:
            kept = _point_kept(desk, own_id)
            check_etag(request.metering_point.etag, kept.version)
            message = merged(point_to_proto(kept.value), request.metering_point, paths)
            if not request.update_mask.paths:
                message.flux = request.metering_point.flux or message.flux
            after = point_from_proto(message, own_id, "metering_point")
            checked_below("metering_point", lambda new: check_point_change(kept.value, new), after)
            _check_moves_in_reach(desk, kept.value, after)
            checked_below("metering_point", lambda new: check_point(new, _surroundings(desk, new)), after)
            return pb.UpdateMeteringPointResponse(metering_point=_changed(desk, kept, after))

        return await self._change(request, update, pb.UpdateMeteringPointResponse)

    async def DeleteMeteringPoint(self, request: pb.DeleteMeteringPointRequest, context: Context) -> pb.DeleteMeteringPointResponse:  # noqa: N802
        """Delete a metering point that has no readings and no sub-meters."""
        del context
        own_id = point_id(request.name)
        # Readings are kept apart, and no transaction spans both: a reading that comes from here on finds no point.
        has_readings = await self._tools.readings.any_of(current_call().territory, own_id)

        def delete(desk: ChangeDesk) -> pb.DeleteMeteringPointResponse:
            kept = _point_kept(desk, own_id)
            check_etag(request.etag, kept.version)
            if has_readings or desk.records.points.has_sub_meters(desk.territory, own_id):
                raise PointInUse(f"{own_id} has readings or sub-meters", metering_point=own_id)
            desk.records.points.delete(desk.territory, kept)
            desk.transaction.publish(point_deleted(own_id), territory=desk.territory)
            desk.transaction.audit(resource=request.name)
            return pb.DeleteMeteringPointResponse()

        return await self._change(request, delete, pb.DeleteMeteringPointResponse)

    async def ListMeteringPoints(self, request: pb.ListMeteringPointsRequest, context: Context) -> pb.ListMeteringPointsResponse:  # noqa: N802
        """List the metering points that the caller's grants cover."""
        del context
        asked = page(request, default_size=_DEFAULT_PAGE)
        wanted = point_filter_from_proto(request, current_call().at)
        after = asked.after[0] if asked.after else ""

        def find(desk: Desk) -> pb.ListMeteringPointsResponse:
            found = desk.records.points.page(desk.territory, wanted, desk.reach, after, asked.size + 1)
            listed, next_page = asked.cut(found, lambda filed: (filed.own_id,))
            points = _all_of(listed) if desk.reach.everything else _cut(desk, listed)
            return pb.ListMeteringPointsResponse(metering_points=points, next_page_token=next_page)

        return await self._read(find)

    async def ExchangeDevice(self, request: pb.ExchangeDeviceRequest, context: Context) -> pb.ExchangeDeviceResponse:  # noqa: N802
        """Take the point's device away and put another in its place."""
        del context
        own_id = point_id(request.name)
        device, at = exchange_from_proto(request)

        def exchange(desk: ChangeDesk) -> pb.ExchangeDeviceResponse:
            kept = _point_kept(desk, own_id)
            check_etag(request.etag, kept.version)
            return pb.ExchangeDeviceResponse(metering_point=_changed(desk, kept, exchanged(kept.value, device, at)))

        return await self._change(request, exchange, pb.ExchangeDeviceResponse)

    async def RecordMove(self, request: pb.RecordMoveRequest, context: Context) -> pb.RecordMoveResponse:  # noqa: N802
        """Record that a household left a premise and, maybe, another came."""
        del context
        premise = place_id(request.premise)
        move = move_from_proto(request)

        def record(desk: ChangeDesk) -> pb.RecordMoveResponse:
            kept = place_kept(desk, premise)
            home = moved_home(kept.value, move)
            points = {each.value.point_id: each for each in desk.records.points.at_place(desk.territory, premise, move.cut)}
            check_points_of_move(home, {own_id: each.value for own_id, each in points.items()}, move)
            moved = [(each, moved_point(each.value, premise, move)) for each in points.values()]
            desk.save_places(changed=[(kept, home)])
            desk.save_points(changed=[(each, after) for each, after in moved if after != each.value])
            desk.transaction.publish(household_moved(premise, move.out, move.into), territory=desk.territory)
            desk.transaction.audit(resource=request.premise, points=str(len(points)))
            return pb.RecordMoveResponse(place=place_message(kept_as(home, kept, desk.at), home))

        return await self._change(request, record, pb.RecordMoveResponse)


def _surroundings(desk: Desk, point: MeteringPoint) -> PointSurroundings:
    """Return what the territory holds around a point."""
    records, territory = desk.records, desk.territory
    parents = {parent.parent for parent in point.parents}
    above = parents_above(records.points, territory, parents)
    return PointSurroundings(
        places=records.places.levels(territory, {place.place for place in point.places}).keys(),
        fluxes=records.points.fluxes(territory, parents),
        owners=records.points.owners(territory, point.identifiers),
        parents_of=lambda parent: above.get(parent, ()),
    )


def _check_moves_in_reach(desk: Desk, before: MeteringPoint, after: MeteringPoint) -> None:
    places, parents = {place.place for place in before.places}, {parent.parent for parent in before.parents}
    desk.check_places_in_reach([place.place for place in after.places if place.place not in places])
    desk.check_points_in_reach([parent.parent for parent in after.parents if parent.parent not in parents])


def _missing(own_id: PointId) -> PointMissing:
    return PointMissing(f"there is no metering point {own_id}", metering_point=own_id)


def _point_kept(desk: Desk, own_id: PointId) -> Kept[MeteringPoint]:
    kept = desk.records.points.get(desk.territory, [own_id]).get(own_id)
    if kept is None:
        raise _missing(own_id)
    return kept


def _changed(desk: ChangeDesk, kept: Kept[MeteringPoint], after: MeteringPoint) -> metering_point_pb2.MeteringPoint:
    """Keep what became of a point, if anything did, and return it."""
    now = kept
    if after != kept.value:
        desk.save_points(changed=[(kept, after)])
        now = kept_as(after, kept, desk.at)
    desk.transaction.audit(resource=f"meters/{after.point_id}")
    return point_message(now, after)


def _homes(desk: Desk, points: list[Kept[MeteringPoint]]) -> set[str]:
    """Return which of the points' places are homes; nobody asks where every caller sees all."""
    if desk.reach.everything:
        return set()
    return set(desk.records.places.homes(desk.territory, {place.place for kept in points for place in kept.value.places}))


def _all_of(points: Sequence[Filed]) -> list[metering_point_pb2.MeteringPoint]:
    return [filed_point_to_proto(filed.document, etag(filed.version), filed.created, filed.updated) for filed in points]


def _cut(desk: Desk, points: Sequence[Filed]) -> list[metering_point_pb2.MeteringPoint]:
    kept = [taken_up(filed, point_from_document) for filed in points]
    covering = desk.records.points.coverings(desk.territory, [each.value.point_id for each in kept], desk.reach)
    homes = _homes(desk, kept)
    shown = [
        _seen(desk, each, covering[each.value.point_id], is_at_home=any(place.place in homes for place in each.value.places))
        for each in kept
    ]
    return [point for point in shown if point is not None]


def _seen(
    desk: Desk, kept: Kept[MeteringPoint], covering: tuple[Sight, ...], *, is_at_home: bool
) -> metering_point_pb2.MeteringPoint | None:
    view = desk.reach.of(covering)
    shown = point_seen(kept.value, view, at_home=is_at_home)
    return None if shown is None else point_message(kept, shown, is_former=view.is_former(desk.at))
