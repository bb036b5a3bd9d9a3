"""The people of a territory, their accounts and their roles, in tables."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, or_, select, update
from sqlalchemy.exc import IntegrityError

from access.adapters.tables import AccessTables
from access.domain.grant import RoleGrant
from access.domain.ids import GrantId
from access.domain.person import Identity, Person
from runtime.relational import Overtaken
from vocabulary.interval import Validity
from vocabulary.names import PersonId, PlaceId, TerritoryId
from vocabulary.role import Role


class SqlPeople:
    """The people of one territory, inside one transaction."""

    def __init__(self, connection: Connection, tables: AccessTables, territory: TerritoryId) -> None:
        """Read and write with `connection`."""
        self._connection = connection
        self._tables = tables
        self._territory = territory

    def get(self, person: PersonId) -> Person | None:
        """Return the person, None when it is unknown."""
        table = self._tables.person
        row = self._connection.execute(select(table).where(table.c.territory == self._territory, table.c.id == person)).one_or_none()
        return None if row is None else self._with_identities([row])[0]

    def signing_in_with(self, identity: Identity) -> Person | None:
        """Return the person who signs in with the account, None when nobody does."""
        table = self._tables.identity
        holder = self._connection.execute(
            select(table.c.person).where(
                table.c.territory == self._territory, table.c.issuer == identity.issuer, table.c.subject == identity.subject
            )
        ).scalar_one_or_none()
        return None if holder is None else self.get(PersonId(holder))

    def add(self, person: Person) -> None:
        """Keep a new person."""
        try:
            self._connection.execute(self._tables.person.insert(), {"territory": self._territory, "id": person.id, **_columns(person)})
        except IntegrityError as error:
            # Somebody else made a person of this id at the same time: done again, the work finds it.
            raise Overtaken from error
        self._add_identities(person)

    def replace(self, person: Person) -> None:
        """Keep the person as it is now."""
        table = self._tables.person
        self._connection.execute(
            update(table).where(table.c.territory == self._territory, table.c.id == person.id).values(**_columns(person))
        )
        self._remove_identities(person.id)
        self._add_identities(person)

    def remove(self, person: PersonId) -> None:
        """Delete the person, its identities and its sessions."""
        table, session, refresh = self._tables.person, self._tables.sign_in, self._tables.refresh_token
        self._connection.execute(delete(table).where(table.c.territory == self._territory, table.c.id == person))
        self._remove_identities(person)
        own = (session.c.home == self._territory, session.c.person == person)
        self._connection.execute(delete(refresh).where(refresh.c.sign_in.in_(select(session.c.id).where(*own))))
        self._connection.execute(delete(session).where(*own))

    def sign_out(self, person: PersonId, at: datetime) -> None:
        """End the person's sessions."""
        table = self._tables.sign_in
        self._connection.execute(
            update(table).where(table.c.home == self._territory, table.c.person == person, table.c.ended.is_(None)).values(ended=at)
        )

    def page(self, after: str, limit: int, search: str) -> list[Person]:
        """Return people by id, whose name or email contains `search`."""
        table = self._tables.person
        query = select(table).where(table.c.territory == self._territory, table.c.id > after).order_by(table.c.id).limit(limit)
        if search:
            query = query.where(table.c.search_text.contains(search.casefold(), autoescape=True))
        return self._with_identities(self._connection.execute(query).all())

    def _with_identities(self, rows: Sequence[Row[Any]]) -> list[Person]:
        table = self._tables.identity
        query = (
            select(table)
            .where(table.c.territory == self._territory, table.c.person.in_([row.id for row in rows]))
            .order_by(table.c.issuer, table.c.subject)
        )
        held: dict[str, list[Identity]] = {}
        for row in self._connection.execute(query):
            held.setdefault(row.person, []).append(Identity(issuer=row.issuer, subject=row.subject))
        return [_person(row, tuple(held.get(row.id, []))) for row in rows]

    def _add_identities(self, person: Person) -> None:
        rows = [
            {"territory": self._territory, "issuer": identity.issuer, "subject": identity.subject, "person": person.id}
            for identity in person.identities
        ]
        try:
            if rows:
                self._connection.execute(self._tables.identity.insert(), rows)
        except IntegrityError as error:
            raise Overtaken from error

    def _remove_identities(self, person: PersonId) -> None:
        table = self._tables.identity
        self._connection.execute(delete(table).where(table.c.territory == self._territory, table.c.person == person))


class SqlGrants:
    """The roles given in one territory, inside one transaction."""

    def __init__(self, connection: Connection, tables: AccessTables, territory: TerritoryId) -> None:
        """Read and write with `connection`."""
        self._connection = connection
        self._table = tables.role_grant
        self._territory = territory

    def get(self, grant: GrantId) -> RoleGrant | None:
        """Return the grant, None when it is unknown."""
        found = self._all(self._table.c.id == grant)
        return found[0] if found else None

    def of_person(self, person: PersonId) -> list[RoleGrant]:
        """Return the person's grants, ended ones included."""
        return self._all(self._table.c.person == person)

    def administrators(self, at: datetime) -> list[RoleGrant]:
        """Return the administrator grants for the whole territory that hold at the instant."""
        column = self._table.c
        return self._all(
            column.role == Role.ADMINISTRATOR.name,
            column.place.is_(None),
            or_(column.start.is_(None), column.start <= at),
            or_(column.end.is_(None), column.end > at),
        )

    def add(self, grant: RoleGrant) -> None:
        """Keep a new grant."""
        self._connection.execute(
            self._table.insert(),
            {
                "territory": self._territory,
                "id": grant.id,
                "person": grant.person,
                "role": grant.role.name,
                "place": grant.place,
                "start": grant.validity.start,
                "end": grant.validity.end,
                "created": grant.created,
            },
        )

    def replace(self, grant: RoleGrant) -> None:
        """Keep the grant as it is now."""
        self._connection.execute(
            update(self._table)
            .where(self._table.c.territory == self._territory, self._table.c.id == grant.id)
            .values(start=grant.validity.start, end=grant.validity.end)
        )

    def remove(self, grant: GrantId) -> None:
        """Delete the grant."""
        self._connection.execute(delete(self._table).where(self._table.c.territory == self._territory, self._table.c.id == grant))

    def page(self, person: PersonId | None, after: str, limit: int) -> list[RoleGrant]:
        """Return grants by id, of one person or of all."""
        query = select(self._table).where(self._table.c.territory == self._territory, self._table.c.id > after)
        if person is not None:
            query = query.where(self._table.c.person == person)
        return [_grant(row) for row in self._connection.execute(query.order_by(self._table.c.id).limit(limit))]

    def _all(self, *conditions: Any) -> list[RoleGrant]:
        query = select(self._table).where(self._table.c.territory == self._territory, *conditions).order_by(self._table.c.id)
        return [_grant(row) for row in self._connection.execute(query)]


def _columns(person: Person) -> dict[str, object]:
    return {
        "display_name": person.display_name,
        "email": person.email,
        "language_code": person.language_code,
        # SQLite folds only ASCII itself. A line break keeps a search from matching over both.
        "search_text": f"{person.display_name}\n{person.email}".casefold(),
        "version": person.version,
        "created": person.created,
        "updated": person.updated,
    }


def _person(row: Row[Any], identities: tuple[Identity, ...]) -> Person:
    return Person(
        id=PersonId(row.id),
        display_name=row.display_name,
        email=row.email,
        language_code=row.language_code,
        identities=identities,
        version=row.version,
        created=row.created,
        updated=row.updated,
    )


def _grant(row: Row[Any]) -> RoleGrant:
    return RoleGrant(
        id=GrantId(row.id),
        person=PersonId(row.person),
        role=Role[row.role],
        place=None if row.place is None else PlaceId(row.place),
        validity=Validity(start=row.start, end=row.end),
        created=row.created,
    )
