"""What goes wrong in the town on purpose: each fault with its place, its time and its size, so that what finds faults can be scored."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from vocabulary.interval import Interval
from vocabulary.names import PlaceId, PointId


class FaultKind(Enum):
    """What is wrong."""

    SITE_LEAK = "site-leak"
    """Water runs in a public site without pause. Size: litres per hour."""
    HOME_LEAK = "home-leak"
    """Water trickles in a home without pause, as through a toilet's valve. Size: litres per hour."""
    HOME_BURST = "home-burst"
    """A pipe of a home is broken. Size: litres per hour."""
    HEATED_WHILE_CLOSED = "heated-while-closed"
    """A site keeps its temperature while nobody comes. Size: degrees above what it should be."""
    COOLED_WHILE_CLOSED = "cooled-while-closed"
    """Cooling runs day and night. Size: watts."""
    LAMPS_BY_DAY = "lamps-by-day"
    """The contactor of a cabinet sticks: all its lamps burn by day. Size: lamps."""
    LAMPS_OUT = "lamps-out"
    """A circuit of a cabinet is dead. Size: lamps."""
    FACADE_LATE = "facade-late"
    """A façade burns after 1:00, which the decree of 27 December 2018 forbids. Size: hours each night."""
    SILENT_METER = "silent-meter"
    """A meter says nothing. Size: days."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One fault, at one place and seen by one metering point."""

    id: str
    kind: FaultKind
    place: PlaceId
    point: PointId
    during: Interval
    size: float
    unit: str
    description: str
    """What a person would say of it, in French."""

    @property
    def start_s(self) -> int:
        """Return the UTC second of its beginning."""
        return int(self.during.start.timestamp())

    @property
    def end_s(self) -> int:
        """Return the UTC second of its end."""
        return int(self.during.end.timestamp())


FAULT_COLUMNS = ("fault", "kind", "place", "metering_point", "start_time", "end_time", "size", "unit", "description")


def fault_rows(faults: tuple[Fault, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the faults as rows of text under `FAULT_COLUMNS`, times in UTC."""
    for fault in faults:
        start, end = (at.astimezone(UTC).isoformat().replace("+00:00", "Z") for at in (fault.during.start, fault.during.end))
        yield (fault.id, fault.kind.value, fault.place, fault.point, start, end, f"{fault.size:g}", fault.unit, fault.description)


def seconds(start_s: int, end_s: int) -> Interval:
    """Return the interval between two UTC seconds."""
    return Interval(start=datetime.fromtimestamp(start_s, UTC), end=datetime.fromtimestamp(end_s, UTC))
