"""The embedded store of the access service, for backup, restore and verification."""

from collections.abc import Sequence

from access.settings import AccessSettings
from runtime.upkeep import EmbeddedStore, SqliteDatabase


def stores(settings: AccessSettings) -> Sequence[EmbeddedStore]:
    """Return the database; keys and secrets are files of their own."""
    return (SqliteDatabase.of(settings),)
