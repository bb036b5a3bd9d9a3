"""What the rules of lighting need of the outside."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from lighting.domain.calendars import Holidays
from lighting.domain.rates import Rates
from vocabulary.names import TerritoryId


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
