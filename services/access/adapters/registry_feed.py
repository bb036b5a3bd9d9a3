"""Follows the registry: which places there are, which lie in which, and who moved."""

import logging
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, delete, select

from access.adapters.books import SqlBooks
from access.adapters.digests import Digests
from access.adapters.news import TransactionNews, telling
from access.adapters.signing_keys import SigningKeys
from access.adapters.tables import AccessTables
from access.domain.moving import household_moved
from multiflux_client.channel import TokenSource
from multiflux_client.places import Place
from multiflux_client.points import MeteringPoint
from multiflux_client.registry import HouseholdMoved, RegistryClient, RegistryEvent
from runtime.call import Call, Caller, Grant
from runtime.clock import Clock
from runtime.outbox import Outbox
from runtime.place_replica import DatedParent, PlaceReplica
from runtime.relational import Database
from vocabulary.names import TerritoryId
from vocabulary.role import Role

_log = logging.getLogger(__name__)

T = TypeVar("T")

_BATCH = 1_000
_MOVED = "/multiflux.metering.v1.RegistryService/RecordMove"
_REGISTRY = "services/metering"


@dataclass(frozen=True, slots=True)
class OwnTokens:
    """Tokens that this service signs for itself: it needs no exchange with itself."""

    keys: SigningKeys
    clock: Clock
    territory: TerritoryId | None

    async def token(self) -> str:
        """Return a new token."""
        caller = Caller(subject="services/access", territory=self.territory, grants=(Grant(role=Role.SERVICE, place=None),))
        return self.keys.sign(caller, self.clock.now())[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Registry:
    """The registry, as this service calls it: `client` with the tokens of one caller."""

    client: Callable[[TokenSource], RegistryClient]
    tokens: Callable[[TerritoryId | None], TokenSource]

    def of(self, territory: TerritoryId | None) -> RegistryClient:
        """Return the client for one territory, or for all."""
        return self.client(self.tokens(territory))


class RegistryFeed:
    """Applies the registry's events to this service's database; what a Consumer needs."""

    def __init__(self, database: Database, tables: AccessTables, digests: Digests, outbox: Outbox, clock: Clock) -> None:
        """Write to `tables`; news about what a move ended goes to `outbox`."""
        self._database = database
        self._tables = tables
        self._digests = digests
        self._outbox = outbox
        self._clock = clock
        self._replica = PlaceReplica(database, tables.runtime)

    def apply(self, connection: Connection, event: RegistryEvent) -> None:
        """Make one event take effect; again, it changes nothing more."""
        books = SqlBooks(connection, self._tables, self._digests, event.territory)
        if event.territory_changed is not None:
            books.places.add_territory()
        if event.places_changed is not None:
            self._places(connection, event.territory, event.places_changed.places)
        if event.points_changed is not None:
            self._points(connection, event.territory, event.points_changed.points)
        if event.place_deleted is not None:
            books.places.remove(event.place_deleted)
            self._replica.forget(connection, event.territory, f"places/{event.place_deleted}")
        if event.point_deleted is not None:
            self._replica.forget(connection, event.territory, f"meters/{event.point_deleted}")
        if event.household_moved is not None:
            self._moved(connection, books, event, event.household_moved)

    async def resync(self, registry: Registry) -> str:
        """List everything anew, after events were missed, and return the cursor from which to go on: the oldest event kept.

        Events tell how things are, not how they differ: those that are older than the list are overtaken by newer ones.
        """
        _log.info("listing the registry anew")
        async for territory in registry.of(None).territories():
            await self._resync(registry.of(territory.id), territory.id)
        return ""

    async def _resync(self, client: RegistryClient, territory: TerritoryId) -> None:
        await self._database.write(lambda connection: self._books(connection, territory).places.add_territory())
        seen: set[str] = set()
        async for places in _batches(aiter(client.places())):
            seen |= {place.id for place in places}
            await self._database.write(lambda connection, batch=places: self._places(connection, territory, batch))
        async for points in _batches(aiter(client.metering_points())):
            await self._database.write(lambda connection, batch=points: self._points(connection, territory, batch))
        await self._database.write(lambda connection: self._forget_unseen(connection, territory, seen))

    def _forget_unseen(self, connection: Connection, territory: TerritoryId, seen: set[str]) -> None:
        table = self._tables.known_place
        known = connection.execute(select(table.c.place).where(table.c.territory == territory)).scalars().all()
        for place in set(known) - seen:
            connection.execute(delete(table).where(table.c.territory == territory, table.c.place == place))
            self._replica.forget(connection, territory, f"places/{place}")

    def _places(self, connection: Connection, territory: TerritoryId, places: Iterable[Place]) -> None:
        books = self._books(connection, territory)
        for place in places:
            books.places.add(place.id, place.level)
            parents = [DatedParent(parent=parent.parent, validity=parent.validity) for parent in place.parents]
            self._replica.apply(connection, territory, f"places/{place.id}", parents)

    def _points(self, connection: Connection, territory: TerritoryId, points: Iterable[MeteringPoint]) -> None:
        for point in points:
            parents = [DatedParent(parent=place.place, validity=place.validity) for place in point.places]
            self._replica.apply(connection, territory, f"meters/{point.id}", parents)

    def _moved(self, connection: Connection, books: SqlBooks, event: RegistryEvent, move: HouseholdMoved) -> None:
        # A premise that was vacant has no move-out: who came ends what was forgotten there.
        moved = move.move_out_time or move.move_in_time
        if moved is None:
            return
        caller = Caller(subject=_REGISTRY, territory=event.territory)
        call = Call(caller=caller, request_id=event.event_id, method=_MOVED, at=self._clock.now())
        with telling(connection, self._tables, self._outbox, call) as transaction:
            household_moved(books, TransactionNews(transaction, event.territory), move.premise, moved, call.at)

    def _books(self, connection: Connection, territory: TerritoryId) -> SqlBooks:
        return SqlBooks(connection, self._tables, self._digests, territory)


async def _batches(items: AsyncIterator[T]) -> AsyncIterator[list[T]]:
    batch: list[T] = []
    async for item in items:
        batch.append(item)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
