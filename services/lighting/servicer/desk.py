"""What the methods share: a territory's books, how far the caller reaches in it, and how changes are made and told."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import uuid4

import grpc
from google.protobuf.message import Message
from sqlalchemy import Connection

from lighting.domain.delivery import Patience
from lighting.domain.estate import Estate
from lighting.domain.failures import OutOfScope
from lighting.domain.importing import Row
from lighting.domain.inventory import Cabinet, Luminaire
from lighting.domain.legal import Derogation, LegalRule
from lighting.domain.levels import LuminaireId
from lighting.domain.ports import Deliveries, Facts, Faults, Meters, Records, Shelf, TerritoryFacts
from multiflux.lighting.v1 import lighting_event_pb2
from runtime.call import Call, current_call
from runtime.changes import Changes, Transaction
from runtime.outbox import Outbox
from runtime.permissions import PlaceScopes, permission_of
from runtime.relational import Database
from vocabulary.names import PlaceId, TerritoryId
from vocabulary.role import Role
from wire.instants import instant_to_proto

M = TypeVar("M", bound=Message)
T = TypeVar("T")

Context = grpc.aio.ServicerContext[Any, Any]

_MANY = 100


class Books(Protocol):
    """A territory's lighting, read whole."""

    @property
    def estate(self) -> Estate:
        """What resolving needs."""
        ...

    @property
    def legal_rules(self) -> tuple[LegalRule, ...]:
        """The territory's own rules."""
        ...

    @property
    def derogations(self) -> tuple[Derogation, ...]:
        """Every derogation."""
        ...

    def shelf(self, shelf: Shelf) -> list[Any]:
        """Return everything of a shelf, by id, with tags."""
        ...

    def changed_at(self, shelf: Shelf, item: str) -> int:
        """Return the territory's revision when something was changed last."""
        ...


class Estates(Protocol):
    """Gives the books of territories."""

    async def books(self, territory: TerritoryId, facts: TerritoryFacts) -> Books:
        """Return a territory's books."""
        ...

    def books_in(self, connection: Connection, territory: TerritoryId, facts: TerritoryFacts) -> Books:
        """Return a territory's books, as a transaction sees them."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class InventoryFiles:
    """How files of one sort of thing are read and written."""

    rows: Mapping[int, Callable[[bytes], Iterable[Row]]]
    """By file format's number."""
    written: Mapping[int, Callable[[Iterable[Any]], bytes]]
    value: Callable[[Mapping[str, str]], Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """What the methods work with."""

    database: Database
    changes: Changes
    outbox: Outbox
    records: Callable[[Connection, TerritoryId], Records]
    deliveries: Callable[[Connection, TerritoryId], Deliveries]
    faults: Callable[[Connection, TerritoryId], Faults]
    patience: Patience
    estates: Estates
    facts: Facts
    meters: Meters
    scopes: PlaceScopes
    files: Mapping[Shelf, InventoryFiles]
    executor: Executor
    largest_file_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """Which places the caller's grants cover; `whole`: the territory."""

    whole: bool
    places: frozenset[PlaceId] = frozenset()

    def covers(self, estate: Estate, value: Any) -> bool:
        """Tell whether the caller may see, and change, a value: luminaires and cabinets by where they stand; what is for all, always."""
        if self.whole:
            return True
        if isinstance(value, Luminaire):
            cabinet = estate.cabinets.get(value.cabinet)
            return value.street in self.places or (cabinet is not None and cabinet.place in self.places)
        if isinstance(value, Cabinet):
            return value.place in self.places
        return True


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """One request's books and caller."""

    call: Call
    facts: TerritoryFacts
    books: Books
    reach: Reach

    @property
    def estate(self) -> Estate:
        """The estate."""
        return self.books.estate

    def check(self, luminaires: Iterable[LuminaireId]) -> None:
        """Refuse to work on luminaires that no grant covers; UnknownLamp, OutOfScope."""
        for one in luminaires:
            if not self.reach.covers(self.estate, self.estate.luminaire(one)):
                raise OutOfScope(f"no grant covers {one}", luminaire=one)

    def own(self) -> list[LuminaireId]:
        """Return every luminaire that the caller's grants cover."""
        return [one.id for one in self.estate.luminaires.values() if self.reach.covers(self.estate, one)]


class Methods:
    """Runs the rules of lighting for a caller."""

    def __init__(self, tools: Tools) -> None:
        """Work with `tools`."""
        self._tools = tools

    async def _view(self) -> View:
        call = current_call()
        facts = await self._tools.facts.of(call.territory)
        books = await self._tools.estates.books(call.territory, facts)
        return View(call=call, facts=facts, books=books, reach=await self._reach(call, books.estate))

    async def _reach(self, call: Call, estate: Estate) -> Reach:
        permission = permission_of(call.method)
        roles = permission.roles if permission else frozenset[Role]()
        grants = [grant for grant in call.caller.grants if grant.role in roles and grant.validity.contains(call.at)]
        if any(grant.place is None for grant in grants):
            return Reach(whole=True)
        named = {one.street for one in estate.luminaires.values()} | {one.place for one in estate.cabinets.values()}
        granted = {grant.place for grant in grants if grant.place is not None}
        places = set(granted)
        for place in named:
            if place is None or place in places:
                continue
            for one in granted:
                if await self._tools.scopes.covers(call.territory, one, f"places/{place}", call.at):
                    places.add(place)
                    break
        return Reach(whole=False, places=frozenset(places))

    async def _change(self, request: Message, work: Callable[[Records, View, Transaction], M], response: type[M]) -> M:
        """Let `work` change something once per request id, with the books as the transaction sees them."""
        before = await self._view()

        def change(transaction: Transaction) -> M:
            territory = transaction.call.territory
            books = self._tools.estates.books_in(transaction.connection, territory, before.facts)
            view = View(call=transaction.call, facts=before.facts, books=books, reach=before.reach)
            return work(self._tools.records(transaction.connection, territory), view, transaction)

        return await self._tools.changes(request, change, response)

    async def _compute(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._tools.executor, work)


def told(transaction: Transaction, change: lighting_event_pb2.LightingChange.ValueType, resource: str, version: int = 0) -> None:
    """Publish that something changed, and keep it in the audit log."""
    event = lighting_event_pb2.LightingEvent(
        event_id=str(uuid4()),
        territory=f"territories/{transaction.call.territory}",
        occur_time=instant_to_proto(transaction.at),
        change=change,
        resource=resource,
        version=version,
    )
    transaction.publish(event, territory=transaction.call.territory)
    transaction.audit(resource=resource)


def shown(luminaires: Sequence[LuminaireId]) -> list[str]:
    """Return names of luminaires."""
    return [f"luminaires/{one}" for one in luminaires]
