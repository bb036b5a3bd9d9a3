"""Follows readings: what is forgotten is forgotten here too, and what changed in the past makes forecasts stale."""

import logging
from datetime import timedelta

from sqlalchemy import Connection

from forecast.adapters.forecasts_sql import SqlForecasts
from multiflux_client.metering import SeriesChange, SeriesEvent, series_event
from runtime.events import Event
from runtime.relational import Database
from runtime.relay import is_missed_from

_log = logging.getLogger(__name__)

READINGS = "metering.readings"
"""What metering calls its events about readings where it publishes them."""
_LATE = timedelta(days=3)
"""Readings of longer ago are no news of the present, but change what was learnt."""


class ReadingsFeed:
    """Applies metering's events about readings; what a Consumer needs."""

    def __init__(self, database: Database) -> None:
        """Change the forecasts in `database`."""
        self._database = database

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

    def take(self, connection: Connection, event: Event) -> None:
        """Make one event of a broker take effect; UnexpectedAnswer when it is none of metering's."""
        self.apply(connection, series_event(event.payload))

    def missed(self, connection: Connection, event: Event) -> None:
        """Forget everything where metering says that its events were missed."""
        if is_missed_from(event, READINGS):
            _log.info("forecasts are made anew")
            SqlForecasts(connection).forget_all()

    async def resync(self) -> str:
        """Forget everything, for what was forgotten meanwhile is not known any more; go on from the oldest event kept."""
        _log.info("forecasts are made anew")
        await self._database.write(lambda connection: SqlForecasts(connection).forget_all())
        return ""
