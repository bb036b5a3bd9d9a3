"""Ids and the resource names made of them: flat, because a name never changes while parents do."""

import re
from typing import NewType

from vocabulary.failure import Failure, Kind

TerritoryId = NewType("TerritoryId", str)
PlaceId = NewType("PlaceId", str)
PointId = NewType("PointId", str)
PersonId = NewType("PersonId", str)
WeatherStationId = NewType("WeatherStationId", str)

_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class InvalidName(Failure):
    """A resource name does not have the form that its field asks for."""

    reason, kind = "INVALID_NAME", Kind.INVALID


def is_id(text: str) -> bool:
    """Tell whether `text` is an id: 1 to 63 of a–z, 0–9 and hyphen, no hyphen at either end."""
    return _ID.fullmatch(text) is not None


def checked_id(text: str) -> str:
    """Return `text` if it is an id; InvalidName."""
    if not is_id(text):
        raise InvalidName(f"{text!r} is not an id: 1 to 63 of a–z, 0–9 and hyphen, no hyphen at either end", name=text)
    return text


def id_in(name: str, collection: str) -> str:
    """Return the id inside the resource name `{collection}/{id}`."""
    prefix, slash, rest = name.partition("/")
    if prefix != collection or not slash or not is_id(rest):
        raise InvalidName(f"{name!r} is not of the form {collection}/{{id}}", name=name, expected=f"{collection}/{{id}}")
    return rest


def territory_id(name: str) -> TerritoryId:
    """Return the id in `territories/{territory}`."""
    return TerritoryId(id_in(name, "territories"))


def place_id(name: str) -> PlaceId:
    """Return the id in `places/{place}`."""
    return PlaceId(id_in(name, "places"))


def point_id(name: str) -> PointId:
    """Return the id in `meters/{meter}`."""
    return PointId(id_in(name, "meters"))


def person_id(name: str) -> PersonId:
    """Return the id in `people/{person}`."""
    return PersonId(id_in(name, "people"))


def weather_station_id(name: str) -> WeatherStationId:
    """Return the id in `weatherStations/{station}`."""
    return WeatherStationId(id_in(name, "weatherStations"))
