"""LightingService over a real channel, on both databases."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest
from lighting_world import OTHER, World, cabinet, dimming, interval, lighting_world, luminaire, scope, timestamp, utc

from multiflux.lighting.v1 import field_pb2, inventory_pb2, plan_pb2, programme_pb2
from multiflux.lighting.v1 import lighting_service_pb2 as pb
from multiflux_client.credentials import FixedToken
from multiflux_client.failures import RemoteFailure
from multiflux_client.lighting import LightingClient
from multiflux_client.lighting_records import Group, LightingScope, PlanState
from runtime.permissions import permission_of
from vocabulary.interval import Interval
from vocabulary.names import PointId
from vocabulary.role import Role

NOON, NEXT_NOON = utc(2026, 1, 16, 11), utc(2026, 1, 17, 11)
DEEP = utc(2026, 1, 17, 1)


@pytest.fixture
async def world(database_url: str, tmp_path: Path, clock: Any) -> AsyncIterator[World]:
    async with lighting_world(database_url, tmp_path, clock) as world:
        await world.small_town()
        yield world


async def level(world: World, lamp: str, at: Any = DEEP) -> tuple[float, int, int]:
    segment = (await world.segments(f"luminaires/{lamp}", at, at + timedelta(minutes=1)))[0]
    return segment.level_percent, segment.source.rank, segment.clamp


async def test_an_unassigned_luminaire_burns_by_its_cabinets_clock(world: World) -> None:
    assert await level(world, "l1-1") == (100, plan_pb2.RANK_DEFAULT, 0)


async def test_a_published_plan_holds_from_the_next_noon_and_says_who_and_why(world: World) -> None:
    plan = await world.published("luminaires/l1-1", "luminaires/l1-3")
    assert (plan.version, plan.author, plan.reason, plan.first_date) == (1, "people/ada", "test", "2026-01-16")
    assert await level(world, "l1-1") == (50, plan_pb2.RANK_CALENDAR, 0)
    assert await level(world, "l1-1", DEEP - timedelta(days=1)) == (100, plan_pb2.RANK_DEFAULT, 0)


async def test_a_crossing_is_never_dimmed_and_the_plan_says_what_clamped_it(world: World) -> None:
    await world.published("luminaires/l1-3")
    assert await level(world, "l1-3") == (100, plan_pb2.RANK_CALENDAR, plan_pb2.CLAMP_NEVER_DIMMED)


async def test_nothing_is_published_that_was_not_rehearsed_as_it_is(world: World) -> None:
    made = plan_pb2.Group(name="groups/g", display_name="g", luminaires=["luminaires/l1-1"], calendar="calendars/all")
    await world.call("PutGroup", pb.PutGroupRequest(group=made))
    await world.rehearsed("g")
    tag = await world.etag("g")
    changed = dimming()
    changed.etag = "v1"
    changed.switch_points[0].level_percent = 30
    await world.call("PutProgramme", pb.PutProgrammeRequest(programme=changed))
    refused = await world.refused("PublishPlan", pb.PublishPlanRequest(group="groups/g", etag=tag, reason="x"))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NOT_REHEARSED")


async def test_a_stale_etag_publishes_nothing(world: World) -> None:
    await world.published("luminaires/l1-1")
    refused = await world.refused("PublishPlan", pb.PublishPlanRequest(group="groups/g", etag="v1", reason="x"))
    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "ETAG_STALE")
    assert len((await world.call("ListPlans", pb.ListPlansRequest(group="groups/g"))).plans) == 1


async def test_rolling_back_publishes_a_former_version_as_a_new_one(world: World) -> None:
    await world.published("luminaires/l1-1")
    off = plan_pb2.SwitchOff(decision="2026-12", decide_date="2026-01-10")
    group = plan_pb2.Group(name="groups/g", display_name="g", luminaires=["luminaires/l1-1"], switch_off=off, etag=await world.etag("g"))
    await world.call("PutGroup", pb.PutGroupRequest(group=group))
    rehearsal = await world.rehearsed("g")
    assert plan_pb2.CONFLICT_KIND_SWITCHED_OFF in [conflict.kind for conflict in rehearsal.conflicts]
    await world.call("PublishPlan", pb.PublishPlanRequest(group="groups/g", etag=await world.etag("g"), reason="dark"))
    assert await level(world, "l1-1") == (0, plan_pb2.RANK_SWITCHED_OFF, 0)
    back = await world.call("RollBack", pb.RollBackRequest(group="groups/g", version=1, reason="too dark"))
    assert (back.plan.version, back.plan.copy_of) == (3, 1)
    assert await level(world, "l1-1") == (50, plan_pb2.RANK_CALENDAR, 0)
    plans = (await world.call("ListPlans", pb.ListPlansRequest(group="groups/g"))).plans
    assert [plan.state for plan in plans] == [plan_pb2.PLAN_STATE_PUBLISHED, plan_pb2.PLAN_STATE_REPLACED, plan_pb2.PLAN_STATE_REPLACED]


async def test_a_rehearsal_tells_energy_cost_gas_and_hours_beside_what_is_published(world: World) -> None:
    made = plan_pb2.Group(name="groups/g", display_name="g", luminaires=["luminaires/l1-1"], calendar="calendars/all")
    await world.call("PutGroup", pb.PutGroupRequest(group=made))
    rehearsal = await world.rehearsed("g")
    draft, current = rehearsal.draft, rehearsal.current
    assert draft.energy_joules < current.energy_joules
    assert draft.burning_seconds == current.burning_seconds > 7 * 14 * 3_600
    assert draft.cost_micros == pytest.approx(draft.energy_joules / 3.6e6 * 200_000)
    assert draft.emission_grams == pytest.approx(draft.energy_joules / 3.6e6 * 21.7)


async def test_priorities_are_lock_out_then_local_then_emergency_then_override_then_calendar(world: World) -> None:
    await world.published("luminaires/l1-1")
    names, found = scope("luminaires/l1-1"), [await level(world, "l1-1")]
    given = []
    for method, request in (
        ("OverrideLevel", pb.OverrideLevelRequest(scope=names, level_percent=20, reason="event")),
        ("OverrideLevel", pb.OverrideLevelRequest(scope=names, level_percent=30, reason="event")),
        ("DeclareEmergency", pb.DeclareEmergencyRequest(level_percent=90, reason="fire")),
        ("RecordLocalOverride", pb.RecordLocalOverrideRequest(scope=names, level_percent=5, reason="switch")),
        ("LockOut", pb.LockOutRequest(scope=names, reason="works")),
    ):
        given.append((await world.call(method, request)).command.name)
        found.append(await level(world, "l1-1"))
        world.clock.advance(timedelta(seconds=1))
    assert [(one[0], one[1]) for one in found] == [
        (50, plan_pb2.RANK_CALENDAR),
        (20, plan_pb2.RANK_OVERRIDE),
        (30, plan_pb2.RANK_OVERRIDE),
        (90, plan_pb2.RANK_EMERGENCY),
        (5, plan_pb2.RANK_LOCAL),
        (0, plan_pb2.RANK_LOCK_OUT),
    ]
    refused = await world.refused("OverrideLevel", pb.OverrideLevelRequest(scope=names, level_percent=20, reason="no"))
    assert refused.reason == "LOCKED_OUT"
    for name, before in zip(reversed(given), reversed(found[:-1]), strict=True):
        await world.call("EndCommand", pb.EndCommandRequest(name=name))
        assert await level(world, "l1-1") == before
    assert (await world.refused("EndCommand", pb.EndCommandRequest(name=given[0]))).reason == "COMMAND_OVER"


async def test_an_emergency_is_for_roads_and_starts_cabinet_by_cabinet(world: World) -> None:
    park = luminaire(1, 1)
    park.category, park.etag = "b", "v1"
    await world.call("PutLuminaire", pb.PutLuminaireRequest(luminaire=park))
    world.clock.at = DEEP
    await world.call("DeclareEmergency", pb.DeclareEmergencyRequest(level_percent=70, stage_seconds=60, reason="flood"))
    ranks = [(await level(world, lamp, DEEP + timedelta(seconds=90)))[1] for lamp in ("l1-1", "l1-2", "l2-2")]
    assert ranks == [plan_pb2.RANK_DEFAULT, plan_pb2.RANK_EMERGENCY, plan_pb2.RANK_EMERGENCY]
    early = await world.segments("luminaires/l2-2", DEEP, DEEP + timedelta(seconds=90))
    assert [segment.source.rank for segment in early] == [plan_pb2.RANK_DEFAULT, plan_pb2.RANK_EMERGENCY]


async def test_the_plan_is_a_known_future_series(world: World) -> None:
    await world.published("luminaires/l1-1")
    request = pb.QueryPlannedPowerRequest(resource="luminaires/l1-1", interval=interval(NOON, NEXT_NOON), step_seconds=1_800)
    power = (await world.call("QueryPlannedPower", request)).power_w
    assert len(power) == 48
    # 50 % lies at four ninths between 6 W at 10 % and 40 W at 100 %.
    assert power[28] == pytest.approx(6 + 34 * 40 / 90)
    # The line is dead by day: no standby.
    assert power[0] == 0


async def test_a_file_is_imported_row_by_row_and_exported_as_it_was(world: World) -> None:
    header = b"id,number,cabinet,latitude,longitude,power_w,control,category,not_below\n"
    rows = b"a1,A1,c1,48.8,2.3,50,individual,a,20\na2,A2,nowhere,48.8,2.3,50,individual,a,\n"
    rows += b"a3,A3,c1,48.8,2.3,50,remote,a,\na1,A1,c1,48.8,2.3,50,circuit,a,\na4,A4,c1,48.8,2.3,50,individual,a,101\n"
    answer = await world.import_file(pb.INVENTORY_CONTENT_LUMINAIRES, header + rows)
    assert (answer.row_count, answer.created_count) == (5, 1)
    assert [(row.line, row.column, row.reason) for row in answer.refused_rows] == [
        (3, "cabinet", "UNKNOWN_CABINET"),
        (4, "control", "UNFIT"),
        (5, "id", "ALREADY_THERE"),
        (6, "not_below", "UNFIT"),
    ]
    for form in (pb.FILE_FORMAT_CSV, pb.FILE_FORMAT_GEOJSON):
        data = await world.export(pb.INVENTORY_CONTENT_LUMINAIRES, form)
        again = await world.import_file(pb.INVENTORY_CONTENT_LUMINAIRES, data, format=form)
        assert (again.row_count, again.unchanged_count, list(again.refused_rows)) == (7, 7, [])


async def test_a_file_that_cannot_be_read_is_refused_whole(world: World) -> None:
    for data in (b"", b"id,number,colour\n", b"id\n\xff\n"):
        with pytest.raises(Exception, match=r"line 1|column|UTF-8"):
            await world.import_file(pb.INVENTORY_CONTENT_CABINETS, data)


async def test_what_is_in_use_is_not_deleted(world: World) -> None:
    await world.published("luminaires/l1-1")
    for name in ("cabinets/c1", "luminaires/l1-1", "programmes/dim", "calendars/all", "groups/g"):
        refused = await world.refused("DeleteResource", pb.DeleteResourceRequest(name=name))
        assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "IN_USE")
    await world.call("DeleteResource", pb.DeleteResourceRequest(name="luminaires/l2-1"))
    assert (await world.refused("DeleteResource", pb.DeleteResourceRequest(name="luminaires/l2-1"))).reason == "NOT_FOUND"


async def test_nothing_is_overwritten_unseen(world: World) -> None:
    assert (await world.refused("PutCabinet", pb.PutCabinetRequest(cabinet=cabinet(1)))).reason == "ALREADY_THERE"
    stale = cabinet(1)
    stale.etag = "v7"
    assert (await world.refused("PutCabinet", pb.PutCabinetRequest(cabinet=stale))).reason == "ETAG_STALE"


async def test_wrong_requests_fail_by_reason_and_field(world: World) -> None:
    dark = dimming()
    dark.switch_points[0].level_percent = 101
    refused = await world.refused("PutProgramme", pb.PutProgrammeRequest(programme=dark))
    assert (refused.reason, refused.violations[0].field) == ("LEVEL_OUT_OF_RANGE", "programme.switch_points[0].level_percent")
    past = pb.OverrideLevelRequest(scope=scope("luminaires/l1-1"), level_percent=5, reason="x", until_time=timestamp(utc(2020, 1, 1)))
    assert (await world.refused("OverrideLevel", past)).reason in {"TIME_PAST", "UNFIT"}
    unknown = pb.OverrideLevelRequest(scope=scope("luminaires/ghost"), level_percent=5, reason="x")
    assert (await world.refused("OverrideLevel", unknown)).reason == "UNKNOWN_LUMINAIRE"
    nobody = pb.OverrideLevelRequest(level_percent=5, reason="x")
    assert (await world.refused("OverrideLevel", nobody)).reason in {"SCOPE_EMPTY", "MISSING_FIELD"}
    twice = programme_pb2.Calendar(
        name="calendars/twice",
        display_name="twice",
        rules=[
            programme_pb2.CalendarRule(programme="programmes/dim"),
            programme_pb2.CalendarRule(programme="programmes/dim", weekdays=[6]),
        ],
    )
    assert (await world.refused("PutCalendar", pb.PutCalendarRequest(calendar=twice))).reason == "RULE_OVERLAPPED"


async def test_a_luminaire_is_in_one_group_alone(world: World) -> None:
    await world.published("luminaires/l1-1")
    other = plan_pb2.Group(name="groups/h", display_name="h", luminaires=["luminaires/l1-1"], calendar="calendars/all")
    assert (await world.refused("PutGroup", pb.PutGroupRequest(group=other))).reason == "LUMINAIRE_IN_TWO_GROUPS"


async def test_a_luminaire_that_changes_its_group_leaves_the_old_plan_first(world: World) -> None:
    await world.published("luminaires/l1-1", "luminaires/l1-2")
    smaller = plan_pb2.Group(name="groups/g", display_name="g", luminaires=["luminaires/l1-2"], calendar="calendars/all")
    smaller.etag = await world.etag("g")
    await world.call("PutGroup", pb.PutGroupRequest(group=smaller))
    with pytest.raises(RemoteFailure) as caught:
        await world.published("luminaires/l1-1", group="h")
    assert caught.value.reason == "LUMINAIRE_IN_TWO_GROUPS"
    await world.rehearsed("g", "h")
    for group in ("g", "h"):
        request = pb.PublishPlanRequest(group=f"groups/{group}", etag=await world.etag(group), reason="moved")
        await world.call("PublishPlan", request)


async def test_the_same_request_is_done_once(world: World) -> None:
    request = pb.OverrideLevelRequest(scope=scope("luminaires/l1-1"), level_percent=5, reason="x", request_id=str(uuid4()))
    first, second = await world.call("OverrideLevel", request), await world.call("OverrideLevel", request)
    assert first == second
    assert len((await world.call("ListCommands", pb.ListCommandsRequest())).commands) == 1


async def test_an_operator_acts_inside_its_places_alone(world: World) -> None:
    await world.put_place("p1", "north")
    mine = pb.OverrideLevelRequest(scope=scope("luminaires/l1-1"), level_percent=5, reason="x")
    await world.call("OverrideLevel", mine, place="north")
    for request in (
        pb.OverrideLevelRequest(scope=scope("luminaires/l2-1"), level_percent=5, reason="x"),
        pb.OverrideLevelRequest(scope=scope(whole_territory=True), level_percent=5, reason="x"),
    ):
        assert (await world.refused("OverrideLevel", request, place="north")).reason == "OUT_OF_SCOPE"
    seen = (await world.call("ListLuminaires", pb.ListLuminairesRequest(), place="north")).luminaires
    assert [one.name for one in seen] == ["luminaires/l1-1", "luminaires/l1-2", "luminaires/l1-3"]


async def test_territories_do_not_see_each_other(world: World) -> None:
    assert not (await world.call("ListLuminaires", pb.ListLuminairesRequest(), territory=OTHER)).luminaires
    request = pb.QueryPlanRequest(luminaires=["luminaires/l1-1"], interval=interval(NOON, NEXT_NOON))
    assert (await world.refused("QueryPlan", request, territory=OTHER)).reason == "UNKNOWN_LUMINAIRE"


async def test_lists_come_in_pages(world: World) -> None:
    names, token = [], ""
    while True:
        page = await world.call("ListLuminaires", pb.ListLuminairesRequest(page_size=4, page_token=token))
        names += [one.name for one in page.luminaires]
        token = page.next_page_token
        if not token:
            break
    assert names == sorted(names) and len(names) == 6


async def test_the_legal_check_cites_the_article_or_cannot_tell(world: World) -> None:
    white = luminaire(1, 1)
    white.etag = "v1"
    white.light_head.colour_temperature_kelvin = 4_000
    await world.call("PutLuminaire", pb.PutLuminaireRequest(luminaire=white))
    request = pb.CheckLegalityRequest(first_date="2026-01-15", last_date="2026-01-15")
    checks = (await world.call("CheckLegality", request)).checks
    findings = [check for check in checks if check.verdict == 2]
    assert [(check.about, list(check.luminaires)) for check in findings] == [("colour_temperature_kelvin", ["luminaires/l1-1"])]
    assert "art. 3" in findings[0].rule.article
    assert any(check.verdict == 3 and check.rule.name == "legalRules/fr-records" for check in checks)


async def test_replacing_a_controller_keeps_the_lamp_and_its_plan(world: World) -> None:
    await world.published("luminaires/l1-1")
    renewed = luminaire(1, 1)
    renewed.etag, renewed.controller = "v1", "SN-2"
    await world.call("PutLuminaire", pb.PutLuminaireRequest(luminaire=renewed))
    assert await level(world, "l1-1") == (50, plan_pb2.RANK_CALENDAR, 0)


CHANGES = [method.name for method in pb.DESCRIPTOR.services_by_name["LightingService"].methods]


@pytest.mark.parametrize("method", CHANGES)
def test_every_method_declares_who_may_call_it(method: str) -> None:
    permission = permission_of(f"/multiflux.lighting.v1.LightingService/{method}")
    assert permission is not None
    assert permission.roles <= {Role.LIGHTING_OPERATOR, Role.ADMINISTRATOR, Role.SERVICE}


async def test_households_are_refused(world: World) -> None:
    refused = await world.refused("PutCabinet", pb.PutCabinetRequest(cabinet=inventory_pb2.Cabinet()), role=Role.HOUSEHOLD)
    assert refused.reason == "NOT_PERMITTED"


async def test_the_client_speaks_of_all_this_in_its_own_records(world: World) -> None:
    client = LightingClient(world.connection.with_tokens(FixedToken(world.token())))
    group = await client.put_group(Group(name="groups/g", display_name="g", luminaires=("luminaires/l1-1",), calendar="calendars/all"))
    rehearsal = await client.rehearse([group.name], date(2026, 1, 15), date(2026, 1, 16))
    assert rehearsal.draft.energy_joules < rehearsal.current.energy_joules
    tag = {one.name: one.etag async for one in client.groups()}[group.name]
    assert (await client.publish(group.name, tag, "client")).state is PlanState.PUBLISHED
    night = Interval(start=NOON, end=NEXT_NOON)
    (plan,) = await client.plans(["luminaires/l1-1"], night)
    assert [segment.level_percent for segment in plan.segments] == [0, 100, 50, 100, 0]
    assert len(await client.planned_power_w("groups/g", night, 3_600)) == 24
    assert await client.metered_cabinets() == {}
    measured = inventory_pb2.Cabinet()
    measured.CopyFrom(cabinet(9))
    measured.metering_point = "meters/lamps"
    await world.call("PutCabinet", pb.PutCabinetRequest(cabinet=measured, request_id=str(uuid4())))
    assert await client.metered_cabinets() == {PointId("lamps"): "cabinets/c9"}
    given = await client.override(LightingScope(luminaires=("luminaires/l1-1",)), 10, "test", until=NEXT_NOON)
    assert [one.name async for one in client.commands()] == [given.name]
    world.clock.advance(timedelta(seconds=1))
    assert (await client.end_command(given.name)).end_time is not None
    assert [one async for one in client.commands()] == []


async def test_a_cabinets_night_is_held_against_its_meter(world: World) -> None:
    cabinets = {one.name: one for one in (await world.call("ListCabinets", pb.ListCabinetsRequest())).cabinets}
    asked = pb.QueryNightEnergyRequest(cabinet="cabinets/c1", first_date="2026-01-10", last_date="2026-01-12")
    assert (await world.refused("QueryNightEnergy", asked)).reason == "NOT_METERED"
    measured = cabinets["cabinets/c1"]
    measured.metering_point = "meters/m1"
    await world.call("PutCabinet", pb.PutCabinetRequest(cabinet=measured))
    nights = (await world.call("QueryNightEnergy", asked)).nights
    assert [one.night_date for one in nights] == ["2026-01-10", "2026-01-11", "2026-01-12"]
    # Three lamps of 40 W are lit all night by the clock; the meter says 100 W at noon too.
    first = nights[0]
    assert (first.verdict, first.coverage_percent, first.metered_joules) == (field_pb2.ENERGY_VERDICT_ABOVE, 100, 100 * 86_400)
    assert first.by_day.lamps == 2
    assert first.planned_joules == pytest.approx(120 * 15.4 * 3_600, rel=0.02)
    for wrong, reason in (("2026-01-09", "UNFIT"), ("x", "INVALID_REQUEST")):
        asked.last_date = wrong
        assert (await world.refused("QueryNightEnergy", asked)).reason == reason
