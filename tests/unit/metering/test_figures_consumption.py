"""What was consumed at a point and in a place, from scenes and readings alone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from metering.domain.consumption.disclosure import Asker, Occupancy, SeveralHouseholds
from metering.domain.consumption.places import PointPlace
from metering.domain.consumption.slots import FinerThanData
from metering.domain.figures.consumption import ConsumptionAnswer, ConsumptionQuestion, IntervalTooLong, NoPoints, answered
from metering.domain.figures.listing import listed_members, point_answer
from metering.domain.figures.point_use import ReadChannel
from metering.domain.figures.scene import Member, Scene
from metering.domain.registry.points import Channel, MeteringPoint
from metering.domain.registry.points import PointPlace as PlaceOfPoint
from metering.domain.series.columns import ReadingKind, Versions, columns_of, joined_versions
from vocabulary.civil import Granularity
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.interval import Interval, Validity
from vocabulary.names import PlaceId, PointId, TerritoryId

START = datetime(2026, 3, 2, tzinfo=UTC)
HALF = START + timedelta(days=1)
ASKED = Interval(start=START, end=START + timedelta(days=2))
HOUSE = PlaceId("house")
SERVICE = Asker(roles=frozenset({"service"}))
FLATS = frozenset({PlaceId("one"), PlaceId("two")})


def member(own_id: str, validity: Validity | None = None) -> Member:
    point = PointId(own_id)
    channel = Channel(channel_id="import", quantity=Quantity.VOLUME, direction=Direction.IMPORT)
    measured = MeteringPoint(point_id=point, flux=Flux.WATER, places=(PlaceOfPoint(place=HOUSE),), channels=(channel,))
    return Member(point=measured, places=(PointPlace(point=point, place=HOUSE, validity=validity or Validity()),))


def scene(*members: Member, place: bool = True, homes: frozenset[PlaceId] = frozenset(), simulated: bool = False) -> Scene:
    return Scene(
        territory=TerritoryId("town"),
        zone=ZoneInfo("UTC"),
        simulated=simulated,
        resource="places/house" if place else "meters/a",
        place=HOUSE if place else None,
        members=members,
        homes=homes,
        coefficients=(),
    )


def question(by: Granularity = Granularity.DAY, *, profile_allowed: bool = False) -> ConsumptionQuestion:
    return ConsumptionQuestion(
        territory=TerritoryId("town"),
        resource="places/house",
        flux=Flux.WATER,
        quantity=None,
        direction=Direction.IMPORT,
        during=ASKED,
        granularity=by,
        profile_allowed=profile_allowed,
    )


def readings(step_s: int) -> ReadChannel:
    """Return readings that bring one millilitre in each second of the two days."""
    start = int(START.timestamp())
    columns = columns_of([(0, start + at, step_s, step_s, 2) for at in range(0, 2 * 86_400, step_s)])

    def read(channel: str, kind: ReadingKind, during: Interval) -> Versions:
        if channel != "import" or kind is not ReadingKind.INTERVAL:
            return joined_versions(())
        kept = columns.take(np.flatnonzero((columns.time >= during.start.timestamp()) & (columns.time < during.end.timestamp())))
        return Versions(columns=kept, sequence=np.ones(len(kept), np.int64))

    return read


def answer(asked: ConsumptionQuestion, of: Scene, asker: Asker = SERVICE, step_s: int = 3_600) -> ConsumptionAnswer:
    return answered(asked, of, asker, lambda _: readings(step_s))


def test_a_place_has_the_sum_of_its_points_while_they_are_in_it() -> None:
    found = answer(question(), scene(member("a"), member("b", Validity(start=HALF))))
    assert found.slots.value.tolist() == [86_400, 2 * 86_400]
    assert [share.point for share in found.points] == ["a", "b"]


def test_a_place_is_divided_by_a_profile_only_if_that_is_allowed() -> None:
    coarse = scene(member("a"))
    hourly = answer(question(Granularity.HOUR, profile_allowed=True), coarse, step_s=86_400)
    assert hourly.slots.profile
    assert hourly.slots.value.tolist() == [3_600] * 48
    with pytest.raises(FinerThanData):
        answer(question(Granularity.HOUR), coarse, step_s=86_400)


def test_several_homes_are_shown_to_services_and_in_simulated_territories_alone() -> None:
    manager = Asker(roles=frozenset({"building_manager"}))
    with pytest.raises(SeveralHouseholds):
        answer(question(), scene(member("a"), homes=FLATS), manager)
    shown = answer(question(), scene(member("a"), homes=FLATS, simulated=True), manager)
    assert shown.simulated
    assert shown.slots.total == answer(question(), scene(member("a"), homes=FLATS)).slots.total == 2 * 86_400


def test_a_household_is_cut_to_its_occupancy() -> None:
    asker = Asker(roles=frozenset({"household"}), occupancies=(Occupancy(premise=PlaceId("one"), validity=Validity(end=HALF)),))
    found = answer(question(), scene(member("a"), place=False, homes=frozenset({PlaceId("one")})), asker)
    assert found.slots.known.tolist() == [True, False]
    assert found.slots.total == 86_400


def test_a_place_without_such_a_point_is_named() -> None:
    with pytest.raises(NoPoints):
        answer(question(), scene())


def test_more_slots_than_an_answer_holds_are_refused() -> None:
    with pytest.raises(IntervalTooLong):
        ConsumptionQuestion(
            territory=TerritoryId("town"),
            resource="meters/a",
            flux=None,
            quantity=None,
            direction=Direction.IMPORT,
            during=Interval(start=START, end=START + timedelta(days=401)),
            granularity=Granularity.TEN_MINUTES,
        )


def test_a_listing_has_points_by_name_each_while_it_was_in_the_place() -> None:
    place = scene(member("b", Validity(start=HALF)), member("a"), member("gone", Validity(end=START)))
    listed = listed_members(question(), place)
    assert [one.point.point_id for one in listed] == ["a", "b"]
    late = point_answer(question(), place, listed[1], readings(3_600))
    assert late is not None
    assert late.slots.known.tolist() == [False, True]
    assert late.slots.total == 86_400


def test_a_listing_leaves_out_points_whose_readings_are_coarser() -> None:
    place = scene(member("a"))
    assert point_answer(question(Granularity.HOUR), place, place.members[0], readings(86_400)) is None
