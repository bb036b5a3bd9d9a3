"""Filed readings in InfluxDB, asked in Flux; what no month of the ledger can hold is not asked at all."""

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from metering.adapters.influx_store import ledger
from metering.adapters.influx_store.lines import FIELDS, KINDS, READING, SUPERSEDED
from metering.adapters.influx_store.server import InfluxServer, Table
from metering.adapters.series_store import chunk
from metering.adapters.series_store.numbering import Numbering
from metering.domain.series.batch import MonthTotals
from metering.domain.series.columns import Columns, Int32, Int64, ReadingKind, SeriesName, Versions, columns_of, joined_versions
from metering.domain.series.failures import ReadingsAway
from vocabulary.names import PointId, TerritoryId
from vocabulary.quality import Quality

_SERIES_PER_QUERY = 100
_KIND_OF = {text: kind for kind, text in KINDS.items()}

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Values of one field and measurement, in one row each: `series`, `rank` of a superseded version, `time`, `value`, `field`."""

    series: Int32
    rank: Int64
    time: Int64
    value: Int64
    field: Int64
    superseded: NDArray[np.bool_]


class InfluxFiled:
    """Implements `Filed` over one server; `forgotten` are erasures that the server has not done yet: they are kept out of every answer."""

    def __init__(self, server: InfluxServer, numbering: Numbering) -> None:
        """Know no erasure that is due."""
        self._server = server
        self._numbering = numbering
        self.forgotten: dict[int, list[Span]] = {}

    def versions(self, connection: sqlite3.Connection, series: Int32, start: Int64, end: Int64, *, for_writer: bool) -> Versions:
        """Return every version; while the server is away, the writer takes every reading for new: filing tells them apart later."""
        if not len(series):
            return joined_versions([])
        span = (int(start.min()), int(end.max()))
        try:
            kept, others = self.found(connection, series, span)
        except ReadingsAway:
            if for_writer:
                return joined_versions([])
            raise
        found = joined_versions([kept.take(kept.columns.quality != Quality.SUSPECT), others])
        at = np.searchsorted(series, found.columns.series)
        return found.take((found.columns.time >= start[at]) & (found.columns.time < end[at]))

    def kept(self, connection: sqlite3.Connection, series: int, start: int, end: int) -> Versions:
        """Return what holds."""
        return self.found(connection, np.array([series], np.int32), (start, end), kept_alone=True)[0]

    def found(self, connection: sqlite3.Connection, series: Int32, span: Span, *, kept_alone: bool = False) -> tuple[Versions, Versions]:
        """Return what holds, ordered by series and time, and the versions beside it; of some series with times in a span."""
        months = ledger.months_of(connection, series.tolist(), *span)
        if not months:
            return joined_versions([]), joined_versions([])
        inside = (max(span[0], chunk.month_start(months[0])), min(span[1], chunk.month_start(months[-1] + 1)))
        measurements = (READING,) if kept_alone else (READING, SUPERSEDED)
        try:
            tables = [table for part in _parts(series) for table in self._tables(part, inside, measurements)]
        except ReadingsAway as failure:
            raise self._lacking(connection, series, months, inside, failure) from failure
        return self._without_forgotten(_versions(tables, superseded=False)), self._without_forgotten(_versions(tables, superseded=True))

    def whole(self, series: Int32, span: Span) -> tuple[Versions, Versions]:
        """Return what holds and the versions beside it, whatever the ledger says; the buckets are made where there are none."""
        for territory in self._territories(series.tolist()):
            self._server.provision(territory)
        tables = [table for part in _parts(series) for table in self._tables(part, span, (READING, SUPERSEDED))]
        return _versions(tables, superseded=False), _versions(tables, superseded=True)

    def totals(self, connection: sqlite3.Connection, month: int) -> tuple[MonthTotals, Int64]:
        """Return counts and sums that the server computes."""
        self._require_erased()
        keys = (chunk.key_of(0, month), chunk.key_of(0, month + 1))
        filed = [row[0] & chunk.MOST_SERIES - 1 for row in connection.execute("SELECT id FROM summary WHERE id >= ? AND id < ?", keys)]
        if not filed:
            return _totals({}), np.empty(0, np.int64)
        span = (chunk.month_start(month), chunk.month_start(month + 1))
        sums: dict[int, list[int]] = {}
        try:
            for territory in self._territories(filed):
                self._add_totals(territory, span, sums)
        except ReadingsAway as failure:
            raise self._lacking(connection, np.array(filed, np.int32), [month], span, failure) from failure
        totals = _totals(sums)
        # After the sums: where they hold what the ledger does not know yet, the readings that wait here must not be added to them.
        entries = ledger.entries(connection, [chunk.key_of(one, month) for one in totals.series.tolist()])
        last = [
            entry.summary[4] if entry is not None and entry.summary[1] == count else chunk.LAST_TIME_S
            for entry, count in zip(
                (entries.get(chunk.key_of(one, month)) for one in totals.series.tolist()), totals.count.tolist(), strict=True
            )
        ]
        return totals, np.array(last, np.int64)

    def latest(self, connection: sqlite3.Connection, series: Int32, time: Int64) -> Columns:
        """Return the last rows, which the server picks."""
        self._require_erased()
        if not len(series) or connection.execute("SELECT max(id) FROM summary").fetchone()[0] is None:
            return columns_of(())
        span = (int(time.min()), int(time.max()) + 1)
        try:
            tables = [
                found
                for territory in self._territories(series.tolist())
                for found in self._asked(territory, f"{_selected(span, (READING,), '')}\n  |> last()\n  {_KEEP}")
            ]
        except ReadingsAway as failure:
            month = chunk.month_of(time).tolist()
            raise self._lacking(connection, series, sorted(set(month)), span, failure) from failure
        kept = _versions(tables, superseded=False).columns
        last = np.full(int(max(series.max(), kept.series.max(initial=-1))) + 1, -1, np.int64)
        last[series] = time
        return kept.take(last[kept.series] == kept.time)

    def count(self, series: int, span: Span) -> int:
        """Return how many versions the server holds of a series with times in a span."""
        territory, name = self._name(series)
        query = f'{_selected(span, (READING, SUPERSEDED), _one(name), fields=("value",))}\n  |> count()\n  |> keep(columns: ["_value"])'
        return sum(int(row[table.header.index("_value")]) for table in self._rows(territory, query) for row in table.rows)

    def erase(self, series: int, span: Span) -> None:
        """Erase all versions of a series with times in a span."""
        territory, name = self._name(series)
        first, last = max(span[0], 0), min(span[1], chunk.LAST_TIME_S)
        tags = {"meter": name.meter, "channel": name.channel, "kind": KINDS[name.kind]}
        self._server.erase(territory, first, last, " AND ".join(f"{tag}={_quoted(value)}" for tag, value in tags.items()))

    def _tables(self, series: Int32, span: Span, measurements: Sequence[str]) -> Iterator[_Found]:
        names = self._numbering.names(series)
        for territory, of in groupby(sorted(names, key=lambda name: (name.territory, name.meter)), key=lambda name: name.territory):
            group = list(of)
            # What is asked of one series need not be named in every row of the answer.
            keep = _KEEP if len(group) > 1 else _KEEP_OF_ONE
            yield from self._asked(territory, f"{_selected(span, measurements, _any_of(group))}\n  {keep}", wanted=group)

    def _asked(self, territory: TerritoryId, query: str, *, wanted: Sequence[SeriesName] = ()) -> Iterator[_Found]:
        for table in self._rows(territory, query):
            yield self._found(territory, table, wanted)

    def _rows(self, territory: TerritoryId, query: str) -> Iterator[Table]:
        yield from self._server.rows(f"from(bucket: {_quoted(self._server.bucket(territory))})\n  {query}")

    def _found(self, territory: TerritoryId, table: Table, wanted: Sequence[SeriesName]) -> _Found:
        at = {name: table.header.index(name) for name in table.header}
        among = frozenset(wanted)
        column = list(zip(*table.rows, strict=True))
        number = np.array(column[at["table"]], np.int64)
        starts = np.flatnonzero(np.diff(number, prepend=-1))
        lengths = np.diff(np.append(starts, len(number)))
        heads = [table.rows[start] for start in starts.tolist()]
        names = list(wanted) * len(heads) if len(wanted) == 1 else [_named(territory, row, at) for row in heads]
        series = self._numbering.find(names)
        if wanted:
            series = np.where([name in among for name in names], series, -1)
        rank = [int(row[at["rank"]] or 0) if "rank" in at else 0 for row in heads]
        # Texts are cut before the Z, which numpy would complain of.
        time = np.array(column[at["_time"]], "U19").astype("datetime64[s]").astype(np.int64)
        return _Found(
            series=np.repeat(series, lengths).astype(np.int32),
            rank=np.repeat(np.array(rank, np.int64), lengths),
            time=time,
            value=np.array(column[at["_value"]]).astype(np.int64),
            field=np.repeat(np.array([FIELDS.index(row[at["_field"]]) for row in heads], np.int64), lengths),
            superseded=np.repeat(np.array([row[at["_measurement"]] == SUPERSEDED for row in heads], np.bool_), lengths),
        )

    def _add_totals(self, territory: TerritoryId, span: Span, sums: dict[int, list[int]]) -> None:
        keep = 'keep(columns: ["_field", "_value", "meter", "channel", "kind"])'
        source = f"from(bucket: {_quoted(self._server.bucket(territory))})"
        asked = {"count": ("value",), "sum": ("value", "unusable", "suspect")}
        # Each from its own source: the server computes counts and sums where the readings are only for a source with one use.
        queries = [
            f'{source} {_selected(span, (READING,), "", fields=fields)} |> {of}() |> {keep} |> yield(name: "{of}")'
            for of, fields in asked.items()
        ]
        for table in self._server.rows("\n".join(queries)):
            at = {name: table.header.index(name) for name in table.header}
            names = [_named(territory, row, at) for row in table.rows]
            for row, series in zip(table.rows, self._numbering.find(names).tolist(), strict=True):
                of = sums.setdefault(series, [0, 0, 0])
                value = int(row[at["_value"]])
                match row[at["result"]], row[at["_field"]]:
                    case "count", _:
                        of[0] += value
                        of[1] += value
                    case _, "suspect":
                        of[1] -= value
                    case _, "unusable":
                        of[2] -= value
                    case _:
                        of[2] += value

    def _without_forgotten(self, versions: Versions) -> Versions:
        for series, spans in self.forgotten.items():
            for start, end in spans:
                columns = versions.columns
                versions = versions.take(~((columns.series == series) & (columns.time >= start) & (columns.time < end)))
        return versions

    def _require_erased(self) -> None:
        if self.forgotten:
            raise ReadingsAway("readings that were forgotten are not erased by InfluxDB yet", erasures=str(len(self.forgotten)))

    def _name(self, series: int) -> tuple[TerritoryId, SeriesName]:
        (name,) = self._numbering.names(np.array([series], np.int32))
        return name.territory, name

    def _territories(self, series: Sequence[int]) -> list[TerritoryId]:
        return sorted({name.territory for name in self._numbering.names(np.array(series, np.int32))})

    def _lacking(
        self, connection: sqlite3.Connection, series: Int32, months: Sequence[int], span: Span, failure: ReadingsAway
    ) -> ReadingsAway:
        """Say what an answer would lack: how many filed readings, of when."""
        keys = [chunk.key_of(one, month) for one in series.tolist() for month in months]
        readings = sum(entry.summary[1] for entry in ledger.entries(connection, keys).values())
        first, last = (datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds") for at in span)
        return ReadingsAway(
            f"{failure.message}; it keeps {readings} filed readings between {first} and {last} that the answer would lack; nothing is lost",
            server=self._server.address.url,
            lacking=str(readings),
            lacking_from=first,
            lacking_until=last,
        )


_KEEP_OF_ONE = '|> keep(columns: ["_time", "_value", "_field", "_measurement", "rank"])'
_KEEP = '|> keep(columns: ["_time", "_value", "_field", "_measurement", "meter", "channel", "kind", "rank"])'


def _parts(series: Int32) -> Iterator[Int32]:
    for start in range(0, len(series), _SERIES_PER_QUERY):
        yield series[start : start + _SERIES_PER_QUERY]


def _selected(span: Span, measurements: Sequence[str], which: str, *, fields: Sequence[str] = FIELDS) -> str:
    measured = " or ".join(f'r._measurement == "{one}"' for one in measurements)
    fielded = " or ".join(f'r._field == "{one}"' for one in fields)
    more = f" and {which}" if which else ""
    return f"|> range(start: {span[0]}, stop: {span[1]})\n  |> filter(fn: (r) => ({measured}) and ({fielded}){more})"


def _any_of(names: Sequence[SeriesName]) -> str:
    if len(names) == 1:
        return _one(names[0])
    meters = "|".join(sorted({re.escape(name.meter).replace("/", "\\/") for name in names}))
    return f"r.meter =~ /^(?:{meters})$/"


def _one(name: SeriesName) -> str:
    return f"r.meter == {_quoted(name.meter)} and r.channel == {_quoted(name.channel)} and r.kind == {_quoted(KINDS[name.kind])}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("${", "\\${")


def _named(territory: TerritoryId, row: Sequence[str], at: Mapping[str, int]) -> SeriesName:
    kind = _KIND_OF.get(row[at["kind"]], ReadingKind.INTERVAL)
    return SeriesName(territory=territory, meter=PointId(row[at["meter"]]), channel=row[at["channel"]], kind=kind)


def _versions(tables: Sequence[_Found], *, superseded: bool) -> Versions:
    """Put the fields of each reading together; a reading that lacks one is no reading of ours."""
    if not tables:
        return joined_versions([])
    series, rank, time, value, field, beside = (
        np.concatenate([getattr(table, name) for table in tables]) for name in ("series", "rank", "time", "value", "field", "superseded")
    )
    rows = (beside == superseded) & (series >= 0)
    # Rows lie field by field; in this order, each field has the same readings at the same places.
    at = np.flatnonzero(rows)
    at = at[np.lexsort((rank[at], time[at], series[at], field[at]))]
    if len(at) % len(FIELDS):
        raise ReadingsAway(_FIELD_MISSING)
    by_field = at.reshape(len(FIELDS), -1)
    if any((column[by_field] != column[by_field[0]]).any() for column in (series, time, rank)) or (np.diff(field[by_field], axis=1)).any():
        raise ReadingsAway(_FIELD_MISSING)
    quantity, duration, quality, sequence = value[by_field]
    columns = Columns(
        series=series[by_field[0]],
        time=time[by_field[0]],
        duration=duration.astype(np.int32),
        value=quantity,
        quality=quality.astype(np.int8),
    )
    return Versions(columns=columns, sequence=sequence)


_FIELD_MISSING = "InfluxDB holds readings that lack a field: something else writes to the bucket"


def _totals(sums: dict[int, list[int]]) -> MonthTotals:
    table = np.array([[series, *sums[series]] for series in sorted(sums) if series >= 0], np.int64).reshape(-1, 4)
    return MonthTotals(series=table[:, 0].astype(np.int32), count=table[:, 1], used=table[:, 2], total=table[:, 3])
