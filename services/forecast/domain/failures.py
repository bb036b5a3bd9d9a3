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
