"""How the client calls: metadata, deadlines, retries, typed failures, pages, streams; against real servers over real channels."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from multiflux.access.v1 import access_service_pb2 as access_pb
from multiflux.access.v1 import event_pb2, person_pb2
from multiflux.access.v1.access_service_pb2_grpc import AccessServiceServicer, add_AccessServiceServicer_to_server
from multiflux.metering.v1 import registry_service_pb2 as registry_pb
from multiflux.metering.v1.registry_service_pb2_grpc import RegistryServiceServicer, add_RegistryServiceServicer_to_server
from multiflux_client.access import AccessClient, RefreshToken, ServiceSecret, SubjectToken
from multiflux_client.channel import Connection, PlaintextRefused, Retries, Target
from multiflux_client.credentials import FixedToken
from multiflux_client.failures import RemoteFailure
from multiflux_client.health import Health, health
from multiflux_client.people import Person
from multiflux_client.registry import BLOCK_BYTES, RegistryClient, RegistryContent, RegistryFile, RegistryFormat
from vocabulary.failure import FieldViolation, Kind
from vocabulary.names import PersonId

QUICK = Retries(attempts=3, first_wait_s=0.001, longest_wait_s=0.002)
CSV_PLACES = RegistryFile(content=RegistryContent.PLACES, format=RegistryFormat.CSV)


@dataclass
class Heard:
    """What a server heard: methods with their requests and metadata, in order."""

    calls: list[tuple[str, Any, dict[str, str]]] = field(default_factory=list[tuple[str, Any, dict[str, str]]])

    def note(self, method: str, request: Any, context: Any) -> None:
        self.calls.append((method, request, {str(key): str(value) for key, value in context.invocation_metadata()}))

    def requests(self) -> list[Any]:
        return [request for _, request, _ in self.calls]


Answer = Callable[[Any], Awaitable[None]]


class Access(AccessServiceServicer):
    """An access service that fails as it is told, and answers as the contract says."""

    def __init__(self) -> None:
        self.heard = Heard()
        self.failures: list[Answer] = []

    async def _heard(self, method: str, request: Any, context: Any) -> None:
        self.heard.note(method, request, context)
        if self.failures:
            await self.failures.pop(0)(context)

    async def ExchangeToken(self, request: Any, context: Any) -> access_pb.ExchangeTokenResponse:  # noqa: N802
        await self._heard("ExchangeToken", request, context)
        return access_pb.ExchangeTokenResponse(token="t", expire_time=Timestamp(seconds=1), subject="people/ada")

    async def CreatePerson(self, request: Any, context: Any) -> access_pb.CreatePersonResponse:  # noqa: N802
        await self._heard("CreatePerson", request, context)
        return access_pb.CreatePersonResponse(person=person_pb2.Person(name="people/ada", display_name=request.person.display_name))

    async def GetPerson(self, request: Any, context: Any) -> access_pb.GetPersonResponse:  # noqa: N802
        await self._heard("GetPerson", request, context)
        return access_pb.GetPersonResponse(person=person_pb2.Person(name=request.name))

    async def ListPeople(self, request: Any, context: Any) -> access_pb.ListPeopleResponse:  # noqa: N802
        await self._heard("ListPeople", request, context)
        first, size = int(request.page_token or 0), request.page_size or 2
        people = [person_pb2.Person(name=f"people/p{n}") for n in range(first, min(first + size, 5))]
        return access_pb.ListPeopleResponse(people=people, next_page_token=str(first + size) if first + size < 5 else "")

    async def WatchEvents(self, request: Any, context: Any) -> AsyncIterator[access_pb.WatchEventsResponse]:  # noqa: N802
        first = int(request.cursor or 0)
        for n in range(first + 1, first + 3):
            event = event_pb2.Event(
                event_id=f"e{n}", territory="territories/town", occur_time=Timestamp(seconds=n), person_changed=f"people/p{n}"
            )
            yield access_pb.WatchEventsResponse(event=event, cursor=str(n))
        await self._heard("WatchEvents", request, context)


class Registry(RegistryServiceServicer):
    """A registry that counts what it is sent."""

    def __init__(self) -> None:
        self.heard = Heard()
        self.refuse_after: int | None = None

    async def ImportRegistry(self, request_iterator: Any, context: Any) -> AsyncIterator[registry_pb.ImportRegistryResponse]:  # noqa: N802
        received = 0
        async for request in request_iterator:
            self.heard.note("ImportRegistry", request, context)
            if request.WhichOneof("part") == "block":
                received += len(request.block)
                yield registry_pb.ImportRegistryResponse(row_count=received)
            if self.refuse_after is not None and received > self.refuse_after:
                await abort(grpc.StatusCode.PERMISSION_DENIED, "NOT_PERMITTED")(context)
        refused = registry_pb.RefusedRow(line=3, column="level", reason="UNKNOWN_LEVEL", description="no", row="a,b")
        yield registry_pb.ImportRegistryResponse(row_count=received, refused_count=1, refused_rows=[refused], done=True)

    async def ExportRegistry(self, request: Any, context: Any) -> AsyncIterator[registry_pb.ExportRegistryResponse]:  # noqa: N802
        self.heard.note("ExportRegistry", request, context)
        for block in (b"name,", b"level\n"):
            yield registry_pb.ExportRegistryResponse(block=block)


def abort(code: grpc.StatusCode, reason: str = "", *details: Any, **metadata: str) -> Answer:
    """Return an answer that fails as the services do: with ErrorInfo when a reason is given."""

    async def answer(context: Any) -> None:
        if not reason:
            await context.abort(code, "no details")
        info = error_details_pb2.ErrorInfo(reason=reason, domain="access.multiflux", metadata=metadata)
        packed = [AnyMessage() for _ in (info, *details)]
        for target, detail in zip(packed, (info, *details), strict=True):
            target.Pack(detail)
        await context.abort_with_status(rpc_status.to_status(status_pb2.Status(code=code.value[0], message="said so", details=packed)))

    return answer


AWAY = abort(grpc.StatusCode.UNAVAILABLE)


@asynccontextmanager
async def served(servicer: Any, add: Callable[[Any, grpc.aio.Server], None]) -> AsyncGenerator[Connection]:
    server = grpc.aio.server()
    add(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    connection = Connection.open(Target(address=f"127.0.0.1:{port}"))
    try:
        async with replace(connection, retries=QUICK):
            yield replace(connection, retries=QUICK)
    finally:
        await server.stop(None)


@pytest.fixture
def access() -> Access:
    return Access()  # pyright: ignore[reportAbstractUsage]  # the rest is not called


@pytest.fixture
async def connection(access: Access) -> AsyncIterator[Connection]:
    async with served(access, add_AccessServiceServicer_to_server) as connection:
        yield connection


@pytest.fixture
def registry() -> Registry:
    return Registry()  # pyright: ignore[reportAbstractUsage]  # the rest is not called


@pytest.fixture
async def registry_client(registry: Registry) -> AsyncIterator[RegistryClient]:
    async with served(registry, add_RegistryServiceServicer_to_server) as connection:
        yield RegistryClient(connection)


async def test_every_call_carries_a_request_id_and_the_token_of_its_caller(access: Access, connection: Connection) -> None:
    client = AccessClient(replace(connection.with_tokens(FixedToken("secret")), correlation=lambda: "call-1"))
    await client.person(PersonId("ada"))
    _, _, metadata = access.heard.calls[0]
    assert metadata["x-request-id"] == "call-1"
    assert metadata["authorization"] == "Bearer secret"


async def test_an_exchange_is_made_as_nobody_even_on_the_connection_of_a_caller(access: Access, connection: Connection) -> None:
    await AccessClient(connection.with_tokens(FixedToken("old"))).exchange_token(ServiceSecret(service="metering", secret="s"))
    _, request, metadata = access.heard.calls[0]
    assert "authorization" not in metadata
    assert (request.service.service, request.service.secret) == ("services/metering", "s")


async def test_a_read_is_repeated_while_the_service_is_away(access: Access, connection: Connection) -> None:
    access.failures = [AWAY, AWAY]
    assert (await AccessClient(connection).person(PersonId("ada"))).id == "ada"
    assert len(access.heard.calls) == 3


async def test_a_call_gives_up_after_its_attempts(access: Access, connection: Connection) -> None:
    access.failures = [AWAY] * 9
    with pytest.raises(RemoteFailure) as caught:
        await AccessClient(connection).person(PersonId("ada"))
    assert caught.value.away
    assert caught.value.kind is Kind.BUSY
    assert len(access.heard.calls) == QUICK.attempts


async def test_a_change_is_repeated_with_one_and_the_same_request_id(access: Access, connection: Connection) -> None:
    access.failures = [AWAY]
    await AccessClient(connection).create_person(Person(display_name="Ada"))
    first, second = access.heard.requests()
    assert first.request_id
    assert first == second


async def test_a_request_id_of_the_callers_own_is_sent_as_it_is(access: Access, connection: Connection) -> None:
    await AccessClient(connection).create_person(Person(display_name="Ada"), request_id="6a1c")
    assert access.heard.requests()[0].request_id == "6a1c"


async def test_a_change_without_a_request_id_is_never_repeated(access: Access, connection: Connection) -> None:
    access.failures = [AWAY]
    create = connection.channel.unary_unary(
        "/multiflux.access.v1.AccessService/CreatePerson",
        request_serializer=access_pb.CreatePersonRequest.SerializeToString,
        response_deserializer=access_pb.CreatePersonResponse.FromString,
    )
    with pytest.raises(RemoteFailure):
        await connection.call(create, access_pb.CreatePersonRequest())
    assert len(access.heard.calls) == 1


@pytest.mark.parametrize("credential", [SubjectToken(token="s"), RefreshToken(token="r")])
async def test_a_credential_that_serves_once_is_never_sent_twice(
    access: Access, connection: Connection, credential: SubjectToken | RefreshToken
) -> None:
    access.failures = [AWAY]
    with pytest.raises(RemoteFailure):
        await AccessClient(connection).exchange_token(credential)
    assert len(access.heard.calls) == 1


@pytest.mark.parametrize(
    "code",
    [grpc.StatusCode.INTERNAL, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.ABORTED, grpc.StatusCode.UNAUTHENTICATED],
    ids=lambda code: code.name,
)
async def test_nothing_but_absence_is_answered_with_another_try(access: Access, connection: Connection, code: grpc.StatusCode) -> None:
    access.failures = [abort(code)]
    with pytest.raises(RemoteFailure) as caught:
        await AccessClient(connection).person(PersonId("ada"))
    assert caught.value.reason == code.name
    assert len(access.heard.calls) == 1


async def test_a_wait_that_the_service_asks_for_is_not_cut_short_and_the_deadline_holds(access: Access, connection: Connection) -> None:
    access.failures = [abort(grpc.StatusCode.UNAVAILABLE, "STORE_BUSY", error_details_pb2.RetryInfo(retry_delay=Duration(seconds=3600)))]
    with pytest.raises(RemoteFailure) as caught:
        await AccessClient(connection).person(PersonId("ada"))
    assert caught.value.retry_delay_s == 3600
    assert not caught.value.away
    assert len(access.heard.calls) == 1


async def test_a_service_that_does_not_answer_ends_the_call_at_its_deadline(access: Access, connection: Connection) -> None:
    never = asyncio.Event()

    async def wait(_: Any) -> None:
        await never.wait()

    access.failures = [wait]
    with pytest.raises(RemoteFailure) as caught:
        await AccessClient(replace(connection, deadline_s=0.05)).person(PersonId("ada"))
    never.set()
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert caught.value.away


async def test_a_failure_says_all_that_the_service_said(access: Access, connection: Connection) -> None:
    bad = error_details_pb2.BadRequest(field_violations=[error_details_pb2.BadRequest.FieldViolation(field="name", description="is wrong")])
    known = error_details_pb2.RequestInfo(request_id="call-7")
    access.failures = [abort(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", bad, known, person="people/ada")]
    with pytest.raises(RemoteFailure) as caught:
        await AccessClient(connection).person(PersonId("ada"))
    failure = caught.value
    assert (failure.reason, failure.kind, failure.domain) == ("INVALID_REQUEST", Kind.INVALID, "access.multiflux")
    assert dict(failure.metadata) == {"person": "people/ada"}
    assert failure.violations == (FieldViolation(field="name", description="is wrong"),)
    assert failure.request_id == "call-7"
    assert str(failure) == "said so"


async def test_a_defect_of_the_service_has_no_kind(access: Access, connection: Connection) -> None:
    access.failures = [abort(grpc.StatusCode.INTERNAL)]
    with pytest.raises(RemoteFailure) as caught:
        await AccessClient(connection).person(PersonId("ada"))
    assert caught.value.kind is None


async def test_a_listing_gives_every_item_of_every_page_once(connection: Connection) -> None:
    assert [person.id async for person in AccessClient(connection).people()] == ["p0", "p1", "p2", "p3", "p4"]


async def test_a_page_is_asked_for_by_size_and_token(access: Access, connection: Connection) -> None:
    people = AccessClient(connection).people(search="a")
    first = await people.page(size=3)
    second = await people.page(size=3, token=first.next_page_token)
    assert [p.id for p in (*first.items, *second.items)] == ["p0", "p1", "p2", "p3", "p4"]
    assert second.next_page_token == ""
    assert {request.search for request in access.heard.requests()} == {"a"}


async def test_a_watch_goes_on_from_its_cursor_when_its_token_expires(access: Access, connection: Connection) -> None:
    access.failures = [
        abort(grpc.StatusCode.UNAUTHENTICATED, "TOKEN_EXPIRED"),
        abort(grpc.StatusCode.FAILED_PRECONDITION, "CURSOR_EXPIRED"),
    ]
    seen: list[tuple[str, PersonId | None]] = []

    async def watch() -> None:
        async for cursor, event in AccessClient(connection).watch_events("10"):
            seen.append((cursor, event.person_changed))  # kept when the watch fails

    with pytest.raises(RemoteFailure) as caught:
        await watch()
    assert seen == [("11", "p11"), ("12", "p12"), ("13", "p13"), ("14", "p14")]
    assert caught.value.reason == "CURSOR_EXPIRED"


async def test_a_file_is_sent_in_blocks_that_a_message_can_hold(registry: Registry, registry_client: RegistryClient) -> None:
    blocks = [b"x" * (2 * BLOCK_BYTES + 5), b"", b"yz"]
    progress = [step async for step in registry_client.import_file(CSV_PLACES, blocks, validate_only=True)]
    described, *sent = registry.heard.requests()
    assert described.description.validate_only
    assert described.description.request_id
    assert b"".join(request.block for request in sent) == b"".join(blocks)
    assert max(len(request.block) for request in sent) == BLOCK_BYTES
    assert progress[-1].done
    assert progress[-1].refused_rows[0].reason == "UNKNOWN_LEVEL"


async def test_a_file_that_cannot_be_read_ends_the_import_with_its_own_failure(registry_client: RegistryClient) -> None:
    async def blocks() -> AsyncIterator[bytes]:
        yield b"name\n"
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        _ = [step async for step in registry_client.import_file(CSV_PLACES, blocks())]


async def test_an_import_that_is_refused_midway_is_a_typed_failure(registry: Registry, registry_client: RegistryClient) -> None:
    registry.refuse_after = 3
    with pytest.raises(RemoteFailure) as caught:
        _ = [step async for step in registry_client.import_file(CSV_PLACES, [b"ab", b"cd", b"ef"])]
    assert caught.value.reason == "NOT_PERMITTED"


async def test_an_export_gives_the_bytes_in_order(registry_client: RegistryClient) -> None:
    assert b"".join([block async for block in registry_client.export_file(CSV_PLACES)]) == b"name,level\n"


async def test_where_nobody_listens_the_service_is_away(free_port: int) -> None:
    target = Target(address=f"127.0.0.1:{free_port}")
    assert await health(target) is Health.AWAY
    async with replace(Connection.open(target), retries=QUICK) as connection:
        with pytest.raises(RemoteFailure) as caught:
            await AccessClient(connection).signing_keys()
    assert caught.value.away


@pytest.mark.parametrize("address", ["127.0.0.1:1", "[::1]:1", "localhost:1", "unix:/tmp/socket"])
def test_plaintext_is_for_this_machine(address: str) -> None:
    assert not Target(address=address).encrypted


@pytest.mark.parametrize("address", ["192.0.2.1:7301", "access:7301", "[2001:db8::1]:7301"])
def test_beyond_this_machine_there_is_tls_or_nothing(address: str) -> None:
    with pytest.raises(PlaintextRefused):
        Target(address=address)
    assert Target(address=address, authority=Path("authority.pem")).encrypted


def test_waits_double_up_to_a_bound_and_are_random() -> None:
    retries = Retries(first_wait_s=1, longest_wait_s=3)
    assert [retries.wait_s(attempt, None, lambda: 1.0) for attempt in (1, 2, 3)] == [1, 2, 3]
    assert retries.wait_s(3, None, lambda: 0.5) == 1.5
    assert retries.wait_s(1, 2.5, lambda: 0.0) == 2.5
