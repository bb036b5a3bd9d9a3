"""The public keys of an OIDC issuer, fetched over HTTP and kept for a while."""

import asyncio
import json
import logging
import warnings
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import httpx
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey

from access.adapters.subject_tokens import PublicKey
from access.domain.session import IssuerAway
from access.domain.subject_claims import is_safe_url
from runtime.clock import Clock

_log = logging.getLogger(__name__)

_FRESH = timedelta(minutes=15)
"""A key that the issuer takes back is trusted no longer than this."""

_STALE = timedelta(days=1)
"""For so long, keys that cannot be fetched again are still good."""

_PAUSE = timedelta(seconds=30)
"""Anybody can send unknown key ids: the issuer is asked only so often."""

_OK = 200
_MAX_BYTES = 512 * 1024
_MIN_RSA_BITS = 2048
_DISCOVERY = "/.well-known/openid-configuration"


class IssuerMisbehaved(Exception):
    """The issuer answered with something that is no key set."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Key:
    kid: str
    key: PublicKey


class OidcKeys:
    """The keys of one issuer. They are found by discovery (OpenID Connect Discovery 1.0) unless `jwks_url` is given."""

    def __init__(self, issuer: str, jwks_url: str, client: httpx.AsyncClient, clock: Clock) -> None:
        """Fetch with `client`."""
        self._issuer = issuer
        self._jwks_url = jwks_url
        self._client = client
        self._clock = clock
        self._keys: list[_Key] = []
        self._fetched: datetime | None = None
        self._asked: datetime | None = None
        self._lock = asyncio.Lock()

    async def key(self, kid: str, kind: type[PublicKey]) -> PublicKey | None:
        """Return the key of this id and type; without an id, the only key of the type. IssuerAway when no keys can be had."""
        if self._age() > _FRESH:
            await self._fetch()
        found = self._find(kid, kind)
        if found is None:
            await self._fetch()
            found = self._find(kid, kind)
        if self._age() > _STALE:
            raise IssuerAway("the issuer's keys cannot be fetched now", issuer=self._issuer)
        return found

    def _find(self, kid: str, kind: type[PublicKey]) -> PublicKey | None:
        fitting = [kept.key for kept in self._keys if isinstance(kept.key, kind) and (not kid or kept.kid == kid)]
        return fitting[0] if len(fitting) == 1 else None

    def _age(self) -> timedelta:
        return timedelta.max if self._fetched is None else self._clock.now() - self._fetched

    async def _fetch(self) -> None:
        """Fetch the keys, unless that was tried a moment ago; what was known stays when it fails."""
        async with self._lock:
            now = self._clock.now()
            if self._asked is not None and now - self._asked < _PAUSE:
                return
            self._asked = now
            try:
                self._keys = _keys(await self._json(self._jwks_url or await self._discovered()))
                self._fetched = now
            except (httpx.HTTPError, IssuerMisbehaved) as error:
                _log.warning("issuer keys not fetched", extra={"issuer": self._issuer, "error": type(error).__name__})

    async def _discovered(self) -> str:
        document = await self._json(self._issuer.rstrip("/") + _DISCOVERY)
        url = document.get("jwks_uri")
        # A document that speaks for another issuer must not lend it our trust (OpenID Connect Discovery 1.0, 4.3).
        if document.get("issuer") != self._issuer or not isinstance(url, str) or not is_safe_url(url):
            raise IssuerMisbehaved
        return url

    async def _json(self, url: str) -> dict[str, Any]:
        body = bytearray()
        async with self._client.stream("GET", url, headers={"accept": "application/json"}) as response:
            if response.status_code != _OK:
                raise IssuerMisbehaved
            async for block in response.aiter_bytes():
                body += block
                if len(body) > _MAX_BYTES:
                    raise IssuerMisbehaved
        try:
            document: object = json.loads(body)
        except ValueError:
            raise IssuerMisbehaved from None
        if not isinstance(document, dict):
            raise IssuerMisbehaved
        return cast("dict[str, Any]", document)


def _keys(document: dict[str, Any]) -> list[_Key]:
    listed: object = document.get("keys")
    if not isinstance(listed, list):
        raise IssuerMisbehaved
    found = [_signature_key(cast("dict[str, Any]", jwk)) for jwk in cast("list[object]", listed) if isinstance(jwk, dict)]
    return [key for key in found if key is not None]


def _signature_key(jwk: dict[str, Any]) -> _Key | None:
    """Return the key if it can verify signatures as we trust them; others are the issuer's own business."""
    kinds: dict[object, type[PublicKey]] = {("RSA", None): RSAKey, ("EC", "P-256"): ECKey, ("OKP", "Ed25519"): OKPKey}
    kind = kinds.get((jwk.get("kty"), jwk.get("crv")))
    if kind is None or jwk.get("use", "sig") != "sig":
        return None
    # Only what makes the public key: neither what else the issuer says of it nor, by accident, its private half.
    members = {name: jwk[name] for name in ("kty", "crv", "n", "e", "x", "y") if name in jwk}
    try:
        with warnings.catch_warnings():
            # Keys that are too weak are left out below.
            warnings.simplefilter("ignore", SecurityWarning)
            key = kind.import_key(members)
    except (JoseError, ValueError, TypeError):
        return None
    if isinstance(key, RSAKey) and key.public_key.key_size < _MIN_RSA_BITS:
        return None
    kid = jwk.get("kid", "")
    return _Key(kid=kid if isinstance(kid, str) else "", key=key)
