"""Territories over a real channel."""

from typing import Any
from uuid import uuid4

import grpc
from google.protobuf.field_mask_pb2 import FieldMask

from multiflux.metering.v1 import place_pb2
from multiflux.metering.v1 import registry_service_pb2 as pb
from vocabulary.role import Role


async def test_a_new_territory_has_a_root_place_of_the_same_name(town: Any) -> None:
    territory = (await town.administrator("GetTerritory", pb.GetTerritoryRequest())).territory
    assert (territory.name, territory.root_place, territory.etag) == ("territories/brioude", "places/brioude", "v1")
    assert (await town.administrator.place("brioude")).display_name == "Brioude"


async def test_a_territory_is_made_once(town: Any) -> None:
    territory = place_pb2.Territory(display_name="Again", time_zone="Europe/Paris", currency_code="EUR")
    request = pb.CreateTerritoryRequest(territory=territory, territory_id="brioude", request_id=str(uuid4()))
    refusal = await town.operator.refusal("CreateTerritory", request)
    assert (refusal.code, refusal.reason, refusal.domain) == (grpc.StatusCode.ALREADY_EXISTS, "TERRITORY_EXISTS", "metering.multiflux")
    assert refusal.metadata["territory"] == "brioude"


async def test_every_wrong_field_of_a_territory_is_named(town: Any) -> None:
    territory = place_pb2.Territory(
        display_name="x" * 300, time_zone="Europe/Nowhere", currency_code="euro", public_holiday_subdivision="57"
    )
    request = pb.CreateTerritoryRequest(territory=territory, territory_id="elsewhere", request_id=str(uuid4()))
    refusal = await town.operator.refusal("CreateTerritory", request)
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert {violation.field for violation in refusal.violations} == {
        "territory.display_name",
        "territory.time_zone",
        "territory.currency_code",
        "territory.public_holiday_subdivision",
    }


async def test_only_an_operator_makes_territories_and_lists_them(town: Any) -> None:
    refusal = await town.administrator.refusal("CreateTerritory", pb.CreateTerritoryRequest(territory_id="x", request_id=str(uuid4())))
    assert refusal.code is grpc.StatusCode.PERMISSION_DENIED
    await town.found("allier")
    await town.found("cher")
    first = await town.operator("ListTerritories", pb.ListTerritoriesRequest(page_size=2))
    rest = await town.operator("ListTerritories", pb.ListTerritoriesRequest(page_size=2, page_token=first.next_page_token))
    assert [territory.name for territory in (*first.territories, *rest.territories)] == [
        f"territories/{i}" for i in ("allier", "brioude", "cher")
    ]
    assert rest.next_page_token == ""


async def test_an_update_takes_the_fields_of_its_mask_and_refuses_a_stale_etag(town: Any) -> None:
    wanted = place_pb2.Territory(display_name="Brivadois", currency_code="CHF", etag="v1")
    request = pb.UpdateTerritoryRequest(territory=wanted, update_mask=FieldMask(paths=["display_name"]), request_id=str(uuid4()))
    changed = (await town.administrator("UpdateTerritory", request)).territory
    assert (changed.display_name, changed.currency_code, changed.time_zone, changed.etag) == ("Brivadois", "EUR", "Europe/Paris", "v2")
    request.request_id = str(uuid4())
    assert (await town.administrator.refusal("UpdateTerritory", request)).reason == "ETAG_STALE"
    request.update_mask.paths[:] = ["root_place"]
    refusal = await town.administrator.refusal("UpdateTerritory", request)
    assert [violation.field for violation in refusal.violations] == ["update_mask"]


async def test_an_update_without_a_mask_replaces_everything(town: Any) -> None:
    wanted = place_pb2.Territory(display_name="Brivadois", time_zone="Indian/Reunion", currency_code="EUR")
    changed = (await town.administrator("UpdateTerritory", pb.UpdateTerritoryRequest(territory=wanted, request_id=str(uuid4())))).territory
    assert (changed.time_zone, changed.school_holiday_zone) == ("Indian/Reunion", "")


async def test_everybody_signed_in_sees_its_territory_and_no_other(town: Any) -> None:
    await town.found("allier")
    for territory in ("allier", "brioude"):
        seen = await town.caller(Role.PUBLIC, territory=territory)("GetTerritory", pb.GetTerritoryRequest())
        assert seen.territory.name == f"territories/{territory}"
    refusal = await town.caller(Role.ADMINISTRATOR, territory="nowhere").refusal("GetTerritory", pb.GetTerritoryRequest())
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "TERRITORY_NOT_FOUND")
