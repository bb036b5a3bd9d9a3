"""Place totals over any tree, with parents and changes of parent, against a model that looks at every minute by itself."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.domain.consumption.pieces import Pieces, pieces
from metering.domain.consumption.places import Layout, PlaceParent, PointParent, PointPlace, PointUse, UseKind, place_totals
from vocabulary.civil import Granularity
from vocabulary.flux import Direction, Flux, Quantity
from vocabulary.interval import Interval, Validity
from vocabulary.names import PlaceId, PointId

DRAWN = UseKind(flux=Flux.ELECTRICITY, quantity=Quantity.ENERGY, direction=Direction.IMPORT)
MINUTE, MINUTES = 60, 180
UTC_ZONE = ZoneInfo("UTC")
PLACES = [PlaceId(f"place-{at}") for at in range(6)]
POINTS = [PointId(f"point-{at}") for at in range(5)]


@dataclass(frozen=True)
class Town:
    """A town with facts that change at most twice each, and points that use something each minute, or nothing known."""

    layout: Layout
    known: dict[PointId, list[int | None]]


@st.composite
def dated(draw: st.DrawFn, choices: list[str]) -> list[tuple[str, Validity]]:
    """Draw who the parent is over time: none, or one after another."""
    cuts = sorted(draw(st.lists(st.integers(1, MINUTES - 1), max_size=2, unique=True)))
    bounds = [None, *(datetime.fromtimestamp(cut * MINUTE, UTC) for cut in cuts), None]
    chosen = [draw(st.sampled_from([None, *choices])) for _ in range(len(cuts) + 1)]
    return [(parent, Validity(start=bounds[at], end=bounds[at + 1])) for at, parent in enumerate(chosen) if parent is not None]


@st.composite
def towns(draw: st.DrawFn) -> Town:
    # A parent comes earlier in the list, so that there is no circle.
    places = [
        PlaceParent(place=place, parent=PlaceId(parent), validity=validity)
        for at, place in enumerate(PLACES)
        for parent, validity in draw(dated(list(PLACES[:at])))
    ]
    points = [
        PointPlace(point=point, place=PlaceId(place), validity=validity)
        for point in POINTS
        for place, validity in draw(dated(list(PLACES)))
    ]
    subs = [
        PointParent(point=point, parent=PointId(parent), validity=validity)
        for at, point in enumerate(POINTS)
        for parent, validity in draw(dated(list(POINTS[:at])))
    ]
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    drawn = {point: chance.integers(-300, 1_000, MINUTES).tolist() for point in POINTS}
    known: dict[PointId, list[int | None]] = {point: [None if value < 0 else value for value in values] for point, values in drawn.items()}
    return Town(layout=Layout(places=tuple(places), points=tuple(points), sub_meters=tuple(subs)), known=known)


def by_minute(values: list[int | None]) -> Pieces:
    rows = [(at * MINUTE, value) for at, value in enumerate(values) if value is not None]
    return pieces([at for at, _ in rows], [at + MINUTE for at, _ in rows], [value for _, value in rows])


def parent_of(child: str, rows: list[tuple[str, str, Validity]], at: datetime) -> str | None:
    return next((parent for one, parent, validity in rows if one == child and validity.contains(at)), None)


def ancestors(child: str, rows: list[tuple[str, str, Validity]], at: datetime) -> list[str]:
    found: list[str] = []
    parent = parent_of(child, rows, at)
    while parent is not None:
        found.append(parent)
        parent = parent_of(parent, rows, at)
    return found


def boundary(place: PlaceId, layout: Layout, at: datetime) -> list[PointId]:
    """Tell by the plain words of the rule which points count at an instant."""
    places = [(str(row.place), str(row.parent), row.validity) for row in layout.places]
    homes = [(str(row.point), str(row.place), row.validity) for row in layout.points]
    subs = [(str(row.point), str(row.parent), row.validity) for row in layout.sub_meters]
    inside = {point for point in POINTS if (home := parent_of(point, homes, at)) and place in (home, *ancestors(home, places, at))}
    return [point for point in POINTS if point in inside and not inside.intersection(ancestors(point, subs, at))]


@settings(deadline=None)
@given(towns(), st.sampled_from(PLACES), st.sampled_from([Granularity.TEN_MINUTES, Granularity.HOUR, Granularity.DAY]))
def test_totals_are_those_of_a_minute_by_minute_model(town: Town, place: PlaceId, granularity: Granularity) -> None:
    uses = [PointUse(point=point, kind=DRAWN, pieces=by_minute(values)) for point, values in town.known.items()]
    during = Interval(start=datetime.fromtimestamp(0, UTC), end=datetime.fromtimestamp(MINUTES * MINUTE, UTC))
    found = place_totals(place, town.layout, uses, during, granularity, UTC_ZONE).get(DRAWN)
    model: dict[int, list[int | None]] = {}
    step = {Granularity.TEN_MINUTES: 10, Granularity.HOUR: 60, Granularity.DAY: 1_440}[granularity]
    for minute in range(MINUTES):
        at = datetime.fromtimestamp(minute * MINUTE, UTC)
        model.setdefault(minute // step, []).extend(town.known[point][minute] for point in boundary(place, town.layout, at))
    if found is None:
        assert not any(model.values())
        return
    for slot, values in model.items():
        known = [value for value in values if value is not None]
        assert int(found.total.value[slot]) == sum(known)
        assert bool(found.total.known[slot]) is bool(known)
    assert found.total.total == sum(one.total for one in found.points.values())


@settings(deadline=None)
@given(towns())
def test_a_place_without_meters_of_its_own_or_across_is_the_sum_of_its_children(town: Town) -> None:
    # Only facts within one child: no point hangs on the root, and none is part of another.
    points = tuple(row for row in town.layout.points if row.place != PLACES[0])
    layout = Layout(places=tuple(PlaceParent(place=place, parent=PLACES[0], validity=Validity()) for place in PLACES[1:]), points=points)
    uses = [PointUse(point=point, kind=DRAWN, pieces=by_minute(values)) for point, values in town.known.items()]
    during = Interval(start=datetime.fromtimestamp(0, UTC), end=datetime.fromtimestamp(MINUTES * MINUTE, UTC))

    def total(place: PlaceId) -> int:
        found = place_totals(place, layout, uses, during, Granularity.TEN_MINUTES, UTC_ZONE).get(DRAWN)
        return 0 if found is None else found.total.total

    assert total(PLACES[0]) == sum(total(place) for place in PLACES[1:])
