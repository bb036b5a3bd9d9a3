"""What comes back from the field: answers to orders, and what gateways see of their cabinets and lamps."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from lighting.domain.inventory import Gateway
from lighting.domain.levels import CabinetId, LuminaireId
from vocabulary.names import TerritoryId


class Outcome(Enum):
    """What became of an order at the cabinet."""

    RECEIVED = 1
    """It is stored."""
    FOLLOWED = 2
    """It is stored and followed."""
    REFUSED = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A gateway's answer to an order."""

    territory: TerritoryId
    cabinet: CabinetId
    gateway: Gateway
    """Who said it: an answer for a cabinet that this gateway does not serve is nobody's."""
    version: int
    outcome: Outcome
    reason: str = ""
    """Why it was refused."""
    at: datetime
    """When it arrived here: clocks in the field may be wrong."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LampState:
    """What is known of a luminaire; None is not measured."""

    luminaire: LuminaireId
    level: float | None = None
    """The level that it says it is at, per cent."""
    power_w: float | None = None
    burning_s: float | None = None
    """How long it burnt since it was installed."""
    switch_count: int | None = None
    """How often it was switched on since it was installed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a gateway sees. A lamp that is not named did not answer the gateway."""

    territory: TerritoryId
    cabinet: CabinetId
    gateway: Gateway
    at: datetime
    """When it arrived here."""
    supplied: bool | None = None
    """Whether the lines have voltage where they should; None: not measured."""
    door_open: bool | None = None
    tripped_circuits: tuple[int, ...] = ()
    version: int = 0
    """The order that it follows; 0: none, the cabinet's clock."""
    lamps: tuple[LampState, ...] = ()
