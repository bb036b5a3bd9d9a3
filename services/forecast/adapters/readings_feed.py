"""Follows readings: what is forgotten is forgotten here too, and what changed in the past makes forecasts stale."""

import logging
from datetime import datetime, timedelta

from sqlalchemy import Connection

from forecast.adapters.forecasts_sql import SqlForecasts
from multiflux_client.metering import SeriesChange, SeriesEvent
from runtime.relational import Database
from vocabulary.names import TerritoryId

_log = logging.getLogger(__name__)

_LATE = timedelta(days=3)
"""Readings of longer ago are no news of the present, but change what was learnt."""


class ReadingsFeed:
    """Applies metering's events about readings; what a Consumer needs."""

    def __init__(self, database: Database) -> None:
        """Change the forecasts in `database`."""
        self._database = database
        self._late: dict[TerritoryId, datetime] = {}

    def apply(self, connection: Connection, event: SeriesEvent) -> None:
        """Make one event take effect; again, it changes nothing more."""
        resources = [f"meters/{point}" for point in event.metering_points]
        forecasts = SqlForecasts(connection)
        match event.change:
            case SeriesChange.FORGOTTEN:
                forecasts.forget(event.territory, resources, event.occur_time)
            case SeriesChange.CORRECTED:
                forecasts.mark_changed(event.territory, resources, event.occur_time)
            case SeriesChange.RECORDED:
                if event.interval.end < event.occur_time - _LATE:
                    forecasts.mark_changed(event.territory, resources, event.occur_time)
                    self._late[event.territory] = event.occur_time

    def last_late(self, territory: TerritoryId) -> datetime | None:
        """Return when readings of the past last came, as far as this process has seen: a territory that is being filled is not quiet."""
        return self._late.get(territory)

    async def resync(self) -> str:
        """Forget everything, for what was forgotten meanwhile is not known any more; go on from the oldest event kept."""
        _log.info("forecasts are made anew")
        await self._database.write(lambda connection: SqlForecasts(connection).forget_all())
        return ""
