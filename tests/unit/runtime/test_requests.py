"""The pure parts of requests: pages, masks, etags, limits."""

from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from multiflux.access.v1 import access_service_pb2
from multiflux.type.v1.interval_pb2 import Interval, Validity
from runtime.limits import RateLimited, RateLimits
from runtime.masks import EtagStale, check_etag, etag, masked_paths, merged
from runtime.pages import PageTokenInvalid, PageTokenMismatch, page
from vocabulary.failure import InvalidRequest

ListPeople = access_service_pb2.ListPeopleRequest
ListAudit = access_service_pb2.ListAuditEntriesRequest


@pytest.mark.parametrize(("asked", "size"), [(0, 10), (1, 1), (50, 50), (51, 50), (2**31 - 1, 50)])
def test_page_sizes_have_a_default_and_a_maximum(asked: int, size: int) -> None:
    assert page(ListPeople(page_size=asked), default_size=10, max_size=50).size == size


def test_a_negative_page_size_is_invalid() -> None:
    with pytest.raises(InvalidRequest) as caught:
        page(ListPeople(page_size=-1))
    assert caught.value.violations[0].field == "page_size"


def test_pages_go_through_a_list_once() -> None:
    items = [f"item {n}" for n in range(7)]
    seen: list[str] = []
    token = ""
    for _ in range(4):
        asked = page(ListPeople(page_size=2, page_token=token))
        rows = [item for item in items if (item,) > asked.after][: asked.size + 1]
        shown, token = asked.cut(rows, lambda item: (item,))
        seen += shown
    assert (seen, token) == (items, "")


def test_a_full_last_page_has_no_next_one() -> None:
    assert page(ListPeople(page_size=2)).cut(["a", "b"], lambda item: (item,)) == (["a", "b"], "")


def test_a_token_goes_on_with_another_page_size_but_not_with_other_arguments() -> None:
    _, token = page(ListAudit(page_size=1)).cut(["a", "b"], lambda item: (item,))
    assert page(ListAudit(page_size=5, page_token=token)).after == ("a",)
    with pytest.raises(PageTokenMismatch):
        page(ListAudit(page_size=1, page_token=token, interval=Interval(start_time=Timestamp(seconds=1))))


@pytest.mark.parametrize("token", ["garbage", "é", "A", "AAAA", urlsafe_b64encode(b"\x12\x01a").decode(), "====", "Cg"])
def test_garbage_is_no_page_token(token: str) -> None:
    with pytest.raises(PageTokenInvalid):
        page(ListPeople(page_token=token))


def test_an_empty_mask_names_everything() -> None:
    assert masked_paths(FieldMask(), {"a", "b"}) == {"a", "b"}


def test_a_mask_names_what_it_says() -> None:
    assert masked_paths(FieldMask(paths=["a"]), {"a", "b"}) == {"a"}


def test_every_unknown_path_is_named() -> None:
    with pytest.raises(InvalidRequest) as caught:
        masked_paths(FieldMask(paths=["a", "name", "*"]), {"a", "b"})
    assert [(v.field, v.description) for v in caught.value.violations] == [
        ("update_mask", "'name' cannot be updated"),
        ("update_mask", "'*' cannot be updated"),
    ]


def test_masked_fields_are_replaced_and_the_others_stay() -> None:
    stored = Validity(start_time=Timestamp(seconds=1), end_time=Timestamp(seconds=2))
    sent = Validity(start_time=Timestamp(nanos=7))
    assert merged(stored, sent, {"start_time"}) == Validity(start_time=Timestamp(nanos=7), end_time=Timestamp(seconds=2))
    assert merged(stored, sent, {"start_time", "end_time"}) == sent
    assert merged(stored, sent, {"end_time"}) == Validity(start_time=Timestamp(seconds=1))
    assert stored.end_time.seconds == 2


def test_an_etag_fits_its_version_only() -> None:
    check_etag(etag(3), 3)
    check_etag("", 3)
    for stale in (etag(2), etag(4), "garbage"):
        with pytest.raises(EtagStale):
            check_etag(stale, 3)


@pytest.fixture
def limits(clock: Any) -> RateLimits:
    return RateLimits(per_minute=60, burst=3, clock=clock)


def taken(limits: RateLimits, key: str, attempts: int) -> int:
    """Return how many of the attempts were let through."""
    passed = 0
    for _ in range(attempts):
        try:
            limits.take(key)
        except RateLimited:
            continue
        passed += 1
    return passed


def test_a_burst_is_let_through_and_then_the_rate(limits: RateLimits, clock: Any) -> None:
    assert taken(limits, "people/jo", 10) == 3
    clock.advance(timedelta(seconds=2))
    assert taken(limits, "people/jo", 10) == 2
    clock.advance(timedelta(hours=1))
    assert taken(limits, "people/jo", 10) == 3


def test_callers_do_not_limit_each_other(limits: RateLimits) -> None:
    assert taken(limits, "people/jo", 10) == taken(limits, "people/ann", 10) == 3


def test_services_are_not_limited(limits: RateLimits) -> None:
    assert taken(limits, "services/metering", 1_000) == 1_000


def test_the_delay_is_told(limits: RateLimits, clock: Any) -> None:
    taken(limits, "people/jo", 3)
    clock.advance(timedelta(milliseconds=250))
    with pytest.raises(RateLimited) as caught:
        limits.take("people/jo")
    assert caught.value.metadata == {"retry_delay_s": "0.750"}


def test_a_clock_that_is_set_back_takes_nothing_away(limits: RateLimits, clock: Any) -> None:
    limits.take("people/jo")
    clock.advance(timedelta(hours=-1))
    assert taken(limits, "people/jo", 10) == 2
