"""Places: from the territory down to a home or a public site, in a tree whose edges are dated."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from metering.domain.registry.dated import ALWAYS, in_order, overlap
from metering.domain.registry.failures import (
    FieldFault,
    FieldFixed,
    IdentifierTaken,
    InvalidOutline,
    MissingValue,
    UnknownParent,
    WrongLevel,
    refuse,
)
from metering.domain.registry.geometry import MAX_OUTLINE_CHARACTERS, Position
from metering.domain.registry.identifiers import Identifier, check_identifiers, check_number, check_text
from metering.domain.registry.premises import Dwelling, PublicSite, too_many
from vocabulary.interval import Validity
from vocabulary.names import PlaceId
from vocabulary.place import PlaceLevel

MAX_PARENTS = 100
MAX_POSITION_IN_PARENT = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceParent:
    """In which place a place lies, and when."""

    parent: PlaceId
    validity: Validity = ALWAYS


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A place as it is now. `outline` is a compact GeoJSON geometry, empty when unknown; parents are in order of time."""

    place_id: PlaceId
    level: PlaceLevel
    display_name: str = ""
    parents: tuple[PlaceParent, ...] = ()
    position: Position | None = None
    outline: str = ""
    identifiers: tuple[Identifier, ...] = ()
    premise: Dwelling | PublicSite | None = None
    position_in_parent: int = 0
    simulated: bool = False

    def __post_init__(self) -> None:
        """Refuse what is wrong whatever else the territory holds; `check_place` does the rest."""
        parents = in_order(self.parents)
        object.__setattr__(self, "parents", parents)
        refuse(
            check_text("display_name", self.display_name),
            check_identifiers(self.identifiers),
            check_number("position_in_parent", self.position_in_parent, 0, MAX_POSITION_IN_PARENT),
            too_many("parents", parents, MAX_PARENTS) or overlap("parents", parents),
            self._fault_of_level(),
            InvalidOutline("outline_geojson", "is too long") if len(self.outline) > MAX_OUTLINE_CHARACTERS else None,
        )

    def _fault_of_level(self) -> FieldFault | None:
        if self.premise is not None and self.level is not PlaceLevel.PREMISE:
            field = "dwelling" if isinstance(self.premise, Dwelling) else "public_site"
            return WrongLevel(field, "only a place of level premise is a home or a public site", level=self.level.name)
        if self.level is PlaceLevel.TERRITORY:
            return WrongLevel("parents", "a territory lies in no place") if self.parents else None
        if not self.parents:
            return MissingValue("parents", "every place but the territory lies in another")
        if any(parent.parent == self.place_id for parent in self.parents):
            return WrongLevel("parents", "a place does not lie in itself")
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceSurroundings:
    """What of the territory a check of places needs: levels of the parents named, and whose the identifiers are."""

    levels: Mapping[PlaceId, PlaceLevel]
    owners: Mapping[Identifier, PlaceId]


def check_place(place: Place, around: PlaceSurroundings) -> None:
    """Refuse a place whose parents are unknown or of no larger level, or whose identifiers are another's.

    Levels decrease strictly upwards and never change, so that no cycle is possible.
    """
    refuse(
        *(_parent_fault(place, parent, around) for parent in place.parents),
        identifier_fault(place.place_id, place.identifiers, around.owners),
    )


def _parent_fault(place: Place, parent: PlaceParent, around: PlaceSurroundings) -> FieldFault | None:
    level = around.levels.get(parent.parent)
    if level is None:
        return UnknownParent("parents", f"there is no place {parent.parent}", parent=parent.parent)
    if not level < place.level:
        return WrongLevel(
            "parents",
            f"{parent.parent} is a {level.name.lower()}: a {place.level.name.lower()} lies in a larger place",
            parent=parent.parent,
            parent_level=level.name,
            level=place.level.name,
        )
    return None


def identifier_fault(own_id: str, identifiers: tuple[Identifier, ...], owners: Mapping[Identifier, str]) -> IdentifierTaken | None:
    """Return what is wrong when an identifier is another's."""
    for identifier in identifiers:
        owner = owners.get(identifier, own_id)
        if owner != own_id:
            return IdentifierTaken("identifiers", f"{identifier} is {owner}", identifier=str(identifier), owner=owner)
    return None


def check_place_change(before: Place, after: Place) -> None:
    """Refuse a change of what never changes."""
    refuse(
        FieldFixed("level", "never changes", level=before.level.name) if after.level is not before.level else None,
        FieldFixed("simulated", "never changes") if after.simulated != before.simulated else None,
    )


def declared(place: Place, dwelling: Dwelling) -> Place:
    """Return the home with what its household declares of it; vacancies are not for it to say."""
    vacancies = place.premise.vacancies if isinstance(place.premise, Dwelling) else ()
    return replace(place, premise=replace(dwelling, vacancies=vacancies))
