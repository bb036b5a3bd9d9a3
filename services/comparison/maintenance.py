"""The store of the comparison service, for backup, restore and verification."""

from collections.abc import Sequence

from comparison.app import MIGRATIONS
from comparison.settings import ComparisonSettings
from runtime.upkeep import Store, relational_store


def stores(settings: ComparisonSettings) -> Sequence[Store]:
    """Return the database."""
    return (relational_store(settings, MIGRATIONS),)
