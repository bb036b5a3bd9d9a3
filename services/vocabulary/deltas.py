"""Columns of integers as a first value, a common divisor and narrow differences: exact, small, and decoded by numpy alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vocabulary.failure import Failure, Kind

Integers = NDArray[np.int64]

WIDTHS = (0, 1, 2, 4, 8)
"""Bytes that one difference may take; 0 means that every value equals the first."""

_SAMPLE = 32
_LEAST = np.iinfo(np.int64).min


class MalformedColumn(Failure):
    """The bytes of a column do not hold what its width and its count promise."""

    reason, kind = "MALFORMED_COLUMN", Kind.INVALID


@dataclass(frozen=True, kw_only=True, slots=True)
class DeltaColumn:
    """Integers `first`, then `first + scale × (sum of the differences so far)`.

    Differences are signed, little-endian, `width` bytes each.
    """

    first: int
    scale: int
    width: int
    deltas: bytes


def packed(values: Integers) -> DeltaColumn:
    """Return the values as a column."""
    if not len(values):
        return DeltaColumn(first=0, scale=1, width=0, deltas=b"")
    # Differences wrap at 64 bits, and so does their sum: every int64 comes back exactly.
    differences = np.diff(values)
    first = int(values[0])
    lowest, highest = (int(differences.min()), int(differences.max())) if len(differences) else (0, 0)
    if lowest == highest == 0:
        return DeltaColumn(first=first, scale=1, width=0, deltas=b"")
    scale, differences = _divided(differences) if lowest != _LEAST else (1, differences)
    lowest, highest = lowest // scale, highest // scale
    width = next(w for w in WIDTHS[1:] if w == WIDTHS[-1] or (-1 << (8 * w - 1) <= lowest and highest < 1 << (8 * w - 1)))
    return DeltaColumn(first=first, scale=scale, width=width, deltas=differences.astype(f"<i{width}").tobytes())


def _divided(differences: Integers) -> tuple[int, Integers]:
    """Return the greatest common divisor, or 1 where that would take long to find, and the differences divided by it."""
    changes = differences[:_SAMPLE][differences[:_SAMPLE] != 0]
    # A few differences nearly always tell the divisor, and one multiplication of all proves it.
    scale = int(np.gcd.reduce(np.abs(changes))) if len(changes) else int(np.gcd.reduce(np.abs(differences)))
    if scale > 1:
        quotients = differences // scale
        if np.array_equal(quotients * scale, differences):
            return scale, quotients
        scale = int(np.gcd.reduce(np.abs(differences)))
    return (scale, differences // scale) if scale > 1 else (1, differences)


def unpacked(column: DeltaColumn, count: int) -> Integers:
    """Return the `count` values of a column; refuse one whose bytes do not fit."""
    if column.width not in WIDTHS or column.scale < 1:
        raise MalformedColumn(
            f"a column cannot have width {column.width} and scale {column.scale}", width=str(column.width), scale=str(column.scale)
        )
    if len(column.deltas) != column.width * max(count - 1, 0):
        raise MalformedColumn(
            f"{count} values of width {column.width} do not take {len(column.deltas)} bytes",
            width=str(column.width),
            count=str(count),
            bytes=str(len(column.deltas)),
        )
    values = np.empty(count, np.int64)
    if not column.width or not count:
        values.fill(column.first)
        return values
    values[0] = column.first
    np.multiply(np.frombuffer(column.deltas, f"<i{column.width}"), np.int64(column.scale), out=values[1:])
    return np.cumsum(values, out=values)
