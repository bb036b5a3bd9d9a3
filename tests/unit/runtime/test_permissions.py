"""Decisions about who may call: roles, scopes, places, validity."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from multiflux.access.v1 import access_service_pb2
from runtime.call import NOBODY, Call, Caller, Grant
from runtime.permissions import NotPermitted, Permission, PermissionCheck, PermissionUndeclared, Scope, permission_of, resource_in
from runtime.tokens import TokenMissing
from vocabulary.failure import Failure, InvalidRequest
from vocabulary.interval import Validity
from vocabulary.names import PlaceId, TerritoryId
from vocabulary.role import Role

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PAST = Validity(start=NOW - timedelta(days=90), end=NOW - timedelta(days=30))
COMING = Validity(start=NOW + timedelta(days=30))
TOWN = TerritoryId("town")


@dataclass
class Places:
    """meters/m and places/home lie in home; remembers when it was asked about."""

    asked: list[datetime] = field(default_factory=list[datetime])

    async def covers(self, territory: TerritoryId, granted: PlaceId, resource: str, at: datetime) -> bool:
        self.asked.append(at)
        return territory == TOWN and granted == "home" and resource in {"places/home", "meters/m"}


def grant(role: Role, place: str = "", validity: Validity = Validity()) -> Grant:
    return Grant(role=role, place=PlaceId(place) if place else None, validity=validity)


def permission(scope: Scope, *roles: Role) -> Permission:
    return Permission(roles=frozenset(roles), scope=scope, resource_field="value", changes=False)


async def decision(asked: Permission | None, *grants: Grant, resource: str = "", caller: Caller | None = None, places: Any = None) -> str:
    """Return what happens: `allowed`, or the reason of the refusal."""
    who = caller or Caller(subject="people/jo", territory=TOWN, grants=grants)
    call = Call(caller=who, request_id="r", method="/a.b.C/D", at=NOW)
    request = StringValue(value=resource)
    try:
        await PermissionCheck(places or Places()).check(call, asked, request)
    except Failure as failure:
        return failure.reason
    return "allowed"


async def test_without_a_declaration_everybody_is_refused() -> None:
    assert await decision(None, grant(Role.ADMINISTRATOR)) == PermissionUndeclared.reason


async def test_an_open_method_needs_nobody() -> None:
    assert await decision(permission(Scope.OPEN), caller=NOBODY) == "allowed"


@pytest.mark.parametrize("scope", [Scope.TERRITORY, Scope.RESOURCE, Scope.CUT, Scope.SELF])
async def test_every_other_method_needs_somebody(scope: Scope) -> None:
    assert await decision(permission(scope, Role.PUBLIC), caller=NOBODY, resource="people/jo") == TokenMissing.reason


@pytest.mark.parametrize(
    ("held", "result"),
    [
        (grant(Role.ADMINISTRATOR), "allowed"),
        (grant(Role.ADMINISTRATOR, "home"), "NOT_PERMITTED"),
        (grant(Role.TERRITORY_ANALYST), "NOT_PERMITTED"),
        (grant(Role.ADMINISTRATOR, validity=PAST), "NOT_PERMITTED"),
        (grant(Role.ADMINISTRATOR, validity=COMING), "NOT_PERMITTED"),
    ],
)
async def test_the_territory_scope_needs_a_grant_for_all_of_it(held: Grant, result: str) -> None:
    assert await decision(permission(Scope.TERRITORY, Role.ADMINISTRATOR), held) == result


@pytest.mark.parametrize(
    ("held", "resource", "result"),
    [
        (grant(Role.HOUSEHOLD, "home"), "meters/m", "allowed"),
        (grant(Role.HOUSEHOLD, "home"), "meters/other", "NOT_PERMITTED"),
        (grant(Role.HOUSEHOLD, "elsewhere"), "meters/m", "NOT_PERMITTED"),
        (grant(Role.BUILDING_MANAGER, "home"), "meters/m", "NOT_PERMITTED"),
        (grant(Role.ADMINISTRATOR), "meters/anything", "allowed"),
        (grant(Role.ADMINISTRATOR, "home"), "places/home", "allowed"),
        (grant(Role.ADMINISTRATOR), "territories/town", "allowed"),
        (grant(Role.ADMINISTRATOR), "territories/village", "NOT_PERMITTED"),
        (grant(Role.ADMINISTRATOR, "home"), "territories/town", "NOT_PERMITTED"),
        (grant(Role.ADMINISTRATOR, "home", PAST), "meters/m", "NOT_PERMITTED"),
        (grant(Role.HOUSEHOLD, "home", PAST), "meters/m", "allowed"),
    ],
)
async def test_the_resource_scope_needs_a_grant_that_covers_it(held: Grant, resource: str, result: str) -> None:
    assert await decision(permission(Scope.RESOURCE, Role.HOUSEHOLD, Role.ADMINISTRATOR), held, resource=resource) == result


async def test_a_resource_must_be_named() -> None:
    assert await decision(permission(Scope.RESOURCE, Role.HOUSEHOLD), grant(Role.HOUSEHOLD, "home")) == InvalidRequest.reason


@pytest.mark.parametrize(
    ("validity", "at"),
    [
        (Validity(), NOW),
        (PAST, NOW - timedelta(days=30, microseconds=1)),
        (COMING, NOW + timedelta(days=30)),
    ],
)
async def test_a_former_tenant_is_asked_about_at_its_own_time(validity: Validity, at: datetime) -> None:
    places = Places()
    held = grant(Role.HOUSEHOLD, "home", validity)
    assert await decision(permission(Scope.RESOURCE, Role.HOUSEHOLD), held, resource="meters/m", places=places) == "allowed"
    assert places.asked == [at]


async def test_a_token_for_no_territory_covers_no_place() -> None:
    caller = Caller(subject="people/jo", territory=None, grants=(grant(Role.HOUSEHOLD, "home"),))
    assert await decision(permission(Scope.RESOURCE, Role.HOUSEHOLD), caller=caller, resource="meters/m") == NotPermitted.reason


@pytest.mark.parametrize(
    ("roles", "held", "person", "result"),
    [
        ([Role.PUBLIC], [], "people/jo", "allowed"),
        ([Role.PUBLIC], [], "people/ann", "NOT_PERMITTED"),
        ([Role.HOUSEHOLD], [], "people/jo", "NOT_PERMITTED"),
        ([Role.HOUSEHOLD], [grant(Role.HOUSEHOLD, "home", PAST)], "people/jo", "allowed"),
        ([Role.PUBLIC, Role.ADMINISTRATOR], [grant(Role.ADMINISTRATOR)], "people/ann", "allowed"),
        ([Role.PUBLIC, Role.ADMINISTRATOR], [grant(Role.ADMINISTRATOR, "home")], "people/ann", "NOT_PERMITTED"),
        ([Role.PUBLIC], [grant(Role.ADMINISTRATOR)], "people/ann", "NOT_PERMITTED"),
    ],
)
async def test_the_self_scope_is_for_the_person_and_declared_administrators(
    roles: list[Role], held: list[Grant], person: str, result: str
) -> None:
    assert await decision(permission(Scope.SELF, *roles), *held, resource=person) == result


@pytest.mark.parametrize(("held", "result"), [([grant(Role.HOUSEHOLD, "home")], "allowed"), ([], "NOT_PERMITTED")])
async def test_the_cut_scope_takes_any_grant_of_the_roles(held: list[Grant], result: str) -> None:
    assert await decision(permission(Scope.CUT, Role.HOUSEHOLD), *held) == result


async def test_whoever_is_signed_in_is_the_public() -> None:
    assert await decision(permission(Scope.CUT, Role.PUBLIC)) == "allowed"


def test_declarations_are_read_from_the_contract() -> None:
    declared = permission_of("/multiflux.access.v1.AccessService/UpdatePerson")
    assert declared is not None
    assert (declared.scope, declared.resource_field, declared.changes) == (Scope.SELF, "person.name", True)
    assert Role.ADMINISTRATOR in declared.roles


@pytest.mark.parametrize(
    "method", ["/multiflux.access.v1.AccessService/Missing", "/missing.Service/Method", "/grpc.health.v1.Health/Check", "", "/"]
)
def test_what_is_not_declared_has_no_permission(method: str) -> None:
    assert permission_of(method) is None


def test_a_resource_is_found_by_its_path() -> None:
    request = access_service_pb2.UpdatePersonRequest()
    request.person.name = "people/jo"
    assert resource_in(request, "person.name") == "people/jo"
    for path in ("person.nothing", "nothing"):
        with pytest.raises(InvalidRequest):
            resource_in(request, path)
