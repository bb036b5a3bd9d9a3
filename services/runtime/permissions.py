"""Who may call what: the permission that a method declares, against the grants of the caller."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from typing import Protocol

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import Message

from multiflux.options.v1 import permission_pb2
from runtime.call import Call, Caller, Grant
from runtime.tokens import TokenMissing
from vocabulary.failure import Failure, Kind, invalid
from vocabulary.names import PlaceId, TerritoryId
from vocabulary.role import Role

_OUTLIVES_VALIDITY = frozenset({Role.HOUSEHOLD, Role.DELEGATE})
"""A former tenant still reads its own time there: the service cuts the answer to the grant's validity."""


class Scope(Enum):
    """Which places a caller's grant must cover."""

    OPEN = 1
    TERRITORY = 2
    RESOURCE = 3
    CUT = 4
    SELF = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Permission:
    """What a method declares: who may call it, for which places, and whether it changes something."""

    roles: frozenset[Role]
    scope: Scope
    resource_field: str
    changes: bool


class PermissionUndeclared(Failure):
    """The method declares no permission, so everybody is refused."""

    reason, kind = "PERMISSION_UNDECLARED", Kind.DENIED


class NotPermitted(Failure):
    """No grant of the caller allows the call; whether the resource exists is not told."""

    reason, kind = "NOT_PERMITTED", Kind.DENIED


class PlaceScopes(Protocol):
    """Knows which places lie in which."""

    async def covers(self, territory: TerritoryId, granted: PlaceId, resource: str, at: datetime) -> bool:
        """Tell whether `resource` (`places/x`, `meters/x`) lay in the granted place at the instant; False when it is unknown."""
        ...


class NoPlaces:
    """Covers nothing: for services whose methods name no place."""

    async def covers(self, territory: TerritoryId, granted: PlaceId, resource: str, at: datetime) -> bool:
        """Return False."""
        del territory, granted, resource, at
        return False


@cache
def permission_of(method: str) -> Permission | None:
    """Return what `/package.Service/Method` declares, None when it declares nothing; ValueError when the declaration makes no sense."""
    service, _, name = method.lstrip("/").partition("/")
    try:
        descriptor = descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]
    except KeyError:
        return None
    return _declared(descriptor)


def _declared(method: MethodDescriptor) -> Permission | None:
    option = method.GetOptions().Extensions[permission_pb2.permission]
    if option.scope == permission_pb2.SCOPE_UNSPECIFIED:
        return None
    scope = Scope(option.scope)
    needs_field = scope in {Scope.RESOURCE, Scope.SELF}
    if needs_field != bool(option.resource_field) or (needs_field and not _is_text(method.input_type, option.resource_field)):
        raise ValueError(f"{method.full_name}: {scope.name} and resource_field {option.resource_field!r} do not fit")
    return Permission(
        roles=frozenset(Role(role) for role in option.roles), scope=scope, resource_field=option.resource_field, changes=option.changes
    )


def _is_text(message: Descriptor | None, path: str) -> bool:
    """Tell whether the path leads through messages to a single text field."""
    first, _, rest = path.partition(".")
    field = message.fields_by_name.get(first) if message is not None else None
    if field is None or field.is_repeated:
        return False
    return _is_text(field.message_type, rest) if rest else field.type == field.TYPE_STRING


class PermissionCheck:
    """Decides whether a caller may make a call."""

    def __init__(self, scopes: PlaceScopes) -> None:
        """Resolve places with `scopes`."""
        self._scopes = scopes

    async def check(self, call: Call, permission: Permission | None, request: Message | None) -> None:
        """Return when the call is allowed; `request` is a stream's first request, None when it has none.

        Raises PermissionUndeclared, TokenMissing, NotPermitted, and InvalidRequest when the field that names the resource is empty.
        """
        if permission is None:
            raise PermissionUndeclared(f"{call.method} declares no permission", method=call.method)
        if permission.scope is Scope.OPEN:
            return
        if not call.caller.subject:
            raise TokenMissing(f"{call.method} needs a token", method=call.method)
        if not await self._allowed(call, permission, request):
            raise NotPermitted(f"{call.caller.subject} may not call {call.method} with this", method=call.method)

    async def _allowed(self, call: Call, permission: Permission, request: Message | None) -> bool:
        grants = [grant for grant in _held(call.caller) if grant.role in permission.roles and _counts(grant, call.at)]
        if not grants:
            return False
        match permission.scope:
            case Scope.TERRITORY:
                return any(grant.place is None for grant in grants)
            case Scope.SELF:
                # Nobody named is everybody: that is not the caller itself.
                person = named_in(request, permission.resource_field)
                return person == call.caller.subject or any(grant.role is Role.ADMINISTRATOR and grant.place is None for grant in grants)
            case Scope.RESOURCE:
                return await self._any_covers(call, grants, resource_in(request, permission.resource_field))
            case Scope.CUT | Scope.OPEN:
                return True

    async def _any_covers(self, call: Call, grants: list[Grant], resource: str) -> bool:
        territory = call.caller.territory
        if resource.startswith("territories/"):
            return resource == f"territories/{territory}" and any(grant.place is None for grant in grants)
        if any(grant.place is None for grant in grants):
            return True
        if territory is None:
            return False
        for grant in grants:
            if grant.place is not None and await self._scopes.covers(territory, grant.place, resource, _nearest(grant, call.at)):
                return True
        return False


def resource_in(request: Message | None, path: str) -> str:
    """Return the name in the field at `path`, such as `place.name`; an empty one is refused."""
    name = named_in(request, path)
    if not name:
        raise invalid(path, "is required")
    return name


def named_in(request: Message | None, path: str) -> str:
    """Return the name in the field at `path`, such as `place.name`, empty when there is none."""
    value: object = request
    for name in path.split("."):
        value = getattr(value, name, "")
    return value if isinstance(value, str) else ""


def _held(caller: Caller) -> tuple[Grant, ...]:
    """Return the caller's grants; whoever is signed in is also the public of its territory."""
    return (*caller.grants, Grant(role=Role.PUBLIC, place=None))


def _counts(grant: Grant, at: datetime) -> bool:
    return grant.role in _OUTLIVES_VALIDITY or grant.validity.contains(at)


def _nearest(grant: Grant, at: datetime) -> datetime:
    """Return the instant of the grant's validity that is nearest to `at`."""
    start, end = grant.validity.start, grant.validity.end
    if end is not None and at >= end:
        return end - timedelta(microseconds=1)
    return start if start is not None and at < start else at
