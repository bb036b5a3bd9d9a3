"""The comparison service over a real channel, above homes that are made up: whose they are and what they used is given, not asked."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from comparison_world import Town, building
from joserfc.jwk import KeySet, OKPKey

from comparison.adapters.area_store import AreaStore
from comparison.adapters.private_figures import draws
from comparison.adapters.store import Store
from comparison.adapters.tables import RUNTIME
from comparison.app import MIGRATIONS
from comparison.closing import Closer
from comparison.domain import task
from comparison.domain.closing import HomeMonths, Survey
from comparison.domain.homes import Attributes, HomeType
from comparison.domain.months import after
from comparison.domain.ports import Own
from comparison.domain.task import ClosingTask
from comparison.servicer import ComparisonServicer, Tools
from comparison.settings import ComparisonSettings
from multiflux.comparison.v1 import comparison_service_pb2_grpc as pb_grpc
from multiflux_client.channel import Connection, Target
from multiflux_client.comparison import ComparisonClient
from multiflux_client.credentials import FixedToken
from multiflux_client.failures import RemoteFailure
from multiflux_client.places import Territory
from runtime.audit import AuditLog
from runtime.call import Caller, Grant
from runtime.changes import Changes
from runtime.limits import RateLimits
from runtime.outbox import Outbox
from runtime.permissions import PermissionCheck
from runtime.place_replica import DatedParent, PlaceReplica
from runtime.relational import Database
from runtime.server import Endpoint, Service, serving
from runtime.tokens import TokenVerifier, sign_token
from vocabulary.flux import Flux
from vocabulary.interval import Interval, Validity
from vocabulary.names import PlaceId, TerritoryId
from vocabulary.role import Role

TOWN = TerritoryId("town")
KEY = OKPKey.generate_key("Ed25519", parameters={"kid": "test"}, private=True)
NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
TOWER, SMALL = building(1, 1), [building(1, number) for number in range(2, 8)]
HOME = PlaceId("n1-s1-b1-h0")


@dataclass(frozen=True)
class Household:
    """What is known of a home: what was declared, whether it consents, what it used in a month, None where that is not known."""

    attributes: Attributes
    consents: bool
    amount: float | None


OWN = Household(attributes=Attributes(type=HomeType.FLAT, occupants=2), consents=True, amount=3_000_000.0)


class Keys:
    """The key that signs the tokens of these tests."""

    def key_set(self) -> KeySet:
        return KeySet([KEY])

    async def refresh(self) -> None:
        pass


@dataclass
class Sources:
    """A street with a tower of 45 homes and small houses with 24 more, all of which consent."""

    town: Town = field(default_factory=lambda: Town({TOWER: 45, **dict.fromkeys(SMALL, 4)}))
    own: dict[PlaceId, Household] = field(default_factory=dict[PlaceId, Household])
    used: dict[date, float] = field(default_factory=dict[date, float])
    """What every home used in a month, where that is not what `own` says."""
    degrees: dict[date, float] = field(default_factory=dict[date, float])
    looked_at: list[PlaceId] = field(default_factory=list[PlaceId])
    since: list[datetime] = field(default_factory=list[datetime])
    away: bool = False
    computing_s: float = 0.0
    """How long metering computes for a home that has readings."""
    asking: frozenset[PlaceId] | None = None
    """The homes that ask; None: all may."""

    async def territory(self, territory: TerritoryId, now: datetime | None = None) -> Territory:
        del now
        return Territory(id=territory, display_name="Town", time_zone="Europe/Paris", simulated=True, root_place=PlaceId("town"))

    async def survey(self, territory: TerritoryId, flux: Flux, at: datetime, since: datetime) -> Survey:
        del territory, at
        self.since.append(since)
        return replace(self.town.survey(), flux=flux)

    async def readings(self, territory: Territory, flux: Flux, month: date) -> HomeMonths:
        del territory, flux
        return self.town.readings(month.month)

    def home(self, premise: PlaceId, month: date) -> Household:
        found = self.own.get(premise, OWN)
        return replace(found, amount=self.used[month]) if month in self.used else found


@dataclass
class TownSources(Sources):
    """The homes of a town, each with what it used; `changes` makes something of a month's readings."""

    changes: Callable[[HomeMonths], HomeMonths] = lambda readings: readings
    attributes: dict[PlaceId, Attributes] = field(default_factory=dict[PlaceId, Attributes])
    asked: dict[int, tuple[HomeMonths, dict[PlaceId, float]]] = field(default_factory=dict[int, tuple[HomeMonths, dict[PlaceId, float]]])

    async def readings(self, territory: Territory, flux: Flux, month: date) -> HomeMonths:
        del territory, flux
        return self.month(month.month)[0]

    def month(self, number: int) -> tuple[HomeMonths, dict[PlaceId, float]]:
        """Return the readings of a month, and what each home used in it."""
        if number not in self.asked:
            readings = self.changes(self.town.readings(number))
            self.asked[number] = readings, readings.totals()
        return self.asked[number]

    def home(self, premise: PlaceId, month: date) -> Household:
        if premise in self.own:
            return self.own[premise]
        if not self.attributes:
            self.attributes.update(self.town.survey().attributes)
        used = self.month(month.month)[1]
        return Household(attributes=self.attributes.get(premise, Attributes()), consents=True, amount=used.get(premise))


@dataclass
class HomeSources:
    """What the service is told of single homes."""

    of: Sources

    async def territory(self, territory: TerritoryId, now: datetime) -> Territory:
        return await self.of.territory(territory, now)

    async def own(
        self, territory: TerritoryId, premise: PlaceId, above: Sequence[PlaceId], flux: Flux, during: Interval, now: datetime
    ) -> Own:
        del territory, above, flux, now
        self.of.looked_at.append(premise)
        if self.of.away:
            raise RemoteFailure("away", code=grpc.StatusCode.UNAVAILABLE)
        first, last = ((at + timedelta(days=2)).date().replace(day=1) for at in (during.start, during.end - timedelta(days=5)))
        asked = [one for at in range(13) if (one := after(first, at)) <= last]
        homes = {month: self.of.home(premise, month) for month in asked}
        amounts = {month: home.amount for month, home in homes.items() if home.amount is not None}
        latest = homes[asked[-1]]
        if amounts:
            await asyncio.sleep(self.of.computing_s)
        return Own(attributes=latest.attributes, consents=latest.consents, amounts=amounts, degrees=self.of.degrees)


@dataclass
class World:
    connection: Connection
    sources: Sources
    closer: Closer
    clock: Any
    database: Database

    def acting_as(self, *grants: Grant, subject: str = "people/jo", territory: TerritoryId = TOWN) -> Connection:
        caller = Caller(subject=subject, territory=territory, grants=grants)
        return self.connection.with_tokens(FixedToken(sign_token(caller, key=KEY, lifetime_s=300, now=self.clock.now())))

    def household(self, premise: PlaceId = HOME, *, since: datetime | None = None) -> ComparisonClient:
        return ComparisonClient(
            self.acting_as(Grant(role=Role.HOUSEHOLD, place=premise, validity=Validity(start=since)), subject=f"people/p-{premise}")
        )

    def with_role(self, role: Role, place: PlaceId | None = None) -> ComparisonClient:
        subject = "services/x" if role is Role.SERVICE else "people/jo"
        return ComparisonClient(self.acting_as(Grant(role=role, place=place), subject=subject))

    async def close(self, *months: date, flux: Flux = Flux.WATER) -> None:
        for month in months:
            await self.closer.close(await self.sources.territory(TOWN), flux, month)

    async def refusal(self, call: Any) -> RemoteFailure:
        with pytest.raises(RemoteFailure) as caught:
            await call
        return caught.value


async def here(closing: ClosingTask) -> task.Computed:
    """Compute a closing in this process, where tests can take defences away."""
    return task.carried_out(closing)


@asynccontextmanager
async def served(database_url: str, data_directory: Path, clock: Any, sources: Sources, *, burst: int = 20) -> AsyncGenerator[World]:
    """Serve comparison of the homes of `sources`, with a database that is empty at first."""
    settings = ComparisonSettings(port=0, metrics_port=0, data_directory=data_directory)
    database = Database.open(database_url)
    database.migrate(MIGRATIONS)
    replica = PlaceReplica(database, RUNTIME)

    def link(connection: Any) -> None:
        homes = [one for one in sources.town.contributors() if sources.asking is None or one.premise in sources.asking]
        for one in homes:
            replica.apply(connection, TOWN, f"places/{one.premise}", [DatedParent(parent=one.building, validity=Validity())])
        for one in sources.town.homes:
            replica.apply(connection, TOWN, f"places/{one.id}", [DatedParent(parent=one.street, validity=Validity())])

    await database.write(link)
    closer = Closer(sources=sources, database=database, records=Store, area_records=AreaStore, compute=here, clock=clock, draw=draws())
    tools = Tools(
        closer=closer,
        sources=HomeSources(sources),
        changes=Changes(database, RUNTIME, Outbox(database, RUNTIME, clock), clock),
        replica=replica,
        refusals=AuditLog(database, RUNTIME),
        limits=RateLimits(per_minute=60, burst=burst, clock=clock),
    )
    service = Service(
        name="comparison",
        settings=settings,
        clock=clock,
        endpoints=(
            Endpoint(
                name="multiflux.comparison.v1.ComparisonService",
                add=pb_grpc.add_ComparisonServiceServicer_to_server,
                servicer=ComparisonServicer(tools),
            ),
        ),
        verifier=TokenVerifier(Keys(), clock),
        permissions=PermissionCheck(replica),
        refusals=AuditLog(database, RUNTIME),
        closers=(database.close,),
    )
    async with serving(service) as port, Connection.open(Target(address=f"127.0.0.1:{port}")) as connection:
        yield World(connection=connection, sources=sources, closer=closer, clock=clock, database=database)
