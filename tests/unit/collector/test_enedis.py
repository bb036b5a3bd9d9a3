"""Files of Enedis end as readings at the right instants, with their traps named."""

import json
from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise

import pytest

from collector.domain.enedis_portal import parse_enedis_portal
from collector.domain.enedis_r151 import parse_r151
from collector.domain.enedis_sge import parse_r63_csv, parse_sge_json
from collector.domain.parsed import BrokenDocument, Counts, NotThisFormat, ParsedBlock, ReadingKind, Reason, RowProblem
from collector.domain.sniffing import sniff
from vocabulary.failure import Failure
from vocabulary.flux import Direction, Quantity
from vocabulary.quality import Quality

PREAMBLE = "Identifiant PRM;Type de donnees;Date de debut;Date de fin;Grandeur physique;Grandeur metier;Etape metier;Unite;Pas en minutes"
CURVE = "11111111111111;Courbe de charge;01/01/2024;01/02/2024;Energie active;Consommation;Comptage Brut;W;"
R63 = (
    "Identifiant PRM;Date de début;Date de fin;Grandeur physique;Grandeur métier;Etape métier;Unité;Horodate;Valeur;Nature;Pas;"
    "Indice de vraisemblance;Etat complémentaire"
)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


class Parsed:
    def __init__(self, blocks: Iterable[ParsedBlock]) -> None:
        self.counts = Counts()
        self.rows: list[tuple[int, int, int]] = []
        """Start, seconds and value of each reading."""
        self.qualities: list[Quality] = []
        self.series: list[object] = []
        self.gaps: list[tuple[int, int]] = []
        self.problems: list[RowProblem] = []
        self.directions: set[Direction] = set()
        self.identifiers: set[str] = set()
        for block in blocks:
            self.counts += block.counts
            self.problems += block.problems
            read = block.readings
            self.rows += zip(read.time.tolist(), read.duration.tolist(), read.value.tolist(), strict=True)
            self.qualities += [Quality(number) for number in read.quality.tolist()]
            self.series += [(series.channel.register_set, series.channel.tariff_slot, series.kind) for series in read.series]
            self.directions |= {series.channel.direction for series in read.series}
            self.identifiers |= {series.identifier.value for series in read.series}
            self.gaps += zip(block.gaps.time.tolist(), block.gaps.duration.tolist(), strict=True)

    @property
    def refused(self) -> list[tuple[int, Reason]]:
        return [(problem.row, problem.reason) for problem in self.problems]


def portal(text: str | bytes) -> Parsed:
    return Parsed(parse_enedis_portal([text.encode() if isinstance(text, str) else text]))


def curve(*rows: str) -> str:
    return "\n".join([PREAMBLE, CURVE, "", "Horodate;Valeur", *rows])


def stamps(*clocks: str) -> list[str]:
    return [f"2024-01-01T{clock}:00+01:00;1000" for clock in clocks]


def test_a_load_curve_is_energy_over_the_step_that_ends_at_its_stamp() -> None:
    parsed = portal(curve(*stamps("00:30", "01:00")))
    assert parsed.rows == [(at("2024-01-01T00:00+01:00"), 1800, 1_800_000), (at("2024-01-01T00:30+01:00"), 1800, 1_800_000)]
    assert parsed.identifiers == {"11111111111111"}


def test_the_step_may_change_inside_a_load_curve() -> None:
    parsed = portal(curve(*stamps("01:00", "02:00", "03:00", "03:30", "04:00", "04:10", "04:20")))
    assert [duration // 60 for _, duration, _ in parsed.rows] == [60, 60, 60, 30, 30, 10, 10]
    assert all(start + duration == following for (start, duration, _), (following, *_) in pairwise(parsed.rows))


def test_a_missing_row_does_not_make_a_long_interval() -> None:
    parsed = portal(curve(*stamps("00:30", "01:00", "02:00", "02:30")))
    assert [duration // 60 for _, duration, _ in parsed.rows] == [30, 30, 30, 30]


def test_rows_missing_one_after_the_other_do_not_look_like_hours() -> None:
    parsed = portal(curve(*stamps("00:30", "01:00", "01:30", "02:30", "03:30", "04:00")))
    assert [duration // 60 for _, duration, _ in parsed.rows] == [30] * 6


def test_an_empty_value_is_a_gap_of_its_step() -> None:
    parsed = portal(curve("2024-01-01T00:30:00+01:00;", *stamps("01:00", "01:30")))
    assert parsed.gaps == [(at("2024-01-01T00:00+01:00"), 1800)]
    assert parsed.counts == Counts(rows=3, readings=2, gaps=1)


def test_a_lone_row_has_no_step_unless_the_preamble_tells_it() -> None:
    assert portal(curve(*stamps("01:00"))).refused == [(5, Reason.STEP_UNKNOWN)]
    told = portal(curve(*stamps("01:00")).replace("Brut;W;", "Brut;W;30"))
    assert told.rows == [(at("2024-01-01T00:30+01:00"), 1800, 1_800_000)]


def test_both_clock_changes_pass_by_their_offsets() -> None:
    rows = ["2024-10-27T02:00:00+02:00;1", "2024-10-27T02:30:00+02:00;1", "2024-10-27T02:00:00+01:00;1", "2024-10-27T02:30:00+01:00;1"]
    parsed = portal(curve(*rows))
    assert [b[0] - a[0] for a, b in pairwise(parsed.rows)] == [1800] * 3
    spring = portal(curve("2024-03-31T01:30:00+01:00;1", "2024-03-31T03:00:00+02:00;1", "2024-03-31T03:30:00+02:00;1"))
    assert [duration for _, duration, _ in spring.rows] == [1800] * 3


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_line_ends_byte_order_mark_and_encoding_do_not_matter(end: str, encoding: str) -> None:
    index = [
        "Identifiant PRM;Type de données;Unité",
        "11111111111111;Index;Wh",
        "Horodate;Type de relevé;EAS F1;EAS F2;EAS D1;EAS T",
        "2024-01-01T00:00:00+01:00;Arrêté quotidien;10;;10;10",
        "2024-01-02T00:00:00+01:00;Estimé;20;;20;20",
    ]
    parsed = portal(end.join(index).encode(encoding))
    assert parsed.counts == Counts(rows=2, readings=6)
    assert parsed.series == [
        ("supplier", "F1", ReadingKind.REGISTER),
        ("distributor", "D1", ReadingKind.REGISTER),
        ("total", "", ReadingKind.REGISTER),
    ]
    assert parsed.qualities == [Quality.MEASURED] * 3 + [Quality.ESTIMATED] * 3


def test_several_blocks_in_one_file_belong_to_their_own_meters() -> None:
    second = CURVE.replace("1" * 14, "2" * 14).replace("Consommation", "Production")
    text = curve(*stamps("00:30", "01:00")) + "\n" + "\ufeff" + "\n".join([PREAMBLE, second, "Horodate;Valeur", *stamps("01:00", "02:00")])
    parsed = portal(text)
    assert [duration for _, duration, _ in parsed.rows] == [1800, 1800, 3600, 3600]
    assert parsed.identifiers == {"1" * 14, "2" * 14}
    assert parsed.directions == {Direction.IMPORT, Direction.INJECTION}


def test_bad_rows_are_named_and_the_calendar_is_skipped() -> None:
    rows = [
        *stamps("00:30", "01:00"),
        "2024-13-01T00:00:00+01:00;5",
        "2024-01-01T01:30:00+01:00;x",
        *stamps("02:00"),
        "Periode;Libelle",
        "Du 1 au 2;HC",
    ]
    parsed = portal(curve(*rows))
    assert parsed.refused == [(7, Reason.BAD_TIME), (8, Reason.NOT_A_NUMBER)]
    assert parsed.counts == Counts(rows=6, readings=3, problems=2, skipped=1)


def test_the_flat_variant_has_local_stamps_and_tells_its_step() -> None:
    header = "Date de la mesure;Heure de la mesure;Valeur;Statut de la mesure;PRM;Type de données;Grandeur métier;Unité;Pas en minutes"
    rows = [f"27/10/2024;{clock};1000;Réel;1;Courbe;Consommation;W;30" for clock in ("02:30", "03:00", "02:30", "03:00", "03:30")]
    parsed = portal("\n".join([header, *rows]).encode("latin-1"))
    assert [start for start, _, _ in parsed.rows] == [at("2024-10-27T00:00Z") + 1800 * number for number in range(5)]
    assert parsed.counts.problems == 0


@pytest.mark.parametrize("text", ["", "a;b\n1;2\n", f"{PREAMBLE}\n{CURVE}\n"])
def test_other_files_are_not_taken_for_portal_files(text: str) -> None:
    with pytest.raises(NotThisFormat):
        portal(text)


def test_a_table_in_an_unknown_unit_is_not_read() -> None:
    parsed = portal(curve(*stamps("00:30")).replace(";W;", ";furlong;") + "\n" + curve(*stamps("00:30", "01:00")))
    assert parsed.counts.readings == 2
    assert {reason for _, reason in parsed.refused} == {Reason.UNKNOWN_SECTION}


# --- R63 ---


def r63(*rows: str) -> Parsed:
    lines = [R63, *(f"1;2024-10-01 00:00:00;2024-11-01 00:00:00;{row}" for row in rows)]
    return Parsed(parse_r63_csv(["\n".join(lines).encode()]))


def load(stamp: str, value: str = "1000", *, business: str = "CONS", nature: str = "B", step: str = "PT30M", doubt: str = "0") -> str:
    return f"PA;{business};BRUT;W;{stamp};{value};{nature};{step};{doubt};0"


def test_an_r63_tells_the_repeated_hour_by_its_rows_and_its_step_by_row() -> None:
    clocks = ["02:00", "02:30", "02:00", "02:30", "03:00", "03:30"]
    parsed = r63(
        load("2024-10-27 01:00:00", step="PT60M"), load("2024-10-27 01:30:00"), *(load(f"2024-10-27 {clock}:00") for clock in clocks)
    )
    assert parsed.rows[0] == (at("2024-10-27T00:00+02:00"), 3600, 3_600_000)
    assert all(start + duration == following for (start, duration, _), (following, *_) in pairwise(parsed.rows))
    assert parsed.counts == Counts(rows=8, readings=8)


def test_an_r63_tells_the_repeated_hour_of_both_directions_row_by_row() -> None:
    clocks = ["01:00", "02:00", "02:00", "03:00"]
    rows = [load(f"2024-10-27 {clock}:00", business=business, step="PT60M") for clock in clocks for business in ("CONS", "PROD")]
    parsed = r63(*rows)
    assert [start for start, _, _ in parsed.rows] == [at("2024-10-26T22:00Z") + 3600 * hour for hour in range(4) for _ in range(2)]
    assert set(parsed.qualities) == {Quality.MEASURED}


def test_an_r63_keeps_directions_apart_and_reads_natures() -> None:
    days = [f"2024-10-0{day} 00:30:00" for day in range(1, 8)]
    parsed = r63(
        load(days[0], business="PROD"),
        load(days[1], nature="E"),
        load(days[2], nature="C"),
        load(days[3], nature="?"),
        load(days[4], doubt="8"),
        load(days[5], value=""),
        load(days[6]).replace("PA;", "PRI;").replace(";W;", ";VAr;"),
    )
    assert parsed.qualities == [Quality.MEASURED, Quality.ESTIMATED, Quality.CORRECTED, Quality.SUSPECT, Quality.SUSPECT]
    assert parsed.directions == {Direction.IMPORT, Direction.INJECTION}
    assert parsed.counts == Counts(rows=7, readings=5, gaps=1, skipped=1)


def document(flow: str, *measures: object) -> bytes:
    return json.dumps({"header": {"codeFlux": flow}, "mesures": measures}).encode()


def test_an_r63_as_json_gives_what_the_csv_gives() -> None:
    clocks = ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"]
    points = [{"v": "1000", "d": f"2024-10-27 {clock}:00", "p": "PT30M", "n": "B", "iv": None} for clock in clocks]
    grandeur = {"grandeurMetier": "CONS", "grandeurPhysique": "PA", "unite": "W", "points": points}
    parsed = Parsed([parse_sge_json(document("R63", {"idPrm": "1", "grandeur": [grandeur]}))])
    assert parsed.rows == r63(*(load(f"2024-10-27 {clock}:00") for clock in clocks)).rows


# --- R64, R151 ---


def r64(*values: object, unit: str = "Wh", code: str = "IDX_EAS_D2") -> Parsed:
    classes = [{"codeCadran": code, "valeur": list(values)}]
    quantity = {"grandeurMetier": "CONS", "grandeurPhysique": "EA", "unite": unit, "calendrier": [{"classeTemporelle": classes}]}
    return Parsed([parse_sge_json(document("R64", {"idPrm": "1", "contexte": [{"grandeur": [quantity]}]}))])


def test_an_r64_index_is_that_of_its_stamp() -> None:
    parsed = r64({"d": "2026-06-01 00:00:00", "v": 2675549, "iv": 0}, {"d": "2026-06-02 00:00:00", "v": 2675550, "iv": 1})
    assert [row[:2] for row in parsed.rows] == [(at("2026-05-31T22:00Z"), 0), (at("2026-06-01T22:00Z"), 0)]
    assert parsed.qualities == [Quality.MEASURED, Quality.SUSPECT]
    assert parsed.series == [("distributor", "D2", ReadingKind.REGISTER)]


def test_wrong_values_of_an_r64_are_named() -> None:
    parsed = r64({"d": "soon", "v": 1}, {"d": "2026-06-01 00:00:00", "v": "x"}, {"d": "2026-06-02 00:00:00", "v": None}, 7)
    assert parsed.refused == [(1, Reason.BAD_TIME), (2, Reason.NOT_A_NUMBER)]
    assert parsed.counts == Counts(rows=3, gaps=1, problems=2)
    assert r64({"d": "2026-06-01 00:00:00", "v": 1}, unit="VArh").refused == [(1, Reason.UNKNOWN_UNIT)]
    assert r64({"d": "2026-06-01 00:00:00", "v": 1}, code="IDX_ERQ1_T").counts == Counts(rows=1, skipped=1)


def r151(values: str, *, head: str = "", date: str = "2024-10-26") -> bytes:
    return f"""<?xml version='1.0' encoding='UTF-8'?>{head}<R151><En_Tete_Flux><Unite_Mesure_Index>Wh</Unite_Mesure_Index></En_Tete_Flux>
    <PRM><Id_PRM>1</Id_PRM><Donnees_Releve><Date_Releve>{date}</Date_Releve>{values}</Donnees_Releve></PRM></R151>""".encode()


def slot(rank: str, value: str, doubt: str = "0") -> str:
    fields = f"<Rang_Cadran>{rank}</Rang_Cadran><Valeur>{value}</Valeur><Indice_Vraisemblance>{doubt}</Indice_Vraisemblance>"
    return f"<Classe_Temporelle>{fields}</Classe_Temporelle>"


def test_an_r151_index_is_that_of_the_end_of_its_day() -> None:
    body = r151(slot("1", "100") + "<Puissance_Maximale><Valeur>7452</Valeur></Puissance_Maximale>", date="2024-10-27")
    blocks = list(parse_r151([body]))
    parsed = Parsed(blocks)
    assert parsed.rows == [(at("2024-10-28T00:00+01:00"), 0, 360_000), (at("2024-10-27T00:00+02:00"), 90_000, 7452)]
    assert [series.channel.quantity for series in blocks[0].readings.series] == [Quantity.ENERGY, Quantity.MAXIMUM_POWER]


def test_wrong_values_of_an_r151_are_named() -> None:
    parsed = Parsed(parse_r151([r151(slot("1", "x") + slot("", "5") + slot("2", "") + slot("3", "7", "4"))]))
    assert parsed.refused == [(1, Reason.NOT_A_NUMBER), (2, Reason.MISSING_FIELD)]
    assert parsed.qualities == [Quality.SUSPECT]
    assert parsed.counts == Counts(rows=4, readings=1, gaps=1, problems=2)
    assert Parsed(parse_r151([r151(slot("1", "1"), date="26/10")])).refused == [(1, Reason.BAD_TIME)]


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (b"", BrokenDocument),
        (b"<R151><PRM>", BrokenDocument),
        (b"<R15/>", NotThisFormat),
        (b"<?xml version='1.0' encoding='nonsense'?><R151/>", BrokenDocument),
        (r151("&a;", head="<!DOCTYPE R151 [<!ENTITY a 'b'>]>"), BrokenDocument),
        (r151("", head="<!DOCTYPE R151 SYSTEM 'file:///etc/passwd'>"), BrokenDocument),
        (b"<R151>" + b"<a>" * 1000, BrokenDocument),
    ],
)
def test_damaged_or_hostile_xml_is_refused(body: bytes, failure: type[Failure]) -> None:
    with pytest.raises(failure):
        list(parse_r151([body]))


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b"{}", b"[" * 100_000, b'{"header": 3, "mesures": []}', b"\xff\xfe", b"1" * 10_000])
def test_other_json_is_refused(body: bytes) -> None:
    with pytest.raises((BrokenDocument, NotThisFormat)):
        parse_sge_json(body)


def test_formats_are_told_by_their_first_bytes() -> None:
    assert sniff(curve().encode("utf-8-sig")) == "enedis-portal"
    assert sniff("Date de la mesure;Heure de la mesure;Unité".encode("latin-1")) == "enedis-portal"
    assert sniff(R63.encode()) == "enedis-r63-csv"
    assert sniff(document("R64")) == "enedis-sge-json"
    assert sniff(r151("")) == "enedis-r151"
    assert sniff(b"a;b;c\n1;2;3") is None
    assert sniff(b"") is None
