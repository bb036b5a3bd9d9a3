"""Where tokens come from: exchanged once for many calls, again before they expire, and verified with the keys that access shows."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from joserfc.jwk import KeySet, OKPKey

from multiflux.access.v1 import access_service_pb2 as pb
from multiflux.access.v1.access_service_pb2_grpc import AccessServiceServicer, add_AccessServiceServicer_to_server
from multiflux_client.access import AccessClient, InternalToken, RefreshToken, ServiceSecret, SubjectToken
from multiflux_client.channel import Connection, Target
from multiflux_client.credentials import ExchangedTokens, ServiceIdentity, SigningKeys, SigningKeysAway
from multiflux_client.failures import RemoteFailure
from runtime.call import Caller
from runtime.tokens import KeySource, TokenInvalid, TokenVerifier, sign_token
from vocabulary.failure import Kind
from vocabulary.names import TerritoryId

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
TOWN = TerritoryId("town")


class Clock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


class Access(AccessServiceServicer):
    """An access service that hands out numbered tokens of five minutes, and can be away."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.exchanged: list[str] = []
        self.away = False
        self.keys = KeySet([])

    async def ExchangeToken(self, request: Any, context: Any) -> pb.ExchangeTokenResponse:  # noqa: N802
        if self.away:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        self.exchanged.append(request.subject_token or request.refresh_token or request.territory or "everywhere")
        number = len(self.exchanged)
        expires = Timestamp()
        expires.FromDatetime(self.clock.now() + timedelta(minutes=5))
        refresh = "" if request.WhichOneof("credential") == "service" else f"refresh-{number}"
        return pb.ExchangeTokenResponse(token=f"token-{number}", expire_time=expires, refresh_token=refresh, subject="people/ada")

    async def GetSigningKeys(self, request: Any, context: Any) -> pb.GetSigningKeysResponse:  # noqa: ARG002, N802
        if self.away:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        return pb.GetSigningKeysResponse(jwks_json=json.dumps(self.keys.as_dict(private=False)))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(clock: Clock) -> Access:
    return Access(clock)  # pyright: ignore[reportAbstractUsage]  # the rest is not called


@pytest.fixture
async def client(access: Access) -> AsyncIterator[AccessClient]:
    server = grpc.aio.server()
    add_AccessServiceServicer_to_server(access, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with Connection.open(Target(address=f"127.0.0.1:{port}"), deadline_s=2) as connection:
        yield AccessClient(connection)
    await server.stop(None)


def session(client: AccessClient, clock: Clock, kept: list[InternalToken] | None = None) -> ExchangedTokens:
    return ExchangedTokens(client, SubjectToken(token="oidc"), territory=TOWN, now=clock.now, keep=None if kept is None else kept.append)


async def test_concurrent_calls_share_one_exchange(access: Access, client: AccessClient, clock: Clock) -> None:
    tokens = session(client, clock)
    assert set(await asyncio.gather(*(tokens.token() for _ in range(20)))) == {"token-1"}
    assert access.exchanged == ["oidc"]


async def test_a_token_is_renewed_before_it_expires_and_each_refresh_token_is_used_once(
    access: Access, client: AccessClient, clock: Clock
) -> None:
    kept: list[InternalToken] = []
    tokens = session(client, clock, kept)
    given: list[str] = []
    for _ in range(3):
        given.append(await tokens.token())
        clock.at += timedelta(minutes=4, seconds=1)
    assert given == ["token-1", "token-2", "token-3"]
    assert access.exchanged == ["oidc", "refresh-1", "refresh-2"]
    assert [token.refresh_token for token in kept] == ["refresh-1", "refresh-2", "refresh-3"]


async def test_a_token_can_be_renewed_at_once_because_more_was_granted(access: Access, client: AccessClient, clock: Clock) -> None:
    tokens = session(client, clock)
    assert await tokens.token() == "token-1"
    await tokens.renew()
    assert await tokens.token() == "token-2"
    assert access.exchanged == ["oidc", "refresh-1"]


async def test_what_is_held_serves_until_it_really_expires_while_access_is_away(access: Access, client: AccessClient, clock: Clock) -> None:
    tokens = session(client, clock)
    await tokens.token()
    access.away = True
    clock.at += timedelta(minutes=4, seconds=30)
    assert await tokens.token() == "token-1"
    clock.at += timedelta(minutes=1)
    with pytest.raises(RemoteFailure) as caught:
        await tokens.token()
    assert caught.value.away


async def test_a_session_can_go_on_from_what_was_kept(access: Access, client: AccessClient, clock: Clock) -> None:
    held = InternalToken(token="held", expires=NOW + timedelta(minutes=3), refresh_token="r", subject="people/ada", grants=())
    tokens = ExchangedTokens(client, RefreshToken(token="r"), territory=TOWN, held=held, now=clock.now)
    assert await tokens.token() == "held"
    assert access.exchanged == []


async def test_a_service_has_a_token_for_each_territory_and_one_for_all(access: Access, client: AccessClient, clock: Clock) -> None:
    identity = ServiceIdentity(client, ServiceSecret(service="metering", secret="s"), now=clock.now)
    for territory in (None, TOWN, TerritoryId("other"), TOWN, None):
        await identity.tokens(territory).token()
    assert access.exchanged == ["everywhere", "territories/town", "territories/other"]


async def test_the_keys_serve_the_verifier_of_the_services_over_a_rotation(access: Access, client: AccessClient, clock: Clock) -> None:
    keys: KeySource = SigningKeys(client)
    verifier = TokenVerifier(keys, clock)
    caller = Caller(subject="people/ada", territory=TOWN)
    for number in range(2):
        key = OKPKey.generate_key("Ed25519", parameters={"kid": f"key-{number}"}, private=True)
        access.keys = KeySet([*access.keys.keys, key])
        assert (await verifier.verify(sign_token(caller, key=key, lifetime_s=300, now=clock.now()))).subject == "people/ada"
        clock.at += timedelta(seconds=30)


async def test_a_token_of_a_key_that_access_does_not_show_is_refused(access: Access, client: AccessClient, clock: Clock) -> None:
    access.keys = KeySet([OKPKey.generate_key("Ed25519", parameters={"kid": "known"}, private=True)])
    foreign = OKPKey.generate_key("Ed25519", parameters={"kid": "foreign"}, private=True)
    token = sign_token(Caller(subject="people/eve", territory=TOWN), key=foreign, lifetime_s=300, now=clock.now())
    with pytest.raises(TokenInvalid):
        await TokenVerifier(SigningKeys(client), clock).verify(token)


async def test_while_access_is_away_the_verifier_says_try_later_and_the_known_keys_stay(
    access: Access, client: AccessClient, clock: Clock
) -> None:
    key = OKPKey.generate_key("Ed25519", parameters={"kid": "known"}, private=True)
    access.keys = KeySet([key])
    keys = SigningKeys(client)
    await keys.refresh()
    access.away = True
    with pytest.raises(SigningKeysAway) as caught:
        await keys.refresh()
    assert caught.value.kind is Kind.BUSY
    token = sign_token(Caller(subject="people/ada", territory=TOWN), key=key, lifetime_s=300, now=clock.now())
    assert (await TokenVerifier(keys, clock).verify(token)).territory == TOWN
