"""Every trap of a register: rollover, exchange, reset, jitter, reverse flow, spike, estimates that were wrong."""

from datetime import UTC, datetime

import pytest

from metering.domain.consumption.columns import UnorderedColumns
from metering.domain.consumption.events import EventKind
from metering.domain.consumption.pieces import Method
from metering.domain.consumption.readings import ChannelFacts, ContradictoryDevices, Device, register_readings
from metering.domain.consumption.registers import RegisterSeries, register_series
from metering.domain.consumption.walk import Why
from vocabulary.interval import Validity
from vocabulary.quality import Quality

HOUR, DAY = 3_600, 86_400
CORRECTED, MEASURED, ESTIMATED, SUSPECT = Quality.CORRECTED, Quality.MEASURED, Quality.ESTIMATED, Quality.SUSPECT


def series(
    values: list[int],
    *,
    step: int = HOUR,
    quality: list[Quality] | None = None,
    devices: tuple[Device, ...] = (),
    maximum: int | None = 5_000,
) -> RegisterSeries:
    readings = register_readings([at * step for at in range(len(values))], values, quality)
    return register_series(readings, ChannelFacts(devices=devices, maximum_per_hour=maximum))


def device(*, digits: int | None = None, unit: int = 1, pulse: int | None = None) -> tuple[Device, ...]:
    return (Device(serial="a", digits=digits, unit=unit, pulse=pulse),)


def kinds(found: RegisterSeries) -> list[EventKind]:
    return [one.kind for one in found.events]


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def test_a_rising_register_gives_its_differences() -> None:
    found = series([10, 14, 14, 20])
    assert found.pieces().value.tolist() == [4, 0, 6]
    assert found.events == ()
    assert found.suspect == 0


def test_no_reading_and_one_reading_give_nothing() -> None:
    assert len(series([]).pieces()) == 0
    assert len(series([7]).pieces()) == 0


def test_a_register_that_passes_its_last_digit_goes_on() -> None:
    found = series([99_990, 99_995, 3, 9], devices=device(digits=5))
    assert found.pieces().value.tolist() == [5, 8, 6]
    assert kinds(found) == [EventKind.ROLLOVER]
    assert found.why.tolist() == [Why.FORWARD, Why.ROLLOVER, Why.FORWARD]


def test_digits_count_in_the_registers_unit() -> None:
    kwh = 3_600_000
    found = series([99_999 * kwh, 2 * kwh, 3 * kwh], devices=device(digits=5, unit=kwh), maximum=36_000 * 3_600)
    assert found.pieces().value.tolist() == [3 * kwh, kwh]


def test_a_fall_is_no_rollover_when_the_volume_would_be_impossible() -> None:
    found = series([60_000, 60_100, 10, 110, 210, 310], devices=device(digits=5))
    assert kinds(found) == [EventKind.RESET]


def test_a_fall_is_no_rollover_when_the_digits_are_unknown() -> None:
    found = series([99_990, 99_995, 3, 9, 12, 15])
    assert kinds(found) == [EventKind.RESET]


def test_without_a_known_maximum_three_times_the_busiest_day_is_plausible() -> None:
    found = series([99_700, 99_800, 99_950, 100, 200], step=DAY, devices=device(digits=5), maximum=None)
    assert kinds(found) == [EventKind.ROLLOVER]
    found = series([99_000, 99_010, 99_020, 10, 20], step=DAY, devices=device(digits=5), maximum=None)
    assert kinds(found) == [EventKind.RESET]


def test_an_exchange_closes_the_old_index_and_opens_the_new() -> None:
    devices = (
        Device(serial="old", validity=Validity(end=at(150 * HOUR)), last_index=1_040),
        Device(serial="new", validity=Validity(start=at(150 * HOUR)), first_index=5),
    )
    readings = register_readings([100 * HOUR, 149 * HOUR, 151 * HOUR, 152 * HOUR], [1_000, 1_030, 9, 12])
    found = register_series(readings, ChannelFacts(devices=devices, maximum_per_hour=5_000))
    assert found.pieces().value.tolist() == [30, 10, 4, 3]
    assert (found.end > found.start).all()
    assert found.pieces().end.tolist() == [149 * HOUR, 150 * HOUR, 151 * HOUR, 152 * HOUR]
    assert kinds(found) == [EventKind.EXCHANGE]
    assert found.events[0].metadata["closed_index"] == "1040"
    assert found.events[0].metadata["index"] == "5"


def test_an_exchange_without_noted_indexes_leaves_an_unknown_stretch() -> None:
    devices = (Device(serial="old", validity=Validity(end=at(150))), Device(serial="new", validity=Validity(start=at(150))))
    found = register_series(register_readings([0, 100, 200, 300], [900, 950, 3, 7]), ChannelFacts(devices=devices))
    assert found.known.tolist() == [True, False, True]
    assert found.pieces().value.tolist() == [50, 4]


def test_a_new_device_that_starts_higher_than_the_old_is_an_exchange_too() -> None:
    devices = (Device(serial="old", validity=Validity(end=at(150))), Device(serial="new", validity=Validity(start=at(150))))
    found = register_series(register_readings([0, 100, 200, 300], [900, 950, 8_000, 8_001]), ChannelFacts(devices=devices))
    assert found.pieces().total == 51


def test_what_hung_before_the_first_known_device_is_another_device() -> None:
    devices = (Device(serial="new", validity=Validity(start=at(150))),)
    found = register_series(register_readings([0, 100, 200, 300], [900, 950, 3, 7]), ChannelFacts(devices=devices))
    assert kinds(found) == [EventKind.EXCHANGE]
    assert found.pieces().total == 54


def test_devices_that_overlap_are_refused() -> None:
    with pytest.raises(ContradictoryDevices) as refusal:
        ChannelFacts(devices=(Device(serial="a", validity=Validity(end=at(10))), Device(serial="b", validity=Validity(start=at(9)))))
    assert refusal.value.metadata == {"before": "a", "after": "b"}


def test_a_reset_counts_only_what_came_since() -> None:
    found = series([10_000, 12_000, 0, 30, 500, 900])
    assert kinds(found) == [EventKind.RESET]
    assert found.pieces().value.tolist() == [2_000, 0, 30, 470, 400]


def test_the_volume_since_a_reset_is_marked_as_the_least() -> None:
    found = series([10_000, 12_000, 20, 30, 500, 900]).pieces()
    assert found.value.tolist()[1] == 20
    assert found.quality.tolist()[1] == Quality.ESTIMATED
    assert found.method.tolist()[1] == Method.SINCE_RESET


def test_zeros_written_for_missing_are_no_reset_however_long() -> None:
    found = series([1_000, *[0] * 40, 1_003, 1_004], step=DAY)
    assert found.pieces().value.tolist() == [3, 1]
    assert set(kinds(found)) == {EventKind.BACKWARDS}
    assert found.suspect == 40


def test_a_zero_near_the_top_is_no_rollover() -> None:
    found = series([99_990, 99_995, 0, 99_997, 99_999], devices=device(digits=5))
    assert found.pieces().value.tolist() == [5, 2, 2]
    assert kinds(found) == [EventKind.BACKWARDS]


def test_a_fall_of_one_pulse_is_jitter_and_counts_nothing() -> None:
    found = series([100, 110, 100, 110, 130], devices=device(pulse=10))
    assert found.pieces().value.tolist() == [10, 0, 0, 20]
    assert kinds(found) == [EventKind.JITTER]
    assert found.suspect == 0


def test_reverse_flow_of_a_young_meter_is_no_reset() -> None:
    found = series([50, 80, 95, 60, 70, 80, 90, 95, 105], devices=device(pulse=10))
    assert set(kinds(found)) <= {EventKind.BACKWARDS, EventKind.JITTER}
    assert found.pieces().total == 55


def test_reverse_flow_is_suspect_and_the_net_counts_once() -> None:
    found = series([100, 110, 105, 107, 112])
    assert found.pieces().value.tolist() == [10, 2]
    assert kinds(found) == [EventKind.BACKWARDS, EventKind.BACKWARDS]
    assert found.suspect == 2


def test_a_lower_level_that_stays_is_believed_but_its_step_is_not_used() -> None:
    found = series([9_000, 9_100, 9_200, 9_300, 5_000, 5_100, 5_200, 5_300, 5_400], step=DAY)
    assert kinds(found) == [EventKind.LOWERED]
    assert found.pieces().value.tolist() == [100, 100, 100, 100, 100, 100, 100]
    assert found.known.tolist().count(False) == 1


def test_a_reading_that_was_too_high_is_found_out_by_those_that_follow() -> None:
    found = series([5_000, 5_500, 5_010, 5_020, 5_030, 5_040], step=DAY)
    assert found.pieces().value.tolist() == [10, 10, 10, 10]
    assert kinds(found) == [EventKind.SPIKE]


def test_a_spike_is_suspect_and_the_reading_after_it_is_not() -> None:
    found = series([1, 5, 999_999, 9, 12])
    assert found.pieces().value.tolist() == [4, 4, 3]
    assert [(one.kind, one.metadata["index"]) for one in found.events] == [(EventKind.SPIKE, "999999")]
    assert found.suspect == 1


def test_two_spikes_in_a_row_are_two() -> None:
    found = series([1, 5, 999_999, 999_999, 9, 12])
    assert found.pieces().value.tolist() == [4, 4, 3]
    assert kinds(found) == [EventKind.SPIKE, EventKind.SPIKE]


def test_two_spikes_are_found_out_by_the_first_reading_after_them() -> None:
    found = series([1, 5, 999_999, 1_000_000, 9])
    assert found.pieces().value.tolist() == [4, 4]
    assert kinds(found) == [EventKind.SPIKE, EventKind.SPIKE]


def test_a_spike_that_nothing_follows_yet_is_not_used_but_seen() -> None:
    found = series([1, 5, 999_999])
    assert found.pieces().total == 4
    assert kinds(found) == [EventKind.SPIKE]


def test_a_leap_that_stays_is_not_used_but_seen_and_life_goes_on() -> None:
    found = series([1, 5, 999_999, 1_000_005, 1_000_009, 1_000_010])
    assert found.pieces().value.tolist() == [4, 6, 4, 1]
    assert kinds(found) == [EventKind.RAISED]


def test_a_leap_that_a_person_confirms_counts() -> None:
    found = series([1, 5, 90_000, 90_004], quality=[MEASURED, MEASURED, CORRECTED, MEASURED])
    assert found.pieces().value.tolist() == [4, 89_995, 4]
    assert found.events == ()


def test_a_leap_that_lasts_and_goes_back_is_taken_back_whole() -> None:
    found = series([100, 110, *range(50_000, 50_060), 180, 190, 200])
    assert found.pieces().total == 100
    assert set(kinds(found)) == {EventKind.SPIKE}
    assert found.suspect == 60


def test_two_meters_in_one_stream_do_not_add_up() -> None:
    found = series([207_774, 456_017, 207_814, 456_273, 207_851, 456_353, 207_886, 207_907, 207_925])
    assert found.pieces().total == 207_925 - 207_774
    assert kinds(found) == [EventKind.SPIKE] * 3


def test_an_over_estimated_index_is_cancelled_and_no_rollover() -> None:
    found = series(
        [9_990, 9_999, 9_995, 9_998], quality=[MEASURED, ESTIMATED, MEASURED, MEASURED], devices=device(digits=4), maximum=50_000
    )
    assert found.pieces().value.tolist() == [5, 3]
    assert kinds(found) == [EventKind.ESTIMATE_CANCELLED]


def test_a_year_of_over_estimates_is_cancelled_as_far_as_a_measured_index_contradicts_it() -> None:
    found = series([100, *range(200, 1_400, 100), 700, 710], step=30 * DAY, quality=[MEASURED, *[ESTIMATED] * 12, MEASURED, MEASURED])
    assert found.pieces().total == 610
    assert kinds(found) == [EventKind.ESTIMATE_CANCELLED] * 6


def test_an_under_estimated_index_makes_no_spike_of_the_next() -> None:
    found = series([0, 10, 13_000, 13_010], quality=[MEASURED, ESTIMATED, MEASURED, MEASURED], maximum=7_000)
    assert found.pieces().value.tolist() == [13_000, 10]


def test_an_estimate_below_a_measured_index_is_not_used() -> None:
    found = series([100, 200, 150, 300], quality=[MEASURED, MEASURED, ESTIMATED, MEASURED])
    assert found.pieces().value.tolist() == [100, 100]
    assert kinds(found) == [EventKind.ESTIMATE_CANCELLED]


def test_a_corrected_index_is_never_left_out() -> None:
    found = series([500, 600, 300, 310, 320, 330], quality=[MEASURED, MEASURED, CORRECTED, MEASURED, MEASURED, MEASURED])
    assert 2 * HOUR in found.end.tolist()


def test_suspect_readings_are_counted_and_not_used() -> None:
    found = series([10, 14, 500, 20], quality=[MEASURED, MEASURED, SUSPECT, MEASURED])
    assert found.pieces().value.tolist() == [4, 6]
    assert kinds(found) == [EventKind.SUSPECT]
    assert found.suspect == 1


def test_a_segment_is_as_good_as_the_worse_of_its_ends() -> None:
    found = series([10, 14, 20, 25], quality=[CORRECTED, MEASURED, ESTIMATED, CORRECTED])
    assert found.quality.tolist() == [MEASURED, ESTIMATED, ESTIMATED]


def test_times_that_do_not_increase_are_refused() -> None:
    with pytest.raises(UnorderedColumns):
        register_readings([0, 5, 5], [1, 2, 3])


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(UnorderedColumns):
        register_readings([0, 5], [1, 2, 3])
