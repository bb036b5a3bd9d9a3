"""`multiflux import` as people run it, into real services."""

import csv
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from installation import Installation

from multiflux_client.places import Identifier, Position
from multiflux_client.points import Channel, MeteringPoint, PointPlace
from multiflux_client.registry import RegistryClient
from multiflux_client.weather import WeatherClient, WeatherStation
from vocabulary.civil import Granularity
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.interval import Interval
from vocabulary.names import WeatherStationId
from vocabulary.quality import Quality

pytestmark = pytest.mark.asyncio(loop_scope="module")

JOULES_PER_KILOWATT_HOUR = 3_600_000
WATER = """Compteur;Date;Consommation (m3)
EAU-1;2025-01-06;0,4
EAU-1;2025-01-07;0,5
EAU-1;2025-01-08;beaucoup
EAU-2;2025-01-06;1,25
EAU-2;2025-01-07;1
"""
OPTIONS = (
    "--decimal-sign=,",
    "--identifier-scheme=water-contract",
    "--identifier-column=Compteur",
    "--time-column=Date",
    "--step=day",
    "--value-column=Consommation (m3)",
    "--unit=m3",
    "--flux=water",
    "--quantity=volume",
)
PREAMBLE = "Identifiant PRM;Type de donnees;Date de debut;Date de fin;Grandeur physique;Grandeur metier;Etape metier;Unite;Pas en minutes"
CURVE = "11111111111111;Courbe de charge;06/01/2025;08/01/2025;Energie active;Consommation;Comptage Brut;W;"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def installation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """One for all tests here: each has a site and identifiers of its own."""
    async with Installation.running(tmp_path_factory.mktemp("installation")) as running:
        yield running


def load_curve(day: int, watts: int) -> str:
    """Return a day of half-hours in winter, whose stamps are ends."""
    stamps = [f"2025-01-{day:02}T{half // 2:02}:{half % 2 * 30:02}:00+01:00" for half in range(1, 48)]
    return "".join(f"{stamp};{watts}\n" for stamp in (*stamps, f"2025-01-{day + 1:02}T00:00:00+01:00"))


async def point_of(installation: Installation, scheme: str, value: str) -> MeteringPoint:
    async with installation.connection() as connection:
        (point,) = [p async for p in RegistryClient(connection).metering_points(identifier=Identifier(scheme=scheme, value=value))]
    return point


async def test_a_delimited_file_becomes_consumption_once_however_often_it_is_imported(installation: Installation) -> None:
    file = installation.file("eau.csv", WATER)
    site = await installation.new_site()
    code, said, errors = await installation.run("import", "csv", file, *OPTIONS, "--save", "eau", "--create-at", f"places/{site}")
    assert code == 3, errors
    *refused, imported = said
    assert [(one["row"], one["reason"]) for one in refused] == [(4, "NOT_A_NUMBER")]
    assert (imported["stored"], imported["duplicates"], imported["refused"], imported["created_points"]) == (4, 0, 1, 2)
    series = await installation.consumption(site, Flux.WATER, "2025-01-06T00:00:00+01:00", "2025-01-08T00:00:00+01:00", Granularity.DAY)
    assert series.amounts.tolist() == [1_650_000, 1_500_000]
    code, said, _ = await installation.run("import", "csv", file, "--mapping", "eau")
    assert (code, said[-1]["stored"], said[-1]["duplicates"], said[-1]["created_points"]) == (3, 0, 4, 0)
    assert (await installation.run("import", "mappings"))[1][0]["mapping"] == "eau"


async def test_unknown_identifiers_are_counted_and_named_in_the_file_of_refusals_alone(installation: Installation) -> None:
    file, refused = installation.file("inconnu.csv", WATER.replace("EAU", "AUTRE")), installation.folder / "refused.csv"
    code, said, errors = await installation.run("import", "csv", file, *OPTIONS, "--refused", str(refused))
    assert (code, said[-1]["stored"], said[-1]["unknown_identifiers"], said[-1]["refused"]) == (3, 0, 2, 5)
    assert "AUTRE-" not in str(said) + errors
    with refused.open(newline="", encoding="utf-8") as rows:
        found = [(row["row"], row["reason"], row["readings"], row["excerpt"]) for row in csv.DictReader(rows)]
    assert ("2", "UNKNOWN_IDENTIFIER", "2", "water-contract:AUTRE-1") in found
    assert ("5", "UNKNOWN_IDENTIFIER", "2", "water-contract:AUTRE-2") in found
    assert refused.stat().st_mode & 0o077 == 0


async def test_a_load_curve_of_enedis_gives_the_energy_of_its_powers(installation: Installation) -> None:
    file = installation.file("courbe.csv", f"{PREAMBLE}\n{CURVE}\n\nHorodate;Valeur\n" + load_curve(6, 1_200) + load_curve(7, 600))
    site = await installation.new_site()
    code, said, errors = await installation.run("import", "enedis", file, "--create-at", site)
    assert (code, said[-1]["stored"]) == (0, 96), errors
    series = await installation.consumption(
        site, Flux.ELECTRICITY, "2025-01-06T00:00:00+01:00", "2025-01-08T00:00:00+01:00", Granularity.DAY
    )
    assert series.amounts.tolist() == [28.8 * JOULES_PER_KILOWATT_HOUR, 14.4 * JOULES_PER_KILOWATT_HOUR]
    assert set(series.qualities.tolist()) == {int(Quality.MEASURED)}
    assert [c.channel_id for c in (await point_of(installation, "prm", "11111111111111")).channels] == ["import"]
    code, said, _ = await installation.run("import", "enedis", file)
    assert (code, said[-1]["stored"], said[-1]["duplicates"]) == (0, 0, 96)


async def test_a_point_without_the_channel_is_a_problem_until_channels_may_be_added(installation: Installation) -> None:
    point = MeteringPoint(
        flux=Flux.ELECTRICITY,
        identifiers=(Identifier(scheme="prm", value="22222222222222"),),
        places=(PointPlace(place=await installation.new_site()),),
        channels=(Channel(channel_id="injection", quantity=Quantity.ENERGY, direction=Direction.INJECTION),),
    )
    async with installation.connection() as connection:
        await RegistryClient(connection).create_metering_point(point)
    file = installation.file("courbe.csv", f"{PREAMBLE}\n{CURVE.replace('1' * 14, '2' * 14)}\n\nHorodate;Valeur\n" + load_curve(6, 1_200))
    code, said, _ = await installation.run("import", "enedis", file)
    assert (code, said[0]["reason"], said[0]["readings"], said[-1]["stored"]) == (3, "CHANNEL_MISSING", 48, 0)
    code, said, _ = await installation.run("import", "enedis", file, "--add-channels")
    assert (code, said[-1]["stored"], said[-1]["added_channels"]) == (0, 48, 1)
    assert [c.channel_id for c in (await point_of(installation, "prm", "22222222222222")).channels] == ["injection", "import"]


async def test_what_the_service_refuses_is_told_with_its_row(installation: Installation) -> None:
    file = installation.file("eau.csv", WATER.replace("2025-01-07;1\n", "2098-01-07;1\n").replace("EAU", "DEMAIN"))
    code, said, _ = await installation.run("import", "csv", file, *OPTIONS, "--create-at", await installation.new_site())
    assert code == 3
    assert {(one["row"], one["reason"]) for one in said[:-1]} == {(4, "NOT_A_NUMBER"), (6, "IN_THE_FUTURE")}
    assert (said[-1]["stored"], said[-1]["refused"]) == (3, 2)


async def test_a_file_of_another_kind_is_refused_whole(installation: Installation) -> None:
    file = installation.file("eau.csv", WATER)
    for kind in ("enedis", "grdf"):
        code, said, errors = await installation.run("import", kind, file)
        assert (code, said) == (1, [])
        assert "NOT_THIS_FORMAT" in errors


async def test_files_of_the_customer_space_are_taken_whole_and_once(installation: Installation, shared_files: Path) -> None:
    files = sorted((shared_files / "formats" / "enedis-portal-csv").glob("*.csv"))
    assert files
    for file in files:
        code, first, errors = await installation.run("import", "enedis", str(file), "--create-at", await installation.new_site())
        assert code in (0, 3), errors
        code, second, errors = await installation.run("import", "enedis", str(file))
        assert code in (0, 3), errors
        assert first[-1]["stored"] > 0
        assert first[-1]["stored"] + first[-1]["duplicates"] + first[-1]["refused"] == first[-1]["readings"] + len(first[:-1])
        assert (second[-1]["stored"], second[-1]["duplicates"]) == (0, first[-1]["stored"] + first[-1]["duplicates"])


async def test_temperatures_of_a_file_are_those_of_the_station(installation: Installation) -> None:
    lines = ["start,temperature_celsius", *(f"2025-01-06T{hour:02}:00:00+01:00,{hour - 5}" for hour in range(24)), "2025-01-07T00:00:00,1"]
    file = installation.file("weather.csv", "\n".join(lines) + "\n")
    async with installation.connection() as connection:
        weather = WeatherClient(connection)
        position = Position(latitude_degrees=48, longitude_degrees=2)
        station = WeatherStation(id=WeatherStationId("airport"), display_name="Airport", position=position, altitude_metres=80)
        await weather.put_station(station)
        code, said, errors = await installation.run("import", "weather", file, "--station", "airport")
        assert code == 3, errors
        refused, imported = said
        assert (refused["line"], refused["reason"]) == (26, "OFFSET_MISSING")
        assert (imported["hours"], imported["new_or_changed"], imported["refused"]) == (24, 24, 1)
        start = datetime(2025, 1, 5, 23, tzinfo=UTC)
        known = await weather.weather("weatherStations/airport", Interval(start=start, end=start + timedelta(days=1)))
        assert known.centidegrees.tolist() == [100 * (hour - 5) for hour in range(24)]
    code, said, _ = await installation.run("import", "weather", file, "--station", "airport")
    assert (code, said[-1]["new_or_changed"]) == (3, 0)
    code, _, errors = await installation.run("import", "weather", file, "--station", "nowhere")
    assert (code, errors != "") == (1, True)
