"""`multiflux audit`: who changed what, and who was refused."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from enum import StrEnum
from itertools import count
from typing import Annotated

import typer

from console import output
from console.connect import signed_in
from console.exits import Exit, run, usage
from console.settings import load
from multiflux_client.access import AccessClient
from multiflux_client.people import AuditEntry, AuditOutcome
from vocabulary.interval import Interval

_DAWN = datetime(1970, 1, 1, tzinfo=UTC)
_DUSK = datetime(9999, 1, 1, tzinfo=UTC)
_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


class Outcome(StrEnum):
    """The outcomes as options."""

    CHANGED = "changed"
    REFUSED = "refused"
    READ = "read"


def audit(
    subject: Annotated[str, typer.Option(help="Only entries that concern this person, such as people/ada.")] = "",
    since: Annotated[
        datetime | None, typer.Option(help="Only entries from then on (UTC where no offset is given).", formats=_FORMATS)
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(help="Only entries before then (UTC where no offset is given).", formats=_FORMATS)
    ] = None,
    outcome: Annotated[Outcome | None, typer.Option(help="Only entries of this outcome.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="How many at most; 0: all.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,  # noqa: FBT002  # typer reads it by name
) -> None:
    """Read the audit log, newest entries first: those that concern you, or all of your territory if you administer it."""
    during = _during(since, until)
    run(_audit(subject, during, outcome, limit, as_json=as_json), as_json=as_json)


async def _audit(subject: str, during: Interval | None, outcome: Outcome | None, limit: int, *, as_json: bool) -> Exit:
    settings = load()
    async with signed_in(settings, "access", settings.access_target) as connection:
        listed = AccessClient(connection).audit_entries(
            subject=subject, during=during, outcome=None if outcome is None else AuditOutcome[outcome.name]
        )
        entries = _first(aiter(listed), limit)
        if as_json:
            async for entry in entries:
                output.json_line(_described(entry))
        else:
            output.table(("time", "outcome", "actor", "method", "resource", "subject", "reason"), [_row(entry) async for entry in entries])
    return Exit.OK


async def _first(entries: AsyncIterator[AuditEntry], limit: int) -> AsyncIterator[AuditEntry]:
    for number in count(1):
        entry = await anext(entries, None)
        if entry is None:
            return
        yield entry
        if number == limit:
            return


def _during(since: datetime | None, until: datetime | None) -> Interval | None:
    if since is None and until is None:
        return None
    start, end = _utc(since or _DAWN), _utc(until or _DUSK)
    if start >= end:
        raise usage("--since must lie before --until")
    return Interval(start=start, end=end)


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def _row(entry: AuditEntry) -> tuple[str, ...]:
    return (
        entry.occur_time.isoformat(timespec="seconds"),
        entry.outcome.name.lower(),
        entry.actor or "nobody",
        entry.method.rpartition("/")[2],
        entry.resource,
        entry.subject,
        entry.reason,
    )


def _described(entry: AuditEntry) -> dict[str, str]:
    return {
        "entry_id": entry.entry_id,
        "time": entry.occur_time.isoformat(),
        "outcome": entry.outcome.name.lower(),
        "actor": entry.actor,
        "method": entry.method,
        "resource": entry.resource,
        "subject": entry.subject,
        "reason": entry.reason,
        "request_id": entry.correlation_id,
    }
