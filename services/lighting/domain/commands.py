"""Commands that stand above the plan: lock-out, switching at the cabinet, emergency, override."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from lighting.domain.failures import CommandOver, ScopeEmpty, TimePast, Unfit, check_level
from lighting.domain.levels import CabinetId, CommandId, GroupId, LuminaireId, Rank

_CLOCKS_DIFFER = timedelta(minutes=5)
"""How far a command's start may lie back: the sender's clock, and the way here."""
_LONGEST_STAGE_S = 600


class CommandKind(Enum):
    """What sort of command it is; its rank follows from it."""

    LOCK_OUT = 1
    LOCAL = 2
    EMERGENCY = 3
    OVERRIDE = 4

    @property
    def rank(self) -> Rank:
        """The rank of levels that it gives."""
        return Rank(self.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Which luminaires are meant: all that are named in any way; with `categories`, only those of them of these letters.

    An emergency that names nothing means the whole territory.
    """

    luminaires: tuple[LuminaireId, ...] = ()
    cabinets: tuple[CabinetId, ...] = ()
    groups: tuple[GroupId, ...] = ()
    whole_territory: bool = False
    categories: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is named."""
        return not (self.luminaires or self.cabinets or self.groups or self.whole_territory)


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A command: `level` per cent from `start` up to, not including, `expiry`; None: until somebody ends it.

    With `stage_s`, cabinets start one after the other, that many seconds apart, in the order of their ids.
    `ended` is when a person ended it before its expiry.
    """

    id: CommandId
    kind: CommandKind
    scope: Scope
    level: int
    start: datetime
    expiry: datetime | None = None
    stage_s: int = 0
    author: str
    """`people/x` or `services/x`."""
    reason: str
    created: datetime
    ended: datetime | None = None
    etag: str = ""

    def __post_init__(self) -> None:
        """Refuse a command that cannot be; LevelOutOfRange, Unfit."""
        check_level("level", self.level)
        if self.expiry is not None and self.expiry <= self.start:
            raise Unfit("expiry", "must be after the start")
        if not 0 <= self.stage_s <= _LONGEST_STAGE_S:
            raise Unfit("stage_s", f"must be 0 to {_LONGEST_STAGE_S} seconds")

    @property
    def end(self) -> datetime | None:
        """When it stops, None while nobody ended it and it does not expire."""
        ends = [end for end in (self.expiry, self.ended) if end is not None]
        return min(ends) if ends else None

    def holds(self, at: datetime) -> bool:
        """Tell whether it is in force, stages aside."""
        return self.start <= at and (self.end is None or at < self.end)


def checked_new(command: Command, now: datetime) -> Command:
    """Return a command that may be given now; ScopeEmpty, TimePast, Unfit."""
    if command.scope.is_empty:
        raise ScopeEmpty("scope", "names no luminaire, cabinet or group")
    if command.start < now - _CLOCKS_DIFFER:
        raise TimePast("start_time", "lies in the past", start=command.start.isoformat())
    if command.expiry is not None and command.expiry <= now:
        raise TimePast("expiry", "lies in the past", expiry=command.expiry.isoformat())
    if not command.reason.strip():
        raise Unfit("reason", "is required")
    return command


def in_order(commands: Iterable[Command]) -> Sequence[Command]:
    """Return commands from the one that yields to the one that wins: by rank, and within a rank the last given wins."""
    return sorted(commands, key=lambda one: (-one.kind.value, one.created, one.id))


def check_open(command: Command, now: datetime) -> None:
    """Refuse to end what is over; CommandOver."""
    if command.end is not None and command.end <= now:
        raise CommandOver(f"{command.id} ended at {command.end.isoformat()}", command=command.id, end=command.end.isoformat())
