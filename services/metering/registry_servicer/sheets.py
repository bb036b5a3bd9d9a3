"""What an import does with a batch of rows: one way for places, one for metering points, one for reference rows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Generic, Protocol, TypeVar

from metering.domain.registry.drafts import PlaceDraft, PointDraft, Refused, RowDraft
from metering.domain.registry.importing import AnyDraft, Batch, NewId
from metering.domain.registry.importing_places import plan_places
from metering.domain.registry.importing_points import plan_points
from metering.domain.registry.importing_rows import RowKey, plan_rows
from metering.domain.registry.places import Place
from metering.domain.registry.points import MeteringPoint
from metering.domain.registry.ports import PlaceLookup, PointLookup, Records, RegistryFiles
from metering.domain.registry.reference_rows import ReferenceRow, ReferenceTable
from metering.domain.registry.rehearsal import AcceptedPlaces, AcceptedPoints, RehearsedPlaces, RehearsedPoints
from metering.domain.registry.territories import Territory
from metering.registry_servicer.desk import ChangeDesk
from metering.wire.registry_events import table_changed
from vocabulary.civil import time_zone
from vocabulary.failure import Failure

D = TypeVar("D", bound=AnyDraft)
V = TypeVar("V")


@dataclass(kw_only=True, slots=True)
class Settled(Generic[D]):
    """What became of a batch; `remember` is called when it is certain, before the next batch."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: list[Refused] = field(default_factory=list[Refused])
    waiting: list[tuple[D, Failure]] = field(default_factory=list[tuple[D, Failure]])
    remember: Callable[[], None] = lambda: None

    @property
    def moved_on(self) -> bool:
        """Whether any row was decided, so that rows that wait may go now."""
        return bool(self.created or self.updated or self.unchanged or self.refused)


class Sheet(Protocol[D]):
    """A file of one content, for one territory."""

    def drafts(self, files: RegistryFiles, file: IO[bytes]) -> Iterator[D | Refused]:
        """Yield the file's rows."""
        ...

    def rehearse(self, records: Records, drafts: Sequence[D]) -> Settled[D]:
        """Return what would become of the rows."""
        ...

    def settle(self, desk: ChangeDesk, drafts: Sequence[D]) -> Settled[D]:
        """Keep what can be kept of the rows, and tell it."""
        ...


def _settled(batch: Batch[Any, Any], remember: Callable[[], None]) -> Settled[Any]:
    return Settled(
        created=len(batch.created),
        updated=len(batch.changed),
        unchanged=batch.unchanged,
        refused=batch.refused,
        waiting=batch.waiting,
        remember=remember,
    )


class PlaceSheet:
    """A file of places."""

    def __init__(self, territory: Territory, new_id: NewId) -> None:
        """Import into the territory."""
        self._territory = territory
        self._new_id = new_id
        self._seen: dict[str, int] = {}
        self._accepted = AcceptedPlaces()

    def drafts(self, files: RegistryFiles, file: IO[bytes]) -> Iterator[PlaceDraft | Refused]:
        """Yield the file's rows."""
        return files.places(file, time_zone(self._territory.time_zone))

    def rehearse(self, records: Records, drafts: Sequence[PlaceDraft]) -> Settled[PlaceDraft]:
        """Return what would become of the rows."""
        batch = self._plan(RehearsedPlaces(records.places, self._accepted), drafts)

        def remember() -> None:
            self._seen.update(batch.lines)
            for place in batch.values:
                self._accepted.add(place)

        return _settled(batch, remember)

    def settle(self, desk: ChangeDesk, drafts: Sequence[PlaceDraft]) -> Settled[PlaceDraft]:
        """Keep what can be kept of the rows, and tell it."""
        batch = self._plan(desk.records.places, drafts)
        desk.save_places(batch.created.values(), batch.changed.values())
        return _settled(batch, lambda: self._seen.update(batch.lines))

    def _plan(self, lookup: PlaceLookup, drafts: Sequence[PlaceDraft]) -> Batch[PlaceDraft, Place]:
        own = self._territory
        return plan_places(drafts, lookup, own.territory_id, own.root_place, new_id=self._new_id, seen=self._seen)


class PointSheet:
    """A file of metering points."""

    def __init__(self, territory: Territory, new_id: NewId) -> None:
        """Import into the territory."""
        self._territory = territory
        self._new_id = new_id
        self._seen: dict[str, int] = {}
        self._accepted = AcceptedPoints()

    def drafts(self, files: RegistryFiles, file: IO[bytes]) -> Iterator[PointDraft | Refused]:
        """Yield the file's rows."""
        return files.points(file, time_zone(self._territory.time_zone))

    def rehearse(self, records: Records, drafts: Sequence[PointDraft]) -> Settled[PointDraft]:
        """Return what would become of the rows."""
        batch = self._plan(RehearsedPoints(records.points, self._accepted), records, drafts)

        def remember() -> None:
            self._seen.update(batch.lines)
            for point in batch.values:
                self._accepted.add(point)

        return _settled(batch, remember)

    def settle(self, desk: ChangeDesk, drafts: Sequence[PointDraft]) -> Settled[PointDraft]:
        """Keep what can be kept of the rows, and tell it."""
        batch = self._plan(desk.records.points, desk.records, drafts)
        desk.save_points(batch.created.values(), batch.changed.values())
        return _settled(batch, lambda: self._seen.update(batch.lines))

    def _plan(self, lookup: PointLookup, records: Records, drafts: Sequence[PointDraft]) -> Batch[PointDraft, MeteringPoint]:
        return plan_points(drafts, lookup, records.places, self._territory.territory_id, new_id=self._new_id, seen=self._seen)


class RowSheet:
    """A file of rows of one reference table."""

    def __init__(self, territory: Territory, table: ReferenceTable) -> None:
        """Import into the territory's own rows."""
        self._territory = territory
        self._table = table
        self._seen: dict[RowKey, int] = {}
        self._accepted: list[ReferenceRow] = []

    def drafts(self, files: RegistryFiles, file: IO[bytes]) -> Iterator[RowDraft | Refused]:
        """Yield the file's rows."""
        return files.rows(file, self._table)

    def rehearse(self, records: Records, drafts: Sequence[RowDraft]) -> Settled[RowDraft]:
        """Return what would become of the rows."""
        batch = plan_rows(drafts, [*self._own(records), *self._accepted], self._seen)

        def remember() -> None:
            self._seen.update(batch.lines)
            lines = set(batch.lines.values())
            self._accepted += [draft.content for draft in drafts if draft.line in lines]

        return Settled(
            created=len(batch.created), updated=len(batch.changed), unchanged=batch.unchanged, refused=batch.refused, remember=remember
        )

    def settle(self, desk: ChangeDesk, drafts: Sequence[RowDraft]) -> Settled[RowDraft]:
        """Keep what can be kept of the rows, and tell it."""
        batch = plan_rows(drafts, self._own(desk.records), self._seen)
        if batch.created or batch.changed:
            desk.records.rows.save(desk.territory, [*batch.created, *batch.changed])
            desk.transaction.publish(table_changed(self._table), territory=desk.territory)
        return Settled(
            created=len(batch.created),
            updated=len(batch.changed),
            unchanged=batch.unchanged,
            refused=batch.refused,
            remember=lambda: self._seen.update(batch.lines),
        )

    def _own(self, records: Records) -> list[ReferenceRow]:
        return [row for row in records.rows.rows(self._table, self._territory.territory_id) if not row.starter]
