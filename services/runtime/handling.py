"""What happens to delivered events, however they were delivered: each takes effect once, and one that fails holds up no other."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from runtime.clock import Clock
from runtime.events import Event
from runtime.relational import Database, Overtaken
from runtime.tables import DeliveryTables
from vocabulary.failure import Failure, Kind

_log = logging.getLogger(__name__)

Effect = Callable[[Connection, Sequence[Event]], None]
"""Changes the database by some events, in the transaction that keeps that they were handled; where it fails, it is given fewer."""
Job = Callable[[Event], Awaitable[None]]
"""Does long work for one event: what is done when the process ends in between is done again, so it must be safe to repeat."""

_LATER = frozenset({Kind.BUSY, Kind.EXHAUSTED})


class NoHandler(Failure):
    """Nobody here handles events of this type."""

    reason, kind = "NO_HANDLER", Kind.INVALID


@dataclass(frozen=True, kw_only=True, slots=True)
class Unhandled:
    """An event that could not be handled, and why; `transient` when what it needs is away, which says nothing about the event."""

    event: Event
    reason: str
    transient: bool


class Handlers:
    """The handlers of one queue, by type of event."""

    def __init__(
        self,
        queue: str,
        database: Database,
        tables: DeliveryTables,
        clock: Clock,
        *,
        effects: Mapping[str, Effect] | None = None,
        jobs: Mapping[str, Job] | None = None,
    ) -> None:
        """Keep the ids of handled events under `queue`."""
        self.queue = queue
        self._database = database
        self._handled = tables.handled_event
        self._clock = clock
        self._effects = effects or {}
        self._jobs = jobs or {}

    @property
    def type_names(self) -> tuple[str, ...]:
        """The types of events that are handled here."""
        return (*self._effects, *self._jobs)

    async def handle(self, events: Sequence[Event]) -> list[Unhandled]:
        """Handle the events, in any order and any number of times; return those that failed. All others have taken effect durably."""
        unhandled = await self._apply([event for event in events if event.type_name not in self._jobs])
        for event in events:
            if event.type_name in self._jobs:
                unhandled += await self._do(event)
        return unhandled

    async def trim(self, older_than: timedelta) -> int:
        """Forget which events were handled longer ago; return how many."""
        before = self._clock.now() - older_than
        old = delete(self._handled).where(self._handled.c.queue == self.queue, self._handled.c.handled < before)
        return await self._database.write(lambda connection: connection.execute(old).rowcount)

    async def _apply(self, events: Sequence[Event]) -> list[Unhandled]:
        if not events:
            return []
        try:
            await self._database.write(lambda connection: self._take(connection, events))
        except Exception as error:  # noqa: BLE001 - whatever a handler does wrong is the event's own trouble, not its neighbours'
            if len(events) == 1 or _is_transient(error):
                return [_unhandled(event, error) for event in events]
            # One of them fails, and nothing was kept: halves find it in few transactions.
            half = len(events) // 2
            return [*await self._apply(events[:half]), *await self._apply(events[half:])]
        return []

    def _take(self, connection: Connection, events: Sequence[Event]) -> None:
        known = self._known(connection, events)
        fresh = {event.event_id: event for event in events if event.event_id not in known}
        of_type = dict[str, list[Event]]()
        for event in fresh.values():
            of_type.setdefault(event.type_name, []).append(event)
        for type_name, some in of_type.items():
            effect = self._effects.get(type_name)
            if effect is None:
                raise NoHandler(f"nobody handles {type_name}", type_name=type_name)
            effect(connection, some)
        self._keep(connection, list(fresh.values()))

    async def _do(self, event: Event) -> list[Unhandled]:
        try:
            if not await self._database.read(lambda connection: self._known(connection, [event])):
                await self._jobs[event.type_name](event)
                await self._database.write(lambda connection: self._keep_unless_kept(connection, event))
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            return [_unhandled(event, error)]
        return []

    def _known(self, connection: Connection, events: Sequence[Event]) -> set[str]:
        ids = [event.event_id for event in events]
        query = select(self._handled.c.event_id).where(self._handled.c.queue == self.queue, self._handled.c.event_id.in_(ids))
        return set(connection.execute(query).scalars())

    def _keep_unless_kept(self, connection: Connection, event: Event) -> None:
        if not self._known(connection, [event]):
            self._keep(connection, [event])

    def _keep(self, connection: Connection, events: Sequence[Event]) -> None:
        if not events:
            return
        now = self._clock.now()
        rows = [{"queue": self.queue, "event_id": event.event_id, "handled": now} for event in events]
        try:
            # What returns something is sent many rows at once: a server is asked once, not once a row.
            connection.execute(insert(self._handled).returning(self._handled.c.event_id), rows)
        except IntegrityError as error:
            # Another worker got one of them too, and was faster.
            raise Overtaken from error


def _unhandled(event: Event, error: Exception) -> Unhandled:
    reason = str(getattr(error, "reason", type(error).__name__))
    _log.warning("event failed", extra={"event_id": event.event_id, "type": event.type_name, "reason": reason}, exc_info=error)
    return Unhandled(event=event, reason=reason, transient=_is_transient(error))


def _is_transient(error: Exception) -> bool:
    # Failures here and of other services have a kind; a secret that is not there yet is an OSError.
    return getattr(error, "kind", None) in _LATER or isinstance(error, OSError)
