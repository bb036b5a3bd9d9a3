"""The store of the lighting service, for backup, restore and verification."""

from collections.abc import Sequence

from lighting.app import MIGRATIONS
from lighting.settings import LightingSettings
from runtime.upkeep import Store, relational_store


def stores(settings: LightingSettings) -> Sequence[Store]:
    """Return the database."""
    return (relational_store(settings, MIGRATIONS),)
