"""Checks at arrival that need nothing but the reading itself and the limits of its series.

Whatever must be compared with neighbours is judged later, from all kept readings; here only what can never be true is refused, and the rest
of the batch is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from metering.domain.series.columns import Columns, Flags, Int8, Int32, Int64, ReadingKind
from vocabulary.flux import BaseUnit
from vocabulary.quality import Quality

CLOCK_TOLERANCE_S = 300
"""How far a sender's clock may be ahead of ours."""

LATEST_TIME_S = 1 << 35
"""No reading lies beyond (about the year 3058), whatever the clock says, nor before 1970."""

GREATEST_VALUE = 1 << 61
"""No limit goes beyond, so that sums and differences of values fit 64 bits."""


class Refusal(IntEnum):
    """Why a reading was refused at arrival."""

    UNKNOWN_SERIES = 1
    """No metering point of the territory has such a channel."""
    UNIT_MISMATCH = 2
    """The channel counts in another unit."""
    TIME_OUT_OF_RANGE = 3
    """The time is before 1970, or beyond every calendar."""
    IN_THE_FUTURE = 4
    """The reading, or the end of its interval, has not happened yet."""
    DURATION_NOT_ALLOWED = 5
    """A register has a duration, or an interval is shorter or longer than the channel allows."""
    VALUE_IMPOSSIBLE = 6
    """The device or the subscription cannot give such a value."""
    QUALITY_INVALID = 7
    """The quality is none that a sender may give."""
    FORGOTTEN = 8
    """The readings of this time were erased at somebody's wish; counted, and not kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What readings of one series can be.

    `lowest` and `highest` bound the value in the base unit; with `per_second` they are multiplied by the duration (watts bound joules).
    Durations lie between `shortest_s` and `longest_s`, both 0 for a register.
    """

    kind: ReadingKind
    unit: BaseUnit
    lowest: int
    highest: int
    per_second: bool
    shortest_s: int
    longest_s: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LimitColumns:
    """The limits of all known series, one element per series number; `known` is false where the registry has no such series."""

    known: Flags
    fits: Flags
    lowest: Int64
    highest: Int64
    per_second: Flags
    shortest: Int32
    longest: Int32


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Refusals:
    """The refused rows of a batch, in order, with the reason of each."""

    rows: Int32
    reasons: Int8

    def __len__(self) -> int:
        """The number of refused readings."""
        return len(self.rows)


NO_REFUSALS = Refusals(rows=np.empty(0, np.int32), reasons=np.empty(0, np.int8))


def limit_columns(limits: Sequence[Limits | None], units: Sequence[BaseUnit | None]) -> LimitColumns:
    """Return limits as columns; `units` are the units that the sender uses, None where it follows ours."""
    whole = [one or _NOTHING for one in limits]
    cap = [GREATEST_VALUE // (max(one.longest_s, 1) if one.per_second else 1) for one in whole]
    return LimitColumns(
        known=np.array([one is not None for one in limits], np.bool_),
        fits=np.array([unit in (None, one.unit) for one, unit in zip(whole, units, strict=True)], np.bool_),
        lowest=np.array([max(one.lowest, -most) for one, most in zip(whole, cap, strict=True)], np.int64),
        highest=np.array([min(one.highest, most) for one, most in zip(whole, cap, strict=True)], np.int64),
        per_second=np.array([one.per_second for one in whole], np.bool_),
        shortest=np.array([one.shortest_s for one in whole], np.int32),
        longest=np.array([one.longest_s for one in whole], np.int32),
    )


_NOTHING = Limits(kind=ReadingKind.REGISTER, unit=BaseUnit.JOULE, lowest=0, highest=0, per_second=False, shortest_s=0, longest_s=0)


def check(columns: Columns, limits: LimitColumns, *, now_s: int) -> Refusals:
    """Return what must be refused of a batch received at `now_s` (UTC seconds).

    A row's `series` is its element of `limits`, unknown beyond them.
    """
    if not len(columns):
        return NO_REFUSALS
    found = (columns.series >= 0) & (columns.series < len(limits.known))
    if not found.all():
        return _refusals(columns, _listed(limits, columns, found, now_s=now_s))
    findings = _findings(columns, limits, now_s=now_s)
    return _refusals(columns, findings) if any(finding is not None for finding in findings.values()) else NO_REFUSALS


Findings = dict[Refusal, Flags | None]
"""Which rows each reason refuses, None where it refuses none; the first reason that applies to a row is the one reported."""


def _listed(limits: LimitColumns, columns: Columns, found: Flags, *, now_s: int) -> Findings:
    """Return the findings where some rows have no element in the limits."""
    if not found.any():
        return {Refusal.UNKNOWN_SERIES: ~found}
    first = int(np.argmax(found))
    stand_in = Columns(
        series=np.where(found, columns.series, columns.series[first]),
        time=columns.time,
        duration=columns.duration,
        value=columns.value,
        quality=columns.quality,
    )
    findings = _findings(stand_in, limits, now_s=now_s)
    unknown = findings[Refusal.UNKNOWN_SERIES]
    return findings | {Refusal.UNKNOWN_SERIES: ~found if unknown is None else ~found | unknown}


def _refusals(columns: Columns, findings: Findings) -> Refusals:
    reasons = np.zeros(len(columns), np.int8)
    for reason in sorted(findings, reverse=True):
        finding = findings[reason]
        if finding is not None:
            reasons[finding] = reason
    rows = np.flatnonzero(reasons)
    return Refusals(rows=rows.astype(np.int32), reasons=reasons[rows])


def _findings(columns: Columns, limits: LimitColumns, *, now_s: int) -> Findings:
    # Nearly every batch is sound, so that the extremes of its columns settle most questions without a look at each row.
    time, duration, quality = columns.time, columns.duration, columns.quality
    least, most = int(duration.min()), int(duration.max())
    end = now_s + CLOCK_TOLERANCE_S
    timely = int(time.min()) >= 0 and int(time.max()) + most <= min(end, LATEST_TIME_S)
    lasting = least >= int(limits.shortest.max()) and most <= int(limits.longest.min())
    told = int(quality.min()) >= Quality.CORRECTED and int(quality.max()) <= Quality.SUSPECT
    at = columns.series.astype(np.intp)
    return {
        Refusal.UNKNOWN_SERIES: None if limits.known.all() else _any(~limits.known[at]),
        Refusal.UNIT_MISMATCH: None if limits.fits.all() else _any(~limits.fits[at]),
        Refusal.TIME_OUT_OF_RANGE: None if timely else _any((time < 0) | (time > LATEST_TIME_S)),
        Refusal.IN_THE_FUTURE: None if timely else _any(np.clip(time, 0, LATEST_TIME_S) + duration > end),
        Refusal.DURATION_NOT_ALLOWED: None if lasting else _any((duration < limits.shortest[at]) | (duration > limits.longest[at])),
        Refusal.VALUE_IMPOSSIBLE: _impossible(columns, limits, at, least=least, most=most),
        Refusal.QUALITY_INVALID: None if told else _any((quality < Quality.CORRECTED) | (quality > Quality.SUSPECT)),
    }


def _impossible(columns: Columns, limits: LimitColumns, at: NDArray[np.intp], *, least: int, most: int) -> Flags | None:
    """Return the rows whose value lies beyond the limits; limits per second are multiplied by the duration."""
    value = columns.value
    if least == most:
        span = np.where(limits.per_second, max(least, 0), 1)
        lowest, highest = _bounds(limits, span)
        if int(value.min()) >= int(lowest.max()) and int(value.max()) <= int(highest.min()):
            return None
        return _any((value < lowest[at]) | (value > highest[at]))
    # A duration that is not allowed is refused for itself; here it must only not overflow.
    span = np.where(limits.per_second[at], np.clip(columns.duration, 0, limits.longest[at]), 1)
    return _any((value < limits.lowest[at] * span) | (value > limits.highest[at] * span))


def _bounds(limits: LimitColumns, span: Int64) -> tuple[Int64, Int64]:
    span = np.minimum(span, np.maximum(limits.longest, 1))
    return limits.lowest * span, limits.highest * span


def _any(finding: Flags) -> Flags | None:
    return finding if finding.any() else None
