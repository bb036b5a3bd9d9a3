"""When a failed event is tried again, and what is known of one that failed too often."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, Self

from runtime.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class Retries:
    """How long a failed event waits, each time anew; after the last pause it is poisoned."""

    pauses: tuple[timedelta, ...]

    @classmethod
    def of_ms(cls, pauses_ms: Sequence[int]) -> Self:
        """Return the retries with these pauses, in milliseconds."""
        return cls(pauses=tuple(timedelta(milliseconds=pause) for pause in pauses_ms))

    @property
    def pauses_ms(self) -> tuple[int, ...]:
        """The pauses in milliseconds."""
        return tuple(pause // timedelta(milliseconds=1) for pause in self.pauses)

    def pause(self, failures: int, *, transient: bool) -> timedelta | None:
        """Return how long an event waits after so many failures; None: it has failed too often.

        What is away says nothing about the event: it waits for the first pause, as often as it takes.
        """
        if transient:
            return self.pauses[0]
        return self.pauses[failures - 1] if failures <= len(self.pauses) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Poisoned:
    """An event that failed too often, and why it did so last."""

    queue: str
    event: Event
    reason: str
    failures: int


class PoisonedEvents(Protocol):
    """Where the poisoned events of one queue are."""

    async def poisoned(self) -> list[Poisoned]:
        """Return them, in the order of their ids."""
        ...

    async def replay(self, event_ids: Sequence[str] | None = None) -> int:
        """Try all or some of them again as if they were new; return how many."""
        ...
