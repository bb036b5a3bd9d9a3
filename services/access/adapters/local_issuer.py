"""The local issuer: signs demo people in on this machine, for installations without an OIDC issuer."""

from datetime import timedelta
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import OKPKey

from access.adapters.subject_tokens import PublicKey
from access.domain.demo import LOCAL_ISSUER
from access.domain.person import Identity
from access.domain.subject_claims import TrustedIssuer
from runtime.clock import Clock

LOCAL_AUDIENCE = "multiflux"
_LIFETIME = timedelta(seconds=60)


class LocalIssuer:
    """Signs subject tokens with a key of its own, and verifies them like those of any issuer."""

    def __init__(self, key: OKPKey, clock: Clock) -> None:
        """Sign with `key`."""
        self._key = key
        self._clock = clock
        self._public = OKPKey.import_key(key.as_dict(private=False))

    @property
    def trusted(self) -> TrustedIssuer:
        """What its tokens name."""
        return TrustedIssuer(issuer=LOCAL_ISSUER, audience=LOCAL_AUDIENCE)

    async def key(self, kid: str, kind: type[PublicKey]) -> PublicKey | None:
        """Return its public key, if it is the one asked for."""
        return self._public if kid == self._key.kid and kind is OKPKey else None

    def subject_token(self, identity: Identity) -> str:
        """Return a token for one exchange."""
        issued = int(self._clock.now().timestamp())
        claims = {
            "iss": identity.issuer,
            "aud": LOCAL_AUDIENCE,
            "sub": identity.subject,
            "iat": issued,
            "exp": issued + int(_LIFETIME.total_seconds()),
            "jti": str(uuid4()),
        }
        return jwt.encode({"alg": "Ed25519", "kid": self._key.kid}, claims, self._key, algorithms=["Ed25519"])
