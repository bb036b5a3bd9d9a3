"""Whatever order codes, claims, ends and moves come in: never two households at a time, and nothing reaches beyond its occupancy."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import Engine, StaticPool, create_engine

from access.adapters.books import SqlBooks
from access.adapters.digests import Digests
from access.adapters.tables import AccessTables, access_tables
from access.domain.actor import Actor
from access.domain.consent import Purpose
from access.domain.consenting import ConsentOrder, give_consent
from access.domain.delegating import DelegationOrder, delegate
from access.domain.entry import Entrant, token_grants
from access.domain.ids import ConsentId, DelegationId, OccupancyId
from access.domain.moving import CodeOrder, claim_occupancy, household_moved, issue_code, move_out
from access.domain.occupancy import Delegation
from access.domain.registration import NewPerson, register
from runtime.place_replica import DatedParent, PlaceReplica
from vocabulary.civil import Granularity
from vocabulary.failure import Failure
from vocabulary.interval import Validity
from vocabulary.names import PersonId, PlaceId, PointId, TerritoryId
from vocabulary.place import PlaceLevel
from vocabulary.role import Role

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
HOME, POINT, TOWN = PlaceId("home"), PointId("meter"), TerritoryId("town")
PEOPLE = [PersonId(name) for name in ("ann", "bob", "cid")]

people = st.sampled_from(PEOPLE)
offsets = st.integers(-20, 20).map(lambda number: timedelta(days=number))


@cache
def database() -> tuple[Engine, AccessTables]:
    """Return an empty database, which every example rolls back to."""
    engine, tables = create_engine("sqlite://", poolclass=StaticPool), access_tables()
    tables.metadata.create_all(engine)
    return engine, tables


class Told:
    """News that nobody reads, but all of which must make sense."""

    def __getattr__(self, name: str) -> Any:
        def told(*_facts: Any, **_named: Any) -> None:
            assert name.startswith(("person_", "occupancy_", "delegation_", "consent_", "noted"))

        return told


class Moving(RuleBasedStateMachine):
    """One premise, three people, and a clock that goes on."""

    @initialize()
    def move_the_house_in(self) -> None:
        engine, tables = database()
        self.connection = engine.connect()
        self.books = SqlBooks(self.connection, tables, Digests(b"key"), TOWN)
        self.news: Any = Told()
        self.now = NOW
        self.books.places.add(HOME, PlaceLevel.PREMISE)
        replica: Any = PlaceReplica(None, tables.runtime)  # pyright: ignore[reportArgumentType] - only reading needs the database
        replica.apply(self.connection, TOWN, f"meters/{POINT}", [DatedParent(parent=HOME, validity=Validity())])
        for person in PEOPLE:
            order = NewPerson(id=person, display_name=person, email="", language_code="fr", identities=())
            register(self.books, self.news, self.actor(person), order)
        self.code = b""
        self.moves: list[datetime] = []
        self.somebody_claims(timedelta(days=10), PEOPLE[0], late=False)
        self.somebody_delegates(PEOPLE[0], PEOPLE[1], 10)
        self.somebody_consents(PEOPLE[0], Purpose.FORECAST)
        assert len(self.state()) == 3

    def actor(self, person: PersonId) -> Actor:
        return Actor(subject=f"people/{person}", grants=(), at=self.now)

    @rule(hours=st.integers(1, 48))
    def time_goes_on(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(ago=offsets, person=people, late=st.booleans())
    def somebody_claims(self, ago: timedelta, person: PersonId, *, late: bool) -> None:
        """With a new code, or with the one before, which came late."""
        if not late:
            self.post(self.now - ago)
        with suppress(Failure):
            claim_occupancy(self.books, self.news, self.actor(person), self.code, new_id=OccupancyId(str(uuid4())))

    def post(self, start: datetime) -> None:
        digest = uuid4().bytes
        order = CodeOrder(premise=HOME, start=start, expires=self.now + timedelta(days=60))
        with suppress(Failure):
            issue_code(self.books, self.news, self.actor(PEOPLE[0]), order, digest=digest)
            self.code = digest

    @rule(person=people, after=offsets)
    def somebody_leaves(self, person: PersonId, after: timedelta) -> None:
        for occupancy in self.books.occupancies.of_person(person):
            with suppress(Failure):
                move_out(self.books, self.news, self.actor(person), occupancy.id, self.now + after)

    @rule(after=offsets)
    def the_registry_tells_of_a_move(self, after: timedelta) -> None:
        moved = self.now + after
        household_moved(self.books, self.news, HOME, moved, self.now)
        before = self.state()
        household_moved(self.books, self.news, HOME, moved, self.now)
        assert self.state() == before
        self.moves.append(moved)

    @rule(giver=people, receiver=people, lasts=st.integers(1, 30))
    def somebody_delegates(self, giver: PersonId, receiver: PersonId, lasts: int) -> None:
        for occupancy in self.books.occupancies.of_person(giver):
            order = DelegationOrder(receiver=receiver, occupancy=occupancy.id, validity=Validity(end=self.now + timedelta(days=lasts)))
            with suppress(Failure):
                delegate(self.books, self.news, self.actor(giver), order, new_id=DelegationId(str(uuid4())))

    @rule(person=people, purpose=st.sampled_from(Purpose))
    def somebody_consents(self, person: PersonId, purpose: Purpose) -> None:
        granularity = Granularity.DAY if purpose is Purpose.DISPLAY_DAILY else Granularity.HOUR
        order = ConsentOrder(point=POINT, purpose=purpose, granularity=granularity, validity=Validity(), proof_text="yes")
        with suppress(Failure):
            give_consent(self.books, self.news, self.actor(person), order, new_id=ConsentId(str(uuid4())))

    def state(self) -> list[object]:
        occupancies = self.books.occupancies.of_premise(HOME)
        return [
            *occupancies,
            *(one for occupancy in occupancies for one in self.books.delegations.of_occupancy(occupancy.id)),
            *(one for occupancy in occupancies for one in self.books.consents.of_occupancy(occupancy.id)),
        ]

    @invariant()
    def two_households_are_never_there_at_a_time(self) -> None:
        here = self.books.occupancies.of_premise(HOME) if hasattr(self, "books") else []
        for one in here:
            for other in here:
                assert one.start == other.start or not one.validity.overlaps(other.validity)

    @invariant()
    def nobody_lives_there_over_a_move(self) -> None:
        here = self.books.occupancies.of_premise(HOME) if hasattr(self, "books") else []
        assert not any(one.holds_beyond(moved) for one in here for moved in self.moves)

    @invariant()
    def nothing_reaches_beyond_its_occupancy(self) -> None:
        for occupancy in self.books.occupancies.of_premise(HOME) if hasattr(self, "books") else []:
            for delegation in self.books.delegations.of_occupancy(occupancy.id):
                assert _inside(delegation.validity, occupancy.validity)
            for consent in self.books.consents.of_occupancy(occupancy.id):
                assert consent.withdrawn is not None or _inside(consent.validity, occupancy.validity)

    @invariant()
    def tokens_grant_homes_within_occupancies_only(self) -> None:
        let = [one.validity for one in self.state() if isinstance(one, Delegation)] if hasattr(self, "books") else []
        for person in PEOPLE if hasattr(self, "books") else []:
            lived = [one.validity for one in self.books.occupancies.of_person(person)]
            for grant in token_grants(self.books, Entrant(person=person, home=TOWN, issuer=""), self.now):
                assert grant.role is not Role.HOUSEHOLD or grant.validity in lived
                assert grant.role is not Role.DELEGATE or any(_inside(grant.validity, one) for one in let)

    def teardown(self) -> None:
        if hasattr(self, "connection"):
            self.connection.rollback()
            self.connection.close()


def _inside(inner: Validity, outer: Validity) -> bool:
    begins = outer.start is None or (inner.start is not None and inner.start >= outer.start)
    ends = outer.end is None or (inner.end is not None and inner.end <= outer.end)
    return begins and ends


TestMoving = Moving.TestCase
TestMoving.settings = settings(
    max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much)
)
