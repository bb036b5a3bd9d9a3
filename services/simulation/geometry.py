"""Lays metres out on the map: positions and GeoJSON outlines near 48° N 2° E."""

import json
import math
from dataclasses import dataclass

from simulation.registry import Position

_METRES_PER_DEGREE = 111_320.0
_ORIGIN = Position(latitude_degrees=48.0, longitude_degrees=2.0)
_METRES_PER_DEGREE_EAST = _METRES_PER_DEGREE * math.cos(math.radians(_ORIGIN.latitude_degrees))

Metres = tuple[float, float]
"""Metres east and north of the origin, or of a frame's own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """A plan with its own origin and direction, such as a neighbourhood's grid of streets."""

    east_m: float
    north_m: float
    turn_degrees: float

    def position(self, at: Metres) -> Position:
        """Return where a point of the plan lies on the earth."""
        turn = math.radians(self.turn_degrees)
        east = self.east_m + at[0] * math.cos(turn) - at[1] * math.sin(turn)
        north = self.north_m + at[0] * math.sin(turn) + at[1] * math.cos(turn)
        return Position(
            latitude_degrees=round(_ORIGIN.latitude_degrees + north / _METRES_PER_DEGREE, 6),
            longitude_degrees=round(_ORIGIN.longitude_degrees + east / _METRES_PER_DEGREE_EAST, 6),
        )

    def rectangle(self, centre: Metres, size: Metres) -> str:
        """Return a rectangle of the plan as a GeoJSON polygon, counter-clockwise."""
        (x, y), (half_width, half_depth) = centre, (size[0] / 2, size[1] / 2)
        corners = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
        ring = [_coordinates(self.position((x + side * half_width, y + up * half_depth))) for side, up in corners]
        return json.dumps({"type": "Polygon", "coordinates": [ring]}, separators=(",", ":"))

    def line(self, *points: Metres) -> str:
        """Return a line of the plan as GeoJSON."""
        return json.dumps({"type": "LineString", "coordinates": [_coordinates(self.position(at)) for at in points]}, separators=(",", ":"))


def _coordinates(position: Position) -> list[float]:
    return [position.longitude_degrees, position.latitude_degrees]
