"""Many short columns of integers coded at once.

Numpy sees one long array, each part keeps its own first value, slope, divisor and width.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Bytes = NDArray[np.uint8]

_SAMPLE = 12


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Parts:
    """How a long array falls into parts: part i is `[starts[i], starts[i] + lengths[i])`; none is empty."""

    starts: Int64
    lengths: Int64

    @property
    def rows(self) -> int:
        """The length of the whole array."""
        return int(self.starts[-1] + self.lengths[-1]) if len(self.starts) else 0

    def spread(self, per_part: NDArray[np.generic]) -> NDArray[np.generic]:
        """Repeat a value of each part for each of its rows."""
        return np.repeat(per_part, self.lengths)


def parts_of(lengths: Int64) -> Parts:
    """Return the parts of these lengths, one after the other."""
    return Parts(starts=np.cumsum(lengths) - lengths, lengths=lengths)


def parts_between(changes: NDArray[np.bool_]) -> Parts:
    """Return the parts that begin where `changes` is true; the first row must."""
    starts = np.flatnonzero(changes).astype(np.int64)
    return Parts(starts=starts, lengths=np.diff(np.append(starts, len(changes))))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Ragged:
    """Coded parts: `first`, `slope`, `scale`, `width` per part, and byte planes (`planes[k]` holds byte k of every zigzag difference)."""

    first: Int64
    slope: Int64
    scale: Int64
    width: NDArray[np.uint8]
    planes: Bytes


def gather_rows(starts: Int64, lengths: Int64) -> Int64:
    """Return the row numbers of runs `[start, start + length)`, run after run."""
    ends = np.cumsum(lengths)
    return np.repeat(starts - (ends - lengths), lengths) + np.arange(int(ends[-1]) if len(ends) else 0, dtype=np.int64)


def encode(values: Int64, parts: Parts, *, sloped: bool) -> Ragged:
    """Code each part as differences from its first value.

    `sloped` takes the smallest difference away first, so that regular times cost nothing.
    """
    starts = parts.starts
    differences = np.empty(len(values), np.int64)
    np.subtract(values[1:], values[:-1], out=differences[1:])
    differences[starts] = 0
    slope = np.zeros(len(starts), np.int64)
    if sloped:
        longer = parts.lengths > 1
        differences[starts[longer]] = differences[starts[longer] + 1]
        slope = np.minimum.reduceat(differences, starts)
        differences -= np.repeat(slope, parts.lengths)
        differences[starts] = 0
    if not differences.any():
        flat = np.zeros(len(starts), np.uint8)
        return Ragged(
            first=values[starts], slope=slope, scale=np.ones(len(starts), np.int64), width=flat, planes=np.empty((0, len(values)), np.uint8)
        )
    scale, quotients = _divided(differences, parts)
    zigzag = (quotients << 1) ^ (quotients >> 63)
    width = _widths(np.maximum.reduceat(zigzag.view(np.uint64), starts))
    planes = np.empty((int(width.max(initial=0)), len(values)), np.uint8)
    for byte, plane in enumerate(planes):
        np.copyto(plane, zigzag >> 8 * byte if byte else zigzag, casting="unsafe")
    return Ragged(first=values[starts], slope=slope, scale=scale, width=width, planes=planes)


def _divided(differences: Int64, parts: Parts) -> tuple[Int64, Int64]:
    """Return the common divisor of each part, and the differences divided by it."""
    sampled = np.minimum(parts.lengths, _SAMPLE)
    samples = np.abs(differences[gather_rows(parts.starts, sampled)])
    guess = np.maximum(np.gcd.reduceat(samples, np.cumsum(sampled) - sampled), 1)
    # Dividing everything by one number is many times faster than by many, and meters of one make share their resolution.
    candidates, counts = np.unique(guess, return_counts=True)
    usual = int(candidates[np.argmax(counts)])
    quotients = differences // usual
    other = np.logical_or.reduceat(quotients * usual != differences, parts.starts) | (guess != usual)
    scale = np.full(len(guess), usual, np.int64)
    at = np.flatnonzero(other)
    if len(at):
        rows = gather_rows(parts.starts[at], parts.lengths[at])
        scale[at], quotients[rows] = _divided_exactly(differences[rows], parts_of(parts.lengths[at]))
    return scale, quotients


def _divided_exactly(differences: Int64, parts: Parts) -> tuple[Int64, Int64]:
    sizes = np.abs(differences)
    # A difference that wrapped has no size: its part stays as it is.
    wrapped = np.minimum.reduceat(sizes, parts.starts) < 0
    exact = np.gcd.reduceat(np.maximum(sizes, 0), parts.starts)
    scale = np.where(wrapped, 1, np.maximum(exact, 1))
    return scale, differences // np.repeat(scale, parts.lengths)


def _widths(largest: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Return how many bytes each number takes."""
    width = np.zeros(len(largest), np.uint8)
    for byte in range(8):
        width += largest >= np.uint64(1 << 8 * byte)
    return width


def decode(coded: Ragged, parts: Parts, zigzag_bytes: Bytes) -> Int64:
    """Return the values of all parts; `zigzag_bytes` is (rows, 8), the differences' bytes, zeros above each width."""
    zigzag = zigzag_bytes.view(np.uint64).reshape(-1)
    differences = (zigzag >> np.uint64(1)).view(np.int64)
    differences ^= -(zigzag & np.uint64(1)).view(np.int64)
    if (coded.scale != 1).any():
        differences *= np.repeat(coded.scale, parts.lengths)
    return _summed(differences, coded, parts)


def decode_flat(coded: Ragged, parts: Parts) -> Int64:
    """Return the values of parts whose differences are all equal to the slope."""
    if not coded.slope.any():
        return np.repeat(coded.first, parts.lengths)
    return _summed(np.zeros(parts.rows, np.int64), coded, parts)


def _summed(differences: Int64, coded: Ragged, parts: Parts) -> Int64:
    if coded.slope.any():
        differences += np.repeat(coded.slope, parts.lengths)
    differences[parts.starts] = 0
    values = np.cumsum(differences)
    values += np.repeat(coded.first - values[parts.starts], parts.lengths)
    return values
