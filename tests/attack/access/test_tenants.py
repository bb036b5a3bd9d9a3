"""The new tenant gets nothing from before, the former nothing from after; delegations end with their date and their giver's occupancy."""

from datetime import timedelta
from typing import Any

import pytest
from access_world import AWAY, DEMO, HOME, POINT, World, first, request_id

from multiflux.access.v1 import access_service_pb2 as pb
from multiflux_client.access import RefreshToken
from multiflux_client.failures import RemoteFailure
from multiflux_client.people import Consent, Delegation, Purpose, TokenGrant
from vocabulary.civil import Granularity
from vocabulary.interval import Validity
from vocabulary.names import PersonId, PlaceId
from vocabulary.role import Role


def days(number: float) -> timedelta:
    return timedelta(days=number)


async def grants(world: World, person: str, role: Role) -> list[tuple[PlaceId | None, Validity]]:
    """Return what the person's next token grants in that role."""
    given = await world.sign_in(person)
    return [(grant.place, grant.validity) for grant in given.grants if grant.role is role]


async def let(world: World, giver: Any, receiver: str, until: timedelta) -> Any:
    home = await first(giver.occupancies())
    validity = Validity(start=home.validity.start, end=world.clock.now() + until)
    return await giver.create_delegation(Delegation(receiver=PersonId(receiver), occupancy=home.id, validity=validity))


async def test_a_token_is_cut_to_the_occupancy(world: World) -> None:
    came = world.clock.now() - days(100)
    await world.resident("household", came)
    assert await grants(world, "household", Role.HOUSEHOLD) == [(HOME, Validity(start=came))]


async def test_after_a_move_the_former_sees_its_own_time_and_the_new_one_its_own(world: World) -> None:
    came, moved = world.clock.now() - days(100), world.clock.now() - days(10)
    await world.resident("household", came)
    await world.move_out(moved)
    await world.resident("visitor", moved)
    assert await grants(world, "household", Role.HOUSEHOLD) == [(HOME, Validity(start=came, end=moved))]
    assert await grants(world, "visitor", Role.HOUSEHOLD) == [(HOME, Validity(start=moved))]


async def test_without_a_word_from_the_registry_the_new_tenants_code_ends_the_former_occupancy(world: World) -> None:
    came, moved = world.clock.now() - days(100), world.clock.now() - days(10)
    await world.resident("household", came)
    await world.resident("visitor", moved)
    assert await grants(world, "household", Role.HOUSEHOLD) == [(HOME, Validity(start=came, end=moved))]


async def test_a_refreshed_token_is_cut_too(world: World) -> None:
    came, moved = world.clock.now() - days(100), world.clock.now() - days(10)
    await world.resident("household", came)
    session = await world.sign_in("household")
    await world.move_out(moved)
    again = await world.client().exchange_token(RefreshToken(token=session.refresh_token), territory=DEMO)
    assert TokenGrant(role=Role.HOUSEHOLD, place=HOME, validity=Validity(start=came, end=moved)) in again.grants


async def test_somebody_who_moves_in_later_has_nothing_yet(world: World) -> None:
    comes = world.clock.now() + days(3)
    await world.resident("visitor", comes)
    assert await grants(world, "visitor", Role.HOUSEHOLD) == []
    world.clock.at = comes
    assert await grants(world, "visitor", Role.HOUSEHOLD) == [(HOME, Validity(start=comes))]


async def test_the_new_tenant_cannot_use_a_letter_that_was_meant_for_the_former(world: World) -> None:
    came = world.clock.now() - days(100)
    letter = await world.administrator().issue_occupancy_code(HOME, came)
    await world.resident("delegate", came, AWAY)
    await world.move_out(world.clock.now() - days(1))
    refused = await world.refused("ClaimOccupancy", _claim(letter.code), (await world.sign_in("visitor")).token)
    assert refused.reason == "OCCUPANCY_CODE_INVALID"
    assert await grants(world, "visitor", Role.HOUSEHOLD) == []


async def test_a_delegation_ends_with_its_date(world: World) -> None:
    came = world.clock.now() - days(100)
    giver = await world.resident("household", came)
    await let(world, giver, "delegate", days(7))
    ends = world.clock.now() + days(7)
    assert await grants(world, "delegate", Role.DELEGATE) == [(HOME, Validity(start=came, end=ends))]
    world.clock.at = ends - timedelta(microseconds=1)
    assert len(await grants(world, "delegate", Role.DELEGATE)) == 1
    world.clock.at = ends
    assert await grants(world, "delegate", Role.DELEGATE) == []


async def test_a_delegation_ends_with_its_givers_occupancy(world: World) -> None:
    came = world.clock.now() - days(100)
    giver = await world.resident("household", came)
    await let(world, giver, "delegate", days(7))
    leaves = world.clock.now() + days(2)
    await world.move_out(leaves)
    assert await grants(world, "delegate", Role.DELEGATE) == [(HOME, Validity(start=came, end=leaves))]
    world.clock.at = leaves
    assert await grants(world, "delegate", Role.DELEGATE) == []
    assert await grants(world, "household", Role.HOUSEHOLD) == [(HOME, Validity(start=came, end=leaves))]


async def test_a_delegate_sees_no_more_of_a_move_that_is_told_late(world: World) -> None:
    came = world.clock.now() - days(100)
    giver = await world.resident("household", came)
    await let(world, giver, "delegate", days(7))
    await world.move_out(world.clock.now() - days(10))
    assert await grants(world, "delegate", Role.DELEGATE) == []


async def test_a_delegate_cannot_pass_its_view_on(world: World) -> None:
    giver = await world.resident("household", world.clock.now() - days(100))
    delegation = await let(world, giver, "delegate", days(7))
    receiver = await world.resident("delegate", world.clock.now() - days(5), AWAY)
    onward = Delegation(receiver=PersonId("visitor"), occupancy=delegation.occupancy, validity=Validity(end=world.clock.now() + days(1)))
    with pytest.raises(RemoteFailure) as raised:
        await receiver.create_delegation(onward)
    assert raised.value.reason == "OCCUPANCY_UNKNOWN"
    assert await grants(world, "visitor", Role.DELEGATE) == []


async def test_a_former_tenants_consent_does_not_reach_into_the_time_of_the_next(world: World) -> None:
    came, moved = world.clock.now() - days(100), world.clock.now() - days(10)
    former = await world.resident("household", came)
    consent = Consent(metering_point=POINT, purpose=Purpose.FORECAST, granularity=Granularity.HOUR, proof_text="oui")
    await former.give_consent(consent)
    await world.move_out(moved)
    services = world.for_services()
    assert [one async for one in services.consents(metering_point=POINT, hold_at=world.clock.now())] == []
    assert [one.validity async for one in services.consents(metering_point=POINT, hold_at=moved - days(1))] == [
        Validity(start=came, end=moved)
    ]
    again = await (await world.signed_in("household")).give_consent(
        Consent(metering_point=POINT, purpose=Purpose.ADVICE, granularity=Granularity.HOUR, proof_text="oui")
    )
    assert again.validity == Validity(start=came, end=moved)


def _claim(code: str) -> Any:
    return pb.ClaimOccupancyRequest(code=code, request_id=request_id())
