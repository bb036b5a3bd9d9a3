"""The store of the access service, for backup, restore and verification."""

from collections.abc import Sequence

from access.app import MIGRATIONS
from access.settings import AccessSettings
from runtime.upkeep import Store, relational_store


def stores(settings: AccessSettings) -> Sequence[Store]:
    """Return the database; keys and secrets are files of their own."""
    return (relational_store(settings, MIGRATIONS),)
