"""Whether a point has readings, asked of the series store for the registry."""

from metering.adapters.registry_points import SqlPoints
from metering.domain.series.columns import ReadingKind, SeriesName
from metering.domain.series.ports import SeriesNumbers
from runtime.relational import Database
from vocabulary.names import PointId, TerritoryId


class StoredReadings:
    """Looks up the series of a point's channels: a series has a number once it had a reading."""

    def __init__(self, series: SeriesNumbers, database: Database) -> None:
        """Ask `series` about the channels that `database` knows."""
        self._series = series
        self._database = database

    async def any_of(self, territory: TerritoryId, point: PointId) -> bool:
        """Tell whether any reading of the point was ever kept."""
        found = await self._database.read(lambda connection: SqlPoints(connection).get(territory, [point]))
        channels = found[point].value.channels if point in found else ()
        names = [
            SeriesName(territory=territory, meter=point, channel=channel.channel_id, kind=kind)
            for channel in channels
            for kind in ReadingKind
        ]
        return bool(names) and bool((self._series.find(names) >= 0).any())
