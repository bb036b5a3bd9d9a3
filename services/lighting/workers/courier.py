"""Brings orders to cabinets, and takes in what gateways say."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from lighting.domain.calendars import Holidays
from lighting.domain.delivery import Delivery, Patience, answered, attempted, first_night, next_power, ordered, reported
from lighting.domain.estate import Estate
from lighting.domain.inventory import GatewayProtocol
from lighting.domain.levels import CabinetId
from lighting.domain.nights import night_of
from lighting.domain.orders import Order, orders
from lighting.domain.ports import Deliveries, Facts, FieldLink, LinkAway, TerritoryFacts
from lighting.domain.reports import Answer, Report
from lighting.workers.telling import told
from lighting.workers.watchman import Look, Watchman
from multiflux.lighting.v1 import lighting_event_pb2
from runtime.clock import Clock
from runtime.outbox import Outbox, Pending
from runtime.relational import Database
from vocabulary.failure import Failure
from vocabulary.names import TerritoryId

_log = logging.getLogger(__name__)

S = TypeVar("S", Answer | Report, Report)

_DELIVERY = lighting_event_pb2.LIGHTING_CHANGE_DELIVERY
_LOOK_S = 0.5
_SILENCE_S = 60.0
_AFTER_TROUBLE_S = 5.0
_AT_ONCE = 50
"""Orders on their way together."""
_MOST_DUE = 1_000
_MOST_HEARD = 1_000
_WAITING_HEARD = 20_000
"""Answers and reports that wait for the database; beyond, the link waits."""


class Books(Protocol):
    """A territory's lighting at one revision."""

    @property
    def revision(self) -> int:
        """How often it changed."""
        ...

    @property
    def estate(self) -> Estate:
        """What orders are compiled from."""
        ...


class Estates(Protocol):
    """Gives the books of territories."""

    async def books(self, territory: TerritoryId, facts: TerritoryFacts) -> Books:
        """Return a territory's books."""
        ...


class Store(Protocol):
    """Where deliveries of all territories are kept."""

    def deliveries(self, connection: Connection, territory: TerritoryId) -> Deliveries:
        """Return one territory's."""
        ...

    def territories(self, connection: Connection) -> Sequence[TerritoryId]:
        """Return the territories that have any lighting."""
        ...

    def due(self, connection: Connection, now: datetime, most: int) -> Sequence[tuple[TerritoryId, CabinetId]]:
        """Return cabinets whose orders are to be sent now."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """What the courier works with."""

    database: Database
    store: Store
    outbox: Outbox
    estates: Estates
    facts: Facts
    links: Mapping[GatewayProtocol, FieldLink]
    clock: Clock
    executor: Executor
    patience: Patience
    watchman: Watchman


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """What orders were compiled from last."""

    revision: int
    tonight: date
    holidays: Holidays


@dataclass(slots=True)
class Courier:
    """Keeps what cabinets are ordered, and what they say, in step with the plan."""

    tools: Tools
    _seen: dict[TerritoryId, _Seen] = field(default_factory=dict[TerritoryId, _Seen])
    _heard: asyncio.Queue[Answer | Report] = field(default_factory=lambda: asyncio.Queue(_WAITING_HEARD))
    _reports: asyncio.Queue[Report] = field(default_factory=lambda: asyncio.Queue(_WAITING_HEARD))

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for link in self.tools.links.values():
                group.create_task(link.run(self._heard.put))
            for work in (self.compile, self.send, self.listen, self.judge):
                group.create_task(_again(work))
            group.create_task(_again(self.miss, _SILENCE_S))

    async def compile(self) -> None:
        """Compile the orders of every territory whose lighting, night or holidays changed since it was looked at last."""
        await _for_each(await self.tools.database.read_aside(self.tools.store.territories), self._compile)

    async def send(self) -> None:
        """Send every order that is due."""
        now = self.tools.clock.now()
        due = await self.tools.database.read_aside(lambda connection: self.tools.store.due(connection, now, _MOST_DUE))
        by_territory = defaultdict[TerritoryId, list[CabinetId]](list)
        for territory, cabinet in due:
            by_territory[territory].append(cabinet)
        await _for_each(by_territory, lambda territory: self._send(territory, by_territory[territory]))

    async def listen(self) -> None:
        """Take in everything that was heard meanwhile, in one transaction for each territory."""
        heard = await _drained(self._heard)
        known = await self.tools.database.read_aside(self.tools.store.territories)
        for stranger in heard.keys() - set(known):
            _log.warning("a gateway speaks of a territory that has no lighting", extra={"territory": stranger})
        await _for_each(heard.keys() & set(known), lambda territory: self._hear(territory, heard[territory]))

    async def judge(self) -> None:
        """Hold reports against the plan: later than answers are taken in, which wait for nothing."""
        reports = await _drained(self._reports)

        async def saw(territory: TerritoryId) -> None:
            await self.tools.watchman.saw(await self._look(territory), reports[territory])

        await _for_each(reports, saw)

    async def miss(self) -> None:
        """Find gateways that say nothing though they have power."""

        async def waited(territory: TerritoryId) -> None:
            await self.tools.watchman.waited(await self._look(territory))

        await _for_each(tuple(self._seen), waited)

    async def _look(self, territory: TerritoryId) -> Look:
        facts = await self.tools.facts.of(territory)
        books = await self.tools.estates.books(territory, facts)
        held = await self.tools.database.read(lambda connection: self.tools.store.deliveries(connection, territory).some())
        versions = {cabinet: delivery.version for cabinet, delivery in held.items()}
        return Look(territory=territory, estate=books.estate, revision=books.revision, versions=versions)

    async def _compile(self, territory: TerritoryId) -> None:
        facts = await self.tools.facts.of(territory)
        books = await self.tools.estates.books(territory, facts)
        tonight = night_of(self.tools.clock.now(), facts.zone)
        seen = _Seen(revision=books.revision, tonight=tonight, holidays=facts.holidays)
        if self._seen.get(territory) != seen:
            await self._order(territory, books.estate, seen)
            self._seen[territory] = seen

    async def _order(self, territory: TerritoryId, estate: Estate, seen: _Seen) -> None:
        def before(connection: Connection) -> Mapping[CabinetId, Delivery]:
            return self.tools.store.deliveries(connection, territory).some()

        known = await self.tools.database.read(before)
        reachable = [cabinet.id for cabinet in estate.cabinets.values() if cabinet.gateway is not None]
        nights = {cabinet: first_night(known.get(cabinet), seen.tonight) for cabinet in reachable}
        compiled = await asyncio.get_running_loop().run_in_executor(self.tools.executor, orders, estate, nights)

        def keep(connection: Connection) -> list[Pending]:
            deliveries, now = self.tools.store.deliveries(connection, territory), self.tools.clock.now()
            held = deliveries.some()
            for cabinet in held.keys() - nights.keys():
                deliveries.remove(cabinet)
            for cabinet, order in compiled.items():
                earlier = held.get(cabinet)
                after = ordered(earlier, order, nights[cabinet], seen.revision, now)
                if after != earlier:
                    deliveries.put(after, order if earlier is None or after.version != earlier.version else None)
            return []

        await self._write(keep)

    async def _send(self, territory: TerritoryId, cabinets: Sequence[CabinetId]) -> None:
        def read(connection: Connection) -> list[tuple[Delivery, Order]]:
            deliveries = self.tools.store.deliveries(connection, territory)
            return [(delivery, deliveries.order(cabinet)) for cabinet, delivery in deliveries.some(cabinets).items()]

        waiting, slots = await self.tools.database.read(read), asyncio.Semaphore(_AT_ONCE)

        async def hand_over(delivery: Delivery, order: Order) -> datetime | None:
            link = self.tools.links.get(order.gateway.protocol)
            if link is None:
                return None
            async with slots:
                sent = self.tools.clock.now()
                try:
                    await link.send(territory, order.gateway, delivery.version, order)
                except LinkAway as away:
                    _log.info("an order waits for its link", extra={"cabinet": delivery.cabinet, "reason": str(away)})
                    return None
            return sent

        handed = await asyncio.gather(*(hand_over(delivery, order) for delivery, order in waiting))
        facts = await self.tools.facts.of(territory)
        estate, now = (await self.tools.estates.books(territory, facts)).estate, self.tools.clock.now()
        dusk = {cabinet.id: next_power(cabinet, now, facts.zone) for cabinet in estate.cabinets.values()}

        def keep(connection: Connection) -> list[Pending]:
            deliveries = self.tools.store.deliveries(connection, territory)
            current = deliveries.some(cabinets)
            for (tried, _), sent in zip(waiting, handed, strict=True):
                # An answer, or a newer order, may have come meanwhile.
                held = current.get(tried.cabinet)
                if held is not None and held.version == tried.version:
                    after = attempted(held, sent=sent, now=now, patience=self.tools.patience, dusk=dusk.get(held.cabinet))
                    deliveries.put(after)
            return []

        await self._write(keep)

    async def _hear(self, territory: TerritoryId, heard: Sequence[Answer | Report]) -> None:
        try:
            facts = await self.tools.facts.of(territory)
            estate = (await self.tools.estates.books(territory, facts)).estate
            served = [one for one in heard if _serves(estate, one)]
            await self._write(lambda connection: self._take(connection, territory, served))
        except Failure:
            # What was said waits with us, as far as there is room: a gateway says it only once, and is asked again.
            with suppress(asyncio.QueueFull):
                for one in heard:
                    self._heard.put_nowait(one)
            raise
        for one in served:
            if isinstance(one, Report):
                await self._reports.put(one)

    def _take(self, connection: Connection, territory: TerritoryId, heard: Sequence[Answer | Report]) -> list[Pending]:
        deliveries = self.tools.store.deliveries(connection, territory)
        before = deliveries.some({one.cabinet for one in heard})
        after = dict(before)
        for one in heard:
            if one.cabinet in after:
                held = after[one.cabinet]
                after[one.cabinet] = answered(held, one) if isinstance(one, Answer) else reported(held, one)
        for cabinet, delivery in after.items():
            deliveries.put(delivery)
            if delivery.refused and not before[cabinet].refused:
                _log.warning("a gateway refused an order", extra={"cabinet": cabinet, "refused": delivery.refused})
        deliveries.heard([one for one in heard if isinstance(one, Report)])
        moved = [cabinet for cabinet, delivery in after.items() if _milestones(delivery) != _milestones(before[cabinet])]
        return [told(territory, _DELIVERY, f"cabinets/{cabinet}", self.tools.clock) for cabinet in moved]

    async def _write(self, work: Callable[[Connection], list[Pending]]) -> None:
        def change(connection: Connection) -> None:
            self.tools.outbox.append(connection, work(connection))

        await self.tools.database.write(change)
        self.tools.outbox.wake()


def _serves(estate: Estate, one: Answer | Report) -> bool:
    """Tell whether a gateway speaks of a cabinet that it serves, and of no lamp of others."""
    cabinet = estate.cabinets.get(one.cabinet)
    if cabinet is None or cabinet.gateway != one.gateway:
        _log.warning("a gateway speaks of a cabinet that it does not serve", extra={"gateway": one.gateway.address, "cabinet": one.cabinet})
        return False
    if isinstance(one, Report):
        strange = [lamp.luminaire for lamp in one.lamps if _cabinet_of(estate, lamp.luminaire) != one.cabinet]
        if strange:
            _log.warning("a gateway speaks of lamps that are not its cabinet's", extra={"cabinet": one.cabinet, "luminaire": strange[0]})
            return False
    return True


def _cabinet_of(estate: Estate, luminaire: Any) -> CabinetId | None:
    found = estate.luminaires.get(luminaire)
    return None if found is None else found.cabinet


def _milestones(delivery: Delivery) -> tuple[object, ...]:
    return delivery.version, delivery.received is not None, delivery.followed is not None, delivery.refused


async def _drained(queue: "asyncio.Queue[S]") -> Mapping[TerritoryId, Sequence[S]]:
    """Wait for something, and return it and everything that waits too, by territory."""
    found = [await queue.get()]
    while len(found) < _MOST_HEARD and not queue.empty():
        found.append(queue.get_nowait())
    by_territory = defaultdict[TerritoryId, list[S]](list)
    for one in found:
        by_territory[one.territory].append(one)
    return by_territory


async def _for_each(territories: Iterable[TerritoryId], work: Callable[[TerritoryId], Awaitable[None]]) -> None:
    """Do `work` for every territory: the trouble of one, which is logged, keeps no other waiting."""
    for territory in territories:
        try:
            await work(territory)
        except Failure as failure:
            _log.warning("a territory waits", extra={"territory": territory, "reason": failure.reason})


async def _again(work: Callable[[], Any], every_s: float = _LOOK_S) -> None:
    """Do `work` again and again until cancelled; after trouble, which is logged, a little later."""
    while True:
        try:
            await work()
        except Failure as failure:
            _log.warning("the courier waits", extra={"reason": failure.reason, "work": work.__name__})
            await asyncio.sleep(_AFTER_TROUBLE_S)
        await asyncio.sleep(every_s)
