"""What the rules of validity found worth telling: exchanges, rollovers, spikes, disagreements."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum


class EventKind(Enum):
    """What was found; the first group changed which readings are used, the second only draws attention."""

    ROLLOVER = "rollover"
    """The register passed its last digit and went on from zero."""
    EXCHANGE = "exchange"
    """Another device took over: the old index was closed, the new one opened."""
    RESET = "reset"
    """The index started again near zero without an exchange: only the volume since then is known."""
    JITTER = "jitter"
    """The index fell by no more than one pulse: taken as unchanged."""
    BACKWARDS = "backwards"
    """The index fell, by reverse flow or by mistake: the reading is suspect and not used."""
    SPIKE = "spike"
    """The index rose faster than is possible and came back, or nothing confirms it yet: suspect, not used. A burst looks like this."""
    ESTIMATE_CANCELLED = "estimate-cancelled"
    """An estimated index contradicts better readings: it is not used."""
    RAISED = "raised"
    """The index rose faster than is possible and stayed there: the step is not used, what follows is."""
    LOWERED = "lowered"
    """The index fell, far from zero, and stayed there: the step is not used, what follows is."""
    SUSPECT = "suspect"
    """The reading is kept as suspect, for example because equals disagree: not used."""
    OVERLAP = "overlap"
    """Two interval readings claim the same time: the better, then the finer one is used."""

    SUM_CHECK = "sum-check"
    """Interval readings and index difference disagree by more than two steps and more than 0.5 %."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One finding, at the instant of the reading that it is about."""

    kind: EventKind
    at: datetime
    metadata: Mapping[str, str]


def event(kind: EventKind, at_s: int, **metadata: object) -> Event:
    """Return an event at a UTC second; metadata values become text."""
    return Event(kind=kind, at=datetime.fromtimestamp(at_s, UTC), metadata={key: str(value) for key, value in metadata.items()})
