"""Delimited files end as readings, gaps and named problems, row by row."""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise

import pytest

from collector.domain.delimited import parse_delimited
from collector.domain.mapping import InvalidMapping, Mapping, UnknownColumn, mapping_from_json, mapping_of
from collector.domain.parsed import Counts, ParsedBlock, Reason, RowProblem, UnsupportedEncoding
from vocabulary.quality import Quality


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def mapping(**changes: object) -> Mapping:
    """A long file of water intervals of one hour, unless changed."""
    fields: dict[str, object] = {
        "identifier_scheme": "contract",
        "identifier_column": "meter",
        "time": {"columns": ["time"], "step": 3600},
        "values": [{"column": "litres", "unit": "l", "flux": "water", "quantity": "volume", "measures": "interval"}],
    }
    return mapping_of(**{**fields, **changes})


def register(**changes: object) -> dict[str, object]:
    return {"column": "litres", "unit": "l", "flux": "water", "quantity": "volume", "measures": "register", **changes}


class Parsed:
    """What a whole text gave, as plain lists in the order of the file."""

    def __init__(self, blocks: list[ParsedBlock]) -> None:
        self.counts = Counts()
        self.readings: list[tuple[str, int, int, int, Quality]] = []
        self.gaps: list[tuple[str, int, int]] = []
        self.problems: list[RowProblem] = []
        for block in blocks:
            self.counts += block.counts
            self.problems += block.problems
            columns = block.readings
            for of, time, duration, value, quality in zip(
                columns.of.tolist(),
                columns.time.tolist(),
                columns.duration.tolist(),
                columns.value.tolist(),
                columns.quality.tolist(),
                strict=True,
            ):
                self.readings.append((columns.series[of].identifier.value, time, duration, value, Quality(quality)))
            for of, time, row in zip(block.gaps.of.tolist(), block.gaps.time.tolist(), block.gaps.row.tolist(), strict=True):
                self.gaps.append((block.gaps.series[of].identifier.value, time, row))

    @property
    def values(self) -> list[int]:
        return [reading[3] for reading in self.readings]

    @property
    def times(self) -> list[int]:
        return [reading[1] for reading in self.readings]

    @property
    def refused(self) -> list[tuple[int, Reason]]:
        return [(problem.row, problem.reason) for problem in self.problems]


def parse(text: str | bytes, used: Mapping) -> Parsed:
    return Parsed(list(parse_delimited([text.encode() if isinstance(text, str) else text], used)))


def test_a_row_becomes_a_reading_in_whole_millilitres() -> None:
    parsed = parse("meter;time;litres\nA;2024-01-01T00:00:00Z;1.5\n", mapping())
    assert parsed.readings == [("A", at("2024-01-01T00:00Z"), 3600, 1500, Quality.MEASURED)]
    assert parsed.counts == Counts(rows=1, readings=1)


def test_an_empty_value_is_a_gap_and_no_problem() -> None:
    parsed = parse("meter;time;litres\nA;2024-01-01T00:00:00Z;\nA;2024-01-01T01:00:00Z;-\n", mapping())
    assert parsed.gaps == [("A", at("2024-01-01T00:00Z"), 2), ("A", at("2024-01-01T01:00Z"), 3)]
    assert parsed.counts == Counts(rows=2, gaps=2)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("A;yesterday;1", Reason.BAD_TIME),
        ("A;2024-02-30T00:00:00Z;1", Reason.BAD_TIME),
        ("A;2024-01-01T24:30:00Z;1", Reason.BAD_TIME),
        ("A;1950-01-01T00:00:00Z;1", Reason.TIME_OUT_OF_RANGE),
        ("A;2024-01-01T00:00:00Z;abc", Reason.NOT_A_NUMBER),
        ("A;2024-01-01T00:00:00Z;1_000", Reason.NOT_A_NUMBER),
        ("A;2024-01-01T00:00:00Z;inf", Reason.NOT_A_NUMBER),
        ("A;2024-01-01T00:00:00Z;٣", Reason.NOT_A_NUMBER),
        ("A;2024-01-01T00:00:00Z;-1", Reason.NEGATIVE_VALUE),
        ("A;2024-01-01T00:00:00Z;1e30", Reason.VALUE_OUT_OF_RANGE),
        (";2024-01-01T00:00:00Z;1", Reason.MISSING_IDENTIFIER),
        ("A;2024-01-01T00:00:00Z", Reason.MISSING_COLUMNS),
        ("A;2024-01-01T00:00:00Z;1;5", Reason.EXTRA_COLUMNS),
        ('A;2024-01-01T00:00:00Z;"1', Reason.UNBALANCED_QUOTE),
    ],
)
def test_a_bad_row_is_named_and_its_neighbours_are_read(row: str, reason: Reason) -> None:
    before, after = "A;2024-03-01T00:00:00Z;1", "A;2024-03-02T00:00:00Z;2"
    parsed = parse(f"meter;time;litres\n{before}\n{row}\n{after}\n", mapping())
    assert parsed.refused == [(3, reason)]
    assert parsed.values == [1000, 2000]
    assert parsed.counts == Counts(rows=3, readings=2, problems=1)


def test_a_file_in_latin_1_is_read_beside_utf_8_and_a_byte_order_mark_is_dropped() -> None:
    text = "Compteur;Relevé;Débit\nA;2024-01-01T00:00:00Z;1\n"
    used = mapping(identifier_column="Compteur", time={"columns": ["Relevé"], "step": 3600}, values=[register(column="Débit")])
    for body in (text.encode("latin-1"), text.encode(), text.encode("utf-8-sig")):
        assert parse(body, used).values == [1000]


def test_a_line_outside_the_named_encoding_is_a_problem() -> None:
    body = b"meter;time;litres\nA;2024-01-01T00:00:00Z;1\n" + b"\xe9;2024-01-01T00:00:00Z;1\nA;2024-01-02T00:00:00Z;1\n"
    parsed = parse(body, mapping(encoding="utf-8"))
    assert parsed.refused == [(3, Reason.BAD_ENCODING)]
    assert parsed.counts.readings == 2


def test_utf_16_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedEncoding):
        parse("meter;time;litres\n".encode("utf-16"), mapping())


def test_mixed_line_ends_blank_lines_and_a_missing_last_line_end_do_not_matter() -> None:
    parsed = parse("\r\nmeter;time;litres\r\nA;2024-01-01T00:00:00Z;1\n\n  \r\nA;2024-01-01T01:00:00Z;2", mapping())
    assert parsed.values == [1000, 2000]
    assert parsed.counts.rows == 2


def test_rows_of_delimiters_alone_are_skipped() -> None:
    parsed = parse("meter;time;litres\nA;2024-01-01T00:00:00Z;1\n;;\n", mapping())
    assert parsed.counts == Counts(rows=2, readings=1, skipped=1)


def test_quoted_cells_may_hold_the_delimiter_and_the_decimal_comma() -> None:
    used = mapping(delimiter=",", decimal_sign=",", thousands_sign=" ")
    parsed = parse('meter,time,litres\n"A, left","2024-01-01T00:00:00Z","1 234,5"\n', used)
    assert parsed.readings[0][0] == "A, left"
    assert parsed.values == [1_234_500]


def test_a_thousands_sign_must_part_groups_of_three_digits() -> None:
    parsed = parse(
        "meter;time;litres\nA;2024-01-01T00:00:00Z;1.234\nA;2024-01-01T01:00:00Z;12.34\n", mapping(decimal_sign=",", thousands_sign=".")
    )
    assert parsed.values == [1_234_000]
    assert parsed.refused == [(3, Reason.NOT_A_NUMBER)]


def test_a_line_longer_than_any_meter_file_has_is_refused_and_the_next_one_is_read() -> None:
    body = b"meter;time;litres\nA;" + b"x" * 9_000_000 + b"\nA;2024-01-01T00:00:00Z;1\n"
    parsed = Parsed(list(parse_delimited((body[at : at + 100_000] for at in range(0, len(body), 100_000)), mapping())))
    assert parsed.refused == [(2, Reason.LINE_TOO_LONG)]
    assert parsed.values == [1000]


@pytest.mark.parametrize(
    ("format_", "written"),
    [
        ("%d/%m/%Y %H:%M", "02/01/2024 00:00"),
        ("%d/%m/%Y %H:%M", "2/1/2024 0:00"),
        ("%d/%m/%y %H:%M:%S", "02/01/24 00:00:00"),
        ("%d/%m/%Y %H:%M", "01/01/2024 24:00"),
        ("%b %d %Y %I:%M%p", "Jan 2 2024 12:00AM"),
        ("%Y-%m-%dT%H:%M:%S%z", "2024-01-02T02:00:00+0200"),
        ("iso", "2024-01-02"),
        ("iso", "2024-01-02T00:00"),
        ("iso", "2024-01-02 00:00:00"),
        ("iso", "2024-01-02T01:00:00+01:00"),
        ("iso", "2024-01-01T19:00-05:00"),
        ("iso", "2024-01-02T00:00:00.250Z"),
        ("iso", "20240102T000000"),
        ("epoch_s", "1704153600"),
        ("epoch_ms", "1704153600999"),
    ],
)
def test_many_ways_to_write_one_instant(format_: str, written: str) -> None:
    parsed = parse(f"meter;time;litres\nA;{written};1\n", mapping(time={"columns": ["time"], "formats": [format_]}, values=[register()]))
    assert parsed.times == [at("2024-01-02T00:00Z")]


def test_date_and_time_may_stand_apart_and_columns_may_have_numbers() -> None:
    used = mapping(
        header=False,
        skip_rows=2,
        identifier_column=4,
        time={"columns": [1, 2], "formats": ["%d/%m/%Y %H:%M"], "zone": "Europe/Paris"},
        values=[register(column=3)],
    )
    parsed = parse("a title\nanother\n01/07/2024;02:00;5;A\n", used)
    assert parsed.readings == [("A", at("2024-07-01T00:00Z"), 0, 5000, Quality.MEASURED)]


def test_a_stamp_at_the_end_of_its_interval_is_moved_to_the_start() -> None:
    parsed = parse("meter;time;litres\nA;2024-01-01T01:00:00Z;1\n", mapping(time={"columns": ["time"], "step": 1800, "stamp_at": "end"}))
    assert parsed.readings[0][1:3] == (at("2024-01-01T00:30Z"), 1800)


def test_mean_power_over_half_an_hour_is_exact_in_joules() -> None:
    value = {"column": "w", "unit": "W", "flux": "electricity", "quantity": "energy", "measures": "mean_power"}
    parsed = parse("meter;time;w\nA;2024-01-01T00:00:00Z;1357\n", mapping(time={"columns": ["time"], "step": 1800}, values=[value]))
    assert parsed.values == [2_442_600]


def test_the_step_may_stand_in_a_column() -> None:
    used = mapping(time={"columns": ["time"], "step_column": "step", "stamp_at": "end"})
    rows = ["A;2024-01-01T01:00:00Z;1;PT60M", "A;2024-01-01T01:30:00Z;1;30", "A;2024-01-01T02:00:00Z;1;soon"]
    parsed = parse("\n".join(["meter;time;litres;step", *rows]), used)
    assert [(time, duration) for _, time, duration, *_ in parsed.readings] == [
        (at("2024-01-01T00:00Z"), 3600),
        (at("2024-01-01T01:00Z"), 1800),
    ]
    assert parsed.refused == [(4, Reason.STEP_UNKNOWN)]


def test_civil_days_last_23_24_or_25_hours() -> None:
    used = mapping(time={"columns": ["time"], "formats": ["%Y-%m-%d"], "zone": "Europe/Paris", "step": "day"})
    parsed = parse("meter;time;litres\nA;2024-03-31;1\nA;2024-04-01;1\nA;2024-10-27;1\n", used)
    assert [duration // 3600 for _, _, duration, *_ in parsed.readings] == [23, 24, 25]


def test_civil_months_that_are_stamped_at_their_end_reach_back_one_month() -> None:
    used = mapping(time={"columns": ["time"], "formats": ["%Y-%m-%d"], "zone": "Europe/Paris", "step": "month", "stamp_at": "end"})
    parsed = parse("meter;time;litres\nA;2024-03-01;1\nA;2024-04-01;1\n", used)
    assert [time for _, time, *_ in parsed.readings] == [at("2024-02-01T00:00+01:00"), at("2024-03-01T00:00+01:00")]


def test_one_column_per_meter_gives_one_series_each() -> None:
    used = mapping(identifier_column=None, identifiers_in_header=True, values=[register(column=None)])
    parsed = parse("time;A;B\n2024-01-01T00:00:00Z;1;2\n2024-01-01T01:00:00Z;;x\n", used)
    assert sorted(reading[0] for reading in parsed.readings) == ["A", "B"]
    assert parsed.gaps == [("A", at("2024-01-01T01:00Z"), 3)]
    assert [(problem.row, problem.column) for problem in parsed.problems] == [(3, "B")]


def test_several_channels_share_a_row() -> None:
    day, night = (register(column=name, tariff_slot=name) for name in ("hp", "hc"))
    parsed = Parsed(blocks := list(parse_delimited([b"meter;time;hp;hc\nA;2024-01-01T00:00:00Z;1;2\n"], mapping(values=[day, night]))))
    assert parsed.values == [1000, 2000]
    assert [series.channel.tariff_slot for series in blocks[0].readings.series] == ["hp", "hc"]


def test_rows_of_other_kinds_are_skipped_and_counted() -> None:
    value = register(where=[{"column": "kind", "equals": ["Eau"]}])
    parsed = parse("meter;time;litres;kind\nA;2024-01-01T00:00:00Z;1;EAU\nA;never;1;total\n", mapping(values=[value]))
    assert parsed.counts == Counts(rows=2, readings=1, skipped=1)


def test_units_may_differ_from_row_to_row_and_an_unknown_one_is_refused() -> None:
    rows = ["A;2024-01-01T00:00:00Z;1;m³", "A;2024-01-01T01:00:00Z;1;L", "A;2024-01-01T02:00:00Z;1;gallon", "A;2024-01-01T03:00:00Z;1;kWh"]
    parsed = parse("\n".join(["meter;time;litres;unit", *rows]), mapping(values=[register(unit=None, unit_column="unit")]))
    assert parsed.values == [1_000_000, 1000]
    assert parsed.refused == [(4, Reason.UNKNOWN_UNIT), (5, Reason.UNKNOWN_UNIT)]


def test_the_worst_of_several_quality_columns_counts() -> None:
    quality = [
        {"column": "nature", "values": {"réel": "measured", "estimé": "estimated", "absent": "missing"}},
        {"column": "doubt", "values": {"0": "corrected"}, "otherwise": "suspect"},
    ]
    rows = ["réel;0", "Estime;0", "réel;7", "absent;0", "?;0"]
    text = "\n".join(["meter;time;litres;nature;doubt", *(f"A;2024-01-0{day}T00:00:00Z;1;{row}" for day, row in enumerate(rows, 1))])
    parsed = parse(text, mapping(quality=quality))
    assert [reading[4] for reading in parsed.readings] == [Quality.MEASURED, Quality.ESTIMATED, Quality.SUSPECT]
    assert [gap[2] for gap in parsed.gaps] == [5]
    assert parsed.refused == [(6, Reason.UNKNOWN_QUALITY)]


def test_a_zero_that_means_missing_is_a_gap() -> None:
    parsed = parse("meter;time;litres\nA;2024-01-01T00:00:00Z;0.0\nA;2024-01-01T01:00:00Z;x\n", mapping(zero_is_missing=True))
    assert parsed.counts == Counts(rows=2, gaps=1, problems=1)


def test_repeated_readings_are_passed_on_and_counted() -> None:
    rows = ["A;2024-01-01T00:00:00Z;1", "B;2024-01-01T00:00:00Z;1", "A;2024-01-01T00:00:00Z;1", "A;2024-01-01T00:00:00Z;9"]
    parsed = parse("\n".join(["meter;time;litres", *rows]), mapping())
    assert parsed.counts == Counts(rows=4, readings=4, duplicates=2)


def test_repeats_are_counted_over_the_blocks_of_a_long_file() -> None:
    rows = [
        f"M{number % 7};2024-01-{number // 1440 % 28 + 1:02}T{number // 60 % 24:02}:{number % 60:02}:00Z;{number}"
        for number in range(20_000)
    ]
    text = "\n".join(["meter;time;litres", *rows, *rows, *rows, ""])
    blocks = list(parse_delimited([text.encode()], mapping()))
    assert len(blocks) > 2
    assert Parsed(blocks).counts.duplicates == 40_000


# --- clock changes ---


def local(values: list[str], **time: object) -> Parsed:
    text = "\n".join(["meter;time;litres", *(f"A;{value};1" for value in values)])
    fields = {"columns": ["time"], "formats": ["%Y-%m-%d %H:%M"], "zone": "Europe/Paris"}
    return parse(text, mapping(time={**fields, **time}, values=[register()]))


AUTUMN = "2024-10-27"


def test_the_repeated_hour_is_told_by_the_order_of_the_rows() -> None:
    clocks = ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"]
    parsed = local([f"{AUTUMN} {clock}" for clock in clocks])
    assert [b - a for a, b in pairwise(parsed.times)] == [1800] * 5
    assert {reading[4] for reading in parsed.readings} == {Quality.MEASURED}


def test_the_repeated_hour_is_told_in_files_that_begin_with_the_newest_row() -> None:
    clocks = ["03:30", "03:00", "02:30", "02:00", "02:30", "02:00", "01:30"]
    parsed = local([f"{AUTUMN} {clock}" for clock in clocks])
    assert [a - b for a, b in pairwise(parsed.times)] == [1800] * 6


def test_the_repeated_hour_is_told_although_the_minutes_jitter() -> None:
    parsed = local([f"{AUTUMN} {clock}" for clock in ("00:31", "01:31", "02:31", "02:32", "03:32")])
    assert [b - a for a, b in pairwise(parsed.times)] == [3600, 3600, 3660, 3600]


def test_the_repeated_hour_is_told_meter_by_meter_in_interleaved_rows() -> None:
    rows = [f"{meter};{AUTUMN} {clock};1" for clock in ("01:00", "02:00", "02:00", "03:00") for meter in "AB"]
    used = mapping(time={"columns": ["time"], "formats": ["%Y-%m-%d %H:%M"], "zone": "Europe/Paris"}, values=[register()])
    parsed = parse("\n".join(["meter;time;litres", *rows]), used)
    for meter in "AB":
        times = [reading[1] for reading in parsed.readings if reading[0] == meter]
        assert [b - a for a, b in pairwise(times)] == [3600] * 3


@pytest.mark.parametrize("clocks", [("02:00", "02:30", "02:00", "02:30", "03:00"), ("02:00", "02:30", "03:00", "02:30", "03:00")])
def test_ends_of_intervals_may_name_the_moment_of_the_change_either_way(clocks: tuple[str, ...]) -> None:
    parsed = local([f"{AUTUMN} {clock}" for clock in ("01:30", *clocks, "03:30")], stamp_at="end", step=1800)
    assert [b - a for a, b in pairwise(parsed.times)] == [1800] * 6


def test_an_hour_that_came_once_where_it_should_twice_is_suspect() -> None:
    parsed = local([f"{AUTUMN} {clock}" for clock in ("01:00", "02:00", "03:00")])
    assert [reading[4] for reading in parsed.readings] == [Quality.MEASURED, Quality.SUSPECT, Quality.MEASURED]


def test_a_time_that_the_clock_skipped_is_a_problem() -> None:
    parsed = local([f"2024-03-31 {clock}" for clock in ("01:30", "02:00", "02:30", "03:00")])
    assert parsed.refused == [(3, Reason.NONEXISTENT_LOCAL_TIME), (4, Reason.NONEXISTENT_LOCAL_TIME)]
    assert parsed.times == [at("2024-03-31T00:30Z"), at("2024-03-31T01:00Z")]


def test_the_end_of_the_last_interval_before_the_clock_is_put_forward_may_be_named_02_00() -> None:
    parsed = local(["2024-03-31 01:30", "2024-03-31 02:00", "2024-03-31 03:30"], stamp_at="end")
    assert parsed.times == [at("2024-03-31T00:30Z"), at("2024-03-31T01:00Z"), at("2024-03-31T01:30Z")]


# --- mappings ---


def test_a_mapping_survives_being_saved_as_json() -> None:
    time = {"columns": ["time"], "zone": "Europe/Paris"}
    used = mapping(time=time, day={"step_s": 3600}, values=[register(column=None)], quality=[{"column": "q", "values": {"x": "missing"}}])
    assert mapping_from_json(used.model_dump_json()) == used
    assert '"flux":"water"' in used.model_dump_json()


def violated(build: Callable[[], object]) -> set[str]:
    with pytest.raises(InvalidMapping) as caught:
        build()
    return {violation.field for violation in caught.value.violations}


def test_every_contradiction_of_a_mapping_is_listed() -> None:
    fields = violated(
        lambda: mapping(
            identifier="B",
            header=False,
            thousands_sign=".",
            time={"columns": ["time"], "formats": ["%d/%m %H"], "zone": "Mars/Olympus", "step": 60, "step_column": "step"},
            values=[register(unit="kWh")],
        )
    )
    assert fields == {"identifier", "header", "thousands_sign", "time.formats", "time.zone", "time.step", "values.0.unit"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"values": [register(measures="mean_power", unit="W")]}, "values.0.quantity"),
        ({"values": [register(column=None)]}, "values.0.column"),
        ({"values": []}, "values"),
        ({"delimiter": ";;"}, "delimiter"),
        ({"delimiter": '"'}, "delimiter"),
        ({"identifiers_in_header": True}, "identifier"),
        ({"day": {"step_s": 7000}, "values": [register(column=None)]}, "day.step_s"),
        ({"unknown": 1}, "unknown"),
        ({"time": {"columns": ["time"], "formats": ["%Q"]}}, "time.formats"),
    ],
)
def test_an_impossible_mapping_names_its_field(changes: dict[str, object], field: str) -> None:
    assert field in violated(lambda: mapping(**changes))


def test_json_that_is_no_mapping_is_refused_by_field() -> None:
    assert violated(lambda: mapping_from_json("{")) == {"mapping"}
    assert "time" in violated(lambda: mapping_from_json("{}"))


def test_all_columns_that_a_file_lacks_are_listed() -> None:
    used = mapping(values=[register(), register(column="m3", tariff_slot="x")], quality=[{"column": 9, "values": {}}])
    with pytest.raises(UnknownColumn) as caught:
        parse("meter;when;litres\n", used)
    assert [violation.field for violation in caught.value.violations] == ["time.columns", "quality.0.column", "values.1.column"]


def test_a_column_name_that_stands_twice_is_refused() -> None:
    with pytest.raises(UnknownColumn):
        parse("meter;time;litres;LITRES\n".replace("LITRES", "litres"), mapping())


# --- rows of whole days ---


def days(text: str, **changes: object) -> Parsed:
    day = {"step_s": 3600, "first_column": 3, **changes}
    used = mapping(
        header=False,
        identifier_column=1,
        time={"columns": [2], "formats": ["%Y-%m-%d"], "zone": "Europe/Paris", "stamp_at": "end"},
        values=[register(column=None, measures="interval")],
        day=day,
    )
    return parse(text, used)


def row(day: str, cells: Sequence[object]) -> str:
    return ";".join(["A", day, *map(str, cells)])


def test_a_row_of_24_hours_is_one_civil_day() -> None:
    parsed = days(row("2024-01-01", list(range(24))))
    assert parsed.values == [hour * 1000 for hour in range(24)]
    assert parsed.times[0] == at("2024-01-01T00:00+01:00")
    assert {duration for _, _, duration, *_ in parsed.readings} == {3600}


def test_days_of_23_and_25_hours_fill_as_many_slots() -> None:
    spring = row("2024-03-31", [*range(23), "", ""])
    autumn = row(AUTUMN, list(range(25)))
    usual = row("2024-05-01", [*range(24), ""])
    parsed = days(f"{spring}\n{autumn}\n{usual}", slot_count=25)
    assert len(parsed.readings) == 23 + 25 + 24
    assert all(b - a == 3600 for a, b in pairwise(parsed.times[23:48]))
    assert parsed.counts.problems == parsed.counts.gaps == 0


@pytest.mark.parametrize(("day", "filled"), [("2024-03-31", 24), (AUTUMN, 24), ("2024-05-01", 25)])
def test_a_row_with_more_or_fewer_slots_than_its_day_is_refused_whole(day: str, filled: int) -> None:
    count = 24 if day == AUTUMN else 25
    parsed = days(row(day, [1] * filled + [""] * (count - filled)), slot_count=count)
    assert parsed.refused == [(1, Reason.SLOT_COUNT_MISMATCH)]
    assert not parsed.readings


def test_slots_named_by_the_clock_leave_an_hour_empty_in_spring_and_doubt_one_in_autumn() -> None:
    spring = [1, 1, "", *[1] * 21]
    parsed = days("\n".join([row("2024-03-31", spring), row(AUTUMN, [1] * 24)]), clock_change="clock")
    assert parsed.counts.readings == 23 + 24
    assert parsed.counts.gaps == parsed.counts.problems == 0
    assert [reading[1] for reading in parsed.readings if reading[4] is Quality.SUSPECT] == [at(f"{AUTUMN}T00:00+00:00")]


def test_slots_may_be_named_by_time_with_the_repeated_hour_named_twice() -> None:
    names = ["01:00", "02:00", "03:00", "03:00", *(f"{hour:02}:00" for hour in range(4, 25))]
    used = mapping(
        identifier_column="meter",
        time={"columns": ["day"], "formats": ["%Y-%m-%d"], "zone": "Europe/Paris", "stamp_at": "end"},
        values=[register(column=None, measures="interval")],
        day={"step_s": 3600, "clock_change": "clock"},
    )
    lines = [";".join(["meter", "day", *names]), row(AUTUMN, list(range(25))), row("2024-05-01", [1, 1, 1, "", *[1] * 21])]
    parsed = parse("\n".join(lines), used)
    assert parsed.counts == Counts(rows=2, readings=25 + 24)
    assert all(b - a == 3600 for a, b in pairwise(parsed.times[:25]))


def test_bad_cells_and_bad_dates_of_a_days_row_are_named() -> None:
    rows = [row("2024-01-01", [1, "x", "", *[1] * 21]), row("soon", [1] * 24), row("2024-01-02", [1] * 20), row("2024-01-03", [2] * 24)]
    parsed = days("\n".join(rows))
    assert [(problem.row, problem.column, problem.reason) for problem in parsed.problems] == [
        (1, "4", Reason.NOT_A_NUMBER),
        (2, "2", Reason.BAD_TIME),
        (3, "", Reason.MISSING_COLUMNS),
    ]
    assert parsed.counts == Counts(rows=4, readings=22 + 24, gaps=1, problems=3)
