"""The contract's shared words to and from the vocabulary."""

from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from multiflux.options.v1 import permission_pb2
from multiflux.type.v1 import flux_pb2, granularity_pb2, interval_pb2, place_level_pb2, quality_pb2, quantity_pb2
from vocabulary.civil import Granularity
from vocabulary.failure import InvalidRequest
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.interval import EmptyInterval, Interval, NaiveTime, Validity
from vocabulary.place import PlaceLevel
from vocabulary.quality import Quality
from vocabulary.role import Role
from wire import instants, intervals, words

ENUMERATIONS = [
    ("flux", Flux, flux_pb2.Flux),
    ("quantity", Quantity, quantity_pb2.Quantity),
    ("direction", Direction, quantity_pb2.Direction),
    ("granularity", Granularity, granularity_pb2.Granularity),
    ("quality", Quality, quality_pb2.Quality),
    ("place_level", PlaceLevel, place_level_pb2.PlaceLevel),
    ("role", Role, permission_pb2.Role),
]
each_enumeration = pytest.mark.parametrize(("name", "vocabulary", "contract"), ENUMERATIONS, ids=[name for name, _, _ in ENUMERATIONS])


@each_enumeration
def test_vocabulary_and_contract_have_the_same_words_with_the_same_numbers(name: str, vocabulary: type[Enum], contract: Any) -> None:
    assert {f"{name.upper()}_{word.name}": word.value for word in vocabulary} == {key: n for key, n in contract.items() if n != 0}


@each_enumeration
def test_every_word_comes_back(name: str, vocabulary: type[Enum], contract: Any) -> None:
    assert contract
    for word in vocabulary:
        assert getattr(words, f"{name}_from_proto")(getattr(words, f"{name}_to_proto")(word), "field") is word


@each_enumeration
@pytest.mark.parametrize("number", [0, -1, 99])
def test_unspecified_and_unknown_numbers_are_invalid(name: str, vocabulary: type[Enum], contract: Any, number: int) -> None:
    assert vocabulary
    assert contract
    with pytest.raises(InvalidRequest) as caught:
        getattr(words, f"{name}_from_proto")(number, "point.flux")
    assert [violation.field for violation in caught.value.violations] == ["point.flux"]


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001 - the zone is given beside
def test_every_instant_comes_back(at: datetime) -> None:
    message = interval_pb2.Interval(start_time=instants.instant_to_proto(at))
    assert instants.instant(message, "start_time") == at


def test_other_zones_become_utc() -> None:
    paris = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    message = interval_pb2.Interval(start_time=instants.instant_to_proto(paris))
    assert instants.instant(message, "start_time") == datetime(2026, 1, 1, tzinfo=UTC)


def test_an_unset_instant_is_missing_and_not_1970() -> None:
    with pytest.raises(instants.MissingField) as caught:
        instants.instant(interval_pb2.Interval(), "start_time", within="interval")
    assert caught.value.metadata == {"field": "interval.start_time"}
    assert instants.optional_instant(interval_pb2.Interval(), "start_time") is None


def test_1970_is_an_instant() -> None:
    assert instants.instant(interval_pb2.Interval(start_time=Timestamp()), "start_time") == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("seconds", [-(2**62), 2**62, 253_402_300_800, -62_135_596_801])
def test_an_instant_outside_the_calendar_is_invalid(seconds: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        instants.instant(interval_pb2.Interval(start_time=Timestamp(seconds=seconds)), "start_time")
    assert caught.value.violations[0].field == "start_time"


def test_a_naive_time_is_not_sent() -> None:
    with pytest.raises(NaiveTime):
        instants.instant_to_proto(datetime(2026, 1, 1))  # noqa: DTZ001 - refused


class Request:
    """A request with an interval, as generated messages behave."""

    def __init__(self, interval: interval_pb2.Interval | None) -> None:
        self.interval = interval or interval_pb2.Interval()
        self._set = interval is not None

    def HasField(self, _name: str) -> bool:  # noqa: N802 - protobuf's name
        return self._set


def test_an_interval_comes_back() -> None:
    interval = Interval(start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 1, 2, tzinfo=UTC))
    request: Any = Request(intervals.interval_to_proto(interval))
    assert intervals.interval_from_proto(request) == interval


@pytest.mark.parametrize(
    ("sent", "missing"),
    [
        (None, "interval"),
        (interval_pb2.Interval(end_time=Timestamp(seconds=1)), "interval.start_time"),
        (interval_pb2.Interval(start_time=Timestamp(seconds=1)), "interval.end_time"),
    ],
)
def test_an_interval_has_both_bounds(sent: interval_pb2.Interval | None, missing: str) -> None:
    request: Any = Request(sent)
    with pytest.raises(instants.MissingField) as caught:
        intervals.interval_from_proto(request)
    assert [violation.field for violation in caught.value.violations] == [missing]


def test_an_empty_interval_is_refused() -> None:
    request: Any = Request(interval_pb2.Interval(start_time=Timestamp(seconds=1), end_time=Timestamp(seconds=1)))
    with pytest.raises(EmptyInterval):
        intervals.interval_from_proto(request)


@pytest.mark.parametrize("start", [None, datetime(2026, 1, 1, tzinfo=UTC)])
@pytest.mark.parametrize("end", [None, datetime(2027, 1, 1, tzinfo=UTC)])
def test_a_validity_comes_back_with_its_open_ends(start: datetime | None, end: datetime | None) -> None:
    class Dated:
        validity = intervals.validity_to_proto(Validity(start=start, end=end))

    message: Any = Dated()
    assert intervals.validity_from_proto(message) == Validity(start=start, end=end)
