"""The consents of a territory, in a table."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, or_, select, update

from access.adapters.tables import AccessTables
from access.domain.actor import Visible
from access.domain.consent import Consent, ConsentQuestion, Purpose
from access.domain.ids import ConsentId, OccupancyId
from vocabulary.civil import Granularity
from vocabulary.interval import Validity
from vocabulary.names import PersonId, PointId, TerritoryId


class SqlConsents:
    """The consents of one territory, inside one transaction."""

    def __init__(self, connection: Connection, tables: AccessTables, territory: TerritoryId) -> None:
        """Read and write with `connection`."""
        self._connection = connection
        self._table = tables.consent
        self._territory = territory

    def get(self, consent: ConsentId) -> Consent | None:
        """Return the consent, None when it is unknown."""
        found = self._all(self._table.c.id == consent)
        return found[0] if found else None

    def of_occupancy(self, occupancy: OccupancyId) -> list[Consent]:
        """Return the consents given as an occupant of `occupancy`."""
        return self._all(self._table.c.occupancy == occupancy)

    def of_person(self, person: PersonId, point: PointId, purpose: Purpose) -> list[Consent]:
        """Return the person's consents to one use of one point."""
        return self._all(self._table.c.person == person, self._table.c.point == point, self._table.c.purpose == purpose.name)

    def add(self, consent: Consent) -> None:
        """Keep a new consent."""
        self._connection.execute(
            self._table.insert(),
            {
                "territory": self._territory,
                "id": consent.id,
                "person": consent.person,
                "point": consent.point,
                "occupancy": consent.occupancy,
                "purpose": consent.purpose.name,
                "granularity": consent.granularity.name,
                "start": consent.validity.start,
                "end": consent.validity.end,
                "proof_text": consent.proof_text,
                "given": consent.given,
                "withdrawn": consent.withdrawn,
            },
        )

    def replace(self, consent: Consent) -> None:
        """Keep the consent as it is now."""
        self._connection.execute(
            update(self._table)
            .where(self._table.c.territory == self._territory, self._table.c.id == consent.id)
            .values(start=consent.validity.start, end=consent.validity.end, withdrawn=consent.withdrawn)
        )

    def page(self, seen: Visible, question: ConsentQuestion, after: str, limit: int) -> list[Consent]:
        """Return visible consents by id, as far as they answer the question."""
        column = self._table.c
        conditions: list[ColumnElement[bool]] = [column.id > after]
        if not seen.everything:
            conditions.append(column.person == seen.person)
        if question.point is not None:
            conditions.append(column.point == question.point)
        if question.purpose is not None:
            conditions.append(column.purpose == question.purpose.name)
        if question.hold_at is not None:
            conditions += [
                or_(column.start.is_(None), column.start <= question.hold_at),
                or_(column.end.is_(None), column.end > question.hold_at),
                or_(column.withdrawn.is_(None), column.withdrawn > question.hold_at),
            ]
        return self._all(*conditions, limit=limit)

    def _all(self, *conditions: ColumnElement[bool], limit: int | None = None) -> list[Consent]:
        query = select(self._table).where(self._table.c.territory == self._territory, *conditions).order_by(self._table.c.id).limit(limit)
        return [_consent(row) for row in self._connection.execute(query)]


def _consent(row: Row[Any]) -> Consent:
    return Consent(
        id=ConsentId(row.id),
        person=PersonId(row.person),
        point=PointId(row.point),
        occupancy=OccupancyId(row.occupancy),
        purpose=Purpose[row.purpose],
        granularity=Granularity[row.granularity],
        validity=Validity(start=row.start, end=row.end),
        proof_text=row.proof_text,
        given=row.given,
        withdrawn=row.withdrawn,
    )
