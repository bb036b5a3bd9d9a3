"""Forecasts in the relational store, on either database."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from forecast.adapters.forecasts_sql import SqlForecasts
from forecast.adapters.readings_feed import ReadingsFeed
from forecast.adapters.tables import METADATA
from forecast.app import MIGRATIONS
from forecast.domain.kept import Forecast, ModelScore, Subject, WeatherBasis
from forecast.domain.rules import QUANTILES
from multiflux_client.metering import SeriesChange, SeriesEvent
from runtime.relational import Database
from vocabulary.civil import Granularity
from vocabulary.flux import Flux
from vocabulary.interval import Interval
from vocabulary.names import PointId, TerritoryId

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SUBJECT = Subject(territory=TerritoryId("town"), resource="meters/a", flux=Flux.WATER, granularity=Granularity.HOUR)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database.open(database_url)
    database.migrate(MIGRATIONS)
    yield database
    database.close()


def issued(at: datetime, subject: Subject = SUBJECT, slots: int = 3) -> Forecast:
    starts = int(at.timestamp()) + 3_600 * np.arange(slots, dtype=np.int64)
    return Forecast(
        subject=subject,
        issued=at,
        model="panel/1",
        basis=WeatherBasis.FORECAST,
        starts=starts,
        ends=starts + 3_600,
        levels=QUANTILES,
        mean=np.arange(slots, dtype=np.float32),
        quantiles=np.arange(slots * len(QUANTILES), dtype=np.float32).reshape(slots, -1),
        sums=7 + np.arange(slots * len(QUANTILES), dtype=np.float32).reshape(slots, -1),
        parts=(80.0, 15.0, 5.0),
        latest=at,
        scores=(ModelScore(model="seasonal naive", wape=0.1, origins=5), ModelScore(model="degree days", wape=0.2, origins=5)),
    )


async def keep(database: Database, *forecasts: Forecast) -> None:
    await database.write(lambda connection: SqlForecasts(connection).keep(list(forecasts)))


async def latest(database: Database, by: datetime | None = None, subject: Subject = SUBJECT) -> Forecast | None:
    return await database.read(lambda connection: SqlForecasts(connection).latest(subject, by))


async def test_the_schema_is_that_of_the_tables(database: Database) -> None:
    difference = await database.read(lambda connection: compare_metadata(MigrationContext.configure(connection), METADATA))
    assert difference == []


async def test_a_forecast_comes_back_whole(database: Database) -> None:
    kept = issued(NOW)
    await keep(database, kept)
    found = await latest(database)
    assert found is not None
    assert (found.subject, found.issued, found.model, found.basis, found.levels, found.parts, found.latest, found.scores) == (
        kept.subject,
        kept.issued,
        kept.model,
        kept.basis,
        kept.levels,
        kept.parts,
        kept.latest,
        kept.scores,
    )
    assert found.mean is not None
    for name in ("starts", "ends", "mean", "quantiles", "sums"):
        assert getattr(found, name).tolist() == getattr(kept, name).tolist()


async def test_what_was_forecast_on_monday_can_be_asked(database: Database) -> None:
    days = [NOW + timedelta(days=number) for number in range(3)]
    await keep(database, *(issued(day) for day in days))
    asked = [await latest(database, by) for by in (None, days[1], days[1] + timedelta(hours=5), days[0] - timedelta(hours=1))]
    assert [one and one.issued for one in asked] == [days[2], days[1], days[1], None]


async def test_territories_and_fluxes_are_apart(database: Database) -> None:
    other = Subject(territory=TerritoryId("other"), resource="meters/a", flux=Flux.WATER, granularity=Granularity.HOUR)
    await keep(database, issued(NOW))
    assert await latest(database, subject=other) is None
    refreshed = [
        await database.read(lambda connection, of=of: SqlForecasts(connection).last_refresh(TerritoryId(of))) for of in ("town", "other")
    ]
    assert refreshed == [NOW, None]


async def test_older_forecasts_keep_median_and_interval_then_go_but_the_latest_stays(database: Database) -> None:
    days = [NOW - timedelta(days=age) for age in (500, 20, 2)]
    await keep(database, *(issued(day) for day in days))
    changed = await database.write(lambda connection: SqlForecasts(connection).trim(NOW - timedelta(days=7), NOW - timedelta(days=400)))
    assert changed == 2
    assert await latest(database, days[0]) is None
    thin, whole = await latest(database, days[1]), await latest(database)
    assert thin is not None
    assert whole is not None
    assert (thin.levels, thin.mean) == ((0.1, 0.5, 0.9), None)
    assert thin.quantiles[:, 1].tolist() == issued(days[1]).quantiles[:, 3].tolist()
    assert whole.levels == QUANTILES
    assert await database.write(lambda connection: SqlForecasts(connection).trim(NOW, NOW)) == 1


async def test_the_only_forecast_of_a_point_is_never_trimmed(database: Database) -> None:
    await keep(database, issued(NOW - timedelta(days=900)))
    assert await database.write(lambda connection: SqlForecasts(connection).trim(NOW, NOW)) == 0


def changed(change: SeriesChange, *points: str, days_ago: int = 0) -> SeriesEvent:
    during = Interval(start=NOW - timedelta(days=days_ago + 1), end=NOW - timedelta(days=days_ago))
    return SeriesEvent(
        event_id="e",
        territory=TerritoryId("town"),
        occur_time=NOW,
        change=change,
        interval=during,
        metering_points=tuple(PointId(point) for point in points),
    )


async def tell(database: Database, event: SeriesEvent) -> None:
    await database.write(lambda connection: ReadingsFeed(database).apply(connection, event))


async def stale(database: Database) -> bool:
    return await database.read(lambda connection: SqlForecasts(connection).is_stale(SUBJECT))


async def test_what_is_forgotten_is_forgotten_in_every_forecast_of_the_point_and_of_places(database: Database) -> None:
    neighbour, place = replace(SUBJECT, resource="meters/b"), replace(SUBJECT, resource="places/house")
    await keep(database, *(issued(NOW - timedelta(days=age)) for age in (0, 5)), issued(NOW, neighbour), issued(NOW, place))
    await tell(database, changed(SeriesChange.FORGOTTEN, "a"))
    assert await latest(database) is None
    assert await latest(database, subject=place) is None
    assert await latest(database, subject=neighbour) is not None


@pytest.mark.parametrize(
    ("change", "days_ago", "point", "expected"),
    [
        (SeriesChange.CORRECTED, 0, "a", True),
        (SeriesChange.RECORDED, 10, "a", True),
        (SeriesChange.RECORDED, 0, "a", False),
        (SeriesChange.CORRECTED, 0, "b", False),
    ],
)
async def test_changes_of_the_past_make_touched_points_stale_until_they_are_forecast_again(
    database: Database, change: SeriesChange, days_ago: int, point: str, *, expected: bool
) -> None:
    await keep(database, issued(NOW))
    for _ in range(2):
        await tell(database, changed(change, point, days_ago=days_ago))
    assert await stale(database) is expected
    assert await latest(database) is not None
    # Its forecast by days, made anew, says nothing of the one by hours.
    await keep(database, issued(NOW + timedelta(hours=1), replace(SUBJECT, granularity=Granularity.DAY)))
    assert await stale(database) is expected
    await keep(database, issued(NOW + timedelta(hours=1)))
    assert await stale(database) is False


async def test_a_forecast_begun_before_readings_were_forgotten_is_not_kept(database: Database) -> None:
    await tell(database, changed(SeriesChange.FORGOTTEN, "a"))
    neighbour, place = replace(SUBJECT, resource="meters/b"), replace(SUBJECT, resource="places/house")
    await keep(database, *(issued(NOW - timedelta(seconds=5), subject) for subject in (SUBJECT, neighbour, place)))
    assert [await latest(database, subject=subject) is None for subject in (SUBJECT, neighbour, place)] == [True, False, True]
    await keep(database, issued(NOW + timedelta(seconds=5)), issued(NOW + timedelta(seconds=5), place))
    assert [await latest(database, subject=subject) is None for subject in (SUBJECT, place)] == [False, False]


async def test_points_that_changed_since_the_last_refresh_are_counted(database: Database) -> None:
    async def share() -> float:
        return await database.read(lambda connection: SqlForecasts(connection).stale_share(SUBJECT.territory))

    await tell(database, changed(SeriesChange.CORRECTED, "a"))
    assert await share() == 0
    await keep(database, issued(NOW - timedelta(hours=1)), issued(NOW - timedelta(hours=1), replace(SUBJECT, resource="meters/b")))
    assert await share() == 0.5
    await keep(database, issued(NOW + timedelta(hours=1)))
    assert await share() == 0


async def test_after_missed_events_every_forecast_is_made_anew(database: Database) -> None:
    await keep(database, issued(NOW))
    assert await ReadingsFeed(database).resync() == ""
    assert await latest(database) is None
