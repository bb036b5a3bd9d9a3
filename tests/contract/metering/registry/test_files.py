"""Registry files in and out over a real channel."""

import json
import random
from typing import Any
from uuid import uuid4

import grpc
import pytest

from multiflux.metering.v1 import metering_point_pb2
from multiflux.metering.v1 import registry_service_pb2 as pb
from multiflux.type.v1.place_level_pb2 import PLACE_LEVEL_COMMUNE
from multiflux.type.v1.quantity_pb2 import DIRECTION_IMPORT, QUANTITY_VOLUME
from runtime.statuses import failure_details
from vocabulary.role import Role

PLACES = pb.REGISTRY_CONTENT_PLACES
POINTS = pb.REGISTRY_CONTENT_METERING_POINTS
CSV = pb.REGISTRY_FORMAT_CSV
GEOJSON = pb.REGISTRY_FORMAT_GEOJSON

TREE = """id,level,display_name,parents,identifiers,premise,area_square_metres
north,commune,Nord,,insee:43001,,
n-street,street,"Rue ""Haute"", la",insee:43001,,,
home-1,premise,,n-street@2015-01-01/,,dwelling,60
school,premise,École,n-street@2015-01-01/2020-01-01|north@2020-01-01/,,public_site,1200
"""


async def sent(
    town: Any, text: str | bytes, *, content: Any = PLACES, written: Any = CSV, **fields: Any
) -> list[pb.ImportRegistryResponse]:
    block = fields.pop("block", 1 << 20)
    description = pb.ImportDescription(content=content, format=written, **fields)
    return await town.administrator.import_file(description, text.encode() if isinstance(text, str) else text, block=block)


async def refusal_of(town: Any, text: str | bytes, **fields: Any) -> Any:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await sent(town, text, **fields)
    return failure_details(refused.value)


def counts(responses: list[pb.ImportRegistryResponse]) -> tuple[int, int, int, int, int]:
    last = responses[-1]
    assert [response.done for response in responses] == [False] * (len(responses) - 1) + [True]
    return last.row_count, last.created_count, last.updated_count, last.unchanged_count, last.refused_count


def refused_rows(responses: list[pb.ImportRegistryResponse]) -> list[tuple[int, str, str]]:
    return sorted((row.line, row.column, row.reason) for response in responses for row in response.refused_rows)


async def export(town: Any, content: Any, written: Any = CSV) -> bytes:
    return await town.administrator.export_file(pb.ExportRegistryRequest(content=content, format=written))


async def test_a_file_makes_places_and_sent_again_changes_nothing(town: Any) -> None:
    assert counts(await sent(town, TREE)) == (4, 4, 0, 0, 0)
    assert counts(await sent(town, TREE)) == (4, 0, 0, 4, 0)
    school = await town.administrator.place("school")
    assert (school.etag, school.public_site.area_square_metres) == ("v1", 1200)
    assert [parent.parent for parent in school.parents] == ["places/n-street", "places/north"]
    assert (await town.administrator.place("n-street")).display_name == 'Rue "Haute", la'
    assert await town.administrator.place_names(within="places/north") == ["home-1", "n-street", "school"]


async def test_semicolons_a_mark_and_small_blocks_make_no_difference(town: Any) -> None:
    await sent(town, TREE)
    marked = "\ufeff" + TREE.replace('"Rue ""Haute"", la"', "'Rue'").replace(",", ";").replace("\n", "\r\n")
    assert counts(await sent(town, marked, block=7)) == (4, 0, 1, 3, 0)


async def test_children_may_stand_before_their_parents_however_deep(town: Any) -> None:
    head, *rows = TREE.splitlines(keepends=True)
    assert counts(await sent(town, head + "".join(reversed(rows)))) == (4, 4, 0, 0, 0)
    points = ["id,flux,places,parents\n"] + [f"m{n},water,north,m{n + 1}\n" for n in range(40)] + ["m40,water,north,\n"]
    assert counts(await sent(town, "".join(points), content=POINTS)) == (41, 41, 0, 0, 0)


async def test_children_of_other_batches_find_their_parents_too(town: Any) -> None:
    rows = [f"p{number:05},premise,b{number // 10:04}\n" for number in range(5_200)] + [
        f"b{number:04},building,\n" for number in range(520)
    ]
    file = "id,level,parents\n" + "".join(rows)
    rehearsed = await sent(town, file, validate_only=True)
    responses = await sent(town, file)
    assert counts(rehearsed) == counts(responses) == (5_720, 5_720, 0, 0, 0)
    assert len(await town.administrator.place_names(page_size=1000, within="places/b0007")) == 10


async def test_every_refused_row_is_reported_with_line_column_and_reason(town: Any) -> None:
    await sent(town, TREE)
    file = """id,level,display_name,parents,latitude,longitude,outline,identifiers,premise,occupants
ok,building,"two
lines of a file",north,,,,,,
fine,building,,north,45.2,3.1,,,,
x1,castle,,north,,,,,,
x2,building,,nowhere,,,,,,
x3,building,,home-1,,,,,,
x4,building,,north,95,3.1,,,,
x5,building,,north,45.2,,,,,
x6,building,,north,,,"{""type"":""Blob""}",,,
x7,building,,north,,,,insee:1,,
x8,building,,north,,,,insee:43001,,
x9,premise,,north,,,,,dwelling,31
x10,building,,north,,,,,dwelling,2
x11,building,,north@2020-01-01/2019-01-01,,,,,,
x12,building,,north@yesterday/,,,,,,
x13,building,,north
fine,building,again,north,,,,,,
,building,no key,north,,,,,,
X_14,building,,north,,,,,,
x15,premise,,north,,,,,dwelling,two
x16,"building"",north,,,,,,,
north,building,,,,,,,,
x17,territory,,,,,,,,
"""
    responses = await sent(town, file)
    assert refused_rows(responses) == [
        (2, "display_name", "OUT_OF_RANGE"),
        (5, "level", "INVALID_VALUE"),
        (6, "parents", "UNKNOWN_PARENT"),
        (7, "parents", "WRONG_LEVEL"),
        (8, "latitude", "OUT_OF_RANGE"),
        (9, "longitude", "MISSING_VALUE"),
        (10, "outline", "INVALID_OUTLINE"),
        (11, "identifiers", "INVALID_IDENTIFIER"),
        (12, "identifiers", "IDENTIFIER_TAKEN"),
        (13, "occupants", "OUT_OF_RANGE"),
        (14, "premise", "WRONG_LEVEL"),
        (15, "parents", "EMPTY_INTERVAL"),
        (16, "parents", "INVALID_VALUE"),
        (17, "", "MALFORMED_ROW"),
        (18, "id", "REPEATED_ROW"),
        (19, "id", "KEY_MISSING"),
        (20, "id", "INVALID_NAME"),
        (21, "occupants", "INVALID_VALUE"),
        (22, "", "MALFORMED_ROW"),
    ]
    assert counts(responses)[1] == 1


async def test_a_refused_row_comes_with_its_text_cut(town: Any) -> None:
    rows = (await sent(town, f"id,level,display_name\nx,castle,{'y' * 3000}\n"))[0].refused_rows
    assert rows[0].row == f"x,castle,{'y' * 3000}"[:2000]
    assert "castle" in rows[0].description


async def test_one_bad_row_in_a_hundred_is_reported_exactly_and_the_others_are_kept(town: Any) -> None:
    await sent(town, TREE)
    lines, bad = ["flux;identifiers;places;devices\n"], []
    for number in range(12_000):
        place = "nowhere" if number % 100 == 7 else "home-1"
        prm = "prm:12" if number % 100 == 50 and number % 200 else f"prm:{10**13 + number}"
        lines.append(f"electricity;{prm};{place};serial=S{number} digits=6\n")
        if place == "nowhere":
            bad.append((number + 2, "places", "UNKNOWN_PLACE"))
        elif prm == "prm:12":
            bad.append((number + 2, "identifiers", "INVALID_IDENTIFIER"))
    responses = await sent(town, "".join(lines), content=POINTS)
    assert refused_rows(responses) == bad
    assert counts(responses) == (12_000, 12_000 - len(bad), 0, 0, len(bad))
    assert counts(await sent(town, "".join(lines), content=POINTS))[2:] == (0, 12_000 - len(bad), len(bad))


async def test_points_are_matched_by_identifier_and_refer_by_identifier(town: Any) -> None:
    await sent(town, TREE)
    file = "flux,identifiers,places,parents\nwater,water-contract:7,insee:43001,\nwater,water-contract:8,insee:43001,water-contract:7\n"
    assert counts(await sent(town, file, content=POINTS)) == (2, 2, 0, 0, 0)
    changed = (
        file.replace("8,insee:43001,", "8,home-1,")
        .replace("identifiers,", "display_name,identifiers,")
        .replace("water,water", "water,,water")
    )
    assert counts(await sent(town, changed, content=POINTS)) == (2, 0, 1, 1, 0)
    names = await town.administrator.point_names(within="places/home-1")
    point = await town.administrator.point(names[0])
    assert point.identifiers[0].value == "8"
    assert point.channels == [
        metering_point_pb2.Channel(channel_id="import", quantity=QUANTITY_VOLUME, direction=DIRECTION_IMPORT, register_set="total")
    ]


async def test_columns_that_a_file_lacks_stay_and_empty_cells_clear(town: Any) -> None:
    await sent(town, TREE)
    await sent(town, "id,premise,dwelling_type,occupants\nhome-1,dwelling,flat,3\n")
    await sent(town, "id,occupants\nhome-1,\n")
    home = await town.administrator.place("home-1")
    assert (home.dwelling.area_square_metres, home.dwelling.type, home.dwelling.HasField("occupants"), home.etag) == (60, 1, False, "v3")


async def test_a_rehearsal_reports_the_same_and_keeps_nothing(town: Any) -> None:
    rehearsed = await sent(town, TREE + "x,castle,,,,,\n", validate_only=True)
    assert (counts(rehearsed), refused_rows(rehearsed)) == ((5, 4, 0, 0, 1), [(6, "level", "INVALID_VALUE")])
    assert await town.administrator.place_names() == ["brioude"]
    assert counts(await sent(town, TREE + "x,castle,,,,,\n")) == counts(rehearsed)


@pytest.mark.parametrize(
    ("file", "metadata"),
    [
        ("", {"line": "1"}),
        ("id,level,castle\n", {"line": "1", "column": "castle"}),
        ("id,level,id\n", {"line": "1", "column": "id"}),
        (TREE.encode("latin-1"), {"line": "5"}),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_as_a_whole(town: Any, file: str | bytes, metadata: dict[str, str]) -> None:
    refusal = await refusal_of(town, file)
    assert (refusal.code, refusal.reason, refusal.metadata) == (grpc.StatusCode.INVALID_ARGUMENT, "FILE_REFUSED", metadata)
    assert await town.administrator.place_names() == ["brioude"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"content": 0}, "description.content"),
        ({"written": 0}, "description.format"),
        ({"content": pb.REGISTRY_CONTENT_REFERENCE_ROWS}, "description.table"),
        ({"content": pb.REGISTRY_CONTENT_REFERENCE_ROWS, "written": GEOJSON, "table": 1}, "description.format"),
        ({"request_id": "x"}, "description.request_id"),
    ],
)
async def test_an_import_is_described_first_and_well(town: Any, fields: Any, field: str) -> None:
    assert [violation.field for violation in (await refusal_of(town, TREE, **fields)).violations] == [field]


async def test_only_an_administrator_of_the_whole_territory_imports(town: Any) -> None:
    await sent(town, TREE)
    for speak in (town.caller(Role.ADMINISTRATOR, "north"), town.caller(Role.TERRITORY_ANALYST)):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await speak.import_file(pb.ImportDescription(content=PLACES, format=CSV), TREE.encode())
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_what_export_writes_import_takes(town: Any) -> None:
    await sent(town, TREE)
    header = "flux,identifiers,places,parents,channels,devices,contracts,display_name,id\n"
    water = r"water,water-contract:a\|b|serial:x y,home-1@2020-01-01/,,id=import quantity=volume register_set=total,"
    devices = r"serial=S\ 1 digits=5@2020-01-01/,,Jardin,m1" + "\n"
    slots = "electricity,prm:12345678901234,home-1,,id=hp quantity=energy tariff_slot=hp|id=hc quantity=energy tariff_slot=hc,,"
    contract = r"power_va=6000 off_peak=22:30-06:30~11-3 reference=C\=1@2024-01-01T10:00:00Z/,,m2" + "\n"
    file = header + water + devices + slots + contract
    assert counts(await sent(town, file, content=POINTS))[1] == 2
    for content, rows in ((PLACES, 5), (POINTS, 2)):
        for written in (CSV, GEOJSON):
            exported = await export(town, content, written)
            assert counts(await sent(town, exported, content=content, written=written)) == (rows, 0, 0, rows, 0)
    places, points = await export(town, PLACES), await export(town, POINTS)
    await town.found("allier")
    other = town.caller(Role.ADMINISTRATOR, territory="allier")
    without_root = b"".join(line for line in places.splitlines(keepends=True) if not line.startswith(b"brioude,"))
    for content, file_bytes in ((PLACES, without_root), (POINTS, points)):
        await other.import_file(pb.ImportDescription(content=content, format=CSV), file_bytes)
    copied = await other.export_file(pb.ExportRegistryRequest(content=POINTS, format=CSV))
    assert copied == points


async def test_geojson_carries_positions_and_outlines(town: Any) -> None:
    outline = {"type": "Polygon", "coordinates": [[[3.3, 45.2], [3.4, 45.2], [3.4, 45.3], [3.3, 45.2]]]}
    features = [
        {
            "type": "Feature",
            "geometry": outline,
            "properties": {"id": "quarter", "level": "neighbourhood", "latitude": 45.25, "longitude": 3.35},
        },
        {
            "type": "Feature",
            "id": "house",
            "geometry": {"type": "Point", "coordinates": [3.31, 45.21]},
            "properties": {"level": "building"},
        },
        {
            "type": "Feature",
            "geometry": None,
            "properties": {"id": "home", "level": "premise", "premise": "dwelling", "area_square_metres": 45.0},
        },
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": ["x"]}, "properties": {"id": "bad", "level": "building"}},
        {"type": "Feature", "geometry": None, "properties": {"id": "worse", "level": "building", "castle": 1}},
        {"type": "Thing"},
    ]
    file = json.dumps({"type": "FeatureCollection", "name": "x", "features": features, "bbox": [1, 2, 3, 4]}, indent=1)
    responses = await sent(town, file, written=GEOJSON, block=50)
    assert refused_rows(responses) == [(4, "outline", "INVALID_OUTLINE"), (5, "castle", "MALFORMED_ROW"), (6, "", "MALFORMED_ROW")]
    quarter, house = await town.administrator.place("quarter"), await town.administrator.place("house")
    assert json.loads(quarter.outline_geojson) == outline
    assert (quarter.position.latitude_degrees, house.position.longitude_degrees) == (45.25, 3.31)
    assert counts(await sent(town, await export(town, PLACES, GEOJSON), written=GEOJSON)) == (4, 0, 0, 4, 0)


@pytest.mark.parametrize(
    "file",
    [
        "",
        "[]",
        '{"type":"FeatureCollection"}',
        '{"type":"Topology","features":[]}',
        '{"type":"FeatureCollection","crs":{"name":"EPSG:2154"},"features":[]}',
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"id":"a","level":"commune"}},',
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"id":"a","level":"commune"}}]}]',
    ],
)
async def test_geojson_that_is_no_collection_is_refused_and_nothing_of_it_kept(town: Any, file: str) -> None:
    assert (await refusal_of(town, file, written=GEOJSON)).reason == "FILE_REFUSED"
    assert await town.administrator.place_names() == ["brioude"]


async def test_a_large_collection_is_read_feature_by_feature(town: Any) -> None:
    names = [f"c{number}" for number in range(6_000)]
    random.Random(7).shuffle(names)
    features = [
        {"type": "Feature", "geometry": None, "properties": {"id": name, "level": "commune", "display_name": "é" * 50}} for name in names
    ]
    file = json.dumps({"features": features, "type": "FeatureCollection"}, ensure_ascii=False)
    assert counts(await sent(town, file, written=GEOJSON, block=100_003)) == (6_000, 6_000, 0, 0, 0)


async def test_a_file_that_is_too_large_is_refused(town: Any) -> None:
    async def endless() -> Any:
        yield pb.ImportRegistryRequest(description=pb.ImportDescription(content=PLACES, format=CSV, request_id=str(uuid4())))
        for _ in range(3):
            yield pb.ImportRegistryRequest(block=b"x" * (1 << 19))

    call = town.stub.ImportRegistry(endless(), metadata=town.administrator.metadata, timeout=60)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call.read()
    assert failure_details(refused.value).reason == "FILE_REFUSED"


async def test_an_import_is_told_as_events_of_at_most_500(town: Any) -> None:
    await sent(town, "id,level\n" + "".join(f"c{number},commune\n" for number in range(1_200)))
    watcher = town.caller(Role.SERVICE)
    call = town.stub.WatchRegistryEvents(pb.WatchRegistryEventsRequest(), metadata=watcher.metadata, timeout=20)
    sizes: list[int] = []
    async for response in call:
        sizes.append(len(response.event.places_changed.places))
        if sum(sizes) == 1_201:
            break
    call.cancel()
    assert sizes == [0, 1, 500, 500, 200]


async def test_a_place_of_one_territory_is_no_parent_in_another(town: Any) -> None:
    await town.administrator.create_place("north", PLACE_LEVEL_COMMUNE, "brioude")
    await town.found("allier")
    responses = await town.caller(Role.ADMINISTRATOR, territory="allier").import_file(
        pb.ImportDescription(content=PLACES, format=CSV), b"id,level,parents\nhouse,building,north\n"
    )
    assert refused_rows(responses) == [(2, "parents", "UNKNOWN_PARENT")]
