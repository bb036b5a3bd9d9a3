"""Signing in with a real OIDC issuer over HTTP: discovery, keys, rotation, and everything that an ID token can have wrong."""

import base64
import hmac
import json
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from access_world import World, access_world, first
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from multiflux.access.v1 import access_service_pb2 as pb
from multiflux_client.people import Identity, Person
from vocabulary.role import Role

AUDIENCE = "multiflux-client"
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Issuer:
    """An OIDC issuer on this machine."""

    def __init__(self) -> None:
        self.keys: list[Any] = [
            rsa("rsa-1"),
            ECKey.generate_key("P-256", {"kid": "ec-1"}),
            OKPKey.generate_key("Ed25519", {"kid": "okp-1"}),
        ]
        self.asked: list[str] = []
        self.speaks_for = ""
        self.up = True
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                documents = {
                    "/.well-known/openid-configuration": {"issuer": issuer.speaks_for or issuer.url, "jwks_uri": f"{issuer.url}/keys"},
                    "/keys": {"keys": [{**key.as_dict(private=False), "use": "sig"} for key in issuer.keys]},
                }
                body = json.dumps(documents.get(self.path, {})).encode()
                self.send_response(200 if issuer.up and self.path in documents else 503)
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that the class gives it
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def token(self, world: World, key: Any = None, algorithm: str = "RS256", **claims: Any) -> str:
        now = int(world.clock.now().timestamp())
        default = {"iss": self.url, "aud": AUDIENCE, "sub": "abc", "iat": now, "exp": now + 600, "jti": str(uuid4())}
        said = {name: value for name, value in {**default, **claims}.items() if value is not None}
        key = key or self.keys[0]
        return jwt.encode({"alg": algorithm, "kid": key.kid}, said, key, algorithms=[algorithm])


def rsa(kid: str, bits: int = 2048) -> Any:
    return RSAKey.generate_key(bits, {"kid": kid})


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    yield issuer
    issuer.stop()


@pytest_asyncio.fixture
async def world(issuer: Issuer, tmp_path: Path, clock: Any) -> AsyncIterator[World]:
    settings = {"issuer": issuer.url, "audience": AUDIENCE, "operators": "boss"}
    async with access_world(f"sqlite:///{tmp_path}/access.sqlite", tmp_path, clock, settings=settings) as world:
        person = Person(display_name="Zoé", identities=(Identity(issuer=issuer.url, subject="abc"),))
        await world.administrator().create_person(person, person_id="zoe")
        yield world


def exchange(token: str, territory: str = "demo") -> pb.ExchangeTokenRequest:
    return pb.ExchangeTokenRequest(territory=f"territories/{territory}", subject_token=token)


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize(("number", "algorithm"), [(0, "RS256"), (1, "ES256"), (2, "EdDSA"), (2, "Ed25519")])
async def test_an_id_token_signs_in_whatever_the_issuer_signs_with(world: World, issuer: Issuer, number: int, algorithm: str) -> None:
    token = issuer.token(world, issuer.keys[number], algorithm)
    answer = await world.call("ExchangeToken", exchange(token))
    assert answer.subject == "people/zoe"
    assert (await world.refused("ExchangeToken", exchange(token))).reason == "TOKEN_REPLAYED"


WRONG: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "http://127.0.0.1:1"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "someone-else"},
    "no audience": {"aud": None},
    "among several audiences without a party": {"aud": [AUDIENCE, "someone-else"]},
    "for another party": {"aud": [AUDIENCE, "someone-else"], "azp": "someone-else"},
    "no subject": {"sub": ""},
    "subject is a number": {"sub": 7},
    "no expiry": {"exp": None},
    "no issue time": {"iat": None},
    "expiry is text": {"exp": "tomorrow"},
    "from the future": {"iat": 4_000_000_000, "exp": 4_000_000_600},
    "not yet": {"nbf": 4_000_000_000},
    "lives for years": {"exp": 4_000_000_000},
    "endless": {"exp": 10**30},
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_an_id_token_that_says_something_wrong_is_refused(world: World, issuer: Issuer, wrong: str) -> None:
    assert (await world.refused("ExchangeToken", exchange(issuer.token(world, **WRONG[wrong])))).reason == "SUBJECT_TOKEN_INVALID"


async def test_a_token_for_several_parties_says_for_which_it_was_made(world: World, issuer: Issuer) -> None:
    token = issuer.token(world, aud=[AUDIENCE, "someone-else"], azp=AUDIENCE)
    assert (await world.call("ExchangeToken", exchange(token))).subject == "people/zoe"


async def test_an_expired_id_token_is_refused(world: World, issuer: Issuer) -> None:
    token = issuer.token(world)
    world.clock.advance(timedelta(seconds=600))
    assert (await world.refused("ExchangeToken", exchange(token))).reason == "SUBJECT_TOKEN_EXPIRED"


async def test_a_token_of_a_foreign_issuer_with_the_same_key_id_is_refused(world: World, issuer: Issuer) -> None:
    assert (await world.refused("ExchangeToken", exchange(issuer.token(world, rsa("rsa-1"))))).reason == "SUBJECT_TOKEN_INVALID"


async def test_the_public_key_is_no_secret(world: World, issuer: Issuer) -> None:
    for secret in (json.dumps(issuer.keys[0].as_dict(private=False)).encode(), issuer.keys[0].as_pem(private=False)):
        try:
            key = OctKey.import_key(secret, {"kid": "rsa-1"})
        except ValueError:
            # The library refuses to take a PEM for a secret: then it is signed by hand.
            key = None
        token = issuer.token(world, key, "HS256") if key is not None else _hs256_by_hand(issuer.token(world), secret)
        assert (await world.refused("ExchangeToken", exchange(token))).reason == "SUBJECT_TOKEN_INVALID"


async def test_a_key_does_not_decide_how_it_is_used(world: World, issuer: Issuer) -> None:
    token = issuer.token(world, issuer.keys[1], "ES256")
    header = _encoded({"alg": "RS256", "kid": "ec-1"})
    assert (await world.refused("ExchangeToken", exchange(".".join([header, *token.split(".")[1:]])))).reason == "SUBJECT_TOKEN_INVALID"


async def test_the_other_good_signature_of_an_ecdsa_token_is_a_replay(world: World, issuer: Issuer) -> None:
    """For each ECDSA signature (r, s) there is another good one, (r, n - s): the token is the same."""
    token = issuer.token(world, issuer.keys[1], "ES256")
    content, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    twin = r.to_bytes(32) + (P256_ORDER - s).to_bytes(32)
    assert decode_dss_signature(encode_dss_signature(r, P256_ORDER - s)) == (r, P256_ORDER - s)
    await world.call("ExchangeToken", exchange(token))
    other = f"{content}.{base64.urlsafe_b64encode(twin).rstrip(b'=').decode()}"
    assert (await world.refused("ExchangeToken", exchange(other))).reason == "TOKEN_REPLAYED"


async def test_keys_are_fetched_once_and_again_when_the_issuer_signs_with_a_new_one(world: World, issuer: Issuer) -> None:
    await world.call("ExchangeToken", exchange(issuer.token(world)))
    await world.call("ExchangeToken", exchange(issuer.token(world)))
    assert issuer.asked.count("/keys") == 1
    old = issuer.keys[0]
    issuer.keys = [rsa("rsa-2")]
    world.clock.advance(timedelta(seconds=31))
    assert (await world.call("ExchangeToken", exchange(issuer.token(world)))).subject == "people/zoe"
    assert issuer.asked.count("/keys") == 2
    assert (await world.refused("ExchangeToken", exchange(issuer.token(world, old)))).reason == "SUBJECT_TOKEN_INVALID"


async def test_a_key_that_the_issuer_took_back_is_trusted_for_minutes_only(world: World, issuer: Issuer) -> None:
    await world.call("ExchangeToken", exchange(issuer.token(world)))
    withdrawn = issuer.keys.pop(0)
    world.clock.advance(timedelta(minutes=16))
    assert (await world.refused("ExchangeToken", exchange(issuer.token(world, withdrawn)))).reason == "SUBJECT_TOKEN_INVALID"


async def test_unknown_key_ids_do_not_make_us_ask_the_issuer_each_time(world: World, issuer: Issuer) -> None:
    for _ in range(10):
        await world.refused(
            "ExchangeToken", exchange(issuer.token(world, OKPKey.generate_key("Ed25519", {"kid": str(uuid4())}), "Ed25519"))
        )
    assert issuer.asked.count("/keys") == 1


async def test_an_issuer_that_is_away_is_a_busy_part_and_its_known_keys_serve_for_a_day(world: World, issuer: Issuer) -> None:
    issuer.up = False
    assert (await world.refused("ExchangeToken", exchange(issuer.token(world)))).reason == "ISSUER_AWAY"
    issuer.up = True
    world.clock.advance(timedelta(seconds=31))
    await world.call("ExchangeToken", exchange(issuer.token(world)))
    issuer.up = False
    world.clock.advance(timedelta(hours=23))
    await world.call("ExchangeToken", exchange(issuer.token(world)))
    world.clock.advance(timedelta(hours=2))
    assert (await world.refused("ExchangeToken", exchange(issuer.token(world)))).reason == "ISSUER_AWAY"


async def test_a_discovery_document_that_speaks_for_another_issuer_is_not_believed(world: World, issuer: Issuer) -> None:
    issuer.speaks_for = "https://elsewhere.example"
    assert (await world.refused("ExchangeToken", exchange(issuer.token(world)))).reason == "ISSUER_AWAY"
    assert "/keys" not in issuer.asked


@pytest.mark.filterwarnings("ignore:Key size should be")
async def test_a_weak_key_verifies_nothing(world: World, issuer: Issuer) -> None:
    issuer.keys = [rsa("weak", 1024)]
    token = issuer.token(world)
    assert (await world.refused("ExchangeToken", exchange(token))).reason == "SUBJECT_TOKEN_INVALID"


async def test_with_an_issuer_nobody_signs_in_locally_and_there_are_no_demo_people(world: World) -> None:
    request = pb.SignInLocallyRequest(person="people/zoe", territory="territories/demo")
    assert (await world.refused("SignInLocally", request)).reason == "LOCAL_ISSUER_OFF"
    assert [person.id async for person in world.administrator().people()] == ["zoe"]


async def test_an_unknown_account_is_refused_by_default(world: World, issuer: Issuer) -> None:
    assert (await world.refused("ExchangeToken", exchange(issuer.token(world, sub="stranger")))).reason == "SUBJECT_UNKNOWN"


async def test_an_account_in_the_settings_operates_the_platform(world: World, issuer: Issuer) -> None:
    answer = await world.call("ExchangeToken", exchange(issuer.token(world, sub="boss"), "wherever"))
    assert answer.subject.startswith("people/platform-")
    assert [grant.role for grant in answer.grants] == [Role.PLATFORM_OPERATOR.value]


async def test_with_admission_an_unknown_account_becomes_a_person_without_any_role(issuer: Issuer, tmp_path: Path, clock: Any) -> None:
    settings = {"issuer": issuer.url, "audience": AUDIENCE, "admit_unknown": True}
    async with access_world(f"sqlite:///{tmp_path}/access.sqlite", tmp_path, clock, settings=settings) as world:
        token = issuer.token(world, sub="stranger", name="Sacha", email="sacha@example.org", email_verified=False)
        answer = await world.call("ExchangeToken", exchange(token))
        assert [grant.role for grant in answer.grants] == [Role.PUBLIC.value]
        person = await first(world.administrator().people())
        assert (f"people/{person.id}", person.display_name, person.email) == (answer.subject, "Sacha", "")
        again = await world.call("ExchangeToken", exchange(issuer.token(world, sub="stranger")))
        assert again.subject == answer.subject
        unknown = exchange(issuer.token(world, sub="stranger"), "no-such-territory")
        assert (await world.refused("ExchangeToken", unknown)).reason == "SUBJECT_UNKNOWN"
        entries = [one async for one in world.administrator().audit_entries(subject=answer.subject)]
        assert entries
        assert {one.actor for one in entries} == {answer.subject}


async def test_sessions_of_the_local_issuer_end_when_an_oidc_issuer_is_configured(issuer: Issuer, tmp_path: Path, clock: Any) -> None:
    url = f"sqlite:///{tmp_path}/access.sqlite"
    async with access_world(url, tmp_path, clock) as before:
        session = await before.sign_in("administrator")
    async with access_world(url, tmp_path, clock, settings={"issuer": issuer.url, "audience": AUDIENCE}) as after:
        request = pb.ExchangeTokenRequest(territory="territories/demo", refresh_token=session.refresh_token)
        assert (await after.refused("ExchangeToken", request)).reason == "REFRESH_TOKEN_INVALID"


async def test_an_operator_who_leaves_the_settings_signs_in_no_more(issuer: Issuer, tmp_path: Path, clock: Any) -> None:
    url = f"sqlite:///{tmp_path}/access.sqlite"
    trusted = {"issuer": issuer.url, "audience": AUDIENCE}
    async with access_world(url, tmp_path, clock, settings={**trusted, "operators": "boss"}) as world:
        session = await world.call("ExchangeToken", exchange(issuer.token(world, sub="boss")))
    async with access_world(url, tmp_path, clock, settings={**trusted, "operators": "other"}) as world:
        request = pb.ExchangeTokenRequest(territory="territories/demo", refresh_token=session.refresh_token)
        assert (await world.refused("ExchangeToken", request)).reason == "REFRESH_TOKEN_INVALID"
        assert (await world.refused("ExchangeToken", exchange(issuer.token(world, sub="boss")))).reason == "SUBJECT_UNKNOWN"
        await world.call("ExchangeToken", exchange(issuer.token(world, sub="other")))
    async with access_world(url, tmp_path, clock, settings={**trusted, "operators": "boss"}) as world:
        assert (await world.call("ExchangeToken", exchange(issuer.token(world, sub="boss")))).subject == session.subject


def _encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def _hs256_by_hand(token: str, secret: bytes) -> str:
    content = f"{_encoded({'alg': 'HS256', 'kid': 'rsa-1'})}.{token.split('.')[1]}"
    signature = base64.urlsafe_b64encode(hmac.digest(secret, content.encode(), "sha256")).rstrip(b"=").decode()
    return f"{content}.{signature}"
