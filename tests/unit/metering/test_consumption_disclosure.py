"""Who may be told a figure over a place."""

from datetime import UTC, datetime

import pytest

from metering.domain.consumption.disclosure import (
    Asker,
    Disclosed,
    Occupancy,
    OtherHousehold,
    PremiseUse,
    ReachedPremise,
    SeveralHouseholds,
    disclosed,
)
from vocabulary.failure import Kind
from vocabulary.interval import Interval, Validity
from vocabulary.names import PlaceId

STREET = PlaceId("street")
YEAR = Interval(start=datetime(2025, 1, 1, tzinfo=UTC), end=datetime(2026, 1, 1, tzinfo=UTC))
APRIL, JULY = datetime(2025, 4, 1, tzinfo=UTC), datetime(2025, 7, 1, tzinfo=UTC)
ANALYST = Asker(roles=frozenset({"territory-analyst", "administrator", "building-manager"}))


def home(name: str) -> ReachedPremise:
    return ReachedPremise(premise=PlaceId(name), use=PremiseUse.HOUSEHOLD)


def school() -> ReachedPremise:
    return ReachedPremise(premise=PlaceId("school"), use=PremiseUse.PUBLIC_SITE)


def occupant(*homes: tuple[str, datetime | None, datetime | None]) -> Asker:
    occupancies = tuple(Occupancy(premise=PlaceId(name), validity=Validity(start=start, end=end)) for name, start, end in homes)
    return Asker(roles=frozenset({"household"}), occupancies=occupancies)


def test_public_sites_are_told_to_those_whom_the_call_admits() -> None:
    assert disclosed(STREET, [school(), school()], ANALYST, YEAR) == Disclosed(during=(YEAR,))


def test_several_households_are_told_to_services_only() -> None:
    reached = [home("a"), home("b"), school()]
    assert disclosed(STREET, reached, Asker(roles=frozenset({"service"})), YEAR).during == (YEAR,)
    with pytest.raises(SeveralHouseholds) as refusal:
        disclosed(STREET, reached, ANALYST, YEAR)
    assert refusal.value.kind is Kind.DENIED
    assert refusal.value.metadata == {"place": "street"}


def test_one_household_among_public_sites_is_a_household_still() -> None:
    with pytest.raises(OtherHousehold):
        disclosed(STREET, [home("a"), school()], ANALYST, YEAR)


def test_ones_own_home_is_told_for_the_time_of_ones_occupancy() -> None:
    answer = disclosed(PlaceId("a"), [home("a")], occupant(("a", APRIL, None)), YEAR)
    assert answer.during == (Interval(start=APRIL, end=YEAR.end),)


def test_a_new_tenant_is_told_nothing_of_the_former_one() -> None:
    with pytest.raises(OtherHousehold):
        disclosed(PlaceId("a"), [home("a")], occupant(("a", YEAR.end, None)), YEAR)


def test_an_occupancy_with_an_interruption_gives_two_parts() -> None:
    answer = disclosed(PlaceId("a"), [home("a")], occupant(("a", None, APRIL), ("a", JULY, None)), YEAR)
    assert answer.during == (Interval(start=YEAR.start, end=APRIL), Interval(start=JULY, end=YEAR.end))


def test_occupancies_that_touch_are_one() -> None:
    answer = disclosed(PlaceId("a"), [home("a")], occupant(("a", None, APRIL), ("a", APRIL, None)), YEAR)
    assert answer.during == (YEAR,)


def test_two_homes_of_one_asker_are_told_while_both_are() -> None:
    answer = disclosed(STREET, [home("a"), home("b")], occupant(("a", None, JULY), ("b", APRIL, None)), YEAR)
    assert answer.during == (Interval(start=APRIL, end=JULY),)


def test_a_neighbour_beside_ones_own_home_is_refused() -> None:
    with pytest.raises(SeveralHouseholds):
        disclosed(STREET, [home("a"), home("b")], occupant(("a", None, None)), YEAR)


def test_a_simulated_territory_shows_more_and_says_so() -> None:
    assert disclosed(STREET, [home("a"), home("b")], ANALYST, YEAR, simulated=True) == Disclosed(during=(YEAR,), simulated=True)
