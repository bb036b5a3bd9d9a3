"""Internal tokens: whom they let in, and everything else."""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

from runtime.call import Caller, Grant
from runtime.tokens import TokenExpired, TokenInvalid, TokenVerifier, sign_token
from vocabulary.interval import Validity
from vocabulary.names import PlaceId, TerritoryId
from vocabulary.role import Role

KEY = OKPKey.generate_key("Ed25519", {"kid": "first"})
NEXT_KEY = OKPKey.generate_key("Ed25519", {"kid": "second"})
CALLER = Caller(
    subject="people/jo",
    territory=TerritoryId("town"),
    grants=(
        Grant(role=Role.ADMINISTRATOR, place=None),
        Grant(role=Role.HOUSEHOLD, place=PlaceId("home"), validity=Validity(start=datetime(2025, 3, 30, 1, 30, tzinfo=UTC))),
    ),
    purpose="billing",
    token_id="t1",
)


class Keys:
    def __init__(self, *known: OKPKey, after_refresh: tuple[OKPKey, ...] = ()) -> None:
        self.known = list(known)
        self.after_refresh = after_refresh
        self.refreshed = 0

    def key_set(self) -> KeySet:
        # As access publishes them: without the private part.
        return KeySet([OKPKey.import_key(key.as_dict(private=False)) for key in self.known])

    async def refresh(self) -> None:
        self.refreshed += 1
        self.known += self.after_refresh


@pytest.fixture
def verifier(clock: Any) -> TokenVerifier:
    return TokenVerifier(Keys(KEY), clock)


def claims(clock: Any, **changed: Any) -> dict[str, Any]:
    now = int(clock.now().timestamp())
    good = {"iss": "multiflux", "aud": "multiflux", "sub": "people/jo", "territory": "town", "grants": [], "purpose": "", "jti": "t1"}
    return {**good, "iat": now, "exp": now + 300, **changed}


def signed(claims: dict[str, Any], key: OKPKey = KEY, **header: Any) -> str:
    return jwt.encode({"alg": "Ed25519", "kid": key.kid, **header}, claims, key, algorithms=["Ed25519"])


def unsigned(claims: dict[str, Any], algorithm: str) -> str:
    parts = ({"alg": algorithm, "typ": "JWT", "kid": "first"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


async def test_a_token_tells_who_calls(verifier: TokenVerifier, clock: Any) -> None:
    caller = await verifier.verify(sign_token(CALLER, key=KEY, lifetime_s=300, now=clock.now()))
    assert caller == Caller(
        subject="people/jo",
        territory=TerritoryId("town"),
        grants=CALLER.grants,
        purpose="billing",
        token_id="t1",
        expires=clock.now() + timedelta(seconds=300),
    )


async def test_every_token_has_an_id(verifier: TokenVerifier, clock: Any) -> None:
    caller = Caller(subject="services/metering", territory=None)
    ids = {(await verifier.verify(sign_token(caller, key=KEY, lifetime_s=1, now=clock.now()))).token_id for _ in range(2)}
    assert len(ids - {""}) == 2


async def test_a_token_is_good_until_its_last_second_and_no_longer(verifier: TokenVerifier, clock: Any) -> None:
    token = sign_token(CALLER, key=KEY, lifetime_s=60, now=clock.now())
    clock.advance(timedelta(seconds=59.999))
    assert await verifier.verify(token)
    clock.advance(timedelta(seconds=0.001))
    with pytest.raises(TokenExpired):
        await verifier.verify(token)


@pytest.mark.parametrize("lifetime_s", [0, -1, 301])
def test_no_token_lives_longer_than_five_minutes(clock: Any, lifetime_s: int) -> None:
    with pytest.raises(ValueError, match="lives"):
        sign_token(CALLER, key=KEY, lifetime_s=lifetime_s, now=clock.now())


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://accounts.example"},
        {"aud": "another"},
        {"aud": ["multiflux"]},
        {"sub": ""},
        {"sub": 7},
        {"territory": None},
        {"grants": [["EMPEROR", "", None, None]]},
        {"grants": [["ADMINISTRATOR", ""]]},
        {"grants": [["HOUSEHOLD", "home", 20, 10]]},
        {"grants": "ADMINISTRATOR"},
        {"exp": "soon"},
        {"exp": True},
        {"exp": 10**18},
        {"iat": None},
        {"jti": None},
        {"purpose": []},
    ],
    ids=str,
)
async def test_foreign_or_broken_claims_are_refused(verifier: TokenVerifier, clock: Any, changed: dict[str, Any]) -> None:
    with pytest.raises(TokenInvalid):
        await verifier.verify(signed(claims(clock, **changed)))


@pytest.mark.parametrize("missing", ["iss", "aud", "sub", "territory", "grants", "purpose", "jti", "iat", "exp"])
async def test_a_missing_claim_is_refused(verifier: TokenVerifier, clock: Any, missing: str) -> None:
    incomplete = claims(clock)
    del incomplete[missing]
    with pytest.raises(TokenInvalid):
        await verifier.verify(signed(incomplete))


@pytest.mark.parametrize(("iat", "exp"), [(6, 300), (0, 301), (-3_000, 60)])
async def test_tokens_from_the_future_and_long_lived_ones_are_refused(verifier: TokenVerifier, clock: Any, iat: int, exp: int) -> None:
    now = int(clock.now().timestamp())
    with pytest.raises(TokenInvalid):
        await verifier.verify(signed(claims(clock, iat=now + iat, exp=now + exp)))


async def test_a_machine_whose_clock_is_slightly_ahead_is_believed(verifier: TokenVerifier, clock: Any) -> None:
    assert await verifier.verify(sign_token(CALLER, key=KEY, lifetime_s=300, now=clock.now() + timedelta(seconds=5)))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", "Ed25519"])
async def test_an_unsigned_token_is_refused(verifier: TokenVerifier, clock: Any, algorithm: str) -> None:
    with pytest.raises(TokenInvalid):
        await verifier.verify(unsigned(claims(clock), algorithm))


@pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
@pytest.mark.parametrize("form", ["raw", "pem", "jwk"])
async def test_the_public_key_is_no_shared_secret(verifier: TokenVerifier, clock: Any, algorithm: str, form: str) -> None:
    public = KEY.as_dict(private=False)
    secrets = {"raw": base64.urlsafe_b64decode(f"{public['x']}="), "pem": KEY.as_pem(private=False), "jwk": json.dumps(public).encode()}
    signed_part = unsigned(claims(clock), algorithm).rstrip(".")
    signature = hmac.digest(secrets[form], signed_part.encode(), f"sha{algorithm[2:]}")
    with pytest.raises(TokenInvalid):
        await verifier.verify(f"{signed_part}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}")


async def test_a_token_of_another_key_with_the_same_id_is_refused(verifier: TokenVerifier, clock: Any) -> None:
    forged = OKPKey.generate_key("Ed25519", {"kid": "first"})
    with pytest.raises(TokenInvalid):
        await verifier.verify(signed(claims(clock), forged))


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_a_changed_token_is_refused(verifier: TokenVerifier, clock: Any, part: int) -> None:
    parts = signed(claims(clock)).split(".")
    parts[part] = parts[part][:-2] + ("A" if parts[part][-2] != "A" else "B") + parts[part][-1]
    with pytest.raises(TokenInvalid):
        await verifier.verify(".".join(parts))


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "é", "\x00", "a" * 10_000])
async def test_garbage_is_refused(verifier: TokenVerifier, token: str) -> None:
    with pytest.raises(TokenInvalid):
        await verifier.verify(token)


async def test_the_token_may_not_bring_its_own_key(verifier: TokenVerifier, clock: Any) -> None:
    forged = OKPKey.generate_key("Ed25519", {"kid": "first"})
    with pytest.raises(TokenInvalid):
        await verifier.verify(signed(claims(clock), forged, jwk=forged.as_dict(private=False)))


async def test_a_new_key_is_asked_for_once(clock: Any) -> None:
    keys = Keys(KEY, after_refresh=(NEXT_KEY,))
    verifier = TokenVerifier(keys, clock)
    token = sign_token(CALLER, key=NEXT_KEY, lifetime_s=300, now=clock.now())
    assert (await verifier.verify(token)).subject == "people/jo"
    assert await verifier.verify(token)
    assert keys.refreshed == 1


async def test_unknown_keys_do_not_make_the_source_be_asked_all_the_time(clock: Any) -> None:
    keys = Keys(KEY)
    verifier = TokenVerifier(keys, clock)
    stranger = OKPKey.generate_key("Ed25519", {"kid": "stranger"})
    for _ in range(3):
        with pytest.raises(TokenInvalid):
            await verifier.verify(signed(claims(clock), stranger))
    assert keys.refreshed == 1
    clock.advance(timedelta(seconds=10))
    with pytest.raises(TokenInvalid):
        await verifier.verify(signed(claims(clock), stranger))
    assert keys.refreshed == 2


async def test_a_token_names_its_key(verifier: TokenVerifier, clock: Any) -> None:
    nameless = jwt.encode({"alg": "Ed25519"}, claims(clock), KEY, algorithms=["Ed25519"])
    with pytest.raises(TokenInvalid):
        await verifier.verify(nameless)
