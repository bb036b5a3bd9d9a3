"""Taking in an inventory file: good rows are kept, each about one thing, and every other row is reported."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lighting.domain.failures import AlreadyThere, OutOfScope, UnknownCabinet
from vocabulary.failure import Failure

_LONGEST_ROW = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row as it was read: its line (or feature), its text, and its cells; None where it could not be cut into cells."""

    line: int
    text: str
    cells: Mapping[str, str] | None
    fault: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedRow:
    """A row that was not imported: the wrong column (empty: the whole row), and why."""

    line: int
    column: str
    reason: str
    description: str
    row: str


@dataclass(kw_only=True, slots=True)
class Imported:
    """What became of a file."""

    rows: int = 0
    created: list[Any] = field(default_factory=list[Any])
    updated: list[Any] = field(default_factory=list[Any])
    unchanged: int = 0
    refused: list[RefusedRow] = field(default_factory=list[RefusedRow])


def imported(
    rows: Iterable[Row], read: Callable[[Mapping[str, str]], Any], known: Mapping[str, Any], check: Callable[[Any], None]
) -> Imported:
    """Return what becomes of the rows: `known` holds what is there by id, `check` raises a Failure for a value that may not be."""
    result, seen = Imported(), dict[str, int]()
    for row in rows:
        result.rows += 1
        if row.cells is None:
            result.refused.append(
                RefusedRow(line=row.line, column="", reason="MALFORMED_ROW", description=row.fault, row=row.text[:_LONGEST_ROW])
            )
            continue
        try:
            value = read(row.cells)
            if value.id in seen:
                raise AlreadyThere(f"line {seen[value.id]} is about {value.id} too", resource=value.id)
            check(value)
        except Failure as failure:
            result.refused.append(_refused(row, failure))
            continue
        seen[value.id] = row.line
        before = known.get(value.id)
        if before == value:
            result.unchanged += 1
        else:
            (result.created if before is None else result.updated).append(value)
    return result


def _refused(row: Row, failure: Failure) -> RefusedRow:
    violation = failure.violations[0] if failure.violations else None
    return RefusedRow(
        line=row.line,
        column=violation.field.partition(".")[0]
        if violation
        else {"UNKNOWN_CABINET": "cabinet", "ALREADY_THERE": "id"}.get(failure.reason, ""),
        reason=failure.reason,
        description=violation.description if violation else failure.message,
        row=row.text[:_LONGEST_ROW],
    )


def checker(cabinets: Mapping[str, object] | None, may: Callable[[Any], bool]) -> Callable[[Any], None]:
    """Return a check that a luminaire's cabinet is known (None: no luminaires are checked) and that the caller may write it."""

    def check(value: Any) -> None:
        if cabinets is not None and value.cabinet not in cabinets:
            raise UnknownCabinet(f"there is no cabinet {value.cabinet}", cabinet=value.cabinet)
        if not may(value):
            raise OutOfScope(f"no grant covers {value.id}", resource=value.id)

    return check
