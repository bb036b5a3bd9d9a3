"""A town of homes in real services, each a process of its own, and how soon one household after the other is answered."""

import asyncio
import csv
import io
import math
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import psutil

from access.adapters.tables import access_tables
from comparison.domain import months
from multiflux_client.access import AccessClient
from multiflux_client.channel import Connection, Target
from multiflux_client.comparison import ComparisonClient
from multiflux_client.credentials import ExchangedTokens
from multiflux_client.failures import RemoteFailure
from multiflux_client.metering import MeteringClient
from multiflux_client.places import Position, Territory
from multiflux_client.readings import ReadingKind, Series, SeriesReadings
from multiflux_client.registry import RegistryClient, RegistryContent, RegistryFile, RegistryFormat
from multiflux_client.weather import MOST_HOURS, HourlyWeather, WeatherClient, WeatherStation
from runtime.relational import Database
from vocabulary.civil import Granularity, slots
from vocabulary.flux import BaseUnit, Flux
from vocabulary.interval import Interval
from vocabulary.names import PersonId, PlaceId, PointId, TerritoryId, WeatherStationId

TOWN, PARIS = TerritoryId("demo"), ZoneInfo("Europe/Paris")
FLATS_EACH, BUILDINGS_EACH, STREETS_EACH = 25, 4, 5
FLUXES = {Flux.WATER: ("volume", "volume", BaseUnit.MILLILITRE), Flux.ELECTRICITY: ("energy", "import", BaseUnit.JOULE)}
"""By flux: the quantity, the channel and its unit."""
ASKING = 100
"""Households that ask, each a few times."""
STARTS_WITHIN_S, KNOWN_WITHIN_S, RESTS_WITHIN_S = 60, 120, 180
RESTING_MS = 100


def homes(count: int) -> list[PlaceId]:
    """Return the homes of a town."""
    return [PlaceId(f"b{number // FLATS_EACH}-h{number % FLATS_EACH}") for number in range(count)]


def rows_of_places(count: int) -> Iterator[dict[str, object]]:
    """Yield the rows of a town's places."""
    buildings = count // FLATS_EACH
    streets = -(-buildings // BUILDINGS_EACH)
    yield {"id": "c1", "level": "commune", "display_name": "C", "latitude": 45.0, "longitude": 4.0}
    for at in range(-(-streets // STREETS_EACH)):
        yield {"id": f"n{at}", "level": "neighbourhood", "parents": "c1", "position_in_parent": at + 1}
    for at in range(streets):
        yield {"id": f"s{at}", "level": "street", "parents": f"n{at // STREETS_EACH}", "position_in_parent": at % STREETS_EACH + 1}
    for at in range(buildings):
        yield {"id": f"b{at}", "level": "building", "parents": f"s{at // BUILDINGS_EACH}", "position_in_parent": at % BUILDINGS_EACH + 1}
    for number, home in enumerate(homes(count)):
        declared = {"premise": "dwelling", "dwelling_type": "flat", "area_square_metres": 40 + number % 60, "occupants": 1 + number % 4}
        heating = {"heating": "electricity", "hot_water": "electricity"}
        yield {"id": home, "level": "premise", "parents": home.split("-")[0], **declared, **heating}


def rows_of_points(count: int) -> Iterator[dict[str, object]]:
    """Yield the rows of its meters."""
    for home in homes(count):
        for flux, (quantity, channel, _) in FLUXES.items():
            described = f"id={channel} quantity={quantity} direction=import register_set=total"
            yield {"id": f"{home}-{flux.name.lower()}", "flux": flux.name.lower(), "places": home, "channels": described}


def csv_of(rows: Iterator[dict[str, object]]) -> bytes:
    """Return a file of rows."""
    every = [{"display_name": str(row["id"]), **row} for row in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(dict.fromkeys(name for row in every for name in row)), restval="")
    writer.writeheader()
    writer.writerows(every)
    return text.getvalue().encode()


def settle(database_url: str, count: int, now: datetime) -> None:
    """Have a household live in each home, and consent, since long ago: as if they had come in one by one."""
    tables, long_ago = access_tables(), now - timedelta(days=900)
    people = [
        {"territory": TOWN, "id": f"p-{home}", "display_name": home, "email": "", "language_code": "fr", "search_text": home, "version": 1}
        | {"created": long_ago, "updated": long_ago}
        for home in homes(count)
    ]
    identities = [
        {"territory": TOWN, "issuer": "urn:multiflux:local", "subject": f"{TOWN}/p-{home}", "person": f"p-{home}"} for home in homes(count)
    ]
    living = [
        {"territory": TOWN, "id": f"o-{home}", "person": f"p-{home}", "premise": home, "start": long_ago, "verified": long_ago}
        for home in homes(count)
    ]
    consents = [
        {"territory": TOWN, "id": f"c-{home}-{flux.name.lower()}", "person": f"p-{home}", "point": f"{home}-{flux.name.lower()}"}
        | {"occupancy": f"o-{home}", "purpose": "PEER_COMPARISON", "granularity": "MONTH", "proof_text": "yes"}
        | {"start": long_ago, "given": long_ago}
        for home in homes(count)
        for flux in FLUXES
    ]
    database = Database.open(database_url)
    with database._writing.begin() as connection:
        for table, rows in ((tables.person, people), (tables.identity, identities), (tables.occupancy, living), (tables.consent, consents)):
            connection.execute(table.insert(), rows)
    database.close()


@dataclass
class Town:
    """The services of one installation, as their users reach them."""

    folder: Path
    connections: Mapping[str, Connection]
    processes: Mapping[str, psutil.Process]

    def cpu_ms(self) -> dict[str, float]:
        """Return what each service has computed for, in milliseconds."""
        return {
            name: sum(sum(one.cpu_times()[:2]) for one in (process, *process.children(recursive=True))) * 1e3
            for name, process in self.processes.items()
        }

    async def at_rest(self) -> None:
        """Wait until no service computes: readings are filed, and what is due is closed."""
        deadline, before = time.monotonic() + RESTS_WITHIN_S, -math.inf
        while (now := sum(self.cpu_ms().values())) - before > RESTING_MS and time.monotonic() < deadline:
            before = now
            await asyncio.sleep(2)

    async def as_person(self, person: str, service: str, territory: TerritoryId = TOWN) -> Connection:
        """Sign in as somebody."""
        access = AccessClient(self.connections["access"])
        subject = await access.sign_in_locally(PersonId(person), territory)
        return self.connections[service].with_tokens(ExchangedTokens(access, subject, territory=territory, purpose="bench"))


@asynccontextmanager
async def services() -> AsyncGenerator[Town]:
    """Start access, metering and comparison, each in a process of its own and empty; end them afterwards."""
    with tempfile.TemporaryDirectory() as name:
        async with AsyncExitStack() as stack:
            ports = dict(zip(("access", "metering", "comparison"), _free_ports(3), strict=True))
            environment = {**os.environ, "MULTIFLUX_DATA_DIRECTORY": name, "MULTIFLUX_CALLS_PER_MINUTE": "1e9"}
            environment |= {"MULTIFLUX_CALL_BURST": "1000000000", "MULTIFLUX_LOG_LEVEL": "ERROR", "MULTIFLUX_COMPARISON_MONTHS_BACK": "1"}
            at_metering = f"127.0.0.1:{ports['metering']}"
            environment |= {"MULTIFLUX_ACCESS_REGISTRY_TARGET": at_metering, "MULTIFLUX_COMPARISON_METERING_TARGET": at_metering}
            environment |= {"MULTIFLUX_COMPARISON_ANSWERS_AT_ONCE": "1000000000"}
            environment |= {f"MULTIFLUX_{one.upper()}_METRICS_PORT": "0" for one in ports}
            environment |= {f"MULTIFLUX_{one.upper()}_PORT": str(port) for one, port in ports.items()}
            environment["MULTIFLUX_ACCESS_TARGET"] = f"127.0.0.1:{ports['access']}"
            connections, processes = dict[str, Connection](), dict[str, psutil.Process]()
            for one, port in ports.items():
                process = subprocess.Popen([sys.executable, "-m", one], env=environment)
                stack.callback(_end, process)
                processes[one] = psutil.Process(process.pid)
                connections[one] = await stack.enter_async_context(Connection.open(Target(address=f"127.0.0.1:{port}")))
                await asyncio.wait_for(connections[one].channel.channel_ready(), STARTS_WITHIN_S)
            yield Town(folder=Path(name), connections=connections, processes=processes)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait()


def _free_ports(count: int) -> list[int]:
    listening = [socket.socket() for _ in range(count)]
    for one in listening:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in listening]
    for one in listening:
        one.close()
    return ports


async def fill(town: Town, count: int, now: datetime) -> None:
    """Fill metering with a town: places, meters, hourly weather, and a reading a day for fourteen months."""
    operator = await town.as_person("platform-operator", "metering", TerritoryId("platform"))
    await RegistryClient(operator).create_territory(Territory(display_name="Town", time_zone=PARIS.key, currency_code="EUR"), TOWN)
    metering = await town.as_person("administrator", "metering")
    for content, rows in ((RegistryContent.PLACES, rows_of_places(count)), (RegistryContent.METERING_POINTS, rows_of_points(count))):
        described = RegistryFile(content=content, format=RegistryFormat.CSV)
        async for progress in RegistryClient(metering).import_file(described, [csv_of(rows)]):
            assert not progress.refused_rows, progress.refused_rows[:3]
    since = months.after(now.date().replace(day=1), -15)
    during = Interval(start=months.interval_of(since, PARIS).start, end=months.interval_of(now.date().replace(day=1), PARIS).start)
    weather, station = WeatherClient(metering), WeatherStationId("s1")
    await weather.put_station(
        WeatherStation(
            id=station,
            display_name="S",
            position=Position(latitude_degrees=45.0, longitude_degrees=4.0),
            altitude_metres=200,
            places=(PlaceId("c1"),),
        )
    )
    hours = np.arange(int(during.start.timestamp()), int(during.end.timestamp()), 3_600)
    cold = 1_200 - 1_000 * np.cos(2 * np.pi * (hours / 86_400 / 365.25 - 0.04))
    for at in range(0, len(hours), MOST_HOURS):
        part = slice(at, at + MOST_HOURS)
        await weather.record(HourlyWeather(station=station, starts=hours[part], centidegrees=cold[part].astype(np.int32)))
    days = [one for one in slots(during, Granularity.DAY, PARIS) if one.start >= during.start]
    start = np.array([int(one.start.timestamp()) for one in days])
    end = np.array([int(one.end.timestamp()) for one in days])
    degrees = np.maximum(0, 18 - np.interp(start, hours, cold) / 100)

    def readings() -> Iterator[SeriesReadings]:
        rng = np.random.default_rng(1)
        for home in homes(count):
            for flux, (_, channel, unit) in FLUXES.items():
                level = rng.lognormal(0, 0.4)
                used = 2e5 * np.ones(len(days)) if flux is Flux.WATER else 2e7 + 5e6 * degrees
                series = Series(
                    metering_point=PointId(f"{home}-{flux.name.lower()}"), channel_id=channel, kind=ReadingKind.INTERVAL, unit=unit
                )
                yield SeriesReadings(
                    series=series,
                    time=start,
                    duration=end - start,
                    value=(level * used * rng.lognormal(0, 0.2, len(days))).astype(np.int64),
                    quality=np.full(len(days), 2, np.int64),
                )

    async for answer in MeteringClient(metering).sender("bench").send(readings()):
        assert not answer.refused, answer.refused[:3]


async def answered(town: Town, flux: Flux, asking: Sequence[PlaceId]) -> tuple[list[float], list[float]]:
    """Return how long each answer about a month, and each history, took, in milliseconds: one household after the other."""
    clients = [ComparisonClient(await town.as_person(f"p-{home}", "comparison")) for home in asking]
    single, history = list[float](), list[float]()
    for client in clients:
        await client.mine(flux)
    for client in [*clients, *clients, *clients]:
        began = time.perf_counter()
        found = await client.mine(flux)
        single.append((time.perf_counter() - began) * 1e3)
        assert found.groups, "no group"
        assert found.year_on_year is not None, "no year before"
        began = time.perf_counter()
        await client.history(flux)
        history.append((time.perf_counter() - began) * 1e3)
    return single, history


async def _known(client: ComparisonClient, flux: Flux) -> None:
    """Wait until comparison knows of the places."""
    deadline = time.monotonic() + KNOWN_WITHIN_S
    while True:
        try:
            await client.mine(flux)
        except RemoteFailure:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(1)
        else:
            return


async def measured(count: int = 2_000) -> None:
    """Print how soon households of a town of so many homes are answered."""
    now = datetime.now(UTC)
    async with services() as town:
        settle(f"sqlite:///{town.folder / 'access.sqlite'}", count, now)
        began = time.perf_counter()
        await fill(town, count, now)
        print(f"{count:,} homes filled in {time.perf_counter() - began:.0f} s", flush=True)
        administrator = ComparisonClient(await town.as_person("administrator", "comparison"))
        month, asking = months.latest_closable(now, PARIS), homes(count)[:: count // ASKING]
        await town.at_rest()
        for flux in (*FLUXES, Flux.GAS):
            began = time.perf_counter()
            closed = await administrator.close_month(flux, month)
            print(f"{flux.name.lower()} closed in {time.perf_counter() - began:.1f} s: {closed.release_count} releases", flush=True)
        await town.at_rest()
        for flux in FLUXES:
            await _known(ComparisonClient(await town.as_person(f"p-{asking[0]}", "comparison")), flux)
            before = town.cpu_ms()
            single, history = await answered(town, flux, asking)
            spent = {name: (ms - before[name]) / (len(single) + len(history)) for name, ms in town.cpu_ms().items()}
            print(
                f"{flux.name.lower()}: CPU for each",
                ", ".join(f"{name} {ms:.1f} ms" for name, ms in spent.items()),
                f"(load {os.getloadavg()[0]:.1f})",
            )
            for name, took in (("a household's answer (p50 ≤ 10)", single), ("its history", history)):
                p10, p50, p95 = (sorted(took)[len(took) * percent // 100] for percent in (10, 50, 95))
                print(f"  {name}: p10 {p10:.1f}, p50 {p50:.1f}, p95 {p95:.1f} ms, {len(took)} asked", flush=True)


if __name__ == "__main__":
    asyncio.run(measured())
