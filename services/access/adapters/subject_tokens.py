"""Verifies the ID tokens of one issuer: signature, then claims."""

import base64
import json
import warnings
from collections.abc import Mapping
from hashlib import sha256
from typing import Protocol, cast

from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from access.domain.session import SubjectClaims, SubjectTokenInvalid
from access.domain.subject_claims import TrustedIssuer, checked_claims
from runtime.clock import Clock

PublicKey = RSAKey | ECKey | OKPKey

ALGORITHMS: Mapping[str, type[PublicKey]] = {"RS256": RSAKey, "ES256": ECKey, "EdDSA": OKPKey, "Ed25519": OKPKey}
"""What issuers may sign with, and the type of key that belongs to it: a key never decides how it is used."""

_MAX_TOKEN = 16_384
_COMPACT_PARTS = 3


class IssuerKeys(Protocol):
    """The public keys of an issuer."""

    async def key(self, kid: str, kind: type[PublicKey]) -> PublicKey | None:
        """Return the key of this id and type, None when the issuer has none; IssuerAway."""
        ...


class SubjectTokens:
    """The ID tokens of one issuer, made for this installation."""

    def __init__(self, trusted: TrustedIssuer, keys: IssuerKeys, clock: Clock) -> None:
        """Trust what `keys` verify."""
        self._trusted = trusted
        self._keys = keys
        self._clock = clock

    @property
    def issuer(self) -> str:
        """The issuer."""
        return self._trusted.issuer

    async def verified(self, token: str) -> SubjectClaims:
        """Return who the token is about; SubjectTokenInvalid, SubjectTokenExpired, IssuerAway."""
        header = _header(token)
        algorithm, kid = header.get("alg"), header.get("kid", "")
        kind = ALGORITHMS.get(algorithm) if isinstance(algorithm, str) else None
        if kind is None or not isinstance(kid, str):
            raise _invalid()
        key = await self._keys.key(kid, kind)
        if key is None:
            raise _invalid()
        claims = _claims(token, key, cast("str", algorithm))
        # The signature is left out: for one content there can be several good ones (ECDSA), but the token was exchanged all the same.
        digest = sha256(token.rpartition(".")[0].encode()).digest()
        return checked_claims(claims, digest, self._trusted, self._clock.now())


def _header(token: str) -> Mapping[str, object]:
    parts = token.split(".")
    if len(token) > _MAX_TOKEN or len(parts) != _COMPACT_PARTS:
        raise _invalid()
    try:
        header: object = json.loads(base64.urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4)))
    except ValueError:
        raise _invalid() from None
    if not isinstance(header, dict):
        raise _invalid()
    return cast("Mapping[str, object]", header)


def _claims(token: str, key: PublicKey, algorithm: str) -> Mapping[str, object]:
    # Headers that nobody knows are harmless unless marked critical, which the registry refuses.
    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    try:
        with warnings.catch_warnings():
            # Issuers still call Ed25519 by its former name, `EdDSA` (RFC 9864); that is theirs to change.
            warnings.simplefilter("ignore", SecurityWarning)
            return jwt.decode(token, key, algorithms=[algorithm], registry=registry).claims
    except (JoseError, ValueError):
        raise _invalid() from None


def _invalid() -> SubjectTokenInvalid:
    return SubjectTokenInvalid("the subject token is not valid here")
