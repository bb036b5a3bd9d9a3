"""Follows readings: what is forgotten is forgotten here too, and what changed in the past makes forecasts stale."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from forecast.adapters.forecasts_sql import SqlForecasts
from multiflux_client.metering import SeriesChange, SeriesEvent, series_event
from runtime.events import Event
from runtime.relational import Database
from runtime.relay import is_missed_from
from vocabulary.names import TerritoryId

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
        self._apply(connection, [event])

    def take(self, connection: Connection, events: Sequence[Event]) -> None:
        """Make events of a broker take effect; UnexpectedAnswer when one is none of metering's."""
        self._apply(connection, [series_event(event.payload) for event in events])

    def _apply(self, connection: Connection, events: Sequence[SeriesEvent]) -> None:
        forecasts = SqlForecasts(connection)
        changed = dict[TerritoryId, dict[str, datetime]]()
        for event in events:
            resources = [f"meters/{point}" for point in event.metering_points]
            if event.change is SeriesChange.FORGOTTEN:
                forecasts.forget(event.territory, resources, event.occur_time)
            elif event.change is SeriesChange.CORRECTED or event.interval.end < event.occur_time - _LATE:
                latest = changed.setdefault(event.territory, {})
                latest.update((name, max(event.occur_time, latest.get(name, event.occur_time))) for name in resources)
        for territory, latest in changed.items():
            forecasts.mark_changed(territory, latest)

    def missed(self, connection: Connection, events: Sequence[Event]) -> None:
        """Forget everything where metering says that its events were missed."""
        if any(is_missed_from(event, READINGS) for event in events):
            _log.info("forecasts are made anew")
            SqlForecasts(connection).forget_all()

    async def resync(self) -> str:
        """Forget everything, for what was forgotten meanwhile is not known any more; go on from the oldest event kept."""
        _log.info("forecasts are made anew")
        await self._database.write(lambda connection: SqlForecasts(connection).forget_all())
        return ""
