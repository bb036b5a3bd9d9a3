"""Whatever a file holds and however its bytes arrive, it ends as the same readings, or as a named failure."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from functools import cache
from io import BytesIO
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import numpy as np
import openpyxl
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from collector.domain import lines
from collector.domain.delimited import parse_delimited
from collector.domain.enedis_portal import parse_enedis_portal
from collector.domain.enedis_r151 import parse_r151
from collector.domain.enedis_sge import parse_r63_csv, parse_sge_json
from collector.domain.grdf import parse_grdf_json
from collector.domain.grdf_workbook import parse_grdf_workbook
from collector.domain.local_time import transitions
from collector.domain.mapping import Mapping, mapping_of
from collector.domain.numbers import NumberFormat, parse_numbers
from collector.domain.parsed import Counts, ParsedBlock
from collector.domain.sniffing import sniff
from collector.domain.stamps import StampParser
from collector.domain.steps import inferred_steps
from vocabulary.failure import Failure

PARIS = ZoneInfo("Europe/Paris")
FIRST, LAST = (datetime.fromisoformat(text) for text in ("1970-01-02", "2099-12-30"))
Facts = tuple[list[tuple[object, ...]], list[tuple[object, ...]], list[tuple[object, ...]], Counts]


def facts(blocks: list[ParsedBlock]) -> Facts:
    """Everything that blocks say, independent of how it is spread over them."""
    readings: list[tuple[object, ...]] = []
    gaps: list[tuple[object, ...]] = []
    problems: list[tuple[object, ...]] = []
    counts = Counts()
    for block in blocks:
        read, gap = block.readings, block.gaps
        columns = (column.tolist() for column in (read.row, read.of, read.time, read.duration, read.value, read.quality))
        readings += [(row, repr(read.series[of]), *rest) for row, of, *rest in zip(*columns, strict=True)]
        columns = (column.tolist() for column in (gap.row, gap.of, gap.time, gap.duration))
        gaps += [(row, repr(gap.series[of]), *rest) for row, of, *rest in zip(*columns, strict=True)]
        problems += [(problem.row, problem.column, problem.reason, problem.excerpt) for problem in block.problems]
        counts += block.counts
    return sorted(readings), sorted(gaps), sorted(problems), counts


def split(body: bytes, cuts: list[int]) -> Iterator[bytes]:
    places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    return (body[a:b] for a, b in pairwise(places))


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of few lines, so that short texts have many borders."""
    monkeypatch.setattr(lines, "LONGEST_LINE_BYTES", 150)
    monkeypatch.setattr(lines, "BLOCK_BYTES", 200)


def long_mapping(**time: object) -> Mapping:
    fields: dict[str, object] = {
        "columns": ["time"],
        "formats": ["%Y-%m-%d %H:%M:%S"],
        "zone": "Europe/Paris",
        "step": 1800,
        "stamp_at": "end",
    }
    return mapping_of(
        identifier_scheme="prm",
        identifier_column="meter",
        time={**fields, **time},
        values=[
            {"column": "w", "unit": "W", "flux": "electricity", "quantity": "energy", "measures": "mean_power"},
            {"column": "wh", "unit": "kWh", "flux": "electricity", "quantity": "energy", "measures": "register"},
        ],
    )


# --- round trips ---

days = st.one_of(
    st.dates(date(1990, 1, 1), date(2037, 12, 31)),
    # Most days have no clock change: look at those that have one, and at those beside them.
    st.tuples(st.integers(1997, 2037), st.sampled_from([3, 10]), st.integers(-1, 1)).map(lambda near: last_sunday(*near)),
)


def last_sunday(year: int, month: int, shift: int) -> date:
    last = date(year, month, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7 - shift)


@settings(max_examples=60, deadline=None)
@given(
    day=days,
    step=st.sampled_from([600, 900, 1800, 3600]),
    meters=st.integers(1, 3),
    newest_first=st.booleans(),
    infer=st.booleans(),
    small=st.booleans(),
    hours=st.integers(2, 60),
)
def test_load_curves_written_in_local_time_come_back_to_the_second(
    day: date, step: int, meters: int, hours: int, *, newest_first: bool, infer: bool, small: bool
) -> None:
    start = int(datetime(day.year, day.month, day.day, tzinfo=PARIS).timestamp())
    ends = list(range(start + step, start + hours * 3600 + 1, step))
    # A file that ends beside the repeated hour cannot say which one it means.
    assume(datetime.fromtimestamp(ends[-1] - 7200, PARIS).utcoffset() == datetime.fromtimestamp(ends[-1] + 7200, PARIS).utcoffset())
    written = [(f"M{meter}", end, (end // step * 7 + meter) % 5000) for end in ends for meter in range(meters)]
    body = ["meter;time;w;wh"]
    for meter, end, watts in written[::-1] if newest_first else written:
        clock = datetime.fromtimestamp(end, PARIS).strftime("%Y-%m-%d %H:%M:%S")
        body.append(f"{meter};{clock};{watts};")
    with pytest.MonkeyPatch.context() as patch:
        if small:
            patch.setattr(lines, "LONGEST_LINE_BYTES", 150)
            patch.setattr(lines, "BLOCK_BYTES", 400)
        parsed = list(parse_delimited(["\n".join(body).encode()], long_mapping(step=None if infer else step)))
    found = {
        (series.identifier.value, *row)
        for block in parsed
        for series, own in block.readings.by_series()
        for row in zip(own.time.tolist(), own.duration.tolist(), own.value.tolist(), strict=True)
    }
    assert sum((block.counts for block in parsed), Counts()).problems == 0
    assert found == {(meter, end - step, step, watts * step) for meter, end, watts in written}


cells = st.one_of(
    st.sampled_from(["", "-", "0", "1357", "12,5", "1e3", "x", "-4", "nan", '"7', '"7"', "9" * 30]),
    st.integers(0, 10**7).map(str),
    st.text(alphabet='0123456789.,-eE "xé\t', max_size=6),
)
nights = [datetime.fromisoformat(text) for text in ("2024-10-26T12:00", "2024-03-30T12:00")]
stamps = st.tuples(st.sampled_from(nights), st.integers(0, 96)).map(
    lambda chosen: (chosen[0] + timedelta(minutes=30 * chosen[1])).strftime("%Y-%m-%d %H:%M:%S")
)
rows = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["A", "B", "", " A"]), st.one_of(stamps, st.just("never")), cells, cells).map(";".join),
        st.text(alphabet=';"ab\r 1é', max_size=12),
    ),
    max_size=40,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=rows, cuts=st.lists(st.integers(0, 10_000), max_size=20), end=st.sampled_from(["\n", "\r\n"]), infer=st.booleans())
@pytest.mark.usefixtures("small_blocks")
def test_any_split_of_the_bytes_gives_the_same(rows: list[str], cuts: list[int], end: str, *, infer: bool) -> None:
    body = end.join(["meter;time;w;wh", *rows]).encode()
    used = long_mapping(step=None if infer else 1800)
    assert facts(list(parse_delimited(split(body, cuts), used))) == facts(list(parse_delimited([body], used)))


@settings(max_examples=60, deadline=None)
@given(rows=rows)
@example(rows=["A;never;;", "\r"])
def test_every_row_ends_somewhere(rows: list[str]) -> None:
    body = "\n".join(["meter;time;w;wh", *rows]).encode()
    readings, gaps, problems, counts = facts(list(parse_delimited([body], long_mapping())))
    accounted = {entry[0] for entry in (*readings, *gaps, *problems)}
    written = [number for number, row in enumerate(body.decode().split("\n")[1:], 2) if row.strip()]
    assert counts.rows == len(written)
    assert counts.skipped == len(set(written) - accounted)
    assert accounted <= set(written)


@settings(max_examples=40, deadline=None)
@given(day=days, step=st.sampled_from([900, 1800, 3600]), extra=st.booleans())
def test_a_days_row_tiles_its_civil_day(day: date, step: int, *, extra: bool) -> None:
    following = day + timedelta(days=1)
    start, end = (int(datetime(at.year, at.month, at.day, tzinfo=PARIS).timestamp()) for at in (day, following))
    filled = (end - start) // step
    count = 25 * 3600 // step if extra or filled * step > 86_400 else 24 * 3600 // step
    row = ";".join(["A", day.isoformat(), *map(str, range(filled)), *[""] * (count - filled)])
    used = mapping_of(
        header=False,
        identifier_scheme="amr",
        identifier_column=1,
        time={"columns": [2], "zone": "Europe/Paris", "stamp_at": "end"},
        values=[{"unit": "Wh", "flux": "gas", "quantity": "energy", "measures": "interval"}],
        day={"step_s": step, "first_column": 3, "slot_count": count},
    )
    read = next(iter(parse_delimited([row.encode()], used))).readings
    assert read.time.tolist() == list(range(start, end, step))
    assert read.value.tolist() == [number * 3600 for number in range(filled)]


# --- the parts, against what they replace ---


@settings(max_examples=300, deadline=None)
@given(
    numbers=st.lists(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9), min_size=1, max_size=20),
    factor=st.sampled_from([1, 600, 1000, 3600, 1800, 3_600_000, 3_600_000_000]),
)
def test_scaling_is_exact_and_rounds_half_to_even_once(numbers: list[Decimal], factor: int) -> None:
    texts = [format(number, "f")[:60] for number in numbers]
    column = parse_numbers(texts, factor, NumberFormat())
    expected = [round(Fraction(Decimal(text)) * factor) for text in texts]
    assert column.ok.all()
    assert column.value.tolist() == expected


@settings(max_examples=200, deadline=None)
@given(units=st.integers(-(10**6), 10**6), places=st.integers(1, 8), factor=st.sampled_from([1, 1000, 3600]))
def test_halves_go_to_the_even_neighbour(units: int, places: int, factor: int) -> None:
    text = format(Decimal(units) + Decimal(5).scaleb(-places), "f")
    assert parse_numbers([text], factor, NumberFormat()).value.tolist() == [
        int((Decimal(text) * factor).to_integral_value(ROUND_HALF_EVEN))
    ]


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(st.one_of(cells, st.text(max_size=8)), min_size=1, max_size=20), comma=st.booleans())
def test_reading_numbers_together_is_reading_them_one_by_one(texts: list[str], *, comma: bool) -> None:
    form = NumberFormat(decimal_sign="," if comma else ".", thousands_sign=" ")
    together = parse_numbers(texts, 3600, form)
    for at, text in enumerate(texts):
        alone = parse_numbers([text, "x"], 3600, form)
        assert (together.value[at], together.ok[at], together.reasons.get(at)) == (alone.value[0], alone.ok[0], alone.reasons.get(0))


@settings(max_examples=200, deadline=None)
@given(time=st.datetimes(FIRST, LAST), offset=st.sampled_from([None, 0, 60, -210, 345]))
def test_stamps_are_read_as_datetime_reads_them(time: datetime, offset: int | None) -> None:
    time = time.replace(microsecond=0)
    aware = time.replace(tzinfo=UTC if offset is None else datetime.fromisoformat(f"2000-01-01T00:00{offset_text(offset)}").tzinfo)
    text = time.isoformat() + ("" if offset is None else offset_text(offset))
    column = StampParser(("iso",)).parse([text, text.replace("T", " ")])
    assert column.seconds.tolist() == [int(aware.timestamp())] * 2
    assert column.has_offset.tolist() == [offset is not None] * 2
    french = StampParser(("%d/%m/%Y %H:%M:%S",)).parse(
        [time.strftime("%d/%m/%Y %H:%M:%S"), f"{time.day}/{time.month}/{time.year:04} 0:00:00"]
    )
    assert french.ok.all()
    assert french.seconds[0] == int(time.replace(tzinfo=UTC).timestamp())


def offset_text(minutes: int) -> str:
    sign, rest = ("-", -minutes) if minutes < 0 else ("+", minutes)
    return f"{sign}{rest // 60:02}:{rest % 60:02}"


@settings(max_examples=150, deadline=None)
@given(
    times=st.lists(st.integers(0, 4_000_000_000), min_size=1, max_size=30),
    zone=st.sampled_from(
        ["Europe/Paris", "Europe/London", "America/Martinique", "Indian/Reunion", "America/St_Johns", "UTC", "Africa/Casablanca"]
    ),
)
def test_zones_turn_as_zoneinfo_turns_them(times: list[int], zone: str) -> None:
    utc = np.array(times, np.int64)
    table = transitions(ZoneInfo(zone), utc)
    local = table.to_local(utc)
    naive = [datetime.fromtimestamp(time, ZoneInfo(zone)).replace(tzinfo=UTC) for time in times]
    assert local.tolist() == [int(time.timestamp()) for time in naive]
    for fold, chosen in ((0, table.first(local)), (1, table.second(local))):
        assert chosen.tolist() == [int(time.replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()) for time in naive]
    assert not table.missing(local).any()


@settings(max_examples=100, deadline=None)
@given(
    regions=st.lists(st.tuples(st.sampled_from([600, 1800, 3600]), st.integers(3, 12)), min_size=1, max_size=3),
    order=st.randoms(use_true_random=False),
    ends=st.booleans(),
)
def test_steps_are_found_whatever_the_order_and_the_repeats(regions: list[tuple[int, int]], order: Random, *, ends: bool) -> None:
    bounds, expected = [1_704_067_200], []
    for step, hours in regions:
        for _ in range(hours * 3600 // step):
            bounds.append(bounds[-1] + step)
            expected.append(step)
    stamps = bounds[1:] if ends else bounds[:-1]
    places = [*range(len(stamps)), 0, len(stamps) - 1]
    order.shuffle(places)
    found = inferred_steps(np.zeros(len(places), np.int64), np.array([stamps[at] for at in places], np.int64), ends=ends)
    assert found.tolist() == [expected[at] for at in places]


# --- hostile bytes ---

XML = (
    b"<?xml version='1.0'?><R151><PRM><Id_PRM>1</Id_PRM><Donnees_Releve><Date_Releve>2024-01-01</Date_Releve><Classe_Temporelle>"
    b"<Rang_Cadran>1</Rang_Cadran><Valeur>5</Valeur></Classe_Temporelle></Donnees_Releve></PRM></R151>"
)
GAS = (
    b'{"1": {"idPce": "1", "releves": [{"dateDebutReleve": "2024-01-01T06:00:00+01:00", "dateFinReleve": "2024-01-02T06:00:00+01:00",'
    b'"energieConsomme": 5, "indexDebut": 1, "indexFin": 2, "coeffConversion": 11.1, "qualificationReleve": "Mesur\xc3\xa9"}]}}'
)
SEEDS = [
    b"Identifiant PRM;Type de donnees;Unite;Pas en minutes\n1;Courbe de charge;W;\n\nHorodate;Valeur\n2024-01-01T00:30:00+01:00;1\n",
    b"Identifiant PRM;Type\n1;Injection\nDate;Valeur (en Wh)\n2024-01-01;5\nPeriode;x\nDu 1;2\n",
    XML,
    json.dumps(
        {
            "header": {"codeFlux": "R64"},
            "mesures": [
                {
                    "idPrm": "1",
                    "contexte": [
                        {
                            "grandeur": [
                                {
                                    "grandeurPhysique": "EA",
                                    "unite": "Wh",
                                    "cadranTotalisateur": {
                                        "codeCadran": "IDX_EAS_T",
                                        "valeur": [{"d": "2024-01-01 00:00:00", "v": 1, "iv": 0}],
                                    },
                                }
                            ]
                        }
                    ],
                }
            ],
        }
    ).encode(),
    GAS,
    b"PK\x03\x04",
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A file of a known format with some bytes replaced, removed, repeated or put in."""
    body = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(body)))
        length = draw(st.integers(0, 20))
        put = draw(
            st.one_of(st.binary(max_size=8), st.sampled_from([b"\n", b";", b'"', b"null", b"[]", b"{}", b"9" * 25, b"\x00", b"&a;"]))
        )
        body[at : at + length] = put if draw(st.booleans()) else bytes(body[at : at + length]) * 2 + put
    return bytes(body)


def readers() -> list[Callable[[bytes, list[int]], object]]:
    return [
        lambda body, cuts: list(parse_enedis_portal(split(body, cuts))),
        lambda body, cuts: list(parse_r63_csv(split(body, cuts))),
        lambda body, cuts: list(parse_r151(split(body, cuts))),
        lambda body, cuts: list(parse_delimited(split(body, cuts), long_mapping(step=None))),
        lambda body, _: parse_sge_json(body),
        lambda body, _: parse_grdf_json(body),
        lambda body, _: parse_grdf_workbook(body, pce="1"),
        lambda body, _: sniff(body),
    ]


@settings(max_examples=250, deadline=None)
@given(body=st.one_of(st.binary(max_size=300), mutated()), cuts=st.lists(st.integers(0, 500), max_size=5))
def test_no_bytes_raise_anything_but_a_named_failure(body: bytes, cuts: list[int]) -> None:
    for read in readers():
        with suppress(Failure):
            read(body, cuts)


@cache
def workbook() -> bytes:
    book = openpyxl.Workbook()
    for row in (["Date de relevé", "Energie consommée (kWh)", "Qualification du relevé"], ["01/01/2024", 5, "Mesuré"]):
        book.worksheets[0].append(row)
    file = BytesIO()
    book.save(file)
    return file.getvalue()


@settings(max_examples=200, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_damaged_workbook_is_a_named_failure(changes: list[tuple[int, int]]) -> None:
    body = bytearray(workbook())
    for at, byte in changes:
        body[at % len(body)] = byte
    with suppress(Failure):
        parse_grdf_workbook(bytes(body), pce="1")


KEYS = ["idPrm", "contexte", "grandeur", "calendrier", "classeTemporelle", "valeur", "codeCadran", "unite", "d", "v", "iv", "points"]
GAS_KEYS = ["releves", "idPce", "indexFin", "dateDebutReleve", "grandeurPhysique"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*KEYS, *GAS_KEYS]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(measures=st.lists(json_values, max_size=3), flow=st.sampled_from(["R63", "R64"]))
def test_no_json_raises_anything_but_a_named_failure(measures: list[object], flow: str) -> None:
    for body in ({"header": {"codeFlux": flow}, "mesures": measures}, {"1": {"releves": measures}}, measures):
        for parse in (parse_sge_json, parse_grdf_json):
            with suppress(Failure):
                parse(json.dumps(body).encode())
