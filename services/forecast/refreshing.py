"""Makes the forecasts of whole territories anew: some hours after the last time, or when much of their past has changed.

What is due is asked for, and made by whoever handles it: a worker, or this service itself.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from forecast.domain.kept import Due
from forecast.making import Making
from multiflux_client.failures import RemoteFailure
from multiflux_client.places import Territory
from vocabulary.civil import Granularity
from vocabulary.failure import Failure
from vocabulary.flux import Flux
from vocabulary.names import TerritoryId

_log = logging.getLogger(__name__)

_KINDS = tuple(
    (flux, granularity)
    for flux in (Flux.ELECTRICITY, Flux.WATER, Flux.GAS)
    for granularity in (Granularity.GAS_DAY if flux is Flux.GAS else Granularity.DAY, Granularity.HOUR)
)
_QUIET = timedelta(seconds=60)
"""How long no readings of the past must have come: a territory that is being filled is forecast when it is full."""
_MANY = 0.2
"""The share of stale points from which on all are made anew; fewer are made when they are asked for."""
_AGAIN = timedelta(minutes=10)
"""A territory without any point to forecast is looked at again after so long, or when readings have come."""


class Refreshing:
    """Asks for the forecasts of each territory whose forecasts are old, or that has none yet."""

    def __init__(
        self,
        making: Making,
        territories: Callable[[], AsyncIterator[Territory]],
        ask: Callable[[Sequence[Due]], Awaitable[None]],
        every: timedelta,
    ) -> None:
        """Look at what `making` keeps of `territories`; `ask` has what is due made, each `every` so often."""
        self._making = making
        self._territories = territories
        self._ask = ask
        self._every = every
        self._asked: dict[TerritoryId, datetime] = {}

    async def tick(self) -> None:
        """Ask for what is due; a service that is away is asked again at the next tick."""
        try:
            async for territory in self._territories():
                if territory.root_place is not None and await self._due(territory.id):
                    self._asked[territory.id] = self._making.clock.now()
                    await self._ask([Due(territory=territory.id, flux=flux, granularity=granularity) for flux, granularity in _KINDS])
        except (RemoteFailure, Failure, OSError) as failure:
            _log.warning("forecasts wait", extra={"reason": getattr(failure, "reason", type(failure).__name__)})

    async def _due(self, territory: TerritoryId) -> bool:
        now = self._making.clock.now()
        last, late, stale = await self._making.read(
            lambda forecasts: (forecasts.last_refresh(territory), forecasts.last_changed(territory), forecasts.stale_share(territory))
        )
        if late is not None and now - late < _QUIET:
            return False
        asked = self._asked.get(territory)
        if asked is not None and (last is None or last < asked) and now - asked < _AGAIN and (late is None or late <= asked):
            return False
        return stale >= _MANY or last is None or now - last >= self._every


async def refresh(making: Making, due: Due, asked: datetime) -> None:
    """Make what was due at a time, unless it has been made since; raises what the sources refuse, and WorkerLost."""
    made = await making.read(lambda forecasts: forecasts.last_made(due))
    territory = await making.sources.territory(due.territory)
    if territory.root_place is None or (made is not None and made >= asked):
        return
    done = await making.points(territory, territory.root_place, due.flux, due.granularity)
    _log.info(
        "forecasts made",
        extra={"territory": territory.id, "flux": due.flux.name, "points": done.forecasts, "insufficient": done.insufficient},
    )
