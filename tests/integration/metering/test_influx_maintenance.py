"""`multiflux migrate`, and what verification says of an installation whose readings are in InfluxDB."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from influxd import Influxd, program
from metering_stores import MARCH, TOWN, Maintain, fill

from metering.adapters.influx_store.server import InfluxServer
from metering.app import series_store
from metering.settings import MeteringSettings

pytestmark = pytest.mark.server


@pytest.fixture
def influxd() -> Iterator[Influxd]:
    with Influxd(program()) as server:
        yield server


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, influxd: Influxd) -> Path:
    """A data directory with a hundred readings in chunks, and settings that name InfluxDB."""
    folder = tmp_path / "var"
    token = tmp_path / "token"
    token.write_text(influxd.token + "\n")
    monkeypatch.setenv("MULTIFLUX_DATA_DIRECTORY", str(folder))
    monkeypatch.setenv("MULTIFLUX_METERING_INFLUX_URL", influxd.url)
    monkeypatch.setenv("MULTIFLUX_METERING_INFLUX_TOKEN_FILE", str(token))
    fill(folder)
    return folder


@pytest.mark.usefixtures("data")
def test_the_command_moves_an_installation_and_says_how_far_it_is() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "console", "migrate", "--json"], capture_output=True, text=True, env=os.environ, check=True
    )
    first, *_, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert (first["event"], first["chunks"], first["of_chunks"]) == ("migrating", 0, 1)
    assert (last["event"], last["filed_readings"], last["influx_readings"], last["faults"]) == ("migrated", 100, 100, [])
    store = series_store(MeteringSettings())
    assert store.latest().value.tolist() == [1_000 + 99 * 99]
    store.close()


@pytest.mark.usefixtures("data")
def test_verification_counts_journal_and_influxdb_and_names_what_is_missing(asked: Maintain, influxd: Influxd) -> None:
    assert asked("migrate")[0] == 0
    code, (_, series), _ = asked("verify")
    assert code == 0
    assert (series["chunks"], series["filed_readings"], series["influx_readings"], series["waiting_readings"]) == (0, 100, 100, 0)
    server = InfluxServer(influxd.address("multiflux-"))
    # One reading that is another than was filed: as many as before, and not the same.
    server.write(TOWN, f"reading,meter=a,channel=import,kind=interval value=7i {MARCH}".encode())
    code, (_, series), _ = asked("verify")
    assert (code, series["faults"]) == (1, ["the readings of series 0 in 2026-03 in InfluxDB are not those that were filed"])
    server.erase(TOWN, MARCH, MARCH + 3_600, 'meter="a"')
    server.close()
    assert asked("verify")[1][1]["faults"] == ["InfluxDB holds 99 readings of series 0 in 2026-03, not 100"]


@pytest.mark.usefixtures("data")
def test_an_installation_that_moved_is_not_said_to_be_sound_while_influxdb_is_away(asked: Maintain, influxd: Influxd) -> None:
    assert asked("migrate")[0] == 0
    influxd.stop()
    code, (_, series), _ = asked("verify")
    assert code == 1
    assert "does not answer" in series["faults"][0]


@pytest.mark.usefixtures("data")
def test_moving_needs_influxdb(asked: Maintain, influxd: Influxd, monkeypatch: pytest.MonkeyPatch) -> None:
    influxd.stop()
    assert asked("migrate")[::2] == (1, "READINGS_AWAY")
    monkeypatch.delenv("MULTIFLUX_METERING_INFLUX_TOKEN_FILE")
    assert asked("migrate")[::2] == (1, "SETTINGS_INVALID")
