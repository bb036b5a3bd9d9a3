"""Whole estates, remembered until something of them changes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from lighting.adapters.records import Documents, SqlRecords
from lighting.domain.estate import Content, Estate
from lighting.domain.legal import Derogation, LegalRule
from lighting.domain.levels import CabinetId, GroupId, LuminaireId
from lighting.domain.ports import Shelf, TerritoryFacts
from runtime.relational import Database
from vocabulary.names import TerritoryId


@dataclass(frozen=True, kw_only=True, slots=True)
class Books:
    """A territory's lighting at one revision: the estate, its legal rules and derogations, and everything by shelf with its version."""

    revision: int
    estate: Estate
    legal_rules: tuple[LegalRule, ...]
    derogations: tuple[Derogation, ...]
    versions: Mapping[tuple[str, str], int]
    revisions: Mapping[tuple[str, str], int]
    """The territory's revision when each was changed last."""
    values: Mapping[tuple[str, str], Any]

    def shelf(self, shelf: Shelf) -> list[Any]:
        """Return everything of a shelf, by id, with tags."""
        own = [(item, value) for (name, item), value in self.values.items() if name == shelf.value]
        return [replace(value, etag=f"v{self.versions[shelf.value, item]}") for item, value in sorted(own, key=lambda pair: pair[0])]

    def changed_at(self, shelf: Shelf, item: str) -> int:
        """Return the territory's revision when something was changed last; KeyError."""
        return self.revisions[shelf.value, item]


class Estates:
    """Answers with the estate as it is stored now; only what changed is read anew."""

    def __init__(self, database: Database, documents: Mapping[Shelf, Documents]) -> None:
        """Read from `database`."""
        self._database = database
        self._documents = documents
        self._known: dict[TerritoryId, Books] = {}

    async def books(self, territory: TerritoryId, facts: TerritoryFacts) -> Books:
        """Return a territory's books."""
        return await self._database.read(lambda connection: self.books_in(connection, territory, facts))

    def books_in(self, connection: Connection, territory: TerritoryId, facts: TerritoryFacts) -> Books:
        """Return a territory's books, as a transaction sees them before it changes anything."""
        records = SqlRecords(connection, territory, self._documents)
        known, revision = self._known.get(territory), records.revision()
        if known is None or known.revision != revision:
            known = self._read(records, known, revision, facts)
        elif known.estate.zone != facts.zone or known.estate.holidays != facts.holidays:
            known = replace(known, estate=replace(known.estate, zone=facts.zone, holidays=facts.holidays))
        self._known[territory] = known
        return known

    def _read(self, records: SqlRecords, known: Books | None, revision: int, facts: TerritoryFacts) -> Books:
        versions: dict[tuple[str, str], int] = {}
        revisions: dict[tuple[str, str], int] = {}
        values: dict[tuple[str, str], Any] = {}
        for row in records.rows():
            key = (row.shelf, row.item)
            versions[key], revisions[key] = row.version, row.revision
            same = known is not None and known.versions.get(key) == row.version
            values[key] = known.values[key] if same and known else self._documents[Shelf(row.shelf)].read(row.document)
        own = {shelf: {item: value for (name, item), value in values.items() if name == shelf.value} for shelf in Shelf}
        return Books(
            revision=revision,
            estate=_estate(own, facts),
            legal_rules=tuple(own[Shelf.LEGAL_RULE].values()),
            derogations=tuple(own[Shelf.DEROGATION].values()),
            versions=versions,
            revisions=revisions,
            values=values,
        )


def _estate(own: Mapping[Shelf, Mapping[str, Any]], facts: TerritoryFacts) -> Estate:
    plans: dict[Any, tuple[Any, ...]] = {}
    for _, plan in sorted(own[Shelf.PLAN].items()):
        plans[plan.name.group] = (*plans.get(plan.name.group, ()), plan)
    calendars, programmes = own[Shelf.CALENDAR], own[Shelf.PROGRAMME]
    return Estate(
        zone=facts.zone,
        holidays=facts.holidays,
        cabinets={CabinetId(item): value for item, value in own[Shelf.CABINET].items()},
        luminaires={LuminaireId(item): value for item, value in own[Shelf.LUMINAIRE].items()},
        plans=plans,
        drafts={
            GroupId(name): Content(
                luminaires=group.luminaires,
                calendar=calendars.get(group.calendar),
                programmes=tuple(programmes[one] for one in calendars[group.calendar].programmes) if group.calendar else (),
                switch_off=group.switch_off,
            )
            for name, group in own[Shelf.GROUP].items()
        },
        commands=tuple(own[Shelf.COMMAND].values()),
    )
