"""The services behind the pages, as one signed-in caller sees them."""

from dataclasses import dataclass

from dashboard.settings import DashboardSettings
from multiflux_client.access import AccessClient
from multiflux_client.channel import Connection, Target
from multiflux_client.credentials import ExchangedTokens
from multiflux_client.failures import RemoteFailure
from multiflux_client.forecast import ForecastClient
from multiflux_client.lighting import LightingClient
from multiflux_client.metering import MeteringClient
from multiflux_client.registry import RegistryClient
from vocabulary.failure import Kind
from vocabulary.names import PersonId, TerritoryId


class DemoTokens:
    """Tokens of the demo person: signed in at the local issuer when first needed, and again when its session has ended."""

    def __init__(self, access: AccessClient, person: PersonId, territory: TerritoryId) -> None:
        """Sign in at `access`, which refuses where an OIDC issuer is configured."""
        self._access = access
        self._person = person
        self._territory = territory
        self._session: ExchangedTokens | None = None

    async def token(self) -> str:
        """Return a token that still lives; RemoteFailure when none can be had."""
        if self._session is not None:
            try:
                return await self._session.token()
            except RemoteFailure as failure:
                if failure.kind is not Kind.UNAUTHENTICATED:
                    raise
        subject = await self._access.sign_in_locally(self._person, self._territory)
        self._session = ExchangedTokens(self._access, subject, territory=self._territory, purpose="display")
        return await self._session.token()


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateway:
    """Clients of the services, for the pages of one territory."""

    registry: RegistryClient
    metering: MeteringClient
    forecast: ForecastClient
    lighting: LightingClient
    connections: tuple[Connection, ...]

    @classmethod
    def open(cls, settings: DashboardSettings) -> "Gateway":
        """Dial nothing yet; sign in with the first call."""
        access_connection, metering_connection, forecast_connection, lighting_connection = (
            Connection.open(Target(address=address, authority=settings.tls_authority), deadline_s=settings.deadline_s)
            for address in (settings.access_target, settings.metering_target, settings.forecast_target, settings.lighting_target)
        )
        tokens = DemoTokens(AccessClient(access_connection), PersonId(settings.demo_person), TerritoryId(settings.territory))
        signed_in = metering_connection.with_tokens(tokens)
        return cls(
            registry=RegistryClient(signed_in),
            metering=MeteringClient(signed_in),
            forecast=ForecastClient(forecast_connection.with_tokens(tokens)),
            lighting=LightingClient(lighting_connection.with_tokens(tokens)),
            connections=(access_connection, metering_connection, forecast_connection, lighting_connection),
        )

    async def close(self) -> None:
        """End all channels."""
        for connection in self.connections:
            await connection.close()
