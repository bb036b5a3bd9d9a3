"""Importing metering points: rows into points, against what the territory holds already."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from metering.domain.registry.drafts import DatedReference, PointDraft, PointFields
from metering.domain.registry.failures import MissingValue, UnknownParent, UnknownPlace
from metering.domain.registry.identifiers import Identifier
from metering.domain.registry.importing import Batch, NewId, check_new_in_file, own_id_of, settle
from metering.domain.registry.point_rules import PointSurroundings, check_point, check_point_change
from metering.domain.registry.points import MeteringPoint, PointParent, PointPlace, main_channel
from metering.domain.registry.ports import Kept, PlaceLookup, PointLookup
from vocabulary.flux import Flux
from vocabulary.names import PlaceId, PointId, TerritoryId


@dataclass(slots=True)
class _Known:
    """What is known of the territory: of the store, and of the rows accepted in this batch."""

    places: set[PlaceId]
    place_owners: dict[Identifier, PlaceId]
    fluxes: dict[PointId, Flux]
    owners: dict[Identifier, PointId]
    existing: dict[PointId, Kept[MeteringPoint]]
    parents: dict[PointId, tuple[PointParent, ...]]

    def parents_of(self, point: PointId) -> tuple[PointParent, ...]:
        return self.parents.get(point, ())


def plan_points(
    drafts: Sequence[PointDraft],
    lookup: PointLookup,
    places: PlaceLookup,
    territory: TerritoryId,
    *,
    new_id: NewId,
    seen: dict[str, int],
) -> Batch[PointDraft, MeteringPoint]:
    """Return what becomes of the rows; rows whose parents are unknown wait."""
    known = _known(drafts, lookup, places, territory)
    around = PointSurroundings(places=known.places, fluxes=known.fluxes, owners=known.owners, parents_of=known.parents_of)
    batch: Batch[PointDraft, MeteringPoint] = Batch()

    def accept(draft: PointDraft) -> None:
        own_id = PointId(own_id_of(draft.id, draft.fields.get("identifiers", ()), known.owners, new_id))
        check_new_in_file(own_id, seen, batch)
        before = known.existing.get(own_id)
        point = _point(own_id, draft.fields, None if before is None else before.value, known)
        if before is not None:
            check_point_change(before.value, point)
        check_point(point, around)
        batch.take(draft, own_id, before, point)
        known.fluxes[own_id] = point.flux
        known.parents[own_id] = point.parents
        for identifier in point.identifiers:
            known.owners[identifier] = own_id

    settle(drafts, batch, accept)
    return batch


def _known(drafts: Sequence[PointDraft], lookup: PointLookup, places: PlaceLookup, territory: TerritoryId) -> _Known:
    at = {reference.target for draft in drafts for reference in draft.fields.get("places", ())}
    behind = {reference.target for draft in drafts for reference in draft.fields.get("parents", ())}
    place_owners = places.owners(territory, _identifiers(at))
    owners = lookup.owners(territory, _identifiers(behind) | {i for draft in drafts for i in draft.fields.get("identifiers", ())})
    ids = {PointId(draft.id) for draft in drafts if draft.id} | set(owners.values())
    existing = lookup.get(territory, ids)
    parent_ids = {PointId(target) for target in behind if isinstance(target, str)}
    place_ids = {PlaceId(target) for target in at if isinstance(target, str)}
    # A file without the columns leaves places and parents as they are: those are checked again, too.
    for kept in existing.values():
        parent_ids.update(parent.parent for parent in kept.value.parents)
        place_ids.update(place.place for place in kept.value.places)
    fluxes = lookup.fluxes(territory, parent_ids - existing.keys())
    fluxes.update({point: kept.value.flux for point, kept in existing.items()})
    return _Known(
        places=set(places.levels(territory, place_ids)) | set(place_owners.values()),
        place_owners=place_owners,
        fluxes=fluxes,
        owners=owners,
        existing=existing,
        parents=parents_above(lookup, territory, (parent_ids | set(owners.values())) if behind or parent_ids else set()),
    )


def parents_above(lookup: PointLookup, territory: TerritoryId, points: Collection[PointId]) -> dict[PointId, tuple[PointParent, ...]]:
    """Return the dated parents of the points, of these parents, and so on up."""
    known: dict[PointId, tuple[PointParent, ...]] = {}
    asked = set(points)
    while asked:
        found = lookup.parents(territory, asked)
        known.update({point: found.get(point, ()) for point in asked})
        asked = {parent.parent for parents in found.values() for parent in parents} - known.keys()
    return known


def _identifiers(targets: Collection[str | Identifier]) -> set[Identifier]:
    return {target for target in targets if isinstance(target, Identifier)}


def _point(own_id: PointId, fields: PointFields, before: MeteringPoint | None, known: _Known) -> MeteringPoint:
    values: dict[str, Any] = dict(fields)
    flux = fields.get("flux")
    if flux is None:
        values.pop("flux", None)
        if before is None:
            raise MissingValue("flux", "a new point measures a flux")
    if "places" in fields or before is None:
        values["places"] = tuple([_place(reference, known) for reference in fields.get("places", ())])
    if "parents" in fields:
        values["parents"] = tuple([_parent(reference, known) for reference in fields["parents"]])
    if before is not None:
        return replace(before, **values)
    if flux is not None and "channels" not in values:
        # A file without the column: the one counter that every point of the flux has.
        values["channels"] = (main_channel(flux),)
    return MeteringPoint(point_id=own_id, **values)


def _place(reference: DatedReference, known: _Known) -> PointPlace:
    target = reference.target
    if isinstance(target, str):
        return PointPlace(place=PlaceId(target), validity=reference.validity)
    place = known.place_owners.get(target)
    if place is None:
        raise UnknownPlace("places", f"there is no place {target}", place=str(target))
    return PointPlace(place=place, validity=reference.validity)


def _parent(reference: DatedReference, known: _Known) -> PointParent:
    target = reference.target
    if isinstance(target, str):
        return PointParent(parent=PointId(target), validity=reference.validity)
    point = known.owners.get(target)
    if point is None:
        raise UnknownParent("parents", f"there is no metering point {target}", parent=str(target))
    return PointParent(parent=point, validity=reference.validity)
