"""People, their roles, and their erasure."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
import sqlalchemy
from access_world import AWAY, DEMO, HOME, OTHER, POINT, QUARTER, World, first, new_person, request_id, timestamp

from access.domain.ids import PLATFORM
from multiflux.access.v1 import access_service_pb2 as pb
from multiflux.access.v1 import audit_pb2, person_pb2
from multiflux_client.access import RefreshToken
from multiflux_client.failures import RemoteFailure
from multiflux_client.people import AccessEvent, Consent, Delegation, Grant, Identity, Person, Purpose
from runtime.call import Grant as TokenGrant
from vocabulary.civil import Granularity
from vocabulary.interval import Validity
from vocabulary.names import PersonId, PlaceId
from vocabulary.role import Role


async def reason(call: Any) -> str:
    with pytest.raises(RemoteFailure) as raised:
        await call
    return raised.value.reason


async def test_a_person_is_made_read_changed_and_listed(world: World) -> None:
    administrator = world.administrator()
    made = await administrator.create_person(Person(display_name="Zoé", email="zoe@example.org"), person_id="zoe")
    assert (made.id, made.language_code, made.create_time) == ("zoe", "fr", world.clock.now())
    assert await administrator.person(PersonId("zoe")) == made
    world.clock.advance(timedelta(seconds=1))
    changed = await administrator.update_person(Person(id=made.id, display_name="Zoë", etag=made.etag), fields=["display_name"])
    assert (changed.display_name, changed.email, changed.update_time) == ("Zoë", "zoe@example.org", world.clock.now())
    assert changed.etag != made.etag
    assert [person.id async for person in administrator.people(search="ZOË")] == ["zoe"]
    assert [person.id async for person in administrator.people(search="example.ORG")] == ["zoe"]
    assert [person.id async for person in administrator.people(search="%")] == []


async def test_a_stale_etag_is_refused(world: World) -> None:
    made = await world.administrator().create_person(Person(display_name="Zoé"), person_id="zoe")
    await world.administrator().update_person(Person(id=made.id, display_name="Zoë", etag=made.etag))
    assert await reason(world.administrator().update_person(Person(id=made.id, display_name="Zo", etag=made.etag))) == "ETAG_STALE"


async def test_every_wrong_field_is_named(world: World) -> None:
    token = world.token("people/administrator", TokenGrant(role=Role.ADMINISTRATOR, place=None))
    refused = await world.refused(
        "CreatePerson",
        new_person(" ", email="nobody", language_code="français", identities=[person_pb2.Identity(issuer="", subject="")]),
        token,
    )
    assert (refused.code, refused.reason, refused.domain) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", "access.multiflux")
    assert {violation.field for violation in refused.violations} == {
        "person.display_name",
        "person.email",
        "person.language_code",
        "person.identities[0].issuer",
        "person.identities[0].subject",
    }
    for wrong in ("Zoé", "-", "platform-me", "erased"):
        refused = await world.refused("CreatePerson", pb.CreatePersonRequest(person_id=wrong, request_id=request_id()), token)
        assert [violation.field for violation in refused.violations][:1] in (["person_id"], ["person.display_name"]), wrong
    refused = await world.refused("UpdatePerson", pb.UpdatePersonRequest(person=person_pb2.Person(name="people/x")), token)
    assert [violation.field for violation in refused.violations] == ["request_id"]


async def test_the_same_request_is_answered_once_and_another_with_its_id_is_refused(world: World) -> None:
    token = world.token("people/administrator", TokenGrant(role=Role.ADMINISTRATOR, place=None))
    request = new_person("Zoé")
    first, second = await world.call("CreatePerson", request, token), await world.call("CreatePerson", request, token)
    assert first == second
    request.person.display_name = "Zoë"
    assert (await world.refused("CreatePerson", request, token)).reason == "REQUEST_ID_REUSED"


async def test_people_come_in_pages_by_name_and_a_token_serves_one_list(world: World) -> None:
    token = world.token("people/administrator", TokenGrant(role=Role.ADMINISTRATOR, place=None))
    seen: list[str] = []
    request = pb.ListPeopleRequest(page_size=3)
    while True:
        answer = await world.call("ListPeople", request, token)
        assert len(answer.people) <= 3
        seen += [person.name for person in answer.people]
        if not answer.next_page_token:
            break
        request.page_token = answer.next_page_token
    assert seen == sorted(seen)
    assert len(seen) == len(set(seen)) == 8
    other = pb.ListPeopleRequest(page_token=request.page_token, search="a")
    assert (await world.refused("ListPeople", other, token)).reason == "PAGE_TOKEN_MISMATCH"
    assert (await world.refused("ListPeople", pb.ListPeopleRequest(page_token="x"), token)).reason == "PAGE_TOKEN_INVALID"
    assert (await world.refused("ListPeople", pb.ListPeopleRequest(page_size=-1), token)).code is grpc.StatusCode.INVALID_ARGUMENT


async def test_an_account_belongs_to_one_person_of_a_territory(world: World) -> None:
    account = Identity(issuer="https://issuer.example", subject="abc")
    await world.administrator().create_person(Person(display_name="Zoé", identities=(account,)), person_id="zoe")
    taken = world.administrator().create_person(Person(display_name="Yves", identities=(account,)), person_id="yves")
    assert await reason(taken) == "IDENTITY_TAKEN"
    assert await reason(world.administrator().create_person(Person(display_name="Zoé"), person_id="zoe")) == "PERSON_EXISTS"
    await world.administrator(OTHER).create_person(Person(display_name="Zoé", identities=(account,)), person_id="zoe")


async def test_a_person_changes_its_own_name_but_not_who_signs_in_as_it(world: World) -> None:
    household = await world.signed_in("household")
    me = await household.person(PersonId("household"))
    assert (await household.update_person(Person(id=me.id, display_name="Camille"))).identities == me.identities
    stolen = Person(id=me.id, display_name="Camille", identities=(Identity(issuer="https://issuer.example", subject="thief"),))
    assert await reason(household.update_person(stolen, fields=["identities"])) in ("NOT_PERMITTED", "INVALID_REQUEST")
    assert (await household.person(me.id)).identities == me.identities
    assert await reason(household.person(PersonId("delegate"))) == "NOT_PERMITTED"


async def test_an_account_that_is_taken_away_ends_the_sessions_of_its_person(world: World) -> None:
    given = await world.sign_in("household")
    await world.administrator().update_person(Person(id=PersonId("household"), display_name="Camille"), fields=["identities"])
    exchange = world.client().exchange_token(RefreshToken(token=given.refresh_token), territory=DEMO)
    assert await reason(exchange) == "REFRESH_TOKEN_INVALID"


async def test_nobody_is_made_an_operator_by_request(world: World) -> None:
    operator = world.client(
        world.token("people/platform-operator", TokenGrant(role=Role.PLATFORM_OPERATOR, place=None), territory=PLATFORM)
    )
    assert await reason(operator.create_person(Person(display_name="Me too"))) == "NOT_PERMITTED"
    grant = Grant(person=PersonId("platform-operator"), role=Role.ADMINISTRATOR)
    assert await reason(operator.grant_role(grant)) == "NOT_PERMITTED"


async def test_an_operator_makes_the_first_administrator_of_a_territory_and_gives_no_other_role(world: World) -> None:
    operator = world.client(world.token("people/platform-operator", TokenGrant(role=Role.PLATFORM_OPERATOR, place=None), territory=OTHER))
    person = await operator.create_person(Person(display_name="Maire"))
    await operator.grant_role(Grant(person=person.id, role=Role.ADMINISTRATOR))
    assert await reason(operator.grant_role(Grant(person=person.id, role=Role.BUILDING_MANAGER))) == "NOT_PERMITTED"


async def test_a_role_is_given_for_a_place_and_taken_back(world: World) -> None:
    administrator = world.administrator()
    grant = await administrator.grant_role(Grant(person=PersonId("visitor"), role=Role.BUILDING_MANAGER, place=QUARTER))
    assert (grant.place, grant.validity, grant.create_time) == (QUARTER, Validity(start=world.clock.now()), world.clock.now())
    given = await world.sign_in("visitor")
    assert [(one.role, one.place) for one in given.grants] == [(Role.BUILDING_MANAGER, QUARTER), (Role.PUBLIC, None)]
    again = administrator.grant_role(Grant(person=PersonId("visitor"), role=Role.BUILDING_MANAGER, place=QUARTER))
    assert await reason(again) == "GRANT_EXISTS"
    world.clock.advance(timedelta(days=1))
    administrator = world.administrator()
    ended = await administrator.revoke_grant(grant.id)
    assert ended.validity.end == world.clock.now()
    assert [one.role for one in (await world.sign_in("visitor")).grants] == [Role.PUBLIC]
    assert [one async for one in administrator.grants(PersonId("visitor"))] == [ended]
    assert len([one async for one in administrator.grants()]) == 6


@pytest.mark.parametrize(
    ("grant", "expected"),
    [
        (Grant(person=PersonId("visitor"), role=Role.HOUSEHOLD), "ROLE_NOT_GRANTABLE"),
        (Grant(person=PersonId("visitor"), role=Role.SERVICE), "ROLE_NOT_GRANTABLE"),
        (Grant(person=PersonId("visitor"), role=Role.PLATFORM_OPERATOR), "ROLE_NOT_GRANTABLE"),
        (Grant(person=PersonId("nobody"), role=Role.ADMINISTRATOR), "PERSON_UNKNOWN"),
        (Grant(person=PersonId("visitor"), role=Role.ADMINISTRATOR, place=PlaceId("nowhere")), "PLACE_UNKNOWN"),
    ],
)
async def test_what_cannot_be_granted_is_refused(world: World, grant: Grant, expected: str) -> None:
    assert await reason(world.administrator().grant_role(grant)) == expected


async def test_a_grant_ends_by_itself_and_one_in_the_future_can_be_taken_back(world: World) -> None:
    now = world.clock.now()
    ends = Validity(end=now + timedelta(days=1))
    await world.administrator().grant_role(Grant(person=PersonId("visitor"), role=Role.LIGHTING_OPERATOR, validity=ends))
    assert Role.LIGHTING_OPERATOR in {grant.role for grant in (await world.sign_in("visitor")).grants}
    world.clock.at = now + timedelta(days=1)
    assert Role.LIGHTING_OPERATOR not in {grant.role for grant in (await world.sign_in("visitor")).grants}
    later = Validity(start=now + timedelta(days=9))
    planned = await world.administrator().grant_role(Grant(person=PersonId("visitor"), role=Role.TERRITORY_ANALYST, validity=later))
    await world.administrator().revoke_grant(planned.id)
    assert planned.id not in [grant.id async for grant in world.administrator().grants()]
    assert await reason(world.administrator().revoke_grant(planned.id)) == "GRANT_UNKNOWN"


async def test_the_last_administrator_stays(world: World) -> None:
    administrator = world.administrator()
    grants = [grant async for grant in administrator.grants(PersonId("administrator"))]
    assert await reason(administrator.revoke_grant(grants[0].id)) == "LAST_ADMINISTRATOR"
    assert await reason(administrator.erase_person(PersonId("administrator"))) == "LAST_ADMINISTRATOR"
    await administrator.grant_role(Grant(person=PersonId("visitor"), role=Role.ADMINISTRATOR, place=QUARTER))
    assert await reason(administrator.revoke_grant(grants[0].id)) == "LAST_ADMINISTRATOR"
    await administrator.grant_role(Grant(person=PersonId("visitor"), role=Role.ADMINISTRATOR))
    await administrator.revoke_grant(grants[0].id)


async def test_erasing_a_person_leaves_no_trace_of_it(world: World, database_url: str) -> None:
    start = world.clock.now() - timedelta(days=100)
    household = await world.resident("household", start)
    occupancy = await first(household.occupancies())
    week = Validity(end=world.clock.now() + timedelta(days=7))
    await household.create_delegation(Delegation(receiver=PersonId("delegate"), occupancy=occupancy.id, validity=week))
    consent = Consent(metering_point=POINT, purpose=Purpose.FORECAST, granularity=Granularity.HOUR, proof_text="oui")
    await household.give_consent(consent)
    await household.update_person(Person(id=PersonId("household"), display_name="Camille Foyer", email="camille@example.org"))
    erased_at = await household.erase_person(PersonId("household"))
    assert erased_at == world.clock.now()

    assert await reason(world.administrator().person(PersonId("household"))) == "PERSON_UNKNOWN"
    assert await reason(household.claim_occupancy("AAAA")) == "PERSON_UNKNOWN"
    await world.sweep()
    assert rows_that_hold(database_url, "people/household") == {"outbox"}
    for text in ("Camille", "camille@example.org", "household"):
        assert rows_that_hold(database_url, text) <= {"outbox"}, text
    events = [event async for event in kept_events(world)]
    assert [event.person_erased for event in events if event.person_erased] == ["household"]
    assert not any("household" in (event.person_changed or "") for event in events)
    entries = [entry async for entry in world.administrator().audit_entries(subject="people/erased")]
    assert {entry.method.rpartition("/")[2] for entry in entries} >= {"ClaimOccupancy", "GiveConsent", "ErasePerson", "UpdatePerson"}
    assert await reason(world.administrator().create_person(Person(display_name="New"), person_id="household")) == "PERSON_ID_RETIRED"


async def test_erasing_somebody_leaves_others_alone(world: World) -> None:
    start = world.clock.now() - timedelta(days=100)
    neighbour = await world.resident("delegate", start, AWAY)
    await world.resident("household", start, HOME)
    await world.administrator().erase_person(PersonId("household"))
    assert [one.premise async for one in neighbour.occupancies()] == [AWAY]
    assert {one.person async for one in world.administrator().occupancies()} == {PersonId("delegate")}


async def test_audit_entries_that_come_after_the_erasure_do_not_name_the_person(world: World) -> None:
    await world.administrator().erase_person(PersonId("visitor"))
    service = world.token("services/metering", TokenGrant(role=Role.SERVICE, place=None))
    entry = audit_pb2.AuditEntry(
        entry_id=request_id(),
        occur_time=timestamp(world.clock.now()),
        actor="people/visitor",
        subject="people/visitor",
        outcome=audit_pb2.AUDIT_OUTCOME_READ,
    )
    request = pb.RecordAuditEntriesRequest(entries=[pb.TerritoryAuditEntry(territory="territories/demo", entry=entry)])
    assert (await world.call("RecordAuditEntries", request, service)).recorded_count == 1
    entries = [kept async for kept in world.administrator().audit_entries() if kept.entry_id == entry.entry_id]
    assert [(kept.actor, kept.subject) for kept in entries] == [("people/erased", "people/erased")]


def rows_that_hold(database_url: str, text: str) -> set[str]:
    """Return the tables with a row that holds the text anywhere, in whatever column."""
    engine = sqlalchemy.create_engine(database_url)
    metadata = sqlalchemy.MetaData()
    metadata.reflect(engine)
    found: set[str] = set()
    with engine.connect() as connection:
        for table in metadata.tables.values():
            for row in connection.execute(sqlalchemy.select(table)):
                values = (value if isinstance(value, bytes) else str(value).encode() for value in row)
                if any(text.encode() in bytes(value) for value in values):
                    found.add(table.name)
    engine.dispose()
    return found


async def kept_events(world: World) -> AsyncIterator[AccessEvent]:
    """Yield the events kept up to now."""
    watching = aiter(world.for_services().watch_events())
    while True:
        try:
            async with asyncio.timeout(2):
                _, event = await anext(watching)
        except TimeoutError:
            return
        yield event
