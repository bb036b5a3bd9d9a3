"""Which places lie in which, as a service's own copy tells it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from runtime.place_replica import DatedParent, PlaceReplica
from vocabulary.interval import Validity
from vocabulary.names import PlaceId, TerritoryId

TOWN, VILLAGE = TerritoryId("town"), TerritoryId("village")
JANUARY, FEBRUARY, MARCH = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3))


def within(parent: str, start: datetime | None = None, end: datetime | None = None) -> DatedParent:
    return DatedParent(parent=PlaceId(parent), validity=Validity(start=start, end=end))


@pytest.fixture
async def replica(store: Any) -> PlaceReplica:
    """A meter that moved from one home to another in February."""
    replica = PlaceReplica(store.database, store.tables)
    links = {
        "places/street": [within("quarter")],
        "places/house": [within("street")],
        "places/tower": [within("street")],
        "meters/m": [within("house", end=FEBRUARY), within("tower", start=FEBRUARY)],
    }
    for resource, parents in links.items():
        await store.database.write(lambda connection, r=resource, p=parents: replica.apply(connection, TOWN, r, p))
    return replica


@pytest.mark.parametrize(
    ("granted", "resource", "at", "covered"),
    [
        ("quarter", "meters/m", JANUARY, True),
        ("street", "places/house", JANUARY, True),
        ("house", "meters/m", JANUARY, True),
        ("house", "meters/m", FEBRUARY, False),
        ("tower", "meters/m", JANUARY, False),
        ("tower", "meters/m", FEBRUARY, True),
        ("house", "places/house", JANUARY, True),
        ("house", "places/street", JANUARY, False),
        ("quarter", "meters/unknown", JANUARY, False),
        ("house", "meters/house", JANUARY, False),
    ],
)
async def test_a_place_covers_what_lay_in_it_at_the_time(
    replica: PlaceReplica, granted: str, resource: str, at: datetime, *, covered: bool
) -> None:
    assert await replica.covers(TOWN, PlaceId(granted), resource, at) is covered


async def test_another_territory_knows_nothing_of_it(replica: PlaceReplica) -> None:
    assert not await replica.covers(VILLAGE, PlaceId("quarter"), "meters/m", JANUARY)


async def test_ancestors_come_nearest_first(replica: PlaceReplica) -> None:
    assert await replica.ancestors(TOWN, "meters/m", MARCH) == ("tower", "street", "quarter")


async def test_new_parents_replace_the_old_ones_however_often_they_are_told(replica: PlaceReplica, store: Any) -> None:
    for _ in range(2):
        await store.database.write(lambda connection: replica.apply(connection, TOWN, "meters/m", [within("house")]))
    assert await replica.ancestors(TOWN, "meters/m", MARCH) == ("house", "street", "quarter")


async def test_what_is_forgotten_is_covered_by_nothing(replica: PlaceReplica, store: Any) -> None:
    await store.database.write(lambda connection: replica.forget(connection, TOWN, "meters/m"))
    assert not await replica.covers(TOWN, PlaceId("quarter"), "meters/m", JANUARY)


async def test_a_circle_ends(replica: PlaceReplica, store: Any) -> None:
    await store.database.write(lambda connection: replica.apply(connection, TOWN, "places/quarter", [within("street")]))
    assert not await replica.covers(TOWN, PlaceId("elsewhere"), "meters/m", JANUARY)
