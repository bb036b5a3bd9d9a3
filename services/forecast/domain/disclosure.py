"""Since when a household's forecast may know readings: it gives away what lies before it."""

from collections.abc import Sequence
from datetime import datetime

from forecast.domain.failures import OccupancyEnded
from vocabulary.interval import Validity


def known_since(occupancies: Sequence[Validity], at: datetime) -> datetime | None:
    """Return since when a household has lived there; None: since ever. Raises OccupancyEnded."""
    current = [one for one in occupancies if one.contains(at)]
    if not current:
        raise OccupancyEnded("nobody is told the forecast of a home that it has left")
    if any(one.start is None for one in current):
        return None
    return min(one.start for one in current if one.start is not None)
