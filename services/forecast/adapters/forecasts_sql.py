"""Forecasts in the relational store."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, select, update

from forecast.adapters.forecast_bodies import decoded, encoded
from forecast.adapters.tables import FORECAST, STALE
from forecast.domain.kept import Forecast, Subject
from forecast.domain.rules import QUANTILES
from vocabulary.civil import Granularity
from vocabulary.flux import Flux
from vocabulary.names import TerritoryId

_AT_ONCE = 500


class SqlForecasts:
    """The forecasts, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        """Work on `connection`."""
        self._connection = connection

    def keep(self, forecasts: list[Forecast]) -> None:
        """Keep forecasts beside those issued before; one of the same instant is replaced."""
        rows = [{**_key(one.subject), "issued": one.issued, "levels": len(one.levels), "body": encoded(one)} for one in forecasts]
        for row in rows:
            key = {name: row[name] for name in ("territory", "resource", "flux", "granularity", "issued")}
            self._connection.execute(delete(FORECAST).where(*(FORECAST.c[name] == value for name, value in key.items())))
            self._connection.execute(delete(STALE).where(STALE.c.territory == row["territory"], STALE.c.resource == row["resource"]))
        if rows:
            self._connection.execute(FORECAST.insert(), rows)

    def latest(self, subject: Subject, by: datetime | None) -> Forecast | None:
        """Return the forecast that was the latest at a time, None: the latest of all."""
        query = select(FORECAST.c.issued, FORECAST.c.body).where(*_is(subject)).order_by(FORECAST.c.issued.desc()).limit(1)
        if by is not None:
            query = query.where(FORECAST.c.issued <= by)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else decoded(subject, row.issued, row.body)

    def is_stale(self, subject: Subject) -> bool:
        """Tell whether readings of the past changed since the subject was last forecast."""
        query = select(STALE.c.resource).where(STALE.c.territory == subject.territory, STALE.c.resource == subject.resource)
        return self._connection.execute(query).first() is not None

    def mark_stale(self, territory: TerritoryId, resources: Sequence[str]) -> None:
        """Have the resources forecast anew when they are asked for."""
        known = select(STALE.c.resource).where(STALE.c.territory == territory)
        there = set(self._connection.execute(known).scalars())
        rows = [{"territory": territory, "resource": resource} for resource in dict.fromkeys(resources) if resource not in there]
        if rows:
            self._connection.execute(STALE.insert(), rows)

    def stale_share(self, territory: TerritoryId) -> float:
        """Return how many points are stale, as a share of those that have a forecast."""
        stale = select(func.count()).select_from(STALE).where(STALE.c.territory == territory)
        of_points = (FORECAST.c.territory == territory, FORECAST.c.resource.like("meters/%"))
        known = select(func.count(FORECAST.c.resource.distinct())).where(*of_points)
        return self._connection.execute(stale).scalar_one() / max(self._connection.execute(known).scalar_one(), 1)

    def clear_stale(self, territory: TerritoryId) -> None:
        """Take no point for stale any more: all are about to be made anew."""
        self._connection.execute(delete(STALE).where(STALE.c.territory == territory))

    def forget(self, territory: TerritoryId, resources: Sequence[str]) -> None:
        """Forget all forecasts of points, and of all places, in which theirs are summed; they are made anew when they are asked for."""
        of_places = FORECAST.c.resource.like("places/%")
        self._connection.execute(delete(FORECAST).where(FORECAST.c.territory == territory, of_places))
        for resource in resources:
            self._connection.execute(delete(FORECAST).where(FORECAST.c.territory == territory, FORECAST.c.resource == resource))

    def forget_all(self) -> None:
        """Forget every forecast of every territory."""
        self._connection.execute(delete(FORECAST))
        self._connection.execute(delete(STALE))

    def of(self, subjects: list[Subject]) -> list[Forecast]:
        """Return the latest forecast of each subject that has one, in order."""
        found = (self.latest(subject, None) for subject in subjects)
        return [forecast for forecast in found if forecast is not None]

    def trim(self, whole_since: datetime, kept_since: datetime) -> int:
        """Thin and forget what is older, the latest of each subject excepted; return how many."""
        newer = FORECAST.alias()
        same = and_(*(newer.c[name] == FORECAST.c[name] for name in ("territory", "resource", "flux", "granularity")))
        overtaken = exists(select(newer.c.issued).where(same, newer.c.issued > FORECAST.c.issued))
        forgotten = self._connection.execute(delete(FORECAST).where(FORECAST.c.issued < kept_since, overtaken)).rowcount
        thick = select(FORECAST).where(FORECAST.c.issued < whole_since, FORECAST.c.levels == len(QUANTILES), overtaken).limit(_AT_ONCE)
        thinned = 0
        while rows := self._connection.execute(thick).all():
            for row in rows:
                subject = _subject(row.territory, row.resource, row.flux, row.granularity)
                thin = decoded(subject, row.issued, row.body).thinned()
                values = {"levels": len(thin.levels), "body": encoded(thin)}
                self._connection.execute(update(FORECAST).where(*_is(subject), FORECAST.c.issued == row.issued).values(values))
            thinned += len(rows)
        return forgotten + thinned

    def last_refresh(self, territory: TerritoryId) -> datetime | None:
        """Return when forecasts of a territory's points were last made; None: never."""
        of_points = (FORECAST.c.territory == territory, FORECAST.c.resource.like("meters/%"))
        return self._connection.execute(select(func.max(FORECAST.c.issued)).where(*of_points)).scalar_one()


def _subject(territory: str, resource: str, flux: int, granularity: int) -> Subject:
    return Subject(territory=TerritoryId(territory), resource=resource, flux=Flux(flux), granularity=Granularity(granularity))


def _key(subject: Subject) -> dict[str, object]:
    return {
        "territory": subject.territory,
        "resource": subject.resource,
        "flux": subject.flux.value,
        "granularity": subject.granularity.value,
    }


def _is(subject: Subject) -> list[ColumnElement[bool]]:
    return [FORECAST.c[name] == value for name, value in _key(subject).items()]
