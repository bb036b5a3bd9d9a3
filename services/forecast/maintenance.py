"""The store of the forecast service, for backup, restore and verification."""

from collections.abc import Sequence

from forecast.app import MIGRATIONS
from forecast.settings import ForecastSettings
from runtime.upkeep import Store, relational_store


def stores(settings: ForecastSettings) -> Sequence[Store]:
    """Return the database."""
    return (relational_store(settings, MIGRATIONS),)
