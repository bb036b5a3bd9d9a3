"""Where the tokens of calls come from: exchanged at access, and exchanged again before they expire."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from multiflux_client.access import AccessClient, Credential, InternalToken, RefreshToken, ServiceSecret
from multiflux_client.failures import RemoteFailure
from vocabulary.failure import Failure, Kind
from vocabulary.names import TerritoryId

_EARLY = timedelta(seconds=60)
"""A token is exchanged this long before it expires, so that no call meets an expired one."""


class SigningKeysAway(Failure):
    """The keys that verify tokens cannot be asked for now."""

    reason, kind = "SIGNING_KEYS_AWAY", Kind.BUSY


def system_time() -> datetime:
    """Return the present instant, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class FixedToken:
    """A token that somebody else made."""

    value: str

    async def token(self) -> str:
        """Return it."""
        return self.value


class ExchangedTokens:
    """Tokens of one caller in one territory; concurrent calls wait for one exchange."""

    def __init__(
        self,
        access: AccessClient,
        credential: Credential,
        *,
        territory: TerritoryId | None,
        purpose: str = "",
        keep: Callable[[InternalToken], None] | None = None,
        held: InternalToken | None = None,
        now: Callable[[], datetime] = system_time,
    ) -> None:
        """Exchange `credential` at `access`.

        `keep` is told of every exchange, before its token is used: a refresh token serves once, and a lost one ends the session.
        `held` is what an earlier exchange gave.
        """
        self._access = access
        self._credential = credential
        self._territory = territory
        self._purpose = purpose
        self._keep = keep
        self._held = held
        self._now = now
        self._lock = asyncio.Lock()

    async def token(self) -> str:
        """Return a token that still lives; RemoteFailure when none can be had."""
        async with self._lock:
            if self._held is None or self._now() >= self._held.expires - _EARLY:
                self._held = await self._renewed()
            return self._held.token

    async def renew(self) -> None:
        """Exchange now, so that the token says what is granted now; RemoteFailure."""
        async with self._lock:
            self._held = await self._renewed()

    async def _renewed(self) -> InternalToken:
        try:
            given = await self._access.exchange_token(self._credential, territory=self._territory, purpose=self._purpose)
        except RemoteFailure as failure:
            # Access may be away for a moment: what is held serves until it really expires.
            if failure.away and self._held is not None and self._now() < self._held.expires:
                return self._held
            raise
        if given.refresh_token:
            self._credential = RefreshToken(token=given.refresh_token)
        if self._keep is not None:
            self._keep(given)
        return given


class ServiceIdentity:
    """A service of this installation as a caller: one source of tokens for each territory that it works in, and one for all."""

    def __init__(
        self, access: AccessClient, secret: ServiceSecret, *, purpose: str = "", now: Callable[[], datetime] = system_time
    ) -> None:
        """Exchange the service's secret at `access`."""
        self._access = access
        self._secret = secret
        self._purpose = purpose
        self._now = now
        self._sources: dict[TerritoryId | None, ExchangedTokens] = {}

    def tokens(self, territory: TerritoryId | None = None) -> ExchangedTokens:
        """Return the tokens for one territory; None: for the calls that serve all."""
        source = self._sources.get(territory)
        if source is None:
            source = ExchangedTokens(self._access, self._secret, territory=territory, purpose=self._purpose, now=self._now)
            self._sources[territory] = source
        return source


class SigningKeys:
    """The public keys of internal tokens, asked for at access when a token names one that is not known; what a token verifier takes."""

    def __init__(self, access: AccessClient) -> None:
        """Ask `access`; no key is known before the first `refresh`."""
        self._access = access
        self._keys = KeySet([])

    def key_set(self) -> KeySet:
        """Return the keys known now."""
        return self._keys

    async def refresh(self) -> None:
        """Ask for the keys again; SigningKeysAway when there is no answer, and what was known stays."""
        try:
            self._keys = KeySet.import_key_set(json.loads(await self._access.signing_keys()))
        except (RemoteFailure, JoseError, ValueError) as error:
            raise SigningKeysAway("access gave no signing keys") from error
