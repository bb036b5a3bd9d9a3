"""Makes the forecasts of whole territories anew, some hours after the last time."""

import logging
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

from forecast.making import Making
from forecast.wire.forecasts import granularity_from_proto
from multiflux.type.v1 import granularity_pb2
from multiflux_client.failures import RemoteFailure
from multiflux_client.places import Territory
from vocabulary.failure import Failure
from vocabulary.flux import Flux

_log = logging.getLogger(__name__)

_FLUXES = (Flux.ELECTRICITY, Flux.WATER, Flux.GAS)
_GRANULARITIES = (granularity_pb2.GRANULARITY_DAY, granularity_pb2.GRANULARITY_HOUR)


class Refreshing:
    """Refreshes each territory whose forecasts are old, or that has none yet."""

    def __init__(self, making: Making, territories: Callable[[], AsyncIterator[Territory]], every: timedelta) -> None:
        """Make forecasts with `making` for `territories`, each `every` so often."""
        self._making = making
        self._territories = territories
        self._every = every

    async def tick(self) -> None:
        """Refresh what is due; a service that is away is asked again at the next tick."""
        try:
            async for territory in self._territories():
                if await self._due(territory):
                    await self._refresh(territory)
        except (RemoteFailure, Failure, OSError) as failure:
            _log.warning("forecasts wait", extra={"reason": getattr(failure, "reason", type(failure).__name__)})

    async def _due(self, territory: Territory) -> bool:
        last = await self._making.read(lambda forecasts: forecasts.last_refresh(territory.id))
        return last is None or self._making.clock.now() - last >= self._every

    async def _refresh(self, territory: Territory) -> None:
        if territory.root_place is None:
            return
        for flux in _FLUXES:
            for number in _GRANULARITIES:
                done = await self._making.points(territory, territory.root_place, flux, granularity_from_proto(number, flux))
                _log.info(
                    "forecasts made",
                    extra={"territory": territory.id, "flux": flux.name, "points": done.forecasts, "insufficient": done.insufficient},
                )
