"""Gas files keep energy, index and coefficient on the gas day, and know absent data from zero."""

import json
import zipfile
from datetime import datetime
from io import BytesIO

import openpyxl
import pytest

from collector.domain import grdf_workbook
from collector.domain.grdf import parse_grdf_json
from collector.domain.grdf_workbook import MissingMeter, parse_grdf_workbook
from collector.domain.parsed import BrokenDocument, Counts, NotThisFormat, ParsedBlock, ReadingKind, Reason
from vocabulary.quality import Quality


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def reading(start: str, end: str, **changes: object) -> dict[str, object]:
    found = {"dateDebutReleve": start, "dateFinReleve": end, "indexDebut": 100, "indexFin": 110, "energieConsomme": 112.5}
    return {**found, "coeffConversion": 11.07, "qualificationReleve": "Mesuré", **changes}


def parse(*readings: object) -> ParsedBlock:
    return parse_grdf_json(json.dumps({"1": {"idPce": "1", "releves": readings}}).encode())


def of_kind(block: ParsedBlock, kind: ReadingKind) -> list[tuple[int, int, int]]:
    return [
        (time, duration, value)
        for series, own in block.readings.by_series()
        if series.kind is kind
        for time, duration, value in zip(own.time.tolist(), own.duration.tolist(), own.value.tolist(), strict=True)
    ]


FIRST = ("2024-10-26T06:00:00+02:00", "2024-10-27T06:00:00+01:00")
SECOND = ("2024-10-27T06:00:00+01:00", "2024-10-28T06:00:00+01:00")


def test_energy_and_indices_are_kept_beside_each_other() -> None:
    block = parse(reading(*FIRST), reading(*SECOND, indexDebut=110, indexFin=121, energieConsomme=120))
    assert of_kind(block, ReadingKind.INTERVAL) == [(at(FIRST[0]), 90_000, 405_000_000), (at(SECOND[0]), 86_400, 432_000_000)]
    indices = of_kind(block, ReadingKind.REGISTER)
    assert sorted(indices) == [(at(FIRST[0]), 0, 100_000_000), (at(FIRST[1]), 0, 110_000_000), (at(SECOND[1]), 0, 121_000_000)]
    assert [entry.watt_hours_per_cubic_metre for entry in block.coefficients] == [11_070, 11_070]


@pytest.mark.parametrize("day", ["2024-01-10", "2024-07-10"])
def test_six_o_clock_with_offset_zero_is_the_legal_time_of_the_gas_day(day: str) -> None:
    block = parse(reading(f"{day}T06:00:00+00:00", f"{day[:-1]}1T06:00:00+00:00"))
    assert of_kind(block, ReadingKind.INTERVAL)[0][0] == at(f"{day}T06:00{'+01:00' if '-01-' in day else '+02:00'}")


def test_absent_data_are_a_gap_whatever_number_stands_there() -> None:
    absent = reading(*FIRST, qualificationReleve="Absence de Données", energieConsomme=0, indexDebut=None, indexFin=None)
    block = parse(absent, reading(*SECOND, energieConsomme=None), reading("2024-11-01T06:00:00+01:00", "2024-11-02T06:00:00+01:00"))
    assert block.counts.gaps == 2
    assert len(of_kind(block, ReadingKind.INTERVAL)) == 1


def test_qualifications_become_qualities() -> None:
    words = ["Mesuré", "Estimé", "Corrigé", "Douteux"]
    days = [reading(f"2024-01-0{day}T06:00:00+01:00", f"2024-01-0{day + 1}T06:00:00+01:00") for day in (1, 3, 5, 7)]
    block = parse(*({**day, "qualificationReleve": word} for day, word in zip(days, words, strict=True)))
    energies = next(own for series, own in block.readings.by_series() if series.kind is ReadingKind.INTERVAL)
    assert energies.quality.tolist() == [Quality.MEASURED, Quality.ESTIMATED, Quality.CORRECTED, Quality.SUSPECT]


def test_wrong_readings_are_named_and_their_neighbours_are_read() -> None:
    block = parse(
        reading("never", FIRST[1]), reading(FIRST[1], FIRST[0]), 7, reading(*SECOND, energieConsomme="x", coeffConversion="y", indexFin=-1)
    )
    reasons = {(problem.row, problem.reason) for problem in block.problems}
    assert {
        (1, Reason.BAD_TIME),
        (2, Reason.STEP_UNKNOWN),
        (3, Reason.BAD_TIME),
        (4, Reason.NOT_A_NUMBER),
        (4, Reason.NEGATIVE_VALUE),
    } <= reasons
    assert (at(SECOND[0]), 0, 100_000_000) in of_kind(block, ReadingKind.REGISTER)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"a": {"releves": 3}}', b"\xff", b"{" * 100_000])
def test_other_json_is_refused(body: bytes) -> None:
    with pytest.raises((BrokenDocument, NotThisFormat)):
        parse_grdf_json(body)


HEADER = [
    None,
    "Date de relevé",
    "Index de début de période (m3)",
    "Index de fin de période (m3)",
    "Volume consommé (m3)",
    "Energie consommée (kWh)",
    "Coefficient de conversion",
    "Température locale (°C)",
    "Qualification du relevé",
]


def workbook(*rows: list[object], pce: str | None = None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in ([], [None, "Données"], [], [None, None, "N° PCE :", pce], [], [], [], [], HEADER, *rows):
        sheet.append(row)
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def test_a_workbook_has_one_gas_day_per_row() -> None:
    rows: list[list[object]] = [
        [None, "26/10/2024", 100, 110, 10, 112, 11.2, None, "Mesuré"],
        [None, "27/10/2024", None, None, 0, 0, None, None, "Absence de Données"],
        [None, datetime(2024, 10, 28), 110, 120, 10, 112.25, None, None, "Estimé"],  # noqa: DTZ001 — workbooks have no zones
    ]
    block = parse_grdf_workbook(workbook(*rows, pce="2"))
    assert of_kind(block, ReadingKind.INTERVAL) == [(at(FIRST[0]), 90_000, 403_200_000), (at(SECOND[1]), 86_400, 404_100_000)]
    assert block.gaps.time.tolist() == [at(SECOND[0])]
    assert block.readings.row.tolist() == [10, 10, 10, 12, 12, 12]
    assert {series.identifier.value for series in block.readings.series} == {"2"}
    assert block.counts == Counts(rows=3, readings=6, gaps=1)


def test_a_workbook_that_does_not_name_its_meter_needs_to_be_told() -> None:
    body = workbook([None, "26/10/2024", 100, 110, 10, 112, None, None, "Mesuré"])
    with pytest.raises(MissingMeter):
        parse_grdf_workbook(body)
    assert parse_grdf_workbook(body, pce="3").counts.readings == 3


def test_other_archives_are_refused() -> None:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "b")
    for body in (b"", b"PK\x03\x04", file.getvalue()):
        with pytest.raises(BrokenDocument):
            parse_grdf_workbook(body, pce="1")


def test_an_archive_that_unpacks_to_more_than_any_workbook_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    body = workbook([None, "26/10/2024", 100, 110, 10, 112, None, None, "Mesuré"])
    monkeypatch.setattr(grdf_workbook, "_LARGEST_BYTES", len(body) // 2)
    with pytest.raises(BrokenDocument):
        parse_grdf_workbook(body, pce="1")
