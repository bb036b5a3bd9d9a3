"""The audit log and the events."""

import asyncio
from datetime import timedelta
from typing import Any

import grpc
import pytest
from access_world import DEMO, OTHER, World, first, request_id, timestamp

from multiflux.access.v1 import access_service_pb2 as pb
from multiflux.access.v1 import audit_pb2
from multiflux_client.failures import RemoteFailure
from multiflux_client.people import AuditEntry, AuditOutcome, Person, TerritoryAuditEntry
from runtime.call import Grant
from vocabulary.interval import Interval
from vocabulary.names import PersonId
from vocabulary.role import Role


def entry(world: World, **fields: Any) -> AuditEntry:
    given: dict[str, Any] = {
        "entry_id": request_id(),
        "occur_time": world.clock.now(),
        "actor": "people/administrator",
        "method": "/multiflux.metering.v1.RegistryService/GetPlace",
        "outcome": AuditOutcome.READ,
        "subject": "people/household",
    }
    return AuditEntry(**{**given, **fields})


async def test_entries_of_other_services_are_kept_once(world: World) -> None:
    sent = [TerritoryAuditEntry(territory=DEMO, entry=entry(world)), TerritoryAuditEntry(territory=None, entry=entry(world, actor=""))]
    services = world.for_services(None)
    assert await services.record_audit_entries(sent) == 2
    assert await services.record_audit_entries(sent) == 0
    listed = [one async for one in world.administrator().audit_entries(subject="people/household", outcome=AuditOutcome.READ)]
    assert listed == [sent[0].entry]


async def test_entries_that_make_no_sense_are_refused(world: World) -> None:
    token = world.token("services/metering", Grant(role=Role.SERVICE, place=None))
    without_id = audit_pb2.AuditEntry(entry_id="1", occur_time=timestamp(world.clock.now()))
    wrong = pb.TerritoryAuditEntry(territory="territories/demo", entry=without_id)
    refused = await world.refused("RecordAuditEntries", pb.RecordAuditEntriesRequest(entries=[wrong]), token)
    assert [violation.field for violation in refused.violations] == ["entries[0].entry.entry_id"]
    too_many = pb.RecordAuditEntriesRequest(entries=[wrong] * 1001)
    assert (await world.refused("RecordAuditEntries", too_many, token)).violations[0].field == "entries"
    of_other = [TerritoryAuditEntry(territory=OTHER, entry=entry(world))]
    with pytest.raises(RemoteFailure) as raised:
        await world.for_services(DEMO).record_audit_entries(of_other)
    assert raised.value.reason == "NOT_PERMITTED"


async def test_a_person_reads_what_concerns_it_and_only_that(world: World) -> None:
    await world.for_services().record_audit_entries(
        [TerritoryAuditEntry(territory=DEMO, entry=entry(world, subject=f"people/{person}")) for person in ("household", "visitor")]
    )
    household = await world.signed_in("household")
    mine = [one async for one in household.audit_entries()]
    assert {AuditOutcome.READ, AuditOutcome.CHANGED} == {one.outcome for one in mine}
    assert all("people/household" in (one.subject, one.actor) for one in mine)
    with pytest.raises(RemoteFailure) as raised:
        await household.audit_entries(subject="people/visitor").page()
    assert raised.value.reason == "NOT_PERMITTED"
    with pytest.raises(RemoteFailure):
        await household.person(PersonId("visitor"))
    refused = [one async for one in household.audit_entries(outcome=AuditOutcome.REFUSED)]
    assert [one.reason for one in refused] == ["NOT_PERMITTED", "NOT_PERMITTED"]


async def test_every_change_is_in_the_log_with_who_and_what(world: World) -> None:
    world.clock.advance(timedelta(seconds=1))
    during = Interval(start=world.clock.now(), end=world.clock.now() + timedelta(seconds=1))
    made = await world.administrator().create_person(Person(display_name="Zoé"))
    entries = [one async for one in world.administrator().audit_entries(during=during)]
    assert [(one.actor, one.resource, one.subject, one.outcome) for one in entries] == [
        ("people/administrator", f"people/{made.id}", f"people/{made.id}", AuditOutcome.CHANGED)
    ]
    assert entries[0].method == "/multiflux.access.v1.AccessService/CreatePerson"
    assert entries[0].correlation_id


async def test_a_refused_exchange_is_in_the_log_of_nobodys_calls(world: World) -> None:
    await world.refused("ExchangeToken", pb.ExchangeTokenRequest(territory="territories/demo", subject_token="a.b.c"))
    platform = world.client(world.token("people/platform-x", Grant(role=Role.PLATFORM_OPERATOR, place=None), territory=_PLATFORM))
    entries = [one async for one in platform.audit_entries(outcome=AuditOutcome.REFUSED)]
    assert [(one.reason, one.method.rpartition("/")[2]) for one in entries] == [("SUBJECT_TOKEN_INVALID", "ExchangeToken")]


async def test_entries_come_newest_first_in_pages(world: World) -> None:
    moments = [world.clock.now() + timedelta(seconds=number // 2) for number in range(9)]
    sent = [TerritoryAuditEntry(territory=DEMO, entry=entry(world, occur_time=at, subject="people/visitor")) for at in moments]
    await world.for_services().record_audit_entries(sent)
    token, seen, pages = "", [], 0
    listing = world.administrator().audit_entries(subject="people/visitor", outcome=AuditOutcome.READ)
    while True:
        page = await listing.page(size=4, token=token)
        seen += page.items
        pages, token = pages + 1, page.next_page_token
        if not token:
            break
    assert pages == 3
    assert [one.occur_time for one in seen] == sorted(moments, reverse=True)
    assert len({one.entry_id for one in seen}) == 9


async def test_watchers_get_events_in_order_and_go_on_from_their_cursor(world: World) -> None:
    services = world.for_services()
    watching = services.watch_events()
    cursor, count = "", 0
    async with asyncio.timeout(20):
        async for at, event in watching:
            cursor, count = at, count + 1
            assert event.territory == DEMO
            if event.person_changed == "visitor":
                break
        household = await world.resident("household", world.clock.now() - timedelta(days=1))
        mine = await first(household.occupancies())
        async for _, event in services.watch_events(cursor):
            assert event.occupancy_changed == mine
            break
    assert count > 1


async def test_a_service_with_a_token_for_all_territories_gets_the_events_of_all(world: World) -> None:
    await world.administrator(OTHER).create_person(Person(display_name="Zoé"), person_id="zoe")
    async with asyncio.timeout(20):
        async for _, event in world.for_services(None).watch_events():
            if event.territory == OTHER:
                assert event.person_changed == "zoe"
                break
        async for _, event in world.for_services(OTHER).watch_events():
            assert (event.territory, event.person_changed) == (OTHER, "zoe")
            break


async def test_a_cursor_of_another_store_is_refused(world: World) -> None:
    with pytest.raises(RemoteFailure) as raised:
        async for _ in world.for_services().watch_events("bm90aGluZw=="):
            pass
    assert raised.value.code is grpc.StatusCode.INVALID_ARGUMENT


_PLATFORM: Any = "platform"
