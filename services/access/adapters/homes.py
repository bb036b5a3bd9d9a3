"""Who lives where in a territory, the codes that prove it, and the views that households let, in tables."""

from datetime import datetime
from hmac import compare_digest
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, false, or_, select, update

from access.adapters.places import inside
from access.adapters.tables import AccessTables
from access.domain.actor import Visible
from access.domain.code import OccupancyCode
from access.domain.ids import DelegationId, OccupancyId
from access.domain.occupancy import Delegation, Occupancy
from vocabulary.interval import Validity
from vocabulary.names import PersonId, PlaceId, TerritoryId


class SqlOccupancies:
    """Who lives where in one territory, inside one transaction."""

    def __init__(self, connection: Connection, tables: AccessTables, territory: TerritoryId) -> None:
        """Read and write with `connection`."""
        self._connection = connection
        self._tables = tables
        self._table = tables.occupancy
        self._territory = territory

    def get(self, occupancy: OccupancyId) -> Occupancy | None:
        """Return the occupancy, None when it is unknown."""
        found = self._all(self._table.c.id == occupancy)
        return found[0] if found else None

    def of_person(self, person: PersonId) -> list[Occupancy]:
        """Return the person's occupancies, by start."""
        return self._all(self._table.c.person == person)

    def of_premise(self, premise: PlaceId) -> list[Occupancy]:
        """Return the occupancies of the premise, by start."""
        return self._all(self._table.c.premise == premise)

    def add(self, occupancy: Occupancy) -> None:
        """Keep a new occupancy."""
        self._connection.execute(
            self._table.insert(),
            {
                "territory": self._territory,
                "id": occupancy.id,
                "person": occupancy.person,
                "premise": occupancy.premise,
                "start": occupancy.start,
                "end": occupancy.end,
                "verified": occupancy.verified,
            },
        )

    def replace(self, occupancy: Occupancy) -> None:
        """Keep the occupancy as it is now."""
        self._connection.execute(
            update(self._table)
            .where(self._table.c.territory == self._territory, self._table.c.id == occupancy.id)
            .values(end=occupancy.end)
        )

    def page(self, seen: Visible, premise: PlaceId | None, after: str, limit: int, at: datetime) -> list[Occupancy]:
        """Return occupancies by id, of one premise or of all, as far as they are visible when the tree stands as at `at`."""
        query = select(self._table).where(self._table.c.territory == self._territory, self._table.c.id > after)
        if premise is not None:
            query = query.where(self._table.c.premise == premise)
        if not seen.everything:
            query = query.where(or_(self._own(seen), self._in_places(seen, at)))
        return [_occupancy(row) for row in self._connection.execute(query.order_by(self._table.c.id).limit(limit))]

    def _own(self, seen: Visible) -> ColumnElement[bool]:
        return false() if seen.person is None else self._table.c.person == seen.person

    def _in_places(self, seen: Visible, at: datetime) -> ColumnElement[bool]:
        if not seen.places:
            return false()
        places = inside(self._tables, self._territory, seen.places, at)
        return self._table.c.premise.in_(select(places.c.place))

    def _all(self, condition: ColumnElement[bool]) -> list[Occupancy]:
        query = select(self._table).where(self._table.c.territory == self._territory, condition)
        return [_occupancy(row) for row in self._connection.execute(query.order_by(self._table.c.start, self._table.c.id))]


class SqlCodes:
    """The occupancy codes of one territory, inside one transaction."""

    def __init__(self, connection: Connection, tables: AccessTables, territory: TerritoryId) -> None:
        """Read and write with `connection`."""
        self._connection = connection
        self._code = tables.occupancy_code
        self._move = tables.household_move
        self._territory = territory

    def find(self, digest: bytes) -> OccupancyCode | None:
        """Return the code of this digest, None when there is none; takes as long either way."""
        # The index compares keyed digests, which nobody can choose: its timing tells nothing. The last word takes constant time.
        row = self._connection.execute(
            select(self._code).where(self._code.c.territory == self._territory, self._code.c.digest == digest)
        ).one_or_none()
        kept = bytes(len(digest)) if row is None else row.digest
        return _code(row) if compare_digest(kept, digest) and row is not None else None

    def replace_unused(self, code: OccupancyCode) -> None:
        """Keep a new code in place of the unused one of its premise."""
        self._connection.execute(delete(self._code).where(*self._unused(code.premise)))
        self._connection.execute(
            self._code.insert(),
            {
                "territory": self._territory,
                "digest": code.digest,
                "premise": code.premise,
                "start": code.start,
                "issued": code.issued,
                "expires": code.expires,
                "used": code.used,
            },
        )

    def use(self, code: OccupancyCode, at: datetime) -> None:
        """Keep that the code was used."""
        self._connection.execute(
            update(self._code).where(self._code.c.territory == self._territory, self._code.c.digest == code.digest).values(used=at)
        )

    def moves(self, premise: PlaceId) -> list[datetime]:
        """Return when households moved out of the premise."""
        query = select(self._move.c.moved).where(self._move.c.territory == self._territory, self._move.c.premise == premise)
        return list(self._connection.execute(query).scalars())

    def add_move(self, premise: PlaceId, move_out: datetime) -> None:
        """Keep that a household moved out; again, when that is known already, changes nothing."""
        if move_out not in self.moves(premise):
            self._connection.execute(self._move.insert(), {"territory": self._territory, "premise": premise, "moved": move_out})

    def _unused(self, premise: PlaceId) -> tuple[ColumnElement[bool], ...]:
        return self._code.c.territory == self._territory, self._code.c.premise == premise, self._code.c.used.is_(None)


class SqlDelegations:
    """The views that households of one territory let, inside one transaction."""

    def __init__(self, connection: Connection, tables: AccessTables, territory: TerritoryId) -> None:
        """Read and write with `connection`."""
        self._connection = connection
        self._table = tables.delegation
        self._territory = territory

    def get(self, delegation: DelegationId) -> Delegation | None:
        """Return the delegation, None when it is unknown."""
        found = self._all(self._table.c.id == delegation)
        return found[0] if found else None

    def of_occupancy(self, occupancy: OccupancyId) -> list[Delegation]:
        """Return the delegations of the occupancy."""
        return self._all(self._table.c.occupancy == occupancy)

    def received_by(self, person: PersonId) -> list[Delegation]:
        """Return the delegations that the person received."""
        return self._all(self._table.c.receiver == person)

    def add(self, delegation: Delegation) -> None:
        """Keep a new delegation."""
        self._connection.execute(
            self._table.insert(),
            {
                "territory": self._territory,
                "id": delegation.id,
                "giver": delegation.giver,
                "receiver": delegation.receiver,
                "occupancy": delegation.occupancy,
                "start": delegation.validity.start,
                "end": delegation.validity.end,
            },
        )

    def replace(self, delegation: Delegation) -> None:
        """Keep the delegation as it is now."""
        self._connection.execute(
            update(self._table)
            .where(self._table.c.territory == self._territory, self._table.c.id == delegation.id)
            .values(start=delegation.validity.start, end=delegation.validity.end)
        )

    def remove(self, delegation: DelegationId) -> None:
        """Delete the delegation."""
        self._connection.execute(delete(self._table).where(self._table.c.territory == self._territory, self._table.c.id == delegation))

    def page(self, person: PersonId, after: str, limit: int) -> list[Delegation]:
        """Return the delegations that the person gave or received, by id."""
        query = (
            select(self._table)
            .where(
                self._table.c.territory == self._territory,
                self._table.c.id > after,
                or_(self._table.c.giver == person, self._table.c.receiver == person),
            )
            .order_by(self._table.c.id)
            .limit(limit)
        )
        return [_delegation(row) for row in self._connection.execute(query)]

    def _all(self, condition: ColumnElement[bool]) -> list[Delegation]:
        query = select(self._table).where(self._table.c.territory == self._territory, condition).order_by(self._table.c.id)
        return [_delegation(row) for row in self._connection.execute(query)]


def _occupancy(row: Row[Any]) -> Occupancy:
    return Occupancy(
        id=OccupancyId(row.id),
        person=PersonId(row.person),
        premise=PlaceId(row.premise),
        start=row.start,
        end=row.end,
        verified=row.verified,
    )


def _code(row: Row[Any]) -> OccupancyCode:
    return OccupancyCode(
        digest=row.digest, premise=PlaceId(row.premise), start=row.start, issued=row.issued, expires=row.expires, used=row.used
    )


def _delegation(row: Row[Any]) -> Delegation:
    return Delegation(
        id=DelegationId(row.id),
        giver=PersonId(row.giver),
        receiver=PersonId(row.receiver),
        occupancy=OccupancyId(row.occupancy),
        validity=Validity(start=row.start, end=row.end),
    )
