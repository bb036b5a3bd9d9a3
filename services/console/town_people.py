"""Brings the town's households in as they come in life: registered, proven by the code that was posted to them, and consenting."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from multiflux_client.access import AccessClient
from multiflux_client.failures import RemoteFailure
from multiflux_client.people import Consent, Identity, Person, Purpose
from simulation.people import Consent as TownConsent
from simulation.people import Occupancy as TownOccupancy
from simulation.people import Purpose as TownPurpose
from simulation.town import Town
from vocabulary.failure import Kind
from vocabulary.names import PersonId

T = TypeVar("T")

LOCAL_ISSUER = "urn:multiflux:local"
DEMO_HOUSEHOLD = PersonId("household")
"""The demo person of that role moves into one of the town's homes."""
_PAUSE_S = 0.2
"""Between two households: access counts sign-ins by machine, and others on this one must get through."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Household:
    """Who lives where since when, and the consents to being compared."""

    person: PersonId
    display_name: str
    occupancy: TownOccupancy
    consents: tuple[TownConsent, ...]


def households(town: Town, now: datetime) -> Iterator[Household]:
    """Yield the households that live there now and consent to being compared; one with the most meters is the demo person's."""
    names = {person.id: person.display_name for person in town.people}
    consents = dict[PersonId, list[TownConsent]]()
    for consent in town.consents:
        if consent.purpose is TownPurpose.PEER_COMPARISON and consent.validity.contains(now):
            consents.setdefault(consent.person, []).append(consent)
    living = [one for one in town.occupancies if one.validity.contains(now) and one.person in consents and one.validity.start is not None]
    demo = max(living, key=lambda one: (len(consents[one.person]), one.premise), default=None)
    for one in living:
        person = DEMO_HOUSEHOLD if one is demo else one.person
        yield Household(person=person, display_name=names[one.person], occupancy=one, consents=tuple(consents[one.person]))


async def settle(
    some: Iterator[Household], administrator: AccessClient, household: Callable[[PersonId], Awaitable[AccessClient]], territory: str
) -> int:
    """Have households move in and consent, one after the other; return how many have. What is there already stays as it is."""
    count = 0
    for count, each in enumerate(some, 1):  # noqa: B007 - the last count is the answer
        await _move_in(each, administrator, household, territory)
        await asyncio.sleep(_PAUSE_S)
    return count


async def _move_in(
    each: Household, administrator: AccessClient, household: Callable[[PersonId], Awaitable[AccessClient]], territory: str
) -> None:
    start = each.occupancy.validity.start
    if start is None:
        return
    if each.person != DEMO_HOUSEHOLD:
        identity = Identity(issuer=LOCAL_ISSUER, subject=f"{territory}/{each.person}")
        person = Person(display_name=each.display_name, identities=(identity,))
        await _unless_there(lambda: administrator.create_person(person, person_id=each.person))
    code = await _patiently(lambda: administrator.issue_occupancy_code(each.occupancy.premise, start))
    before = await _patiently(lambda: household(each.person))
    await _patiently(lambda: before.claim_occupancy(code.code))
    # The token of a household names its home only once it has one.
    after = await _patiently(lambda: household(each.person))
    for consent in each.consents:
        given = Consent(
            metering_point=consent.point,
            purpose=Purpose.PEER_COMPARISON,
            granularity=consent.granularity,
            proof_text=consent.proof_text,
        )
        await _unless_there(lambda given=given: after.give_consent(given))


async def _unless_there(call: Callable[[], Awaitable[T]]) -> None:
    try:
        await _patiently(call)
    except RemoteFailure as failure:
        if failure.kind is not Kind.EXISTS:
            raise


async def _patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Call, and wait as long as the service says when it has had enough calls."""
    while True:
        try:
            return await call()
        except RemoteFailure as failure:
            if failure.kind is not Kind.EXHAUSTED:
                raise
            await asyncio.sleep(failure.retry_delay_s or 1.0)
