"""What forecasting needs of others."""

from datetime import datetime
from typing import Protocol

from forecast.domain.kept import Due, Forecast, Subject
from vocabulary.names import TerritoryId


class Forecasts(Protocol):
    """The forecasts that are kept, of all territories."""

    def keep(self, forecasts: list[Forecast]) -> None:
        """Keep forecasts beside those issued before, but for what readings that are forgotten since may be in."""
        ...

    def latest(self, subject: Subject, by: datetime | None) -> Forecast | None:
        """Return the forecast that was the latest at a time, None: the latest of all."""
        ...

    def issued_since(self, subject: Subject, since: datetime) -> list[Forecast]:
        """Return what is kept of a subject's forecasts issued since a time, in order."""
        ...

    def is_stale(self, subject: Subject) -> bool:
        """Tell whether readings of the past changed since the subject was last forecast."""
        ...

    def of(self, subjects: list[Subject]) -> list[Forecast]:
        """Return the latest forecast of each subject that has one, in order."""
        ...

    def last_refresh(self, territory: TerritoryId) -> datetime | None:
        """Return when forecasts of a territory's points were last made; None: never."""
        ...

    def last_made(self, due: Due) -> datetime | None:
        """Return when forecasts of a territory's points of one flux and granularity were last made; None: never."""
        ...

    def last_changed(self, territory: TerritoryId) -> datetime | None:
        """Return when readings of a territory's past last changed; None: never."""
        ...

    def stale_share(self, territory: TerritoryId) -> float:
        """Return how many points changed since the last refresh, as a share of those that have a forecast."""
        ...

    def trim(self, whole_since: datetime, kept_since: datetime) -> int:
        """Thin what was issued before `whole_since` and forget what was before `kept_since`, the latest of each subject excepted.

        Returns how many were thinned or forgotten.
        """
        ...
