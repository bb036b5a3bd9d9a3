"""What forecasting needs of others."""

from datetime import datetime
from typing import Protocol

from forecast.domain.kept import Forecast, Subject
from vocabulary.names import TerritoryId


class Forecasts(Protocol):
    """The forecasts that are kept, of all territories."""

    def keep(self, forecasts: list[Forecast]) -> None:
        """Keep forecasts beside those issued before."""
        ...

    def latest(self, subject: Subject, by: datetime | None) -> Forecast | None:
        """Return the forecast that was the latest at a time, None: the latest of all."""
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

    def stale_share(self, territory: TerritoryId) -> float:
        """Return how many points are stale, as a share of those that have a forecast."""
        ...

    def clear_stale(self, territory: TerritoryId) -> None:
        """Take no point for stale any more: all are about to be made anew."""
        ...

    def trim(self, whole_since: datetime, kept_since: datetime) -> int:
        """Thin what was issued before `whole_since` and forget what was before `kept_since`, the latest of each subject excepted.

        Returns how many were thinned or forgotten.
        """
        ...
