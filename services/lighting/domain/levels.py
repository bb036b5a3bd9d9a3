"""What a luminaire is to do, instant by instant, and why."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NewType

LuminaireId = NewType("LuminaireId", str)
CabinetId = NewType("CabinetId", str)
GroupId = NewType("GroupId", str)
ProgrammeId = NewType("ProgrammeId", str)
CalendarId = NewType("CalendarId", str)
CommandId = NewType("CommandId", str)


class Control(Enum):
    """How a luminaire can be driven."""

    INDIVIDUAL = 1
    """By a controller of its own, to any level."""
    CIRCUIT = 2
    """With its whole circuit, on or off, by a contactor."""
    SELF_DIMMING = 3
    """Its driver dims by its own reckoning of midnight, and hears no command."""
    NONE = 4
    """It burns while its cabinet's clock gives power."""


class Rank(Enum):
    """Which rule gave a level: the smallest number wins."""

    LOCK_OUT = 1
    """Works: every command is refused, emergency included, and nothing is lit by us. This is no electrical isolation."""
    LOCAL = 2
    """Somebody switched at the cabinet; no software level."""
    EMERGENCY = 3
    OVERRIDE = 4
    """The last one wins, until it expires."""
    EFFECT = 5
    """Presence or a light sensor."""
    CALENDAR = 6
    """A rule of the group's calendar, or the calendar's default programme."""
    SWITCHED_OFF = 7
    """The group is dark by a decision of the municipality."""
    DEFAULT = 8
    """Nobody assigned a calendar, or the luminaire hears no command: lit from sunset to sunrise by the cabinet's clock."""


class Clamp(Enum):
    """What kept a software level from being as it was asked."""

    NONE = 0
    NEVER_OFF = 1
    NEVER_DIMMED = 2
    NOT_BELOW = 3
    """Not below the luminaire's own level when lit."""
    DRIVER_MINIMUM = 4
    """The driver reaches no lower level."""
    ON_OFF_ONLY = 5
    """Its circuit only switches."""
    OWN_DIMMING = 6
    """Its driver follows its own curve."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """The rule that gave a level."""

    rank: Rank
    command: CommandId | None = None
    """The command, for lock-out, local, emergency and override."""
    programme: ProgrammeId | None = None
    calendar_rule: int = -1
    """The number of the calendar's rule, from 0; −1: its default programme, or none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """One luminaire from `start` up to, not including, `end` (UTC): the level runs straight from `start_level` to `level`, in per cent.

    Where the two are equal there is no ramp. `asked_level` is what the rule asked before the clamp.
    """

    start: datetime
    end: datetime
    start_level: float
    level: float
    asked_level: float
    source: Source
    clamp: Clamp = Clamp.NONE

    @property
    def is_ramp(self) -> bool:
        """Whether the level moves."""
        return self.start_level != self.level


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanName:
    """A published plan: the `version` (from 1) of one group."""

    group: GroupId
    version: int


class PlanState(Enum):
    """How far a change has come."""

    DRAFT = 1
    REHEARSED = 2
    PUBLISHED = 3
    DELIVERED = 4
    """Every controller has it."""
    CONFIRMED = 5
    """Every controller that had power since says that it follows it."""
    REPLACED = 6
    """A later version was published."""
