"""The stores of a metering service on disk, with a hundred readings in chunks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from metering.adapters.series_store.store import EmbeddedSeriesStore
from metering.app import MIGRATIONS
from metering.domain.series.batch import Batch
from metering.domain.series.columns import ReadingKind, SeriesName, columns_of
from runtime.relational import Database
from vocabulary.names import PointId, TerritoryId
from vocabulary.quality import Quality

MARCH = 1_772_323_200
TOWN = TerritoryId("town")

Maintain = Callable[..., tuple[int, list[dict[str, Any]], str]]
"""Asks for a work on the stores, by its words; returns the exit code, the answers, and the reason of a failure."""


def fill(folder: Path) -> None:
    """Make the stores in a data directory."""
    database = Database.open(f"sqlite:///{folder / 'metering.sqlite'}")
    database.migrate(MIGRATIONS)
    database.close()
    store = EmbeddedSeriesStore(folder / "series.sqlite")
    number = int(store.numbers([SeriesName(territory=TOWN, meter=PointId("a"), channel="import", kind=ReadingKind.INTERVAL)])[0])
    rows = [(number, MARCH + hour * 3_600, 3_600, 1_000 + hour * hour, Quality.MEASURED) for hour in range(100)]
    store.record(Batch(territory=TOWN, columns=columns_of(rows)))
    assert store.file_everything(timeout_s=60)
    store.close()
