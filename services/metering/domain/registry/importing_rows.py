"""Importing rows of a reference table: against what the territory has of its own."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from metering.domain.registry.drafts import Refused, RowDraft
from metering.domain.registry.failures import RepeatedRow
from metering.domain.registry.importing import refused
from metering.domain.registry.reference_rows import ReferenceRow, check_row
from vocabulary.failure import Failure

RowKey = tuple[tuple[str, ...], date | None]


@dataclass(kw_only=True, slots=True)
class RowBatch:
    """What becomes of a batch of rows."""

    created: list[ReferenceRow] = field(default_factory=list[ReferenceRow])
    changed: list[ReferenceRow] = field(default_factory=list[ReferenceRow])
    unchanged: int = 0
    refused: list[Refused] = field(default_factory=list[Refused])
    lines: dict[RowKey, int] = field(default_factory=dict[RowKey, int])
    """The line that was accepted about each key and first day."""


def plan_rows(drafts: Sequence[RowDraft], own: Iterable[ReferenceRow], seen: dict[RowKey, int]) -> RowBatch:
    """Return what becomes of the rows; `own` are the territory's own rows of the table, `seen` the lines of batches before."""
    batch = RowBatch()
    by_key: dict[tuple[str, ...], dict[date | None, ReferenceRow]] = defaultdict(dict)
    for row in own:
        by_key[row.key][row.first] = row
    for draft in drafts:
        try:
            _accept(draft, by_key[draft.content.key], seen, batch)
        except Failure as failure:
            batch.refused.append(refused(draft, failure))
    return batch


def _accept(draft: RowDraft, same_key: dict[date | None, ReferenceRow], seen: dict[RowKey, int], batch: RowBatch) -> None:
    row = draft.content
    row_key = (row.key, row.first)
    line = seen.get(row_key) or batch.lines.get(row_key)
    if line is not None:
        raise RepeatedRow("valid_from", f"line {line} has the same key and first day", line=str(line))
    check_row(row, list(same_key.values()))
    before = same_key.get(row.first)
    batch.lines[row_key] = draft.line
    same_key[row.first] = row
    if before is None:
        batch.created.append(row)
    elif before == row:
        batch.unchanged += 1
    else:
        batch.changed.append(row)
