"""The installation of compose.yaml: brought up whole, used, struck one container at a time, and found as it was."""

import asyncio
import re
import ssl
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import numpy as np
import pytest
from compose_stack import DEMO, Stack, configuration, stack, until

from multiflux_client.access import AccessClient
from multiflux_client.failures import RemoteFailure
from multiflux_client.metering import MeteringClient
from multiflux_client.places import Dwelling, DwellingType, Place, PlaceParent, Territory
from multiflux_client.points import Channel, MeteringPoint, PointPlace
from multiflux_client.readings import ReadingKind, ReadingSender, Series, SeriesReadings
from multiflux_client.registry import RegistryClient
from vocabulary.civil import Granularity
from vocabulary.flux import Direction, Flux, Quantity, base_unit
from vocabulary.interval import Interval
from vocabulary.names import PlaceId, PointId, TerritoryId
from vocabulary.place import PlaceLevel
from vocabulary.quality import Quality

pytestmark = [pytest.mark.server, pytest.mark.timeout(1800)]

SERVICES = ("access", "metering", "forecast", "lighting", "comparison", "dashboard")
STEP_S = 600
DAY_READINGS = 144
KWH = 3_600_000
HOURLY_KWH = 0.5


@pytest.fixture(scope="module")
def town() -> Iterator[Stack]:
    with stack() as running:
        asyncio.run(build_town(running))
        yield running


async def build_town(running: Stack) -> None:
    """Make a territory with one home, whose electricity was measured for forty days, and have its household move in."""
    async with running.connection("metering", "platform-operator", TerritoryId("platform")) as connection:
        made = await RegistryClient(connection).create_territory(Territory(display_name="Small town", simulated=True), DEMO)
    assert made.root_place is not None
    async with running.connection("metering") as connection:
        registry, metering = RegistryClient(connection), MeteringClient(connection)
        dwelling = Dwelling(type=DwellingType.FLAT, area_square_metres=60)
        premise = Place(level=PlaceLevel.PREMISE, parents=(PlaceParent(parent=made.root_place),), dwelling=dwelling)
        await registry.create_place(premise, place_id="home")
        await create_point(registry, "meter", PlaceId("home"))
        last = int(datetime.now(UTC).replace(minute=0, second=0, microsecond=0).timestamp())
        time = np.arange(last - 40 * 86_400, last, 3_600, dtype=np.int64)
        value = np.full(len(time), int(HOURLY_KWH * KWH), dtype=np.int64)
        async for answer in metering.sender("home").send([readings("meter", time, value, 3_600)]):
            assert answer.stored == answer.readings
    async with running.connection("access") as connection:
        since = datetime.now(UTC) - timedelta(days=35)
        code = await patiently(lambda: AccessClient(connection).issue_occupancy_code(PlaceId("home"), since))
    with signed_in(running) as browser:
        token = re.search(r'name="form_token" value="([^"]+)"', browser.get("/en/home").text)
        assert token is not None
        moved = browser.post("/en/home", data={"form_token": token[1], "code": code.code})
        assert moved.status_code == 303, moved.text


async def create_point(registry: RegistryClient, name: str, place: PlaceId) -> None:
    channel = Channel(channel_id="energy", quantity=Quantity.ENERGY, direction=Direction.IMPORT)
    point = MeteringPoint(flux=Flux.ELECTRICITY, places=(PointPlace(place=place),), channels=(channel,))
    await registry.create_metering_point(point, point_id=name)


def readings(point: str, time: Any, value: Any, step_s: int) -> SeriesReadings:
    series = Series(metering_point=PointId(point), channel_id="energy", kind=ReadingKind.INTERVAL, unit=base_unit(Quantity.ENERGY))
    same = np.ones(len(time), dtype=np.int64)
    return SeriesReadings(series=series, time=time, duration=same * step_s, value=value, quality=same * Quality.MEASURED.value)


async def patiently(call: Any, within_s: float = 60.0) -> Any:
    """Call until the service has heard of what is asked about, or is back."""
    ends = asyncio.get_running_loop().time() + within_s
    while True:
        try:
            return await call()
        except RemoteFailure:
            if asyncio.get_running_loop().time() > ends:
                raise
            await asyncio.sleep(1)


@contextmanager
def signed_in(running: Stack) -> Generator[httpx.Client]:
    """Yield a browser in which the household is signed in; it trusts the installation's authority alone."""
    trusting = ssl.create_default_context(cafile=running.authority)
    with httpx.Client(base_url=running.pages, verify=trusting, timeout=30) as browser:
        entered = browser.post("/en/sign-in", data={"person": "household"})
        assert entered.status_code == 303, entered.text
        yield browser


def home_page(running: Stack) -> str:
    """Return what the household's own page says."""
    with signed_in(running) as browser:
        page = browser.get("/en/", follow_redirects=True)
    assert page.status_code == 200, page.text
    assert page.url.path == "/en/places/home"
    return re.sub(r"<[^>]*>", "", page.text)


def shows_numbers(running: Stack) -> bool:
    try:
        return f"{24 * HOURLY_KWH:g} kWh, measured" in home_page(running)
    except (AssertionError, httpx.HTTPError):
        return False


class Stream:
    """Readings that go on and on, and the sum of those that were acknowledged."""

    start = datetime(2024, 1, 1, tzinfo=UTC)

    def __init__(self, running: Stack, point: str) -> None:
        self._running = running
        self._point = point
        self._days = 0
        self.acknowledged = 0
        self.sum = 0
        self.stop = asyncio.Event()

    async def run(self) -> None:
        """Send day after day until told to stop, whatever becomes of the services meanwhile."""
        async with self._running.connection("metering") as connection:
            await create_point(RegistryClient(connection), self._point, PlaceId("home"))
            sender = MeteringClient(connection).sender(self._point)
            while not self.stop.is_set():
                await patiently(partial(self._send, sender, self._day()), within_s=300)
                await asyncio.sleep(0.1)

    async def _send(self, sender: ReadingSender, day: SeriesReadings) -> None:
        """Send a day, and count it when all of it is acknowledged; one that is sent again is there once."""
        async for answer in sender.send([day]):
            assert (answer.stored + answer.duplicates, answer.refused) == (answer.readings, ())
        self.acknowledged += len(day)
        self.sum += int(day.value.sum())

    def _day(self) -> SeriesReadings:
        first = int(self.start.timestamp()) + self._days * 86_400
        time = np.arange(first, first + 86_400, STEP_S, dtype=np.int64)
        value = 100_000 + (time // STEP_S) % 997
        self._days += 1
        return readings(self._point, time, value, STEP_S)

    async def stored(self) -> tuple[int, int]:
        """Return how many readings the service has, and their sum."""
        during = Interval(start=self.start, end=self.start + timedelta(days=self._days))
        async with self._running.connection("metering") as connection:
            metering = MeteringClient(connection)
            found = await metering.consumption(f"meters/{self._point}", Flux.ELECTRICITY, during, Granularity.HOUR)
        assert set(found.coverage_percents.tolist()) == {100}
        return len(found.amounts) * 3_600 // STEP_S, int(found.amounts.sum())


async def acknowledged_days(stream: Stream, more: int) -> None:
    """Wait until so many more days have been acknowledged."""
    target = stream.acknowledged + more * DAY_READINGS
    async with asyncio.timeout(300):
        while stream.acknowledged < target:  # noqa: ASYNC110  # any day may be the one
            await asyncio.sleep(0.1)


def test_only_the_pages_are_published() -> None:
    services = configuration()["services"]
    assert [name for name, service in services.items() if service.get("ports")] == ["dashboard"]
    assert services["dashboard"]["ports"][0]["host_ip"] == "127.0.0.1"


def test_every_container_is_held_to_what_it_needs() -> None:
    for name, service in configuration()["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        if name == "keys":
            continue
        limits = service["deploy"]["resources"]["limits"]
        assert limits["memory"] and limits["cpus"] and limits["pids"], name
        assert service["stop_grace_period"], name
        if name not in ("console", "town", "upkeep"):
            assert service["healthcheck"]["test"], name
            assert service["restart"] == "unless-stopped", name


def test_each_container_mounts_its_own_keys_alone() -> None:
    for name, service in configuration()["services"].items():
        keys = [volume["source"] for volume in service.get("volumes", []) if volume["source"].startswith("keys-")]
        if name not in ("keys", "upkeep"):
            # A worker is its service, in another process.
            assert keys == ["keys-console" if name == "town" else f"keys-{name.removesuffix('-worker')}"], name
            assert all(volume.get("read_only") for volume in service["volumes"] if volume["source"].startswith("keys-")), name


def test_nothing_secret_is_in_the_environment() -> None:
    for name, service in configuration()["services"].items():
        for variable, value in (service.get("environment") or {}).items():
            assert not re.search("PASSWORD|SECRET|TOKEN", variable) or (value or "").startswith("/run/multiflux/"), f"{name}: {variable}"


@pytest.mark.parametrize("service", SERVICES)
def test_services_run_as_nobody_on_a_file_system_that_is_read_only(town: Stack, service: str) -> None:
    assert town.run(service, "id", "-u") == (0, "10001\n")
    assert town.container(service).attrs["HostConfig"]["ReadonlyRootfs"]
    assert town.run(service, "touch", "/opt/multiflux/changed")[0] != 0
    assert town.run(service, "touch", "/etc/changed")[0] != 0


def test_other_containers_keys_cannot_be_seen(town: Stack) -> None:
    seen = set(town.run("dashboard", "ls", "/run/multiflux")[1].split())
    assert seen == {"authority.pem", "certificate.pem", "key.pem", "service-secret"}


@pytest.mark.parametrize(("service", "port"), [("postgres", 5432), ("access", 7301), ("metering", 7302)])
def test_what_is_said_between_containers_is_encrypted(town: Stack, service: str, port: int) -> None:
    """A connection with the installation's authority is accepted; one that speaks in the clear gets no answer to read."""
    tls = "import ssl,socket,sys;c=ssl.create_default_context(cafile='/run/multiflux/authority.pem');"
    if service == "postgres":
        refused = (
            "import pg8000.native as p;"
            f"p.Connection('access',host='{service}',database='access',password=open('/run/multiflux/database-password').read(),ssl_context=False)"
        )
        code, said = town.run("access", "python", "-c", refused)
        assert code != 0
        assert "no encryption" in said
    else:
        good = f"{tls}s=c.wrap_socket(socket.create_connection(('{service}',{port})),server_hostname='{service}');print(s.version())"
        assert town.run("dashboard", "python", "-c", good) == (0, "TLSv1.3\n")
        stranger = "import ssl,socket;c=ssl.create_default_context();" + good.removeprefix(tls)
        assert town.run("dashboard", "python", "-c", stranger)[0] != 0


def test_a_household_signs_in_and_sees_its_home_in_numbers(town: Stack) -> None:
    # The first pages of a machine that has just started everything may come late.
    until(lambda: shows_numbers(town), "the household's page shows its numbers")
    assert "kWh of electricity" in home_page(town)


@pytest.mark.parametrize("service", [*SERVICES, "forecast-worker", "comparison-worker", "postgres", "rabbitmq", "mosquitto"])
async def test_a_container_that_is_killed_comes_back_and_nothing_acknowledged_is_lost(town: Stack, service: str) -> None:
    stream = Stream(town, f"while-{service}")
    sending = asyncio.create_task(stream.run())
    await acknowledged_days(stream, 5)
    restarts = await asyncio.to_thread(town.kill, service)
    await asyncio.to_thread(until, lambda: town.is_back(service, restarts), f"{service} is healthy again")
    await acknowledged_days(stream, 5)
    stream.stop.set()
    await sending
    assert await stream.stored() == (stream.acknowledged, stream.sum)
    await asyncio.to_thread(until, lambda: shows_numbers(town), "the household's page shows its numbers")


async def test_an_installation_that_was_lost_is_there_again_from_its_backup(town: Stack) -> None:
    stream = Stream(town, "backed-up")
    sending = asyncio.create_task(stream.run())
    await acknowledged_days(stream, 3)
    stream.stop.set()
    await sending
    folder = "/var/backups/multiflux/whole"
    await asyncio.to_thread(town.compose, "run", "--rm", "upkeep", "backup", folder)
    refused = await asyncio.to_thread(town.compose, "run", "--rm", "upkeep", "restore", folder, "--force", quiet=False)
    assert "restored" not in refused
    await asyncio.to_thread(town.lose, "access", "metering", "postgres")
    await asyncio.to_thread(town.compose, "up", "--detach", "--wait", "postgres")
    assert "restored" in await asyncio.to_thread(town.compose, "run", "--rm", "upkeep", "restore", folder)
    await asyncio.to_thread(town.up)
    assert await stream.stored() == (stream.acknowledged, stream.sum)
    await asyncio.to_thread(until, lambda: shows_numbers(town), "the household's page shows its numbers")


async def test_a_container_that_is_stopped_ends_in_its_grace_period(town: Stack) -> None:
    container = town.container("metering")
    await asyncio.to_thread(container.stop)
    container.reload()
    assert container.attrs["State"]["ExitCode"] == 0
    await asyncio.to_thread(town.up)
    await asyncio.to_thread(until, lambda: shows_numbers(town), "the household's page shows its numbers")
