"""Importing places: rows into places, against what the territory holds already."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from metering.domain.registry.dated import ALWAYS
from metering.domain.registry.drafts import DatedReference, PlaceDraft, PlaceFields
from metering.domain.registry.failures import MissingValue, UnknownParent, WrongLevel
from metering.domain.registry.identifiers import Identifier
from metering.domain.registry.importing import Batch, NewId, check_new_in_file, own_id_of, settle
from metering.domain.registry.places import Place, PlaceParent, PlaceSurroundings, check_place, check_place_change
from metering.domain.registry.ports import Kept, PlaceLookup
from metering.domain.registry.premises import Dwelling, PublicSite
from vocabulary.names import PlaceId, TerritoryId
from vocabulary.place import PlaceLevel

DWELLING = "dwelling"
PUBLIC_SITE = "public_site"


@dataclass(slots=True)
class _Known:
    """What is known of the territory: of the store, and of the rows accepted in this batch."""

    levels: dict[PlaceId, PlaceLevel]
    owners: dict[Identifier, PlaceId]
    existing: dict[PlaceId, Kept[Place]]


def plan_places(
    drafts: Sequence[PlaceDraft], lookup: PlaceLookup, territory: TerritoryId, root: PlaceId, *, new_id: NewId, seen: dict[str, int]
) -> Batch[PlaceDraft, Place]:
    """Return what becomes of the rows; rows whose parents are unknown wait."""
    known = _known(drafts, lookup, territory)
    known.levels[root] = PlaceLevel.TERRITORY
    batch: Batch[PlaceDraft, Place] = Batch()

    def accept(draft: PlaceDraft) -> None:
        own_id = PlaceId(own_id_of(draft.id, draft.fields.get("identifiers", ()), known.owners, new_id))
        check_new_in_file(own_id, seen, batch)
        before = known.existing.get(own_id)
        place = _place(own_id, draft.fields, None if before is None else before.value, known, root)
        if place.level is PlaceLevel.TERRITORY and own_id != root:
            raise WrongLevel("level", "a territory has one root, made with it", level=place.level.name)
        if before is not None:
            check_place_change(before.value, place)
        check_place(place, PlaceSurroundings(levels=known.levels, owners=known.owners))
        batch.take(draft, own_id, before, place)
        known.levels[own_id] = place.level
        known.owners.update(dict.fromkeys(place.identifiers, own_id))

    settle(drafts, batch, accept)
    return batch


def _known(drafts: Sequence[PlaceDraft], lookup: PlaceLookup, territory: TerritoryId) -> _Known:
    identifiers: set[Identifier] = set()
    ids: set[PlaceId] = set()
    for draft in drafts:
        identifiers.update(draft.fields.get("identifiers", ()))
        if draft.id:
            ids.add(PlaceId(draft.id))
    targets = [reference.target for draft in drafts for reference in draft.fields.get("parents", ())]
    identifiers.update(target for target in targets if isinstance(target, Identifier))
    owners = lookup.owners(territory, identifiers)
    existing = lookup.get(territory, ids | set(owners.values()))
    parents = {PlaceId(target) for target in targets if isinstance(target, str)}
    # A file without the column leaves parents as they are: those are checked again, too.
    parents.update(parent.parent for kept in existing.values() for parent in kept.value.parents)
    levels = lookup.levels(territory, parents - existing.keys())
    levels.update({place: kept.value.level for place, kept in existing.items()})
    return _Known(levels=levels, owners=owners, existing=existing)


def _place(own_id: PlaceId, fields: PlaceFields, before: Place | None, known: _Known, root: PlaceId) -> Place:
    level = fields.get("level") or (None if before is None else before.level)
    if level is None:
        raise MissingValue("level", "a new place has a level")
    values: dict[str, Any] = {name: value for name, value in fields.items() if name in _PLAIN}
    values["premise"] = _premise(fields, None if before is None else before.premise)
    if "parents" in fields or before is None:
        values["parents"] = _parents(fields.get("parents", ()), level, known, root)
    if before is not None:
        return replace(before, level=level, **values)
    return Place(place_id=own_id, level=level, **values)


_PLAIN = frozenset({"display_name", "position", "outline", "identifiers", "position_in_parent", "simulated"})


def _parents(references: Collection[DatedReference], level: PlaceLevel, known: _Known, root: PlaceId) -> tuple[PlaceParent, ...]:
    if not references:
        # What names no parent lies in the territory itself.
        return () if level is PlaceLevel.TERRITORY else (PlaceParent(parent=root, validity=ALWAYS),)
    return tuple(PlaceParent(parent=_parent(reference.target, known), validity=reference.validity) for reference in references)


def _parent(target: str | Identifier, known: _Known) -> PlaceId:
    if isinstance(target, Identifier):
        owner = known.owners.get(target)
        if owner is None:
            raise UnknownParent("parents", f"there is no place {target}", parent=str(target))
        return owner
    return PlaceId(target)


def _premise(fields: PlaceFields, before: Dwelling | PublicSite | None) -> Dwelling | PublicSite | None:
    declared = fields.get("declared", {})
    kind = fields.get("premise", DWELLING if isinstance(before, Dwelling) else PUBLIC_SITE if before is not None else "")
    if kind == DWELLING:
        return _filled(before if isinstance(before, Dwelling) else Dwelling(), declared, _OF_DWELLINGS)
    if kind == PUBLIC_SITE:
        return _filled(before if isinstance(before, PublicSite) else PublicSite(), declared, _OF_SITES)
    _refuse_others(declared, frozenset())
    return None


_OF_DWELLINGS = frozenset(Dwelling.__slots__)
_OF_SITES = frozenset(PublicSite.__slots__)


def _filled(premise: Dwelling | PublicSite, declared: dict[str, Any], own: frozenset[str]) -> Any:
    _refuse_others(declared, own)
    values = {name: value for name, value in declared.items() if name in own}
    return replace(premise, **values) if values else premise


def _refuse_others(declared: dict[str, Any], own: frozenset[str]) -> None:
    for name, value in declared.items():
        if name not in own and value:
            raise WrongLevel(name, "does not belong to what the column premise says", column=name)
