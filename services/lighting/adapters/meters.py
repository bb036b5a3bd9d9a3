"""What metering measured of cabinets."""

from collections.abc import Callable, Mapping

from multiflux_client.failures import RemoteFailure, UnexpectedAnswer
from multiflux_client.metering import MeteringClient
from vocabulary.civil import Granularity
from vocabulary.failure import Failure, Kind
from vocabulary.flux import Flux
from vocabulary.interval import Interval
from vocabulary.names import PointId, TerritoryId

_MEASURED_PERCENT = 100


class MeteringAway(Failure):
    """Metering does not answer, or refuses."""

    reason, kind = "METERING_AWAY", Kind.BUSY


class MeteringMeters:
    """Asks the metering service, as this service."""

    def __init__(self, client: Callable[[TerritoryId], MeteringClient]) -> None:
        """Ask with the client of a territory."""
        self._client = client

    async def joules(self, territory: TerritoryId, point: PointId, during: Interval) -> Mapping[float, float]:
        """Return the energy of half-hours that were measured, by their starts in UTC seconds; MeteringAway."""
        try:
            series = await self._client(territory).consumption(f"meters/{point}", Flux.ELECTRICITY, during, Granularity.THIRTY_MINUTES)
        except (RemoteFailure, UnexpectedAnswer, OSError) as failure:
            raise MeteringAway(f"metering does not tell what {point} measured: {failure}", metering_point=point) from failure
        known = (series.qualities > 0) & (series.coverage_percents >= _MEASURED_PERCENT)
        return dict(zip(series.starts[known].astype(float).tolist(), series.amounts[known].astype(float).tolist(), strict=True))
