import numpy as np
import pytest

from metering.domain.series.arrival import CLOCK_TOLERANCE_S, LimitColumns, Limits, Refusal, check, limit_columns
from metering.domain.series.columns import ReadingKind, columns_of
from vocabulary.flux import BaseUnit

NOW = 1_800_000_000
HOME = Limits(kind=ReadingKind.INTERVAL, unit=BaseUnit.JOULE, lowest=0, highest=9_000, per_second=True, shortest_s=600, longest_s=86_400)
SITE = Limits(kind=ReadingKind.INTERVAL, unit=BaseUnit.JOULE, lowest=-5, highest=400_000, per_second=True, shortest_s=60, longest_s=3_600)
INDEX = Limits(kind=ReadingKind.REGISTER, unit=BaseUnit.MILLILITRE, lowest=0, highest=10**11, per_second=False, shortest_s=0, longest_s=0)
LIMITS = limit_columns([HOME, SITE, INDEX, None, HOME], [None, None, None, None, BaseUnit.WATT])
SOUND = [(0, NOW - 7200, 3600, 9_000 * 3600, 2), (1, NOW - 7200, 60, -300, 1), (2, NOW, 0, 10**11, 3)]


def reasons(rows: list[tuple[int, int, int, int, int]], limits: LimitColumns = LIMITS) -> list[int]:
    refusals = check(columns_of(rows), limits, now_s=NOW)
    found = np.zeros(len(rows), np.int8)
    found[refusals.rows] = refusals.reasons
    return found.tolist()


@pytest.mark.parametrize("row", SOUND)
def test_what_lies_just_within_the_limits_is_taken(row: tuple[int, int, int, int, int]) -> None:
    assert reasons([row]) == [0]
    assert reasons([row, *SOUND]) == [0] * 4


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ((3, NOW - 7200, 3600, 1, 2), Refusal.UNKNOWN_SERIES),
        ((9, NOW - 7200, 3600, 1, 2), Refusal.UNKNOWN_SERIES),
        ((-1, NOW - 7200, 3600, 1, 2), Refusal.UNKNOWN_SERIES),
        ((4, NOW - 7200, 3600, 1, 2), Refusal.UNIT_MISMATCH),
        ((0, -1, 3600, 1, 2), Refusal.TIME_OUT_OF_RANGE),
        ((0, 2**63 - 1, 3600, 1, 2), Refusal.TIME_OUT_OF_RANGE),
        ((0, -(2**63), 3600, 1, 2), Refusal.TIME_OUT_OF_RANGE),
        ((0, NOW + CLOCK_TOLERANCE_S - 3599, 3600, 1, 2), Refusal.IN_THE_FUTURE),
        ((2, NOW + CLOCK_TOLERANCE_S + 1, 0, 1, 2), Refusal.IN_THE_FUTURE),
        ((0, NOW - 7200, 599, 1, 2), Refusal.DURATION_NOT_ALLOWED),
        ((1, NOW - 7200, 3601, 1, 2), Refusal.DURATION_NOT_ALLOWED),
        ((2, NOW - 7200, 60, 1, 2), Refusal.DURATION_NOT_ALLOWED),
        ((0, NOW - 7200, 0, 1, 2), Refusal.DURATION_NOT_ALLOWED),
        ((0, NOW - 7200, -1, 1, 2), Refusal.DURATION_NOT_ALLOWED),
        ((0, NOW - 7200, 3600, 9_000 * 3600 + 1, 2), Refusal.VALUE_IMPOSSIBLE),
        ((0, NOW - 7200, 3600, -1, 2), Refusal.VALUE_IMPOSSIBLE),
        ((1, NOW - 7200, 60, -301, 2), Refusal.VALUE_IMPOSSIBLE),
        ((2, NOW - 7200, 0, 2**63 - 1, 2), Refusal.VALUE_IMPOSSIBLE),
        ((0, NOW - 7200, 3600, 1, 0), Refusal.QUALITY_INVALID),
        ((0, NOW - 7200, 3600, 1, 5), Refusal.QUALITY_INVALID),
    ],
)
def test_what_can_never_be_true_is_refused_for_its_reason_and_its_neighbours_are_not(
    row: tuple[int, int, int, int, int], reason: Refusal
) -> None:
    assert reasons([row]) == [reason]
    assert reasons([SOUND[0], row, *SOUND[1:]]) == [0, reason, 0, 0]


def test_limits_that_would_overflow_are_capped() -> None:
    wide = Limits(
        kind=ReadingKind.INTERVAL, unit=BaseUnit.JOULE, lowest=-(2**63), highest=2**63 - 1, per_second=True, shortest_s=1, longest_s=10**9
    )
    limits = limit_columns([wide], [None])
    assert reasons([(0, 0, 10**9, 2**60, 2), (0, 0, 1, -5, 2)], limits) == [0, 0]
    assert reasons([(0, 0, 1, 5, 2)], limits) == [0]


def test_nothing_is_known_where_nothing_was_announced() -> None:
    assert reasons([SOUND[0]], limit_columns([], [])) == [Refusal.UNKNOWN_SERIES]
