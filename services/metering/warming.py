"""Computes the day figures of whole territories ahead of the first question, whenever readings have stopped coming for a while."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

from metering.desk import Desk
from metering.domain.consumption.disclosure import SERVICE_ROLE, Asker
from metering.domain.figures.consumption import ConsumptionQuestion, NoPoints
from metering.domain.registry.territories import Territory
from runtime.clock import Clock
from vocabulary.civil import Granularity
from vocabulary.flux import Direction, Flux
from vocabulary.interval import Interval

_PRESENT, _PAST = timedelta(days=1), timedelta(days=400)
"""First the month that is shown first, then as far back as a year is compared with the one before."""

_FIRST = (
    (Flux.ELECTRICITY, Granularity.MONTH),
    (Flux.WATER, Granularity.MONTH),
    (Flux.GAS, Granularity.GAS_DAY),
    (Flux.GAS, Granularity.MONTH),
)
"""Months are made of civil days, by which gas is not read."""

_SERVICE = Asker(roles=frozenset({SERVICE_ROLE}))


class Warming:
    """Asks what people will ask first: each flux of each territory, this month and then the year before it."""

    def __init__(
        self, desk: Desk, territories: Callable[[], Awaitable[list[Territory]]], sequence: Callable[[], int], clock: Clock
    ) -> None:
        """Warm `desk`; `sequence` tells whether readings are coming."""
        self._desk = desk
        self._territories = territories
        self._sequence = sequence
        self._clock = clock
        self._last_seen = -1

    async def tick(self) -> None:
        """Compute what is missing, unless readings came since the last tick."""
        now_at, before = self._sequence(), self._last_seen
        self._last_seen = now_at
        if now_at != before or not now_at:
            return
        for territory in await self._territories():
            for back in (_PRESENT, _PAST):
                for flux, slots in _FIRST:
                    if self._sequence() == self._last_seen:
                        await self._warm(territory, flux, slots, back)

    async def _warm(self, territory: Territory, flux: Flux, slots: Granularity, back: timedelta) -> None:
        end = self._clock.now()
        question = ConsumptionQuestion(
            territory=territory.territory_id,
            resource=f"places/{territory.root_place}",
            flux=flux,
            quantity=None,
            direction=Direction.IMPORT,
            during=Interval(start=end - back, end=end),
            granularity=slots,
            profile_allowed=True,
        )
        with suppress(NoPoints):
            await self._desk.consumption(question, _SERVICE)
