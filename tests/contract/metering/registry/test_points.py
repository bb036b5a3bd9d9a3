"""Metering points over a real channel."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from multiflux.metering.v1 import metering_point_pb2, place_pb2
from multiflux.metering.v1 import registry_service_pb2 as pb
from multiflux.type.v1.flux_pb2 import FLUX_ELECTRICITY, FLUX_GAS, FLUX_HEAT, FLUX_WATER
from multiflux.type.v1.place_level_pb2 import PLACE_LEVEL_BUILDING, PLACE_LEVEL_COMMUNE, PLACE_LEVEL_PREMISE
from multiflux.type.v1.quantity_pb2 import DIRECTION_IMPORT, DIRECTION_INJECTION, QUANTITY_ENERGY, QUANTITY_VOLUME
from runtime.call import Grant
from vocabulary.interval import Validity
from vocabulary.names import PlaceId
from vocabulary.role import Role
from wire.instants import instant_to_proto

SPRING = datetime(2025, 4, 1, tzinfo=UTC)
SUMMER = datetime(2025, 7, 1, tzinfo=UTC)
AUTUMN = datetime(2025, 10, 1, tzinfo=UTC)

ENERGY = metering_point_pb2.Channel(channel_id="import", quantity=QUANTITY_ENERGY, direction=DIRECTION_IMPORT, register_set="total")
PRM = place_pb2.Identifier(scheme="prm", value="12345678901234")


def create(point: metering_point_pb2.MeteringPoint, own_id: str = "") -> pb.CreateMeteringPointRequest:
    return pb.CreateMeteringPointRequest(metering_point=point, metering_point_id=own_id, request_id=str(uuid4()))


def at(place: str, validity: Any = None) -> metering_point_pb2.PointPlace:
    return metering_point_pb2.PointPlace(place=f"places/{place}", validity=validity)


def behind(parent: str, validity: Any = None) -> metering_point_pb2.PointParent:
    return metering_point_pb2.PointParent(parent=f"meters/{parent}", validity=validity)


async def build_houses(town: Any) -> None:
    """Two communes with a house and a home each."""
    for side in ("north", "south"):
        await town.administrator.create_place(side, PLACE_LEVEL_COMMUNE, "brioude")
        await town.administrator.create_place(f"{side}-house", PLACE_LEVEL_BUILDING, side)
        await town.administrator.create_place(f"{side}-home", PLACE_LEVEL_PREMISE, f"{side}-house", dwelling=place_pb2.Dwelling())


def linky(town: Any, *places: str) -> metering_point_pb2.MeteringPoint:
    return town.water_point(
        *places,
        flux=FLUX_ELECTRICITY,
        display_name="chez Jo",
        channels=[ENERGY],
        identifiers=[PRM],
        devices=[
            metering_point_pb2.Device(serial="A1", digits=6, register_unit=3_600_000, validity=town.during(SPRING, SUMMER)),
            metering_point_pb2.Device(serial="A2", maximum_rate=36_000, validity=town.during(SUMMER, None)),
        ],
        contracts=[
            metering_point_pb2.Contract(
                validity=town.during(SPRING, None),
                subscribed_power_va=9000,
                tariff="trv-hphc-6kva",
                off_peak_windows=[metering_point_pb2.OffPeakWindow(start_minute=1350, end_minute=390, first_month=11, last_month=3)],
                reference="C-77",
            )
        ],
    )


async def test_a_point_comes_back_as_it_was_made(town: Any) -> None:
    await build_houses(town)
    point = linky(town, "north-home")
    made = (await town.administrator("CreateMeteringPoint", create(point, "m1"))).metering_point
    assert made == await town.administrator.point("m1")
    assert (made.name, made.etag) == ("meters/m1", "v1")
    for field in ("name", "etag", "create_time", "update_time"):
        made.ClearField(field)
    made.places[0].ClearField("validity")
    assert made == point


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"flux": 0}, "INVALID_REQUEST", "flux"),
        ({"places": []}, "MISSING_VALUE", "places"),
        ({"places": [at("nowhere")]}, "UNKNOWN_PLACE", "places"),
        ({"places": [at("north"), at("south")]}, "OVERLAPPING_VALIDITIES", "places"),
        ({"channels": []}, "MISSING_VALUE", "channels"),
        ({"channels": [ENERGY]}, "WRONG_QUANTITY", "channels"),
        ({"channels": [ENERGY, ENERGY], "flux": FLUX_ELECTRICITY}, "REPEATED_VALUE", "channels"),
        (
            {
                "flux": FLUX_HEAT,
                "channels": [metering_point_pb2.Channel(channel_id="x", quantity=QUANTITY_ENERGY, direction=DIRECTION_INJECTION)],
            },
            "WRONG_QUANTITY",
            "channels",
        ),
        (
            {"channels": [metering_point_pb2.Channel(channel_id="X!", quantity=QUANTITY_VOLUME, direction=DIRECTION_IMPORT)]},
            "OUT_OF_RANGE",
            "channels[0].channel_id",
        ),
        ({"devices": [metering_point_pb2.Device(), metering_point_pb2.Device()]}, "OVERLAPPING_VALIDITIES", "devices"),
        ({"devices": [metering_point_pb2.Device(digits=-1)]}, "OUT_OF_RANGE", "devices[0].digits"),
        ({"contracts": [metering_point_pb2.Contract(), metering_point_pb2.Contract()]}, "OVERLAPPING_VALIDITIES", "contracts"),
        (
            {"contracts": [metering_point_pb2.Contract(off_peak_windows=[metering_point_pb2.OffPeakWindow(start_minute=5, end_minute=5)])]},
            "OUT_OF_RANGE",
            "contracts[0].off_peak_windows[0].end_minute",
        ),
        ({"identifiers": [place_pb2.Identifier(scheme="prm", value="123")]}, "INVALID_IDENTIFIER", "identifiers[0].value"),
        ({"identifiers": [place_pb2.Identifier(scheme="pce", value="GI12345")]}, "INVALID_IDENTIFIER", "identifiers[0].value"),
        ({"identifiers": [PRM]}, "IDENTIFIER_TAKEN", "identifiers"),
        ({"parents": [behind("nobody")]}, "UNKNOWN_PARENT", "parents"),
        ({"parents": [behind("main")], "flux": FLUX_GAS}, "WRONG_PARENT_FLUX", "parents"),
        ({"parents": [behind("new")]}, "PARENT_CYCLE", "parents"),
    ],
)
async def test_a_point_that_cannot_be_is_refused_with_its_reason_and_field(town: Any, fields: Any, reason: str, field: str) -> None:
    await build_houses(town)
    await town.administrator.create_point("main", "north", identifiers=[PRM])
    refusal = await town.administrator.refusal("CreateMeteringPoint", create(town.water_point("north", **fields), "new"))
    assert (refusal.reason, [violation.field for violation in refusal.violations]) == (reason, [f"metering_point.{field}"])
    assert await town.administrator.point_names() == ["main"]


@pytest.mark.parametrize("value", ["12345678901234", "GI123456"])
async def test_both_forms_of_gas_identifiers_are_taken(town: Any, value: str) -> None:
    identifier = place_pb2.Identifier(scheme="pce", value=value)
    await town.administrator.create_point("gas", "brioude", flux=FLUX_GAS, identifiers=[identifier])
    assert await town.administrator.point_names(identifier=identifier) == ["gas"]


async def test_a_point_never_measures_behind_itself_at_any_time(town: Any) -> None:
    speak = town.administrator
    await speak.create_point("a", "brioude")
    await speak.create_point("b", "brioude", parents=[behind("a", town.during(None, SUMMER))])

    def put_a_behind_b(start: datetime | None) -> pb.UpdateMeteringPointRequest:
        point = metering_point_pb2.MeteringPoint(name="meters/a", parents=[behind("b", town.during(start, None))])
        return pb.UpdateMeteringPointRequest(metering_point=point, update_mask=FieldMask(paths=["parents"]), request_id=str(uuid4()))

    assert (await speak.refusal("UpdateMeteringPoint", put_a_behind_b(SPRING))).reason == "PARENT_CYCLE"
    # From summer on the first link holds no more.
    assert (await speak("UpdateMeteringPoint", put_a_behind_b(SUMMER))).metering_point.etag == "v2"


async def test_points_are_listed_by_place_flux_and_time(town: Any) -> None:
    await build_houses(town)
    speak = town.administrator
    await speak.create_point("stays", "north-home")
    moved = [at("north-home", town.during(None, SUMMER)), at("south-home", town.during(SUMMER, None))]
    await speak.create_point("moves", places=moved, flux=FLUX_GAS)
    await speak.create_point("ends", places=[at("south", town.during(None, SUMMER))])
    assert await speak.point_names(within="places/north") == ["stays"]
    assert await speak.point_names(within="places/north", read_time=instant_to_proto(SPRING)) == ["moves", "stays"]
    assert await speak.point_names(within="places/south-home") == ["moves"]
    assert await speak.point_names(within="places/brioude") == ["moves", "stays"]
    assert await speak.point_names(within="places/brioude", flux=FLUX_WATER, read_time=instant_to_proto(SPRING)) == ["ends", "stays"]
    assert await speak.point_names() == ["ends", "moves", "stays"]


async def test_a_place_that_moves_takes_its_points_along(town: Any) -> None:
    await build_houses(town)
    speak = town.administrator
    await speak.create_point("m", "north-home")
    south = place_pb2.Place(name="places/north-house", parents=[place_pb2.PlaceParent(parent="places/south")])
    await speak("UpdatePlace", pb.UpdatePlaceRequest(place=south, update_mask=FieldMask(paths=["parents"]), request_id=str(uuid4())))
    assert await speak.point_names(within="places/north") == []
    assert await speak.point_names(within="places/south") == ["m"]
    assert await town.caller(Role.BUILDING_MANAGER, "south").point_names() == ["m"]


async def test_pages_of_points_hold_every_one_once(town: Any) -> None:
    await build_houses(town)
    for number in range(7):
        await town.administrator.create_point(f"m{number}", ("north-home", "south-home")[number % 2])
    speak = town.with_grants([Grant(role=Role.BUILDING_MANAGER, place=PlaceId(place)) for place in ("north", "north-house", "south-home")])
    listed, token = [], ""
    while token or not listed:
        page = await speak("ListMeteringPoints", pb.ListMeteringPointsRequest(page_size=3, page_token=token))
        listed += [point.name for point in page.metering_points]
        token = page.next_page_token
        if not token:
            break
    assert listed == [f"meters/m{number}" for number in range(7)]


async def test_who_manages_buildings_sees_points_of_homes_without_what_is_personal(town: Any) -> None:
    await build_houses(town)
    await town.administrator("CreateMeteringPoint", create(linky(town, "north-home"), "home"))
    school = linky(town, "south")
    school.identifiers[0].value = "99999999999999"
    await town.administrator("CreateMeteringPoint", create(school, "school"))
    manager = town.caller(Role.BUILDING_MANAGER)
    seen = await manager.point("home")
    assert (list(seen.identifiers), seen.display_name, seen.devices[0].serial, seen.contracts[0].reference) == ([], "", "", "")
    assert (seen.devices[0].digits, seen.contracts[0].subscribed_power_va) == (6, 9000)
    assert (await manager.point("school")).identifiers[0].value == "99999999999999"
    listed = (await manager("ListMeteringPoints", pb.ListMeteringPointsRequest())).metering_points
    assert [len(point.identifiers) for point in listed] == [0, 1]


async def test_a_household_sees_the_points_of_its_time_cut_to_it(town: Any) -> None:
    await build_houses(town)
    await town.administrator("CreateMeteringPoint", create(linky(town, "north-home"), "mine"))
    await town.administrator.create_point("theirs", "south-home")
    former = town.caller(Role.HOUSEHOLD, "north-home", Validity(start=SPRING, end=SUMMER))
    assert await former.point_names() == ["mine"]
    seen = await former.point("mine")
    assert [device.serial for device in seen.devices] == ["A1"]
    assert [contract.validity for contract in seen.contracts] == [town.during(SPRING, SUMMER)]
    assert (seen.places[0].validity, seen.etag) == (town.during(SPRING, SUMMER), "")
    present = await town.caller(Role.HOUSEHOLD, "north-home", Validity(start=SUMMER)).point("mine")
    assert [device.serial for device in present.devices] == ["A2"]
    refusal = await former.refusal("GetMeteringPoint", pb.GetMeteringPointRequest(name="meters/theirs"))
    assert refusal.code is grpc.StatusCode.PERMISSION_DENIED


async def test_an_update_keeps_what_its_mask_leaves_and_the_flux_never_changes(town: Any) -> None:
    await build_houses(town)
    await town.administrator("CreateMeteringPoint", create(linky(town, "north-home"), "m"))
    wanted = metering_point_pb2.MeteringPoint(name="meters/m", places=[at("south-home")], etag="v1")
    request = pb.UpdateMeteringPointRequest(metering_point=wanted, update_mask=FieldMask(paths=["places"]), request_id=str(uuid4()))
    changed = (await town.administrator("UpdateMeteringPoint", request)).metering_point
    assert (changed.places[0].place, len(changed.devices), changed.etag) == ("places/south-home", 2, "v2")
    request.request_id = str(uuid4())
    assert (await town.administrator.refusal("UpdateMeteringPoint", request)).reason == "ETAG_STALE"
    full = pb.UpdateMeteringPointRequest(metering_point=town.water_point("north"), request_id=str(uuid4()))
    full.metering_point.name = "meters/m"
    assert (await town.administrator.refusal("UpdateMeteringPoint", full)).reason == "FIELD_FIXED"


async def test_an_identifier_goes_from_one_point_to_another(town: Any) -> None:
    speak = town.administrator
    await speak.create_point("old", "brioude", identifiers=[PRM])
    emptied = metering_point_pb2.MeteringPoint(name="meters/old")
    mask = FieldMask(paths=["identifiers"])
    await speak("UpdateMeteringPoint", pb.UpdateMeteringPointRequest(metering_point=emptied, update_mask=mask, request_id=str(uuid4())))
    await speak.create_point("new", "brioude", identifiers=[PRM])
    assert await speak.point_names(identifier=PRM) == ["new"]


async def test_an_administrator_of_one_commune_places_points_there_alone(town: Any) -> None:
    await build_houses(town)
    speak = town.caller(Role.ADMINISTRATOR, "north")
    await speak.create_point("m", "north-home")
    assert (await speak.refusal("CreateMeteringPoint", create(town.water_point("south-home")))).reason == "NOT_PERMITTED"
    away = metering_point_pb2.MeteringPoint(name="meters/m", places=[at("south-home")])
    moving = pb.UpdateMeteringPointRequest(metering_point=away, update_mask=FieldMask(paths=["places"]), request_id=str(uuid4()))
    assert (await speak.refusal("UpdateMeteringPoint", moving)).reason == "NOT_PERMITTED"


async def test_a_point_with_readings_or_sub_meters_is_not_deleted(town: Any) -> None:
    speak = town.administrator
    await speak.create_point("main", "brioude")
    await speak.create_point("sub", "brioude", parents=[behind("main", town.during(None, SPRING))])

    def delete(name: str) -> pb.DeleteMeteringPointRequest:
        return pb.DeleteMeteringPointRequest(name=f"meters/{name}", request_id=str(uuid4()))

    assert (await speak.refusal("DeleteMeteringPoint", delete("main"))).reason == "METERING_POINT_IN_USE"
    town.readings.points.add("sub")
    assert (await speak.refusal("DeleteMeteringPoint", delete("sub"))).code is grpc.StatusCode.FAILED_PRECONDITION
    town.readings.points.clear()
    await speak("DeleteMeteringPoint", delete("sub"))
    await speak("DeleteMeteringPoint", delete("main"))
    assert await speak.point_names() == []
    assert (await speak.refusal("GetMeteringPoint", pb.GetMeteringPointRequest(name="meters/main"))).reason == "METERING_POINT_NOT_FOUND"


async def test_an_exchange_ends_the_former_device_and_begins_the_new_one(town: Any) -> None:
    await build_houses(town)
    await town.administrator("CreateMeteringPoint", create(linky(town, "north-home"), "m"))

    def exchange(when: datetime, **fields: Any) -> pb.ExchangeDeviceRequest:
        device = metering_point_pb2.Device(serial="B7", digits=5)
        values: dict[str, Any] = {"device": device, "exchange_time": instant_to_proto(when)} | fields
        return pb.ExchangeDeviceRequest(name="meters/m", request_id=str(uuid4()), **values)

    changed = (await town.administrator("ExchangeDevice", exchange(AUTUMN, etag="v1"))).metering_point
    assert [(device.serial, device.validity) for device in changed.devices] == [
        ("A1", town.during(SPRING, SUMMER)),
        ("A2", town.during(SUMMER, AUTUMN)),
        ("B7", town.during(AUTUMN, None)),
    ]
    refusal = await town.administrator.refusal("ExchangeDevice", exchange(SPRING))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "DEVICE_ORDER")
    missing = await town.administrator.refusal("ExchangeDevice", pb.ExchangeDeviceRequest(name="meters/m", request_id=str(uuid4())))
    assert {violation.field for violation in missing.violations} == {"device", "exchange_time"}
