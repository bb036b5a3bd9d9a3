"""Internal and subject tokens that nobody trustworthy made are refused, and each refusal is in the audit log."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from access_world import DEMO, World
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey

from access.adapters.secret_files import key_in
from access.domain.demo import LOCAL_ISSUER
from multiflux.access.v1 import access_service_pb2 as pb
from multiflux_client.people import Identity, Person
from runtime.call import Caller, Grant
from runtime.tokens import sign_token
from vocabulary.names import PersonId, TerritoryId
from vocabulary.role import Role

PLATFORM = TerritoryId("platform")
ADMINISTRATOR = Caller(subject="people/administrator", territory=DEMO, grants=(Grant(role=Role.ADMINISTRATOR, place=None),))


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def decoded(part: str) -> dict[str, Any]:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def signed_by_another_key(token: str, world: World) -> str:
    key = OKPKey.import_key(
        {**OKPKey.generate_key("Ed25519").as_dict(private=True), "kid": decoded(token.split(".", maxsplit=1)[0])["kid"]}
    )
    return sign_token(ADMINISTRATOR, key=key, lifetime_s=300, now=world.clock.now())


def without_signature(token: str, _world: World) -> str:
    header, claims, _ = token.split(".")
    return f"{encoded({**decoded(header), 'alg': 'none'})}.{claims}."


def with_the_old_signature(token: str, _world: World) -> str:
    header, claims, signature = token.split(".")
    return f"{header}.{encoded({**decoded(claims), 'sub': 'people/visitor'})}.{signature}"


def with_another_territory(token: str, _world: World) -> str:
    header, claims, signature = token.split(".")
    return f"{header}.{encoded({**decoded(claims), 'territory': 'other'})}.{signature}"


def with_the_public_key_as_secret(token: str, world: World) -> str:
    header, claims, _ = token.split(".")
    public = public_key(world)
    secret = OctKey.import_key(json.dumps(public))
    return jwt.encode({"alg": "HS256", "kid": decoded(header)["kid"]}, decoded(claims), secret, algorithms=["HS256"])


def with_the_raw_public_key_as_secret(token: str, world: World) -> str:
    header, claims, _ = token.split(".")
    secret = OctKey.import_key(base64.urlsafe_b64decode(public_key(world)["x"] + "="))
    return jwt.encode({"alg": "HS256", "kid": decoded(header)["kid"]}, decoded(claims), secret, algorithms=["HS256"])


def of_another_kind_of_key(token: str, _world: World) -> str:
    header, claims, _ = token.split(".")
    key = ECKey.generate_key("P-256")
    return jwt.encode({"alg": "ES256", "kid": decoded(header)["kid"]}, decoded(claims), key, algorithms=["ES256"])


def of_a_local_sign_in(_token: str, world: World) -> str:
    """A subject token is not an internal one."""
    key = key_in(world.settings.secrets_directory / "local-issuer.key")
    return sign_token(ADMINISTRATOR, key=key, lifetime_s=300, now=world.clock.now())


def with_its_own_key_inside(token: str, _world: World) -> str:
    key = OKPKey.generate_key("Ed25519", auto_kid=True)
    header = {"alg": "Ed25519", "kid": decoded(token.split(".", maxsplit=1)[0])["kid"], "jwk": key.as_dict(private=False)}
    return jwt.encode(header, decoded(token.split(".")[1]), key, algorithms=["Ed25519"])


FORGERIES = [
    signed_by_another_key,
    without_signature,
    with_the_old_signature,
    with_another_territory,
    with_the_public_key_as_secret,
    with_the_raw_public_key_as_secret,
    of_another_kind_of_key,
    of_a_local_sign_in,
    with_its_own_key_inside,
]


def public_key(world: World) -> dict[str, Any]:
    keys: Any = world.service.verifier._keys
    return json.loads(keys.jwks_json())["keys"][0]


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__)
async def test_a_forged_internal_token_is_refused_and_audited(world: World, forge: Callable[[str, World], str]) -> None:
    token = world.token("people/administrator", Grant(role=Role.ADMINISTRATOR, place=None))
    await world.call("ListPeople", pb.ListPeopleRequest(), token)
    assert (await world.refused("ListPeople", pb.ListPeopleRequest(), forge(token, world))).reason == "TOKEN_INVALID"
    assert await refusals_of_nobody(world) == ["TOKEN_INVALID"]


async def test_a_token_from_the_future_or_of_a_stranger_is_refused(world: World) -> None:
    now = world.clock.now()
    world.clock.at = now + timedelta(hours=1)
    early = world.token("people/administrator", Grant(role=Role.ADMINISTRATOR, place=None))
    world.clock.at = now
    assert (await world.refused("ListPeople", pb.ListPeopleRequest(), early)).reason == "TOKEN_INVALID"


def subject_header(token: str, **changes: Any) -> str:
    header, claims, signature = token.split(".")
    return f"{encoded({**decoded(header), **changes})}.{claims}.{signature}"


def subject_claims(token: str, **changes: Any) -> str:
    header, claims, signature = token.split(".")
    return f"{header}.{encoded({**decoded(claims), **changes})}.{signature}"


SUBJECT_FORGERIES: dict[str, Callable[[str], str]] = {
    "alg none": lambda token: subject_header(token, alg="none").rpartition(".")[0] + ".",
    "alg None": lambda token: subject_header(token, alg="None"),
    "alg HS256": lambda token: subject_header(token, alg="HS256"),
    "alg is a list": lambda token: subject_header(token, alg=["Ed25519"]),
    "kid is a number": lambda token: subject_header(token, kid=7),
    "unknown kid": lambda token: subject_header(token, kid="other"),
    "somebody else": lambda token: subject_claims(token, sub="demo/administrator"),
    "later": lambda token: subject_claims(token, exp=9_999_999_999),
    "no signature": lambda token: token.rpartition(".")[0] + ".",
    "no parts": lambda _token: "x",
    "empty": lambda _token: "",
    "huge": lambda token: token + "A" * 20_000,
    "header is a list": lambda token: ".".join([encoded([]), *token.split(".")[1:]]),
}


@pytest.mark.parametrize("forgery", SUBJECT_FORGERIES)
async def test_a_forged_subject_token_is_refused_and_audited(world: World, forgery: str) -> None:
    good = (await world.client().sign_in_locally(PersonId("visitor"), DEMO)).token
    request = pb.ExchangeTokenRequest(territory="territories/demo", subject_token=SUBJECT_FORGERIES[forgery](good))
    assert (await world.refused("ExchangeToken", request)).reason in ("SUBJECT_TOKEN_INVALID", "CREDENTIAL_MISSING")
    assert len(await refusals_of_nobody(world)) == 1
    request.subject_token = good
    assert (await world.call("ExchangeToken", request)).subject == "people/visitor"


async def test_an_internal_token_is_no_subject_token(world: World) -> None:
    token = world.token("people/administrator", Grant(role=Role.ADMINISTRATOR, place=None))
    request = pb.ExchangeTokenRequest(territory="territories/demo", subject_token=token)
    assert (await world.refused("ExchangeToken", request)).reason == "SUBJECT_TOKEN_INVALID"


async def test_a_replayed_subject_token_is_refused_and_audited(world: World) -> None:
    subject = (await world.client().sign_in_locally(PersonId("visitor"), DEMO)).token
    request = pb.ExchangeTokenRequest(territory="territories/demo", subject_token=subject)
    await world.call("ExchangeToken", request)
    assert (await world.refused("ExchangeToken", request)).reason == "TOKEN_REPLAYED"
    assert await refusals_of_nobody(world) == ["TOKEN_REPLAYED"]


async def test_the_local_issuer_signs_nobody_of_another_issuer_in(world: World) -> None:
    account = Identity(issuer="https://issuer.example", subject="abc")
    await world.administrator().create_person(Person(display_name="Zoé", identities=(account,)), person_id="zoe")
    request = pb.SignInLocallyRequest(person="people/zoe", territory="territories/demo")
    assert (await world.refused("SignInLocally", request)).reason == "NOT_A_LOCAL_PERSON"
    assert account.issuer != LOCAL_ISSUER


async def refusals_of_nobody(world: World) -> list[str]:
    operator = world.client(world.token("people/platform-x", Grant(role=Role.PLATFORM_OPERATOR, place=None), territory=PLATFORM))
    return [entry.reason async for entry in operator.audit_entries() if not entry.actor]
