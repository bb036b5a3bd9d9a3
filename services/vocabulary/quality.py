"""How a value was obtained, from best to worst."""

from collections.abc import Iterable
from enum import IntEnum


class Quality(IntEnum):
    """How far a value can be trusted; a greater number is worse. Missing is not a quality: it is the absence of a value."""

    CORRECTED = 1
    """Replaced by a person."""
    MEASURED = 2
    """Read from a device."""
    ESTIMATED = 3
    """Derived by us or by the sender."""
    SUSPECT = 4
    """Kept, but unused until corrected."""


def worst(qualities: Iterable[Quality]) -> Quality | None:
    """Return the worst of the qualities, None when there is none."""
    return max(qualities, default=None)
