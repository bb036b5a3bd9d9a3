"""What a caller meets at a real server: failures, permissions, limits, deadlines, ids, in every arity."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from joserfc.jwk import OKPKey

from runtime.call import Grant
from runtime.interceptor import REQUEST_ID
from runtime.statuses import failure_details
from vocabulary.failure import FieldViolation
from vocabulary.interval import Validity
from vocabulary.names import PlaceId
from vocabulary.role import Role

ADMINISTRATOR = Grant(role=Role.ADMINISTRATOR, place=None)
HOUSEHOLD = Grant(role=Role.HOUSEHOLD, place=PlaceId("home"))


async def one_to_one(town: Any, request: Any, metadata: Any) -> list[str]:
    return [(await town.stub.Look(request, metadata=metadata, timeout=10)).text]


async def one_to_many(town: Any, request: Any, metadata: Any) -> list[str]:
    town.servicer.release.set()
    call = town.stub.Watch(request, metadata=metadata, timeout=10)
    first = [(await call.read()).text]
    call.cancel()
    return first


async def many_to_one(town: Any, request: Any, metadata: Any) -> list[str]:
    return [(await town.stub.Collect(iter([request]), metadata=metadata, timeout=10)).text]


async def many_to_many(town: Any, request: Any, metadata: Any) -> list[str]:
    return [response.text async for response in town.stub.Converse(iter([request]), metadata=metadata, timeout=10)]


ARITIES = pytest.mark.parametrize("ask", [one_to_one, one_to_many, many_to_one, many_to_many])


async def refused(awaitable: Any) -> Any:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await awaitable
    return failure_details(caught.value)


@ARITIES
async def test_an_admitted_call_is_answered(town: Any, ask: Any) -> None:
    assert await ask(town, town.ask("hello", place="places/home"), town.token(ADMINISTRATOR)) == ["hello"]


async def test_the_first_request_is_looked_at_and_not_lost(town: Any) -> None:
    requests = [town.ask(text, place="places/home") for text in ("one", "two", "three")]
    collected = await town.stub.Collect(iter(requests), metadata=town.token(HOUSEHOLD), timeout=10)
    assert collected.text == "one two three"
    responses = town.stub.Converse(iter(requests), metadata=town.token(HOUSEHOLD), timeout=10)
    assert [response.text async for response in responses] == ["one", "two", "three"]


async def test_a_stream_without_a_request_names_no_resource(town: Any) -> None:
    details = await refused(town.stub.Collect(iter(()), metadata=town.token(HOUSEHOLD), timeout=10))
    assert [violation.field for violation in details.violations] == ["place"]


@ARITIES
async def test_a_failure_becomes_its_status_with_all_details(town: Any, ask: Any) -> None:
    metadata = (*town.token(ADMINISTRATOR), (REQUEST_ID, "action-7"))
    details = await refused(ask(town, town.ask("break", place="places/home"), metadata))
    assert details.code is grpc.StatusCode.FAILED_PRECONDITION
    assert (details.reason, details.domain, details.metadata) == ("BROKEN", "probe.multiflux", {"part": "wheel"})
    assert details.request_id == "action-7"


@ARITIES
async def test_a_wrong_field_is_named(town: Any, ask: Any) -> None:
    details = await refused(ask(town, town.ask("invalid", place="places/home"), town.token(ADMINISTRATOR)))
    assert details.code is grpc.StatusCode.INVALID_ARGUMENT
    assert details.violations == (FieldViolation(field="place", description="is too far"),)


@ARITIES
async def test_a_bug_is_told_to_the_log_alone(town: Any, ask: Any, caplog: pytest.LogCaptureFixture) -> None:
    details = await refused(ask(town, town.ask("divide", place="places/home"), town.token(ADMINISTRATOR)))
    assert (details.code, details.message, details.reason) == (grpc.StatusCode.INTERNAL, "internal error", "")
    record = next(record for record in caplog.records if record.message == "call failed")
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError
    assert vars(record)["request_id"] == details.request_id


@ARITIES
async def test_nobody_is_answered_without_a_token(town: Any, ask: Any) -> None:
    details = await refused(ask(town, town.ask("hello", place="places/home"), ()))
    assert (details.code, details.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_MISSING")
    assert [reason for _, reason, _ in town.refusals.kept] == ["TOKEN_MISSING"]


@ARITIES
async def test_a_token_of_another_key_is_refused(town: Any, ask: Any) -> None:
    forged = OKPKey.generate_key("Ed25519", {"kid": "first"})
    details = await refused(ask(town, town.ask("hello", place="places/home"), town.token(ADMINISTRATOR, key=forged)))
    assert (details.code, details.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")


@ARITIES
async def test_an_expired_token_is_refused(town: Any, ask: Any) -> None:
    metadata = town.token(ADMINISTRATOR)
    town.clock.advance(timedelta(seconds=300))
    details = await refused(ask(town, town.ask("hello", place="places/home"), metadata))
    assert (details.code, details.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_EXPIRED")


@pytest.mark.parametrize("ask", [one_to_one, many_to_one, many_to_many])
@pytest.mark.parametrize("place", ["places/elsewhere", "meters/unknown", "territories/village"])
async def test_a_grant_reaches_no_further_than_its_place(town: Any, ask: Any, place: str) -> None:
    details = await refused(ask(town, town.ask("hello", place=place), town.token(HOUSEHOLD)))
    assert (details.code, details.reason) == (grpc.StatusCode.PERMISSION_DENIED, "NOT_PERMITTED")
    [(call, reason, resource)] = town.refusals.kept
    assert (call.caller.subject, reason, resource) == ("people/jo", "NOT_PERMITTED", place)


@pytest.mark.parametrize("ask", [one_to_one, many_to_one, many_to_many])
async def test_a_grant_reaches_what_lies_in_its_place(town: Any, ask: Any) -> None:
    assert await ask(town, town.ask("hello", place="meters/home"), town.token(HOUSEHOLD))


@pytest.mark.parametrize("ask", [one_to_one, many_to_one, many_to_many])
async def test_a_request_that_names_no_resource_is_invalid(town: Any, ask: Any) -> None:
    details = await refused(ask(town, town.ask("hello"), town.token(HOUSEHOLD)))
    assert [violation.field for violation in details.violations] == ["place"]


async def test_a_method_without_permission_refuses_administrators_too(town: Any) -> None:
    details = await refused(town.stub.Undeclared(town.ask(), metadata=town.token(ADMINISTRATOR), timeout=10))
    assert (details.code, details.reason) == (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_UNDECLARED")


async def test_an_open_method_looks_at_no_token(town: Any) -> None:
    response = await town.stub.Open(town.ask("who"), metadata=(("authorization", "Bearer garbage"),), timeout=10)
    assert response.text == ""


async def test_a_method_that_does_not_exist_is_unimplemented(town: Any) -> None:
    details = await refused(town.channel.unary_unary("/multiflux.probe.v1.ProbeService/Missing")(b"", timeout=10))
    assert details.code is grpc.StatusCode.UNIMPLEMENTED


async def test_the_callers_request_id_is_kept_and_returned(town: Any) -> None:
    call = town.stub.Open(town.ask("request id"), metadata=((REQUEST_ID, "action-8"),), timeout=10)
    assert (await call).text == "action-8"
    assert (REQUEST_ID, "action-8") in tuple(await call.trailing_metadata())


async def test_a_request_id_is_made_where_none_or_a_strange_one_was_sent(town: Any) -> None:
    made = (await town.stub.Open(town.ask("request id"), timeout=10)).text
    replaced = (await town.stub.Open(town.ask("request id"), metadata=((REQUEST_ID, "a b"),), timeout=10)).text
    assert len({made, replaced, ""}) == 3
    assert len(made) == len(replaced) == 36


async def test_a_deadline_cancels_the_work(town: Any) -> None:
    details = await refused(town.stub.Open(town.ask("hang"), timeout=0.2))
    assert details.code is grpc.StatusCode.DEADLINE_EXCEEDED
    async with asyncio.timeout(10):
        await town.servicer.cancelled.wait()


async def test_who_calls_too_often_is_told_when_to_come_back(town: Any) -> None:
    metadata = town.token(ADMINISTRATOR)
    for _ in range(20):
        await town.stub.Administer(town.ask(), metadata=metadata, timeout=10)
    details = await refused(town.stub.Administer(town.ask(), metadata=metadata, timeout=10))
    assert (details.code, details.reason, details.retry_delay_s) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED", 1.0)
    town.clock.advance(timedelta(seconds=1))
    await town.stub.Administer(town.ask(), metadata=metadata, timeout=10)
    await town.stub.Administer(town.ask(), metadata=town.token(ADMINISTRATOR, subject="people/other"), timeout=10)


async def test_guessing_tokens_is_limited_by_address(town: Any) -> None:
    reasons = [
        (await refused(town.stub.Administer(town.ask(), metadata=(("authorization", f"Bearer {n}"),), timeout=10))).reason
        for n in range(21)
    ]
    assert reasons == ["TOKEN_INVALID"] * 20 + ["RATE_LIMITED"]


async def test_a_stream_ends_when_its_token_expires(town: Any) -> None:
    call = town.stub.Watch(town.ask("tick"), metadata=town.token(), timeout=10)
    assert (await call.read()).text == "tick"
    town.clock.advance(timedelta(minutes=5))
    town.servicer.release.set()
    details = await refused(call.read())
    assert (details.code, details.reason) == (grpc.StatusCode.UNAVAILABLE, "STREAM_EXPIRED")


async def yielding(count: int, first: Any, then: Any) -> AsyncIterator[Any]:
    yield first
    for _ in range(count):
        await asyncio.sleep(0)
        yield then


# A grpc.aio client that is still writing when the call ends takes INTERNAL for the status.
@pytest.mark.parametrize(("place", "reason"), [("places/home", "BROKEN"), ("places/elsewhere", "NOT_PERMITTED")])
async def test_a_refusal_reaches_a_caller_that_is_still_sending(town: Any, place: str, reason: str) -> None:
    reasons: list[str] = []
    for _ in range(10):
        requests = yielding(5, town.ask("break", place=place), town.ask("more", place=place))
        reasons.append((await refused(town.stub.Collect(requests, metadata=town.token(HOUSEHOLD), timeout=10))).reason)
        requests = yielding(5, town.ask("break", place=place), town.ask("more", place=place))
        reasons.append((await refused(town.stub.Converse(requests, metadata=town.token(HOUSEHOLD), timeout=10).read())).reason)
    assert reasons == [reason] * 20


async def test_a_caller_that_never_stops_sending_is_refused_all_the_same(town: Any) -> None:
    requests = yielding(10**9, town.ask("break", place="places/home"), town.ask("more", place="places/home"))
    await refused(town.stub.Collect(requests, metadata=town.token(HOUSEHOLD), timeout=10))


async def test_a_caller_that_waits_for_an_answer_is_refused(town: Any) -> None:
    call = town.stub.Converse(metadata=town.token(HOUSEHOLD), timeout=10)
    await call.write(town.ask("hello", place="places/home"))
    assert (await call.read()).text == "hello"
    await call.write(town.ask("break", place="places/home"))
    assert (await refused(call.read())).reason == "BROKEN"


async def test_a_grant_counts_only_while_it_is_valid(town: Any) -> None:
    ended = Grant(role=Role.ADMINISTRATOR, place=None, validity=Validity(end=town.clock.now()))
    details = await refused(town.stub.Administer(town.ask(), metadata=town.token(ended), timeout=10))
    assert details.reason == "NOT_PERMITTED"


async def test_a_person_reaches_its_own_record_and_no_other(town: Any) -> None:
    metadata = town.token()
    assert await town.stub.Myself(town.ask("hello", person="people/jo"), metadata=metadata, timeout=10)
    details = await refused(town.stub.Myself(town.ask("hello", person="people/ann"), metadata=metadata, timeout=10))
    assert details.reason == "NOT_PERMITTED"
    assert await town.stub.Myself(town.ask("hello", person="people/ann"), metadata=town.token(ADMINISTRATOR), timeout=10)
