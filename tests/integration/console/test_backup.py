"""`multiflux backup`, `restore` and `verify` of real services."""

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest
from installation import Installation

from metering.adapters.series_store.chunk import month_name
from metering.adapters.series_store.store import EmbeddedSeriesStore
from vocabulary.civil import Granularity
from vocabulary.flux import Flux
from vocabulary.names import PlaceId

OPTIONS = (
    "--identifier-scheme=water-contract",
    "--identifier-column=1",
    "--time-column=Date",
    "--step=day",
    "--value-column=Litres",
    "--unit=l",
    "--flux=water",
    "--quantity=volume",
)


async def amounts(installation: Installation, site: PlaceId) -> list[int]:
    series = await installation.consumption(site, Flux.WATER, "2025-01-01T00:00:00+01:00", "2025-03-01T00:00:00+01:00", Granularity.MONTH)
    return series.amounts.tolist()


def flip_a_byte(store: Path) -> int:
    """Change one byte inside the body of a chunk, as a bad disk does; return the chunk's number."""
    with closing(sqlite3.connect(store)) as connection:
        key, body = connection.execute("SELECT id, body FROM chunk LIMIT 1").fetchone()
        changed = bytearray(body)
        changed[len(changed) // 2] ^= 1
        connection.execute("UPDATE chunk SET body = ? WHERE id = ?", (bytes(changed), key))
        connection.commit()
    return key


def file_everything(path: Path) -> None:
    """Move readings from the journal to chunks, which takes the service minutes of idleness."""
    store = EmbeddedSeriesStore(path)
    assert store.file_everything(timeout_s=60)
    store.close()


# Some thirty processes start one after the other.
@pytest.mark.timeout(900)
async def test_what_was_backed_up_while_it_ran_is_there_again_after_all_was_lost(tmp_path: Path) -> None:
    async with Installation.running(tmp_path) as installation:
        rows = "".join(f"EAU-1;{date(2025, 1, 1) + timedelta(days=day)};{100 + day}\n" for day in range(59))
        site = await installation.new_site()
        file = installation.file("eau.csv", "Compteur;Date;Litres\n" + rows)
        code, _, errors = await installation.run("import", "csv", file, *OPTIONS, "--create-at", site)
        assert code == 0, errors
        before = await amounts(installation, site)
        assert before == [sum(range(100, 131)) * 1_000, sum(range(131, 159)) * 1_000]

        copy = tmp_path / "copy"
        code, said, errors = await installation.run("backup", str(copy))
        assert code == 0, errors
        assert {"access.sqlite", "metering.sqlite", "series.sqlite", "secrets/metering"} <= {one.get("file") for one in said}
        assert copy.stat().st_mode & 0o077 == 0
        assert (await installation.run("verify"))[0] == 0

        code, _, errors = await installation.run("restore", str(copy), "--force")
        assert (code, json.loads(errors)["error"]["reason"]) == (1, "SERVICES_RUNNING")
        await installation.stop()
        code, _, errors = await installation.run("restore", str(copy))
        assert (code, json.loads(errors)["error"]["reason"]) == (1, "FOLDER_NOT_EMPTY")

        shutil.rmtree(installation.data)
        code, _, errors = await installation.run("restore", str(copy))
        assert code == 0, errors
        await installation.start()
        await installation.sign_in()
        assert await amounts(installation, site) == before
        code, said, _ = await installation.run("import", "csv", file, *OPTIONS)
        assert (code, said[-1]["stored"], said[-1]["duplicates"]) == (0, 0, 59)

        await installation.stop()
        file_everything(installation.data / "series.sqlite")
        assert (await installation.run("verify"))[0] == 0
        damaged = flip_a_byte(installation.data / "series.sqlite")
        code, said, _ = await installation.run("verify")
        (fault,) = next(one["faults"] for one in said if one["file"] == "series.sqlite")
        assert code == 1
        assert month_name(damaged) in fault
        assert [one["file"] for one in said if one["faults"]] == ["series.sqlite"]

        data = bytearray((copy / "metering.sqlite").read_bytes())
        data[len(data) // 2] ^= 1
        (copy / "metering.sqlite").write_bytes(data)
        code, _, errors = await installation.run("restore", str(copy), "--force")
        assert (code, json.loads(errors)["error"]["reason"]) == (1, "BACKUP_DAMAGED")
        assert "metering.sqlite" in errors
