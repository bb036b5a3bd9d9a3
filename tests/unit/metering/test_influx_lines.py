"""Readings as line protocol and back, and the ledger that both are compared with; no server."""

import numpy as np
import pytest

from metering.adapters.influx_store import ledger
from metering.adapters.influx_store.lines import LINES_PER_WRITE, reading_lines, superseded_lines, tags_of
from metering.adapters.influx_store.server import _tables
from metering.domain.series.columns import ReadingKind, SeriesName, Versions, columns_of
from metering.domain.series.failures import ReadingsAway
from vocabulary.names import PointId, TerritoryId
from vocabulary.quality import Quality

MARCH = 1_772_323_200
HOUR = 3_600


def tags(series: int) -> str:
    name = SeriesName(territory=TerritoryId("town"), meter=PointId("ab"[series]), channel="a b,c=d", kind=ReadingKind.INTERVAL)
    return tags_of(name)


def versions(*rows: tuple[int, int, int, Quality, int]) -> Versions:
    columns = columns_of([(series, MARCH + hour * HOUR, HOUR, value, quality) for series, hour, value, quality, _ in rows])
    return Versions(columns=columns, sequence=np.array([row[4] for row in rows], np.int64))


def test_a_reading_is_one_line_with_tags_escaped_and_whole_numbers() -> None:
    (text,) = reading_lines(versions((1, 0, 2**60 + 1, Quality.MEASURED, 7)), tags, judged=False)
    expected = (
        r"reading,meter=b,channel=a\ b\,c\=d,kind=interval value=1152921504606846977i,duration=3600i,quality=2i,sequence=7i 1772323200"
    )
    assert text.decode() == expected


def test_lines_keep_the_order_of_rows_and_come_in_texts_of_a_few_thousand() -> None:
    rows = [(at // 10_000, at % 10_000, at, Quality.ESTIMATED if at % 3 else Quality.MEASURED, at // 50) for at in range(20_000)]
    texts = [text.decode().split("\n") for text in reading_lines(versions(*rows), tags, judged=False)]
    assert [len(text) for text in texts] == [LINES_PER_WRITE, LINES_PER_WRITE, 20_000 - 2 * LINES_PER_WRITE]
    lines = [line for text in texts for line in text]
    for (series, hour, value, quality, sequence), line in zip(rows, lines, strict=True):
        assert line == (
            f"reading,{tags(series)} value={value}i,duration=3600i,quality={int(quality)}i,sequence={sequence}i {MARCH + hour * HOUR}"
        )


def test_a_judged_reading_says_whether_it_is_suspect() -> None:
    rows = versions((0, 0, 5, Quality.SUSPECT, 1), (0, 1, 6, Quality.CORRECTED, 2))
    (text,) = reading_lines(rows, tags, judged=True)
    suspect, sound = text.decode().split("\n")
    assert "value=5i,suspect=1i,unusable=5i,duration" in suspect
    assert "value=6i,suspect=0i,unusable=0i,duration" in sound


def test_versions_of_one_reading_are_ranked_by_arrival() -> None:
    rows = versions((0, 0, 7, Quality.MEASURED, 3), (0, 0, 6, Quality.MEASURED, 2), (0, 1, 9, Quality.ESTIMATED, 1))
    lines = [line for text in superseded_lines(rows, tags) for line in text.decode().split("\n")]
    ranked = [(line.split(",rank=")[1].split(" ")[0], line.split("value=")[1].split("i")[0]) for line in lines]
    assert sorted(ranked) == [("0", "6"), ("0", "9"), ("1", "7")]


def test_a_ledger_entry_grows_as_if_all_had_come_at_once() -> None:
    rows = [(0, hour, hour * hour, Quality.SUSPECT if hour == 5 else Quality.MEASURED, hour) for hour in range(20)]
    (whole,) = ledger.entries_of(versions(*rows))
    (first,), (second,) = ledger.entries_of(versions(*rows[:8])), ledger.entries_of(versions(*rows[8:]))
    assert ledger.added(first, second) == whole
    assert whole.summary[1:4] == (20, 19, sum(hour * hour for hour in range(20)) - 25)


@pytest.mark.parametrize("changed", [(0, 3, 9, Quality.MEASURED, 4), (0, 3, 8, Quality.ESTIMATED, 4), (0, 3, 8, Quality.MEASURED, 5)])
def test_a_digest_tells_values_qualities_and_sequences_apart(changed: tuple[int, int, int, Quality, int]) -> None:
    (one,) = ledger.entries_of(versions((0, 3, 8, Quality.MEASURED, 4)))
    (other,) = ledger.entries_of(versions(changed))
    assert one.digest != other.digest


def test_an_answer_is_read_table_by_table() -> None:
    body = (
        ',result,table,_time,_value\r\n,,0,2026-03-01T00:00:00Z,1\r\n,,1,2026-03-01T01:00:00Z,2\r\n\r\n,result,table,rank\r\n,,0,"a,b"\r\n'
    )
    first, second = _tables(body)
    assert (first.header[1:], len(first.rows), second.rows[0][3]) == (["result", "table", "_time", "_value"], 2, "a,b")


def test_an_error_within_an_answer_is_raised() -> None:
    with pytest.raises(ReadingsAway, match="out of memory"):
        list(_tables(",result,table,_value\r\n,,0,1\r\n\r\n,error,reference\r\n,out of memory,897\r\n"))
