"""Totals of places: boundary points once, levels that add up, changes of parent."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from metering.domain.consumption.pieces import NOTHING, Pieces, pieces
from metering.domain.consumption.places import (
    Layout,
    PlaceParent,
    PlaceTotal,
    PointParent,
    PointPlace,
    PointUse,
    TwoParents,
    UseKind,
    boundary_stretches,
    place_totals,
)
from vocabulary.civil import Granularity
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.interval import Interval, Validity
from vocabulary.names import PlaceId, PointId

UTC_ZONE = ZoneInfo("UTC")
HOUR = 3_600
DRAWN = UseKind(flux=Flux.ELECTRICITY, quantity=Quantity.ENERGY, direction=Direction.IMPORT)
GIVEN = UseKind(flux=Flux.ELECTRICITY, quantity=Quantity.ENERGY, direction=Direction.INJECTION)
ALWAYS = Validity()


def instant(hour: float) -> datetime:
    return datetime.fromtimestamp(int(hour * HOUR), UTC)


def until(hour: float) -> Validity:
    return Validity(end=instant(hour))


def since(hour: float) -> Validity:
    return Validity(start=instant(hour))


def lies_in(place: str, parent: str, validity: Validity = ALWAYS) -> PlaceParent:
    return PlaceParent(place=PlaceId(place), parent=PlaceId(parent), validity=validity)


def hangs_in(point: str, place: str, validity: Validity = ALWAYS) -> PointPlace:
    return PointPlace(point=PointId(point), place=PlaceId(place), validity=validity)


def part_of(point: str, parent: str, validity: Validity = ALWAYS) -> PointParent:
    return PointParent(point=PointId(point), parent=PointId(parent), validity=validity)


def use(point: str, hourly: int | None, kind: UseKind = DRAWN, hours: int = 24) -> PointUse:
    known = NOTHING if hourly is None else steady(hourly, hours)
    return PointUse(point=PointId(point), kind=kind, pieces=known)


def steady(hourly: int, hours: int) -> Pieces:
    return pieces([at * HOUR for at in range(hours)], [(at + 1) * HOUR for at in range(hours)], [hourly] * hours)


def totals(
    place: str, layout: Layout, *uses: PointUse, granularity: Granularity = Granularity.DAY, hours: int = 24
) -> dict[UseKind, PlaceTotal]:
    during = Interval(start=instant(0), end=instant(hours))
    return dict(place_totals(PlaceId(place), layout, uses, during, granularity, UTC_ZONE))


TOWN = Layout(
    places=(lies_in("street", "town"), lies_in("school", "street"), lies_in("hall", "street")),
    points=(hangs_in("main", "school"), hangs_in("canteen", "school"), hangs_in("hall-meter", "hall")),
    sub_meters=(part_of("canteen", "main"),),
)


def test_a_sub_meter_is_not_added_to_the_meter_that_it_is_part_of() -> None:
    found = totals("school", TOWN, use("main", 10), use("canteen", 3))[DRAWN]
    assert found.total.value.tolist() == [240]
    assert set(found.points) == {"main"}


def test_levels_add_up() -> None:
    uses = (use("main", 10), use("canteen", 3), use("hall-meter", 5))
    school, hall = totals("school", TOWN, *uses)[DRAWN], totals("hall", TOWN, *uses)[DRAWN]
    for level in ("street", "town"):
        assert totals(level, TOWN, *uses)[DRAWN].total.total == school.total.total + hall.total.total


def test_a_sub_meter_counts_where_its_parent_is_not() -> None:
    layout = Layout(
        places=(lies_in("kitchen", "school"),),
        points=(hangs_in("main", "school"), hangs_in("oven", "kitchen")),
        sub_meters=(part_of("oven", "main"),),
    )
    assert totals("kitchen", layout, use("main", 10), use("oven", 4))[DRAWN].total.total == 96
    assert totals("school", layout, use("main", 10), use("oven", 4))[DRAWN].total.total == 240


def test_a_sub_meter_of_a_sub_meter_is_not_added_although_the_middle_one_is_elsewhere() -> None:
    layout = Layout(
        points=(hangs_in("main", "school"), hangs_in("middle", "elsewhere"), hangs_in("oven", "school")),
        sub_meters=(part_of("middle", "main"), part_of("oven", "middle")),
    )
    assert set(totals("school", layout, use("main", 10), use("middle", 5), use("oven", 4))[DRAWN].points) == {"main"}


def test_a_parent_point_of_another_kind_hides_nothing() -> None:
    layout = Layout(points=(hangs_in("main", "school"), hangs_in("roof", "school")), sub_meters=(part_of("roof", "main"),))
    found = totals("school", layout, use("main", 10), use("roof", 4, GIVEN))
    assert found[DRAWN].total.total == 240
    assert found[GIVEN].total.total == 96


def test_kinds_are_never_added_to_each_other() -> None:
    layout = Layout(points=(hangs_in("main", "school"),))
    found = totals("school", layout, use("main", 10), use("main", 4, GIVEN))
    assert {kind: one.total.total for kind, one in found.items()} == {DRAWN: 240, GIVEN: 96}


def test_a_place_that_moves_within_a_slot_counts_on_each_side_for_its_time() -> None:
    layout = Layout(
        places=(lies_in("house", "north", until(10.5)), lies_in("house", "south", since(10.5))), points=(hangs_in("meter", "house"),)
    )
    north, south = totals("north", layout, use("meter", 10))[DRAWN], totals("south", layout, use("meter", 10))[DRAWN]
    assert (north.total.total, south.total.total) == (105, 135)
    assert north.total.coverage.tolist() == [1.0]
    assert totals("south", layout, use("meter", 10), granularity=Granularity.HOUR)[DRAWN].total.value.tolist()[9:12] == [0, 5, 10]


def test_an_odd_value_is_neither_lost_nor_doubled_where_a_parent_changes() -> None:
    layout = Layout(points=(hangs_in("meter", "north", until(0.37)), hangs_in("meter", "south", since(0.37))))
    parts = [totals(place, layout, use("meter", 7, hours=1), granularity=Granularity.TEN_MINUTES, hours=1) for place in ("north", "south")]
    assert sum(part[DRAWN].total.total for part in parts if DRAWN in part) in (0, 7)
    days = [totals(place, layout, use("meter", 7, hours=1))[DRAWN].total.total for place in ("north", "south")]
    assert sum(days) == 7


def test_a_sub_meter_counts_once_its_parent_is_gone() -> None:
    layout = Layout(points=(hangs_in("main", "school", until(12)), hangs_in("canteen", "school")), sub_meters=(part_of("canteen", "main"),))
    found = totals("school", layout, use("main", 10), use("canteen", 3))[DRAWN]
    assert found.total.total == 12 * 10 + 12 * 3


def test_a_point_without_readings_lowers_the_coverage() -> None:
    layout = Layout(points=(hangs_in("one", "school"), hangs_in("two", "school")))
    found = totals("school", layout, use("one", 10), use("two", None))[DRAWN]
    assert found.total.coverage.tolist() == [0.5]
    assert found.points[PointId("two")].known.tolist() == [False]
    assert found.total.known.tolist() == [True]


def test_a_place_without_points_has_no_total_rather_than_zero() -> None:
    assert totals("elsewhere", TOWN, use("main", 10)) == {}


def test_a_point_with_two_places_at_once_is_refused() -> None:
    layout = Layout(points=(hangs_in("meter", "north"), hangs_in("meter", "south", since(3))))
    with pytest.raises(TwoParents) as refusal:
        totals("north", layout, use("meter", 1))
    assert refusal.value.metadata["child"] == "meter"


def test_places_in_a_circle_do_not_hang() -> None:
    layout = Layout(places=(lies_in("a", "b"), lies_in("b", "a")), points=(hangs_in("meter", "a"),))
    assert totals("town", layout, use("meter", 1)) == {}
    assert boundary_stretches(PlaceId("b"), layout, frozenset({PointId("meter")}), 0, 10) == {PointId("meter"): ((0, 10),)}
