"""The registry's records on one connection."""

from sqlalchemy import Connection

from metering.adapters.registry_places import SqlPlaces
from metering.adapters.registry_points import SqlPoints
from metering.adapters.registry_rows import SqlRows
from metering.adapters.registry_territories import SqlTerritories
from metering.domain.registry.ports import Records


def sql_records(connection: Connection) -> Records:
    """Return all that the registry keeps, as the connection's transaction sees it."""
    return Records(
        territories=SqlTerritories(connection), places=SqlPlaces(connection), points=SqlPoints(connection), rows=SqlRows(connection)
    )
