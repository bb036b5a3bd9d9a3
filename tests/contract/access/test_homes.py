"""Occupancies by posted codes, delegations and consents."""

from datetime import datetime, timedelta
from typing import Any

import grpc
import pytest
from access_world import AWAY, FAR_QUARTER, HOME, NEXT_DOOR, POINT, POINT_AWAY, QUARTER, World, first, request_id, timestamp

from access.domain.code import ALPHABET
from multiflux.access.v1 import access_service_pb2 as pb
from multiflux_client.failures import RemoteFailure
from multiflux_client.people import Consent, Delegation, Purpose
from multiflux_client.records import OccupancyId
from runtime.call import Grant
from vocabulary.civil import Granularity
from vocabulary.interval import Validity
from vocabulary.names import PersonId, PlaceId
from vocabulary.role import Role


async def reason(call: Any) -> str:
    with pytest.raises(RemoteFailure) as raised:
        await call
    return raised.value.reason


def consent(**fields: Any) -> Consent:
    given: dict[str, Any] = {
        "metering_point": POINT,
        "purpose": Purpose.FORECAST,
        "granularity": Granularity.HOUR,
        "proof_text": "J'accepte.",
    }
    return Consent(**{**given, **fields})


def days(number: float) -> timedelta:
    return timedelta(days=number)


async def test_a_posted_code_proves_once_who_lives_where(world: World) -> None:
    start = world.clock.now() - days(10)
    issued = await world.administrator().issue_occupancy_code(HOME, start)
    assert issued.expires == world.clock.now() + days(60)
    assert len(issued.code) == 11
    assert set(issued.code) <= set(ALPHABET)
    household = await world.signed_in("household")
    typed = f" {issued.code[:4]}-{issued.code[4:8]} {issued.code[8:]}".lower()
    occupancy = await household.claim_occupancy(typed)
    assert (occupancy.person, occupancy.premise, occupancy.validity) == ("household", HOME, Validity(start=start))
    assert occupancy.verify_time == world.clock.now()
    # Its token is from before: only the next one says that it is a household.
    assert await reason(household.occupancies().page()) == "NOT_PERMITTED"
    assert [one async for one in (await world.signed_in("household")).occupancies()] == [occupancy]
    assert await reason((await world.signed_in("delegate")).claim_occupancy(issued.code)) == "OCCUPANCY_CODE_INVALID"


async def test_a_repeated_issue_gives_the_code_no_more(world: World) -> None:
    token = world.token("people/administrator", Grant(role=Role.ADMINISTRATOR, place=None))
    request = pb.IssueOccupancyCodeRequest(
        premise="places/home", occupancy_start_time=timestamp(world.clock.now()), request_id=request_id()
    )
    first, second = await world.call("IssueOccupancyCode", request, token), await world.call("IssueOccupancyCode", request, token)
    assert first.code
    assert not second.code
    assert first.expire_time == second.expire_time
    occupancy = await (await world.signed_in("household")).claim_occupancy(first.code)
    assert occupancy.premise == HOME


async def test_a_repeated_claim_is_answered_the_same(world: World) -> None:
    issued = await world.administrator().issue_occupancy_code(HOME, world.clock.now())
    household = await world.signed_in("household")
    number = request_id()
    first = await household.claim_occupancy(issued.code, request_id=number)
    assert await household.claim_occupancy(issued.code, request_id=number) == first


async def test_a_newer_code_replaces_an_unused_one_and_an_old_one_expires(world: World) -> None:
    old = await world.administrator().issue_occupancy_code(HOME, world.clock.now())
    new = await world.administrator().issue_occupancy_code(HOME, world.clock.now())
    household = await world.signed_in("household")
    assert await reason(household.claim_occupancy(old.code)) == "OCCUPANCY_CODE_INVALID"
    world.clock.at = new.expires
    household = await world.signed_in("household")
    assert await reason(household.claim_occupancy(new.code)) == "OCCUPANCY_CODE_INVALID"


async def test_codes_are_issued_for_known_premises_by_who_administers_them(world: World) -> None:
    start = world.clock.now()
    assert await reason(world.administrator().issue_occupancy_code(PlaceId("nowhere"), start)) == "PLACE_UNKNOWN"
    assert await reason(world.administrator().issue_occupancy_code(QUARTER, start)) == "INVALID_REQUEST"
    of_quarter = world.client(world.token("people/x", Grant(role=Role.ADMINISTRATOR, place=QUARTER)))
    await of_quarter.issue_occupancy_code(HOME, start)
    assert await reason(of_quarter.issue_occupancy_code(AWAY, start)) == "NOT_PERMITTED"
    token = world.token("people/administrator", Grant(role=Role.ADMINISTRATOR, place=None))
    request = pb.IssueOccupancyCodeRequest(premise="places/home", request_id=request_id())
    assert (await world.refused("IssueOccupancyCode", request, token)).reason == "MISSING_FIELD"


async def test_after_five_wrong_codes_a_person_must_wait_for_an_hour(world: World) -> None:
    good = await world.administrator().issue_occupancy_code(HOME, world.clock.now())
    household, token = await world.signed_in("household"), (await world.sign_in("household")).token
    for wrong in ("", "AAAAAAAAAAA", "ACEFHJKMNPR", "22222222222", "2222222222A"):
        assert await reason(household.claim_occupancy(wrong)) == "OCCUPANCY_CODE_INVALID"
    refused = await world.refused("ClaimOccupancy", pb.ClaimOccupancyRequest(code=good.code, request_id=request_id()), token)
    assert (refused.reason, refused.code) == ("OCCUPANCY_CODE_TRIES_EXHAUSTED", grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert refused.retry_delay_s == 3600
    other = await world.signed_in("delegate")
    assert await reason(other.claim_occupancy("AAAAAAAAAAA")) == "OCCUPANCY_CODE_INVALID"
    world.clock.advance(timedelta(hours=1))
    assert (await (await world.signed_in("household")).claim_occupancy(good.code)).premise == HOME


async def test_right_codes_are_not_counted(world: World) -> None:
    for number in range(7):
        start = world.clock.now() - days(30 - number)
        issued = await world.administrator().issue_occupancy_code(HOME, start)
        await (await world.signed_in("household")).claim_occupancy(issued.code)
    assert len([one async for one in world.for_services().occupancies(HOME)]) == 7


async def test_two_codes_with_one_start_are_one_household_and_a_later_start_ends_it(world: World) -> None:
    start = world.clock.now() - days(10)
    await world.resident("household", start)
    await world.resident("delegate", start)
    both = [one async for one in world.for_services().occupancies(HOME)]
    assert {(one.person, one.validity) for one in both} == {
        ("household", Validity(start=start)),
        ("delegate", Validity(start=start)),
    }
    later = world.clock.now() - days(3)
    await world.resident("visitor", later)
    after = {one.person: one.validity for one in [one async for one in world.for_services().occupancies(HOME)]}
    ended = Validity(start=start, end=later)
    assert after == {"household": ended, "delegate": ended, "visitor": Validity(start=later)}


async def test_a_code_for_a_household_that_has_left_is_neither_issued_nor_taken(world: World) -> None:
    start = world.clock.now() - days(10)
    old = await world.administrator().issue_occupancy_code(HOME, start)
    await world.move_out(world.clock.now() - days(1))
    assert await reason((await world.signed_in("household")).claim_occupancy(old.code)) == "OCCUPANCY_CODE_INVALID"
    assert await reason(world.administrator().issue_occupancy_code(HOME, start)) == "HOUSEHOLD_HAS_LEFT"
    await world.resident("visitor", world.clock.now())
    assert await reason(world.administrator().issue_occupancy_code(HOME, world.clock.now() - days(0.5))) == "HOUSEHOLD_HAS_LEFT"


async def test_a_planned_move_ends_who_comes_in_before_it(world: World) -> None:
    leaves = world.clock.now() + days(5)
    await world.move_out(leaves)
    await world.resident("household", world.clock.now() - days(5))
    assert [one.validity.end async for one in world.for_services().occupancies(HOME)] == [leaves]


async def test_a_household_ends_its_occupancy_and_cannot_prolong_it(world: World) -> None:
    start = world.clock.now() - days(10)
    household = await world.resident("household", start)
    mine = await first(household.occupancies())
    assert await reason(household.end_occupancy(mine.id, start)) == "INVALID_REQUEST"
    ended = await household.end_occupancy(mine.id, world.clock.now())
    assert ended.validity == Validity(start=start, end=world.clock.now())
    assert await reason(household.end_occupancy(mine.id, world.clock.now() + days(1))) == "OCCUPANCY_ENDED"
    assert await reason((await world.resident("delegate", start, AWAY)).end_occupancy(mine.id, start + days(1))) == "OCCUPANCY_UNKNOWN"
    assert await reason(household.end_occupancy(OccupancyId("none"), start)) == "OCCUPANCY_UNKNOWN"


async def test_an_administrator_sees_and_ends_the_occupancies_of_its_places(world: World) -> None:
    start = world.clock.now() - days(10)
    for person, premise in (("household", HOME), ("delegate", NEXT_DOOR), ("visitor", AWAY)):
        await world.resident(person, start, premise)
    of_quarter = world.client(world.token("people/x", Grant(role=Role.ADMINISTRATOR, place=QUARTER)))
    seen = [one async for one in of_quarter.occupancies()]
    assert {one.premise for one in seen} == {HOME, NEXT_DOOR}
    far = await first(world.administrator().occupancies(AWAY))
    assert await reason(of_quarter.end_occupancy(far.id, world.clock.now())) == "OCCUPANCY_UNKNOWN"
    assert (await of_quarter.end_occupancy(seen[0].id, world.clock.now())).validity.end == world.clock.now()
    of_far = world.client(world.token("people/x", Grant(role=Role.ADMINISTRATOR, place=FAR_QUARTER)))
    assert [one.premise async for one in of_far.occupancies()] == [AWAY]
    assert [one async for one in of_far.occupancies(HOME)] == []


async def test_a_move_told_twice_ends_everything_once(world: World) -> None:
    start = world.clock.now() - days(10)
    household = await world.resident("household", start)
    given = await household.give_consent(consent())
    moved = world.clock.now() - days(1)
    await world.move_out(moved)
    first = [one async for one in world.for_services().occupancies(HOME)]
    entries = [one async for one in world.administrator().audit_entries(subject="people/household")]
    await world.move_out(moved)
    assert [one async for one in world.for_services().occupancies(HOME)] == first
    assert [one async for one in world.administrator().audit_entries(subject="people/household")] == entries
    assert first[0].validity.end == moved
    kept = [one async for one in world.for_services().consents()]
    assert [(one.id, one.validity.end) for one in kept] == [(given.id, moved)]


async def test_a_delegation_is_let_and_taken_back(world: World) -> None:
    household = await world.resident("household", world.clock.now() - days(10))
    home = await first(household.occupancies())
    week = Validity(end=world.clock.now() + days(7))
    let = await household.create_delegation(Delegation(receiver=PersonId("delegate"), occupancy=home.id, validity=week))
    assert (let.giver, let.receiver, let.validity.start) == ("household", "delegate", world.clock.now())
    receiver = await world.signed_in("delegate")
    assert [one async for one in receiver.delegations()] == [let]
    world.clock.advance(timedelta(minutes=1))
    ended = await receiver.end_delegation(let.id)
    assert ended.validity.end == world.clock.now()
    assert await receiver.end_delegation(let.id) == ended
    assert await reason((await world.resident("visitor", world.clock.now(), AWAY)).end_delegation(let.id)) == "DELEGATION_UNKNOWN"


async def test_a_delegation_needs_an_end_another_person_and_an_occupancy_of_ones_own(world: World) -> None:
    start, now = world.clock.now() - days(10), world.clock.now()
    household = await world.resident("household", start)
    home = await first(household.occupancies())
    stranger = await world.resident("visitor", start, AWAY)
    to_delegate: dict[str, Any] = {"receiver": PersonId("delegate"), "occupancy": home.id}
    week = Validity(end=now + days(7))
    for delegation, expected in (
        (Delegation(**to_delegate, validity=Validity()), "INVALID_REQUEST"),
        (Delegation(**to_delegate, validity=Validity(end=now)), "INVALID_REQUEST"),
        (Delegation(**to_delegate, validity=Validity(start=start - days(1), end=now + days(1))), "DELEGATION_OUTSIDE_OCCUPANCY"),
        (Delegation(receiver=PersonId("household"), occupancy=home.id, validity=week), "INVALID_REQUEST"),
        (Delegation(receiver=PersonId("nobody"), occupancy=home.id, validity=week), "PERSON_UNKNOWN"),
    ):
        assert await reason(household.create_delegation(delegation)) == expected
    assert await reason(stranger.create_delegation(Delegation(**to_delegate, validity=week))) == "OCCUPANCY_UNKNOWN"
    await household.end_occupancy(home.id, now + days(3))
    assert await reason(household.create_delegation(Delegation(**to_delegate, validity=week))) == "DELEGATION_OUTSIDE_OCCUPANCY"


async def test_a_delegation_that_had_not_begun_when_its_occupancy_ended_is_gone(world: World) -> None:
    household = await world.resident("household", world.clock.now() - days(10))
    home = await first(household.occupancies())
    week = Validity(end=world.clock.now() + days(7))
    await household.create_delegation(Delegation(receiver=PersonId("delegate"), occupancy=home.id, validity=week))
    await world.move_out(world.clock.now() - days(1))
    assert [one async for one in (await world.signed_in("household")).delegations()] == []


async def test_a_consent_is_cut_to_the_occupancy_and_withdrawn(world: World) -> None:
    start = world.clock.now() - days(10)
    household = await world.resident("household", start)
    given = await household.give_consent(consent())
    assert (given.person, given.validity, given.give_time) == ("household", Validity(start=start), world.clock.now())
    assert await reason(household.give_consent(consent(granularity=Granularity.DAY))) == "CONSENT_EXISTS"
    await household.give_consent(consent(purpose=Purpose.ADVICE))
    world.clock.advance(timedelta(minutes=1))
    withdrawn = await household.withdraw_consent(given.id)
    assert withdrawn.withdraw_time == world.clock.now()
    assert await household.withdraw_consent(given.id) == withdrawn
    services = world.for_services()
    assert [one async for one in services.consents(purpose=Purpose.FORECAST, hold_at=world.clock.now())] == []
    assert [one async for one in services.consents(purpose=Purpose.FORECAST, hold_at=given.give_time)] == [withdrawn]
    assert len([one async for one in services.consents(metering_point=POINT)]) == 2
    assert [one async for one in services.consents(metering_point=POINT_AWAY)] == []
    with_limits = consent(validity=Validity(start=start - days(5), end=world.clock.now() + days(1)))
    assert (await household.give_consent(with_limits)).validity.start >= start


@pytest.mark.parametrize(
    "wrong",
    [
        {"proof_text": " "},
        {"purpose": Purpose.DISPLAY_DAILY, "granularity": Granularity.HOUR},
        {"purpose": Purpose.DISPLAY_SUBDAILY, "granularity": Granularity.DAY},
    ],
)
async def test_a_consent_that_makes_no_sense_is_refused(world: World, wrong: dict[str, Any]) -> None:
    household = await world.resident("household", world.clock.now() - days(10))
    assert await reason(household.give_consent(consent(**wrong))) == "INVALID_REQUEST"


async def test_consent_is_given_for_points_of_ones_home_in_ones_time_only(world: World) -> None:
    start: datetime = world.clock.now() - days(10)
    household = await world.resident("household", start)
    assert await reason(household.give_consent(consent(metering_point=POINT_AWAY))) == "NOT_PERMITTED"
    before = Validity(end=start)
    assert await reason(household.give_consent(consent(validity=before))) == "CONSENT_OUTSIDE_OCCUPANCY"
    other = await world.resident("visitor", start, AWAY)
    mine = await household.give_consent(consent())
    assert await reason(other.withdraw_consent(mine.id)) == "CONSENT_UNKNOWN"
    assert [one async for one in other.consents()] == []
    assert [one async for one in household.consents()] == [mine]
