"""Public sites: what they used in a year, and how they use it."""

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from multiflux.metering.v1 import metering_service_pb2 as pb
from multiflux.metering.v1.metering_service_pb2_grpc import MeteringServiceStub
from multiflux_client.channel import Connection
from multiflux_client.places import SiteUse
from multiflux_client.records import record_from_proto
from vocabulary.flux import Flux, Quantity
from vocabulary.interval import Interval
from vocabulary.names import PlaceId

if TYPE_CHECKING:
    from multiflux.metering.v1.metering_service_pb2_grpc import MeteringServiceAsyncStub


class SiteConcern(Enum):
    """Why a site needs attention."""

    RISING = 1
    NIGHT = 2
    SILENT = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class FluxYear:
    """The last 365 days of one flux at a site: joules or millilitres; `change` against the same days 52 weeks before, None if too few."""

    flux: Flux
    quantity: Quantity
    amount: int
    amount_per_square_metre: int | None
    missing_day_count: int
    change: float | None
    compared_day_count: int
    weather_adjusted: bool
    night_share: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteYear:
    """A public site and the year of each of its fluxes."""

    site: PlaceId
    display_name: str
    use: SiteUse | None
    area_square_metres: int | None
    fluxes: tuple[FluxYear, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FluxTotal:
    """What all sites used of one flux: joules or millilitres."""

    flux: Flux
    quantity: Quantity
    amount: int
    site_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteAttention:
    """A site that needs attention, and what is at stake in a year: joules or millilitres."""

    site: PlaceId
    display_name: str
    flux: Flux
    concern: SiteConcern
    quantity: Quantity
    amount: int
    silent_day_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SitePortfolio:
    """The sites that the caller manages."""

    year: Interval
    sites: tuple[SiteYear, ...]
    totals: tuple[FluxTotal, ...]
    attentions: tuple[SiteAttention, ...]
    simulated: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseLoad:
    """Means of an hour over the last 91 days, joules or millilitres, and the share used while closed."""

    night_amount_per_hour: int
    weekend_amount_per_hour: int
    working_amount_per_hour: int
    closed_share: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SignatureWeek:
    """A whole week from `start_date`, a Monday; `saved_amount` is the sum of what was expected less what was used since the first week."""

    start_date: str
    heating_degree_days: float
    amount: int
    saved_amount: int


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherSignature:
    """The straight line of use against heating degree days, and the weeks beside it; joules or millilitres."""

    base_celsius: float
    amount_per_day: int
    amount_per_degree_day: int
    r_squared: float
    reliable: bool
    baseline_week_count: int
    weeks: tuple[SignatureWeek, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FluxAnalysis:
    """How a site uses one flux; None for what cannot be told."""

    flux: Flux
    quantity: Quantity
    base_load: BaseLoad | None
    signature: WeatherSignature | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EnergyProgress:
    """The last 365 days of final energy beside the first that are known, joules; indicative."""

    reference_start_date: str
    reference_joules: int
    latest_joules: int
    adjusted_joules: int
    target_joules: int
    shared_day_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteAnalysis:
    """How a site uses energy and water."""

    site: SiteYear
    fluxes: tuple[FluxAnalysis, ...]
    progress: EnergyProgress | None
    simulated: bool


class SitesClient:
    """Calls about public sites of `multiflux.metering.v1.MeteringService`; failures are RemoteFailure."""

    def __init__(self, connection: Connection) -> None:
        """Call over `connection`."""
        self._connection = connection
        self._stub: MeteringServiceAsyncStub = MeteringServiceStub(connection.channel)

    async def portfolio(self) -> SitePortfolio:
        """Return what the caller's sites used in the last year."""
        response = await self._connection.call(self._stub.GetSitePortfolio, pb.GetSitePortfolioRequest())
        return record_from_proto(SitePortfolio, response.portfolio)

    async def analysis(self, site: PlaceId) -> SiteAnalysis:
        """Return how a site uses energy and water."""
        response = await self._connection.call(self._stub.AnalyseSite, pb.AnalyseSiteRequest(site=f"places/{site}"))
        return record_from_proto(SiteAnalysis, response.analysis)
