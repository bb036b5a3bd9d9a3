"""Making, changing and deleting what plans are made of: nothing is overwritten unseen, and nothing that is in use disappears."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from lighting.domain.calendars import Calendar
from lighting.domain.estate import Content, Group
from lighting.domain.failures import AlreadyThere, InUse, LampInTwoGroups, NotFound, Stale, UnknownCabinet, UnknownLamp
from lighting.domain.inventory import Luminaire
from lighting.domain.legal import NATIONAL, Derogation
from lighting.domain.ports import Kept, Records, Shelf

V = TypeVar("V")


def etag(version: int) -> str:
    """Return the tag of a version."""
    return f"v{version}"


def tagged(kept: Kept) -> Any:
    """Return a kept value with the tag of its version."""
    return replace(kept.value, etag=etag(kept.version))


def put(records: Records, shelf: Shelf, value: Any, at: datetime) -> Any:
    """Keep a value under its id, and return it with its new tag; AlreadyThere, Stale, NotFound, and what its references lack."""
    before = records.get(shelf, value.id)
    check_tag(before, value.etag, value.id)
    _REFERENCES.get(shelf, _refer_to_nothing)(records, value)
    bare = replace(value, etag="")
    if before is not None and before.value == bare:
        return tagged(before)
    return replace(value, etag=etag(records.put(shelf, value.id, bare, at)))


def check_tag(before: Kept | None, sent: str, item: str) -> None:
    """Refuse to make what is there, and to change what somebody changed meanwhile; AlreadyThere, NotFound, Stale."""
    if before is None and sent:
        raise NotFound(f"there is no {item} any more", resource=item)
    if before is not None and not sent:
        raise AlreadyThere(f"{item} is there already: send its etag to change it", resource=item, current_etag=etag(before.version))
    if before is not None and sent != etag(before.version):
        raise Stale(f"{item} was changed meanwhile: read it again", resource=item, etag=sent, current_etag=etag(before.version))


def found(records: Records, shelf: Shelf, item: str) -> Kept:
    """Return what is kept under an id; NotFound."""
    kept = records.get(shelf, item)
    if kept is None:
        raise NotFound(f"there is no {shelf.value} {item}", resource=item)
    return kept


def delete(records: Records, shelf: Shelf, item: str, sent: str) -> None:
    """Delete what nothing refers to; NotFound, Stale, InUse."""
    kept = found(records, shelf, item)
    if sent:
        check_tag(kept, sent, item)
    for user in _users(records, shelf, item):
        raise InUse(f"{item} is in use by {user}", resource=item, used_by=user)
    records.remove(shelf, item)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Use:
    """Where a thing may be referred to from."""

    shelf: Shelf
    names: Callable[[Any], Sequence[str]]


def _users(records: Records, shelf: Shelf, item: str) -> Sequence[str]:
    return [
        f"{use.shelf.value} {_own_name(kept.value)}"
        for use in _USES.get(shelf, ())
        for kept in records.all(use.shelf)
        if item in use.names(kept.value)
    ]


def _own_name(value: Any) -> str:
    return str(getattr(value, "id", "") or f"{value.name.group}/{value.name.version}")


_USES: dict[Shelf, tuple[_Use, ...]] = {
    Shelf.CABINET: (_Use(shelf=Shelf.LUMINAIRE, names=lambda one: (one.cabinet,)),),
    Shelf.LUMINAIRE: (_Use(shelf=Shelf.GROUP, names=lambda one: one.luminaires),),
    Shelf.PROGRAMME: (_Use(shelf=Shelf.CALENDAR, names=lambda one: one.programmes),),
    Shelf.CALENDAR: (_Use(shelf=Shelf.GROUP, names=lambda one: (one.calendar,)),),
    Shelf.GROUP: (_Use(shelf=Shelf.PLAN, names=lambda one: (one.name.group,)),),
    Shelf.LEGAL_RULE: (_Use(shelf=Shelf.DEROGATION, names=lambda one: (one.rule,)),),
}


def _refer_to_nothing(records: Records, value: Any) -> None:
    del records, value


def _cabinet_is_known(records: Records, luminaire: Luminaire) -> None:
    if records.get(Shelf.CABINET, luminaire.cabinet) is None:
        raise UnknownCabinet(f"there is no cabinet {luminaire.cabinet}", cabinet=luminaire.cabinet, luminaire=luminaire.id)


def _programmes_are_known(records: Records, calendar: Calendar) -> None:
    for programme in calendar.programmes:
        if records.get(Shelf.PROGRAMME, programme) is None:
            raise NotFound(f"there is no programme {programme}", resource=programme)


def _members_are_free(records: Records, group: Group) -> None:
    if group.calendar and records.get(Shelf.CALENDAR, group.calendar) is None:
        raise NotFound(f"there is no calendar {group.calendar}", resource=group.calendar)
    known = {kept.value.id for kept in records.all(Shelf.LUMINAIRE)}
    taken = {
        luminaire: kept.value.id for kept in records.all(Shelf.GROUP) if kept.value.id != group.id for luminaire in kept.value.luminaires
    }
    for luminaire in group.luminaires:
        if luminaire not in known:
            raise UnknownLamp(f"there is no luminaire {luminaire}", luminaire=luminaire)
        if luminaire in taken:
            raise LampInTwoGroups(f"{luminaire} is in {taken[luminaire]}", luminaire=luminaire, group=taken[luminaire])


def _rule_is_known(records: Records, derogation: Derogation) -> None:
    if all(rule.id != derogation.rule for rule in NATIONAL) and records.get(Shelf.LEGAL_RULE, derogation.rule) is None:
        raise NotFound(f"there is no rule {derogation.rule}", resource=derogation.rule)


_REFERENCES: dict[Shelf, Callable[[Records, Any], None]] = {
    Shelf.LUMINAIRE: _cabinet_is_known,
    Shelf.CALENDAR: _programmes_are_known,
    Shelf.GROUP: _members_are_free,
    Shelf.DEROGATION: _rule_is_known,
}


def content_of(records: Records, group: Group) -> Content:
    """Return what a group would do if it were published now: its calendar and every programme, as they are; NotFound."""
    if not group.calendar:
        return Content(luminaires=group.luminaires, switch_off=group.switch_off)
    calendar: Calendar = found(records, Shelf.CALENDAR, group.calendar).value
    programmes = tuple(found(records, Shelf.PROGRAMME, programme).value for programme in calendar.programmes)
    return Content(luminaires=group.luminaires, calendar=calendar, programmes=programmes)
