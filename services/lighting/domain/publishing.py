"""The life of a change: drafted, rehearsed, published, delivered, confirmed; and back to any published version."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from lighting.domain.editing import check_tag, content_of, found
from lighting.domain.estate import Content, Group, Plan
from lighting.domain.failures import LampInTwoGroups, NotFound, NotRehearsed, TimePast, Unfit, UnknownLamp
from lighting.domain.levels import GroupId, PlanName, PlanState
from lighting.domain.nights import NOON, night_of
from lighting.domain.ports import Records, Shelf

_MOST_AHEAD = timedelta(days=366)


def digest(content: Content) -> str:
    """Return what tells one content from another."""
    return sha256(repr(content).encode()).hexdigest()


def noted(records: Records, groups: Iterable[GroupId], at: datetime) -> None:
    """Note that groups were rehearsed as they are now; NotFound."""
    for name in groups:
        group: Group = found(records, Shelf.GROUP, name).value
        rehearsed = digest(content_of(records, group))
        if group.rehearsed_digest != rehearsed:
            records.put(Shelf.GROUP, name, replace(group, rehearsed_digest=rehearsed), at)


def next_night(at: datetime, zone: ZoneInfo) -> date:
    """Return the first night that begins after the instant."""
    local = at.astimezone(zone)
    return night_of(at, zone) + timedelta(days=1) if local.hour * 60 + local.minute >= NOON else local.date()


def plan_id(name: PlanName) -> str:
    """Return the id under which a plan is kept: by group, versions in order."""
    return f"{name.group}/{name.version:08}"


def versions(records: Records, group: GroupId) -> Sequence[Plan]:
    """Return the plans of a group, oldest first."""
    return [kept.value for kept in records.all(Shelf.PLAN) if kept.value.name.group == group]


def published(
    records: Records, group: GroupId, sent: str, *, first: date | None, zone: ZoneInfo, author: str, reason: str, at: datetime
) -> Plan:
    """Publish a group's draft, and return the plan; NotFound, Stale, NotRehearsed, TimePast, Unfit."""
    kept = found(records, Shelf.GROUP, group)
    if not sent:
        raise Unfit("etag", "is required: publish what you have seen")
    check_tag(kept, sent, group)
    content = content_of(records, kept.value)
    if kept.value.rehearsed_digest != digest(content):
        raise NotRehearsed(f"{group} was not rehearsed as it is now", group=group)
    return _kept(records, group, content, first=first, zone=zone, author=author, reason=reason, at=at, copy_of=0)


def rolled_back(
    records: Records, group: GroupId, version: int, *, first: date | None, zone: ZoneInfo, author: str, reason: str, at: datetime
) -> Plan:
    """Publish a former version again, as a new one; NotFound, UnknownLamp when one of its luminaires is gone, TimePast, Unfit."""
    former = next((plan for plan in versions(records, group) if plan.name.version == version), None)
    if former is None:
        raise NotFound(f"{group} has no version {version}", group=group, version=str(version))
    known = {kept.value.id for kept in records.all(Shelf.LUMINAIRE)}
    for luminaire in former.content.luminaires:
        if luminaire not in known:
            raise UnknownLamp(f"there is no luminaire {luminaire} any more", luminaire=luminaire)
    return _kept(records, group, former.content, first=first, zone=zone, author=author, reason=reason, at=at, copy_of=version)


def _kept(  # noqa: PLR0913 - the facts of a plan
    records: Records,
    group: GroupId,
    content: Content,
    *,
    first: date | None,
    zone: ZoneInfo,
    author: str,
    reason: str,
    at: datetime,
    copy_of: int,
) -> Plan:
    if not reason.strip():
        raise Unfit("reason", "is required")
    earliest = next_night(at, zone)
    if first is not None and not earliest <= first <= earliest + _MOST_AHEAD:
        raise TimePast("first_date", f"must be {earliest} or later, within a year: plans change at noon", first_date=first.isoformat())
    _check_free(records, group, content, first or earliest)
    former = versions(records, group)
    for plan in former:
        if plan.state is not PlanState.REPLACED:
            records.put(Shelf.PLAN, plan_id(plan.name), replace(plan, state=PlanState.REPLACED), at)
    name = PlanName(group=group, version=former[-1].name.version + 1 if former else 1)
    plan = Plan(name=name, content=content, first_night=first or earliest, published=at, author=author, reason=reason, copy_of=copy_of)
    records.put(Shelf.PLAN, plan_id(name), plan, at)
    return plan


def _check_free(records: Records, group: GroupId, content: Content, first: date) -> None:
    """Refuse luminaires that another group's plan holds then: publish that group without them first. LampInTwoGroups."""
    newest = {kept.value.name.group: kept.value for kept in records.all(Shelf.PLAN) if kept.value.first_night <= first}
    for other, plan in newest.items():
        taken = () if other == group else sorted(set(plan.content.luminaires) & set(content.luminaires))
        if taken:
            raise LampInTwoGroups(f"{taken[0]} follows {other} still: publish that first", luminaire=taken[0], group=other)
