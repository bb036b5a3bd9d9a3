"""What a territory's lighting keeps, in the relational store."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from lighting.adapters.tables import ITEM, REVISION
from lighting.domain.ports import Kept, Shelf
from vocabulary.names import TerritoryId


@dataclass(frozen=True, kw_only=True, slots=True)
class Documents:
    """How values of a shelf are written as bytes, and read."""

    write: Callable[[Any], bytes]
    read: Callable[[bytes], Any]


class SqlRecords:
    """One territory's records, as one transaction sees them; every change is counted."""

    def __init__(self, connection: Connection, territory: TerritoryId, documents: Mapping[Shelf, Documents]) -> None:
        """Work on the connection's transaction."""
        self._connection = connection
        self._territory = territory
        self._documents = documents
        self._revision: int | None = None

    def get(self, shelf: Shelf, item: str) -> Kept | None:
        """Return what is kept under an id."""
        query = select(ITEM).where(ITEM.c.territory == self._territory, ITEM.c.shelf == shelf.value, ITEM.c.item == item)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else self._kept(shelf, row)

    def all(self, shelf: Shelf) -> Sequence[Kept]:
        """Return everything of a shelf, by id."""
        query = select(ITEM).where(ITEM.c.territory == self._territory, ITEM.c.shelf == shelf.value).order_by(ITEM.c.item)
        return [self._kept(shelf, row) for row in self._connection.execute(query)]

    def put(self, shelf: Shelf, item: str, value: object, at: datetime) -> int:
        """Keep a value; return its version."""
        revision = self._count()
        document = self._documents[shelf].write(value)
        where = (ITEM.c.territory == self._territory, ITEM.c.shelf == shelf.value, ITEM.c.item == item)
        changed = update(ITEM).where(*where).values(version=ITEM.c.version + 1, document=document, updated=at, revision=revision)
        if self._connection.execute(changed).rowcount:
            return self._connection.execute(select(ITEM.c.version).where(*where)).scalar_one()
        row = {"territory": self._territory, "shelf": shelf.value, "item": item, "version": 1}
        self._connection.execute(ITEM.insert(), {**row, "document": document, "created": at, "updated": at, "revision": revision})
        return 1

    def remove(self, shelf: Shelf, item: str) -> None:
        """Keep it no more."""
        self._count()
        where = (ITEM.c.territory == self._territory, ITEM.c.shelf == shelf.value, ITEM.c.item == item)
        self._connection.execute(delete(ITEM).where(*where))

    def revision(self) -> int:
        """Return how often the territory's lighting changed."""
        query = select(REVISION.c.revision).where(REVISION.c.territory == self._territory)
        return self._connection.execute(query).scalar_one_or_none() or 0

    def rows(self) -> Sequence[Row[Any]]:
        """Return everything kept, as bytes."""
        return self._connection.execute(select(ITEM).where(ITEM.c.territory == self._territory).order_by(ITEM.c.shelf, ITEM.c.item)).all()

    def _count(self) -> int:
        """Count the transaction's first change as a new revision, and return the number."""
        if self._revision is None:
            where = REVISION.c.territory == self._territory
            if not self._connection.execute(update(REVISION).where(where).values(revision=REVISION.c.revision + 1)).rowcount:
                self._connection.execute(REVISION.insert(), {"territory": self._territory, "revision": 1})
            self._revision = self.revision()
        return self._revision

    def _kept(self, shelf: Shelf, row: Row[Any]) -> Kept:
        value = self._documents[shelf].read(row.document)
        return Kept(value=value, version=row.version, created=row.created, updated=row.updated)
