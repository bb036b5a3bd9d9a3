"""What a forecast can be refused for."""

from vocabulary.failure import Failure, Kind


class InsufficientHistory(Failure):
    """Too few days of readings are known for a forecast; `days_required` and `days_available` say how many."""

    reason, kind = "INSUFFICIENT_HISTORY", Kind.CONFLICT


class HorizonTooLong(Failure):
    """The question looks further ahead than a forecast can."""

    reason, kind = "HORIZON_TOO_LONG", Kind.INVALID


class NoPoints(Failure):
    """No metering point of the place is read as often as the forecast needs."""

    reason, kind = "NO_POINTS", Kind.MISSING


class NoForecast(Failure):
    """No forecast had been issued by then, or none that the caller may be told is kept."""

    reason, kind = "NO_FORECAST", Kind.MISSING


class FinerThanData(Failure):
    """The question asks for slots shorter than the readings are apart."""

    reason, kind = "FINER_THAN_DATA", Kind.CONFLICT


class SeveralHouseholds(Failure):
    """The forecast covers several households' premises: it is given to services alone."""

    reason, kind = "SEVERAL_HOUSEHOLDS", Kind.DENIED


class OtherHousehold(Failure):
    """The forecast gives away what another household used."""

    reason, kind = "OTHER_HOUSEHOLD", Kind.DENIED


class OccupancyEnded(Failure):
    """The household does not live there any more: what is ahead is another's."""

    reason, kind = "OCCUPANCY_ENDED", Kind.DENIED


class ReadingsDenied(Failure):
    """The caller may not be told the readings that the forecast is made from."""

    reason, kind = "READINGS_DENIED", Kind.DENIED


class ResourceUnknown(Failure):
    """There is no such place or metering point, or it counts nothing of the flux."""

    reason, kind = "RESOURCE_UNKNOWN", Kind.MISSING


class SourceAway(Failure):
    """The service that has the readings does not answer now."""

    reason, kind = "SOURCE_AWAY", Kind.BUSY
