"""Slots, gaps, and registers beside intervals: what one channel used."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from metering.domain.consumption.channel import channel_use, consumption, evenly
from metering.domain.consumption.columns import UnorderedColumns
from metering.domain.consumption.day_profile import weekday_type
from metering.domain.consumption.events import EventKind
from metering.domain.consumption.gaps import MARGIN_S, apportioned, filled
from metering.domain.consumption.intervals import interval_pieces
from metering.domain.consumption.pieces import NOTHING, Method, Pieces, clipped, pieces
from metering.domain.consumption.readings import (
    NO_INTERVAL_READINGS,
    NO_REGISTER_READINGS,
    ChannelFacts,
    Device,
    interval_readings,
    register_readings,
)
from metering.domain.consumption.slots import FinerThanData, counted, slots_of
from vocabulary.civil import Granularity, civil_day, slots
from vocabulary.interval import Interval
from vocabulary.quality import Quality

PARIS = ZoneInfo("Europe/Paris")
HOUR, DAY = 3_600, 86_400
FACTS = ChannelFacts(maximum_per_hour=10**9)


def second(*when: int) -> int:
    return int(datetime(*when, tzinfo=PARIS).timestamp())


def between(start: int, end: int) -> Interval:
    return Interval(start=datetime.fromtimestamp(start, UTC), end=datetime.fromtimestamp(end, UTC))


def hourly(start: int, hours: int, *, seed: int = 1) -> Pieces:
    """Return a life with a daily rhythm: mornings and evenings, and idle Sundays."""
    begin = start + np.arange(hours) * HOUR
    local = [datetime.fromtimestamp(int(at), PARIS) for at in begin]
    noise = np.random.default_rng(seed).integers(0, 5, hours)
    value = [(100 if one.hour in (7, 8, 19, 20) else 10) * (1 if one.weekday() != 6 else 3) for one in local]
    return pieces(begin, begin + HOUR, np.array(value) * 1_000 + noise)


def without(known: Pieces, start: int, end: int) -> Pieces:
    return known.where((known.end <= start) | (known.start >= end))


@pytest.mark.parametrize("granularity", list(Granularity))
@pytest.mark.parametrize("zone", ["Europe/Paris", "Indian/Reunion", "America/Martinique", "Pacific/Noumea"])
def test_slots_are_those_of_the_vocabulary(granularity: Granularity, zone: str) -> None:
    for start, end in ((second(2024, 3, 29, 11, 7), second(2024, 4, 2, 0, 1)), (second(2023, 10, 27), second(2023, 10, 31))):
        during = between(start, end)
        into = slots_of(during, granularity, ZoneInfo(zone))
        expected = [(int(one.start.timestamp()), int(one.end.timestamp())) for one in slots(during, granularity, ZoneInfo(zone))]
        assert list(zip(into.start.tolist(), into.end.tolist(), strict=True)) == expected


@pytest.mark.parametrize(("day", "hours"), [(date(2024, 3, 31), 23), (date(2024, 6, 1), 24), (date(2024, 10, 27), 25)])
def test_hours_of_a_day_add_up_to_it(day: date, hours: int) -> None:
    known = hourly(second(day.year, day.month, day.day) - 5 * DAY, 240)
    by_hour = consumption(known, civil_day(day, PARIS), Granularity.HOUR, PARIS)
    by_day = consumption(known, civil_day(day, PARIS), Granularity.DAY, PARIS)
    assert len(by_hour) == hours
    assert by_hour.total == by_day.total > 0
    assert by_day.coverage.tolist() == [1.0]


def test_an_index_taken_at_odd_minutes_is_divided_exactly() -> None:
    start = second(2024, 1, 10) - 1_033
    readings = register_readings([start + at * HOUR for at in range(50)], [at * at * 1_001 for at in range(50)])
    known = channel_use(readings, NO_INTERVAL_READINGS, FACTS, PARIS).pieces
    answer = consumption(known, between(second(2024, 1, 10), second(2024, 1, 11)), Granularity.HOUR, PARIS)
    day = consumption(known, between(second(2024, 1, 10), second(2024, 1, 11)), Granularity.DAY, PARIS)
    assert answer.total == day.total
    assert answer.quality.max() == Quality.MEASURED
    assert answer.coverage.min() == 1.0


def test_missing_is_not_zero() -> None:
    start = second(2024, 1, 10)
    answer = consumption(pieces([start], [start + HOUR], [0]), between(start, start + 2 * HOUR), Granularity.HOUR, PARIS)
    assert answer.known.tolist() == [True, False]
    assert answer.coverage.tolist() == [1.0, 0.0]
    assert answer.quality.tolist() == [Quality.MEASURED, 0]


def test_nothing_known_is_answered_by_nothing() -> None:
    answer = consumption(NOTHING, between(second(2024, 1, 1), second(2024, 2, 1)), Granularity.DAY, PARIS)
    assert len(answer) == 31
    assert not answer.known.any()


def test_the_worst_quality_in_a_slot_shows() -> None:
    start = second(2024, 1, 10)
    known = pieces(
        [start, start + HOUR, start + DAY], [start + HOUR, start + 2 * HOUR, start + DAY + HOUR], [1, 2, 3], [1, 3, 2], [0, 1, 0]
    )
    answer = consumption(known, between(start, start + 3 * DAY), Granularity.DAY, PARIS)
    assert answer.quality.tolist() == [Quality.ESTIMATED, Quality.MEASURED, 0]
    assert answer.method.tolist() == [Method.LINEAR, Method.METERED, 0]
    assert answer.coverage[0] == pytest.approx(1 / 24)
    assert answer.estimated[0] == pytest.approx(1 / 24)


def test_days_of_a_half_yearly_index_are_refused_with_what_they_need() -> None:
    readings = register_readings([second(2024, 1, 3), second(2024, 7, 2), second(2025, 1, 6)], [0, 60_000_000, 118_000_000])
    known = channel_use(readings, NO_INTERVAL_READINGS, FACTS, PARIS).pieces
    with pytest.raises(FinerThanData) as refusal:
        consumption(known, between(second(2024, 3, 1), second(2024, 4, 1)), Granularity.DAY, PARIS)
    assert refusal.value.metadata["granularity"] == "DAY"
    assert refusal.value.metadata["hours_required"] == "24"
    assert float(refusal.value.metadata["hours_available"]) == pytest.approx(181 * 24, abs=24)


def test_days_of_a_half_yearly_index_are_given_as_a_profile_that_says_so() -> None:
    readings = register_readings([second(2024, 1, 1), second(2024, 7, 1)], [0, 182_000])
    known = channel_use(readings, NO_INTERVAL_READINGS, FACTS, PARIS).pieces
    answer = consumption(known, between(second(2024, 1, 1), second(2024, 7, 1)), Granularity.DAY, PARIS, profile=evenly)
    assert answer.profile
    assert answer.total == 182_000
    assert set(answer.method.tolist()) == {Method.PROFILE}
    assert set(answer.quality.tolist()) == {Quality.ESTIMATED}
    assert answer.coverage.max() == 0


def test_where_only_part_is_coarse_that_part_is_missing() -> None:
    start = second(2024, 1, 1)
    fine = hourly(start + 90 * DAY, 24 * 10)
    coarse = pieces([start], [start + 90 * DAY], [900])
    known = Pieces(
        **{name: np.append(getattr(coarse, name), getattr(fine, name)) for name in ("start", "end", "value", "quality", "method")}
    )
    answer = consumption(known, between(start, start + 100 * DAY), Granularity.DAY, PARIS)
    assert not answer.known[:89].any()
    assert answer.known[91:99].all()


def test_a_daily_index_minutes_past_midnight_is_as_good_as_measured() -> None:
    times = [second(2024, 1, day, 0, 7) for day in range(1, 20)]
    known = channel_use(register_readings(times, [at * 24_000 for at in range(19)]), NO_INTERVAL_READINGS, FACTS, PARIS).pieces
    answer = consumption(known, between(second(2024, 1, 2), second(2024, 1, 18)), Granularity.DAY, PARIS)
    assert answer.coverage.min() == 1.0


def test_civil_days_of_an_index_taken_at_noon_are_estimates() -> None:
    times = [second(2024, 1, day, 12) for day in range(1, 20)]
    known = channel_use(register_readings(times, [at * 24_000 for at in range(19)]), NO_INTERVAL_READINGS, FACTS, PARIS).pieces
    answer = consumption(known, between(second(2024, 1, 2), second(2024, 1, 18)), Granularity.DAY, PARIS)
    assert answer.coverage.max() == 0.0
    assert answer.estimated.min() == 1.0
    assert set(answer.quality.tolist()) == {Quality.ESTIMATED}


def test_gas_days_of_an_index_taken_at_six_are_measured() -> None:
    times = [second(2024, 3, day, 6) for day in range(25, 32)] + [second(2024, 4, day, 6) for day in range(1, 5)]
    known = channel_use(register_readings(times, [at * 9_000 for at in range(11)]), NO_INTERVAL_READINGS, FACTS, PARIS).pieces
    answer = consumption(known, between(times[0], times[-1]), Granularity.GAS_DAY, PARIS)
    assert answer.value.tolist() == [9_000] * 10
    assert answer.coverage.min() == 1.0
    assert sorted(set((answer.end - answer.start).tolist())) == [23 * HOUR, 24 * HOUR]


def test_a_short_hole_is_a_line_from_the_rate_before_to_the_rate_after() -> None:
    start = second(2024, 1, 10)
    known = pieces([start, start + 3 * HOUR], [start + HOUR, start + 4 * HOUR], [3_600, 10_800])
    answer = counted(filled(known, PARIS), slots_of(between(start, start + 4 * HOUR), Granularity.HOUR, PARIS))
    assert answer.value.tolist() == [3_600, 5_400, 9_000, 10_800]
    assert answer.quality.tolist() == [Quality.MEASURED, Quality.ESTIMATED, Quality.ESTIMATED, Quality.MEASURED]
    assert answer.method.tolist() == [Method.METERED, Method.LINEAR, Method.LINEAR, Method.METERED]


def test_a_long_hole_takes_days_of_the_same_type() -> None:
    life = hourly(second(2024, 1, 1), 24 * 60)
    sunday, monday = second(2024, 2, 4), second(2024, 2, 5)
    estimated = filled(without(life, sunday + HOUR, monday - HOUR), PARIS)
    answer = consumption(estimated, between(sunday, monday), Granularity.HOUR, PARIS)
    true = consumption(life, between(sunday, monday), Granularity.HOUR, PARIS)
    assert answer.value.tolist() == pytest.approx(true.value.tolist(), rel=0.001)
    assert answer.method.tolist() == [Method.METERED, *[Method.PROFILE] * 22, Method.METERED]
    assert answer.estimated.sum() == pytest.approx(22)


def test_estimates_vanish_when_the_reading_comes() -> None:
    life = hourly(second(2024, 1, 1), 24 * 60)
    assert (filled(life, PARIS).method == Method.METERED).all()


def test_a_hole_without_days_of_its_type_stays_a_hole() -> None:
    life = hourly(second(2024, 1, 8), 24 * 10)
    start = second(2024, 1, 14)
    answer = consumption(filled(without(life, start, start + 6 * HOUR), PARIS), between(start, start + DAY), Granularity.HOUR, PARIS)
    assert not answer.known[:6].any()
    assert answer.known[6:].all()


def test_the_time_after_the_last_reading_is_not_estimated() -> None:
    life = hourly(second(2024, 1, 1), 24 * 40)
    assert int(filled(life, PARIS).end[-1]) == int(life.end[-1])


def test_estimates_add_up_to_the_index_difference_over_the_hole() -> None:
    life = hourly(second(2024, 1, 1), 24 * 60)
    index = np.concatenate(([0], np.cumsum(life.value)))
    times = np.append(life.start, life.end[-1])
    hole = slice(24 * 33 + 5, 24 * 35)
    registers = register_readings(np.delete(times, hole), np.delete(index, hole))
    use = channel_use(registers, NO_INTERVAL_READINGS, FACTS, PARIS).pieces
    guessed = use.where(use.method == Method.PROFILE)
    assert guessed.total == int(index[24 * 35] - index[24 * 33 + 4])
    assert use.total == life.total
    assert len(guessed) == 24 * 35 - (24 * 33 + 4)


def test_a_long_hole_with_a_total_and_no_basis_stays_coarse_and_keeps_its_total() -> None:
    start = second(2024, 1, 10)
    use = channel_use(
        register_readings([start, start + HOUR, start + 30 * HOUR, start + 31 * HOUR], [0, 5, 100, 103]), NO_INTERVAL_READINGS, FACTS, PARIS
    )
    hours = consumption(use.pieces, between(start, start + 31 * HOUR), Granularity.HOUR, PARIS)
    month = consumption(use.pieces, between(start, start + 31 * HOUR), Granularity.MONTH, PARIS)
    assert hours.known.tolist() == [True, *[False] * 29, True]
    assert month.total == 103


def test_missing_half_hours_get_what_the_daily_index_leaves() -> None:
    start = second(2024, 2, 1)
    half_hours = start + np.arange(48 * 40) * 1_800
    value = np.tile(np.arange(48) * 1_000, 40)
    days = start + np.arange(41) * DAY
    index = np.arange(41) * int(np.arange(48).sum() * 1_000)
    gone = slice(48 * 20 + 10, 48 * 20 + 20)
    intervals = interval_readings(np.delete(half_hours, gone), 1_800, np.delete(value, gone) + 0)
    use = channel_use(register_readings(days, index), intervals, FACTS, PARIS)
    answer = consumption(use.pieces, between(start + 20 * DAY, start + 21 * DAY), Granularity.THIRTY_MINUTES, PARIS)
    assert answer.value.tolist() == value[:48].tolist()
    assert answer.quality.tolist() == [2] * 10 + [3] * 10 + [2] * 28
    assert use.events == ()


def test_missing_half_hours_of_an_unusual_day_are_scaled_to_the_index() -> None:
    start = second(2024, 2, 1)
    half_hours = start + np.arange(48 * 40) * 1_800
    index = np.arange(41) * 48_000
    index[21:] += 30_000
    gone = slice(48 * 20 + 10, 48 * 20 + 20)
    intervals = interval_readings(np.delete(half_hours, gone), 1_800, np.full(48 * 40 - 10, 1_000))
    use = channel_use(register_readings(start + np.arange(41) * DAY, index), intervals, FACTS, PARIS)
    answer = consumption(use.pieces, between(start + 20 * DAY, start + 21 * DAY), Granularity.THIRTY_MINUTES, PARIS)
    assert answer.value.tolist() == [1_000] * 10 + [4_000] * 10 + [1_000] * 28


def test_an_index_fills_days_without_any_interval() -> None:
    start = second(2024, 2, 1)
    intervals = interval_readings(start + np.arange(48) * 1_800, 1_800, [100] * 48)
    registers = register_readings([start, start + DAY, start + 2 * DAY], [0, 4_800, 9_900])
    use = channel_use(registers, intervals, FACTS, PARIS)
    answer = consumption(use.pieces, between(start, start + 2 * DAY), Granularity.DAY, PARIS)
    assert answer.value.tolist() == [4_800, 5_100]


def test_hourly_indexes_are_not_given_up_for_daily_intervals() -> None:
    start = second(2024, 2, 1)
    intervals = interval_readings([start, start + DAY], DAY, [240, 300])
    registers = register_readings(start + np.arange(25) * HOUR, np.arange(25) * 10)
    use = channel_use(registers, intervals, FACTS, PARIS)
    assert use.pieces.value.tolist() == [*[10] * 24, 300]
    assert use.events == ()


def test_intervals_are_not_checked_against_what_a_reset_left_of_an_index() -> None:
    start = second(2024, 2, 1)
    intervals = interval_readings(start + np.arange(72) * HOUR, HOUR, [100] * 72)
    registers = register_readings([start, start + DAY, start + 2 * DAY, start + 3 * DAY], [90_000, 92_400, 500, 2_900])
    use = channel_use(registers, intervals, ChannelFacts(maximum_per_hour=1_000), PARIS)
    assert [one.kind for one in use.events] == [EventKind.RESET]
    assert use.pieces.total == 7_200


def test_a_hole_is_filled_in_the_same_way_whatever_the_question_if_the_margin_is_read() -> None:
    life = hourly(second(2024, 1, 1), 24 * 120)
    start, end = second(2024, 2, 29, 10), second(2024, 3, 1, 5)
    holed = without(life, start, end)
    read = holed.where((holed.start >= start - MARGIN_S) & (holed.end <= end + MARGIN_S))
    guessed = [one.where(one.method == Method.PROFILE).value.tolist() for one in (filled(holed, PARIS), filled(read, PARIS))]
    assert guessed[0] == guessed[1]
    assert len(guessed[0]) == 19


def test_intervals_that_disagree_with_the_index_are_told() -> None:
    start = second(2024, 2, 1)
    intervals = interval_readings(start + np.arange(24) * HOUR, HOUR, [100] * 24)
    use = channel_use(register_readings([start, start + DAY], [0, 2_500]), intervals, FACTS, PARIS)
    assert [one.kind for one in use.events] == [EventKind.SUM_CHECK]
    assert use.pieces.total == 2_400


def test_intervals_within_two_steps_of_the_index_agree() -> None:
    start = second(2024, 2, 1)
    intervals = interval_readings(start + np.arange(24) * HOUR, HOUR, [100] * 24)
    facts = ChannelFacts(devices=(Device(serial="a", unit=1_000),))
    use = channel_use(register_readings([start, start + DAY], [0, 4_000]), intervals, facts, PARIS)
    assert use.events == ()


def test_a_reset_is_estimated_at_no_less_than_the_volume_since() -> None:
    start, hours = second(2024, 1, 1), 24 * 50
    index = np.cumsum(np.full(hours, 1_000))
    index[24 * 40 :] -= int(index[24 * 40])
    registers = register_readings(
        np.delete(start + np.arange(hours) * HOUR, slice(24 * 40 - 10, 24 * 40)), np.delete(index, slice(24 * 40 - 10, 24 * 40))
    )
    use = channel_use(registers, NO_INTERVAL_READINGS, ChannelFacts(maximum_per_hour=5_000), PARIS)
    assert [one.kind for one in use.events] == [EventKind.RESET]
    guessed = use.pieces.where(use.pieces.method == Method.PROFILE)
    assert guessed.total == 11_000


def test_where_more_came_since_a_reset_than_usual_all_of_it_counts() -> None:
    start, hours = second(2024, 1, 1), 24 * 50
    index = np.cumsum(np.full(hours, 1_000)) + 10**6
    index[24 * 40 :] -= int(index[24 * 40]) - 20_000
    gone = slice(24 * 40 - 10, 24 * 40)
    registers = register_readings(np.delete(start + np.arange(hours) * HOUR, gone), np.delete(index, gone))
    use = channel_use(registers, NO_INTERVAL_READINGS, ChannelFacts(maximum_per_hour=5_000), PARIS)
    assert [one.kind for one in use.events] == [EventKind.RESET]
    assert use.pieces.where(use.pieces.method == Method.PROFILE).total == 20_000


def test_of_overlapping_intervals_the_better_then_the_finer_is_used() -> None:
    known, events = interval_pieces(interval_readings([0, 1_800, 3_600, 7_200], [3_600, 1_800, 3_600, 3_600], [10, 6, 7, 8], [2, 2, 2, 4]))
    assert known.start.tolist() == [1_800, 3_600]
    assert [one.kind for one in events] == [EventKind.OVERLAP, EventKind.SUSPECT]
    known, _ = interval_pieces(interval_readings([0, 1_800], [3_600, 1_800], [10, 6], [2, 3]))
    assert known.value.tolist() == [10]


def test_an_interval_that_lasts_no_time_is_refused() -> None:
    with pytest.raises(UnorderedColumns):
        interval_readings([0], 0, [1])


def test_pieces_that_overlap_are_refused() -> None:
    with pytest.raises(UnorderedColumns):
        pieces([0, 5], [6, 9], [1, 1])


def test_a_clipped_piece_keeps_its_share_and_says_that_it_is_one() -> None:
    part = clipped(pieces([0], [10_000], [1_000]), 2_500, 5_000)
    assert (part.start.tolist(), part.end.tolist(), part.value.tolist()) == ([2_500], [5_000], [250])
    assert part.quality.tolist() == [Quality.ESTIMATED]


def test_large_meters_over_long_times_do_not_overflow() -> None:
    decade, megawatts = 315_360_000, 3 * 10**17
    answer = counted(pieces([0], [decade], [megawatts]), slots_of(between(0, decade), Granularity.YEAR, ZoneInfo("UTC")))
    assert answer.total == megawatts or not answer.known.any()
    halves = counted(pieces([0], [decade], [megawatts]), slots_of(between(0, decade), Granularity.YEAR, ZoneInfo("UTC")), by_profile=True)
    assert halves.total == megawatts
    assert halves.value.min() > 0


def test_a_whole_is_apportioned_exactly() -> None:
    assert apportioned(10, np.array([1.0, 1.0, 1.0])).sum() == 10
    assert apportioned(7, np.array([0.0, 0.0])).sum() == 7
    assert apportioned(2**60 + 1, np.array([1.0, 1.0, 1.0])).sum() == 2**60 + 1
    assert apportioned(0, np.array([3.0, 4.0])).tolist() == [0, 0]


def test_working_days_saturdays_and_sundays_are_three_types() -> None:
    assert [weekday_type(date(2024, 1, day)) for day in range(1, 8)] == [0, 0, 0, 0, 0, 1, 2]


def test_no_readings_at_all_are_no_use() -> None:
    use = channel_use(NO_REGISTER_READINGS, NO_INTERVAL_READINGS, FACTS, PARIS)
    assert len(use.pieces) == 0
    assert use.events == ()
