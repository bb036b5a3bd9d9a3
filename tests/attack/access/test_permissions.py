"""Every method of AccessService and RegistryService: each role, inside and outside its places, wrong territory, expired token.

What is expected stands here, written independently of the contract. Interceptor, token verifier and place replica are the real ones, over a
real channel.
RegistryService is answered by handlers that return nothing: only who is let through is asked here.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from access_world import FAR_QUARTER, OTHER, QUARTER, World, access_world, request_id
from google.protobuf import descriptor_pool, json_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from multiflux.metering.v1 import registry_service_pb2, registry_service_pb2_grpc
from multiflux_client.access import AuditOutcome
from runtime.call import Grant
from runtime.server import Endpoint
from runtime.statuses import failure_details
from vocabulary.interval import Interval
from vocabulary.names import PlaceId, TerritoryId
from vocabulary.role import Role

ACCESS, REGISTRY = "multiflux.access.v1.AccessService", "multiflux.metering.v1.RegistryService"

WHOLE, INSIDE, OUTSIDE = "whole territory", "inside", "outside"
PLACED: dict[str, PlaceId | None] = {WHOLE: None, INSIDE: QUARTER, OUTSIDE: FAR_QUARTER}

ANYWHERE = frozenset({WHOLE, INSIDE, OUTSIDE})
COVERING = frozenset({WHOLE, INSIDE})
TERRITORY = frozenset({WHOLE})

HOUSEHOLD, DELEGATE, MANAGER, LIGHTING = Role.HOUSEHOLD, Role.DELEGATE, Role.BUILDING_MANAGER, Role.LIGHTING_OPERATOR
ANALYST, ADMINISTRATOR, OPERATOR = Role.TERRITORY_ANALYST, Role.ADMINISTRATOR, Role.PLATFORM_OPERATOR
COLLECTOR, SERVICE, PUBLIC = Role.COLLECTOR, Role.SERVICE, Role.PUBLIC
PEOPLE = (HOUSEHOLD, DELEGATE, MANAGER, LIGHTING, ANALYST, ADMINISTRATOR, OPERATOR, COLLECTOR, PUBLIC)

OPEN: dict[Role, frozenset[str]] = {}
"""Everybody is let in, with whatever token or none."""


@dataclass(frozen=True)
class Case:
    """One kind of request of one method, and which role is let through with a grant for what."""

    service: str
    method: str
    request: dict[str, Any]
    allowed: dict[Role, frozenset[str]]
    about: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.about}".strip()


def only(*roles: Role, placed: frozenset[str]) -> dict[Role, frozenset[str]]:
    return dict.fromkeys(roles, placed)


def access(method: str, allowed: dict[Role, frozenset[str]], about: str = "", **request: Any) -> Case:
    return Case(ACCESS, method, request, allowed, about)


def registry(method: str, allowed: dict[Role, frozenset[str]], about: str = "", **request: Any) -> Case:
    return Case(REGISTRY, method, request, allowed, about)


SELF = "people/tester"
SOMEBODY = "people/somebody"
LIVES_AT = {"premise": "places/home"}
VALIDITY = {"end_time": "2026-02-01T00:00:00Z"}

TABLE = [
    access("ExchangeToken", OPEN),
    access("GetSigningKeys", OPEN),
    access("SignInLocally", OPEN, person="people/visitor", territory="territories/demo"),
    access("SignOut", OPEN),
    access("RotateSigningKey", only(OPERATOR, placed=TERRITORY)),
    access("CreatePerson", only(ADMINISTRATOR, OPERATOR, placed=TERRITORY), person={"displayName": "X"}),
    access("GetPerson", only(*PEOPLE, placed=ANYWHERE), "of oneself", name=SELF),
    access("GetPerson", only(ADMINISTRATOR, placed=TERRITORY), "of somebody else", name=SOMEBODY),
    access("UpdatePerson", only(*PEOPLE, placed=ANYWHERE), "of oneself", person={"name": SELF}),
    access("UpdatePerson", only(ADMINISTRATOR, placed=TERRITORY), "of somebody else", person={"name": SOMEBODY}),
    access("ListPeople", only(ADMINISTRATOR, placed=TERRITORY)),
    access("ErasePerson", only(ADMINISTRATOR, HOUSEHOLD, DELEGATE, placed=ANYWHERE), "of oneself", name=SELF),
    access("ErasePerson", only(ADMINISTRATOR, placed=TERRITORY), "of somebody else", name=SOMEBODY),
    access("GrantRole", only(ADMINISTRATOR, OPERATOR, placed=TERRITORY), grant={"person": SOMEBODY, "role": "ROLE_ADMINISTRATOR"}),
    access("RevokeGrant", only(ADMINISTRATOR, OPERATOR, placed=TERRITORY), name="grants/none"),
    access("ListGrants", only(*PEOPLE, placed=ANYWHERE), "of oneself", person=SELF),
    access("ListGrants", only(ADMINISTRATOR, placed=TERRITORY), "of somebody else", person=SOMEBODY),
    access("ListGrants", only(ADMINISTRATOR, placed=TERRITORY), "of everybody"),
    access("IssueOccupancyCode", only(ADMINISTRATOR, placed=COVERING), occupancyStartTime="2026-01-01T00:00:00Z", **LIVES_AT),
    access("ClaimOccupancy", only(*PEOPLE, placed=ANYWHERE), code="AAAAAAAAAAA"),
    access("EndOccupancy", only(HOUSEHOLD, ADMINISTRATOR, placed=ANYWHERE), name="occupancies/none", endTime="2026-01-01T00:00:00Z"),
    access("ListOccupancies", only(HOUSEHOLD, ADMINISTRATOR, SERVICE, placed=ANYWHERE)),
    access(
        "CreateDelegation",
        only(HOUSEHOLD, placed=ANYWHERE),
        delegation={"receiver": SOMEBODY, "occupancy": "occupancies/none", "validity": VALIDITY},
    ),
    access("EndDelegation", only(HOUSEHOLD, DELEGATE, placed=ANYWHERE), name="delegations/none"),
    access("ListDelegations", only(HOUSEHOLD, DELEGATE, placed=ANYWHERE)),
    access(
        "GiveConsent",
        only(HOUSEHOLD, placed=COVERING),
        consent={
            "meteringPoint": "meters/linky",
            "purpose": "PURPOSE_FORECAST",
            "granularity": "GRANULARITY_HOUR",
            "proofText": "oui",
        },
    ),
    access("WithdrawConsent", only(HOUSEHOLD, placed=ANYWHERE), name="consents/none"),
    access("ListConsents", only(HOUSEHOLD, SERVICE, placed=ANYWHERE)),
    access("ListAuditEntries", only(*PEOPLE, SERVICE, placed=ANYWHERE)),
    access("ListAuditEntries", only(ADMINISTRATOR, placed=TERRITORY), "about somebody else", subject=SOMEBODY),
    access("RecordAuditEntries", only(SERVICE, placed=TERRITORY)),
    access("WatchEvents", only(SERVICE, placed=TERRITORY)),
    registry("CreateTerritory", only(OPERATOR, placed=TERRITORY)),
    registry("GetTerritory", only(*PEOPLE, SERVICE, placed=ANYWHERE)),
    registry("UpdateTerritory", only(ADMINISTRATOR, placed=TERRITORY)),
    registry("ListTerritories", only(OPERATOR, SERVICE, placed=TERRITORY)),
    registry("CreatePlace", only(ADMINISTRATOR, placed=ANYWHERE)),
    registry("GetPlace", only(HOUSEHOLD, DELEGATE, MANAGER, LIGHTING, ANALYST, ADMINISTRATOR, SERVICE, placed=ANYWHERE)),
    registry("UpdatePlace", only(ADMINISTRATOR, placed=COVERING), place={"name": "places/home"}),
    registry("DeletePlace", only(ADMINISTRATOR, placed=COVERING), name="places/home"),
    registry("ListPlaces", only(HOUSEHOLD, DELEGATE, MANAGER, LIGHTING, ANALYST, ADMINISTRATOR, SERVICE, placed=ANYWHERE)),
    registry("DeclareDwelling", only(HOUSEHOLD, ADMINISTRATOR, placed=COVERING), premise="places/home"),
    registry("CreateMeteringPoint", only(ADMINISTRATOR, placed=ANYWHERE)),
    registry(
        "GetMeteringPoint",
        only(HOUSEHOLD, DELEGATE, MANAGER, LIGHTING, ADMINISTRATOR, COLLECTOR, SERVICE, placed=COVERING),
        name="meters/linky",
    ),
    registry("UpdateMeteringPoint", only(ADMINISTRATOR, placed=COVERING), meteringPoint={"name": "meters/linky"}),
    registry("DeleteMeteringPoint", only(ADMINISTRATOR, placed=COVERING), name="meters/linky"),
    registry("ListMeteringPoints", only(HOUSEHOLD, DELEGATE, MANAGER, LIGHTING, ADMINISTRATOR, COLLECTOR, SERVICE, placed=ANYWHERE)),
    registry("ExchangeDevice", only(ADMINISTRATOR, placed=COVERING), name="meters/linky"),
    registry("RecordMove", only(ADMINISTRATOR, placed=COVERING), premise="places/home"),
    registry("ListReferenceRows", only(*PEOPLE, SERVICE, placed=ANYWHERE)),
    registry("ImportRegistry", only(ADMINISTRATOR, placed=TERRITORY)),
    registry("ExportRegistry", only(ADMINISTRATOR, SERVICE, placed=TERRITORY)),
    registry("WatchRegistryEvents", only(SERVICE, placed=TERRITORY)),
]

# What is not refused by the rules may still fail for other reasons: the people and records of the requests do not exist.
REFUSALS = {"NOT_PERMITTED", "PERMISSION_UNDECLARED", "TERRITORY_MISSING", "TOKEN_MISSING", "TOKEN_EXPIRED", "TOKEN_INVALID"}


class _Silent:
    """Answers every method of RegistryService with nothing."""

    def __getattr__(self, name: str) -> Any:
        method = descriptor_pool.Default().FindServiceByName(REGISTRY).methods_by_name.get(name)
        if method is None:
            raise AttributeError(name)

        async def one(_request: Any, _context: Any) -> Any:
            return GetMessageClass(method.output_type)()

        async def none(_request: Any, _context: Any) -> AsyncIterator[Any]:
            for nothing in ():
                yield nothing

        return none if method.server_streaming else one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder: Path = tmp_path_factory.mktemp("permissions")
    silent = Endpoint(name=REGISTRY, add=registry_service_pb2_grpc.add_RegistryServiceServicer_to_server, servicer=_Silent())
    async with access_world(
        f"sqlite:///{folder}/access.sqlite",
        folder,
        _Clock(),
        extend=lambda service: replace(service, endpoints=(*service.endpoints, silent)),
    ) as world:
        yield world


class _Clock:
    at = datetime(2026, 1, 15, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


def test_the_table_names_every_method() -> None:
    for service in (ACCESS, REGISTRY):
        methods = {method.name for method in descriptor_pool.Default().FindServiceByName(service).methods}
        assert {case.method for case in TABLE if case.service == service} == methods
    assert registry_service_pb2.DESCRIPTOR.package == "multiflux.metering.v1"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", TABLE, ids=str)
@pytest.mark.parametrize("placed", sorted(ANYWHERE))
async def test_exactly_the_named_roles_are_let_through(town: World, case: Case, placed: str) -> None:
    for role in Role:
        token = town.token(subject_of(role), Grant(role=role, place=PLACED[placed]))
        expected = case.allowed is OPEN or placed in case.allowed.get(role, frozenset())
        reason = await ask(town, case, token)
        assert (reason not in REFUSALS) == expected, f"{role.name} for {placed}: {reason or 'answered'}"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", [case for case in TABLE if case.allowed is not OPEN], ids=str)
async def test_an_expired_token_no_token_and_no_grant_that_holds_let_nobody_through(town: World, case: Case) -> None:
    role = next(role for role, placed in case.allowed.items() if WHOLE in placed)
    now = town.clock.at
    town.clock.at = now - timedelta(seconds=300)
    expired = town.token(subject_of(role), Grant(role=role, place=None))
    town.clock.at = now
    assert await ask(town, case, expired) == "TOKEN_EXPIRED"
    assert await ask(town, case, "") == "TOKEN_MISSING"
    if PUBLIC not in case.allowed:
        assert await ask(town, case, town.token("people/tester")) == "NOT_PERMITTED"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", [case for case in TABLE if case.allowed and COVERING in case.allowed.values()], ids=str)
async def test_a_place_of_another_territory_is_outside(town: World, case: Case) -> None:
    for role in case.allowed:
        token = town.token(subject_of(role), Grant(role=role, place=QUARTER), territory=OTHER)
        assert await ask(town, case, token) == "NOT_PERMITTED", role.name


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", [case for case in TABLE if case.service == ACCESS and case.allowed is not OPEN], ids=str)
async def test_a_token_for_another_territory_reaches_nothing_of_this_one(town: World, case: Case) -> None:
    """With every role for the whole of another territory, requests for what exists here find nothing."""
    await resident(town)
    method = descriptor_of(case)
    for role in Role:
        token = town.token(subject_of(role), Grant(role=role, place=None), territory=OTHER)
        _, response = await invoke(town, case, token)
        told = "" if response is None else json_format.MessageToJson(response)
        for name in ("people/household", "people/administrator", "occupancies/"):
            assert name not in told, f"{role.name} of another territory got {name} from {method.name}"


@pytest.mark.asyncio(loop_scope="module")
async def test_a_territory_is_needed_where_the_call_is_about_one(town: World) -> None:
    for case in TABLE:
        if (
            case.service == ACCESS
            and case.allowed
            and case.allowed.get(SERVICE)
            and case.method not in ("RecordAuditEntries", "WatchEvents")
        ):
            token = town.token("services/metering", Grant(role=SERVICE, place=None), territory=None)
            assert await ask(town, case, token) == "TERRITORY_MISSING", case.method


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", [case for case in TABLE if case.allowed is not OPEN], ids=str)
async def test_each_refusal_is_in_the_audit_log(town: World, case: Case) -> None:
    town.clock.at += timedelta(seconds=1)
    during = Interval(start=town.clock.at, end=town.clock.at + timedelta(microseconds=1))
    reason = await ask(town, case, town.token("people/intruder"))
    entries = [e async for e in town.administrator().audit_entries(during=during, outcome=AuditOutcome.REFUSED)]
    if reason in REFUSALS or reason == "OCCUPANCY_CODE_INVALID":
        assert [(entry.actor, entry.reason) for entry in entries] == [("people/intruder", reason)]
        assert entries[0].method == f"/{case.service}/{case.method}"
    else:
        assert entries == []


@pytest.mark.asyncio(loop_scope="module")
async def test_calls_of_nobody_are_in_the_log_of_the_platforms_operators(town: World) -> None:
    town.clock.at += timedelta(seconds=1)
    during = Interval(start=town.clock.at, end=town.clock.at + timedelta(microseconds=1))
    case = next(case for case in TABLE if case.method == "ListPeople")
    assert await ask(town, case, "") == "TOKEN_MISSING"
    assert await ask(town, case, "no token at all") == "TOKEN_INVALID"
    platform = town.token("people/platform-operator", Grant(role=OPERATOR, place=None), territory=TerritoryId("platform"))
    entries = [entry async for entry in town.client(platform).audit_entries(during=during)]
    assert sorted((entry.actor, entry.reason) for entry in entries) == [("", "TOKEN_INVALID"), ("", "TOKEN_MISSING")]
    assert [entry async for entry in town.administrator().audit_entries(during=during)] == []


def subject_of(role: Role) -> str:
    return "services/metering" if role is SERVICE else SELF


async def resident(town: World) -> None:
    household = await town.signed_in("household")
    occupancies = [one async for one in town.for_services().occupancies()]
    if not occupancies:
        code = await town.administrator().issue_occupancy_code(PlaceId("home"), datetime(2025, 6, 1, tzinfo=UTC))
        await household.claim_occupancy(code.code)


async def ask(town: World, case: Case, token: str) -> str:
    """Return the reason of the failure, empty when there is none."""
    return (await invoke(town, case, token))[0]


def descriptor_of(case: Case) -> MethodDescriptor:
    return descriptor_pool.Default().FindServiceByName(case.service).methods_by_name[case.method]


async def invoke(town: World, case: Case, token: str) -> tuple[str, Any]:
    """Call the method, whatever its arity; return why it failed, or the (first) response."""
    method = descriptor_of(case)
    request = GetMessageClass(method.input_type)()
    json_format.ParseDict(case.request, request)
    if "request_id" in method.input_type.fields_by_name:
        setattr(request, "request_id", request_id())  # noqa: B010 - the message is of whatever type
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    codecs: Any = {
        "request_serializer": GetMessageClass(method.input_type).SerializeToString,
        "response_deserializer": GetMessageClass(method.output_type).FromString,
    }
    path, channel = f"/{case.service}/{case.method}", town.connection.channel
    try:
        if method.client_streaming:
            call = channel.stream_stream(path, **codecs)(iter([request]), metadata=metadata, timeout=10)
            return "", await first(call)
        if method.server_streaming:
            return "", await first(channel.unary_stream(path, **codecs)(request, metadata=metadata, timeout=10))
        return "", await channel.unary_unary(path, **codecs)(request, metadata=metadata, timeout=10)
    except grpc.aio.AioRpcError as error:
        return failure_details(error).reason or error.code().name, None


async def first(call: Any) -> Any:
    """Return the first response of a stream, None when it ends without one, and end it."""
    try:
        async for response in call:
            return response
        return None
    finally:
        call.cancel()
