"""The services behind the pages, as one caller sees them."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dashboard.settings import DashboardSettings
from multiflux_client.access import AccessClient, InternalToken, ServiceSecret, SubjectToken
from multiflux_client.audit_sink import ServiceSignIn
from multiflux_client.channel import Connection, Target, TokenSource
from multiflux_client.comparison import ComparisonClient
from multiflux_client.credentials import ExchangedTokens
from multiflux_client.forecast import ForecastClient
from multiflux_client.lighting import LightingClient
from multiflux_client.metering import MeteringClient
from multiflux_client.people import TokenGrant
from multiflux_client.registry import RegistryClient
from multiflux_client.sites import SitesClient
from vocabulary.failure import Failure, Kind
from vocabulary.names import PersonId, PlaceId, TerritoryId
from vocabulary.role import Role

_OF_HOMES = frozenset({Role.HOUSEHOLD, Role.DELEGATE})


class SecretAwaited(Failure):
    """Access has made no secret for the dashboard yet: nothing can be shown to whoever is not signed in."""

    reason, kind = "SECRET_AWAITED", Kind.BUSY


class PersonTokens:
    """Tokens of one person who signed in, and what the latest of them grants."""

    def __init__(self, access: AccessClient, subject: SubjectToken, territory: TerritoryId) -> None:
        """Exchange `subject` at `access` when the first token is needed."""
        self._access = access
        self._grants: tuple[TokenGrant, ...] = ()
        self._refresh_token = ""
        self._tokens = ExchangedTokens(access, subject, territory=territory, purpose="display", keep=self._keep)

    async def token(self) -> str:
        """Return a token that still lives; RemoteFailure when none can be had."""
        return await self._tokens.token()

    async def renew(self) -> None:
        """Learn what is granted now; RemoteFailure."""
        await self._tokens.renew()

    async def end(self) -> None:
        """End the session at access; RemoteFailure."""
        await self._access.sign_out(self._refresh_token)

    @property
    def roles(self) -> frozenset[Role]:
        """What the person is in the territory."""
        return frozenset(grant.role for grant in self._grants)

    def homes(self, now: datetime) -> tuple[PlaceId, ...]:
        """Return the homes that the person lives in, or looks after, at an instant."""
        held = (grant for grant in self._grants if grant.role in _OF_HOMES and grant.validity.contains(now))
        return tuple(dict.fromkeys(grant.place for grant in held if grant.place is not None))

    def _keep(self, given: InternalToken) -> None:
        self._grants, self._refresh_token = given.grants, given.refresh_token


class _OwnTokens:
    """Tokens of the dashboard itself in its territory."""

    def __init__(self, signed_in: ServiceSignIn, territory: TerritoryId) -> None:
        self._signed_in = signed_in
        self._territory = territory

    async def token(self) -> str:
        """Return a token that still lives; SecretAwaited, RemoteFailure."""
        try:
            tokens = self._signed_in.identity().tokens(self._territory)
        except OSError:
            raise SecretAwaited("access has made no secret for the dashboard yet") from None
        return await tokens.token()


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateway:
    """Clients of the services, for the pages of one territory."""

    registry: RegistryClient
    metering: MeteringClient
    sites: SitesClient
    forecast: ForecastClient
    lighting: LightingClient
    comparison: ComparisonClient
    access: AccessClient
    wires: "_Wires"
    territory: TerritoryId
    secret_file: Path

    @classmethod
    def open(cls, settings: DashboardSettings) -> "Gateway":
        """Return the services as the dashboard itself sees them: for sign-in and for what is published, nothing else. Dials nothing yet."""
        wires, territory, secret_file = _Wires.open(settings), TerritoryId(settings.territory), settings.secret_file
        own = _OwnTokens(ServiceSignIn("dashboard", wires.access, secret_file), territory)
        return cls._seen_with(wires, territory, secret_file, own)

    async def demo_subject(self, person: PersonId) -> SubjectToken:
        """Return the token of a demo person, vouched for by the dashboard's secret; RemoteFailure where there is an OIDC issuer."""
        try:
            service = ServiceSecret(service="dashboard", secret=self.secret_file.read_text(encoding="utf-8").strip())
        except OSError:
            service = None
        return await AccessClient(self.wires.access).sign_in_locally(person, self.territory, service=service)

    async def signed_in(self, subject: SubjectToken) -> "tuple[PersonTokens, Gateway]":
        """Return a person who signed in, and the services as that person sees them; RemoteFailure when access does not take the token."""
        person = PersonTokens(AccessClient(self.wires.access), subject, self.territory)
        await person.token()
        return person, self._seen_with(self.wires, self.territory, self.secret_file, person)

    @classmethod
    def _seen_with(cls, wires: "_Wires", territory: TerritoryId, secret_file: Path, tokens: TokenSource) -> "Gateway":
        metering = wires.metering.with_tokens(tokens)
        return cls(
            registry=RegistryClient(metering),
            metering=MeteringClient(metering),
            sites=SitesClient(metering),
            forecast=ForecastClient(wires.forecast.with_tokens(tokens)),
            lighting=LightingClient(wires.lighting.with_tokens(tokens)),
            comparison=ComparisonClient(wires.comparison.with_tokens(tokens)),
            access=AccessClient(wires.access.with_tokens(tokens)),
            wires=wires,
            territory=territory,
            secret_file=secret_file,
        )

    async def close(self) -> None:
        """End all channels, for everybody."""
        for connection in (self.wires.access, self.wires.metering, self.wires.forecast, self.wires.lighting, self.wires.comparison):
            await connection.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wires:
    """A channel to each service, without tokens."""

    access: Connection
    metering: Connection
    forecast: Connection
    lighting: Connection
    comparison: Connection

    @staticmethod
    def open(settings: DashboardSettings) -> "_Wires":
        """Dial nothing yet."""

        def dialled(address: str) -> Connection:
            return Connection.open(Target(address=address, authority=settings.tls_authority), deadline_s=settings.deadline_s)

        return _Wires(
            access=dialled(settings.access_target),
            metering=dialled(settings.metering_target),
            forecast=dialled(settings.forecast_target),
            lighting=dialled(settings.lighting_target),
            comparison=dialled(settings.comparison_target),
        )
