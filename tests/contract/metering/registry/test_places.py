"""Places over a real channel."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from multiflux.metering.v1 import place_pb2
from multiflux.metering.v1 import registry_service_pb2 as pb
from multiflux.type.v1.place_level_pb2 import (
    PLACE_LEVEL_BUILDING,
    PLACE_LEVEL_COMMUNE,
    PLACE_LEVEL_NEIGHBOURHOOD,
    PLACE_LEVEL_PREMISE,
    PLACE_LEVEL_STREET,
    PLACE_LEVEL_TERRITORY,
)
from runtime.call import Grant
from vocabulary.interval import Validity
from vocabulary.names import PlaceId
from vocabulary.role import Role
from wire.instants import instant_to_proto

SPRING = datetime(2025, 4, 1, tzinfo=UTC)
SUMMER = datetime(2025, 7, 1, tzinfo=UTC)
AUTUMN = datetime(2025, 10, 1, tzinfo=UTC)


def create(place: place_pb2.Place, own_id: str = "", request_id: str = "") -> pb.CreatePlaceRequest:
    return pb.CreatePlaceRequest(place=place, place_id=own_id, request_id=request_id or str(uuid4()))


def lies_in(parent: str, validity: Any = None) -> place_pb2.PlaceParent:
    return place_pb2.PlaceParent(parent=f"places/{parent}", validity=validity)


async def grow_tree(town: Any) -> None:
    """Two communes; in the first a street with two houses, of which the second moved to the other commune's street in summer."""
    speak = town.administrator
    await speak.create_place("north", PLACE_LEVEL_COMMUNE, "brioude", display_name="Nord")
    await speak.create_place("south", PLACE_LEVEL_COMMUNE, "brioude", display_name="Sud-Été")
    await speak.create_place("n-street", PLACE_LEVEL_STREET, "north")
    await speak.create_place("s-street", PLACE_LEVEL_STREET, "south")
    await speak.create_place("house-1", PLACE_LEVEL_BUILDING, "n-street")
    moved = [lies_in("n-street", town.during(None, SUMMER)), lies_in("s-street", town.during(SUMMER, None))]
    await speak("CreatePlace", create(place_pb2.Place(level=PLACE_LEVEL_BUILDING, parents=moved), "house-2"))
    for home, house in (("home-1", "house-1"), ("home-2", "house-2")):
        dwelling = place_pb2.Dwelling(type=place_pb2.DWELLING_TYPE_FLAT, area_square_metres=60, occupants=2)
        await speak.create_place(home, PLACE_LEVEL_PREMISE, house, dwelling=dwelling, display_name=f"chez {home}")


async def test_a_place_comes_back_as_it_was_made(town: Any) -> None:
    place = place_pb2.Place(
        level=PLACE_LEVEL_PREMISE,
        display_name="École Jules-Ferry",
        parents=[lies_in("brioude", town.during(SPRING, None))],
        position=place_pb2.Position(latitude_degrees=45.29, longitude_degrees=3.38),
        outline_geojson='{"type":"Polygon","coordinates":[[[3.3,45.2],[3.4,45.2],[3.4,45.3],[3.3,45.2]]]}',
        identifiers=[place_pb2.Identifier(scheme="uai", value="0430001A")],
        public_site=place_pb2.PublicSite(
            use=place_pb2.SITE_USE_SCHOOL,
            area_square_metres=1200,
            opening_hours=[place_pb2.OpeningHours(weekday=1, start_minute=500, end_minute=1000)],
        ),
        position_in_parent=3,
    )
    made = (await town.administrator("CreatePlace", create(place, "school"))).place
    assert made == await town.administrator.place("school")
    assert (made.name, made.etag, made.create_time) == ("places/school", "v1", instant_to_proto(town.clock.now()))
    for field in ("name", "etag", "create_time", "update_time"):
        made.ClearField(field)
    assert made == place


async def test_an_id_is_made_where_none_is_given(town: Any) -> None:
    made = (await town.administrator("CreatePlace", create(place_pb2.Place(level=PLACE_LEVEL_COMMUNE, parents=[lies_in("brioude")])))).place
    assert made.name in [f"places/{name}" for name in await town.administrator.place_names()]


async def test_a_request_sent_twice_makes_one_place_and_its_id_serves_no_other(town: Any) -> None:
    request = create(place_pb2.Place(level=PLACE_LEVEL_COMMUNE, parents=[lies_in("brioude")]))
    first = await town.administrator("CreatePlace", request)
    assert await town.administrator("CreatePlace", request) == first
    request.place.display_name = "another"
    refusal = await town.administrator.refusal("CreatePlace", request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "REQUEST_ID_REUSED")
    request.request_id = "no uuid"
    assert (await town.administrator.refusal("CreatePlace", request)).violations[0].field == "request_id"


@pytest.mark.parametrize(
    ("place", "reason", "field"),
    [
        ({"level": PLACE_LEVEL_TERRITORY, "parents": []}, "WRONG_LEVEL", "place.level"),
        ({"level": PLACE_LEVEL_BUILDING, "parents": []}, "MISSING_VALUE", "place.parents"),
        ({"level": PLACE_LEVEL_COMMUNE, "parents": [lies_in("peer")]}, "WRONG_LEVEL", "place.parents"),
        ({"level": PLACE_LEVEL_NEIGHBOURHOOD, "parents": [lies_in("nowhere")]}, "UNKNOWN_PARENT", "place.parents"),
        ({"level": PLACE_LEVEL_BUILDING, "parents": [lies_in("peer"), lies_in("brioude")]}, "OVERLAPPING_VALIDITIES", "place.parents"),
        ({"level": PLACE_LEVEL_COMMUNE, "dwelling": place_pb2.Dwelling()}, "WRONG_LEVEL", "place.dwelling"),
        (
            {"level": PLACE_LEVEL_PREMISE, "dwelling": place_pb2.Dwelling(area_square_metres=0)},
            "OUT_OF_RANGE",
            "place.dwelling.area_square_metres",
        ),
        ({"level": PLACE_LEVEL_PREMISE, "dwelling": place_pb2.Dwelling(occupants=31)}, "OUT_OF_RANGE", "place.dwelling.occupants"),
        (
            {
                "level": PLACE_LEVEL_PREMISE,
                "public_site": place_pb2.PublicSite(opening_hours=[place_pb2.OpeningHours(weekday=8, end_minute=5)]),
            },
            "OUT_OF_RANGE",
            "place.public_site.opening_hours[0].weekday",
        ),
        ({"level": PLACE_LEVEL_BUILDING, "outline_geojson": '{"type":"Circle"}'}, "INVALID_OUTLINE", "place.outline_geojson"),
        (
            {"level": PLACE_LEVEL_BUILDING, "outline_geojson": '{"type":"Polygon","coordinates":[[[200,0],[1,0],[1,1],[200,0]]]}'},
            "INVALID_OUTLINE",
            "place.outline_geojson",
        ),
        (
            {"level": PLACE_LEVEL_BUILDING, "position": place_pb2.Position(latitude_degrees=91)},
            "OUT_OF_RANGE",
            "place.position.latitude_degrees",
        ),
        (
            {"level": PLACE_LEVEL_COMMUNE, "identifiers": [place_pb2.Identifier(scheme="insee", value="abc")]},
            "INVALID_IDENTIFIER",
            "place.identifiers[0].value",
        ),
        (
            {"level": PLACE_LEVEL_COMMUNE, "identifiers": [place_pb2.Identifier(scheme="insee", value="43040")]},
            "IDENTIFIER_TAKEN",
            "place.identifiers",
        ),
    ],
)
async def test_a_place_that_cannot_be_is_refused_with_its_reason_and_field(town: Any, place: Any, reason: str, field: str) -> None:
    identifiers = [place_pb2.Identifier(scheme="insee", value="43040")]
    await town.administrator.create_place("peer", PLACE_LEVEL_COMMUNE, "brioude", identifiers=identifiers)
    asked = place_pb2.Place(**({"parents": [lies_in("brioude")]} | place))
    refusal = await town.administrator.refusal("CreatePlace", create(asked, "new"))
    assert (refusal.reason, [violation.field for violation in refusal.violations]) == (reason, [field])
    assert await town.administrator.place_names() == ["brioude", "peer"]


async def test_every_wrong_field_of_a_place_is_named(town: Any) -> None:
    asked = place_pb2.Place(parents=[lies_in("Brioude!")], position=place_pb2.Position(longitude_degrees=181), outline_geojson="[")
    refusal = await town.administrator.refusal("CreatePlace", create(asked))
    assert {violation.field for violation in refusal.violations} == {
        "place.level",
        "place.parents[0]",
        "place.position.longitude_degrees",
        "place.outline_geojson",
    }


async def test_the_tree_is_listed_as_it_stood(town: Any) -> None:
    await grow_tree(town)
    names = town.administrator.place_names
    assert await names(within="places/north") == ["home-1", "house-1", "n-street"]
    assert await names(within="places/north", read_time=instant_to_proto(SPRING)) == ["home-1", "home-2", "house-1", "house-2", "n-street"]
    assert await names(within="places/south", read_time=instant_to_proto(SUMMER), level=PLACE_LEVEL_PREMISE) == ["home-2"]
    assert await names(search="CHEZ") == ["home-1", "home-2"]
    assert await names(search="été") == ["south"]
    assert await names(search="%") == []


async def test_a_place_is_found_by_its_identifier(town: Any) -> None:
    identifier = place_pb2.Identifier(scheme="fantoir", value="0430400123")
    await town.administrator.create_place("street", PLACE_LEVEL_STREET, "brioude", identifiers=[identifier])
    assert await town.administrator.place_names(identifier=identifier) == ["street"]
    identifier.value = "none"
    assert await town.administrator.place_names(identifier=identifier) == []


async def test_pages_hold_every_place_once_in_order_and_serve_only_their_own_arguments(town: Any) -> None:
    await grow_tree(town)
    everything, token = [], ""
    while True:
        page = await town.administrator("ListPlaces", pb.ListPlacesRequest(page_size=2, page_token=token))
        everything += [place.name for place in page.places]
        token = page.next_page_token
        if not token:
            break
    assert everything == sorted(everything)
    assert len(everything) == len(set(everything)) == 9
    first = await town.administrator("ListPlaces", pb.ListPlacesRequest(page_size=2))
    wrong = pb.ListPlacesRequest(page_size=2, page_token=first.next_page_token, search="x")
    assert (await town.administrator.refusal("ListPlaces", wrong)).reason == "PAGE_TOKEN_MISMATCH"
    assert (await town.administrator.refusal("ListPlaces", pb.ListPlacesRequest(page_size=-1))).code is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_place_that_moves_takes_all_below_it_along(town: Any) -> None:
    await grow_tree(town)
    moved = place_pb2.Place(name="places/n-street", parents=[lies_in("south")])
    await town.administrator(
        "UpdatePlace", pb.UpdatePlaceRequest(place=moved, update_mask=FieldMask(paths=["parents"]), request_id=str(uuid4()))
    )
    assert await town.administrator.place_names(within="places/north") == []
    assert "home-1" in await town.administrator.place_names(within="places/south")


async def test_an_update_takes_its_mask_keeps_the_rest_and_refuses_a_stale_etag(town: Any) -> None:
    await grow_tree(town)
    wanted = place_pb2.Place(name="places/home-1", display_name="neu", etag="v1")
    request = pb.UpdatePlaceRequest(place=wanted, update_mask=FieldMask(paths=["display_name"]), request_id=str(uuid4()))
    changed = (await town.administrator("UpdatePlace", request)).place
    assert (changed.display_name, changed.dwelling.area_square_metres, changed.etag) == ("neu", 60, "v2")
    request.request_id = str(uuid4())
    refusal = await town.administrator.refusal("UpdatePlace", request)
    assert (refusal.code, refusal.reason, refusal.metadata["current_etag"]) == (grpc.StatusCode.ABORTED, "ETAG_STALE", "v2")
    request.place.etag = ""
    request.update_mask.paths[:] = ["level"]
    assert (await town.administrator.refusal("UpdatePlace", request)).code is grpc.StatusCode.INVALID_ARGUMENT


async def test_an_update_without_a_mask_replaces_everything_but_what_never_changes(town: Any) -> None:
    await grow_tree(town)
    wanted = place_pb2.Place(name="places/home-1", level=PLACE_LEVEL_PREMISE, parents=[lies_in("house-1")])
    request = pb.UpdatePlaceRequest(place=wanted, request_id=str(uuid4()))
    changed = (await town.administrator("UpdatePlace", request)).place
    assert (changed.display_name, changed.WhichOneof("premise")) == ("", None)
    request.request_id, request.place.level = str(uuid4()), PLACE_LEVEL_BUILDING
    assert (await town.administrator.refusal("UpdatePlace", request)).reason == "FIELD_FIXED"


async def test_an_update_that_changes_nothing_leaves_the_etag(town: Any) -> None:
    await grow_tree(town)
    place = await town.administrator.place("north")
    changed = (await town.administrator("UpdatePlace", pb.UpdatePlaceRequest(place=place, request_id=str(uuid4())))).place
    assert changed == place


async def test_a_place_in_use_is_not_deleted_and_an_empty_one_is(town: Any) -> None:
    await grow_tree(town)
    await town.administrator.create_point("water", "home-1")

    async def refused(name: str) -> str:
        return (await town.administrator.refusal("DeletePlace", pb.DeletePlaceRequest(name=name, request_id=str(uuid4())))).reason

    # The street is where a house lay once; the home is where a point measures; the root is the territory.
    assert [await refused(f"places/{name}") for name in ("n-street", "home-1", "brioude")] == ["PLACE_IN_USE"] * 3
    stale = pb.DeletePlaceRequest(name="places/home-2", etag="v7", request_id=str(uuid4()))
    assert (await town.administrator.refusal("DeletePlace", stale)).reason == "ETAG_STALE"
    await town.administrator("DeletePlace", pb.DeletePlaceRequest(name="places/home-2", etag="v1", request_id=str(uuid4())))
    refusal = await town.administrator.refusal("GetPlace", pb.GetPlaceRequest(name="places/home-2"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "PLACE_NOT_FOUND")
    assert "home-2" not in await town.administrator.place_names(within="places/brioude")


async def test_a_household_sees_its_home_and_the_places_above_it(town: Any) -> None:
    await grow_tree(town)
    household = town.caller(Role.HOUSEHOLD, "home-1", Validity(start=SPRING))
    assert await household.place_names() == ["brioude", "home-1", "house-1", "n-street", "north"]
    assert (await household.place("home-1")).dwelling.occupants == 2
    assert (await household.place("north")).display_name == "Nord"
    for other in ("home-2", "south", "nowhere"):
        refusal = await household.refusal("GetPlace", pb.GetPlaceRequest(name=f"places/{other}"))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "PLACE_NOT_FOUND")


async def test_a_former_household_learns_nothing_of_who_came_after(town: Any) -> None:
    await grow_tree(town)
    former = town.caller(Role.HOUSEHOLD, "home-1", Validity(start=SPRING, end=AUTUMN))
    seen = await former.place("home-1")
    assert (seen.dwelling.type, seen.dwelling.HasField("occupants"), seen.etag, seen.HasField("update_time")) == (1, False, "", False)
    assert seen == (await former("ListPlaces", pb.ListPlacesRequest())).places[1]


async def test_a_household_sees_the_vacancies_of_its_own_time_alone(town: Any) -> None:
    vacancies = [town.during(SPRING - timedelta(days=90), SPRING), town.during(AUTUMN, AUTUMN + timedelta(days=5))]
    await town.administrator.create_place("home", PLACE_LEVEL_PREMISE, "brioude", dwelling=place_pb2.Dwelling(vacancies=vacancies))
    household = town.caller(Role.HOUSEHOLD, "home", Validity(start=SUMMER))
    assert list((await household.place("home")).dwelling.vacancies) == vacancies[1:]


async def test_an_administrator_of_one_commune_sees_and_changes_that_commune_alone(town: Any) -> None:
    await grow_tree(town)
    speak = town.caller(Role.ADMINISTRATOR, "north")
    assert await speak.place_names() == ["home-1", "house-1", "n-street", "north"]
    assert await speak.place_names(within="places/south") == []
    assert (await speak.create_place("house-3", PLACE_LEVEL_BUILDING, "n-street")).etag == "v1"
    foreign = create(place_pb2.Place(level=PLACE_LEVEL_BUILDING, parents=[lies_in("s-street")]))
    assert (await speak.refusal("CreatePlace", foreign)).code is grpc.StatusCode.PERMISSION_DENIED
    away = place_pb2.Place(name="places/house-3", parents=[lies_in("s-street")])
    moving = pb.UpdatePlaceRequest(place=away, update_mask=FieldMask(paths=["parents"]), request_id=str(uuid4()))
    assert (await speak.refusal("UpdatePlace", moving)).reason == "NOT_PERMITTED"
    foreign_update = pb.UpdatePlaceRequest(place=place_pb2.Place(name="places/house-2"), request_id=str(uuid4()))
    assert (await speak.refusal("UpdatePlace", foreign_update)).reason == "NOT_PERMITTED"


async def test_somebody_with_several_grants_sees_each_place_once_in_order(town: Any) -> None:
    await grow_tree(town)
    grants = [Grant(role=Role.BUILDING_MANAGER, place=PlaceId(place)) for place in ("north", "n-street", "house-2")]
    speak = town.with_grants(grants)
    assert await speak.place_names() == ["home-1", "home-2", "house-1", "house-2", "n-street", "north"]
    first = await speak("ListPlaces", pb.ListPlacesRequest(page_size=4))
    rest = await speak("ListPlaces", pb.ListPlacesRequest(page_size=4, page_token=first.next_page_token))
    assert [place.name for place in rest.places] == ["places/n-street", "places/north"]
    expired = [replace(grant, validity=Validity(end=SPRING)) for grant in grants]
    assert (await town.with_grants(expired).refusal("ListPlaces", pb.ListPlacesRequest())).code is grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize("role", [Role.BUILDING_MANAGER, Role.LIGHTING_OPERATOR, Role.TERRITORY_ANALYST])
async def test_what_households_declare_is_not_for_those_who_manage_the_town(town: Any, role: Role) -> None:
    await grow_tree(town)
    seen = await town.caller(role).place("home-1")
    assert seen.dwelling == place_pb2.Dwelling(type=place_pb2.DWELLING_TYPE_FLAT)


async def test_no_territory_sees_into_another(town: Any) -> None:
    await grow_tree(town)
    await town.found("allier")
    stranger = town.caller(Role.ADMINISTRATOR, territory="allier")
    assert await stranger.place_names() == ["allier"]
    assert (await stranger.refusal("GetPlace", pb.GetPlaceRequest(name="places/north"))).code is grpc.StatusCode.NOT_FOUND
    await stranger.create_place("north", PLACE_LEVEL_COMMUNE, "allier", display_name="own")
    assert (await town.administrator.place("north")).display_name == "Nord"


async def test_a_household_declares_its_own_home_while_it_lives_there(town: Any) -> None:
    await grow_tree(town)
    declaration = place_pb2.Dwelling(area_square_metres=72, occupants=3, vacancies=[town.during(SPRING, SUMMER)])

    def declare(premise: str = "home-1", **fields: Any) -> pb.DeclareDwellingRequest:
        return pb.DeclareDwellingRequest(premise=f"places/{premise}", dwelling=declaration, request_id=str(uuid4()), **fields)

    household = town.caller(Role.HOUSEHOLD, "home-1", Validity(start=SPRING))
    declared = (await household("DeclareDwelling", declare(etag="v1"))).place
    assert (declared.dwelling.area_square_metres, declared.dwelling.occupants, list(declared.dwelling.vacancies)) == (72, 3, [])
    assert declared.display_name == "chez home-1"
    assert (await household.refusal("DeclareDwelling", declare(etag="v1"))).reason == "ETAG_STALE"
    assert (await household.refusal("DeclareDwelling", declare("home-2"))).reason == "NOT_PERMITTED"
    former = town.caller(Role.HOUSEHOLD, "home-1", Validity(start=SPRING, end=AUTUMN))
    assert (await former.refusal("DeclareDwelling", declare())).reason == "OCCUPANCY_NOT_CURRENT"
    assert (await town.administrator("DeclareDwelling", declare("home-2"))).place.dwelling.occupants == 3
    assert (await town.administrator.refusal("DeclareDwelling", declare("house-1"))).reason == "NOT_A_DWELLING"
    declaration.occupants = 99
    assert (await household.refusal("DeclareDwelling", declare())).violations[0].field == "dwelling.occupants"
