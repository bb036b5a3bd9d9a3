"""What comparison needs of others."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from comparison.domain.closing import Closing, Formation, Living
from comparison.domain.homes import Attributes
from comparison.domain.privacy import PrivateFigures
from comparison.domain.releases import Release
from comparison.domain.totals import AreaClosing, Areas, LivingAreas, Total
from vocabulary.names import PersonId


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """A release, of which cohort of which formation, and when it was published."""

    release: Release
    month: date
    first_month: date
    cohort: int
    time: datetime
    private: PrivateFigures | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Charged:
    """What the private figures of a group's year come to: how many there are, and in how many figures its most charged household is."""

    first_month: date
    cohort: int
    figures: int
    most_charged: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedTotal:
    """A total, of which area of those formed together, and when it was published."""

    total: Total
    month: date
    first_month: date
    area: int
    time: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Own:
    """What is known of one home: what was declared, whether it is consented to, and by month, where known, its use and degree days."""

    attributes: Attributes
    consents: bool
    amounts: Mapping[date, float]
    degrees: Mapping[date, float] = field(default_factory=dict[date, float])


class Records(Protocol):
    """What is kept of one territory and flux."""

    def is_closed(self, month: date) -> bool:
        """Tell whether a month is closed."""
        ...

    def last_closed(self) -> date | None:
        """Return the last month that is closed."""
        ...

    def formations(self) -> list[Formation]:
        """Return every formation, the oldest first."""
        ...

    def living(self, month: date) -> list[Living]:
        """Return the formations that a month is published of, with their members."""
        ...

    def close(self, month: date, closing: Closing, at: datetime) -> int:
        """Keep what was formed and published, once and for all; return how many private figures were refused for want of budget."""
        ...

    def charged_to(self, holder: PersonId, year: int) -> int:
        """Return in how many private figures of a year a household is, of all fluxes."""
        ...

    def charged(self, year: int) -> list[Charged]:
        """Return what the private figures of a year come to, by group."""
        ...

    def formed_groups(self, month: date) -> int:
        """Return how many groups were formed when a month was closed."""
        ...

    def releases(self, months: Sequence[date], cohorts: Mapping[date, Collection[int]] | None = None) -> list[Published]:
        """Return what was published of some months, by month and cohort; of all cohorts, or of some by their formation's first month."""
        ...


class AreaRecords(Protocol):
    """What is kept of the areas of one territory and flux, in which dwellings are summed."""

    def areas(self) -> list[Areas]:
        """Return all areas, those formed first first."""
        ...

    def living(self, month: date) -> list[LivingAreas]:
        """Return the areas that a month is published of, with their homes."""
        ...

    def close(self, month: date, closing: AreaClosing, at: datetime) -> None:
        """Keep what was formed and published, once and for all."""
        ...

    def totals(self, months: Sequence[date]) -> list[PublishedTotal]:
        """Return what was published of some months, by month and area."""
        ...
