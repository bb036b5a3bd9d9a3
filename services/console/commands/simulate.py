"""`multiflux simulate`: fills a territory with the simulated town, and feeds it on as time passes."""

import asyncio
import csv
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from console import output
from console.connect import access_target, own_secret, target
from console.exits import Exit, run
from console.programs import installed
from console.settings import ConsoleSettings, load
from console.town_feed import Feeder, kept_plan
from multiflux_client.channel import Connection, Target
from simulation.faults import FAULT_COLUMNS, Fault, fault_rows
from simulation.readings import Feed
from simulation.scene import ZONE
from vocabulary.civil import local_midnight

_FEED_INTERVAL_S = 60.0
_SAID_EVERY_S = 5.0


def simulate(
    seed: Annotated[int, typer.Option(help="Which town; only the first time, afterwards it stays the same.")] = 1,
    follow: Annotated[bool, typer.Option("--follow", help="Go on feeding the readings that arrive, every minute.")] = False,  # noqa: FBT002  # typer reads it by name
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,  # noqa: FBT002  # typer reads it by name
) -> None:
    """Make the simulated town: 1,200 dwellings, public sites and street lighting, thirteen months of readings, marked as simulated.

    Needs the local issuer. Safe to run again: the town stays the same, and goes on from where it was.
    The faults that were put in on purpose are listed in simulation/faults.csv in the data directory.
    """
    run(_simulate(seed, follow=follow, as_json=as_json), as_json=as_json)


async def _simulate(seed: int, *, follow: bool, as_json: bool) -> Exit:
    settings = load()
    folder = settings.data_directory / "simulation"
    plan = kept_plan(folder / "plan.json", seed=seed, now=datetime.now(UTC))
    town = plan.town()
    _list_faults(folder / "faults.csv", town.faults)
    async with Connection.open(access_target(settings)) as access, Connection.open(_metering(settings)) as metering:
        feeder = Feeder(town, access, metering, own_secret(settings))
        await feeder.make_territory()
        async for progress in feeder.fill_registry():
            if progress.done:
                _say(as_json, f"registry: {progress.row_count} rows, {progress.created_count} new", rows=progress.row_count)
        await _light(feeder, settings, as_json=as_json)
        fed = folder / "fed_until"
        feed = Feed(town=town, since=datetime.fromisoformat(fed.read_text()) if fed.exists() else local_midnight(plan.start, ZONE))
        await _send(feeder, feed, fed, as_json=as_json)
        await _settle(feeder, folder / "people_settled", as_json=as_json)
        while follow:
            await asyncio.sleep(_FEED_INTERVAL_S)
            await _send(feeder, feed, fed, as_json=as_json, quiet=True)
    return Exit.OK


async def _light(feeder: Feeder, settings: ConsoleSettings, *, as_json: bool) -> None:
    """Bring the lighting in, where the service is installed."""
    if not installed("lighting"):
        return
    async with Connection.open(target(settings, "lighting", settings.lighting_target)) as lighting:
        async for progress in feeder.fill_lighting(lighting):
            _say(as_json, f"lighting: {progress.row_count} rows, {progress.created_count} new", rows=progress.row_count)


async def _settle(feeder: Feeder, settled: Path, *, as_json: bool) -> None:
    """Have the town's people move in, once, where there is a service to compare their homes."""
    if await asyncio.to_thread(settled.exists) or not installed("comparison"):
        return
    people = await feeder.settle_people(datetime.now(UTC))
    await asyncio.to_thread(settled.write_text, str(people))
    _say(as_json, f"people: {people:,} households moved in", households=people)


async def _send(feeder: Feeder, feed: Feed, fed: Path, *, as_json: bool, quiet: bool = False) -> None:
    """Send all that has arrived up to now, and keep up to when that is: the next run goes on from there."""
    sent = stored = refused = 0
    started = said = time.monotonic()
    async for answer in feeder.send(feed, datetime.now(UTC)):
        sent, stored, refused = sent + answer.readings, stored + answer.stored, refused + len(answer.refused)
        if not quiet and time.monotonic() - said > _SAID_EVERY_S:
            said = time.monotonic()
            _say(as_json, f"readings: {sent:,}", readings=sent)
    await asyncio.to_thread(fed.write_text, feed.since.isoformat())
    if not quiet or refused:
        seconds = time.monotonic() - started
        _say(
            as_json,
            f"readings: {sent:,} sent in {seconds:.0f} s, {stored:,} new, {refused:,} refused",
            readings=sent,
            stored=stored,
            refused=refused,
        )


def _say(as_json: bool, text: str, **facts: int) -> None:  # noqa: FBT001  # how to say it
    if as_json:
        output.json_line(facts)
    else:
        output.line(text)


def _list_faults(file: Path, faults: tuple[Fault, ...]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as report:
        writer = csv.writer(report)
        writer.writerow(FAULT_COLUMNS)
        writer.writerows(fault_rows(faults))


def _metering(settings: ConsoleSettings) -> Target:
    return target(settings, "metering", settings.metering_target)
