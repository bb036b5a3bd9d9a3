"""The arrays in which readings and figures are held, and the checks they share."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vocabulary.failure import Failure, Kind

Int64s: TypeAlias = NDArray[np.int64]
Int8s: TypeAlias = NDArray[np.int8]
Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]


class UnorderedColumns(Failure):
    """Columns differ in length, or their times do not strictly increase."""

    reason, kind = "UNORDERED_COLUMNS", Kind.INVALID


def int64s(values: Any) -> Int64s:
    """Return the values as one column of whole numbers."""
    return np.asarray(values, dtype=np.int64)


def int8s(values: Any) -> Int8s:
    """Return the values as one column of small whole numbers, such as qualities."""
    return np.asarray(values, dtype=np.int8)


def require_same_length(*columns: NDArray[Any]) -> None:
    """Refuse columns of different lengths."""
    if len({len(column) for column in columns}) > 1:
        raise UnorderedColumns("columns differ in length", lengths=",".join(str(len(column)) for column in columns))


def require_increasing(time: Int64s) -> None:
    """Refuse times that repeat or go back: readings have to be resolved first."""
    if len(time) > 1 and not bool((time[1:] > time[:-1]).all()):
        raise UnorderedColumns("times do not strictly increase: resolve the readings first", rows=str(len(time)))


def proportion(part: Int64s, whole: Int64s, of: Int64s) -> Int64s:
    """Return floor(of · part / whole), exactly, without leaving 64 bits.

    `of` is split into quotient and remainder first: a year of a megawatt in joules times the seconds of a year would overflow.
    """
    quotient, remainder = np.divmod(of, whole)
    return quotient * part + remainder * part // whole


def cumulative(values: Int64s) -> Int64s:
    """Return the n + 1 running sums of n values, starting with 0."""
    sums = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=sums[1:])
    return sums
