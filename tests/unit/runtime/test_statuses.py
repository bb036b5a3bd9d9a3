"""Failures as statuses and back."""

import grpc
import pytest

from runtime.statuses import CODES, failure_details, internal_status, status_of
from vocabulary.failure import Failure, FieldViolation, InvalidRequest, Kind


def over_the_wire(status: grpc.Status) -> grpc.aio.AioRpcError:
    trailing = grpc.aio.Metadata(*status.trailing_metadata)
    return grpc.aio.AioRpcError(status.code, grpc.aio.Metadata(), trailing, status.details)


def failure_of(kind: Kind, **metadata: str) -> Failure:
    return type("Some", (Failure,), {"reason": "SOME_REASON", "kind": kind})("it is so", violations=(), **metadata)


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_its_status_and_comes_back_whole(kind: Kind) -> None:
    status = status_of(failure_of(kind, meter="m"), area="metering", request_id="r")
    details = failure_details(over_the_wire(status))
    assert details.code is CODES[kind]
    assert (details.message, details.reason, details.domain) == ("it is so", "SOME_REASON", "metering.multiflux")
    assert (details.metadata, details.request_id) == ({"meter": "m"}, "r")


def test_no_two_kinds_share_a_status() -> None:
    assert len(set(CODES.values())) == len(CODES) == len(Kind)


@pytest.mark.parametrize(("kind", "delay"), [(Kind.BUSY, 1.0), (Kind.EXHAUSTED, 1.0), (Kind.CONFLICT, None)])
def test_what_can_be_tried_again_says_when(kind: Kind, delay: float | None) -> None:
    assert failure_details(over_the_wire(status_of(failure_of(kind), area="a", request_id="r"))).retry_delay_s == delay


def test_a_failure_may_say_when_itself() -> None:
    status = status_of(failure_of(Kind.BUSY, retry_delay_s="2.5"), area="a", request_id="r")
    assert failure_details(over_the_wire(status)).retry_delay_s == 2.5


def test_every_violation_is_told() -> None:
    violations = tuple(FieldViolation(field=name, description="is wrong") for name in ("a", "b.c"))
    details = failure_details(over_the_wire(status_of(InvalidRequest(*violations), area="a", request_id="r")))
    assert details.violations == violations


def test_a_bug_tells_its_request_id_only() -> None:
    details = failure_details(over_the_wire(internal_status(request_id="r")))
    assert (details.code, details.message, details.reason, details.metadata) == (grpc.StatusCode.INTERNAL, "internal error", "", {})
    assert details.request_id == "r"


def test_a_peer_that_gave_no_details_gave_none() -> None:
    error = grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "away")
    details = failure_details(error)
    assert (details.code, details.message, details.reason, details.retry_delay_s) == (grpc.StatusCode.UNAVAILABLE, "away", "", None)


def test_details_that_are_garbage_are_none() -> None:
    trailing = grpc.aio.Metadata(("grpc-status-details-bin", b"\xff\xff"))
    assert failure_details(grpc.aio.AioRpcError(grpc.StatusCode.UNKNOWN, grpc.aio.Metadata(), trailing, "")).reason == ""
