"""How meters are read and their readings sent: one row per metering point, in columns, for what makes readings."""

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Self

from simulation.draws import Flags, Ints
from vocabulary.names import PointId


class Delivery(IntEnum):
    """When what a meter says arrives."""

    NEXT_MORNING = 0
    """The readings of a day come on the morning after it, as the distributor sends them."""
    AT_ONCE = 1
    """The authority's own sensor sends each half-hour a minute or two after it."""
    EVERY_SIX_HOURS = 2
    """A radio module sends its last hours four times a day."""


class Reading(IntEnum):
    """How a register is read when no consent asks for more."""

    DAILY = 0
    BY_VISIT = 1
    """Half-yearly, by a person."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Meters:
    """Metering points of one flux, in columns of one length. Base units are joules or millilitres."""

    point: tuple[PointId, ...]
    key: Ints
    """The entity of draws about the meter."""
    area: Ints
    """Who is late together."""
    first_index: Ints
    """What the register shows when the town begins, in base units."""
    unit: Ints
    """The register's last digit that is sent, in base units."""
    modulus: Ints
    """Where the register restarts, in base units."""
    exchange_s: Ints
    """UTC second at which a new device took over, with index 0; 0: none."""
    fine_from: Ints
    """(points, 2): ordinals from which half-hours, or hours, are kept."""
    fine_until: Ints
    """(points, 2)"""
    delivery: Ints
    reading: Ints
    offset_s: Ints
    """How long after the full hour a register is looked at: each radio module has its own minute."""

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.key)

    def take(self, rows: Ints) -> Self:
        """Return some of the points."""
        wanted: list[int] = rows.tolist()
        columns = {field.name: getattr(self, field.name)[rows] for field in fields(self) if field.name != "point"}
        return type(self)(point=tuple(self.point[row] for row in wanted), **columns)

    def fine(self, ordinal: Ints) -> Flags:
        """Tell on which days half-hours or hours are kept: (points, days)."""
        inside: Flags = (ordinal >= self.fine_from[:, :, None]) & (ordinal < self.fine_until[:, :, None])
        return inside[:, 0] | inside[:, 1]
