"""Counts the wrong codes of each person, outside the transaction that refuses them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import Connection, delete, select

from access.adapters.tables import AccessTables
from access.domain.code import TRY_WINDOW, OccupancyCodeInvalid, check_tries
from runtime.relational import Database
from vocabulary.failure import Failure
from vocabulary.names import TerritoryId


class CodeTries:
    """The codes that people tried within the last hour."""

    def __init__(self, database: Database, tables: AccessTables) -> None:
        """Keep them in `tables.code_try`."""
        self._database = database
        self._table = tables.code_try

    @asynccontextmanager
    async def one_more(self, territory: TerritoryId, person: str, at: datetime) -> AsyncGenerator[None]:
        """Let the block try one code; it counts if the block refuses it. OccupancyCodeTriesExhausted.

        The try counts before it is made: calls at the same time cannot share one, and one that is cut off is lost.
        """
        number = await self._database.write(lambda connection: self._take(connection, territory, person, at))
        try:
            yield
        except OccupancyCodeInvalid:
            raise
        except Failure:
            await self._give_back(number)
            raise
        await self._give_back(number)

    async def trim(self, at: datetime) -> None:
        """Forget tries that count no more."""
        old = delete(self._table).where(self._table.c.at <= at - TRY_WINDOW)
        await self._database.write(lambda connection: connection.execute(old))

    def _take(self, connection: Connection, territory: TerritoryId, person: str, at: datetime) -> int:
        table = self._table
        tries = connection.execute(select(table.c.at).where(table.c.territory == territory, table.c.person == person)).scalars().all()
        check_tries(tries, at)
        made = connection.execute(table.insert(), {"territory": territory, "person": person, "at": at})
        return made.inserted_primary_key[0] if made.inserted_primary_key else 0

    async def _give_back(self, number: int) -> None:
        await self._database.write(lambda connection: connection.execute(delete(self._table).where(self._table.c.id == number)))
