"""What the rules of lighting need of the outside."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from lighting.domain.calendars import Holidays
from lighting.domain.delivery import Delivery
from lighting.domain.faults import Fault
from lighting.domain.inventory import Gateway
from lighting.domain.levels import CabinetId, LuminaireId
from lighting.domain.orders import Order
from lighting.domain.rates import Rates
from lighting.domain.reports import Answer, LampState, Report
from vocabulary.interval import Interval
from vocabulary.names import PointId, TerritoryId


class Shelf(Enum):
    """The sorts of things that are kept, each by id."""

    CABINET = "cabinet"
    LUMINAIRE = "luminaire"
    PROGRAMME = "programme"
    CALENDAR = "calendar"
    GROUP = "group"
    PLAN = "plan"
    COMMAND = "command"
    LEGAL_RULE = "legal_rule"
    DEROGATION = "derogation"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """Something kept: its value is of the shelf's type, without etag."""

    value: Any
    version: int
    created: datetime
    updated: datetime


class Records(Protocol):
    """What one territory keeps, in one transaction."""

    def get(self, shelf: Shelf, item: str) -> Kept | None:
        """Return what is kept under an id."""
        ...

    def all(self, shelf: Shelf) -> Sequence[Kept]:
        """Return everything of a shelf, by id."""
        ...

    def put(self, shelf: Shelf, item: str, value: object, at: datetime) -> int:
        """Keep a value; return its version."""
        ...

    def remove(self, shelf: Shelf, item: str) -> None:
        """Keep it no more."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class TerritoryFacts:
    """What the registry tells of a territory."""

    zone: ZoneInfo
    holidays: Holidays = field(default_factory=Holidays)
    rates: Rates = field(default_factory=Rates)


class Facts(Protocol):
    """The registry, as lighting reads it."""

    async def of(self, territory: TerritoryId) -> TerritoryFacts:
        """Return the facts of a territory; a busy Failure when nobody can be asked and nothing is known."""
        ...


class Meters(Protocol):
    """What was metered."""

    async def joules(self, territory: TerritoryId, point: PointId, during: Interval) -> Mapping[float, float]:
        """Return the energy of half-hours that were measured, by their starts in UTC seconds; a busy Failure when nobody can be asked."""
        ...


class Deliveries(Protocol):
    """How far one territory's orders have come, in one transaction."""

    def some(self, cabinets: Collection[CabinetId] | None = None) -> Mapping[CabinetId, Delivery]:
        """Return deliveries of some cabinets, or (None) of all; a cabinet that was never ordered anything has none."""
        ...

    def put(self, delivery: Delivery, order: Order | None = None) -> None:
        """Keep a delivery; with the order where that is a new one."""
        ...

    def order(self, cabinet: CabinetId) -> Order:
        """Return what a cabinet that has a delivery is to follow."""
        ...

    def remove(self, cabinet: CabinetId) -> None:
        """Forget a cabinet that has no gateway any more."""
        ...

    def heard(self, reports: Sequence[Report]) -> None:
        """Keep what was seen last of each lamp."""
        ...

    def lamps(self, luminaires: Collection[LuminaireId]) -> Mapping[LuminaireId, tuple[datetime, LampState]]:
        """Return what was seen last of luminaires, and when; those never seen are left out."""
        ...


class Faults(Protocol):
    """The faults of one territory, in one transaction."""

    def some(self, *, ended: bool) -> Sequence[tuple[str, Fault]]:
        """Return open faults, or with `ended` all that are kept, by id: those that began first come first."""
        ...

    def put(self, fault: Fault) -> None:
        """Keep a fault, in place of the same one as it was before."""
        ...


class LinkAway(Exception):  # named like the failures of the services
    """Nobody can take an order now: try again."""


Heard = Callable[[Answer | Report], Awaitable[None]]


class FieldLink(Protocol):
    """One way to gateways."""

    async def run(self, heard: Heard) -> None:
        """Stay connected until cancelled, connecting again when the link breaks, and tell what gateways say."""
        ...

    async def send(self, territory: TerritoryId, gateway: Gateway, version: int, order: Order) -> None:
        """Hand an order over; LinkAway."""
        ...
