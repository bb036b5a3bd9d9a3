"""Codes cannot be guessed, neither at once nor over many requests, and what is stolen from the database is worth nothing."""

import asyncio
import sqlite3
from datetime import timedelta

from access_world import HOME, OTHER, World, request_id

from multiflux.access.v1 import access_service_pb2 as pb
from multiflux_client.people import Person


async def test_guesses_at_the_same_time_share_the_five_tries(world: World) -> None:
    token = (await world.sign_in("visitor")).token
    guesses = [pb.ClaimOccupancyRequest(code="AAAAAAAAAAA", request_id=request_id()) for _ in range(20)]
    refused = await asyncio.gather(*(world.refused("ClaimOccupancy", guess, token) for guess in guesses))
    reasons = sorted(one.reason for one in refused)
    assert reasons == ["OCCUPANCY_CODE_INVALID"] * 5 + ["OCCUPANCY_CODE_TRIES_EXHAUSTED"] * 15


async def test_one_code_claimed_by_many_at_once_serves_one(world: World) -> None:
    issued = await world.administrator().issue_occupancy_code(HOME, world.clock.now() - timedelta(days=1))
    people = ["household", "delegate", "visitor", "collector", "building-manager"]
    clients = [await world.signed_in(person) for person in people]
    answers = await asyncio.gather(*(client.claim_occupancy(issued.code) for client in clients), return_exceptions=True)
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1
    assert len([one async for one in world.for_services().occupancies()]) == 1


async def test_wrong_used_and_expired_codes_are_refused_in_the_same_words(world: World) -> None:
    used = await world.administrator().issue_occupancy_code(HOME, world.clock.now())
    await (await world.signed_in("household")).claim_occupancy(used.code)
    old = await world.administrator().issue_occupancy_code(HOME, world.clock.now())
    world.clock.at = old.expires
    token = (await world.sign_in("visitor")).token
    answers = [
        await world.refused("ClaimOccupancy", pb.ClaimOccupancyRequest(code=code, request_id=request_id()), token)
        for code in (used.code, old.code, "AAAAAAAAAAA", "!")
    ]
    assert len({(one.code, one.reason, one.message, tuple(one.metadata)) for one in answers}) == 1


async def test_the_database_holds_no_code_no_refresh_token_and_no_private_key(world: World) -> None:
    issued = await world.administrator().issue_occupancy_code(HOME, world.clock.now())
    session = await world.sign_in("household")
    secret = (world.settings.secrets_directory / "metering").read_text()
    with sqlite3.connect(world.settings.store_url.removeprefix("sqlite:///")) as connection:
        dump = "\n".join(connection.iterdump())
    for text in (issued.code, session.refresh_token, session.token, secret, '"d":'):
        assert text not in dump
        assert text.encode().hex() not in dump.lower()


async def test_a_code_of_one_territory_means_nothing_in_another(world: World) -> None:
    issued = await world.administrator().issue_occupancy_code(HOME, world.clock.now())
    await world.administrator(OTHER).create_person(Person(display_name="Zoé"), person_id="zoe")
    token = world.token("people/zoe", territory=OTHER)
    refused = await world.refused("ClaimOccupancy", pb.ClaimOccupancyRequest(code=issued.code, request_id=request_id()), token)
    assert refused.reason == "OCCUPANCY_CODE_INVALID"


async def test_a_refresh_token_used_by_two_at_once_serves_at_most_one_and_ends_the_session(world: World) -> None:
    session = await world.sign_in("household")
    request = pb.ExchangeTokenRequest(territory="territories/demo", refresh_token=session.refresh_token)
    answers = await asyncio.gather(*(world.call("ExchangeToken", request) for _ in range(6)), return_exceptions=True)
    served = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert len(served) == 1
    request.refresh_token = served[0].refresh_token
    assert (await world.refused("ExchangeToken", request)).reason == "REFRESH_TOKEN_INVALID"
