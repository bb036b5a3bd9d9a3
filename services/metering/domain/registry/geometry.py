"""Where places are: positions and outlines in WGS 84."""

import json
import math
from dataclasses import dataclass
from typing import NoReturn, cast

from metering.domain.registry.failures import InvalidOutline, refuse
from metering.domain.registry.identifiers import check_number

MAX_OUTLINE_CHARACTERS = 256 * 1024

_DEPTHS = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
"""How many lists lie around the positions of each geometry (RFC 7946, section 3.1)."""
_LINES = frozenset({"LineString", "MultiLineString"})
_RINGS = frozenset({"Polygon", "MultiPolygon"})
_POSITION_LENGTHS = (2, 3)
_SMALLEST_RING = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """A point on the earth, in degrees."""

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        """Refuse what is not on the earth."""
        refuse(
            check_number("latitude_degrees", self.latitude, -90, 90),
            check_number("longitude_degrees", self.longitude, -180, 180),
        )


def outline(text: str) -> str:
    """Return a GeoJSON geometry without superfluous spaces and members, empty for an empty text; InvalidOutline."""
    if not text:
        return ""
    if len(text) > MAX_OUTLINE_CHARACTERS:
        raise _wrong(f"is longer than {MAX_OUTLINE_CHARACTERS:,} characters")
    try:
        geometry = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise _wrong("is not JSON") from None
    return normalised(geometry)


def normalised(geometry: object) -> str:
    """Return a decoded geometry as compact JSON; InvalidOutline."""
    if not isinstance(geometry, dict):
        raise _wrong("is not a GeoJSON geometry")
    members = cast("dict[str, object]", geometry)
    kind = members.get("type")
    if not isinstance(kind, str) or kind not in _DEPTHS:
        raise _wrong(f"must be one of {', '.join(_DEPTHS)}")
    _check(members.get("coordinates"), kind, _DEPTHS[kind])
    text = json.dumps({"type": kind, "coordinates": members["coordinates"]}, separators=(",", ":"))
    if len(text) > MAX_OUTLINE_CHARACTERS:
        raise _wrong(f"is longer than {MAX_OUTLINE_CHARACTERS:,} characters")
    return text


def _check(coordinates: object, kind: str, depth: int) -> None:
    if depth == 0:
        _check_position(coordinates)
        return
    if not isinstance(coordinates, list) or not coordinates:
        raise _wrong(f"a {kind} needs lists of positions")
    parts = cast("list[object]", coordinates)
    for part in parts:
        _check(part, kind, depth - 1)
    if depth == 1 and kind in _RINGS and (len(parts) < _SMALLEST_RING or parts[0] != parts[-1]):
        raise _wrong("a ring has at least four positions, and ends where it starts")
    if depth == 1 and kind in _LINES and len(parts) < 2:  # noqa: PLR2004 - a line has two ends
        raise _wrong("a line has at least two positions")


def _check_position(position: object) -> None:
    if not isinstance(position, list):
        raise _wrong("a position is a list of two or three numbers")
    numbers = cast("list[object]", position)
    if len(numbers) not in _POSITION_LENGTHS or not all(_is_number(number) for number in numbers):
        raise _wrong("a position is a list of two or three numbers")
    longitude, latitude = cast("list[float]", numbers)[:2]
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):  # noqa: PLR2004 - degrees
        raise _wrong("a position is longitude, then latitude, in degrees of WGS 84")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _no_number(constant: str) -> NoReturn:
    raise ValueError(constant)


def _wrong(description: str) -> InvalidOutline:
    return InvalidOutline("outline_geojson", description)
