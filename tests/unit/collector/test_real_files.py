"""Real meter files give what an independent computation gives, and every trap in them ends somewhere counted."""

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as untyped  # noqa: ICN001 — its usual name is the untyped alias below
import pytest

from collector.domain.delimited import parse_delimited
from collector.domain.enedis_portal import parse_enedis_portal
from collector.domain.enedis_r151 import parse_r151
from collector.domain.enedis_sge import parse_sge_json
from collector.domain.grdf import parse_grdf_json
from collector.domain.grdf_workbook import parse_grdf_workbook
from collector.domain.mapping import Mapping, mapping_of
from collector.domain.parsed import Counts, NotThisFormat, ParsedBlock, ReadingKind
from collector.domain.sniffing import sniff
from vocabulary.flux import Direction
from vocabulary.quality import Quality

# pandas types its frames too loosely for the checker: here they are any.
pd: Any = untyped

PARIS = ZoneInfo("Europe/Paris")


@pytest.fixture
def real(shared_files: Path) -> "Files":
    return Files(shared_files)


class Files:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, name: str) -> Path:
        path = self._folder / name
        if not path.exists():
            pytest.skip(f"{name} is not in {self._folder}")
        return path


def pieces(body: bytes, size: int = 1 << 18) -> Iterator[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))


def table(blocks: Iterable[ParsedBlock]) -> tuple[Any, Counts]:
    """All readings as one data frame, and the counts."""
    frames: list[Any] = []
    counts = Counts()
    for block in blocks:
        counts += block.counts
        assert block.counts.readings == len(block.readings)
        assert block.counts.gaps == len(block.gaps)
        for series, own in block.readings.by_series():
            frames.append(
                pd.DataFrame(
                    {
                        "identifier": series.identifier.value,
                        "kind": series.kind,
                        "slot": series.channel.tariff_slot,
                        "set": series.channel.register_set,
                        "direction": series.channel.direction,
                        "quantity": series.channel.quantity.name,
                        "time": pd.to_datetime(own.time, unit="s", utc=True),
                        "duration": own.duration,
                        "value": own.value,
                        "quality": own.quality,
                        "row": own.row,
                    }
                )
            )
    return (pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()), counts


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def water_mapping() -> Mapping:
    return mapping_of(
        identifier_scheme="water-contract",
        identifier_column="user.key",
        time={"columns": ["datetime"], "formats": ["%d/%m/%Y %H:%M:%S"], "zone": "Europe/Madrid"},
        values=[{"column": "meter.reading", "unit": "l", "flux": "water", "quantity": "volume", "measures": "register"}],
    )


@cache
def water(path: Path) -> tuple[Any, Counts]:
    return table(parse_delimited(pieces(gzip.decompress(path.read_bytes())), water_mapping()))


def test_household_water_indices_give_the_monthly_totals_of_pandas(real: Files) -> None:
    path = real("data/daiad-water/readings.csv.gz")
    readings, counts = water(path)
    readings = readings.copy()
    expected = pd.read_csv(path, sep=";")
    expected["local"] = pd.to_datetime(expected["datetime"], format="%d/%m/%Y %H:%M:%S")
    expected["month"] = expected["local"].dt.strftime("%Y-%m")
    readings["month"] = readings["time"].dt.tz_convert("Europe/Madrid").dt.strftime("%Y-%m")
    assert counts == Counts(rows=len(expected), readings=len(expected))
    by_month = readings.sort_values(["identifier", "time"]).groupby(["identifier", "month"])["value"]
    expected_by_month = expected.groupby(["user.key", "month"])["meter.reading"]
    used = (by_month.last() - by_month.first()).sort_index()
    expected_used = (expected_by_month.last() - expected_by_month.first()).sort_index()
    assert len(used) > 100
    assert used.index.tolist() == expected_used.index.tolist()
    assert used.tolist() == (expected_used * 1000).round().astype("int64").tolist()
    assert (by_month.sum().tolist()) == (expected_by_month.sum() * 1000).round().astype("int64").tolist()


def test_jittered_stamps_keep_their_minutes_and_the_repeated_hour_lies_an_hour_apart(real: Files) -> None:
    path = real("data/daiad-water/readings.csv.gz")
    readings, _ = water(path)
    raw = pd.read_csv(path, sep=";")
    local = pd.to_datetime(raw["datetime"], format="%d/%m/%Y %H:%M:%S")
    assert (readings.sort_values("row")["time"].dt.tz_convert("Europe/Madrid").dt.tz_localize(None).to_numpy() == local.to_numpy()).all()
    night = readings[(readings["time"] >= "2016-10-30T00:00Z") & (readings["time"] < "2016-10-30T02:00Z")].sort_values("row")
    by_meter = night.groupby("identifier")["time"]
    pairs = by_meter.last()[by_meter.size() == 2] - by_meter.first()[by_meter.size() == 2]
    assert len(pairs) > 20
    assert ((pairs.dt.total_seconds() - 3600).abs() < 300).all()


def test_the_order_of_rows_tells_the_first_02_00_from_the_second(real: Files) -> None:
    path = real("data/daiad-water/readings.csv.gz")
    readings, _ = water(path)
    first = readings[(readings["time"] >= "2016-10-30T00:00Z") & (readings["time"] < "2016-10-30T01:00Z")]
    second = readings[(readings["time"] >= "2016-10-30T01:00Z") & (readings["time"] < "2016-10-30T02:00Z")]
    both = set(first["identifier"]) & set(second["identifier"])
    assert len(both) > 10
    for name in both:
        assert first.loc[first["identifier"] == name, "row"].max() < second.loc[second["identifier"] == name, "row"].min()


def energy_mapping(layout: str, flux: str) -> Mapping:
    value = {"unit": "kWh", "flux": flux, "quantity": "energy", "measures": "interval"}
    time = {"columns": ["datetime_utc"], "zone": "UTC", "step": 3600}
    if layout == "wide":
        return mapping_of(delimiter=",", identifier_scheme="building", identifiers_in_header=True, time=time, values=[value])
    return mapping_of(
        delimiter=",", identifier_scheme="building", identifier_column="building", time=time, values=[{**value, "column": "kwh"}]
    )


@pytest.mark.parametrize("layout", ["long", "wide"])
@pytest.mark.parametrize("flux", ["electricity", "gas"])
def test_building_energy_gives_the_monthly_totals_of_pandas(real: Files, tmp_path: Path, layout: str, flux: str) -> None:
    frame = pd.read_parquet(real(f"data/cambridge-estates/{flux}_hourly_kwh.parquet")).iloc[: 24 * 120, :12]
    path = tmp_path / "export.csv"
    if layout == "wide":
        frame.to_csv(path)
    else:
        long = frame.reset_index().melt("datetime_utc", var_name="building", value_name="kwh")
        long.to_csv(path, index=False)
    with path.open("rb") as file:
        readings, counts = table(parse_delimited(iter(lambda: file.read(1 << 16), b""), energy_mapping(layout, flux)))
    assert counts.readings == int(frame.notna().to_numpy().sum())
    assert counts.gaps == int(frame.isna().to_numpy().sum())
    assert (counts.problems, counts.duplicates) == (0, 0)
    totals = readings.groupby(["identifier", readings["time"].dt.strftime("%Y-%m")])["value"].sum()
    joules = (frame * 3_600_000).round().groupby(frame.index.strftime("%Y-%m")).sum(min_count=1)
    expected = {(building, month): int(total) for building in joules for month, total in joules[building].dropna().items()}
    assert totals.to_dict() == expected


def test_zeros_that_mean_missing_end_as_gaps(real: Files, tmp_path: Path) -> None:
    frame = pd.read_parquet(real("data/cambridge-estates/electricity_hourly_kwh.parquet")).iloc[: 24 * 365, :20]
    frame.to_csv(tmp_path / "export.csv")
    mapping = energy_mapping("wide", "electricity").model_copy(update={"zero_is_missing": True})
    _, counts = table(parse_delimited([(tmp_path / "export.csv").read_bytes()], mapping))
    empty = int((frame.isna() | (frame == 0)).to_numpy().sum())
    assert empty > 0
    assert counts.gaps == empty
    assert counts.readings == frame.size - empty


def test_a_load_curve_of_the_customer_space_has_its_gaps_and_its_changed_step(real: Files) -> None:
    body = real("formats/enedis-portal-csv/courbe_de_charge_2018-2020_extract.csv").read_bytes()
    assert sniff(body) == "enedis-portal"
    blocks = list(parse_enedis_portal([body]))
    readings, counts = table(blocks)
    assert counts == Counts(rows=4, readings=2, gaps=2)
    assert readings["value"].tolist() == [270 * 600, 264 * 600]
    assert readings["time"].tolist() == [pd.Timestamp("2020-08-20T21:30Z"), pd.Timestamp("2020-08-20T21:40Z")]
    assert blocks[0].gaps.duration.tolist() == [3600, 3600]
    assert blocks[0].gaps.time[0] == seconds("2018-12-06T23:00+01:00")


def test_daily_indices_of_the_customer_space_keep_their_register_sets(real: Files) -> None:
    body = real("formats/enedis-portal-csv/index_quotidien_2021_extract.csv").read_bytes()
    assert sniff(body) == "enedis-portal"
    readings, counts = table(parse_enedis_portal([body]))
    # The row of the calendar below the indices is skipped.
    assert counts == Counts(rows=2, readings=8, skipped=1)
    sets = readings.groupby("set")["value"].sum()
    assert sets["supplier"] == sets["distributor"] == sets["total"] == 28150685 * 3600
    assert readings["slot"].tolist() == ["F1", "F2", "F3", "D1", "D2", "D3", "D4", ""]
    assert set(readings["time"]) == {pd.Timestamp("2021-03-31T23:00Z")}


def test_daily_injection_covers_civil_days(real: Files) -> None:
    body = real("formats/enedis-portal-csv/injection_quotidienne_testfixture.csv").read_bytes()
    readings, _ = table(parse_enedis_portal([body]))
    assert readings["value"].tolist() == [12571 * 3600, 9800 * 3600]
    assert set(readings["direction"]) == {Direction.INJECTION}
    assert readings["time"].tolist() == [pd.Timestamp("2026-05-31T22:00Z"), pd.Timestamp("2026-06-01T22:00Z")]


def decoded(path: Path) -> Counter[tuple[str, int, int]]:
    """The expected decode as meter, UTC seconds and whole kWh of each distributor register."""
    found: Counter[tuple[str, int, int]] = Counter()
    for entry in json.loads(path.read_text()):
        for name, value in entry.items():
            if name.startswith("index_"):
                found[entry["pdl"], seconds(entry["date_releve"]), value] += 1
    return found


def distributor_kwh(readings: Any) -> Counter[tuple[str, int, int]]:
    own = readings[readings["set"] == "distributor"]
    times = [int(time.timestamp()) for time in own["time"]]
    return Counter(zip(own["identifier"], times, own["value"] // 3_600_000, strict=True))


def test_r151_indices_agree_with_the_expected_decode(real: Files) -> None:
    body = real("formats/enedis-sge/r151.xml").read_bytes()
    assert sniff(body) == "enedis-r151"
    readings, counts = table(parse_r151(pieces(body, 100)))
    assert counts == Counts(rows=5, readings=5)
    assert distributor_kwh(readings) == decoded(real("formats/enedis-sge/flux_r151.json"))
    assert readings.loc[readings["set"] == "supplier", "value"].tolist() == [23270652 * 3600]


def test_r64_indices_agree_with_the_expected_decode(real: Files) -> None:
    body = real("formats/enedis-sge/r64.json").read_bytes()
    assert sniff(body) == "enedis-sge-json"
    readings, counts = table([parse_sge_json(body)])
    assert counts == Counts(rows=13, readings=13)
    assert distributor_kwh(readings) == decoded(real("formats/enedis-sge/flux_r64.json"))
    # The total of each meter is what its distributor registers and its supplier registers add up to, cut at each register.
    for _, own in readings.groupby("identifier"):
        sums = own.groupby("set")["value"].sum()
        assert abs(sums["distributor"] - sums["total"]) <= 4 * 3600


@pytest.mark.parametrize("name", ["Enedis.SGE.JSON.0510.Flux.R63_v1.2.0.json", "Enedis.SGE.JSON.0511.Flux.R64_v1.2.1.json"])
def test_a_schema_is_not_taken_for_a_document(real: Files, name: str) -> None:
    body = real(f"formats/enedis-sge/{name}").read_bytes()
    with pytest.raises(NotThisFormat):
        parse_sge_json(body)


def test_published_gas_readings_keep_energy_index_and_coefficient(real: Files) -> None:
    body = real("formats/grdf/donnees_publiees.json").read_bytes()
    assert sniff(body) == "grdf-json"
    block = parse_grdf_json(body)
    readings, counts = table([block])
    expected = pd.DataFrame(next(iter(json.loads(body).values()))["releves"])
    energies = readings[readings["kind"] == ReadingKind.INTERVAL]
    assert energies["value"].tolist() == (expected["energieConsomme"] * 3_600_000).tolist()
    local = energies["time"].dt.tz_convert(PARIS)
    assert local.dt.strftime("%Y-%m-%dT%H:%M").tolist() == expected["dateDebutReleve"].str[:16].tolist()
    indices = readings[readings["kind"] == ReadingKind.REGISTER]
    pairs = {(row.dateFinReleve[:10], row.indexFin) for row in expected.itertuples()}
    pairs |= {(row.dateDebutReleve[:10], row.indexDebut) for row in expected.itertuples()}
    days = indices["time"].dt.tz_convert(PARIS).dt.strftime("%Y-%m-%d")
    assert set(zip(days, indices["value"] // 1_000_000, strict=True)) == pairs
    assert counts.duplicates == counts.problems == counts.gaps == 0
    assert [entry.watt_hours_per_cubic_metre for entry in block.coefficients] == (expected["coeffConversion"] * 1000).round().tolist()


def test_gas_days_without_data_are_gaps_and_not_zeros(real: Files) -> None:
    path = real("formats/grdf/Donnees_informatives_PCE_DAILY.xlsx")
    body = path.read_bytes()
    assert sniff(body) == "grdf-xlsx"
    readings, counts = table([parse_grdf_workbook(body, pce="meter")])
    expected = pd.read_excel(path, header=8).iloc[:, 1:9]
    present = expected[expected["Qualification du relevé"] == "Mesuré"]
    assert counts.gaps == len(expected) - len(present) == 3
    energies = readings[readings["kind"] == ReadingKind.INTERVAL]
    assert len(energies) == len(present)
    assert set(energies["quality"]) == {Quality.MEASURED}
    days = energies["time"].dt.tz_convert(PARIS)
    assert set(days.dt.hour) == {6}
    monthly = (energies["value"] // 3_600_000).groupby(days.dt.strftime("%m/%Y")).sum()
    assert monthly.to_dict() == present["Energie consommée (kWh)"].groupby(present["Date de relevé"].str[3:]).sum().to_dict()
    # The gas days of the clock changes last 25 and 23 hours.
    assert Counter(energies["duration"]) == {86_400: len(present) - 1, 82_800: 1} or set(energies["duration"]) == {82_800, 86_400, 90_000}


def amr_mapping(**changes: object) -> Mapping:
    flux = {"quantity": "energy", "measures": "interval", "unit_column": "Units"}
    fields: dict[str, object] = {
        "delimiter": ",",
        "identifier_scheme": "amr",
        "identifier_column": "ID",
        "time": {"columns": ["Date"], "formats": ["%b %d %Y %I:%M%p"], "zone": "Europe/London", "stamp_at": "end"},
        "values": [
            {**flux, "flux": "electricity", "where": [{"column": "Type", "equals": ["Electricity"]}]},
            {**flux, "flux": "gas", "where": [{"column": "Type", "equals": ["Gas"]}]},
        ],
        "day": {"step_s": 1800},
    }
    return mapping_of(**{**fields, **changes})


def test_council_rows_of_48_half_hours_add_up_to_their_own_total(real: Files) -> None:
    path = real("formats/uk-council-amr-csv/banes-example-file.csv")
    readings, counts = table(parse_delimited([path.read_bytes()], amr_mapping()))
    expected = pd.read_csv(path)
    assert counts == Counts(rows=len(expected), readings=48 * len(expected))
    totals = readings.groupby("identifier")["value"].sum()
    slots = [name for name in expected.columns if name.startswith("[")]
    own = expected.set_index("ID")[slots].mul(3_600_000).round().sum(axis=1)
    assert totals.sort_index().tolist() == own.astype("int64").sort_index().tolist()
    assert np.allclose(totals / 3_600_000, expected.set_index("ID")["Total Units"].loc[totals.index], atol=0.05)
    assert readings["time"].min() == pd.Timestamp(datetime(2019, 11, 13, tzinfo=UTC))


def test_council_rows_with_mixed_line_endings_and_no_header_are_all_read(real: Files) -> None:
    path = real("formats/uk-council-amr-csv/with-mixed-line-endings.csv")
    mapping = amr_mapping(
        header=False,
        identifier_column=1,
        time={"columns": [3], "formats": ["%d/%m/%y"], "zone": "Europe/London", "stamp_at": "end"},
        values=[{"unit": "kWh", "flux": "electricity", "quantity": "energy", "measures": "interval"}],
        day={"step_s": 1800, "first_column": 4},
    )
    readings, counts = table(parse_delimited([path.read_bytes()], mapping))
    expected = pd.read_csv(path, header=None).iloc[:, 3:51]
    assert counts == Counts(rows=3, readings=144)
    by_row = readings.groupby("row")["value"].sum()
    assert by_row.tolist() == [int(total) for total in expected.mul(3_600_000).round().sum(axis=1)]
    assert readings["time"].min() == pd.Timestamp("2017-03-31T23:00Z")
