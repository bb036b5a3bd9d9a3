"""Internal tokens: short-lived, signed with Ed25519, for one territory."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, cast
from uuid import uuid4

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet, OKPKey

from runtime.call import Caller, Grant
from runtime.clock import Clock
from vocabulary.failure import Failure, Kind
from vocabulary.interval import Validity
from vocabulary.names import PlaceId, TerritoryId
from vocabulary.role import Role

ALGORITHM = "Ed25519"
ISSUER = AUDIENCE = "multiflux"
MAX_LIFETIME_S = 300
"""No internal token lives longer, so that a grant taken back is gone after five minutes."""

_CLOCK_SKEW = timedelta(seconds=5)
_REFRESH_INTERVAL = timedelta(seconds=10)


class TokenMissing(Failure):
    """The method needs a caller, and none is named."""

    reason, kind = "TOKEN_MISSING", Kind.UNAUTHENTICATED


class TokenExpired(Failure):
    """The token was good once."""

    reason, kind = "TOKEN_EXPIRED", Kind.UNAUTHENTICATED


class TokenInvalid(Failure):
    """The token was not made by this installation, or was changed; why is not told to the caller."""

    reason, kind = "TOKEN_INVALID", Kind.UNAUTHENTICATED


class KeySource(Protocol):
    """Where the public keys of internal tokens come from."""

    def key_set(self) -> KeySet:
        """Return the keys known now."""
        ...

    async def refresh(self) -> None:
        """Ask for the keys again: a token names one that is not known."""
        ...


class TokenVerifier:
    """Turns tokens into callers, or refuses them."""

    def __init__(self, keys: KeySource, clock: Clock) -> None:
        """Verify with `keys` at the time of `clock`."""
        self._keys = keys
        self._clock = clock
        self._refreshed = datetime.min.replace(tzinfo=UTC)

    async def verify(self, token: str) -> Caller:
        """Return the caller that the token names; TokenExpired, TokenInvalid."""
        try:
            claims = self._claims(token)
        except InvalidKeyIdError:
            await self._refresh()
            claims = self._claims(token, last_try=True)
        return self._caller(claims)

    async def _refresh(self) -> None:
        # Anybody can send unknown key ids: the source is asked again only so often.
        now = self._clock.now()
        if now - self._refreshed < _REFRESH_INTERVAL:
            raise _invalid()
        self._refreshed = now
        await self._keys.refresh()

    def _claims(self, token: str, *, last_try: bool = False) -> dict[str, Any]:
        try:
            decoded = jwt.decode(token, self._keys.key_set(), algorithms=[ALGORITHM])
        except InvalidKeyIdError:
            if last_try:
                raise _invalid() from None
            raise
        except (JoseError, ValueError):
            raise _invalid() from None
        if "kid" not in decoded.header:
            raise _invalid()
        return decoded.claims

    def _caller(self, claims: Mapping[str, Any]) -> Caller:
        try:
            issued, expires = _instant(claims["iat"]), _instant(claims["exp"])
            trusted = claims["iss"] == ISSUER and claims["aud"] == AUDIENCE
            caller = _caller_from_claims(claims, expires)
        except (KeyError, TypeError, ValueError, OverflowError, OSError, Failure):
            raise _invalid() from None
        now = self._clock.now()
        if not trusted or issued > now + _CLOCK_SKEW or expires - issued > timedelta(seconds=MAX_LIFETIME_S):
            raise _invalid()
        if now >= expires:
            raise TokenExpired(f"the token expired at {expires.isoformat()}", expired=expires.isoformat())
        return caller


def sign_token(caller: Caller, *, key: OKPKey, lifetime_s: int, now: datetime) -> str:
    """Return a token for `caller` that lives `lifetime_s` seconds (at most 300) from `now`; an empty `token_id` becomes a new one."""
    if not 0 < lifetime_s <= MAX_LIFETIME_S:
        raise ValueError(f"a token lives 1 to {MAX_LIFETIME_S} seconds, not {lifetime_s}")
    issued = int(now.timestamp())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": caller.subject,
        "territory": caller.territory or "",
        "grants": [_grant_to_claim(grant) for grant in caller.grants],
        "purpose": caller.purpose,
        "jti": caller.token_id or str(uuid4()),
        "iat": issued,
        "exp": issued + lifetime_s,
    }
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims, key, algorithms=[ALGORITHM])


def _invalid() -> TokenInvalid:
    return TokenInvalid("the token is not valid here")


def _instant(seconds: object) -> datetime:
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        raise TypeError("token times are whole seconds")
    return datetime.fromtimestamp(seconds, UTC)


def _caller_from_claims(claims: Mapping[str, Any], expires: datetime) -> Caller:
    subject, territory = _text(claims["sub"]), _text(claims["territory"])
    if not subject:
        raise ValueError("a token names its subject")
    return Caller(
        subject=subject,
        territory=TerritoryId(territory) if territory else None,
        grants=tuple(_grant_from_claim(claim) for claim in claims["grants"]),
        purpose=_text(claims["purpose"]),
        token_id=_text(claims["jti"]),
        expires=expires,
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("expected text")
    return value


def _grant_to_claim(grant: Grant) -> list[str | float | None]:
    start, end = (None if bound is None else bound.timestamp() for bound in (grant.validity.start, grant.validity.end))
    return [grant.role.name, grant.place or "", start, end]


def _grant_from_claim(claim: object) -> Grant:
    role, place, start, end = cast("list[Any]", claim)
    return Grant(role=Role[role], place=PlaceId(place) if place else None, validity=Validity(start=_bound(start), end=_bound(end)))


def _bound(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
