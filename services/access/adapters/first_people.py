"""The people that are there from the first start: operators of the platform, and demo people."""

from hashlib import sha256
from uuid import uuid4

from sqlalchemy import Connection

from access.adapters.books import SqlBooks
from access.adapters.digests import Digests
from access.adapters.news import TransactionNews, telling
from access.adapters.tables import AccessTables
from access.domain.actor import Actor
from access.domain.demo import DEMO_OPERATOR, DEMO_PEOPLE, LOCAL_ISSUER, DemoPerson, add_demo_person, set_operators
from access.domain.ids import PLATFORM, PLATFORM_PREFIX, GrantId
from access.domain.person import Identity
from runtime.call import Call, Caller
from runtime.clock import Clock
from runtime.outbox import Outbox
from runtime.relational import Database
from vocabulary.names import PersonId, TerritoryId

_START = "/multiflux.access.v1.AccessService/Start"
_SELF = "services/access"
_DIGITS = 16


class FirstPeople:
    """Makes people known that no request asked for; once more, it changes nothing."""

    def __init__(self, database: Database, tables: AccessTables, digests: Digests, outbox: Outbox, clock: Clock) -> None:
        """Write to `tables`; news goes to `outbox`."""
        self._database = database
        self._tables = tables
        self._digests = digests
        self._outbox = outbox
        self._clock = clock

    async def operators(self, issuer: str, subjects: tuple[str, ...]) -> None:
        """Make these accounts the platform's operators, and no others."""
        await self._database.write(lambda connection: self._set_operators(connection, operators_of(issuer, subjects)))

    async def demo(self, territory: TerritoryId) -> None:
        """Make a demo person for each role of a territory."""
        await self._database.write(lambda connection: self._add_demo(connection, territory, DEMO_PEOPLE))

    def _set_operators(self, connection: Connection, operators: dict[PersonId, Identity]) -> None:
        call = self._call(PLATFORM)
        with telling(connection, self._tables, self._outbox, call) as transaction:
            books = SqlBooks(connection, self._tables, self._digests, PLATFORM)
            set_operators(books, TransactionNews(transaction, PLATFORM), _actor(call), operators)

    def _add_demo(self, connection: Connection, territory: TerritoryId, people: tuple[DemoPerson, ...]) -> None:
        call = self._call(territory)
        with telling(connection, self._tables, self._outbox, call) as transaction:
            books, news = SqlBooks(connection, self._tables, self._digests, territory), TransactionNews(transaction, territory)
            for person in people:
                add_demo_person(books, news, _actor(call), person, new_id=GrantId(str(uuid4())))

    def _call(self, territory: TerritoryId) -> Call:
        return Call(caller=Caller(subject=_SELF, territory=territory), request_id=str(uuid4()), method=_START, at=self._clock.now())


def operators_of(issuer: str, subjects: tuple[str, ...]) -> dict[PersonId, Identity]:
    """Return the operators of an installation; with the local issuer, the demo operator is the only one."""
    if issuer == LOCAL_ISSUER:
        return {DEMO_OPERATOR.id: Identity(issuer=LOCAL_ISSUER, subject=f"{PLATFORM}/{DEMO_OPERATOR.id}")}
    accounts = (Identity(issuer=issuer, subject=subject) for subject in subjects)
    # The id is the account's for good, whatever the settings' order.
    return {PersonId(PLATFORM_PREFIX + sha256(f"{one.issuer}\0{one.subject}".encode()).hexdigest()[:_DIGITS]): one for one in accounts}


def _actor(call: Call) -> Actor:
    return Actor(subject=call.caller.subject, grants=(), at=call.at)
