"""Rehearsing an import: what the store holds, and what earlier batches of the file would have added, had they been kept."""

from collections.abc import Collection

from metering.domain.registry.identifiers import Identifier
from metering.domain.registry.places import Place
from metering.domain.registry.points import MeteringPoint, PointParent
from metering.domain.registry.ports import Kept, PlaceLookup, PointLookup
from vocabulary.flux import Flux
from vocabulary.names import PlaceId, PointId, TerritoryId
from vocabulary.place import PlaceLevel


class AcceptedPlaces:
    """What is remembered of places that were accepted and not kept."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self.levels: dict[PlaceId, PlaceLevel] = {}
        self.owners: dict[Identifier, PlaceId] = {}

    def add(self, place: Place) -> None:
        """Remember a place."""
        self.levels[place.place_id] = place.level
        self.owners.update(dict.fromkeys(place.identifiers, place.place_id))


class RehearsedPlaces:
    """A look-up of places that sees the accepted ones too; those are asked for as parents, never to be changed again."""

    def __init__(self, kept: PlaceLookup, accepted: AcceptedPlaces) -> None:
        """See what is kept, and over it what was accepted."""
        self._kept = kept
        self._accepted = accepted

    def get(self, territory: TerritoryId, ids: Collection[PlaceId]) -> dict[PlaceId, Kept[Place]]:
        """Return those of the places that are kept."""
        return self._kept.get(territory, ids)

    def levels(self, territory: TerritoryId, ids: Collection[PlaceId]) -> dict[PlaceId, PlaceLevel]:
        """Return the levels of those of the places that exist or were accepted."""
        accepted = {place: self._accepted.levels[place] for place in ids if place in self._accepted.levels}
        return self._kept.levels(territory, ids) | accepted

    def owners(self, territory: TerritoryId, identifiers: Collection[Identifier]) -> dict[Identifier, PlaceId]:
        """Return whose the identifiers are."""
        accepted = {each: self._accepted.owners[each] for each in identifiers if each in self._accepted.owners}
        return self._kept.owners(territory, identifiers) | accepted


class AcceptedPoints:
    """What is remembered of points that were accepted and not kept."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self.fluxes: dict[PointId, Flux] = {}
        self.owners: dict[Identifier, PointId] = {}
        self.parents: dict[PointId, tuple[PointParent, ...]] = {}

    def add(self, point: MeteringPoint) -> None:
        """Remember a point."""
        self.fluxes[point.point_id] = point.flux
        self.owners.update(dict.fromkeys(point.identifiers, point.point_id))
        self.parents[point.point_id] = point.parents


class RehearsedPoints:
    """A look-up of points that sees the accepted ones too; those are asked for as parents, never to be changed again."""

    def __init__(self, kept: PointLookup, accepted: AcceptedPoints) -> None:
        """See what is kept, and over it what was accepted."""
        self._kept = kept
        self._accepted = accepted

    def get(self, territory: TerritoryId, ids: Collection[PointId]) -> dict[PointId, Kept[MeteringPoint]]:
        """Return those of the points that are kept."""
        return self._kept.get(territory, ids)

    def fluxes(self, territory: TerritoryId, ids: Collection[PointId]) -> dict[PointId, Flux]:
        """Return the fluxes of those of the points that exist or were accepted."""
        accepted = {point: self._accepted.fluxes[point] for point in ids if point in self._accepted.fluxes}
        return self._kept.fluxes(territory, ids) | accepted

    def owners(self, territory: TerritoryId, identifiers: Collection[Identifier]) -> dict[Identifier, PointId]:
        """Return whose the identifiers are."""
        accepted = {each: self._accepted.owners[each] for each in identifiers if each in self._accepted.owners}
        return self._kept.owners(territory, identifiers) | accepted

    def parents(self, territory: TerritoryId, ids: Collection[PointId]) -> dict[PointId, tuple[PointParent, ...]]:
        """Return the dated parents of those of the points that have any."""
        accepted = {point: self._accepted.parents[point] for point in ids if point in self._accepted.parents}
        return self._kept.parents(territory, ids) | accepted
