"""The services behind the pages, as one signed-in caller sees them."""

from dataclasses import dataclass
from pathlib import Path

from dashboard.settings import DashboardSettings
from multiflux_client.access import AccessClient, ServiceSecret
from multiflux_client.channel import Connection, Target
from multiflux_client.comparison import ComparisonClient
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

    def __init__(self, access: AccessClient, person: PersonId, territory: TerritoryId, secret_file: Path) -> None:
        """Sign in at `access`, which refuses where an OIDC issuer is configured; from another machine with the secret in the file."""
        self._access = access
        self._person = person
        self._territory = territory
        self._secret_file = secret_file
        self._session: ExchangedTokens | None = None

    async def token(self) -> str:
        """Return a token that still lives; RemoteFailure when none can be had."""
        if self._session is not None:
            try:
                return await self._session.token()
            except RemoteFailure as failure:
                if failure.kind is not Kind.UNAUTHENTICATED:
                    raise
        subject = await self._access.sign_in_locally(self._person, self._territory, service=self._service())
        self._session = ExchangedTokens(self._access, subject, territory=self._territory, purpose="display")
        return await self._session.token()

    def _service(self) -> ServiceSecret | None:
        try:
            return ServiceSecret(service="dashboard", secret=self._secret_file.read_text(encoding="utf-8").strip())
        except OSError:
            return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateway:
    """Clients of the services, for the pages of one territory."""

    registry: RegistryClient
    metering: MeteringClient
    forecast: ForecastClient
    lighting: LightingClient
    comparison: ComparisonClient
    access: AccessClient
    wires: "_Wires"
    settings: DashboardSettings

    @classmethod
    def open(cls, settings: DashboardSettings) -> "Gateway":
        """Dial nothing yet; sign in with the first call."""
        return cls._signed_in(_Wires.open(settings), settings, PersonId(settings.demo_person))

    def signed_in(self, person: PersonId) -> "Gateway":
        """Return the services as another demo person sees them."""
        return self._signed_in(self.wires, self.settings, person)

    @classmethod
    def _signed_in(cls, wires: "_Wires", settings: DashboardSettings, person: PersonId) -> "Gateway":
        tokens = DemoTokens(AccessClient(wires.access), person, TerritoryId(settings.territory), settings.secret_file)
        metering = wires.metering.with_tokens(tokens)
        return cls(
            registry=RegistryClient(metering),
            metering=MeteringClient(metering),
            forecast=ForecastClient(wires.forecast.with_tokens(tokens)),
            lighting=LightingClient(wires.lighting.with_tokens(tokens)),
            comparison=ComparisonClient(wires.comparison.with_tokens(tokens)),
            access=AccessClient(wires.access.with_tokens(tokens)),
            wires=wires,
            settings=settings,
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
