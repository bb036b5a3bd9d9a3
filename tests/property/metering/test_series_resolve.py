"""What holds depends on the versions alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metering.domain.series.columns import Versions, columns_of, joined_versions
from metering.domain.series.resolve import all_versions, resolve
from vocabulary.quality import Quality

Row = tuple[int, int, int, int, int]
ROW = st.tuples(st.integers(0, 2), st.integers(0, 3), st.sampled_from([0, 60]), st.integers(0, 2), st.integers(1, 4))
ROWS = st.lists(st.tuples(ROW, st.integers(1, 5)), max_size=25)


def versions(rows: list[tuple[Row, int]]) -> Versions:
    return Versions(columns=columns_of([row for row, _ in rows]), sequence=np.array([sequence for _, sequence in rows], np.int64))


def rows(found: Versions) -> list[tuple[Row, int]]:
    columns = found.columns
    parts = (columns.series, columns.time, columns.duration, columns.value, columns.quality)
    return list(zip(zip(*(part.tolist() for part in parts), strict=True), found.sequence.tolist(), strict=True))


def by_hand(given_rows: list[tuple[Row, int]]) -> dict[tuple[int, int], tuple[int, int, int]]:
    """What holds per series and time, said as plainly as possible.

    Value, duration and quality, None for the first two where it is suspect.
    """
    readings: dict[tuple[int, int], set[tuple[int, int, int]]] = {}
    for (series, time, duration, value, quality), _ in given_rows:
        readings.setdefault((series, time), set()).add((quality, value, duration))
    held: dict[tuple[int, int], tuple[int, int, int]] = {}
    for key, known in readings.items():
        best = min(quality for quality, _, _ in known)
        of_best = [(value, duration) for quality, value, duration in known if quality == best]
        suspect = len(of_best) > 1 or best == Quality.SUSPECT
        held[key] = (-1, -1, Quality.SUSPECT) if suspect else (*of_best[0], best)
    return held


@given(ROWS)
def test_the_best_quality_holds_and_equals_that_disagree_are_suspect(given_rows: list[tuple[Row, int]]) -> None:
    kept = rows(resolve(versions(given_rows)).kept)
    found = {
        (series, time): (-1, -1, quality) if quality == Quality.SUSPECT else (value, duration, quality)
        for (series, time, duration, value, quality), _ in kept
    }
    assert found == by_hand(given_rows)
    assert [row[:2] for row, _ in kept] == sorted(found)


@given(ROWS, st.randoms(use_true_random=False), st.integers(0, 25))
def test_order_repetition_and_split_change_nothing(given_rows: list[tuple[Row, int]], chance: st.DataObject, cut: int) -> None:
    whole = resolve(versions(given_rows))
    shuffled = given_rows + given_rows[:cut]
    chance.shuffle(shuffled)  # pyright: ignore[reportAttributeAccessIssue]
    assert rows(resolve(versions(shuffled)).kept) == rows(whole.kept)
    first, second = versions(shuffled[:cut]), versions(shuffled[cut:])
    parted = resolve(joined_versions([all_versions(resolve(first)), all_versions(resolve(second))]))
    assert rows(parted.kept) == rows(whole.kept)
    assert sorted(rows(parted.others)) == sorted(rows(whole.others))


@given(ROWS)
def test_no_version_is_ever_lost(given_rows: list[tuple[Row, int]]) -> None:
    earliest: dict[Row, int] = {}
    for row, sequence in given_rows:
        earliest[row] = min(sequence, earliest.get(row, sequence))
    assert dict(rows(all_versions(resolve(versions(given_rows))))) == earliest


@given(ROWS, st.integers(0, 6))
def test_as_known_at_a_sequence_is_what_the_versions_until_then_say(given_rows: list[tuple[Row, int]], sequence: int) -> None:
    until_then = [(row, at) for row, at in given_rows if at <= sequence]
    assert rows(resolve(versions(given_rows), known_at=sequence).kept) == rows(resolve(versions(until_then)).kept)
