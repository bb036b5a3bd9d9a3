"""What the registry needs of its store: small views of one open transaction, and the files that it reads and writes."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo

from metering.domain.registry.drafts import PlaceDraft, PointDraft, Refused, RowDraft
from metering.domain.registry.identifiers import Identifier
from metering.domain.registry.places import Place
from metering.domain.registry.points import MeteringPoint, PointParent
from metering.domain.registry.reach import Reach, Sight
from metering.domain.registry.reference_rows import ReferenceRow, ReferenceTable
from metering.domain.registry.territories import Territory
from vocabulary.flux import Flux
from vocabulary.names import PlaceId, PointId, TerritoryId
from vocabulary.place import PlaceLevel

V = TypeVar("V")


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept(Generic[V]):
    """Something as the store keeps it: its version counts changes, its times are UTC."""

    value: V
    version: int
    created: datetime
    updated: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Filed:
    """Something kept, still in the bytes in which it is kept: most pages are passed on as they are."""

    own_id: str
    document: bytes
    version: int
    created: datetime
    updated: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Written(Generic[V]):
    """A value, and the bytes in which it is kept and told: written once for both."""

    value: V
    document: bytes
    before: Kept[V] | None = None
    """What it replaces, None when it is new."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceFilter:
    """Which places to list: in `within` at any depth as the tree stood `at`, of one level, of one identifier, with `search` in the name.

    `homes` False: none that is a home.
    """

    at: datetime
    within: PlaceId | None = None
    level: PlaceLevel | None = None
    identifier: Identifier | None = None
    search: str = ""
    homes: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class PointFilter:
    """Which points to list: at places in `within` at any depth as the tree stood `at`, of one flux, of one identifier."""

    at: datetime
    within: PlaceId | None = None
    flux: Flux | None = None
    identifier: Identifier | None = None


class TerritoryRecords(Protocol):
    """The tenants."""

    def get(self, territory: TerritoryId) -> Kept[Territory] | None:
        """Return the territory, None when there is none of this id."""
        ...

    def page(self, after: str, limit: int) -> list[Kept[Territory]]:
        """Return up to `limit` territories whose ids come after `after`, by id."""
        ...

    def add(self, territory: Territory, at: datetime) -> Kept[Territory]:
        """Keep a new territory, and its root place."""
        ...

    def change(self, kept: Kept[Territory], territory: Territory, at: datetime) -> Kept[Territory]:
        """Keep the territory as it is now."""
        ...


class PlaceLookup(Protocol):
    """What planning changes of places asks."""

    def get(self, territory: TerritoryId, ids: Collection[PlaceId]) -> dict[PlaceId, Kept[Place]]:
        """Return those of the places that exist."""
        ...

    def levels(self, territory: TerritoryId, ids: Collection[PlaceId]) -> dict[PlaceId, PlaceLevel]:
        """Return the levels of those of the places that exist."""
        ...

    def owners(self, territory: TerritoryId, identifiers: Collection[Identifier]) -> dict[Identifier, PlaceId]:
        """Return whose the identifiers are, where they are a place's."""
        ...


class PlaceRecords(PlaceLookup, Protocol):
    """The places of all territories."""

    def save(self, territory: TerritoryId, written: Sequence[Written[Place]], at: datetime) -> None:
        """Keep new places, and places as they are now; parents may be among the new ones."""
        ...

    def is_used(self, territory: TerritoryId, place: PlaceId) -> bool:
        """Tell whether a place or point refers to it, now or at any time."""
        ...

    def delete(self, territory: TerritoryId, kept: Kept[Place]) -> None:
        """Forget a place that nothing refers to."""
        ...

    def homes(self, territory: TerritoryId, ids: Collection[PlaceId]) -> set[PlaceId]:
        """Return which of the places are homes."""
        ...

    def coverings(self, territory: TerritoryId, ids: Collection[PlaceId], reach: Reach) -> Mapping[PlaceId, tuple[Sight, ...]]:
        """Return for each place the sights whose place is this one, or lay above it at the sight's instant; territory-wide ones always."""
        ...

    def is_above(self, territory: TerritoryId, place: PlaceId, reach: Reach) -> bool:
        """Tell whether the place lies above a home that one of the sights is an occupancy of."""
        ...

    def page(self, territory: TerritoryId, wanted: PlaceFilter, reach: Reach, after: str, limit: int) -> list[Filed]:
        """Return up to `limit` places within reach (homes' upper places included) whose ids come after `after`, by id."""
        ...


class PointLookup(Protocol):
    """What planning changes of points asks."""

    def get(self, territory: TerritoryId, ids: Collection[PointId]) -> dict[PointId, Kept[MeteringPoint]]:
        """Return those of the points that exist."""
        ...

    def fluxes(self, territory: TerritoryId, ids: Collection[PointId]) -> dict[PointId, Flux]:
        """Return the fluxes of those of the points that exist."""
        ...

    def owners(self, territory: TerritoryId, identifiers: Collection[Identifier]) -> dict[Identifier, PointId]:
        """Return whose the identifiers are, where they are a point's."""
        ...

    def parents(self, territory: TerritoryId, ids: Collection[PointId]) -> dict[PointId, tuple[PointParent, ...]]:
        """Return the dated parents of those of the points that have any."""
        ...


def nothing() -> None:
    """Do nothing meanwhile."""


class PointRecords(PointLookup, Protocol):
    """The metering points of all territories."""

    def save(
        self, territory: TerritoryId, written: Sequence[Written[MeteringPoint]], at: datetime, meanwhile: Callable[[], None] = nothing
    ) -> None:
        """Keep new points, and points as they are now; parents may be among the new ones.

        `meanwhile` is called when the store begins to work by itself, and this process can do something else.
        """
        ...

    def at_place(self, territory: TerritoryId, place: PlaceId, since: datetime) -> list[Kept[MeteringPoint]]:
        """Return the points that measure at the place itself at the instant or later."""
        ...

    def has_sub_meters(self, territory: TerritoryId, point: PointId) -> bool:
        """Tell whether a point measures behind it, now or at any time."""
        ...

    def delete(self, territory: TerritoryId, kept: Kept[MeteringPoint]) -> None:
        """Forget a point that nothing refers to."""
        ...

    def coverings(self, territory: TerritoryId, ids: Collection[PointId], reach: Reach) -> Mapping[PointId, tuple[Sight, ...]]:
        """Return for each point the sights in whose place it measured at the sight's instant; territory-wide ones always."""
        ...

    def page(self, territory: TerritoryId, wanted: PointFilter, reach: Reach, after: str, limit: int) -> list[Filed]:
        """Return up to `limit` points within reach whose ids come after `after`, by id."""
        ...


class ReferenceRecords(Protocol):
    """The rows of reference tables."""

    def rows(self, table: ReferenceTable, territory: TerritoryId | None) -> list[ReferenceRow]:
        """Return the starter rows of a table, and those of a territory if one is given; in no order."""
        ...

    def save(self, territory: TerritoryId, rows: Sequence[ReferenceRow]) -> None:
        """Keep own rows of a territory; one of the same key and first day is replaced."""
        ...

    def has_starter(self, version: str) -> bool:
        """Tell whether the starter rows are of this version."""
        ...

    def replace_starter(self, rows: Iterable[ReferenceRow], version: str) -> None:
        """Make these the starter rows."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Records:
    """All that the registry keeps, as one transaction sees it."""

    territories: TerritoryRecords
    places: PlaceRecords
    points: PointRecords
    rows: ReferenceRecords


class ReadingsKept(Protocol):
    """Knows whether a point has readings: those are kept apart from places and points."""

    async def any_of(self, territory: TerritoryId, point: PointId) -> bool:
        """Tell whether any reading of the point is kept."""
        ...


class RegistryFiles(Protocol):
    """Reads and writes registry files of one format."""

    def places(self, file: IO[bytes], zone: ZoneInfo) -> Iterator[PlaceDraft | Refused]:
        """Yield the rows of a file of places; civil dates are in `zone`. Raises a Failure when the file as a whole cannot be read."""
        ...

    def points(self, file: IO[bytes], zone: ZoneInfo) -> Iterator[PointDraft | Refused]:
        """Yield the rows of a file of metering points."""
        ...

    def rows(self, file: IO[bytes], table: ReferenceTable) -> Iterator[RowDraft | Refused]:
        """Yield the rows of a file of one reference table."""
        ...

    def written_places(self, places: Iterator[Sequence[Place]], zone: ZoneInfo, root: PlaceId) -> Iterator[bytes]:
        """Yield the bytes of a file of these places."""
        ...

    def written_points(self, points: Iterator[Sequence[MeteringPoint]], zone: ZoneInfo) -> Iterator[bytes]:
        """Yield the bytes of a file of these points."""
        ...

    def written_rows(self, rows: Sequence[ReferenceRow], table: ReferenceTable) -> Iterator[bytes]:
        """Yield the bytes of a file of these rows."""
        ...
