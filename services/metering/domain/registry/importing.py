"""Importing: what a batch of rows makes, changes and leaves; which rows are refused, and which wait for rows further down."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from metering.domain.registry.drafts import Refused
from metering.domain.registry.failures import KeyMissing, RepeatedRow, SeveralFaults, UnknownParent, below, first_fault
from metering.domain.registry.identifiers import Identifier
from metering.domain.registry.ports import Kept
from vocabulary.failure import Failure
from vocabulary.names import InvalidName, checked_id

V = TypeVar("V")
D = TypeVar("D", bound="AnyDraft")

NewId = Callable[[], str]
"""Makes an id that no place or point has."""


class AnyDraft(Protocol):
    """A row of whatever file."""

    @property
    def line(self) -> int:
        """The row's line."""
        ...

    @property
    def row(self) -> str:
        """The row as it was."""
        ...


@dataclass(kw_only=True, slots=True)
class Batch(Generic[D, V]):
    """What becomes of a batch of rows: values by id, in the order in which they can be kept."""

    created: dict[str, V] = field(default_factory=dict[str, V])
    changed: dict[str, tuple[Kept[V], V]] = field(default_factory=dict[str, "tuple[Kept[V], V]"])
    unchanged: int = 0
    refused: list[Refused] = field(default_factory=list[Refused])
    waiting: list[tuple[D, Failure]] = field(default_factory=list[tuple[D, Failure]])
    """Rows that name an unknown parent, which may stand further down, and how they were refused."""
    lines: dict[str, int] = field(default_factory=dict[str, int])
    """The line that was accepted about each id."""

    def take(self, draft: D, own_id: str, before: Kept[V] | None, after: V) -> None:
        """Keep what an accepted row says."""
        self.lines[own_id] = draft.line
        if before is None:
            self.created[own_id] = after
        elif before.value == after:
            self.unchanged += 1
        else:
            self.changed[own_id] = (before, after)

    @property
    def values(self) -> Iterable[V]:
        """What was created or changed, as it is now."""
        yield from self.created.values()
        for _, after in self.changed.values():
            yield after


def settle(drafts: Sequence[D], batch: Batch[D, V], accept: Callable[[D], None]) -> None:
    """Accept each row, again as long as rows wait for others of the batch; `accept` takes it into the batch or raises a Failure."""
    pending = list(drafts)
    while pending:
        waiting: list[tuple[D, Failure]] = []
        for draft in pending:
            try:
                accept(draft)
            except Failure as failure:
                if _lacks_parent(failure):
                    waiting.append((draft, failure))
                else:
                    batch.refused.append(refused(draft, failure))
        if len(waiting) == len(pending):
            batch.waiting = waiting
            return
        pending = [draft for draft, _ in waiting]


def _lacks_parent(failure: Failure) -> bool:
    faults = failure.faults if isinstance(failure, SeveralFaults) else (failure,)
    return any(isinstance(fault, UnknownParent) for fault in faults)


def refused(draft: AnyDraft, failure: Failure) -> Refused:
    """Return the report of a row that a failure refuses."""
    fault = first_fault(failure)
    violation = fault.violations[0] if fault.violations else None
    return Refused(
        line=draft.line,
        column=_column(violation.field) if violation else "",
        reason=fault.reason,
        description=violation.description if violation else fault.message,
        row=draft.row,
    )


_COLUMNS = {
    "outline_geojson": "outline",
    "latitude_degrees": "latitude",
    "longitude_degrees": "longitude",
    "type": "dwelling_type",
    "dwelling": "premise",
    "public_site": "premise",
    "calorific_value_wh_per_cubic_metre": "wh_per_cubic_metre",
    "validity": "valid_from",
}
"""Columns that are called otherwise than the contract's fields."""


def _column(field: str) -> str:
    first = field.partition(".")[0].partition("[")[0]
    return _COLUMNS.get(first, first)


def check_new_in_file(own_id: str, seen: dict[str, int], batch: Batch[D, V]) -> None:
    """Refuse a second row about the same thing; `seen` holds the lines of batches before."""
    line = seen.get(own_id) or batch.lines.get(own_id)
    if line is not None:
        raise RepeatedRow("id", f"line {line} is about {own_id} too", id=own_id, line=str(line))


def own_id_of(draft_id: str, identifiers: Sequence[Identifier], owners: Mapping[Identifier, str], new_id: NewId) -> str:
    """Return which place or point a row is about: its id, that of its first identifier known, or a new one; KeyMissing."""
    if draft_id:
        return _checked(draft_id)
    if not identifiers:
        raise KeyMissing("id", "a row needs an id or an identifier")
    for identifier in identifiers:
        owner = owners.get(identifier)
        if owner is not None:
            return owner
    return new_id()


def _checked(draft_id: str) -> str:
    try:
        return checked_id(draft_id)
    except InvalidName as failure:
        raise below("id", failure) from None
