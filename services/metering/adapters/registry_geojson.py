"""Registry files as GeoJSON: a FeatureCollection (RFC 7946) whose properties are the CSV's columns, read one feature at a time."""

import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from json.decoder import JSONDecoder
from typing import IO, Any, NoReturn, TypeVar, cast
from zoneinfo import ZoneInfo

from metering.adapters import registry_place_cells, registry_point_cells
from metering.domain.registry.drafts import MAX_ROW_CHARACTERS, PlaceDraft, PointDraft, Refused, RowDraft
from metering.domain.registry.failures import FileRefused, InvalidOutline, InvalidValue, MalformedRow
from metering.domain.registry.importing import refused
from metering.domain.registry.places import Place
from metering.domain.registry.points import MeteringPoint
from metering.domain.registry.reference_rows import ReferenceRow, ReferenceTable
from vocabulary.failure import Failure
from vocabulary.names import PlaceId

D = TypeVar("D", PlaceDraft, PointDraft)

MAX_FEATURE_CHARACTERS = 2 << 20
_BLOCK = 1 << 18
_SPACES = re.compile(r"[ \t\r\n]+")
_POSITION_LENGTHS = (2, 3)
_WGS84 = ("CRS84", "EPSG::4326", "EPSG:4326")


class GeojsonFiles:
    """Reads and writes registry files as GeoJSON."""

    def places(self, file: IO[bytes], zone: ZoneInfo) -> Iterator[PlaceDraft | Refused]:
        """Yield the features of a file of places; FileRefused, even after some features where the file is broken further down."""

        def draft(number: int, row: str, cells: Mapping[str, str]) -> PlaceDraft:
            return PlaceDraft(line=number, row=row, id=cells.get("id", "").strip(), fields=registry_place_cells.place_fields(cells, zone))

        return _drafts(file, registry_place_cells.COLUMNS, draft)

    def points(self, file: IO[bytes], zone: ZoneInfo) -> Iterator[PointDraft | Refused]:
        """Yield the features of a file of metering points; FileRefused, even after some features where the file is broken further down."""

        def draft(number: int, row: str, cells: Mapping[str, str]) -> PointDraft:
            return PointDraft(line=number, row=row, id=cells.get("id", "").strip(), fields=registry_point_cells.point_fields(cells, zone))

        return _drafts(file, registry_point_cells.COLUMNS, draft)

    def rows(self, file: IO[bytes], table: ReferenceTable) -> Iterator[RowDraft | Refused]:
        """Refuse: rows of a reference table are nowhere on the earth."""
        del file
        raise _no_rows(table)

    def written_places(self, places: Iterator[Sequence[Place]], zone: ZoneInfo, root: PlaceId) -> Iterator[bytes]:
        """Yield the bytes of a file of these places."""
        return _written([_place_feature(registry_place_cells.place_cells(place, zone, root)) for place in page] for page in places)

    def written_points(self, points: Iterator[Sequence[MeteringPoint]], zone: ZoneInfo) -> Iterator[bytes]:
        """Yield the bytes of a file of these points."""
        return _written([_feature(registry_point_cells.point_cells(point, zone), None) for point in page] for page in points)

    def written_rows(self, rows: Sequence[ReferenceRow], table: ReferenceTable) -> Iterator[bytes]:
        """Refuse: rows of a reference table are nowhere on the earth."""
        del rows
        raise _no_rows(table)


def _no_rows(table: ReferenceTable) -> FileRefused:
    return FileRefused("rows of a reference table are CSV only", table=table.name)


def _written(pages: Iterable[Sequence[Mapping[str, Any]]]) -> Iterator[bytes]:
    start = '{"type":"FeatureCollection","features":['
    for page in pages:
        for feature in page:
            yield (start + "\n" + json.dumps(feature, ensure_ascii=False, separators=(",", ":"))).encode()
            start = ","
    yield ("\n]}\n" if start == "," else start + "]}\n").encode()


def _place_feature(cells: dict[str, str]) -> Mapping[str, Any]:
    outline = cells.pop("outline")
    if outline:
        return _feature(cells, json.loads(outline))
    latitude, longitude = cells.pop("latitude"), cells.pop("longitude")
    if latitude:
        return _feature(cells, {"type": "Point", "coordinates": [float(longitude), float(latitude)]})
    return _feature(cells, None)


def _feature(cells: Mapping[str, str], geometry: object) -> Mapping[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": dict(cells)}


@dataclass(frozen=True, kw_only=True, slots=True)
class _AsRead:
    """A feature that nobody could read further."""

    line: int
    row: str


def _drafts(file: IO[bytes], columns: Sequence[str], draft: Callable[[int, str, Mapping[str, str]], D]) -> Iterator[D | Refused]:
    for number, (feature, text) in enumerate(_Collection(file).features(), start=1):
        row = text[:MAX_ROW_CHARACTERS]
        try:
            yield draft(number, row, _cells(feature, columns))
        except Failure as failure:
            yield refused(_AsRead(line=number, row=row), failure)


def _cells(feature: object, columns: Sequence[str]) -> dict[str, str]:
    members = cast("dict[str, object]", feature) if isinstance(feature, dict) else {}
    properties = members.get("properties")
    if members.get("type") != "Feature" or not isinstance(properties, dict):
        raise MalformedRow("", "is not a Feature with properties")
    cells: dict[str, str] = {}
    for name, value in cast("dict[str, object]", properties).items():
        if name not in columns:
            raise MalformedRow(name, f"there is no column {name!r}, but {', '.join(columns)}")
        cells[name] = _cell(name, value)
    if "id" in members and not cells.get("id"):
        cells["id"] = _cell("id", members["id"])
    return {**cells, **_geometry_cells(members.get("geometry"), columns)}


def _cell(name: str, value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() | float():
            return repr(value)
        case _:
            raise InvalidValue(name, "must be text, a number, true, false or null")


def _geometry_cells(geometry: object, columns: Sequence[str]) -> dict[str, str]:
    if geometry is None or "outline" not in columns:
        return {}
    members = cast("dict[str, object]", geometry) if isinstance(geometry, dict) else {}
    if members.get("type") != "Point":
        return {"outline": json.dumps(geometry)}
    coordinates = members.get("coordinates")
    numbers = cast("list[object]", coordinates) if isinstance(coordinates, list) else []
    if len(numbers) not in _POSITION_LENGTHS or not all(isinstance(number, int | float) for number in numbers):
        raise InvalidOutline("outline_geojson", "a position is longitude, then latitude")
    return {"longitude": repr(numbers[0]), "latitude": repr(numbers[1])}


class _Collection:
    """A FeatureCollection in a file, of which only as much as one feature and one block is in memory."""

    def __init__(self, file: IO[bytes]) -> None:
        file.seek(0)
        self._blocks = iter(lambda: file.read(_BLOCK), b"")
        self._decode = codecs.getincrementaldecoder("utf-8-sig")()
        self._decoder = JSONDecoder(parse_constant=_no_number)
        self._buffer = ""
        self._at = 0
        self._ended = False

    def features(self) -> Iterator[tuple[object, str]]:
        """Yield each feature, and how it is written."""
        self._expect("{")
        seen = False
        more = not self._accept("}")
        while more:
            name, _ = self._value()
            self._expect(":")
            if name == "features":
                seen = True
                yield from self._list()
            else:
                _check_member(name, self._value()[0])
            more = self._accept(",")
            if not more:
                self._expect("}")
        if self._next() or not seen:
            raise FileRefused("the file is not one FeatureCollection")

    def _list(self) -> Iterator[tuple[object, str]]:
        self._expect("[")
        if self._accept("]"):
            return
        while True:
            yield self._value()
            if not self._accept(","):
                self._expect("]")
                return

    def _value(self) -> tuple[object, str]:
        """Return the next value, and how it is written."""
        while True:
            self._next()
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
            except (ValueError, RecursionError) as error:
                if self._ended or isinstance(error, RecursionError):
                    raise FileRefused(f"the file is not JSON: {error}") from None
            else:
                # A number at the end of what was read may go on in the next block.
                if self._ended or end < len(self._buffer):
                    text = self._buffer[self._at : end]
                    self._at = end
                    return value, text
            if len(self._buffer) - self._at > MAX_FEATURE_CHARACTERS:
                raise FileRefused(f"the file is not JSON, or a feature is longer than {MAX_FEATURE_CHARACTERS:,} characters")
            self._read()

    def _next(self) -> str:
        """Return the next character that is no space, empty at the end."""
        while True:
            spaces = _SPACES.match(self._buffer, self._at)
            self._at = self._at if spaces is None else spaces.end()
            if self._at < len(self._buffer) or self._ended:
                return self._buffer[self._at : self._at + 1]
            self._read()

    def _accept(self, sign: str) -> bool:
        if self._next() != sign:
            return False
        self._at += 1
        return True

    def _expect(self, sign: str) -> None:
        if not self._accept(sign):
            raise FileRefused(f"the file is not a FeatureCollection: {sign!r} is missing")

    def _read(self) -> None:
        block = next(self._blocks, b"")
        self._ended = not block
        try:
            self._buffer = self._buffer[self._at :] + self._decode.decode(block, final=self._ended)
        except UnicodeDecodeError:
            raise FileRefused("the file is not UTF-8") from None
        self._at = 0


def _check_member(name: object, value: object) -> None:
    if name == "type" and value != "FeatureCollection":
        raise FileRefused("the file is not a FeatureCollection", type=str(value))
    if name == "crs" and not any(known in json.dumps(value) for known in _WGS84):
        raise FileRefused("coordinates must be WGS 84, longitude first (RFC 7946)")


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")
