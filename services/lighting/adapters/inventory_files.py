"""Inventory files: CSV and GeoJSON, to rows of cells and back."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from lighting.domain.failures import FileUnreadable
from lighting.domain.importing import Row

_LONGEST_CELL = 1 << 20


def csv_rows(data: bytes, columns: Sequence[str]) -> Iterator[Row]:
    """Return the rows of a CSV file: UTF-8, comma or semicolon, a header; FileUnreadable before anything is read."""
    text = _text(data)
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip().lower() for name in next(reader)]
    except (StopIteration, csv.Error):
        raise FileUnreadable("line 1 must name the columns", line="1") from None
    _check_columns(header, columns)
    return _csv_rows(reader, header, delimiter)


def _csv_rows(reader: Any, header: Sequence[str], delimiter: str) -> Iterator[Row]:
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line=line, text="", cells=None, fault=str(error))
            continue
        if not cells:
            continue
        text = delimiter.join(cells)
        if len(cells) != len(header):
            yield Row(line=line, text=text, cells=None, fault=f"has {len(cells)} cells, not {len(header)}")
        else:
            yield Row(line=line, text=text, cells=dict(zip(header, cells, strict=True)))


def geojson_rows(data: bytes, columns: Sequence[str]) -> Iterator[Row]:
    """Return the features of a GeoJSON file of points, whose properties are the columns; FileUnreadable."""
    try:
        collection = json.loads(_text(data))
        features: Any = collection["features"]
    except (ValueError, KeyError, TypeError):
        raise FileUnreadable("the file is no GeoJSON feature collection") from None
    if type(features) is not list:
        raise FileUnreadable("`features` is no list")
    return (_feature(number, feature, columns) for number, feature in enumerate(cast("list[Any]", features), 1))


def _feature(number: int, feature: Any, columns: Sequence[str]) -> Row:
    text = json.dumps(feature, ensure_ascii=False)
    try:
        longitude, latitude = feature["geometry"]["coordinates"][:2]
        properties: dict[str, Any] = feature["properties"]
        point = feature["geometry"]["type"] == "Point"
    except (KeyError, TypeError, ValueError):
        return Row(line=number, text=text, cells=None, fault="needs a point and properties")
    unknown = [name for name in properties if name not in columns]
    if not point or unknown:
        fault = f"there is no column {unknown[0]!r}" if unknown else "is no point"
        return Row(line=number, text=text, cells=None, fault=fault)
    cells = {name: "" if value is None else str(value) for name, value in properties.items()}
    return Row(line=number, text=text, cells={**cells, "latitude": str(latitude), "longitude": str(longitude)})


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise FileUnreadable(f"line {line} is not UTF-8", line=str(line)) from None


def _check_columns(header: Sequence[str], columns: Sequence[str]) -> None:
    for name in header:
        if name not in columns:
            raise FileUnreadable(f"there is no column {name!r}, but {', '.join(columns)}", line="1", column=name)
        if header.count(name) > 1:
            raise FileUnreadable(f"the column {name!r} stands there twice", line="1", column=name)


def csv_file(rows: Iterable[Mapping[str, str]], columns: Sequence[str]) -> bytes:
    """Return a CSV file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def geojson_file(rows: Iterable[Mapping[str, str]]) -> bytes:
    """Return a GeoJSON feature collection of points."""
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [float(row["longitude"]), float(row["latitude"])]},
            "properties": {name: value for name, value in row.items() if name not in ("latitude", "longitude")},
        }
        for row in rows
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False).encode()
