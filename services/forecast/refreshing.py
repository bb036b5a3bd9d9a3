"""Makes the forecasts of whole territories anew: some hours after the last time, or when much of their past has changed."""

import logging
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

from forecast.making import Making
from forecast.wire.forecasts import granularity_from_proto
from multiflux.type.v1 import granularity_pb2
from multiflux_client.failures import RemoteFailure
from multiflux_client.places import Territory
from vocabulary.failure import Failure
from vocabulary.flux import Flux
from vocabulary.names import TerritoryId

_log = logging.getLogger(__name__)

_FLUXES = (Flux.ELECTRICITY, Flux.WATER, Flux.GAS)
_GRANULARITIES = (granularity_pb2.GRANULARITY_DAY, granularity_pb2.GRANULARITY_HOUR)
_QUIET = timedelta(seconds=60)
"""How long no readings of the past must have come: a territory that is being filled is forecast when it is full."""
_MANY = 0.2
"""The share of stale points from which on all are made anew; fewer are made when they are asked for."""
_AGAIN = timedelta(minutes=10)
"""A territory without any point to forecast is looked at again after so long, or when readings have come."""


class Refreshing:
    """Refreshes each territory whose forecasts are old, or that has none yet."""

    def __init__(
        self,
        making: Making,
        territories: Callable[[], AsyncIterator[Territory]],
        last_late: Callable[[TerritoryId], datetime | None],
        every: timedelta,
    ) -> None:
        """Make forecasts with `making` for `territories`, each `every` so often; `last_late` tells when readings of its past last came."""
        self._making = making
        self._territories = territories
        self._last_late = last_late
        self._every = every
        self._tried: dict[TerritoryId, datetime] = {}

    async def tick(self) -> None:
        """Refresh what is due; a service that is away is asked again at the next tick."""
        try:
            async for territory in self._territories():
                if await self._due(territory.id):
                    await self._refresh(territory)
        except (RemoteFailure, Failure, OSError) as failure:
            _log.warning("forecasts wait", extra={"reason": getattr(failure, "reason", type(failure).__name__)})

    async def _due(self, territory: TerritoryId) -> bool:
        now, late = self._making.clock.now(), self._last_late(territory)
        if late is not None and now - late < _QUIET:
            return False
        if await self._making.read(lambda forecasts: forecasts.stale_share(territory)) >= _MANY:
            return True
        tried = self._tried.get(territory)
        if tried is not None and now - tried < _AGAIN and (late is None or late <= tried):
            return False
        last = await self._making.read(lambda forecasts: forecasts.last_refresh(territory))
        return last is None or now - last >= self._every

    async def _refresh(self, territory: Territory) -> None:
        if territory.root_place is None:
            return
        self._tried[territory.id] = self._making.clock.now()
        for flux in _FLUXES:
            for number in _GRANULARITIES:
                done = await self._making.points(territory, territory.root_place, flux, granularity_from_proto(number, flux))
                _log.info(
                    "forecasts made",
                    extra={"territory": territory.id, "flux": flux.name, "points": done.forecasts, "insufficient": done.insufficient},
                )
