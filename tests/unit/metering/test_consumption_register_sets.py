"""One question uses one register set; the others check it."""

from datetime import UTC, datetime

import pytest

from metering.domain.consumption.pieces import Pieces, pieces
from metering.domain.consumption.register_sets import NoRegisterSet, RegisterSet, SetRole, chosen_set
from vocabulary.interval import Interval

DAY, KWH = 86_400, 3_600_000


def days(count: int, kwh: int, *, first: int = 0) -> Pieces:
    start = [(first + at) * DAY for at in range(count)]
    return pieces(start, [at + DAY for at in start], [kwh * KWH] * count)


def window(count: int) -> Interval:
    return Interval(start=datetime.fromtimestamp(0, UTC), end=datetime.fromtimestamp(count * DAY, UTC))


def total(known: Pieces) -> RegisterSet:
    return RegisterSet(name="total", role=SetRole.TOTAL, channels={"": known}, resolution=KWH)


def supplier(**channels: Pieces) -> RegisterSet:
    return RegisterSet(name="supplier", role=SetRole.SUPPLIER, channels=channels, resolution=KWH)


def distributor(**channels: Pieces) -> RegisterSet:
    return RegisterSet(name="distributor", role=SetRole.DISTRIBUTOR, channels=channels, resolution=KWH)


def test_the_total_answers_unless_slots_are_asked_for() -> None:
    sets = [supplier(hp=days(10, 6), hc=days(10, 4)), total(days(10, 10))]
    assert chosen_set(sets, window(10)).chosen.name == "total"
    assert chosen_set(sets, window(10), by_slot=True).chosen.name == "supplier"


def test_the_finest_complete_set_answers_a_question_by_slot() -> None:
    sets = [
        supplier(hp=days(10, 6), hc=days(10, 4)),
        distributor(hph=days(4, 6), hch=days(10, 2), hpb=days(10, 1), hcb=days(10, 1)),
        total(days(10, 10)),
    ]
    choice = chosen_set(sets, window(10), by_slot=True)
    assert choice.chosen.name == "supplier"
    assert choice.complete


def test_an_incomplete_total_gives_way_to_a_complete_set() -> None:
    choice = chosen_set([total(days(5, 10)), supplier(hp=days(10, 6), hc=days(10, 4))], window(10))
    assert choice.chosen.name == "supplier"


def test_without_a_complete_set_the_best_covered_answers_and_says_so() -> None:
    choice = chosen_set([total(days(5, 10)), supplier(hp=days(8, 6), hc=days(9, 4))], window(10))
    assert choice.chosen.name == "supplier"
    assert not choice.complete
    assert choice.coverage == pytest.approx(0.8)


def test_sets_that_agree_within_the_registers_steps_are_told_to_agree() -> None:
    (check,) = chosen_set([total(days(10, 10)), supplier(hp=days(10, 6), hc=days(10, 4))], window(10)).checks
    assert (check.name, check.total, check.chosen_total, check.agrees) == ("supplier", 100 * KWH, 100 * KWH, True)


def test_sets_that_disagree_are_reported() -> None:
    (check,) = chosen_set([total(days(100, 10)), supplier(hp=days(100, 6), hc=days(100, 5))], window(100)).checks
    assert not check.agrees


def test_only_time_that_both_cover_whole_is_compared() -> None:
    (check,) = chosen_set([total(days(10, 10)), supplier(hp=days(5, 6, first=2), hc=days(6, 4, first=3))], window(10)).checks
    assert check.during == Interval(start=datetime.fromtimestamp(3 * DAY, UTC), end=datetime.fromtimestamp(7 * DAY, UTC))
    assert check.total == check.chosen_total == 40 * KWH


def test_sets_without_common_time_are_not_compared() -> None:
    assert chosen_set([total(days(5, 10)), supplier(hp=days(5, 6, first=5))], window(10)).checks == ()


def test_a_meter_without_sets_is_a_named_failure() -> None:
    with pytest.raises(NoRegisterSet):
        chosen_set([], window(1))
