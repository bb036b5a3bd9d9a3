"""Faults of lamps and cabinets: what they are called, what shows them, and what is remembered between two reports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from lighting.domain.levels import CabinetId, LuminaireId


class FaultKind(Enum):
    """What is wrong; the names are close to TALQ's events."""

    # Every report looks kinds up by the dozen: a member is one object, so its identity will do.
    __hash__ = object.__hash__

    LAMP_FAILURE = 1
    """It should be lit and gives no light."""
    DIMMING_FAILURE = 2
    """It is lit, and not at the level that it should be at."""
    UNEXPECTED_ON = 3
    """It is lit and should be dark."""
    POWER_HIGH = 4
    POWER_LOW = 5
    CYCLING = 6
    """It goes out and comes back again and again."""
    COMMUNICATION = 7
    """A lamp does not answer its gateway; of a cabinet: its gateway says nothing while it has power, or hears none of its lamps."""
    SUPPLY = 8
    """A cabinet says that its lines have no voltage where they should."""
    CIRCUIT = 9
    """A circuit is dead: its breaker tripped, or nearly all its lamps are dark or silent while others are not."""
    CONTACTOR = 10
    """Nearly all lamps of a circuit, or of a cabinet, are lit that should be dark."""
    ORDER_LOST = 11
    """A cabinet had taken an order and says that it follows none: it goes by its own clock, or is lit."""
    DOOR = 12
    """A door is open, and no works are declared."""
    BLACKOUT = 13
    """Nearly all lamps of a cabinet are dark that should be lit, and it does not say that it lacks voltage."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Symptom:
    """What is wrong with what: a luminaire, a circuit, or the cabinet where neither is named. It names the one open fault there can be."""

    kind: FaultKind
    luminaire: LuminaireId | None = None
    circuit: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """The figures behind a fault, as the report had them that settled it; None is not known. Watts are summed over the lamps concerned."""

    expected_w: float | None = None
    seen_w: float | None = None
    expected_level: float | None = None
    seen_level: float | None = None
    lamps: int = 1
    """How many lamps show it."""
    of_lamps: int = 1
    """Of how many that could."""
    switch_ons: int | None = None
    """How often it came back unplanned within the time that is looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A fault of a cabinet: from the first report that showed it to the first that did not; `end` is None while it is open."""

    cabinet: CabinetId
    symptom: Symptom
    start: datetime
    last_seen: datetime
    end: datetime | None = None
    evidence: Evidence = Evidence()


@dataclass(frozen=True, kw_only=True, slots=True)
class LampWatch:
    """What the last report said of a lamp, as far as the next one needs it."""

    switch_count: int | None = None
    lit: bool | None = None
    returns: tuple[datetime, ...] = ()
    """When it came back unplanned, within the time that is looked at for cycling."""
    due_since: datetime | None = None
    """Since when it is as it is, lit or dark, without a break, while it should be lit; None: it need not be lit, or nobody knows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """What is remembered of a cabinet: a row for it, for each lamp, for each doubt and for each fault.

    A doubt is what one report said against what holds: the start of a fault where none is open, its end where one is.
    """

    cabinet: CabinetId
    since: datetime
    """When the watching began: silence before it is nobody's fault."""
    heard: datetime | None = None
    """When the last report came."""
    followed: int = 0
    """The newest order that it said it follows; 0: none yet."""
    lamps: Mapping[LuminaireId, LampWatch] = field(default_factory=dict[LuminaireId, LampWatch])
    doubts: Mapping[Symptom, datetime] = field(default_factory=dict[Symptom, datetime])
    faults: Mapping[Symptom, Fault] = field(default_factory=dict[Symptom, Fault])
    """Those that are open."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """What a report changed. What is open is in `watch`, with when it was last seen."""

    watch: Watch
    opened: tuple[Fault, ...] = ()
    closed: tuple[Fault, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Thresholds:
    """From where on something is a fault. All are choices, for whoever knows the lamps to set: no standard gives them."""

    power_share: float = 0.15
    """Power may be this share off its curve: five times what meters in lamps err, half of what a third of dead diodes does."""
    power_w: float = 1.0
    """And these watts, for small lamps at low levels."""
    level: float = 10.0
    """Points of per cent that a level may be off, where power is not measured."""
    most: float = 0.8
    """The share of lamps that counts as nearly all: a fault of their circuit or cabinet."""
    fewest: int = 3
    """Fewer lamps are told one by one."""
    apart: timedelta = timedelta(minutes=4)
    """Two reports that are nearer to each other count as one: a gateway repeats itself at every change."""
    silence: timedelta = timedelta(minutes=50)
    """A gateway with power that said nothing for so long is silent: it speaks every quarter of an hour, and three may be lost."""
    returns: int = 2
    """A lamp that comes back so often, unplanned, within `restless` is cycling."""
    restless: timedelta = timedelta(hours=2)
    steady: timedelta = timedelta(hours=4)
    """One that stays as it is for so long, while it should be lit, is not cycling, or no more."""
