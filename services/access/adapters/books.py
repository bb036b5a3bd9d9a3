"""All that is kept about one territory, inside one transaction."""

from sqlalchemy import Connection

from access.adapters.consents import SqlConsents
from access.adapters.digests import Digests
from access.adapters.erasures import SqlErasures
from access.adapters.homes import SqlCodes, SqlDelegations, SqlOccupancies
from access.adapters.people import SqlGrants, SqlPeople
from access.adapters.places import SqlPlaces
from access.adapters.tables import AccessTables
from vocabulary.names import TerritoryId


class SqlBooks:
    """The books of one territory."""

    def __init__(self, connection: Connection, tables: AccessTables, digests: Digests, territory: TerritoryId) -> None:
        """Read and write with `connection`."""
        self.territory = territory
        self.people = SqlPeople(connection, tables, territory)
        self.grants = SqlGrants(connection, tables, territory)
        self.occupancies = SqlOccupancies(connection, tables, territory)
        self.codes = SqlCodes(connection, tables, territory)
        self.delegations = SqlDelegations(connection, tables, territory)
        self.consents = SqlConsents(connection, tables, territory)
        self.places = SqlPlaces(connection, tables, territory)
        self.erasures = SqlErasures(connection, tables, territory, digests)
