"""Tokens and what they grant."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import unquote

from access.wire.names import place_to_proto, territory_from_proto
from multiflux.access.v1 import access_service_pb2 as pb
from runtime.call import Caller, Grant
from vocabulary.failure import Failure, Kind, invalid
from vocabulary.names import TerritoryId
from wire.instants import optional_instant_to_proto
from wire.intervals import validity_to_proto
from wire.words import role_to_proto

_PURPOSE = re.compile(r"[a-z0-9-]{0,63}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchanged:
    """A signed token, what it says, and the refresh token for the next exchange; empty for services."""

    token: str
    caller: Caller
    refresh_token: str


class CredentialMissing(Failure):
    """An exchange needs a credential."""

    reason, kind = "CREDENTIAL_MISSING", Kind.UNAUTHENTICATED


def purpose_from_proto(request: pb.ExchangeTokenRequest) -> str:
    """Return what the token is for; InvalidRequest."""
    if not _PURPOSE.fullmatch(request.purpose):
        raise invalid("purpose", "must be up to 63 of a–z, 0–9 and hyphen")
    return request.purpose


def asked_territory(request: pb.ExchangeTokenRequest) -> TerritoryId:
    """Return the territory to act in, which everybody but a service must name; InvalidRequest."""
    return territory_from_proto(request.territory, "territory")


def optional_territory(request: pb.ExchangeTokenRequest) -> TerritoryId | None:
    """Return the territory to act in, None for all; InvalidRequest."""
    return asked_territory(request) if request.territory else None


def exchanged_to_proto(exchanged: Exchanged) -> pb.ExchangeTokenResponse:
    """Return a signed token with what it says."""
    return pb.ExchangeTokenResponse(
        token=exchanged.token,
        expire_time=optional_instant_to_proto(exchanged.caller.expires),
        refresh_token=exchanged.refresh_token,
        subject=exchanged.caller.subject,
        grants=[_grant(grant) for grant in exchanged.caller.grants],
    )


def is_on_this_machine(peer: str) -> bool:
    """Tell whether a gRPC peer, such as `ipv4:127.0.0.1:4711`, is a process of this machine."""
    scheme, _, address = unquote(peer).partition(":")
    if scheme == "unix":
        return True
    try:
        return ip_address(address.rpartition(":")[0].strip("[]")).is_loopback
    except ValueError:
        return False


def service_from_proto(credential: pb.ServiceCredential) -> str:
    """Return the id in `services/{service}`, empty when it is none: whoever has no good name is refused like one with a wrong secret."""
    collection, _, service = credential.service.partition("/")
    return service if collection == "services" else ""


def _grant(grant: Grant) -> pb.TokenGrant:
    return pb.TokenGrant(role=role_to_proto(grant.role), place=place_to_proto(grant.place), validity=validity_to_proto(grant.validity))
