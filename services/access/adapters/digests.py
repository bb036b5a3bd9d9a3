"""Keyed digests: what is kept of secrets and of erased people, so that a copy of the database tells nothing."""

import hmac
from hashlib import sha256

from vocabulary.names import PersonId, TerritoryId


class Digests:
    """HMAC-SHA-256 with the installation's own key. Refresh tokens are 256 random bits and need no key."""

    def __init__(self, key: bytes) -> None:
        """Digest with `key`."""
        self._key = key

    def occupancy_code(self, territory: TerritoryId, code: str) -> bytes:
        """Return the digest of a code posted in the territory."""
        return self._digest("occupancy-code", territory, code)

    def erased(self, territory: TerritoryId, person: PersonId) -> bytes:
        """Return the digest by which an erased person is known again."""
        return self._digest("erased", territory, person)

    def _digest(self, *parts: str) -> bytes:
        return hmac.digest(self._key, "\0".join(parts).encode(), "sha256")


def secret_digest(secret: str) -> bytes:
    """Return the digest of a long random secret."""
    return sha256(secret.encode()).digest()
