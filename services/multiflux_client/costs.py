"""What a point's consumption cost, line by line."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from multiflux.metering.v1 import metering_service_pb2 as pb
from multiflux.metering.v1.metering_service_pb2_grpc import MeteringServiceStub
from multiflux_client.channel import Connection
from multiflux_client.records import fill_interval, record_from_proto
from multiflux_client.tables import EmissionFactor, PriceComponent, PriceUnit
from vocabulary.interval import Interval
from vocabulary.names import PointId
from vocabulary.quality import Quality

if TYPE_CHECKING:
    from multiflux.metering.v1.metering_service_pb2_grpc import MeteringServiceAsyncStub


@dataclass(frozen=True, kw_only=True, slots=True)
class CostLine:
    """A line of a bill: one price over the time in which it held; amounts in millionths of the currency."""

    component: PriceComponent
    tariff: str
    tariff_slot: str
    interval: Interval
    unit_count: float
    unit: PriceUnit
    price_micros: int
    net_micros: int
    vat_percent: float
    gross_micros: int
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MissingPrice:
    """A price that the tables lack."""

    component: PriceComponent
    tariff: str
    tariff_slot: str
    interval: Interval


@dataclass(frozen=True, kw_only=True, slots=True)
class EmissionLine:
    """Greenhouse gas by one factor, in grams of CO2 equivalent."""

    interval: Interval
    grams: float
    factor: EmissionFactor
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CostStatement:
    """What a point's consumption cost, and the greenhouse gas that it caused."""

    metering_point: PointId
    interval: Interval
    lines: tuple[CostLine, ...]
    missing_prices: tuple[MissingPrice, ...]
    total_micros: int
    currency_code: str
    emissions: tuple[EmissionLine, ...]
    coverage_percent: float
    quality: Quality | None


class CostClient:
    """The calls of `multiflux.metering.v1.MeteringService` about money; failures are RemoteFailure."""

    def __init__(self, connection: Connection) -> None:
        """Call over `connection`."""
        self._connection = connection
        self._stub: MeteringServiceAsyncStub = MeteringServiceStub(connection.channel)

    async def statement(self, point: PointId, during: Interval) -> CostStatement:
        """Return what a point's consumption cost over whole civil days of its territory."""
        request = pb.QueryCostRequest(metering_point=f"meters/{point}")
        fill_interval(request.interval, during)
        response = await self._connection.call(self._stub.QueryCost, request)
        return record_from_proto(CostStatement, response.statement)
