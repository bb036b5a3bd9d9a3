"""Methods about places."""

from collections.abc import Sequence

from metering.domain.registry.failures import NotADwelling, NotOccupied, PlaceExists, PlaceInUse, PlaceMissing, WrongLevel, checked_below
from metering.domain.registry.places import Place, PlaceSurroundings, check_place, check_place_change, declared
from metering.domain.registry.ports import Filed, Kept
from metering.domain.registry.premises import Dwelling
from metering.domain.registry.reach import Sight, place_seen
from metering.registry_servicer.desk import ChangeDesk, Context, Desk, Methods, kept_as, place_message, taken_up
from metering.wire.filters import place_filter_from_proto
from metering.wire.places import (
    UPDATABLE,
    declaration_from_proto,
    filed_place_to_proto,
    place_from_document,
    place_from_proto,
    place_to_proto,
)
from metering.wire.registry_events import place_deleted
from multiflux.metering.v1 import place_pb2
from multiflux.metering.v1 import registry_service_pb2 as pb
from runtime.call import current_call
from runtime.masks import check_etag, etag, masked_paths, merged
from runtime.pages import page
from vocabulary.failure import invalid
from vocabulary.names import PlaceId, checked_id, place_id
from vocabulary.place import PlaceLevel

_DEFAULT_PAGE = 50


class PlaceMethods(Methods):
    """The tree of places."""

    async def CreatePlace(self, request: pb.CreatePlaceRequest, context: Context) -> pb.CreatePlaceResponse:  # noqa: N802
        """Make a place."""
        del context
        if request.place.name:
            raise invalid("place.name", "must be empty: place_id names it")
        own_id = PlaceId(checked_id(request.place_id) if request.place_id else self._tools.new_id())
        place = place_from_proto(request.place, own_id, "place")
        if place.level is PlaceLevel.TERRITORY:
            raise WrongLevel("place.level", "a territory has one root, made with it", level=place.level.name)

        def create(desk: ChangeDesk) -> pb.CreatePlaceResponse:
            desk.facts()
            if desk.records.places.levels(desk.territory, [own_id]):
                raise PlaceExists(f"there is a place {own_id} already", place=own_id)
            desk.check_places_in_reach([parent.parent for parent in place.parents])
            checked_below("place", lambda new: check_place(new, surroundings(desk, new)), place)
            desk.save_places(created=[place])
            desk.transaction.audit(resource=f"places/{own_id}")
            return pb.CreatePlaceResponse(place=place_message(kept_as(place, None, desk.at), place))

        return await self._change(request, create, pb.CreatePlaceResponse)

    async def GetPlace(self, request: pb.GetPlaceRequest, context: Context) -> pb.GetPlaceResponse:  # noqa: N802
        """Return a place."""
        del context
        own_id = place_id(request.name)

        def get(desk: Desk) -> place_pb2.Place:
            kept = place_kept(desk, own_id)
            covering = desk.records.places.coverings(desk.territory, [own_id], desk.reach)[own_id]
            if not covering and not desk.records.places.is_above(desk.territory, own_id, desk.reach):
                raise place_missing(own_id)
            return _seen(desk, kept, covering)

        return pb.GetPlaceResponse(place=await self._read(get))

    async def UpdatePlace(self, request: pb.UpdatePlaceRequest, context: Context) -> pb.UpdatePlaceResponse:  # noqa: N802
        """Change a place."""
        del context
        own_id = place_id(request.place.name)
        paths = masked_paths(request.update_mask, UPDATABLE)

        def update(desk: ChangeDesk) -> pb.UpdatePlaceResponse:
            kept = place_kept(desk, own_id)
            check_etag(request.place.etag, kept.version)
            message = merged(place_to_proto(kept.value), request.place, paths)
            if not request.update_mask.paths:
                message.level = request.place.level or message.level
                message.simulated = request.place.simulated or message.simulated
            after = place_from_proto(message, own_id, "place")
            checked_below("place", lambda new: check_place_change(kept.value, new), after)
            known = {parent.parent for parent in kept.value.parents}
            desk.check_places_in_reach([parent.parent for parent in after.parents if parent.parent not in known])
            checked_below("place", lambda new: check_place(new, surroundings(desk, new)), after)
            return pb.UpdatePlaceResponse(place=changed_place(desk, kept, after))

        return await self._change(request, update, pb.UpdatePlaceResponse)

    async def DeletePlace(self, request: pb.DeletePlaceRequest, context: Context) -> pb.DeletePlaceResponse:  # noqa: N802
        """Delete a place that nothing lies in or refers to."""
        del context
        own_id = place_id(request.name)

        def delete(desk: ChangeDesk) -> pb.DeletePlaceResponse:
            kept = place_kept(desk, own_id)
            check_etag(request.etag, kept.version)
            if kept.value.level is PlaceLevel.TERRITORY or desk.records.places.is_used(desk.territory, own_id):
                raise PlaceInUse(f"something lies in {own_id} or refers to it", place=own_id)
            desk.records.places.delete(desk.territory, kept)
            desk.transaction.publish(place_deleted(own_id), territory=desk.territory)
            desk.transaction.audit(resource=request.name)
            return pb.DeletePlaceResponse()

        return await self._change(request, delete, pb.DeletePlaceResponse)

    async def ListPlaces(self, request: pb.ListPlacesRequest, context: Context) -> pb.ListPlacesResponse:  # noqa: N802
        """List the places that the caller's grants cover, and those above its home."""
        del context
        asked = page(request, default_size=_DEFAULT_PAGE)
        wanted = place_filter_from_proto(request, current_call().at)
        after = asked.after[0] if asked.after else ""

        def find(desk: Desk) -> pb.ListPlacesResponse:
            found = desk.records.places.page(desk.territory, wanted, desk.reach, after, asked.size + 1)
            shown, next_page = asked.cut(found, lambda filed: (filed.own_id,))
            places = _all_of(shown) if desk.reach.everything else _cut(desk, shown)
            return pb.ListPlacesResponse(places=places, next_page_token=next_page)

        return await self._read(find)

    async def DeclareDwelling(self, request: pb.DeclareDwellingRequest, context: Context) -> pb.DeclareDwellingResponse:  # noqa: N802
        """Let a household declare what it knows of its own home, while it lives there."""
        del context
        own_id = place_id(request.premise)
        dwelling = declaration_from_proto(request.dwelling)

        def declare(desk: ChangeDesk) -> pb.DeclareDwellingResponse:
            kept = place_kept(desk, own_id)
            _check_occupied(desk, own_id)
            if kept.value.level is not PlaceLevel.PREMISE or not isinstance(kept.value.premise, Dwelling | None):
                raise NotADwelling(f"{own_id} is no home", place=own_id)
            check_etag(request.etag, kept.version)
            return pb.DeclareDwellingResponse(place=changed_place(desk, kept, declared(kept.value, dwelling), is_shown_cut=True))

        return await self._change(request, declare, pb.DeclareDwellingResponse)


def surroundings(desk: Desk, place: Place) -> PlaceSurroundings:
    """Return what the territory holds around a place."""
    places = desk.records.places
    return PlaceSurroundings(
        levels=places.levels(desk.territory, {parent.parent for parent in place.parents}),
        owners=places.owners(desk.territory, place.identifiers),
    )


def place_missing(own_id: PlaceId) -> PlaceMissing:
    """Return the failure for a place that there is not, or that the caller may not see: it learns no difference."""
    return PlaceMissing(f"there is no place {own_id}", place=own_id)


def place_kept(desk: Desk, own_id: PlaceId) -> Kept[Place]:
    """Return the place; PlaceMissing."""
    kept = desk.records.places.get(desk.territory, [own_id]).get(own_id)
    if kept is None:
        raise place_missing(own_id)
    return kept


def changed_place(desk: ChangeDesk, kept: Kept[Place], after: Place, *, is_shown_cut: bool = False) -> place_pb2.Place:
    """Keep what became of a place, if anything did, and return it; cut to what the caller sees where that may be a household."""
    now = kept
    if after != kept.value:
        desk.save_places(changed=[(kept, after)])
        now = kept_as(after, kept, desk.at)
    desk.transaction.audit(resource=f"places/{after.place_id}")
    if not is_shown_cut:
        return place_message(now, after)
    return _seen(desk, now, desk.records.places.coverings(desk.territory, [after.place_id], desk.reach)[after.place_id])


def _all_of(places: Sequence[Filed]) -> list[place_pb2.Place]:
    return [filed_place_to_proto(filed.document, etag(filed.version), filed.created, filed.updated) for filed in places]


def _cut(desk: Desk, places: Sequence[Filed]) -> list[place_pb2.Place]:
    kept = [taken_up(filed, place_from_document) for filed in places]
    covering = desk.records.places.coverings(desk.territory, [each.value.place_id for each in kept], desk.reach)
    return [_seen(desk, each, covering[each.value.place_id]) for each in kept]


def _seen(desk: Desk, kept: Kept[Place], covering: tuple[Sight, ...]) -> place_pb2.Place:
    view = desk.reach.of(covering)
    return place_message(kept, place_seen(kept.value, view, desk.at), is_former=view.is_former(desk.at))


def _check_occupied(desk: Desk, own_id: PlaceId) -> None:
    """Refuse a household that does not live there now: a former tenant declares nothing of a home."""
    covering = desk.records.places.coverings(desk.territory, [own_id], desk.reach)[own_id]
    if not any(sight.occupancy is None or sight.occupancy.contains(desk.at) for sight in covering):
        raise NotOccupied(f"the caller does not live in {own_id} now", place=own_id)
