"""Who may be told a forecast: it gives away what lies before it."""

from collections.abc import Sequence
from datetime import datetime

from vocabulary.failure import Failure, Kind
from vocabulary.interval import Validity
from vocabulary.place import PlaceLevel


class SeveralHouseholds(Failure):
    """The place may have several households' homes: its forecast is given to services alone."""

    reason, kind = "SEVERAL_HOUSEHOLDS", Kind.DENIED


class OccupancyEnded(Failure):
    """The household does not live there any more: what is ahead is another's."""

    reason, kind = "OCCUPANCY_ENDED", Kind.DENIED


def check_place(level: PlaceLevel, *, for_service: bool, simulated: bool) -> None:
    """Refuse people the forecast of a place larger than a home or a public site; SeveralHouseholds."""
    if level is not PlaceLevel.PREMISE and not for_service and not simulated:
        raise SeveralHouseholds("the forecast of a place with several households is for services only")


def known_since(occupancies: Sequence[Validity], at: datetime) -> datetime | None:
    """Return since when a household's forecast may know readings: since it moved in; None: since ever. Raises OccupancyEnded."""
    current = [one for one in occupancies if one.contains(at)]
    if not current:
        raise OccupancyEnded("nobody is told the forecast of a home that it has left")
    if any(one.start is None for one in current):
        return None
    return min(one.start for one in current if one.start is not None)
