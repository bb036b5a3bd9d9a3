"""Brings the town's street lighting into an installation: its inventory, and the plans that its cabinets follow today."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from console.lighting_files import cabinets_csv, luminaire_id, luminaires_csv
from multiflux_client.channel import Connection
from multiflux_client.lighting import LightingClient
from multiflux_client.lighting_records import (
    ActivePeriod,
    Calendar,
    CalendarRule,
    Group,
    InventoryContent,
    InventoryFormat,
    InventoryImport,
    PeriodKind,
    Programme,
    Reference,
    SwitchPoint,
)
from simulation.luminaires import Cabinet, Control, Switching
from simulation.scene import ZONE
from simulation.town import Town

_FEASTS = (("07-14", "07-14"), ("12-24", "12-24"), ("12-31", "12-31"))
_WEEKEND = (5, 6)
_LONGER_MINUTES = 120
_DEEP = (1_380, 300)
"""23:00 to 5:00, when lamps that can dim are dimmed."""
_DAY_MINUTES = 1_440


class LightingIncomplete(Exception):
    """Lighting refused rows of the town: this version of the simulator does not fit it."""


async def fill_lighting(town: Town, connection: Connection) -> AsyncIterator[InventoryImport]:
    """Import cabinets and luminaires, and publish what they do today, once; yield the progress. LightingIncomplete."""
    client = LightingClient(connection)
    for content, file in ((InventoryContent.CABINETS, cabinets_csv(town)), (InventoryContent.LUMINAIRES, luminaires_csv(town))):
        async for progress in client.import_file(content, InventoryFormat.CSV, [file]):
            if progress.refused_rows:
                first = progress.refused_rows[0]
                raise LightingIncomplete(f"{content.name.lower()} line {first.line}, {first.column}: {first.reason}, {first.description}")
            yield progress
    if not [group async for group in client.groups()]:
        await _publish(town, client)


async def _publish(town: Town, client: LightingClient) -> None:
    groups: list[str] = []
    for cabinet in town.cabinets:
        driven = [one for one in town.luminaires if one.cabinet == cabinet.id and one.control is not Control.SELF_DIMMING]
        if driven:
            calendar = await _calendar(cabinet, client)
            members = tuple(f"luminaires/{luminaire_id(one)}" for one in driven)
            made = Group(name=f"groups/{cabinet.id}", display_name=cabinet.display_name, luminaires=members, calendar=calendar.name)
            groups.append((await client.put_group(made)).name)
    today = datetime.now(UTC).astimezone(ZONE).date()
    await client.rehearse(groups, today, today + timedelta(days=6))
    tags = {group.name: group.etag async for group in client.groups()}
    for group in groups:
        await client.publish(group, tags[group], "as the cabinets' clocks are set today (simulated)")


async def _calendar(cabinet: Cabinet, client: LightingClient) -> Calendar:
    """Make the programmes of a cabinet and its calendar: feasts first, then the longer weekend, then every night."""
    switching = cabinet.switching
    every = await client.put_programme(_programme(f"{cabinet.id}-nights", f"{cabinet.display_name}, every night", switching))
    full = Switching(after_sunset_minutes=switching.after_sunset_minutes, before_sunrise_minutes=switching.before_sunrise_minutes)
    feast = await client.put_programme(_programme(f"{cabinet.id}-feasts", f"{cabinet.display_name}, feasts", full))
    rules = [CalendarRule(programme=feast.name, first_date=f"2024-{a}", last_date=f"2024-{b}", every_year=True) for a, b in _FEASTS]
    if switching.off_minute is not None and switching.on_minute is not None:
        name = f"{cabinet.id}-weekends"
        longer = await client.put_programme(_programme(name, f"{cabinet.display_name}, weekends", switching, later=_LONGER_MINUTES))
        rules.append(CalendarRule(programme=longer.name, weekdays=_WEEKEND))
    made = Calendar(name=f"calendars/{cabinet.id}", display_name=cabinet.display_name, rules=tuple(rules), default_programme=every.name)
    return await client.put_calendar(made)


def _programme(name: str, display_name: str, switching: Switching, *, later: int = 0) -> Programme:
    """Return a programme of what a cabinet's clock does; the clock itself adds its offsets to sunset and sunrise."""
    points: list[SwitchPoint] = []
    if switching.dimmed_percent < 100:  # noqa: PLR2004 - per cent
        points.append(SwitchPoint(reference=Reference.FIXED, minute=_DEEP[0], level_percent=switching.dimmed_percent))
        points.append(SwitchPoint(reference=Reference.FIXED, minute=_DEEP[1], level_percent=100))
    if switching.off_minute is not None:
        points.append(SwitchPoint(reference=Reference.FIXED, minute=(switching.off_minute + later) % _DAY_MINUTES, level_percent=0))
    if switching.on_minute is not None:
        points.append(SwitchPoint(reference=Reference.FIXED, minute=switching.on_minute, level_percent=100))
    period = ActivePeriod(kind=PeriodKind.ASTRO_CLOCK)
    return Programme(name=f"programmes/{name}", display_name=display_name, periods=(period,), switch_points=tuple(points))
