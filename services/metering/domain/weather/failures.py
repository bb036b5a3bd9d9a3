"""The ways in which weather is refused or missing."""

from vocabulary.failure import Failure, Kind


class StationMissing(Failure):
    """The territory has no such weather station."""

    reason, kind = "WEATHER_STATION_NOT_FOUND", Kind.MISSING


class NoStationAbove(Failure):
    """Neither the place nor any place that it lies in has a weather station, or there is no such place: which of them is not told."""

    reason, kind = "NO_WEATHER_STATION", Kind.MISSING


class PlaceHasStation(Failure):
    """A place has one weather station, and another one serves it already: take the place away from that one first."""

    reason, kind = "PLACE_HAS_WEATHER_STATION", Kind.CONFLICT


class NotWholeDays(Failure):
    """The interval does not start and end at midnights of the territory's time zone."""

    reason, kind = "NOT_WHOLE_DAYS", Kind.INVALID
