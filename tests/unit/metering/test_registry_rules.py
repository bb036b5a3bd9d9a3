"""Rules of the registry that need no store."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from metering.domain.registry.dated import united
from metering.domain.registry.failures import (
    DeviceOrder,
    FieldFault,
    InvalidIdentifier,
    InvalidOutline,
    NotADwelling,
    OverlappingValidities,
    SeveralFaults,
)
from metering.domain.registry.geometry import outline
from metering.domain.registry.identifiers import Identifier
from metering.domain.registry.moves import Move, moved_home, moved_point
from metering.domain.registry.places import Place, PlaceParent
from metering.domain.registry.point_rules import exchanged
from metering.domain.registry.points import Contract, Device, MeteringPoint, PointPlace, main_channel
from metering.domain.registry.premises import Dwelling, OpeningHours, PublicSite, Vacancy
from metering.domain.registry.reach import Reach, Sight, place_seen, point_seen
from metering.domain.registry.reference_rows import CalorificBasis, GasCoefficient, ReferenceRow, SchoolHoliday, check_row, effective
from vocabulary.flux import Flux
from vocabulary.interval import Validity
from vocabulary.names import PlaceId, PointId
from vocabulary.place import PlaceLevel

HOME, ELSEWHERE = PlaceId("home"), PlaceId("elsewhere")
DAY = timedelta(days=1)
JAN, MAR, JUN, SEP = (datetime(2025, month, 1, tzinfo=UTC) for month in (1, 3, 6, 9))


def home(**fields: Any) -> Place:
    values: dict[str, Any] = {"parents": (PlaceParent(parent=PlaceId("root")),), "premise": Dwelling(occupants=3)}
    return Place(place_id=HOME, level=PlaceLevel.PREMISE, **(values | fields))


def point(*places: PointPlace, **fields: Any) -> MeteringPoint:
    where = places or (PointPlace(place=HOME),)
    return MeteringPoint(point_id=PointId("m"), flux=Flux.WATER, places=where, channels=(main_channel(Flux.WATER),), **fields)


def contracts(of: MeteringPoint) -> list[tuple[str, datetime | None, datetime | None]]:
    return [(contract.reference, contract.validity.start, contract.validity.end) for contract in of.contracts]


@pytest.mark.parametrize(("scheme", "value"), [("prm", "12345678901234"), ("pce", "GI123456"), ("insee", "2A004"), ("anything", "ü 7")])
def test_an_identifier_has_the_form_of_its_scheme(scheme: str, value: str) -> None:
    assert str(Identifier(scheme=scheme, value=value)) == f"{scheme}:{value}"


@pytest.mark.parametrize(
    ("scheme", "value"), [("prm", "1234567890123"), ("pce", "GI12345"), ("insee", "1"), ("x", ""), ("X", "1"), ("x", "a\n")]
)
def test_an_identifier_of_another_form_is_refused(scheme: str, value: str) -> None:
    with pytest.raises(InvalidIdentifier):
        Identifier(scheme=scheme, value=value)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"type":"GeometryCollection","geometries":[]}',
        '{"type":"Point","coordinates":[3]}',
        '{"type":"Point","coordinates":[3,NaN]}',
        '{"type":"Point","coordinates":[3,91]}',
        '{"type":"LineString","coordinates":[[3,45]]}',
        '{"type":"Polygon","coordinates":[[[3,45],[4,45],[4,46],[3,46]]]}',
        '{"type":"Polygon","coordinates":[]}',
        '{"type":"Point","coordinates":' + "[" * 100_000,
    ],
)
def test_an_outline_that_is_no_geometry_of_wgs84_is_refused(text: str) -> None:
    with pytest.raises(InvalidOutline):
        outline(text)


def test_an_outline_loses_spaces_and_foreign_members() -> None:
    assert outline('{ "type": "Point", "coordinates": [3, 45.5, 120], "x": 1 }') == '{"type":"Point","coordinates":[3,45.5,120]}'


def test_every_fault_of_a_value_is_told_at_once() -> None:
    with pytest.raises(SeveralFaults) as several:
        Dwelling(area_square_metres=0, occupants=31)
    assert [violation.field for violation in several.value.violations] == ["area_square_metres", "occupants"]


def test_dated_facts_are_kept_in_order_and_never_overlap() -> None:
    late, early = Vacancy(validity=Validity(start=JUN)), Vacancy(validity=Validity(start=JAN, end=MAR))
    assert Dwelling(vacancies=(late, early)).vacancies == (early, late)
    with pytest.raises(OverlappingValidities):
        Dwelling(vacancies=(late, Vacancy(validity=Validity(start=SEP))))


def test_a_site_is_never_open_twice_at_once() -> None:
    morning = OpeningHours(weekday=1, start_minute=480, end_minute=720)
    with pytest.raises(FieldFault):
        PublicSite(opening_hours=(morning, OpeningHours(weekday=1, start_minute=700, end_minute=800)))


def test_validities_that_touch_or_overlap_become_one() -> None:
    assert united([Validity(start=MAR, end=JUN), Validity(start=JAN, end=MAR), Validity(start=SEP)]) == (
        Validity(start=JAN, end=JUN),
        Validity(start=SEP),
    )
    assert united([Validity(), Validity(start=JAN, end=MAR)]) == (Validity(),)


def test_a_move_leaves_contracts_of_places_that_the_point_goes_to_later() -> None:
    places = (PointPlace(place=HOME, validity=Validity(end=SEP)), PointPlace(place=ELSEWHERE, validity=Validity(start=SEP)))
    before = (Contract(reference="old", validity=Validity(end=SEP)), Contract(reference="later", validity=Validity(start=SEP)))
    moved = moved_point(point(*places, contracts=before), HOME, Move(out=MAR, into=None, contracts={}))
    assert contracts(moved) == [("old", None, MAR), ("later", SEP, None)]


def test_a_move_leaves_points_that_came_later_and_takes_up_those_that_come_with_it() -> None:
    places = (PointPlace(place=ELSEWHERE, validity=Validity(end=JUN)), PointPlace(place=HOME, validity=Validity(start=JUN)))
    before = (Contract(reference="neighbour", validity=Validity(end=JUN)),)
    unmoved = point(*places, contracts=before)
    assert moved_point(unmoved, HOME, Move(out=JAN, into=MAR, contracts={})) == unmoved
    moved = moved_point(unmoved, HOME, Move(out=MAR, into=JUN, contracts={PointId("m"): Contract(reference="new")}))
    assert contracts(moved) == [("neighbour", None, JUN), ("new", JUN, None)]


def test_a_second_report_of_a_move_corrects_the_first() -> None:
    first = moved_home(home(), Move(out=MAR, into=None, contracts={}))
    second = moved_home(first, Move(out=JAN, into=JUN, contracts={}))
    assert second.premise == Dwelling(vacancies=(Vacancy(validity=Validity(start=JAN, end=JUN)),))


def test_only_homes_are_moved_out_of() -> None:
    with pytest.raises(NotADwelling):
        moved_home(home(premise=PublicSite()), Move(out=JAN, into=None, contracts={}))


def test_a_device_is_exchanged_after_it_was_installed() -> None:
    installed = point(devices=(Device(serial="a", validity=Validity(start=MAR)),))
    changed = exchanged(installed, Device(serial="b"), JUN)
    assert [(device.serial, device.validity) for device in changed.devices] == [
        ("a", Validity(start=MAR, end=JUN)),
        ("b", Validity(start=JUN)),
    ]
    for at in (JAN, MAR):
        with pytest.raises(DeviceOrder):
            exchanged(installed, Device(serial="b"), at)


def test_several_grants_show_the_most_that_any_of_them_shows() -> None:
    lives_there = Sight(place=HOME, at=JUN, occupancy=Validity(start=MAR), personal=True)
    manages, administers = Sight(place=None, at=JUN), Sight(place=None, at=JUN, personal=True)
    assert place_seen(home(), Reach(sights=()).of([manages]), JUN).premise == Dwelling()
    assert place_seen(home(), Reach(sights=()).of([manages, lives_there]), JUN).premise == Dwelling(occupants=3)
    assert place_seen(home(), Reach(sights=()).of([manages, lives_there, administers]), JAN).premise == Dwelling(occupants=3)
    assert place_seen(home(), Reach(sights=()).of([lives_there]), JAN).premise == Dwelling()


def test_a_point_that_has_nothing_to_do_with_an_occupancy_is_not_shown() -> None:
    view = Reach(sights=()).of([Sight(place=HOME, at=JUN, occupancy=Validity(start=JUN, end=SEP), personal=True)])
    gone = point(PointPlace(place=HOME, validity=Validity(end=MAR)))
    assert point_seen(gone, view, at_home=True) is None


def row(first: date | None, end: date | None, *, starter: bool, wh: float = 11_000) -> ReferenceRow:
    content = GasCoefficient(network="n", wh_per_cubic_metre=wh, basis=CalorificBasis.GROSS)
    return ReferenceRow(content=content, first=first, end=end, source="s", starter=starter)


def days(rows: list[ReferenceRow]) -> list[tuple[date | None, date | None, bool]]:
    return [(each.first, each.end, each.starter) for each in rows]


def test_a_starter_row_holds_where_no_own_row_does() -> None:
    spring, summer = date(2025, 4, 1), date(2025, 7, 1)
    starter = row(None, None, starter=True)
    assert days(effective([starter, row(spring, summer, starter=False)])) == [
        (None, spring, True),
        (spring, summer, False),
        (summer, None, True),
    ]
    assert days(effective([starter, row(None, None, starter=False)])) == [(None, None, False)]
    assert days(effective([starter, row(None, spring, starter=False), row(summer, None, starter=False)])) == [
        (None, spring, False),
        (spring, summer, True),
        (summer, None, False),
    ]


def test_a_holiday_that_a_territory_moved_leaves_nothing_of_the_starter_holiday_of_that_year() -> None:
    def holiday(first: date, *, starter: bool) -> ReferenceRow:
        content = SchoolHoliday(zone="A", display_name="Toussaint")
        return ReferenceRow(content=content, first=first, end=first + 14 * DAY, source="s", starter=starter)

    starters = [holiday(date(2025, 10, 18), starter=True), holiday(date(2026, 10, 17), starter=True)]
    own = holiday(date(2025, 10, 20), starter=False)
    assert days(effective([*starters, own])) == [
        (date(2025, 10, 20), date(2025, 11, 3), False),
        (date(2026, 10, 17), date(2026, 10, 31), True),
    ]


def test_own_rows_of_a_key_replace_each_other_by_first_day_and_never_overlap() -> None:
    spring, summer = date(2025, 4, 1), date(2025, 7, 1)
    known = [row(spring, None, starter=False)]
    check_row(row(spring, summer, starter=False), known)
    with pytest.raises(OverlappingValidities):
        check_row(row(summer, None, starter=False), known)
