"""Hourly temperatures: what is refused, what counts as changed, and what is known after."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from metering.domain.consumption.columns import UnorderedColumns
from metering.domain.registry.failures import FieldFault, OutOfRange, SeveralFaults
from metering.domain.weather.hours import MISSING, HourlyTemperatures, changed, check_hours, replaced

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
NOON_S = int(NOON.timestamp())
HOUR = 3_600


def hours(*centidegrees: int, start: int = NOON_S - 48 * HOUR) -> HourlyTemperatures:
    return HourlyTemperatures(
        starts=start + np.arange(len(centidegrees), dtype=np.int64) * HOUR, centidegrees=np.array(centidegrees, np.int64)
    )


def as_pairs(of: HourlyTemperatures) -> dict[int, int]:
    return dict(zip(((of.starts - NOON_S) // HOUR + 48).tolist(), of.centidegrees.tolist(), strict=True))


def test_hours_must_increase() -> None:
    with pytest.raises(UnorderedColumns):
        HourlyTemperatures(starts=np.array([HOUR, HOUR]), centidegrees=np.array([1, 2]))


@pytest.mark.parametrize("centidegrees", [-9_000, 6_000, MISSING, 0])
def test_what_air_can_have_is_taken(centidegrees: int) -> None:
    check_hours(hours(centidegrees), None, NOON)


@pytest.mark.parametrize("centidegrees", [-9_001, 6_001, MISSING - 1, 2**31 - 1])
def test_what_no_air_has_is_refused_by_its_hour_and_value(centidegrees: int) -> None:
    with pytest.raises(OutOfRange) as refused:
        check_hours(hours(1_200, centidegrees), None, NOON)
    assert refused.value.field == "weather.temperature_centidegrees"
    assert refused.value.metadata["start"] == str(NOON_S - 47 * HOUR)
    assert refused.value.metadata["value"] == str(centidegrees)


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        (hours(), "weather.start_seconds"),
        (hours(*[1] * 10_001, start=NOON_S - 20_000 * HOUR), "weather.start_seconds"),
        (hours(1, start=NOON_S - 1_800), "weather.start_seconds"),
        (hours(1, start=NOON_S + 2 * HOUR), "weather.start_seconds"),
        (hours(1, start=-(2**62)), "weather.start_seconds"),
    ],
    ids=["none", "too many", "half hour", "future", "long ago"],
)
def test_hours_that_nobody_observed_are_refused(sent: HourlyTemperatures, field: str) -> None:
    with pytest.raises(FieldFault) as refused:
        check_hours(sent, None, NOON)
    assert refused.value.field == field


def test_a_forecast_reaches_ahead_of_its_issue_which_is_not_ahead_of_now() -> None:
    check_hours(hours(*range(96), start=NOON_S), NOON, NOON)
    with pytest.raises(OutOfRange) as refused:
        check_hours(hours(1, start=NOON_S), NOON + timedelta(hours=2), NOON)
    assert refused.value.field == "weather.issue_time"


def test_the_end_of_time_is_refused_and_no_crash() -> None:
    with pytest.raises(SeveralFaults):
        check_hours(hours(1, start=(2**63 - 1) // HOUR * HOUR), datetime.max.replace(tzinfo=UTC), NOON)


def test_only_hours_that_differ_from_the_known_are_changes() -> None:
    known, sent = hours(100, 200, 300), hours(100, 250, MISSING, MISSING, 500)
    changes = changed(known, sent)
    assert as_pairs(changes) == {1: 250, 2: MISSING, 4: 500}
    assert as_pairs(replaced(known, changes)) == {0: 100, 1: 250, 4: 500}


def test_the_same_again_changes_nothing() -> None:
    assert len(changed(hours(1, 2, 3), hours(1, 2, 3))) == 0
