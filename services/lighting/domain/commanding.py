"""Giving and ending commands."""

from dataclasses import replace
from datetime import datetime

from lighting.domain.commands import Command, CommandKind, check_open, checked_new
from lighting.domain.editing import etag, found
from lighting.domain.estate import Estate, scope_of
from lighting.domain.failures import LockedOut, NotFound, ScopeEmpty, UnknownCabinet, UnknownLamp
from lighting.domain.levels import CommandId
from lighting.domain.ports import Records, Shelf


def given(records: Records, estate: Estate, command: Command, now: datetime) -> Command:
    """Keep a new command, and return it; ScopeEmpty, TimePast, Unfit, LockedOut, and what its scope names and nobody knows.

    An override is refused where any of its luminaires is locked out in its time.
    An emergency passes those by: where works go on, nothing moves.
    """
    command = checked_new(replace(command, scope=scope_of(command.kind, command.scope)), now)
    _check_names(estate, command)
    meant = set(estate.meant(command.scope))
    if not meant:
        raise ScopeEmpty("scope", "means no luminaire")
    if command.kind is CommandKind.OVERRIDE:
        for lock in estate.commands:
            if lock.kind is CommandKind.LOCK_OUT and _overlap(lock, command) and (locked := meant & set(estate.meant(lock.scope))):
                luminaire = min(locked)
                raise LockedOut(f"works are going on at {luminaire}: {lock.reason}", luminaire=luminaire, command=lock.id)
    return replace(command, etag=etag(records.put(Shelf.COMMAND, command.id, command, now)))


def _check_names(estate: Estate, command: Command) -> None:
    for luminaire in command.scope.luminaires:
        if luminaire not in estate.luminaires:
            raise UnknownLamp(f"there is no luminaire {luminaire}", luminaire=luminaire)
    for cabinet in command.scope.cabinets:
        if cabinet not in estate.cabinets:
            raise UnknownCabinet(f"there is no cabinet {cabinet}", cabinet=cabinet)
    for group in command.scope.groups:
        if group not in estate.drafts:
            raise NotFound(f"there is no group {group}", resource=group)


def _overlap(one: Command, other: Command) -> bool:
    return (one.end is None or other.start < one.end) and (other.end is None or one.start < other.end)


def ended(records: Records, command: CommandId, now: datetime) -> Command:
    """End a command now, and return it; NotFound, CommandOver."""
    kept = found(records, Shelf.COMMAND, command)
    check_open(kept.value, now)
    after = replace(kept.value, ended=max(now, kept.value.start))
    return replace(after, etag=etag(records.put(Shelf.COMMAND, command, after, now)))
