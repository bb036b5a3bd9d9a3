"""Forecasts in the relational store."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, case, delete, exists, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from forecast.adapters.forecast_bodies import decoded, encoded
from forecast.adapters.tables import CHANGED, FORECAST
from forecast.domain.kept import Due, Forecast, Subject
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
        """Keep forecasts beside those issued before; one of the same instant is replaced.

        What was made of readings that have been forgotten since is not kept.
        """
        lawful = [one for one in forecasts if not self._forgotten_since(one)]
        rows = [{**_key(one.subject), "issued": one.issued, "levels": len(one.levels), "body": encoded(one)} for one in lawful]
        for one in lawful:
            self._connection.execute(delete(FORECAST).where(*_is(one.subject), FORECAST.c.issued == one.issued))
        if rows:
            self._connection.execute(FORECAST.insert(), rows)

    def latest(self, subject: Subject, by: datetime | None) -> Forecast | None:
        """Return the forecast that was the latest at a time, None: the latest of all."""
        query = select(FORECAST.c.issued, FORECAST.c.body).where(*_is(subject)).order_by(FORECAST.c.issued.desc()).limit(1)
        if by is not None:
            query = query.where(FORECAST.c.issued <= by)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else decoded(subject, row.issued, row.body)

    def issued_since(self, subject: Subject, since: datetime) -> list[Forecast]:
        """Return what is kept of a subject's forecasts issued since a time, in order."""
        query = select(FORECAST.c.issued, FORECAST.c.body).where(*_is(subject), FORECAST.c.issued >= since).order_by(FORECAST.c.issued)
        return [decoded(subject, row.issued, row.body) for row in self._connection.execute(query)]

    def is_stale(self, subject: Subject) -> bool:
        """Tell whether readings of the past changed since the subject was last forecast."""
        issued = select(func.max(FORECAST.c.issued)).where(*_is(subject)).scalar_subquery()
        query = select(CHANGED.c.resource).where(*_of(subject.territory, subject.resource), CHANGED.c.changed >= issued)
        return self._connection.execute(query).first() is not None

    def mark_changed(self, territory: TerritoryId, changed: Mapping[str, datetime], *, forgotten: bool = False) -> None:
        """Have resources forecast anew when they are asked for: readings of their past changed, or were forgotten, each at a time.

        Workers that share a queue may be told of the later change first: the latest counts.
        """
        names = ("changed", "forgotten") if forgotten else ("changed",)
        # In one order for all workers, so that no two wait for each other.
        rows = [{"territory": territory, "resource": resource, **dict.fromkeys(names, changed[resource])} for resource in sorted(changed)]
        if not rows:
            return
        there = (postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert)(CHANGED)
        latest = {name: case((CHANGED.c[name] > there.excluded[name], CHANGED.c[name]), else_=there.excluded[name]) for name in names}
        upsert = there.on_conflict_do_update(index_elements=[CHANGED.c.territory, CHANGED.c.resource], set_=latest)
        # What returns something is sent many rows at once: a server is asked once, not once a row.
        self._connection.execute(upsert.returning(CHANGED.c.resource), rows)

    def stale_share(self, territory: TerritoryId) -> float:
        """Return how many points changed since the last refresh, as a share of those that have a forecast."""
        last = self.last_refresh(territory)
        if last is None:
            return 0.0
        stale = select(func.count()).select_from(CHANGED).where(CHANGED.c.territory == territory, CHANGED.c.changed >= last)
        of_points = (FORECAST.c.territory == territory, FORECAST.c.resource.like("meters/%"))
        known = select(func.count(FORECAST.c.resource.distinct())).where(*of_points)
        return self._connection.execute(stale).scalar_one() / max(self._connection.execute(known).scalar_one(), 1)

    def forget(self, territory: TerritoryId, resources: Sequence[str], at: datetime) -> None:
        """Forget all forecasts of points, and of all places, in which theirs are summed; they are made anew when they are asked for."""
        of_places = FORECAST.c.resource.like("places/%")
        self._connection.execute(delete(FORECAST).where(FORECAST.c.territory == territory, of_places))
        for resource in resources:
            self._connection.execute(delete(FORECAST).where(FORECAST.c.territory == territory, FORECAST.c.resource == resource))
        self.mark_changed(territory, dict.fromkeys(resources, at), forgotten=True)

    def forget_all(self) -> None:
        """Forget every forecast of every territory."""
        self._connection.execute(delete(FORECAST))

    def of(self, subjects: list[Subject]) -> list[Forecast]:
        """Return the latest forecast of each subject that has one, in order."""
        found = (self.latest(subject, None) for subject in subjects)
        return [forecast for forecast in found if forecast is not None]

    def _forgotten_since(self, forecast: Forecast) -> bool:
        """Tell whether readings that a forecast may be made of have been forgotten since it was begun; of a place, any of its territory."""
        territory, resource = forecast.subject.territory, forecast.subject.resource
        whose = [CHANGED.c.territory == territory] if resource.startswith("places/") else _of(territory, resource)
        query = select(CHANGED.c.resource).where(*whose, CHANGED.c.forgotten >= forecast.issued)
        return self._connection.execute(query).first() is not None

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

    def last_made(self, due: Due) -> datetime | None:
        """Return when forecasts of a territory's points of one flux and granularity were last made; None: never."""
        of_points = (FORECAST.c.territory == due.territory, FORECAST.c.resource.like("meters/%"))
        of_kind = (FORECAST.c.flux == due.flux.value, FORECAST.c.granularity == due.granularity.value)
        return self._connection.execute(select(func.max(FORECAST.c.issued)).where(*of_points, *of_kind)).scalar_one()

    def last_changed(self, territory: TerritoryId) -> datetime | None:
        """Return when readings of a territory's past last changed; None: never."""
        return self._connection.execute(select(func.max(CHANGED.c.changed)).where(CHANGED.c.territory == territory)).scalar_one()


def _subject(territory: str, resource: str, flux: int, granularity: int) -> Subject:
    return Subject(territory=TerritoryId(territory), resource=resource, flux=Flux(flux), granularity=Granularity(granularity))


def _of(territory: TerritoryId, resource: str) -> list[ColumnElement[bool]]:
    return [CHANGED.c.territory == territory, CHANGED.c.resource == resource]


def _key(subject: Subject) -> dict[str, object]:
    return {
        "territory": subject.territory,
        "resource": subject.resource,
        "flux": subject.flux.value,
        "granularity": subject.granularity.value,
    }


def _is(subject: Subject) -> list[ColumnElement[bool]]:
    return [FORECAST.c[name] == value for name, value in _key(subject).items()]
