"""What lies in what, and when: the links that the store keeps against the dated parents that they come from."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.adapters.registry_records import sql_records
from metering.adapters.registry_tables import metadata
from metering.domain.registry.places import Place, PlaceParent
from metering.domain.registry.points import MeteringPoint, PointPlace, main_channel
from metering.domain.registry.ports import Kept, PlaceFilter, PointFilter, Records, Written
from metering.domain.registry.reach import Reach, Sight
from metering.domain.registry.territories import Territory
from metering.wire.places import place_document
from metering.wire.points import point_document
from vocabulary.flux import Flux
from vocabulary.interval import Validity
from vocabulary.names import PlaceId, PointId, TerritoryId
from vocabulary.place import PlaceLevel

TERRITORY, ROOT = TerritoryId("t"), PlaceId("root")
EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
TIMES = [EPOCH + timedelta(days=day) for day in range(6)]
LEVELS = (PlaceLevel.COMMUNE, PlaceLevel.STREET, PlaceLevel.BUILDING, PlaceLevel.PREMISE)
NAMES = {level: [PlaceId(f"{level.name.lower()}-{number}") for number in range(3)] for level in LEVELS}
ABOVE = {level: [ROOT, *(name for other in LEVELS if other < level for name in NAMES[other])] for level in LEVELS}
POINTS = [PointId(f"m{number}") for number in range(4)]
WHOLE = Reach(sights=(Sight(place=None, at=EPOCH),))


@st.composite
def stays(draw: st.DrawFn, places: list[PlaceId]) -> list[tuple[PlaceId, Validity]]:
    """One to three stays in places, one after the other, with or without time between."""
    cuts = sorted(draw(st.sets(st.sampled_from(TIMES), min_size=0, max_size=3)))
    bounds = [None, *cuts, None]
    stretches = [Validity(start=bounds[i], end=bounds[i + 1]) for i in range(len(bounds) - 1)]
    chosen = draw(st.lists(st.sampled_from(stretches), min_size=1, max_size=len(stretches), unique=True))
    return [(draw(st.sampled_from(places)), stretch) for stretch in chosen]


@st.composite
def places_of(draw: st.DrawFn) -> list[Place]:
    return [
        Place(
            place_id=name,
            level=level,
            parents=tuple(PlaceParent(parent=parent, validity=when) for parent, when in draw(stays(ABOVE[level]))),
        )
        for level in LEVELS
        for name in NAMES[level]
    ]


@st.composite
def points_of(draw: st.DrawFn) -> list[MeteringPoint]:
    everywhere = [ROOT, *(name for names in NAMES.values() for name in names)]
    return [
        MeteringPoint(
            point_id=name,
            flux=Flux.WATER,
            channels=(main_channel(Flux.WATER),),
            places=tuple(PointPlace(place=place, validity=when) for place, when in draw(stays(everywhere))),
        )
        for name in POINTS
    ]


@contextmanager
def opened() -> Generator[Records]:
    with TemporaryDirectory() as folder:
        engine = sqlalchemy.create_engine(f"sqlite:///{Path(folder) / 'registry.sqlite'}")
        metadata.create_all(engine)
        with engine.begin() as connection:
            records = sql_records(connection)
            territory = Territory(territory_id=TERRITORY, display_name="T", time_zone="Europe/Paris", currency_code="EUR", root_place=ROOT)
            records.territories.add(territory, EPOCH)
            yield records
        engine.dispose()


def all_above(place: PlaceId, at: datetime, places: dict[PlaceId, Place]) -> set[PlaceId]:
    """The place, and all that it lies in at the instant, as its parents say."""
    found = {place}
    while place in places:
        parent = next((parent.parent for parent in places[place].parents if parent.validity.contains(at)), None)
        if parent is None:
            break
        found.add(parent)
        place = parent
    return found


def check(records: Records, places: list[Place], points: list[MeteringPoint]) -> None:
    by_id = {place.place_id: place for place in places}
    for at in (EPOCH - timedelta(days=1), *TIMES):
        above = {place: all_above(place, at, by_id) for place in by_id}
        stands = {point.point_id: next((p.place for p in point.places if p.validity.contains(at)), None) for point in points}
        for place in (ROOT, *by_id):
            expected = sorted(name for name in by_id if place in above[name] and name != place)
            found = records.places.page(TERRITORY, PlaceFilter(at=at, within=place), WHOLE, "", 100)
            assert [filed.own_id for filed in found] == expected
            covered = sorted(name for name, where in stands.items() if where and place in all_above(where, at, by_id))
            scoped = records.points.page(TERRITORY, PointFilter(at=at), Reach(sights=(Sight(place=place, at=at),)), "", 100)
            assert [filed.own_id for filed in scoped] == covered
            within = records.points.page(TERRITORY, PointFilter(at=at, within=place), WHOLE, "", 100)
            assert [filed.own_id for filed in within] == covered


@given(places=places_of(), points=points_of(), moved=places_of(), moved_points=points_of(), which=st.sets(st.integers(0, 11), max_size=4))
@settings(deadline=None, max_examples=40)
def test_links_follow_every_move(
    places: list[Place], points: list[MeteringPoint], moved: list[Place], moved_points: list[MeteringPoint], which: set[int]
) -> None:
    with opened() as records:
        records.places.save(TERRITORY, [Written(value=place, document=place_document(place)) for place in places], EPOCH)
        records.points.save(TERRITORY, [Written(value=point, document=point_document(point)) for point in points], EPOCH)
        check(records, places, points)
        after = [replace(place, parents=moved[number].parents) if number in which else place for number, place in enumerate(places)]
        kept = records.places.get(TERRITORY, [place.place_id for place in after])
        records.places.save(
            TERRITORY,
            [Written(value=place, document=place_document(place), before=kept[place.place_id]) for place in after],
            EPOCH,
        )
        moving = [moved_points[number] if number in which else point for number, point in enumerate(points)]
        known = records.points.get(TERRITORY, [point.point_id for point in moving])
        records.points.save(TERRITORY, [_changed(point, known[point.point_id]) for point in moving], EPOCH)
        check(records, after, moving)


def _changed(point: MeteringPoint, before: Kept[MeteringPoint]) -> Written[MeteringPoint]:
    return Written(value=point, document=point_document(point), before=before)
