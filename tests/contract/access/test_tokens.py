"""Tokens: exchanged once, refreshed, ended; and the keys that sign them."""

import base64
import json
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from access_world import DEMO, OTHER, World, first, request_id

from access.domain.ids import PLATFORM
from access.settings import AccessSettings
from multiflux.access.v1 import access_service_pb2 as pb
from multiflux_client.access import RefreshToken, ServiceSecret, SubjectToken
from multiflux_client.failures import RemoteFailure
from runtime.call import Grant
from vocabulary.names import PersonId, TerritoryId
from vocabulary.role import Role


def reason(raised: pytest.ExceptionInfo[RemoteFailure]) -> str:
    return raised.value.reason


async def test_a_local_sign_in_gives_a_token_of_five_minutes_with_the_persons_roles(world: World) -> None:
    given = await world.sign_in("administrator")
    assert given.subject == "people/administrator"
    assert {grant.role for grant in given.grants} == {Role.ADMINISTRATOR, Role.PUBLIC}
    assert timedelta(0) < given.expires - world.clock.now() <= timedelta(seconds=300)
    assert (await first(world.client(given.token).people())).id == "administrator"


async def test_a_token_serves_until_it_expires_and_not_longer(world: World) -> None:
    token = (await world.sign_in("administrator")).token
    world.clock.advance(timedelta(seconds=299))
    await world.client(token).people().page()
    world.clock.advance(timedelta(seconds=1))
    with pytest.raises(RemoteFailure) as raised:
        await world.client(token).people().page()
    assert reason(raised) == "TOKEN_EXPIRED"


async def test_a_subject_token_is_exchanged_once(world: World) -> None:
    subject = await world.client().sign_in_locally(PersonId("visitor"), DEMO)
    await world.client().exchange_token(subject, territory=DEMO)
    with pytest.raises(RemoteFailure) as raised:
        await world.client().exchange_token(subject, territory=DEMO)
    assert (reason(raised), raised.value.code) == ("TOKEN_REPLAYED", grpc.StatusCode.UNAUTHENTICATED)


async def test_a_refused_exchange_does_not_use_the_subject_token_up(world: World) -> None:
    subject = await world.client().sign_in_locally(PersonId("visitor"), DEMO)
    with pytest.raises(RemoteFailure) as raised:
        await world.client().exchange_token(subject, territory=OTHER)
    assert (reason(raised), raised.value.code) == ("SUBJECT_UNKNOWN", grpc.StatusCode.PERMISSION_DENIED)
    assert (await world.client().exchange_token(subject, territory=DEMO)).subject == "people/visitor"


async def test_a_subject_token_expires(world: World) -> None:
    subject = await world.client().sign_in_locally(PersonId("visitor"), DEMO)
    world.clock.advance(timedelta(seconds=61))
    with pytest.raises(RemoteFailure) as raised:
        await world.client().exchange_token(subject, territory=DEMO)
    assert reason(raised) == "SUBJECT_TOKEN_EXPIRED"


async def test_a_refresh_token_rotates_and_carries_the_session_on(world: World) -> None:
    first = await world.sign_in("household")
    world.clock.advance(timedelta(hours=2))
    second = await world.client().exchange_token(RefreshToken(token=first.refresh_token), territory=DEMO)
    assert second.subject == first.subject
    assert second.refresh_token not in ("", first.refresh_token)
    third = await world.client().exchange_token(RefreshToken(token=second.refresh_token), territory=DEMO)
    assert third.subject == first.subject


async def test_a_refresh_token_used_twice_ends_its_session(world: World) -> None:
    first = await world.sign_in("household")
    second = await world.client().exchange_token(RefreshToken(token=first.refresh_token), territory=DEMO)
    with pytest.raises(RemoteFailure) as raised:
        await world.client().exchange_token(RefreshToken(token=first.refresh_token), territory=DEMO)
    assert reason(raised) == "TOKEN_REPLAYED"
    with pytest.raises(RemoteFailure) as raised:
        await world.client().exchange_token(RefreshToken(token=second.refresh_token), territory=DEMO)
    assert reason(raised) == "REFRESH_TOKEN_INVALID"


async def test_a_session_ends_when_it_is_not_used_for_long(world: World) -> None:
    first = await world.sign_in("household")
    world.clock.advance(timedelta(hours=12))
    with pytest.raises(RemoteFailure) as raised:
        await world.client().exchange_token(RefreshToken(token=first.refresh_token), territory=DEMO)
    assert reason(raised) == "REFRESH_TOKEN_INVALID"


async def test_a_session_ends_after_its_longest_time_even_when_it_is_used(world: World) -> None:
    given = await world.sign_in("household")
    for _ in range(59):
        world.clock.advance(timedelta(hours=11, minutes=59))
        given = await world.client().exchange_token(RefreshToken(token=given.refresh_token), territory=DEMO)
    world.clock.advance(timedelta(hours=11, minutes=59))
    given = await world.client().exchange_token(RefreshToken(token=given.refresh_token), territory=DEMO)
    world.clock.advance(timedelta(hours=2))
    with pytest.raises(RemoteFailure) as raised:
        await world.client().exchange_token(RefreshToken(token=given.refresh_token), territory=DEMO)
    assert reason(raised) == "REFRESH_TOKEN_INVALID"


async def test_signing_out_ends_the_session_and_an_unknown_token_is_no_failure(world: World) -> None:
    given = await world.sign_in("household")
    await world.client().sign_out(given.refresh_token)
    await world.client().sign_out("never given")
    with pytest.raises(RemoteFailure) as raised:
        await world.client().exchange_token(RefreshToken(token=given.refresh_token), territory=DEMO)
    assert reason(raised) == "REFRESH_TOKEN_INVALID"


async def test_a_session_stays_in_its_territory(world: World) -> None:
    given = await world.sign_in("household")
    with pytest.raises(RemoteFailure) as raised:
        await world.client().exchange_token(RefreshToken(token=given.refresh_token), territory=OTHER)
    assert raised.value.violations[0].field == "territory"


async def test_a_grant_that_is_revoked_is_gone_from_the_next_token(world: World) -> None:
    given = await world.sign_in("lighting-operator")
    grants = [grant async for grant in world.administrator().grants(PersonId("lighting-operator"))]
    await world.administrator().revoke_grant(grants[0].id)
    given = await world.client().exchange_token(RefreshToken(token=given.refresh_token), territory=DEMO)
    assert {grant.role for grant in given.grants} == {Role.PUBLIC}


async def test_an_operator_of_the_platform_acts_in_any_territory_with_that_role_alone(world: World) -> None:
    for territory in (PLATFORM, DEMO, TerritoryId("brand-new")):
        given = await world.sign_in("platform-operator", territory, home=PLATFORM)
        assert [(grant.role, grant.place) for grant in given.grants] == [(Role.PLATFORM_OPERATOR, None)]
    again = await world.client().exchange_token(RefreshToken(token=given.refresh_token), territory=DEMO)
    assert [grant.role for grant in again.grants] == [Role.PLATFORM_OPERATOR]


async def test_a_service_exchanges_its_secret_for_one_territory_or_all(world: World) -> None:
    secret = (world.settings.data_directory / "secrets" / "metering").read_text()
    for territory in (DEMO, None):
        given = await world.client().exchange_token(ServiceSecret(service="metering", secret=secret), territory=territory)
        assert (given.subject, given.refresh_token) == ("services/metering", "")
        assert [grant.role for grant in given.grants] == [Role.SERVICE]


@pytest.mark.parametrize("service", ["metering", "forecast", "nobody", ""])
async def test_a_service_with_another_secret_is_refused(world: World, service: str) -> None:
    secret = (world.settings.data_directory / "secrets" / "dashboard").read_text()
    for wrong in (secret, "", "x" * 43):
        with pytest.raises(RemoteFailure) as raised:
            await world.client().exchange_token(ServiceSecret(service=service, secret=wrong))
        assert reason(raised) == "SERVICE_SECRET_INVALID"


async def test_an_exchange_without_a_credential_or_a_territory_is_refused(world: World) -> None:
    assert (await world.refused("ExchangeToken", pb.ExchangeTokenRequest(territory="territories/demo"))).reason == "CREDENTIAL_MISSING"
    subject = await world.client().sign_in_locally(PersonId("visitor"), DEMO)
    refused = await world.refused("ExchangeToken", pb.ExchangeTokenRequest(subject_token=subject.token))
    assert [violation.field for violation in refused.violations] == ["territory"]
    refused = await world.refused(
        "ExchangeToken", pb.ExchangeTokenRequest(territory="territories/demo", subject_token=subject.token, purpose="Über")
    )
    assert [violation.field for violation in refused.violations] == ["purpose"]


async def test_only_people_with_a_local_account_sign_in_locally(world: World) -> None:
    with pytest.raises(RemoteFailure) as raised:
        await world.client().sign_in_locally(PersonId("nobody"), DEMO)
    assert reason(raised) == "NOT_A_LOCAL_PERSON"


async def test_from_another_machine_only_a_service_signs_demo_people_in(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("access.wire.entry.is_on_this_machine", lambda _peer: False)
    secret = (world.settings.data_directory / "secrets" / "dashboard").read_text()
    for service in (None, ServiceSecret(service="dashboard", secret="x" * 43), ServiceSecret(service="nobody", secret="")):
        with pytest.raises(RemoteFailure) as raised:
            await world.client().sign_in_locally(PersonId("visitor"), DEMO, service=service)
        assert reason(raised) == "LOCAL_ISSUER_OFF"
    subject = await world.client().sign_in_locally(PersonId("visitor"), DEMO, service=ServiceSecret(service="dashboard", secret=secret))
    assert (await world.client().exchange_token(subject, territory=DEMO)).subject == "people/visitor"


async def test_service_secrets_may_lie_in_a_folder_that_is_given(tmp_path: Path) -> None:
    settings = AccessSettings(data_directory=tmp_path / "data", service_secrets=tmp_path / "given")
    assert settings.service_secrets_directory == tmp_path / "given"
    assert AccessSettings(data_directory=tmp_path).service_secrets_directory == tmp_path / "secrets"


async def test_secrets_and_keys_are_readable_by_their_owner_alone(world: World) -> None:
    files = [file for file in (world.settings.data_directory / "secrets").rglob("*") if file.is_file()]
    assert len(files) >= 4
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


async def test_the_published_keys_hold_nothing_private(world: World) -> None:
    keys = json.loads(await world.client().signing_keys())["keys"]
    assert len(keys) == 1
    assert "d" not in keys[0]


async def test_after_a_rotation_the_former_key_verifies_until_its_last_token_expired(world: World) -> None:
    token = (await world.sign_in("administrator")).token
    operator = world.client(world.token("people/platform-operator", Grant(role=Role.PLATFORM_OPERATOR, place=None), territory=PLATFORM))
    rotated = await operator.rotate_signing_key()
    assert rotated.former_key_expires >= world.clock.now() + timedelta(seconds=300)
    assert len(json.loads(await world.client().signing_keys())["keys"]) == 2
    await world.client(token).people().page()
    fresh = await world.sign_in("administrator")
    assert json.loads(_header(fresh.token))["kid"] == rotated.key_id
    world.clock.at = rotated.former_key_expires
    assert [key["kid"] for key in json.loads(await world.client().signing_keys())["keys"]] == [rotated.key_id]


async def test_a_repeated_rotation_rotates_once_and_leaves_one_private_key(world: World) -> None:
    token = world.token("people/platform-operator", Grant(role=Role.PLATFORM_OPERATOR, place=None), territory=PLATFORM)
    request = pb.RotateSigningKeyRequest(request_id=request_id())
    first, second = await world.call("RotateSigningKey", request, token), await world.call("RotateSigningKey", request, token)
    assert first == second
    files = [file.stem for file in (world.settings.data_directory / "secrets" / "signing").iterdir()]
    assert files == [first.key_id]
    assert (await world.sign_in("visitor")).subject == "people/visitor"


def _header(token: str) -> bytes:
    part = token.partition(".")[0]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


async def test_a_subject_token_is_bound_to_nothing_but_itself(world: World) -> None:
    with pytest.raises(RemoteFailure) as raised:
        await world.client().exchange_token(SubjectToken(token="not.a.token"), territory=DEMO)
    assert reason(raised) == "SUBJECT_TOKEN_INVALID"
